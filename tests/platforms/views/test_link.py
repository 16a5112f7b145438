"""The linking wizard: every way to an end, happy or not, leaves a page that helps."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from platforms import tasks
from platforms.models import Authorization, Consent, LinkAttempt, Order, Stream
from tenants.access import SUPPORT_TENANT
from tenants.models import Binding, Duty, Event, Store
from tenants.scope import tenant_scope
from tests.conftest import join_support
from tests.platforms.views.conftest import Seller, fresh
from tests.support.linking import find_or_make_app, keys_of


@pytest.fixture
def lotus(world):
    with tenant_scope(world.lotus):
        yield world.lotus


def text(answer) -> str:
    """What can be read on a page, blanks folded."""
    return re.sub(r"\s+", " ", answer.content.decode())


# --- choosing


def test_the_wizard_offers_every_platform(anna):
    page = text(anna.client.get(reverse("link_start")))

    assert all(name in page for name in ("eBay", "Amazon", "Ozon", "Have ready", "What we read"))


def test_the_recommended_mode_comes_first_and_refused_ones_say_why(anna):
    page = text(anna.client.get(reverse("link_mode", args=["amazon"])))

    assert page.index("Agree in Seller Central") < page.index("Your own private application")
    assert page.index("Recommended") < page.index("Not offered")
    assert "Amazon switched MWS off on 1 April 2024" in page
    assert 'href="#mode-website_authorization"' in page


def test_a_refused_mode_cannot_be_begun(anna):
    answer = anna.client.post(
        reverse("link_name", args=["amazon", "mws_keys"]), {"account_name": "a"}
    )

    assert answer.url == reverse("link_mode", args=["amazon"])


def test_an_unknown_platform_is_not_there(anna):
    assert anna.client.get(reverse("link_mode", args=["bazaar"])).status_code == 404


def test_a_bad_name_comes_back_with_a_clean_one_to_take(anna, lotus):
    url = reverse("link_name", args=["ozon", "api_key"])

    page = text(anna.client.post(url, {"account_name": "my tea-shop!", "display_name": "茶"}))
    assert 'name="use" value="my_tea_shop"' in page
    assert 'value="茶"' in page

    anna.client.post(url, {"account_name": "my tea-shop!", "use": "my_tea_shop"})
    assert LinkAttempt.objects.get().account_name == "my_tea_shop"


def test_a_name_without_any_letter_is_given_one(anna):
    url = reverse("link_suggest", args=["ozon", "api_key"])

    assert 'value="ozon_1"' in text(anna.client.get(url, {"account_name": "旗舰店"}))


def test_a_taken_name_is_refused_and_the_next_free_one_suggested(anna):
    answer = anna.client.post(
        reverse("link_name", args=["ozon", "api_key"]), {"account_name": "rice"}
    )

    assert "You already have a store called rice there." in text(answer)
    assert 'value="rice_2"' in text(answer)


def test_amazon_asks_for_the_home_site(anna):
    url = reverse("link_name", args=["amazon", "website_authorization"])

    assert 'value="SG"' in text(anna.client.get(url))
    assert "Choose the site" in text(anna.client.post(url, {"account_name": "aurora"}))


# --- consent


def test_a_seller_agrees_at_ebay_and_sees_orders_arrive(anna, lotus):
    attempt = anna.begin_ebay(display_name="灯语家居")
    assert "Continue to eBay" in text(anna.page(attempt))

    back = anna.come_back(attempt)
    assert back.url == reverse("link_attempt", args=[attempt.public_id])
    page = text(anna.page(attempt))
    assert "Is this your shop?" in page
    assert "emu_lantern_home" in page
    assert "Completed in another browser" not in page

    done = anna.post(attempt, "link_confirm", bind_self="on")
    assert done.url == reverse("link_done", args=[attempt.public_id])
    assert "about to start" in text(anna.page(attempt, "link_done"))

    tasks.pump_orders()
    progress = text(anna.page(attempt, "link_progress"))
    store = Store.objects.get(account_name="lantern")
    arrived = Order.objects.filter(store=store).count()
    assert arrived > 0
    assert f"{arrived} orders are here" in progress
    assert "hx-trigger" not in progress
    assert f"?store={store.public_id}" in progress


def test_who_links_becomes_operator_only_if_it_stays_ticked(anna, lotus):
    attempt = anna.begin_ebay()
    anna.come_back(attempt)
    anna.post(attempt, "link_confirm")

    assert not Binding.objects.filter(membership=anna.world.member(anna.world.anna)).exists()
    tasks.pump_orders()
    assert "You do not see them" in text(anna.page(attempt, "link_progress"))


def test_amazon_sites_are_chosen_one_by_one(anna, lotus):
    find_or_make_app("amazon")
    attempt = anna.begin("amazon", "website_authorization", site="DE")
    anna.come_back(attempt, "amazon-aurora-eu")
    page = text(anna.page(attempt))
    assert page.count('type="checkbox" name="shop"') == 4
    shops = [s["external_id"] for s in fresh(attempt).found["shops"] if s["site"] in ("DE", "FR")]

    anna.post(attempt, "link_confirm", choose="1", shop=shops)

    linked = Store.objects.filter(authorization=fresh(attempt).authorization)
    assert {(s.site, s.time_zone) for s in linked} == {
        ("DE", "Europe/Berlin"),
        ("FR", "Europe/Paris"),
    }


def test_no_shop_ticked_is_told(anna, lotus):
    find_or_make_app("amazon")
    attempt = anna.begin("amazon", "website_authorization", site="DE")
    anna.come_back(attempt, "amazon-aurora-eu")

    assert "No shop was chosen." in text(anna.post(attempt, "link_confirm", choose="1"))
    assert fresh(attempt).step == "confirm"


def test_a_refusal_at_ebay_without_a_state_leads_back_and_changes_nothing(anna, lotus):
    attempt = anna.begin_ebay()
    address = anna.agree(attempt, "", decision="decline")
    assert "/link/declined/ebay/" in address

    assert anna.client.get(address).url == reverse("link_attempt", args=[attempt.public_id])
    page = text(anna.page(attempt))
    assert "You declined at eBay, and nothing was changed." in page
    assert "Continue to eBay" in page


def test_an_answer_without_a_code_is_a_refusal(anna, lotus):
    attempt = anna.begin_ebay()
    state = anna.page(attempt, "link_go").url.split("state=")[1].split("&")[0]

    anna.client.get(reverse("callback", args=["ebay"]), {"state": state, "error": "no"})

    assert fresh(attempt).fault == "consent_denied"
    assert "The permission was not given" in text(anna.page(attempt))


def test_an_answer_that_comes_too_late_is_refused_and_can_be_repeated(anna, lotus):
    attempt = anna.begin_ebay()
    address = anna.agree(attempt, "ebay-lantern")
    late = timezone.now() - timedelta(seconds=1)
    LinkAttempt.objects.filter(pk=attempt.pk).update(state_expires_at=late)

    anna.client.get(address)
    assert "You came back from eBay too late." in text(anna.page(attempt))

    anna.come_back(attempt)
    assert fresh(attempt).step == "confirm"


def test_an_answer_counts_once(anna, lotus):
    attempt = anna.begin_ebay()
    address = anna.agree(attempt, "ebay-lantern")
    anna.client.get(address)

    again = anna.client.get(address)

    assert again.status_code == 400
    assert "was used already" in text(again)
    assert reverse("link_attempt", args=[attempt.public_id]) in text(again)
    assert fresh(attempt).step == "confirm"


def test_an_answer_of_another_platform_is_refused(anna, lotus):
    attempt = anna.begin_ebay()
    address = anna.agree(attempt, "ebay-lantern").replace("/ebay/", "/amazon/")

    assert anna.client.get(address).status_code == 400
    assert fresh(attempt).step == "authorize"


def test_the_answer_leaves_no_trace(anna, lotus):
    attempt = anna.begin_ebay()

    back = anna.come_back(attempt)

    assert back["Referrer-Policy"] == "no-referrer"
    assert "no-store" in back["Cache-Control"]


def test_only_the_newest_state_counts(anna, lotus):
    attempt = anna.begin_ebay()
    old = anna.agree(attempt, "ebay-lantern")
    new = anna.agree(attempt, "ebay-willow")

    assert anna.client.get(old).status_code == 400
    anna.client.get(new)
    assert fresh(attempt).found["account_name"] == "emu-willow.outdoor"


def test_an_answer_in_another_browser_waits_unconfirmed(anna, lotus):
    attempt = anna.begin_ebay()
    address = anna.agree(attempt, "ebay-lantern")
    elsewhere = anna.world.client()

    answer = elsewhere.get(address, REMOTE_ADDR="203.0.113.9", follow=True)

    assert "You can close this window" in text(answer)
    assert "emu_lantern_home" not in text(answer)
    page = text(anna.page(attempt))
    assert "Completed in another browser" in page
    assert "203.0.113.9" in page


def test_a_pasted_address_takes_the_place_of_the_way_back(anna, lotus):
    attempt = anna.begin_ebay()
    shown = text(anna.post(attempt, "link_address"))
    url = re.search(r"<textarea[^>]*>(.*?)</textarea>", shown)[1].replace("&amp;", "&")
    address = anna.market.consent(url, account="ebay-lantern")

    anna.post(attempt, "link_paste", address=f"  {address[:60]}\n{address[60:]} ")

    assert fresh(attempt).step == "confirm"
    assert not fresh(attempt).unconfirmed


@pytest.mark.parametrize("pasted", ["", "hello", "https://www.ebay.com/", "?code=x"])
def test_another_address_is_not_taken(anna, lotus, pasted):
    attempt = anna.begin_ebay()

    page = text(anna.post(attempt, "link_paste", address=pasted))

    assert "This is not the address that we need." in page


def test_the_address_of_another_attempt_is_not_taken(anna, lotus):
    first, second = anna.begin_ebay(), anna.begin_ebay(account_name="willow")
    address = anna.agree(first, "ebay-lantern")

    assert "belongs to another linking" in text(anna.post(second, "link_paste", address=address))
    assert fresh(first).step == "authorize"


def test_without_an_application_of_ours_the_page_says_so(anna, lotus):
    attempt = anna.begin("ebay", "authorization_code")

    page = text(anna.page(attempt))
    assert "is not set up here yet" in page
    assert "Continue to eBay" not in page
    assert "is not set up here yet" in text(anna.page(attempt, "link_go"))


def test_a_sandbox_keyset_in_production_is_told_and_recorded(anna, lotus):
    app = find_or_make_app("ebay")
    app.client_id = app.client_id.replace("-PRD-", "-SBX-")
    app.save()
    attempt = anna.begin("ebay", "authorization_code")

    assert "test environment of eBay" in text(anna.page(attempt, "link_go"))
    assert fresh(attempt).fault == "wrong_environment"


def test_a_suspended_account_is_explained(anna, lotus):
    attempt = anna.begin_ebay()
    anna.come_back(attempt, "ebay-hold")

    assert "eBay has put this account on hold." in text(anna.page(attempt))
    anna.come_back(attempt, "ebay-lantern")
    assert fresh(attempt).step == "confirm"


# --- keys


def paste_keys(seller: Seller, attempt: LinkAttempt, **changes: str):
    values = keys_of("ozon-zarya") | changes
    return seller.post(attempt, "link_keys", **values)


def test_a_seller_pastes_ozon_keys(anna, lotus):
    attempt = anna.begin("ozon", "api_key")

    answer = paste_keys(anna, attempt)

    assert answer.url == reverse("link_attempt", args=[attempt.public_id])
    page = text(anna.page(attempt))
    assert "Zarya Emulated Lights" in page
    anna.post(attempt, "link_confirm")
    assert Store.objects.get(external_id="9900001").state == "active"


def test_a_seller_pastes_the_keys_of_a_private_amazon_application(anna, lotus):
    attempt = anna.begin("amazon", "self_authorization")
    anna.post(attempt, "link_keys", **keys_of("amazon-aurora-na"))
    anna.post(attempt, "link_confirm")

    sites = Store.objects.filter(authorization=fresh(attempt).authorization)
    assert {store.site for store in sites} == {"US", "CA"}


def test_pasted_keys_go_through_no_application_of_ours(anna, lotus):
    """Else a refusal of the seller's own keys would be told as our mistake."""
    attempt = anna.begin("amazon", "self_authorization")
    anna.post(attempt, "link_keys", **keys_of("amazon-aurora-na"))
    anna.post(attempt, "link_confirm")

    assert fresh(attempt).authorization.app is None


