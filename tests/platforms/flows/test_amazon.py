"""Amazon: a linking that the seller begins in Seller Central, against its emulator."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from django.utils import timezone

from platforms import registry
from platforms.emulator.accounts import ACCOUNTS, APPS
from platforms.flows import consent, link
from platforms.flows.confirm_link import confirm
from tenants.models import Store
from tenants.scope import tenant_scope
from tests.support.linking import find_or_make_app
from tests.support.wire import EMULATOR_URL, callback_params, emulated

SELLER = "amazon-aurora-eu"
amazon = registry.get("amazon")


@pytest.fixture
def market(world):
    with emulated() as market, tenant_scope(world.lotus):
        find_or_make_app("amazon")
        yield market


def begin(market):
    """What Seller Central tells our Login URI."""
    asked = {"account": SELLER, "application_id": APPS["amazon"].application_id}
    answer = market.wire.client.get("/amazon/consent/apps/manage", query_string=asked)
    return callback_params(answer.headers["location"])


def start(world, params):
    begun = amazon.read_start(params, app=None, now=timezone.now())
    return link.start(
        tenant=world.lotus, user=None, platform="amazon", mode=begun.mode, site=begun.site,
        region=begun.region, account_name="aurora", given=begun.given, now=timezone.now(),
    )  # fmt: skip


def agree(market, attempt, account=SELLER):
    url = consent.begin_consent(attempt=attempt, session="browser", now=timezone.now()).url
    where = urlsplit(url)
    assert (where.scheme, where.netloc) == ("https", "sellercentral-europe.amazon.com")
    # The emulator plays that host under an address of its own.
    page = f"{EMULATOR_URL}/amazon/consent{where.path}?{where.query}"
    return market.consent(page, account=account)


@pytest.mark.django_db
def test_a_store_is_linked_from_amazons_side(market, world):
    attempt = start(world, begin(market))
    attempt = consent.finish_consent(
        platform="amazon",
        params=callback_params(agree(market, attempt)),
        session="browser",
        ip=None,
        now=timezone.now(),
    )
    linked = confirm(attempt=attempt, user=None, now=timezone.now())
    known = ACCOUNTS[SELLER]

    assert (attempt.fault, linked.authorization.account_id) == ("", known.seller_id)
    stores = Store.objects.filter(authorization=linked.authorization)
    assert {store.external_id for store in stores} == {
        f"{known.seller_id}:{site}" for site in known.sites
    }


@pytest.mark.django_db
def test_amazons_own_state_is_good_for_one_journey(market, world):
    told = begin(market)
    agree(market, start(world, told))

    assert agree(market, start(world, told)) == ""
