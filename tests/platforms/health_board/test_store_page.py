"""The health of one store, and reading again what could not be read."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from platforms import landing, tasks
from platforms.models import Order, Quarantined
from tenants.models import Event, Store
from tenants.scope import tenant_scope
from tests.conftest import World
from tests.platforms.health_board.scenes import broken, count_calls, linked, outage, trouble
from tests.support.factories import make_stream
from tests.support.linking import link_store
from tests.support.wire import emulated


@pytest.fixture
def lotus(world):
    with tenant_scope(world.lotus):
        yield world.lotus


def page(world: World, store: Store, name: str = "store_health") -> str:
    answer = world.client(world.anna).get(reverse(name, args=[store.public_id]))
    assert answer.status_code == 200
    return answer.content.decode()


def test_the_three_clocks_say_what_each_means(world, lotus):
    now = timezone.now()
    store = linked(lotus, grant={
        "access_expires_at": now + timedelta(hours=2, minutes=1), "refresh_due_at": now,
        "refresh_expires_at": now + timedelta(days=300, minutes=1),
        "consent_expires_at": now + timedelta(days=400, minutes=1),
    })  # fmt: skip
    text = page(world, store)
    for shown in ("in 2 hours", "in 300 days", "in 400 days", "We renew it in time",
                  "It does not move: link the store again", "you must agree again"):  # fmt: skip
        assert shown in text, shown


def test_a_dead_grant_has_no_clocks(world, lotus):
    assert "Three clocks" not in page(world, broken(lotus))


def test_calls_are_told_by_how_they_ended_and_by_day(world, lotus):
    store = linked(lotus)
    hour = timezone.now().replace(minute=0, second=0, microsecond=0)
    count_calls(store, hour, good=30, rate_limited=10)
    count_calls(store, hour - timedelta(days=3), good=5)
    text = page(world, store)
    assert "75 % of 40 calls succeeded" in text
    assert "Slowed down by the platform" in text
    assert "77 %" in text  # 35 of 45 in seven days
    assert text.count('<svg class="strip"') == 8  # a day of hours, and seven days


def test_streams_and_troubles_are_listed(world, lotus):
    now = timezone.now()
    store = linked(lotus, fault="platform_down")
    make_stream(store.authorization, store, ends_at=now, lane=2)
    trouble(store, now - timedelta(hours=5))
    trouble(store, now - timedelta(days=5), now - timedelta(days=4))
    text = page(world, store)
    assert "Back-fill 0 %" in text
    assert "2 tries in a row" in text
    assert text.count("goes on</span>") == 1


def test_the_page_of_a_store_without_a_grant_is_there_too(world, lotus):
    assert "No calls in this time." in page(world, world.rice)


@pytest.mark.parametrize("name", ["store", "store_health"])
def test_both_pages_say_the_state_the_outage_and_the_next_step(world, lotus, name):
    assert "Needs relinking: permission ended" in page(world, broken(lotus), name)
    outage()
    assert "It is not you" in page(world, linked(lotus, fault="platform_down"), name)


def test_times_are_the_readers(world, lotus):
    began = timezone.now() - timedelta(days=2)
    store = linked(lotus)
    trouble(store, began, began + timedelta(hours=1))
    for zone in ("Asia/Shanghai", "America/New_York"):
        type(world.anna).objects.filter(pk=world.anna.pk).update(time_zone=zone)
        text = page(world, store)
        timezone.activate(zone)
        assert f"{timezone.localtime(began):%Y-%m-%d %H:%M}" in text
        assert f"times in {zone}" in text


# --- reading again


@pytest.fixture
def unreadable(world):
    """A real order in quarantine that the adapter of today can read, and one it cannot."""
    with emulated() as market, tenant_scope(world.lotus):
        store = link_store(market, world.lotus, "ebay-lantern", name="lantern").stores[0]
        tasks.pump_orders()
        order = Order.objects.filter(store=store).first()
        assert order is not None
        raws = {"good": bytes(order.raw.body), "bad": landing.compress(b'{"orderId": 7}')}
        for mark, raw in raws.items():
            Quarantined.objects.create(
                tenant=world.lotus, store=store, platform="ebay", reason="unreadable", raw=raw,
                raw_sha256=mark, record_kind=order.raw.record_kind,
            )  # fmt: skip
        order.delete()
        yield store


def test_reading_again_lands_what_can_be_read_and_keeps_the_rest(world, unreadable):
    client = world.client(world.anna)
    before = Order.objects.count()
    address = reverse("store_release", args=[unreadable.public_id])
    text = client.post(address, follow=True).content.decode()
    assert "1 record could be read now" in text
    assert "1 record still cannot be read" in text
    assert Order.objects.count() == before + 1
    assert Quarantined.objects.filter(state="waiting").count() == 1
    told = Event.objects.get(verb="quarantine.many_released", actor=world.anna)
    assert told.detail == {"count": 2, "landed": 1, "unreadable": 1}


def test_reading_again_is_offered_while_something_waits(world, unreadable):
    board = world.client(world.anna).get(reverse("health")).content.decode()
    assert reverse("store_release", args=[unreadable.public_id]) in board
    assert "2 unreadable records" in board


def test_records_of_other_stores_stay_where_they_are(world, lotus):
    mine, other = linked(lotus), linked(lotus)
    Quarantined.objects.create(
        tenant=lotus, store=other, platform="ebay", reason="x", raw=landing.compress(b"{}"),
        raw_sha256="x",
    )  # fmt: skip
    client = world.client(world.anna)
    address = reverse("store_release", args=[mine.public_id])
    text = client.post(address, follow=True).content.decode()
    assert "Nothing was waiting" in text
    assert not Event.objects.filter(verb__startswith="quarantine.").exists()
