"""Stores whose night has come, with their orders here."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from platforms import tasks
from platforms.data_checks.day_counts import midnight
from platforms.models import DataCheck, DayCount, Order, Stream
from tenants.models import Store
from tests.platforms.checks.conftest import pull_everything, worked
from tests.support.linking import link_store


@pytest.fixture
def shop(market, world):
    """A linked eBay store with everything of the last month here, where it is noon now."""
    return store_at_noon(market, world.lotus, "ebay-lantern")


def store_at_noon(market, tenant, account, **fields):
    store = link_store(market, tenant, account, name=account.partition("-")[0]).stores[0]
    pull_everything(store)
    live_in(store, zone_at(12))
    return store


def zone_at(hour: int) -> str:
    """A time zone in which it is this hour now."""
    offset = (hour - datetime.now(UTC).hour + 12) % 24 - 12
    return f"Etc/GMT{-offset:+d}" if offset else "Etc/GMT"


def live_in(store, zone: str) -> None:
    """Linked long ago, by the clock of `zone`."""
    Store.objects.filter(pk=store.pk).update(
        time_zone=zone, linked_at=timezone.now() - timedelta(days=40)
    )
    store.refresh_from_db()


def lose(store, count: int, *, days_ago: int = 1) -> list[str]:
    """As if these orders of a day had never come."""
    day = timezone.localtime(timezone=ZoneInfo(store.time_zone)).date() - timedelta(days=days_ago)
    since = midnight(day, store.zone)
    orders = Order.objects.filter(
        store=store, changed_at__gte=since, changed_at__lt=since + timedelta(days=1)
    )
    numbers = list(orders.order_by("number").values_list("number", flat=True)[:count])
    assert len(numbers) == count
    Order.objects.filter(store=store, number__in=numbers).delete()
    return numbers


def count_tonight() -> DataCheck:
    """The nightly pump, and the pumps that do what it asked for."""
    assert tasks.pump_counts() == 1
    return worked(DataCheck.objects.latest("pk"))


def yesterday(store) -> DayCount:
    day = timezone.localtime(timezone=store.zone).date() - timedelta(days=1)
    return DayCount.objects.get(store=store, day=day)


def pulled_up_to(moment: datetime) -> None:
    Stream.objects.filter(ends_at=None).update(watermark=moment)
