"""Stores of the emulator with their orders here, and checks of them."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from platforms import tasks
from platforms.flows.work_checks import start_check
from platforms.models import DataCheck, Order, Stream
from tests.support.linking import link_store


@pytest.fixture
def shop(market, world):
    """A linked Ozon store with everything of the last month here."""
    store = link_store(market, world.lotus, "ozon-zarya", name="zarya").stores[0]
    pull_everything(store)
    return store


def pull_everything(store):
    month_ago = timezone.now() - timedelta(days=30)
    Stream.objects.filter(authorization=store.authorization).update(
        starts_at=month_ago, watermark=month_ago
    )
    tasks.pump_orders()
    assert Order.objects.filter(store=store).count() > 10


def ask_counts(store, *, days: float = 7, until: datetime | None = None, user=None) -> DataCheck:
    until = until or timezone.now()
    asked = {"since": (until - timedelta(days=days)).isoformat(), "until": until.isoformat()}
    return start_check(store=store, kind="counts", asked=asked, user=user, now=timezone.now())


def ask_stress(store, *, concurrency=2, seconds=10, calls=10, user=None) -> DataCheck:
    asked = {"concurrency": concurrency, "seconds": seconds, "calls": calls}
    return start_check(store=store, kind="stress", asked=asked, user=user, now=timezone.now())


def worked(check: DataCheck) -> DataCheck:
    """Let the pumps work until the check is over."""
    for _ in range(6):
        tasks.pump_checks(patience_s=0)
        tasks.pump_orders()
        DataCheck.objects.filter(pk=check.pk, leased_until__gt=timezone.now()).update(
            leased_until=timezone.now()
        )
        row = DataCheck.objects.get(pk=check.pk)
        if row.finished_at:
            return row
    raise AssertionError(f"not over: {row.state} {row.progress}")
