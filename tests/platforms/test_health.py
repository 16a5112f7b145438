from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from platforms import health, ratelimit, registry
from platforms.models import CallStat, Outage, Quarantined, Stream, Trouble
from platforms.spec import Account
from tenants.models import Store
from tenants.scope import tenant_scope
from tests.support.factories import NOON, make_authorization, make_store, make_stream


@pytest.fixture
def linked(world) -> Store:
    """The tea store with an authorization and a stream, in its tenant's scope."""
    with tenant_scope(world.lotus):
        world.tea.authorization = make_authorization(
            world.lotus, access_expires_at=NOON + timedelta(hours=1),
            consent_expires_at=NOON + timedelta(days=90),
        )  # fmt: skip
        world.tea.save()
        make_stream(
            world.tea.authorization, world.tea, watermark=NOON - timedelta(minutes=7),
            last_success_at=NOON - timedelta(minutes=5),
        )  # fmt: skip
        yield world.tea


def facts(store: Store) -> dict[str, object]:
    return health.of_store(store, now=NOON).as_dict()


def calls(store: Store, fault: str, count: int, *, hours_ago: int = 1) -> None:
    CallStat.objects.create(
        tenant_id=store.tenant_id, authorization=store.authorization, fault=fault, calls=count,
        hour=NOON - timedelta(hours=hours_ago),
    )  # fmt: skip


def quarantine(of: Store, count: int, **fields: object) -> None:
    for number in range(count):
        Quarantined.objects.create(
            **{"tenant_id": of.tenant_id, "store": of, "platform": of.platform,
               "reason": "unreadable", "raw": b"", "raw_sha256": f"{number:064}"} | fields
        )  # fmt: skip


def test_a_healthy_store_tells_its_clocks_and_its_lag(linked):
    found = facts(linked)
    assert found["store"] == "lotus/ebay/tea/US"
    assert found["state"] == "active"
    assert found["fault"] is None
    assert found["access_expires_at"] == "2026-11-21T13:00:00Z"
    assert found["refresh_expires_at"] is None
    assert found["last_success_at"] == "2026-11-21T11:55:00Z"
    assert found["lag_seconds"] == 420


def test_the_success_rate_is_of_the_last_day(linked):
    calls(linked, "", 3)
    calls(linked, "rate_limited", 1)
    calls(linked, "platform_down", 50, hours_ago=25)
    assert facts(linked)["success_rate_24h"] == 0.75
    assert facts(linked)["calls_24h"] == 4


def test_without_calls_there_is_no_rate(linked):
    assert facts(linked)["success_rate_24h"] is None
    assert facts(linked)["success_rate_7d"] is None
    assert facts(linked)["latency_ms"] is None


def test_a_week_is_told_besides_the_day(linked):
    calls(linked, "", 3)
    calls(linked, "platform_down", 1, hours_ago=100)
    calls(linked, "platform_down", 50, hours_ago=24 * 7 + 1)
    assert facts(linked)["success_rate_24h"] == 1
    assert facts(linked)["success_rate_7d"] == 0.75


def test_one_failure_in_many_is_not_rounded_away(linked):
    calls(linked, "", 99_999)
    calls(linked, "rate_limited", 1)
    assert facts(linked)["success_rate_24h"] == 0.9999
    assert health.of_store(linked, now=NOON).success_percent == 99


def test_percents_are_what_the_share_says(linked):
    calls(linked, "", 29)
    calls(linked, "rate_limited", 71)
    assert health.of_store(linked, now=NOON).success_percent == 29


def test_latency_is_the_mean_and_the_slowest_of_the_day(linked):
    for hours_ago, took_ms, slowest_ms in ((1, 1200, 700), (2, 400, 400), (30, 90_000, 90_000)):
        CallStat.objects.create(
            tenant_id=linked.tenant_id, authorization=linked.authorization, fault="",
            calls=2, hour=NOON - timedelta(hours=hours_ago), milliseconds=took_ms,
            slowest_ms=slowest_ms,
        )  # fmt: skip
    found = health.of_store(linked, now=NOON)
    assert (found.latency_ms, found.slowest_ms) == (400, 700)


def test_an_open_trouble_and_an_outage_are_told_with_their_beginning(linked):
    since = NOON - timedelta(hours=2)
    Stream.objects.update(fault="platform_down", failing_since=since)
    Trouble.objects.create(
        tenant_id=linked.tenant_id, store=linked, fault="rate_limited",
        began_at=since - timedelta(days=1), ended_at=since,
    )  # fmt: skip
    assert facts(linked)["trouble"] is facts(linked)["outage"] is None
    Trouble.objects.create(
        tenant_id=linked.tenant_id, store=linked, fault="platform_down", began_at=since
    )
    Outage.objects.create(platform="ebay", fault="platform_down", since=since)
    Outage.objects.create(platform="ebay", fault="rate_limited", since=NOON)
    told = {"fault": "platform_down", "since": "2026-11-21T10:00:00Z"}
    assert facts(linked)["trouble"] == told
    assert facts(linked)["outage"] == told
    assert health.of_store(linked, now=NOON).failing_since == since


def test_only_what_waits_in_quarantine_is_counted(linked):
    quarantine(linked, 2)
    quarantine(linked, 1, state="dismissed")
    assert facts(linked)["quarantined"] == 2


def test_a_record_whose_store_is_unknown_counts_for_the_authorization(linked):
    stream = linked.authorization.streams.get()
    quarantine(linked, 1, store=None, stream=stream)
    assert facts(linked)["quarantined"] == 1


def test_headroom_shrinks_with_every_call(linked):
    adapter = registry.get("ebay")
    limit = adapter.limits[adapter.orders_operation]
    authorization = linked.authorization
    account = Account(mode="x", account_id=authorization.account_id)
    before = facts(linked)["headroom"]
    ratelimit.take(ratelimit.key("ebay", adapter.orders_operation, account, limit), limit, now=NOON)
    assert facts(linked)["headroom"] == before - 1


def test_an_unlinked_store_has_no_facts_but_its_state(world):
    with tenant_scope(world.lotus):
        found = facts(world.silk)
    assert found["state"] == "active"
    assert found["headroom"] is found["lag_seconds"] is found["last_success_at"] is None


def test_many_stores_need_no_more_queries_than_one(world, linked):
    def count(stores: list[Store]) -> int:
        with CaptureQueriesContext(connection) as captured:
            health.of_stores(stores, now=NOON)
        return len(captured)

    others = []
    for _ in range(5):
        authorization = make_authorization(world.lotus)
        others.append(make_store(world.lotus, authorization=authorization))
    assert count([linked, *others]) == count([linked])
