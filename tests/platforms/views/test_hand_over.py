"""Handing an attempt over: a link that works without our login, once, and only for its part."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from platforms.models import LinkAttempt
from tenants.models import Event, Store
from tenants.scope import tenant_scope
from tests.platforms.views.conftest import Seller, fresh, text
from tests.support.linking import keys_of


@pytest.fixture
def somebody(world):
    """A browser in which nobody is signed in."""
    return world.client()


def hand_over(seller: Seller, attempt: LinkAttempt, minutes: int = 1440) -> str:
    """The link, as the page shows it once."""
    page = text(seller.post(attempt, "hand_over_make", minutes=minutes))
    return re.search(r"<code>http://127.0.0.1:8000(/h/[\w-]+/)</code>", page)[1]


def agree(seller: Seller, browser, account: str = "ebay-lantern", decision: str = "agree"):
    """From the hand-over page to the marketplace and back, in that browser."""
    url = browser.get(reverse("hand_over_go")).url
    return browser.get(seller.market.consent(url, account=account, decision=decision), follow=True)


def test_the_link_leads_to_a_page_without_a_secret_in_its_address(anna, somebody):
    link = hand_over(anna, anna.begin_ebay())

    opened = somebody.get(link)

    assert opened.url == reverse("hand_over_page")
    assert opened["Referrer-Policy"] == "no-referrer"
    assert "no-store" in opened["Cache-Control"]
    page = text(somebody.get(opened.url))
    assert "Lotus asks you to let Storelink read the orders of a shop on eBay." in page
    assert "sidebar" not in page
    assert "lantern" not in page


def test_a_seller_elsewhere_agrees_and_a_member_confirms(anna, world, somebody):
    attempt = anna.begin_ebay()
    somebody.get(hand_over(anna, attempt))

    assert "Done, thank you" in text(agree(anna, somebody))
    assert "Done, thank you" in text(somebody.get(reverse("hand_over_page")))

    assert "Completed in another browser" in text(anna.page(attempt))
    anna.post(attempt, "link_confirm")
    with tenant_scope(world.lotus):
        assert Store.objects.get(external_id="eMuLanTern1").authorization is not None


def test_keys_can_be_handed_over_too(anna, somebody):
    attempt = anna.begin("ozon", "api_key")
    somebody.get(hand_over(anna, attempt))
    page = reverse("hand_over_page")

    wrong = somebody.post(page, {"attempt": attempt.public_id, "client_id": "9900001",
                                 "api_key": "deadbeef-0000-4000-8000-000000000000"})  # fmt: skip
    assert "Ozon does not accept these keys." in text(wrong)
    assert "deadbeef" not in text(wrong)

    right = {"attempt": attempt.public_id, **keys_of("ozon-zarya")}
    assert "Done, thank you" in text(somebody.post(page, right, follow=True))
    assert fresh(attempt).unconfirmed


def test_the_link_opens_no_more_once_it_was_used(anna, world, somebody):
    link = hand_over(anna, anna.begin_ebay())
    somebody.get(link)
    agree(anna, somebody)

    answer = world.client().get(link)

    assert answer.status_code == 404
    assert "This link does not work any more." in text(answer)


def test_a_refusal_can_be_taken_back(anna, somebody):
    attempt = anna.begin_ebay()
    somebody.get(hand_over(anna, attempt))

    refused = text(agree(anna, somebody, decision="decline"))
    assert "nothing was changed" in refused
    assert reverse("hand_over_page") in refused

    assert "Done, thank you" in text(agree(anna, somebody))
    assert fresh(attempt).step == "confirm"


def test_a_withdrawn_link_stops_even_a_consent_under_way(anna, somebody):
    attempt = anna.begin_ebay()
    link = hand_over(anna, attempt)
    somebody.get(link)
    url = somebody.get(reverse("hand_over_go")).url

    anna.post(attempt, "hand_over_revoke")

    assert somebody.get(link).status_code == 404
    assert somebody.get(reverse("hand_over_page")).status_code == 404
    assert somebody.get(anna.market.consent(url, account="ebay-lantern")).status_code == 400
    assert fresh(attempt).step == "authorize"


def test_a_new_link_ends_the_one_before(anna, somebody):
    attempt = anna.begin_ebay()
    old, new = hand_over(anna, attempt), hand_over(anna, attempt)

    assert somebody.get(old).status_code == 404
    assert somebody.get(new).status_code == 302


def test_a_link_runs_out(anna, somebody):
    attempt = anna.begin_ebay()
    link = hand_over(anna, attempt, minutes=30)
    late = timezone.now() - timedelta(seconds=1)
    with tenant_scope(attempt.tenant_id):
        LinkAttempt.objects.filter(pk=attempt.pk).update(handover_expires_at=late)

    answer = somebody.get(link)

    assert answer.status_code == 404
    assert "This link has run out." in text(answer)


def test_an_invented_link_opens_nothing(db, client):
    assert client.get(reverse("hand_over", args=["x" * 43])).status_code == 404
    assert client.get(reverse("hand_over_page")).status_code == 404


def test_a_person_of_another_company_can_do_it(anna, world):
    attempt = anna.begin_ebay()
    dan = world.client(world.dan)
    dan.get(hand_over(anna, attempt))

    page = text(dan.get(reverse("hand_over_page")))
    assert "Lotus asks you" in page
    assert "Maple" not in page
    assert "Done, thank you" in text(agree(anna, dan))
    assert fresh(attempt).step == "confirm"


def test_keys_typed_for_an_older_link_are_not_sent_to_a_newer_one(anna, somebody):
    older = anna.begin("ozon", "api_key")
    newer = anna.begin("ozon", "api_key", account_name="other")
    somebody.get(hand_over(anna, older))
    somebody.get(hand_over(anna, newer))

    typed = {"attempt": older.public_id, **keys_of("ozon-zarya")}
    answer = somebody.post(reverse("hand_over_page"), typed)

    assert "You opened another link in the meantime." in text(answer)
    assert fresh(newer).step == fresh(older).step == "authorize"


def test_the_way_back_can_be_pasted_on_the_hand_over_page(anna, somebody):
    attempt = anna.begin_ebay()
    somebody.get(hand_over(anna, attempt))
    url = somebody.get(reverse("hand_over_go")).url
    address = anna.market.consent(url, account="ebay-lantern")

    typed = {"attempt": attempt.public_id, "address": address}
    answer = somebody.post(reverse("hand_over_paste"), typed, follow=True)

    assert "Done, thank you" in text(answer)
    assert fresh(attempt).unconfirmed


def test_the_link_is_kept_hashed_and_the_trail_has_it(anna, world):
    attempt = anna.begin_ebay()
    token = hand_over(anna, attempt).split("/")[2]

    assert token not in str(fresh(attempt).__dict__)
    assert token not in text(anna.page(attempt))
    with tenant_scope(world.lotus):
        event = Event.objects.get(verb="link.handed_over")
    assert (event.actor, event.detail) == (world.anna, {"hours": 24.0})


@pytest.mark.parametrize("minutes", ["1", "99999", "", "soon"])
def test_no_other_validity_than_the_offered_ones(anna, minutes):
    attempt = anna.begin_ebay()

    anna.post(attempt, "hand_over_make", minutes=minutes)

    assert not fresh(attempt).handover_hash
