"""What support does on a tenant's behalf, and that the tenant can see it."""

from __future__ import annotations

import re

import pytest
from django.urls import reverse

from platforms import transport
from platforms.models import App, Authorization, LinkAttempt, Order, Quarantined, TenantKey
from tenants.access import SUPPORT_TENANT
from tenants.models import Outcome, Store, Tenant
from tenants.scope import all_tenants
from tests.support.wire import Script


def store_url(desk, name: str) -> str:
    return reverse(f"admin:tenants_store_{name}", args=[desk.world.tea.pk])


def act_on(desk, *stores: Store, action: str):
    data = {"action": action, "_selected_action": [store.pk for store in stores]}
    return desk.agent.post(reverse("admin:tenants_store_changelist"), data, follow=True)


def by_agent(desk, verb: str):
    (event,) = desk.events(verb)
    assert (event.on_behalf, event.actor) == (True, desk.agent_user)
    return event


def state_of(store: Store) -> str:
    with all_tenants("looking"):
        return Store.objects.get(pk=store.pk).state


def test_pausing_and_resuming(desk):
    desk.agent.post(store_url(desk, "pause"))
    assert state_of(desk.world.tea) == "paused"
    by_agent(desk, "store.paused")

    desk.agent.post(store_url(desk, "resume"))
    assert state_of(desk.world.tea) == "active"
    by_agent(desk, "store.resumed")


def test_pulling_makes_the_stream_due(desk):
    with all_tenants("not due"):
        type(desk.stream).objects.update(due_at=None)
    desk.agent.post(store_url(desk, "pull"))
    with all_tenants("looking"):
        assert type(desk.stream).objects.get().due_at is not None
    by_agent(desk, "store.pull_asked")


def test_what_a_state_forbids_is_left_alone_and_said(desk):
    page = act_on(desk, desk.world.tea, desk.world.silk, action="resume_selected")
    assert "was left alone" in page.content.decode()
    assert desk.events("store.resumed") == []


def test_list_actions_do_what_the_buttons_do(desk):
    act_on(desk, desk.world.tea, desk.world.silk, action="pause_selected")
    assert [state_of(s) for s in (desk.world.tea, desk.world.silk)] == ["paused", "paused"]
    assert len(desk.events("store.paused")) == 2


def test_buttons_take_no_get(desk):
    for name in ("pause", "resume", "pull", "refresh", "relink"):
        assert desk.agent.get(store_url(desk, name)).status_code == 405
    assert state_of(desk.world.tea) == "active"


def test_refreshing_now_brings_a_new_token(desk):
    answer = {"access_token": "v^1.1#new", "expires_in": 7200, "token_type": "User Access Token"}
    with transport.use_wire(Script((200, answer))):
        page = desk.agent.post(store_url(desk, "refresh"), follow=True).content.decode()
    assert "the access token is new" in page
    assert "v^1.1#new" not in page
    assert by_agent(desk, "authorization.refresh_asked").outcome == Outcome.DONE


def test_a_refused_refresh_says_so(desk):
    with transport.use_wire(Script((400, {"error": "invalid_grant"}))):
        page = desk.agent.post(store_url(desk, "refresh"), follow=True).content.decode()
    assert "has to be linked again" in page
    assert by_agent(desk, "authorization.refresh_asked").outcome == Outcome.FAILED


def test_a_hand_over_link_is_shown_once_and_renews_the_same_grant(desk):
    form = {"mode": "authorization_code", "valid_for": "86400"}
    answer = desk.agent.post(store_url(desk, "hand_over"), form)
    (link,) = re.findall(r'value="(http://127\.0\.0\.1:8000/[^"]+)"', answer.content.decode())
    assert "no-store" in answer["Cache-Control"]
    with all_tenants("looking"):
        attempt = LinkAttempt.objects.get(on_behalf=True)
    assert (attempt.relinks, attempt.started_by) == (desk.authorization, desk.agent_user)
    by_agent(desk, "link.handed_over")
    page = desk.agent.get(reverse("admin:platforms_linkattempt_change", args=[attempt.pk]))
    assert link.rstrip("/").rpartition("/")[2] not in page.content.decode()


def test_a_hand_over_form_names_what_is_wrong(desk):
    page = desk.agent.post(store_url(desk, "hand_over"), {"mode": "auth_n_auth", "valid_for": "1"})
    assert set(page.context["form"].errors) == {"mode", "valid_for"}
    assert desk.events("link.handed_over") == []


def test_the_wizard_opens_for_the_tenant_of_the_store(desk):
    answer = desk.agent.post(store_url(desk, "relink"))
    assert str(desk.world.tea.public_id) in answer["Location"]
    assert desk.agent.session[SUPPORT_TENANT] == str(desk.world.lotus.public_id)
    by_agent(desk, "support.wizard_opened")
    assert desk.agent.get(answer["Location"]).status_code == 200


def test_a_new_store_is_linked_from_the_tenants_page(desk):
    url = reverse("admin:tenants_tenant_link_store", args=[desk.world.maple.pk])
    answer = desk.agent.post(url)
    assert answer["Location"] == reverse("link_start")
    assert desk.agent.session[SUPPORT_TENANT] == str(desk.world.maple.public_id)


def test_two_stores_cannot_be_relinked_at_once(desk):
    page = act_on(desk, desk.world.tea, desk.world.silk, action="relink_selected")
    assert "Choose one store" in page.content.decode()
    assert SUPPORT_TENANT not in desk.agent.session


# --- quarantine


def quarantine_url(row: Quarantined, name: str) -> str:
    return reverse(f"admin:platforms_quarantined_{name}", args=[row.pk])