def test_wrong_keys_are_explained_and_secrets_forgotten(anna, lotus):
    attempt = anna.begin("ozon", "api_key")

    page = text(paste_keys(anna, attempt, api_key="deadbeef-0000-4000-8000-000000000000"))

    assert "Ozon does not accept these keys." in page
    assert "make a new one there" in page
    assert 'value="9900001"' in page
    assert "deadbeef" not in page
    assert fresh(attempt).fault == "bad_credentials"
    paste_keys(anna, attempt)
    assert fresh(attempt).step == "confirm"


def test_blanks_in_pasted_keys_are_taken_out_and_told(anna, lotus):
    attempt = anna.begin("ozon", "api_key")

    answer = paste_keys(anna, attempt, client_id="\u200b 9900001 ")

    page = text(anna.client.get(answer.url))
    assert "were taken out of: Client ID." in page
    assert fresh(attempt).step == "confirm"


def test_refused_keys_come_back_without_their_blanks(anna, lotus):
    attempt = anna.begin("ozon", "api_key")

    page = text(paste_keys(anna, attempt, client_id=" 9900002\u3000"))

    assert 'value="9900002"' in page
    assert "were taken out of: Client ID." in page


def test_swapped_keys_are_recognized_field_by_field(anna, lotus):
    attempt = anna.begin("ozon", "api_key")
    keys = keys_of("ozon-zarya")

    page = text(
        anna.post(attempt, "link_keys", client_id=keys["api_key"], api_key=keys["client_id"])
    )

    assert "This looks like the API key." in page
    assert "This looks like the Client ID." in page


