"""Linkings that begin at the marketplace, and answers that do not say whose they are."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from django.test import Client
from django.urls import reverse

from platforms import registry
from platforms.emulator.accounts import ACCOUNTS, APPS
from platforms.models import LinkAttempt
from platforms.views import link_from_there
from tenants.scope import tenant_scope
from tests.platforms.views.conftest import fresh
from tests.support.factories import make_authorization
from tests.support.linking import attempt_for, find_or_make_app
from tests.support.wire import EMULATOR_URL

START = "/link/start/amazon/"
AURORA = ACCOUNTS["amazon-aurora-eu"]
GOOD = {
    "amazon_callback_uri": "https://sellercentral-europe.amazon.com/apps/authorize/confirm/x",
    "amazon_state": "mark",
    "selling_partner_id": AURORA.seller_id,
}


def begin(market) -> str:
    find_or_make_app("amazon")
    asked = {"account": AURORA.key, "application_id": APPS["amazon"].application_id}
    found = market.wire.client.get("/amazon/consent/apps/manage", query_string=asked)
    where = urlsplit(found.headers["location"])
    return f"{where.path}?{where.query}"


def test_a_store_is_linked_from_amazons_side(anna, lotus):
    address = begin(anna.market)
    page = anna.client.get(address)
    assert AURORA.seller_id in page.content.decode()
    assert "no-store" in page["Cache-Control"]

    answer = anna.client.post(address, {"account_name": "aurora"})

    attempt = LinkAttempt.objects.get()
    assert answer.url == reverse("link_attempt", args=[attempt.public_id])
    where = urlsplit(anna.page(attempt, "link_go").url)
    assert where.netloc == "sellercentral-europe.amazon.com"
    back = anna.market.consent(
        f"{EMULATOR_URL}/amazon/consent{where.path}?{where.query}", account=AURORA.key
    )
    anna.client.get(back)
    assert fresh(attempt).step == "confirm"


def test_who_is_not_signed_in_comes_back_with_the_query(world):
    answer = world.client().get(START, GOOD)

    assert answer.url.startswith(reverse("account_login"))
    assert "amazon_state" in answer.url


@pytest.mark.parametrize(
    "back",
    ["https://evil.example/x", "https://sellercentral.amazon.com@evil.example/", "//evil.example",
     "https://sellercentral.amazon.com.evil.example/", "javascript:alert(1)", ""],
)  # fmt: skip
@pytest.mark.parametrize("method", ["get", "post"])
def test_foreign_addresses_lead_nowhere(anna, lotus, back, method):
    query = {**GOOD, "amazon_callback_uri": back}

    answer = getattr(anna.client, method)(START, query_params=query)

    assert answer.status_code == 400
    assert "location" not in answer.headers
    assert not LinkAttempt.objects.exists()


def test_repeated_parameters_are_refused(anna):
    assert anna.client.get(START, {**GOOD, "amazon_state": ["a", "b"]}).status_code == 400


def test_other_marketplaces_do_not_begin_there(anna):
    assert anna.client.get("/link/start/ozon/").status_code == 404
    assert anna.client.get("/link/start/bazaar/").status_code == 404


def test_a_known_account_is_renewed(anna, lotus):
    grant = make_authorization(
        lotus, platform="amazon", mode="website_authorization",
        region=registry.get("amazon").site("DE").region, account_id=AURORA.seller_id,
    )  # fmt: skip
    anna.world.silk.authorization = grant
    anna.world.silk.save()

    assert "Renew silk" in anna.client.get(START, GOOD).content.decode()
    anna.client.post(START, query_params=GOOD)
    assert LinkAttempt.objects.get().relinks == grant


def test_a_form_of_another_site_is_refused(anna, lotus):
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(anna.world.anna)

    assert strict.post(START, {"account_name": "a"}, query_params=GOOD).status_code == 403


# --- answers without a state


def answered(anna, tenant):
    with tenant_scope(tenant):
        attempt = attempt_for(tenant, "wish-stateless", mode="private_app")
    url = anna.page(attempt, "link_go").url
    return attempt, anna.market.consent(url, account="wish-stateless")


CLAIM = "/link/claim/wish/"


def test_a_person_says_whose_the_answer_is(anna, lotus):
    attempt, back = answered(anna, lotus)
    assert anna.client.get(back).url == CLAIM
    assert fresh(attempt).step == "authorize"
    assert str(attempt.public_id) in anna.client.get(CLAIM).content.decode()

    anna.client.post(CLAIM, {"attempt": attempt.public_id})

    assert (fresh(attempt).step, fresh(attempt).unconfirmed) == ("confirm", True)
    assert anna.client.get(CLAIM).status_code == 400


def test_without_a_waiting_linking_the_answer_is_kept(anna, lotus):
    anna.client.get("/link/callback/wish/", {"code": "x"})

    for _ in range(2):
        page = anna.client.get(CLAIM)
        assert page.status_code == 200
        assert reverse("link_mode", args=["wish"]) in page.content.decode()


def test_another_tenants_attempt_is_not_there(anna, world):
    with tenant_scope(world.maple):
        other = attempt_for(world.maple, "wish-stateless", mode="private_app")
    anna.client.get("/link/callback/wish/", {"code": "x"})

    assert anna.client.post(CLAIM, {"attempt": other.public_id}).status_code == 404
    assert anna.client.post(CLAIM, {"attempt": "nonsense"}).status_code == 404


def test_an_old_answer_is_gone(anna, monkeypatch):
    anna.client.get("/link/callback/wish/", {"code": "x"})
    monkeypatch.setattr(link_from_there, "KEPT_FOR", timedelta(0))

    assert "waited too long" in anna.client.get(CLAIM).content.decode()


def test_the_answer_is_kept_sealed(anna):
    anna.client.get("/link/callback/wish/", {"code": "very-secret"})

    assert "very-secret" not in str(dict(anna.client.session))


@pytest.mark.parametrize("who", ["nobody", "bo"])
def test_who_may_not_link_is_told_as_before(anna, world, who):
    client = world.client(getattr(world, who, None))

    assert client.get("/link/callback/wish/", {"code": "x"}).status_code == 400
    assert link_from_there.CLAIM_KEY not in client.session


def test_repeated_parameters_of_an_answer_are_refused(anna):
    answer = anna.client.get("/link/callback/wish/", {"code": ["x", "y"]})

    assert answer.status_code == 400
