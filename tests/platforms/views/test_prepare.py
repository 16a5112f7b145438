"""What a consent needs first: the shop's address, or an application of the company's own."""

from __future__ import annotations

import pytest
from django.urls import reverse

from platforms.models import App, LinkAttempt
from platforms.templatetags.storelink import menu_path
from tests.platforms.views.conftest import Seller, fresh, text
from tests.support.linking import find_or_make_app, keys_of

SHOPIFY = ("shopify", "authorization_code")
ALIEXPRESS = ("aliexpress", "own_app")
SECRET = keys_of("aliexpress-harbor", "own_app")["app_secret"]
GO = "Continue to "


def begin_shopify(seller: Seller, **typed: str) -> LinkAttempt:
    find_or_make_app("shopify")
    return seller.begin(*SHOPIFY, **typed)


def keys(**changes: str) -> dict[str, str]:
    return keys_of("aliexpress-harbor", "own_app") | changes


# --- the shop's address


def test_a_shop_address_is_asked_before_anything_else(anna, lotus):
    attempt = begin_shopify(anna)

    page = text(anna.page(attempt))
    assert "First: your shop at Shopify" in page
    assert 'name="shop_domain"' in page
    assert "Callback address" not in page
    for later in (GO, "Send a hand-over link", "Show the address", "Paste the address"):
        assert later not in page
    assert "Something is missing before Shopify" in text(anna.page(attempt, "link_go"))


def test_with_the_address_the_consent_begins_at_that_shop(anna, lotus):
    attempt = begin_shopify(anna)

    answer = anna.post(attempt, "link_prepare", shop_domain="https://emu-lantern.myshopify.com/")

    assert answer.url == reverse("link_attempt", args=[attempt.public_id])
    page = text(anna.page(attempt))
    assert "Shop address:</dt> <dd>emu-lantern.myshopify.com</dd>" in page
    assert "Continue to Shopify" in page
    assert "Send a hand-over link" in page
    assert 'name="shop_domain"' not in page
    anna.come_back(attempt, "shopify-lantern")
    assert fresh(attempt).step == "confirm"


def test_the_address_can_be_changed(anna, lotus):
    attempt = begin_shopify(anna)
    anna.post(attempt, "link_prepare", shop_domain="emu-lantern")
    url = reverse("link_attempt", args=[attempt.public_id])
    assert f'href="{url}?change=1"' in text(anna.page(attempt))

    page = text(anna.client.get(url, {"change": "1"}))
    assert 'value="emu-lantern.myshopify.com"' in page
    assert "Leave it as it is" in page
    assert GO not in page

    anna.post(attempt, "link_prepare", shop_domain="emu-harbour")
    assert fresh(attempt).given == {"shop_domain": "emu-harbour.myshopify.com"}


def test_a_wrong_address_is_explained_and_kept_on_the_page(anna, lotus):
    attempt = begin_shopify(anna)

    page = text(anna.post(attempt, "link_prepare", shop_domain=" shop.example.com "))

    assert "This is not the address we need." in page
    assert "were taken out of: Shop address." in page
    assert 'value="shop.example.com"' in page
    assert 'aria-invalid="true"' in page
    assert fresh(attempt).given == {}


def test_blanks_that_were_taken_out_are_told_afterwards(anna, lotus):
    attempt = begin_shopify(anna)

    answer = anna.post(attempt, "link_prepare", shop_domain=" emu-lantern\u200b")

    assert "were taken out of: Shop address." in text(anna.client.get(answer.url))


def test_an_empty_form_says_what_is_missing(anna, lotus):
    attempt = begin_shopify(anna)

    assert "Shop address is missing." in text(anna.post(attempt, "link_prepare"))


def test_without_an_application_of_ours_nothing_is_asked(anna, lotus):
    page = text(anna.page(anna.begin(*SHOPIFY)))

    assert "is not set up here yet" in page
    assert 'name="shop_domain"' not in page


def test_no_link_is_handed_over_before(anna, lotus):
    attempt = begin_shopify(anna)

    page = text(anna.post(attempt, "hand_over_make", minutes="30"))
    assert "Something is missing before Shopify can be asked." in page
    assert fresh(attempt).handover_hash == ""

    anna.post(attempt, "link_prepare", shop_domain="emu-lantern")
    assert "Copy the link now" in text(anna.post(attempt, "hand_over_make", minutes="30"))


# --- an application of the company's own


def test_an_own_application_needs_nothing_of_ours(anna, lotus):
    attempt = anna.begin(*ALIEXPRESS)

    page = text(anna.page(attempt))

    assert "is not set up here yet" not in page
    assert "First: your application" in page
    assert "/link/callback/aliexpress/" in page
    assert 'data-copy="http' in page
    assert 'name="known_app"' not in page


def test_an_own_application_leads_to_a_linked_shop(anna, lotus):
    attempt = anna.begin(*ALIEXPRESS)

    assert anna.post(attempt, "link_prepare", **keys()).status_code == 302

    app = App.objects.get(tenant=lotus)
    page = text(anna.page(attempt))
    assert f"Application:</dt> <dd>…{app.secret_hint}</dd>" in page
    assert SECRET not in page
    assert "Continue to AliExpress" in page
    anna.come_back(attempt, "aliexpress-harbor")
    assert fresh(attempt).step == "confirm"
    assert fresh(attempt).app_id == app.pk