def test_an_empty_field_is_marked(anna, lotus):
    attempt = anna.begin("ozon", "api_key")

    page = text(anna.post(attempt, "link_keys", client_id="9900001"))

    assert "API key is missing." in page
    assert 'aria-invalid="true"' in page


def test_a_key_for_other_networks_shows_our_addresses(anna, lotus, settings):
    settings.OUTGOING_ADDRESSES = ["203.0.113.80"]
    attempt = anna.begin("ozon", "api_key")

    page = text(anna.post(attempt, "link_keys", **keys_of("ozon-restricted")))

    assert "does not let our network address in" in page
    assert "203.0.113.80" in page


def test_a_missing_scope_is_shown_before_anything_is_linked(anna, lotus):
    attempt = anna.begin("ozon", "api_key")
    anna.market.control("knobs", where="ozon-zarya", set={"drop_scopes": ["Posting FBO"]})
    paste_keys(anna, attempt)

    page = text(anna.page(attempt))

    assert "Permissions are missing" in page
    assert "Read orders that Ozon ships (FBO). <strong>Missing.</strong>" in page
    assert "Authorize again" in page


def test_a_key_that_reads_no_orders_is_refused_with_the_way_out(anna, lotus):
    attempt = anna.begin("ozon", "api_key")

    page = text(anna.post(attempt, "link_keys", **keys_of("ozon-no-postings")))

    assert "The key lacks an access level." in page
    assert fresh(attempt).is_open


