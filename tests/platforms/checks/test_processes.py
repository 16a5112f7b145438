"""Checks with real threads and processes: at once, and killed in the middle."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest
from django.utils import timezone

from platforms import registry, tasks
from platforms.emulator.app import Emulator, endpoints
from platforms.flows import work_checks
from platforms.models import DataCheck, RateBucket
from tenants.scope import tenant_scope
from tests.platforms.checks import worker
from tests.platforms.checks.conftest import ask_counts, ask_stress
from tests.support import processes
from tests.support.linking import link_store
from tests.support.wire import CALLBACK_BASE, World, emulated

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]


def until(ready, *, seconds=60):
    """What `ready` gives back, as soon as that is something."""
    give_up = time.monotonic() + seconds
    while time.monotonic() < give_up:
        if found := ready():
            return found
        time.sleep(0.1)
    raise AssertionError("it never came")


def test_threads_keep_to_the_half_together(world):
    with emulated() as market, tenant_scope(world.lotus):
        store = link_store(market, world.lotus, "ozon-zarya", name="zarya").stores[0]
        RateBucket.objects.all().delete()
        market.control("counters/reset")
        ask_stress(store, concurrency=8, seconds=10, calls=2000)
        assert tasks.pump_checks() == 1
        check = DataCheck.objects.get()
        report = check.report
        calls = market.ask("counters")["account_calls"]["ozon-zarya"]
    limit = registry.get("ozon").limits["orders"]
    assert (check.state, report["verdict"]) == ("done", "good")
    assert report["most_at_once"] == 8
    assert report["calls"] == calls <= (limit.burst + limit.rate * report["seconds"]) / 2 + 1
    assert report["orders"] > 0


def test_two_checks_side_by_side(world):
    with emulated() as market, tenant_scope(world.lotus):
        for account in ("ozon-zarya", "ebay-lantern"):
            store = link_store(market, world.lotus, account, name=account[:4]).stores[0]
            ask_counts(store)
        tasks.pump_orders()
        for _ in range(3):
            tasks.pump_checks(patience_s=0)
            tasks.pump_orders()  # what was missing
            DataCheck.objects.update(leased_until=None)
        assert set(DataCheck.objects.values_list("state", flat=True)) == {"done"}
        assert {each.report["verdict"] for each in DataCheck.objects.all()} == {"healed"}


def test_a_stop_reaches_a_running_test(world):
    from threading import Thread

    with emulated() as market, tenant_scope(world.lotus):
        store = link_store(market, world.lotus, "ozon-zarya", name="zarya").stores[0]
        check = ask_stress(store, concurrency=2, seconds=60, calls=2000)
        began = time.monotonic()
        pump = Thread(target=_pump)
        pump.start()
        until(lambda: DataCheck.objects.get().progress.get("so_far", {}).get("calls"))
        assert work_checks.claim_due(limit=1, now=timezone.now()) == []
        work_checks.stop_check(check=check, user=None, now=timezone.now())
        pump.join(20)
        row = DataCheck.objects.get()
    assert (row.state, row.report["verdict"]) == ("stopped", "stopped")
    assert row.report["calls"] > 0
    assert time.monotonic() - began < 20


def _pump():
    from django.db import connections

    try:
        tasks.pump_checks()
    finally:
        connections.close_all()


@pytest.mark.parametrize("kind", ["stress", "counts"])
def test_a_killed_run_is_ended_with_what_was_measured(world, settings, kind):
    emulator = Emulator(callback_base=CALLBACK_BASE, orders={"ozon-zarya": 3000})
    settings.ALLOW_ENDPOINT_OVERRIDES = True
    with processes.served(emulator) as url, tenant_scope(world.lotus):
        settings.PLATFORM_ENDPOINTS = endpoints(url)
        store = link_store(World(emulator), world.lotus, "ozon-zarya", name="zarya").stores[0]
        emulator.state.set_knobs("ozon", {"delay": 0.3})
        check = (
            ask_stress(store, seconds=120, calls=2000)
            if kind == "stress"
            else ask_counts(store, days=30)
        )
        child = processes.spawn(worker.work_on_checks, processes.database_url(), url)
        until(lambda: measured(DataCheck.objects.get(pk=check.pk)))
        assert tasks.pump_checks(patience_s=0) == 0  # it is being worked on
        child.kill()
        child.join(20)
        left = DataCheck.objects.get(pk=check.pk)
        assert left.state == "running"

        DataCheck.objects.update(leased_until=timezone.now() - timedelta(seconds=1))
        assert tasks.pump_checks(patience_s=0) == 1

        row = DataCheck.objects.get(pk=check.pk)
        assert (row.state, row.report["verdict"]) == ("failed", "died")
        assert row.fence == left.fence + 1
        assert measured(row)


def measured(check):
    """Calls of a stress test, orders of a count, in the progress or what is left of it."""
    told = check.report or check.progress
    so_far = told.get("so_far") or told
    return so_far.get("calls") or so_far.get("platform")