def test_a_refused_application_is_explained_and_its_secret_forgotten(anna, lotus):
    attempt = anna.begin(*ALIEXPRESS)
    wrong = "EmuAeWrongSecret00123456789abcde"

    page = text(anna.post(attempt, "link_prepare", **keys(app_secret=wrong)))

    assert 'class="note advice' in page
    assert 'value="509901"' in page
    assert wrong not in page
    assert "secrets are never written back" in page
    assert fresh(attempt).fault
    assert not App.objects.exists()
    anna.post(attempt, "link_prepare", **keys())
    assert not fresh(attempt).fault


def test_an_application_entered_before_is_offered_again(anna, lotus):
    anna.post(anna.begin(*ALIEXPRESS), "link_prepare", **keys())
    app = App.objects.get(tenant=lotus)
    second = anna.begin(*ALIEXPRESS, account_name="meadow")

    page = text(anna.page(second))
    assert f'<option value="{app.public_id}" selected>{app.name} …{app.secret_hint}' in page
    assert "Another one" in page

    anna.post(second, "link_prepare", known_app=str(app.public_id))
    assert fresh(second).app_id == app.pk
    assert App.objects.filter(tenant=lotus).count() == 1


def test_another_one_is_typed_in_full(anna, lotus):
    anna.post(anna.begin(*ALIEXPRESS), "link_prepare", **keys())
    second = anna.begin(*ALIEXPRESS, account_name="meadow")

    assert "App Key is missing." in text(anna.post(second, "link_prepare", known_app=""))
    anna.post(second, "link_prepare", known_app="", **keys_of("aliexpress-meadow", "own_app"))

    assert App.objects.filter(tenant=lotus).count() == 2
    assert fresh(second).app.client_id == "509902"


def test_the_application_of_another_company_is_not_taken(anna, world, market):
    dan = Seller(market=market, world=world, client=world.client(world.dan))
    dan.post(dan.begin(*ALIEXPRESS), "link_prepare", **keys())
    theirs = App.objects.get(tenant=world.maple)
    attempt = anna.begin(*ALIEXPRESS)
    assert str(theirs.public_id) not in text(anna.page(attempt))

    answer = anna.post(attempt, "link_prepare", known_app=str(theirs.public_id))

    assert "App Key is missing." in text(answer)
    assert fresh(attempt).app_id is None


# --- where it does not belong


def test_keys_of_another_kind_of_mode_are_not_taken(anna, lotus):
    attempt = anna.begin("ozon", "api_key")

    answer = anna.post(attempt, "link_prepare", **keys_of("ozon-zarya"))

    assert answer.url == reverse("link_attempt", args=[attempt.public_id])
    assert fresh(attempt).given == {}


def test_after_the_consent_nothing_is_changed(anna, lotus):
    attempt = begin_shopify(anna)
    anna.post(attempt, "link_prepare", shop_domain="emu-lantern")
    anna.come_back(attempt, "shopify-lantern")

    anna.post(attempt, "link_prepare", shop_domain="emu-harbour")

    assert fresh(attempt).step == "confirm"
    assert fresh(attempt).given == {"shop_domain": "emu-lantern.myshopify.com"}


def test_a_stranger_prepares_nothing(anna, world, market):
    attempt = begin_shopify(anna)
    dan = Seller(market=market, world=world, client=world.client(world.dan))

    assert dan.post(attempt, "link_prepare", shop_domain="emu-lantern").status_code == 404


# --- ways and where values are


def test_a_way_says_what_it_costs_and_when_another_is_better(anna):
    page = text(anna.client.get(reverse("link_mode", args=["aliexpress"])))

    assert "What you give away with it" in page
    assert "Whoever has the App Secret can ask sellers for consent in your name." in page
    assert "Compared with the other ways" in page


def test_only_ways_through_our_application_wait_for_it(anna):
    page = text(anna.client.get(reverse("link_mode", args=["aliexpress"])))
    assert page.count("is not set up here yet") == 1

    find_or_make_app("aliexpress")
    page = text(anna.client.get(reverse("link_mode", args=["aliexpress"])))
    assert "is not set up here yet" not in page


@pytest.mark.parametrize(
    ("where", "parts"),
    [
        ("Admin > Settings > Domains", ["Admin", "Settings", "Domains"]),
        ("Settings", ["Settings"]),
        ("a>b > ", ["a>b"]),
        ("", []),
    ],
)
def test_a_menu_path_is_taken_apart(where, parts):
    assert menu_path(where) == parts


def test_where_a_value_is_found_is_drawn(anna, lotus):
    page = text(anna.page(anna.begin("ozon", "api_key")))

    assert "Where is this?" in page
    assert '<div class="where-picture" aria-hidden="true">' in page
    assert page.count('class="where-row is-here"') == page.count('class="where-picture"')
    assert "style=" not in page


# --- marketplaces of which we are not sure


def test_an_uncertain_marketplace_is_not_offered(anna):
    assert "Wish" not in text(anna.client.get(reverse("link_start")))
    for name, more in (("link_mode", []), ("link_name", ["private_app"])):
        assert anna.client.get(reverse(name, args=["wish", *more])).status_code == 404


def test_where_it_is_offered_its_page_warns(anna, settings):
    settings.OFFER_PLATFORMS = ["wish"]

    for page in (reverse("link_start"), reverse("link_mode", args=["wish"])):
        assert "It is uncertain whether Wish pays sellers out" in text(anna.client.get(page))
    assert anna.client.get(reverse("link_name", args=["wish", "private_app"])).status_code == 200