def test_a_disturbance_while_linking_keeps_the_attempt(anna, lotus):
    attempt = anna.begin("ozon", "api_key")
    anna.market.control("knobs", where="ozon", set={"down": True})
    assert "Ozon has a disturbance." in text(paste_keys(anna, attempt))

    anna.market.control("knobs/clear", where="")
    paste_keys(anna, attempt)
    assert fresh(attempt).step == "confirm"


# --- already linked, linked again


def test_a_shop_is_linked_once_in_a_company(anna, lotus):
    anna.link_ebay()
    second = anna.begin_ebay(account_name="again")

    anna.come_back(second)

    assert "This shop is linked already." in text(anna.page(second))
    assert Store.objects.filter(external_id="eMuLanTern1").count() == 1


def test_a_shop_of_another_company_is_refused_without_saying_whose(anna, world, market):
    Seller(market=market, world=world, client=world.client(world.dan)).link_ebay()
    attempt = anna.begin_ebay()

    anna.come_back(attempt)

    page = text(anna.page(attempt))
    assert "This shop is linked already." in page
    assert "Maple" not in page


def test_a_shop_taken_at_the_last_moment_is_refused(anna, world, market):
    attempt = anna.begin_ebay()
    anna.come_back(attempt)
    Seller(market=market, world=world, client=world.client(world.dan)).link_ebay()

    page = text(anna.post(attempt, "link_confirm"))

    assert "This shop is linked already." in page
    assert fresh(attempt).step == "authorize"


