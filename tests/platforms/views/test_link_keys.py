"""Pasted keys: what is wrong with them is said, and secrets are forgotten."""

from __future__ import annotations

from django.urls import reverse

from platforms.models import LinkAttempt
from tenants.models import Store
from tests.platforms.views.conftest import Seller, fresh, text
from tests.support.linking import keys_of


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
