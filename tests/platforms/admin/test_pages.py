"""Every page of the desk: who may open it, what must never be on it, what it costs."""

from __future__ import annotations

import base64

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from platforms import credentials
from platforms.models import Authorization, LinkAttempt, Stream
from tenants.models import Event, Outcome
from tenants.scope import all_tenants
from tenants.support import DeskAdmin
from tenants.support_labels import LABELS
from tests.conftest import make_store, make_user
from tests.platforms.admin.conftest import NOW, SECRETS, quarantine

OURS = [
    model
    for model in admin.site._registry
    if model._meta.app_label in ("tenants", "platforms", "accounts", "django_q")
]
NAMES = sorted(f"{model._meta.app_label}_{model._meta.model_name}" for model in OURS)
OF_TENANTS = [
    "tenants_store", "tenants_membership", "platforms_authorization", "platforms_stream",
    "platforms_linkattempt", "platforms_quarantined", "platforms_order", "platforms_pullrun",
    "tenants_event", "platforms_consent",
]  # fmt: skip


def every_page():
    """The list of each model and the page of each row there is."""
    with all_tenants("the desk sees every tenant"):
        for model in OURS:
            name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
            yield reverse(f"{name}_changelist")
            for pk in model._default_manager.values_list("pk", flat=True):
                yield reverse(f"{name}_change", args=[pk])


def test_columns_that_are_shown_have_names_for_people():
    for model, desk in admin.site._registry.items():
        if not isinstance(desk, DeskAdmin):
            continue
        shown = {*desk.list_display, *(desk.fields or ())}
        known = {*LABELS, *desk.column_names}
        nameless = [
            field.name
            for field in model._meta.fields
            if field.name in shown and field._verbose_name is None and field.name not in known
        ]
        assert nameless == [], model


def test_no_page_holds_a_secret_or_the_hash_of_one(desk):
    with all_tenants("comparing what is stored"):
        sealed = [
            bytes(desk.app.sealed_secret),
            bytes(desk.authorization.sealed_credential),
            bytes(desk.attempt.sealed_verifier),
            bytes(desk.attempt.sealed_pending),
        ]
    forbidden = [*SECRETS, *desk.hashes, *(base64.b64encode(each).decode() for each in sealed)]
    pages = [(desk.agent, page) for page in every_page()]
    # Who may do everything sees other forms there.
    pages += [(desk.chief, page) for page in every_page() if "/platforms/app" in page]
    for client, page in pages:
        answer = client.get(page)
        assert answer.status_code == 200, page
        text = answer.content.decode()
        assert not [each for each in forbidden if each in text], page
    assert len(pages) > 40


def test_what_tells_credentials_apart_is_shown(desk):
    page = desk.agent.get(
        reverse("admin:platforms_authorization_change", args=[desk.authorization.pk])
    ).content.decode()
    for shown in ("…ZXJl", desk.authorization.fingerprint, "scope-asked", "scope-missing"):
        assert shown in page


@pytest.mark.parametrize("name", NAMES)
def test_nobody_saves_what_only_flows_may_write(desk, name):
    if name in ("accounts_user", "platforms_app") or name.startswith("django_q"):
        return
    assert desk.chief.get(reverse(f"admin:{name}_add")).status_code == 403
    with all_tenants("finding a row"):
        model = admin.site._registry  # the row's own page, posted to
        opts = next(m for m in model if f"{m._meta.app_label}_{m._meta.model_name}" == name)
        pk = opts._default_manager.values_list("pk", flat=True).first()
    answer = desk.chief.post(reverse(f"admin:{name}_change", args=[pk]), {"state": "active"})
    assert answer.status_code == 403


def test_who_is_not_staff_is_sent_to_sign_in(desk):
    client = desk.world.client(desk.world.anna)
    for page in every_page():
        assert client.get(page).status_code == 302


def test_staff_without_a_right_is_refused(desk):
    client = desk.world.client(make_user("new@storelink.example", is_staff=True))
    for page in every_page():
        assert client.get(page).status_code == 403


def test_staff_that_may_only_look_cannot_act_and_the_trail_says_they_tried(desk):
    looker = make_user("looker@storelink.example", is_staff=True)
    looker.user_permissions.add(Permission.objects.get(codename="view_store"))
    client = desk.world.client(looker)
    url = reverse("admin:tenants_store_pause", args=[desk.world.tea.pk])

    assert client.post(url).status_code == 403
    assert (
        "pause/"
        not in client.get(
            reverse("admin:tenants_store_change", args=[desk.world.tea.pk])
        ).content.decode()
    )
    (event,) = desk.events("support.refused")
    assert (event.outcome, event.on_behalf, event.actor) == (Outcome.DENIED, True, looker)


