"""The queue only wakes pumps; the due table is the truth."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from datetime import timedelta

import pytest
from django.utils import timezone
from django_q.brokers import get_broker
from django_q.conf import Conf
from django_q.models import Schedule

from platforms import tasks, transport
from platforms.models import Authorization, Order, Stream
from tenants.scope import all_tenants, tenant_scope
from tests.support.linking import link_store
from tests.support.wire import emulated


@pytest.fixture
def market(world):
    with emulated() as market:
        yield market


def test_migrating_makes_one_schedule_for_each_pump(db):
    tasks.ensure_schedules()
    tasks.ensure_schedules()
    assert sorted(Schedule.objects.values_list("name", flat=True)) == [
        "checks", "counts", "deliveries", "notices", "orders", "refresh", "replays", "retention",
        "watch",
    ]  # fmt: skip
    assert {s.minutes for s in Schedule.objects.exclude(name__in=["counts", "retention"])} == {1}


def test_a_pump_serves_every_tenant_and_finds_nothing_the_second_time(market, world):
    with tenant_scope(world.lotus):
        link_store(market, world.lotus, "ebay-lantern")
    with tenant_scope(world.maple):
        link_store(market, world.maple, "ozon-zarya")
    assert tasks.pump_orders() == 2
    assert tasks.pump_orders() == 0
    for tenant in (world.lotus, world.maple):
        with tenant_scope(tenant):
            assert Order.objects.count() > 5


def test_one_broken_store_does_not_hold_up_the_others(market, world):
    with tenant_scope(world.lotus):
        link_store(market, world.lotus, "ebay-lantern")
        link_store(market, world.lotus, "ozon-zarya", name="other")
    market.control("knobs", where="ebay", set={"down": True})
    tasks.pump_orders()
    with tenant_scope(world.lotus):
        assert set(Order.objects.values_list("platform", flat=True)) == {"ozon"}
        assert Stream.objects.get(authorization__platform="ebay").fault == "platform_down"


def test_a_mistake_of_ours_in_one_store_does_not_hold_up_the_others(market, world):
    with tenant_scope(world.lotus):
        link_store(market, world.lotus, "ebay-lantern")
        link_store(market, world.lotus, "ozon-zarya", name="other")

    class Trips:
        def send(self, method, url, headers, body):
            if "/ebay/" in url:
                raise ZeroDivisionError("a bug")
            return market.wire.send(method, url, headers, body)

    with transport.use_wire(Trips()), pytest.raises(ExceptionGroup):
        tasks.pump_orders()
    with tenant_scope(world.lotus):
        assert set(Order.objects.values_list("platform", flat=True)) == {"ozon"}


def test_tokens_are_refreshed_ahead_of_expiry(market, world):
    with tenant_scope(world.lotus):
        row = link_store(market, world.lotus, "ebay-lantern").authorization
        left = row.access_expires_at - row.refresh_due_at
        assert left >= timedelta(minutes=10)
        Authorization.objects.update(
            access_expires_at=timezone.now() + timedelta(minutes=5),
            refresh_due_at=timezone.now(),
            refreshed_at=timezone.now() - timedelta(hours=2),
        )
    assert tasks.pump_refresh() == 1
    with all_tenants("looking"):
        fresh = Authorization.objects.get(pk=row.pk)
    assert fresh.generation == row.generation + 1
    assert fresh.refresh_due_at > timezone.now()


def test_later_versions_may_send_more_arguments(db):
    assert tasks.pump_orders(lane=3) == 0
    assert tasks.pump_refresh(shard="a") == 0


@pytest.fixture
def queue(db, monkeypatch):
    """A queue of this test's own, on whatever broker the settings name."""
    monkeypatch.setattr(Conf, "CLUSTER_NAME", f"test-{uuid.uuid4().hex}")
    broker = get_broker()
    yield broker
    broker.delete_queue()


def test_kicking_a_full_queue_adds_nothing(queue):
    for _ in range(tasks.QUEUE_FULL + 5):
        tasks.kick()
    assert queue.queue_size() == tasks.QUEUE_FULL


def test_two_demos_on_one_redis_have_a_queue_and_a_cache_each(tmp_path):
    ask = "from config.settings import *; print(Q_CLUSTER['name'], CACHES['default']['KEY_PREFIX'])"
    more = {"DEMO_DIR": str(tmp_path), "REDIS_URL": "redis://127.0.0.1:1/0"}
    names = set()
    for port in (8000, 8010):
        code = (
            "import os; from config.demo import make_environment;"
            f" os.environ.update(make_environment({port})); {ask}"
        )
        told = subprocess.run(
            [sys.executable, "-c", code], env={**os.environ, **more}, capture_output=True,
            text=True, check=True,
        )  # fmt: skip
        queue_name, cache_name = told.stdout.split()
        names |= {queue_name, f"cache {cache_name}"}
    assert len(names) == 4


def test_kicking_a_queue_that_is_away_fails_nobody(queue, monkeypatch, caplog):
    monkeypatch.setattr(Conf, "ORM", None)
    monkeypatch.setattr(Conf, "REDIS", "redis://127.0.0.1:1/0")
    tasks.kick()
    assert "queue.unreachable" in caplog.text