def relink(seller: Seller, store: Store) -> LinkAttempt:
    answer = seller.client.post(reverse("relink", args=[store.public_id]))
    return LinkAttempt.objects.get(public_id=answer.url.split("/")[3])


def test_relinking_keeps_the_store_and_its_authorization(anna, lotus):
    done = anna.link_ebay()
    anna.market.control("revoke", account="ebay-lantern")
    store = Store.objects.get(external_id="eMuLanTern1")
    Authorization.objects.update(state="needs_relink", fault="token_revoked")
    Store.objects.filter(pk=store.pk).update(state="needs_relink")

    attempt = relink(anna, store)
    anna.come_back(attempt)
    assert "The same shop as before" in text(anna.page(attempt))
    anna.post(attempt, "link_confirm")

    store.refresh_from_db()
    assert (store.state, store.authorization_id) == ("active", done.authorization_id)
    assert Consent.objects.filter(authorization=done.authorization).count() == 2
    assert "linked again" in text(anna.page(attempt, "link_done"))


def test_relinking_with_another_shop_leaves_the_old_grant_untouched(anna, lotus):
    done = anna.link_ebay()
    before = Authorization.objects.get(pk=done.authorization_id)
    attempt = relink(anna, Store.objects.get(external_id="eMuLanTern1"))

    anna.come_back(attempt, "ebay-willow")

    page = text(anna.page(attempt))
    assert "You signed in to another shop" in page
    after = Authorization.objects.get(pk=done.authorization_id)
    assert (after.generation, after.state) == (before.generation, "active")
    anna.come_back(attempt, "ebay-lantern")
    assert fresh(attempt).step == "confirm"


def test_where_there_are_several_ways_to_relink_one_is_chosen(anna, lotus):
    attempt = anna.begin("amazon", "self_authorization")
    anna.post(attempt, "link_keys", **keys_of("amazon-aurora-na"))
    anna.post(attempt, "link_confirm")
    store = Store.objects.filter(authorization=fresh(attempt).authorization).first()
    url = reverse("relink", args=[store.public_id])

    page = text(anna.client.post(url))
    assert page.index("Your own private application") < page.index("Agree in Seller Central")
    chosen = anna.client.post(url, {"mode": "self_authorization"})
    assert "/link/attempts/" in chosen.url


# --- tabs, going back, giving up


def test_the_wizard_goes_on_where_it_stopped(anna, lotus):
    attempt = anna.begin_ebay(display_name="Tea")

    page = text(anna.client.get(reverse("link_start")))

    assert "Continue where you stopped" in page
    assert reverse("link_attempt", args=[attempt.public_id]) in page


def test_confirming_in_two_tabs_links_once(anna, lotus):
    attempt = anna.begin_ebay()
    anna.come_back(attempt)

    first = anna.post(attempt, "link_confirm")
    second = anna.post(attempt, "link_confirm")

    assert first.url == second.url
    assert Store.objects.filter(external_id="eMuLanTern1").count() == 1
    assert Stream.objects.count() == 1


def test_going_back_after_the_end_shows_the_end(anna, lotus):
    done = anna.link_ebay()
    end = reverse("link_done", args=[done.public_id])

    assert anna.page(done).url == end
    assert anna.page(done, "link_go").url == reverse("link_attempt", args=[done.public_id])
    assert anna.post(done, "link_keys", api_key="x").status_code == 302
    anna.post(done, "link_cancel")
    anna.post(done, "link_again")
    assert fresh(done).step == "done"


def test_another_tab_hears_that_the_attempt_moved_on(anna, lotus):
    attempt = anna.begin_ebay()
    watch = reverse("link_watch", args=[attempt.public_id, "authorize"])
    assert "HX-Redirect" not in anna.client.get(watch).headers

    anna.come_back(attempt)

    assert anna.client.get(watch)["HX-Redirect"] == reverse(
        "link_attempt", args=[attempt.public_id]
    )