def test_the_group_support_manages_no_people_or_rights(desk):
    assert desk.agent_user.has_perm("tenants.change_store")
    for right in (
        "accounts.change_user", "accounts.add_user", "auth.change_group", "auth.view_group",
        "platforms.change_app", "django_q.change_schedule", "tenants.delete_tenant",
    ):  # fmt: skip
        assert not desk.agent_user.has_perm(right), right
    assert desk.agent.get(reverse("admin:auth_group_changelist")).status_code == 403


@pytest.mark.parametrize("name", OF_TENANTS)
def test_a_longer_list_costs_no_more_queries(desk, name):
    url = reverse(f"admin:{name}_changelist")
    desk.agent.get(url)
    before = _queries(desk.agent, url)
    with all_tenants("more of everything"):
        for number in range(4):
            _more(desk, number)
    assert _queries(desk.agent, url) == before


def _queries(client, url: str) -> int:
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert client.get(url).status_code == 200
    return len(queries)


def _more(desk, number: int) -> None:
    from tenants.flows.record_event import record_event
    from tenants.models import Membership

    lotus = desk.world.lotus
    grant = Authorization(
        tenant=lotus, platform="ebay", mode="authorization_code", account_id=f"n{number}",
        app=desk.app,
    )  # fmt: skip
    grant.sealed_credential = credentials.sealed(grant, {"refresh_token": "x" * 20})
    grant.save()
    store = make_store(lotus, "ebay", f"more{number}", site="US", authorization=grant)
    stream = Stream.objects.create(
        tenant=lotus, authorization=grant, store=store, starts_at=NOW, watermark=NOW
    )
    stream.runs.create(tenant=lotus, started_at=NOW, since=NOW, until=NOW)
    grant.consents.create(tenant=lotus, at=NOW, mode="authorization_code", by_name="anna")
    LinkAttempt.objects.create(
        tenant=lotus, platform="ebay", mode="authorization_code", started_by=desk.world.bo
    )
    quarantine(stream, b"{%d" % number)
    user = make_user(f"more{number}@lotus.example")
    Membership.objects.create(tenant=lotus, user=user)
    record_event(tenant=lotus, verb="store.paused", actor=user, now=NOW, target=store)
    order = desk.order
    order.pk, order._state.adding = None, True
    order.public_id, order.number, order.store = None, f"A-{number}", store
    order.public_id = Stream._meta.get_field("public_id").get_default()
    order.save()


def test_lists_find_by_what_a_customer_says(desk):
    for name, words in (
        ("tenants_membership", "bo@lotus.example"),
        ("tenants_tenant", "lotus"),
        ("tenants_store", "tea"),
        ("platforms_linkattempt", "tea2"),
        ("platforms_order", desk.order.number),
        ("platforms_stream", "tea"),
        ("accounts_user", "bo@lotus"),
    ):
        page = desk.agent.get(reverse(f"admin:{name}_changelist"), {"q": words})
        assert page.context["cl"].result_count >= 1, name
        other = desk.agent.get(reverse(f"admin:{name}_changelist"), {"q": "nobody-says-this"})
        assert other.context["cl"].result_count == 0, name


def test_a_list_stays_inside_the_tenant_that_was_chosen(desk):
    url = reverse("admin:tenants_store_changelist")
    page = desk.agent.get(url, {"tenant": desk.world.maple.pk})
    assert [row.account_name for row in page.context["cl"].result_list] == ["syrup"]
    assert desk.agent.get(url, {"tenant": "x"}).context["cl"].result_count == 0


def test_a_big_list_is_counted_to_its_cap_only(desk, monkeypatch):
    monkeypatch.setattr("tenants.support.CappedPaginator.MOST", 3)
    page = desk.agent.get(reverse("admin:tenants_store_changelist"))
    assert page.context["cl"].result_count == 3
    assert "first of more" in page.content.decode()


def test_a_broken_trail_is_noticed_and_the_check_is_itself_an_event(desk):
    url = reverse("admin:tenants_tenant_check_trail", args=[desk.world.lotus.pk])
    desk.agent.post(url)
    with all_tenants("somebody changes history"):
        Event.objects.filter(tenant=desk.world.lotus).update(verb="nothing.happened")
    page = desk.agent.post(url, follow=True).content.decode()
    assert "was changed at event 1" in page
    assert desk.events("trail.checked")[-1].outcome == Outcome.FAILED
