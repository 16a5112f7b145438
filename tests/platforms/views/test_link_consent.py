"""Consent at the marketplace: every answer, happy or not, leaves a page that helps."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from platforms import tasks
from platforms.models import LinkAttempt, Order
from tenants.models import Binding, Store
from tests.platforms.views.conftest import fresh, text
from tests.support.linking import find_or_make_app


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
