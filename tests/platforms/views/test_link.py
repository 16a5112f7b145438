"""The linking wizard: what it offers, and where a person stands in it."""

from __future__ import annotations

import pytest
from django.urls import reverse

from platforms.models import LinkAttempt, Stream
from tenants.models import Store
from tests.platforms.views.conftest import Seller, fresh, text

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
