"""An eBay and a Shopee store of the emulator, linked and pulled; Bo operates the first."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from platforms import tasks
from platforms.models import Order, Stream
from tenants.models import Duty, Event
from tenants.scope import all_tenants
from tests.conftest import bind
from tests.support.linking import link_store

ACCOUNT = "ebay-willow"


@pytest.fixture
def shop(market, world):
    store = linked(market, world, ACCOUNT, name="willow")
    tasks.pump_orders()
    assert Order.objects.filter(store=store).exists()
    return store


def linked(market, world, account, *, name, operators=("bo",)):
    store = link_store(market, world.lotus, account, name=name).stores[0]
    for who in operators:
        bind(world.member(getattr(world, who)), store, Duty.OPERATOR)
    return store


def add_order(market, account=ACCOUNT, **more):
    """A new order at the platform; its number."""
    return market.control("orders/add", account=account, n=1, **more)["numbers"][0]


def add_old_order(market, account=ACCOUNT, *, days=20):
    return add_order(market, account, ago_seconds=days * 86_400, stage="delivered")


def look_for(client, number, *, store=None, **filters):
    data = {"number": number, "store": store.public_id if store else "", **filters}
    return client.post(reverse("find_order"), data)


def reason_of(answer):
    assert answer.status_code == 200, answer.status_code
    found = re.search(r'data-reason="(\w+)"', answer.content.decode())
    return found[1] if found else ""


def fix_of(answer):
    found = re.search(r'data-fix="(\w+)"', answer.content.decode())
    return found[1] if found else ""


def press(client, number, store, fix):
    return client.post(
        reverse("store_order_fix", args=[store.public_id]), {"number": number, "fix": fix}
    )


def sought(tenant):
    with all_tenants("the trail of a test"):
        events = Event.objects.filter(tenant=tenant, verb="order.sought").order_by("sequence")
        return [event.detail for event in events]


def in_time_again(store):
    """As after a pull that came to its end just now."""
    now = timezone.now()
    Stream.objects.filter(authorization=store.authorization).update(
        watermark=now, due_at=now + timedelta(minutes=5), fault="", failures=0
    )