def again(row: Quarantined) -> Quarantined:
    with all_tenants("looking"):
        return Quarantined.objects.get(pk=row.pk)


def test_a_record_that_can_be_read_by_now_becomes_an_order(desk):
    page = desk.agent.post(quarantine_url(desk.readable, "release"), follow=True).content.decode()
    assert "is an order now" in page
    row = again(desk.readable)
    assert (row.state, bool(row.settled_at)) == ("released", True)
    with all_tenants("looking"):
        assert Order.objects.filter(store=desk.world.tea, number=row.number).exists()
    by_agent(desk, "quarantine.released")


def test_releasing_twice_lands_once(desk):
    for _time in range(2):
        page = desk.agent.post(quarantine_url(desk.readable, "release"), follow=True)
    assert "settled before" in page.content.decode()
    with all_tenants("looking"):
        assert Order.objects.count() == 2
    assert len(desk.events("quarantine.released")) == 1


def test_a_record_that_still_cannot_be_read_says_why_and_waits(desk):
    page = desk.agent.post(quarantine_url(desk.unreadable, "release"), follow=True)
    assert "still cannot be read: Expected `str`, got `int`" in page.content.decode()
    assert again(desk.unreadable).state == "waiting"
    assert by_agent(desk, "quarantine.released").outcome == Outcome.FAILED


def test_a_record_of_a_stream_that_is_gone_is_released_by_its_store(desk):
    with all_tenants("the stream goes"):
        Quarantined.objects.update(stream=None)
    desk.agent.post(quarantine_url(desk.readable, "release"))
    assert again(desk.readable).state == "released"


def test_several_are_released_together(desk):
    data = {
        "action": "release_selected",
        "_selected_action": [desk.readable.pk, desk.unreadable.pk],
    }
    desk.agent.post(reverse("admin:platforms_quarantined_changelist"), data)
    assert [again(desk.readable).state, again(desk.unreadable).state] == ["released", "waiting"]


def test_dismissing_asks_for_a_note(desk):
    url = quarantine_url(desk.unreadable, "dismiss")
    assert desk.agent.get(url).status_code == 200
    assert "note" in desk.agent.post(url, {"note": " "}).context["form"].errors
    assert again(desk.unreadable).state == "waiting"

    desk.agent.post(url, {"note": "A test order of eBay."})
    row = again(desk.unreadable)
    assert (row.state, row.settled_note) == ("dismissed", "A test order of eBay.")
    by_agent(desk, "quarantine.dismissed")


def test_several_are_dismissed_with_one_note(desk):
    url = reverse("admin:platforms_quarantined_changelist")
    data = {
        "action": "dismiss_selected",
        "_selected_action": [desk.readable.pk, desk.unreadable.pk],
    }
    assert "Why is it put aside?" in desk.agent.post(url, data).content.decode()
    desk.agent.post(url, data | {"note": "Twice."})
    assert [again(desk.readable).state, again(desk.unreadable).state] == ["dismissed"] * 2


def test_a_raw_record_is_masked_until_it_is_asked_for(desk):
    page = desk.agent.get(quarantine_url(desk.unreadable, "look")).content.decode()
    assert "li_wei_77" not in page
    assert "orderId" in page
    assert desk.events("quarantine.raw_viewed") == []

    page = desk.agent.post(quarantine_url(desk.unreadable, "show")).content.decode()
    assert "li_wei_77" in page
    by_agent(desk, "quarantine.raw_viewed")


# --- orders


def test_opening_an_order_is_an_event(desk):
    page = desk.agent.get(reverse("admin:platforms_order_change", args=[desk.order.pk]))
    assert page.status_code == 200
    by_agent(desk, "order.viewed")


def test_an_order_as_received_is_an_event_of_its_own(desk):
    url = reverse("admin:platforms_order_raw", args=[desk.order.pk])
    assert desk.agent.get(url).status_code == 405
    assert desk.order.number in desk.agent.post(url).content.decode()
    assert by_agent(desk, "order.raw_viewed").target_name == desk.order.number


def test_an_order_whose_raw_form_has_expired_says_so(desk):
    with all_tenants("retention"):
        desk.order.raw.delete()
    url = reverse("admin:platforms_order_raw", args=[desk.order.pk])
    assert "not kept any more" in desk.agent.post(url).content.decode()


# --- tenants


def test_only_a_superuser_deletes_a_tenant_and_its_key_goes_first(desk):
    url = reverse("admin:tenants_tenant_delete", args=[desk.world.lotus.pk])
    assert desk.agent.post(url, {"post": "yes"}).status_code == 403
    with all_tenants("an application of their own"):
        own = App.objects.create(
            tenant=desk.world.lotus, platform="ebay", name="own", client_id="c", sealed_secret=b"x"
        )
        Authorization.objects.update(app=own)

    page = desk.chief.get(url).content.decode()
    assert desk.order.number not in page
    assert desk.chief.post(url, {"post": "yes"}).status_code == 302
    with all_tenants("nothing is left"):
        assert list(Tenant.objects.values_list("slug", flat=True)) == ["maple"]
        for model in (TenantKey, Authorization, Order, Quarantined):
            assert not model.objects.filter(tenant_id=desk.world.lotus.pk).exists()


@pytest.mark.parametrize("action", ["delete_selected"])
def test_tenants_are_not_deleted_from_the_list(desk, action):
    data = {"action": action, "_selected_action": [desk.world.lotus.pk], "post": "yes"}
    desk.chief.post(reverse("admin:tenants_tenant_changelist"), data)
    assert Tenant.objects.count() == 2