def test_not_my_shop_begins_the_consent_anew(anna, lotus):
    attempt = anna.begin_ebay()
    anna.come_back(attempt)

    anna.post(attempt, "link_again")

    assert fresh(attempt).sealed_pending is None
    assert "Continue to eBay" in text(anna.page(attempt))


def test_what_was_given_up_stays_so(anna, lotus):
    attempt = anna.begin_ebay()
    address = anna.agree(attempt, "ebay-lantern")

    anna.post(attempt, "link_cancel")

    assert anna.client.get(address).status_code == 400
    assert "This linking is over already." in text(anna.page(attempt))
    assert fresh(attempt).sealed_pending is None


@pytest.mark.parametrize(
    "name",
    ["link_attempt", "link_go", "link_done", "link_progress", "link_confirm", "link_cancel",
     "link_keys", "link_paste", "link_address", "link_again", "link_access", "hand_over_make",
     "hand_over_revoke"],
)  # fmt: skip
def test_a_stranger_finds_no_attempt(anna, world, market, name):
    attempt = anna.begin_ebay()
    dan = Seller(market=market, world=world, client=world.client(world.dan))

    answers = {dan.page(attempt, name).status_code, dan.post(attempt, name).status_code}

    assert answers <= {404, 405}


def test_members_may_not_link(world, market):
    assert world.client(world.bo).get(reverse("link_start")).status_code == 403


# --- people


def test_access_is_given_and_taken_as_ticked(anna, lotus):
    done, world = anna.link_ebay(), anna.world
    me, bo = world.member(world.anna), world.member(world.bo)
    page = text(anna.page(done, "link_done"))
    assert f'value="operator:{me.public_id}" checked' in page

    anna.post(
        done, "link_access", held=[f"operator:{me.public_id}"],
        duty=[f"operator:{bo.public_id}", f"customer_service:{bo.public_id}"],
    )  # fmt: skip

    store = Store.objects.get(external_id="eMuLanTern1")
    held = Binding.objects.current().filter(store=store)
    assert {(b.membership_id, b.duty) for b in held} == {
        (bo.pk, Duty.OPERATOR),
        (bo.pk, Duty.CUSTOMER_SERVICE),
    }


def test_people_of_another_company_get_no_access(anna, lotus):
    done, world = anna.link_ebay(), anna.world
    stranger = world.member(world.dan).public_id

    anna.post(done, "link_access", duty=[f"operator:{stranger}", "owner:1", "x"])

    assert Binding.objects.current().filter(membership__user=world.dan).count() == 0


# --- support


def as_support(world, market) -> Seller:
    join_support(world.sam)
    client = world.client(world.sam)
    session = client.session
    session[SUPPORT_TENANT] = str(world.lotus.public_id)
    session.save()
    return Seller(market=market, world=world, client=client)


def test_support_links_for_a_company_and_the_trail_says_so(world, market, lotus):
    sam = as_support(world, market)
    attempt = sam.begin_ebay()
    assert "You act for Lotus as support." in text(sam.page(attempt))
    sam.come_back(attempt)
    assert "bind_self" not in text(sam.page(attempt))
    sam.post(attempt, "link_confirm", bind_self="on")

    events = Event.objects.filter(actor=world.sam)
    assert set(events.values_list("verb", flat=True)) == {"link.started", "store.linked"}
    assert all(event.on_behalf for event in events)
    assert not Binding.objects.filter(store__external_id="eMuLanTern1").exists()
    assert "Give people access" not in text(sam.page(attempt, "link_done"))


def test_support_acting_for_a_company_sees_no_orders(world, market):
    sam = as_support(world, market)

    assert sam.client.get(reverse("orders")).url == reverse("no_tenant")


def test_support_stops_acting(world, market):
    sam = as_support(world, market)

    sam.client.post(reverse("link_support_end"))

    assert sam.client.get(reverse("link_start")).url == reverse("no_tenant")


def test_a_member_cannot_act_as_support(world, market):
    dan = as_support(world, market)
    dan.client.force_login(world.dan)
    session = dan.client.session
    session[SUPPORT_TENANT] = str(world.lotus.public_id)
    session.save()

    assert "Lotus" not in text(dan.client.get(reverse("link_start")))
