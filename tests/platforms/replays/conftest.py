"""A store of the emulator with its orders here, and replays of it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from platforms import tasks
from platforms.flows.replay import start_replay
from platforms.models import Order, Replay, Stream
from tests.support.linking import link_store

STALE = b"of an older adapter"[:16]


@pytest.fixture
def shop(market, world):
    """A linked Ozon store with everything of the last month here."""
    return linked(market, world.lotus)


def linked(market, tenant, account="ozon-zarya", name="zarya"):
    store = link_store(market, tenant, account, name=name).stores[0]
    month_ago = timezone.now() - timedelta(days=30)
    Stream.objects.filter(authorization=store.authorization).update(
        starts_at=month_ago, watermark=month_ago
    )
    tasks.pump_orders()
    assert Order.objects.filter(store=store).count() > 5
    return store


def ask(store, kind, *, days: float = 28, user=None) -> Replay:
    now = timezone.now()
    return start_replay(
        store=store, kind=kind, since=now - timedelta(days=days), until=now, user=user, now=now
    )


def worked(replay: Replay) -> Replay:
    """Let the pumps work until the replay is over."""
    for _ in range(6):
        tasks.pump_replays()
        tasks.pump_orders()
        tasks.pump_deliveries()
        Replay.objects.filter(pk=replay.pk, leased_until__gt=timezone.now()).update(
            leased_until=timezone.now()
        )
        row = Replay.objects.get(pk=replay.pk)
        if row.finished_at:
            return row
    raise AssertionError(f"not over: {row.state} {row.position} {row.fault}")


def spoil(order: Order) -> None:
    """As an adapter would have left it that read less than today's."""
    Order.objects.filter(pk=order.pk).update(status="unknown", total=None, content_hash=STALE)
