"""Pushes for a whole application: proven addresses, people who leave, across all companies."""

from __future__ import annotations

import hashlib
from urllib.parse import urlsplit

import pytest

from platforms import tasks
from platforms.models import App, Delivery, DeliveryState, Order
from platforms.push_addresses import address_of
from tenants.models import Event, Store, StoreState
from tenants.scope import all_tenants, tenant_scope
from tests.platforms.views.test_push import deliver
from tests.support.linking import link_store
from tests.support.wire import emulated

pytestmark = pytest.mark.django_db


@pytest.fixture
def market(world):
    with emulated() as market:
        yield market


@pytest.fixture
def linked(world, market):
    """Two companies at eBay, pulled, and the application registered for pushes."""
    with tenant_scope(world.lotus):
        link_store(market, world.lotus, "ebay-lantern")
    with tenant_scope(world.maple):
        link_store(market, world.maple, "ebay-magnolia")
    tasks.pump_orders()
    tasks.pump_deliveries()
    market.emulator.state.outbox.clear()  # the question that proves the address
    return App.objects.get(platform="ebay")


def test_the_address_proves_that_it_is_ours(linked, client):
    address = address_of(linked)
    answer = client.get(urlsplit(address).path, {"challenge_code": "a-code"})
    token = linked.extra["verification_token"]
    wanted = hashlib.sha256(f"a-code{token}{address}".encode()).hexdigest()
    assert answer.json() == {"challengeResponse": wanted}
    assert answer["Content-Type"] == "application/json"


def test_a_buyer_who_closed_the_account_is_erased_and_nobody_else(market, linked, client):
    with all_tenants("the test looks"):
        before = Order.objects.exclude(buyer_id=None, buyer_name=None).count()
    market.control("push", account="ebay-lantern", topic="MARKETPLACE_ACCOUNT_DELETION")

    assert set(deliver(market, client)) <= {200, 201, 202, 204}
    tasks.pump_deliveries()

    with all_tenants("the test looks"):
        left = Order.objects.exclude(buyer_id=None, buyer_name=None).count()
        event = Event.objects.get(verb="buyer.erased")
    assert 0 < before - left == event.detail["orders"] < before


def test_access_that_was_taken_away_is_known_at_once(world, market, linked, client):
    market.control("revoke", account="ebay-lantern")

    deliver(market, client)
    tasks.pump_deliveries()

    with all_tenants("the test looks"):
        states = {
            store.tenant_id: store.state
            for store in Store.objects.filter(platform="ebay").exclude(authorization=None)
        }
    assert states == {
        world.lotus.pk: StoreState.NEEDS_RELINK,
        world.maple.pk: StoreState.ACTIVE,
    }


def test_a_push_that_somebody_else_signed_is_refused(market, linked, client):
    market.control("push", account="ebay-lantern", topic="MARKETPLACE_ACCOUNT_DELETION")
    statuses = deliver(market, client, change=lambda body: body.replace(b"EM", b"XX"))
    assert set(statuses) == {412}
    assert Delivery.objects.get().state == DeliveryState.REFUSED
