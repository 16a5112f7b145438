"""Replays with real threads and processes on PostgreSQL: killed in the middle, and at once."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import contextmanager
from functools import partial
from threading import Thread

import pytest
from django.db import connections
from django.utils import timezone

from platforms import tasks
from platforms.emulator.app import Emulator, endpoints
from platforms.flows import replay_read
from platforms.flows.replay import claim, stop_replay, work_on
from platforms.models import Order, OrderLine, OrderRaw, Replay, Stream
from tenants.models import Event
from tenants.scope import all_tenants, tenant_scope
from tests.platforms.replays import worker
from tests.platforms.replays.conftest import STALE, ask, linked
from tests.support import processes
from tests.support.wire import CALLBACK_BASE, World, emulated

pytestmark = [pytest.mark.postgresql, pytest.mark.slow, pytest.mark.django_db(transaction=True)]

BATCH = 9
KILLS = 14


@contextmanager
def mortal(url):
    """A process that works on what is due, and dies before its n-th statement."""
    with processes.mortal(url, partial(worker.take_turns, BATCH)) as work:

        def freed(die_before: int) -> processes.Ended:
            Replay.objects.update(leased_until=None)
            return work(die_before)

        yield freed


@contextmanager
def served_shop(world, settings):
    emulator = Emulator(callback_base=CALLBACK_BASE)
    settings.ALLOW_ENDPOINT_OVERRIDES = True
    with processes.served(emulator) as url, tenant_scope(world.lotus):
        settings.PLATFORM_ENDPOINTS = endpoints(url)
        yield linked(World(emulator), world.lotus), url


def spoil_all():
    Order.objects.update(status="unknown", total=None, content_hash=STALE)


def snapshot():
    return {
        order.number: (order.status, order.total, bytes(order.content_hash), order.lines.count())
        for order in Order.objects.all()
    }


def test_reading_killed_at_many_points_counts_and_lands_everything_once(world, settings):
    with served_shop(world, settings) as (shop, url), mortal(url) as work:
        truth = snapshot()
        ask(shop, "read", days=60)
        statements = work(0).statements
        assert Replay.objects.get().seen == len(truth) > 3 * BATCH
        seen_at_death = set()
        for kill in range(KILLS):
            Replay.objects.all().delete()
            spoil_all()
            replay = ask(shop, "read", days=60)
            assert work(1 + kill * (statements - 2) // KILLS).killed
            left = Replay.objects.get()
            assert left.state != "done"
            seen_at_death.add(left.seen)
            assert Order.objects.exclude(status="unknown").count() == left.updated
            assert not work(0).killed
            done = Replay.objects.get(pk=replay.pk)
            assert (done.state, done.seen, done.updated) == ("done", len(truth), len(truth))
            assert snapshot() == truth
            assert OrderRaw.objects.count() == len(truth)
        assert len(seen_at_death) > 3, "the kills did not fall into different batches"


def test_a_pull_killed_while_it_begins_has_one_stream(world, settings):
    with served_shop(world, settings) as (shop, url), mortal(url) as work:
        standing, point, killed = Stream.objects.count(), 0, True
        while killed:
            point += 1
            Replay.objects.all().delete()
            Stream.objects.exclude(ends_at=None).delete()
            replay = ask(shop, "pull")
            killed = work(point).killed
            assert not work(0).killed
            assert Stream.objects.count() == standing + 1
            assert Replay.objects.get(pk=replay.pk).stream.due_at is not None
        assert point > 8


def side_by_side(*works: Callable[[], None]) -> None:
    def run(work: Callable[[], None]) -> None:
        try:
            work()
        finally:
            connections.close_all()

    threads = [Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()


def turns() -> None:
    idle = 0
    while idle < 20:
        row = claim(now=timezone.now())
        if row is None:
            idle += 1
            continue
        work_on(row, seconds=0)


def test_workers_at_once_do_everything_once(world, monkeypatch):
    monkeypatch.setattr(replay_read, "BATCH", 4)
    with emulated() as market:
        for tenant in (world.lotus, world.maple):
            with tenant_scope(tenant):
                shop = linked(
                    market, tenant, {"lotus": "ozon-zarya"}.get(tenant.slug, "ebay-lantern")
                )
                spoil_all()
                ask(shop, "read", days=60)
        side_by_side(*[turns] * 6)
    for tenant in (world.lotus, world.maple):
        with tenant_scope(tenant):
            done, orders = Replay.objects.get(), Order.objects.count()
            assert (done.state, done.seen, done.updated) == ("done", orders, orders)
            assert Event.objects.filter(verb="replay.finished").count() == 1
            assert not Order.objects.filter(status="unknown", total=None).exists()
            assert OrderLine.objects.values("order").distinct().count() == orders


def test_two_who_start_the_same_start_one(world):
    with emulated() as market, tenant_scope(world.lotus):
        shop = linked(market, world.lotus)

        def start() -> None:
            client = world.client(world.anna)
            day = timezone.localtime(timezone=shop.zone).date()
            address = f"/stores/{shop.public_id}/replays/"
            client.post(address, {"kind": "read", "since": day, "until": day})

        side_by_side(*[start] * 5)
        assert Replay.objects.count() == 1
        assert Event.objects.filter(verb="replay.started").count() == 1


def test_a_stop_in_the_middle_wins_or_comes_too_late(world, monkeypatch):
    monkeypatch.setattr(replay_read, "BATCH", 1)
    with emulated() as market, tenant_scope(world.lotus):
        shop = linked(market, world.lotus)
        replay = ask(shop, "read", days=60)

        def stop() -> None:
            with all_tenants("a person's request is elsewhere"):
                while not Replay.objects.get(pk=replay.pk).seen:
                    pass
                stop_replay(replay=replay, user=None, now=timezone.now())

        side_by_side(lambda: tasks.pump_replays() and None, stop)
        ended = Replay.objects.get()
        assert (ended.state, ended.leased_until) == ("stopped", None)
        assert 0 < ended.seen < Order.objects.count()
