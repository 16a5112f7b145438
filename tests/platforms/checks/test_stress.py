"""The stress test: it measures, keeps to its half of the limits, and gives way."""

from __future__ import annotations

import pytest
from django.utils import timezone

from platforms import registry, tasks
from platforms.data_checks.budget import Budget
from platforms.data_checks.tally import Tally, figures, histogram, percentile
from platforms.flows.work_checks import (
    AlreadyChecking,
    NotCheckable,
    claim_due,
    stop_check,
    work_on,
)
from platforms.models import Authorization, DataCheck, Order, RateBucket
from platforms.spec import Account, Request
from tenants.models import Event, Store
from tenants.scope import tenant_scope
from tests.platforms.checks.conftest import ask_counts, ask_stress, worked


def test_it_measures_and_changes_nothing(market, shop):
    landed = dict(Order.objects.values_list("number", "landed_at"))
    market.control("counters/reset")

    check = worked(ask_stress(shop, calls=12))

    report = check.report
    assert (check.state, report["verdict"], report["ended"]) == ("done", "good", "calls")
    assert report["calls"] == report["good"] == 12
    assert market.ask("counters")["account_calls"]["ozon-zarya"] == 12
    assert sum(report["histogram"]) == 12
    assert sum(row[1] for row in report["timeline"]) == 12
    assert report["latency_ms"]["p50"] <= report["latency_ms"]["p99"] <= report["latency_ms"]["max"]
    assert report["orders"] > 0
    assert report["orders_per_hour"] > 0
    assert report["token"]["refreshes"] == 0
    assert dict(Order.objects.values_list("number", "landed_at")) == landed


def test_it_takes_no_more_than_half_of_what_the_limit_leaves(market, shop):
    market.control("counters/reset")
    limit = registry.get("ozon").limits["orders"]
    RateBucket.objects.all().delete()  # full
    report = worked(ask_stress(shop, calls=2000, seconds=2)).report
    calls = market.ask("counters")["account_calls"]["ozon-zarya"]
    assert 5 <= calls <= (limit.burst + limit.rate * report["seconds"]) / 2 + 1
    assert report["our_waits"] > 0
    assert report["ended"] == "time"
    assert report["room"][0]["before"] == limit.burst


def test_a_test_of_a_slow_limit_ends_when_its_half_is_spent(market, world):
    from tests.support.linking import link_store

    store = link_store(market, world.lotus, "amazon-aurora-eu", name="aurora").stores[0]
    report = worked(ask_stress(store, calls=500)).report
    assert report["ended"] == "room"
    assert report["calls"] == 10  # of a burst of twenty
    assert report["bound"] == "limit"
    page, rate = report["page_size"], registry.get("amazon").limits["orders"].rate
    assert report["orders_per_hour"] == pytest.approx(page * rate * 3600, rel=0.1)


def test_a_platform_that_slows_us_down_ends_it(market, shop):
    market.control("fail_next", kind="throttle", count=50, account="ozon-zarya")
    check = worked(ask_stress(shop, calls=100))
    report = check.report
    assert (report["verdict"], report["ended"]) == ("throttled", "throttled")
    assert report["throttles"] == 3
    assert report["faults"] == {"rate_limited": 3}
    assert check.fault == "rate_limited"


def test_a_platform_that_is_down_ends_it(market, shop):
    market.control("knobs", where="ozon", set={"down": True})
    report = worked(ask_stress(shop, calls=100)).report
    assert (report["verdict"], report["ended"]) == ("failing", "failing")
    assert report["success"] == 0


def test_a_refusal_ends_it_at_once(market, shop):
    market.control("revoke", account="ozon-zarya")
    report = worked(ask_stress(shop, calls=100)).report
    assert (report["verdict"], report["calls"]) == ("refused", 1)


def test_a_token_that_ends_meanwhile_is_seen(market, world):
    from tests.support.linking import link_store

    store = link_store(market, world.lotus, "ebay-lantern", name="lantern").stores[0]
    check = ask_stress(store)
    market.control("expire", platform="ebay")
    report = worked(check).report
    assert report["token"]["refreshes"] == 1
    assert report["token"]["refused"] == 1
    assert report["token"]["usable"]
    assert Authorization.objects.get(pk=store.authorization_id).is_usable


def test_it_can_be_stopped_before_it_runs(shop, world):
    check = ask_stress(shop)
    assert stop_check(check=check, user=world.anna, now=timezone.now())
    assert DataCheck.objects.get(pk=check.pk).state == "stopped"
    assert tasks.pump_checks() == 0
    assert Event.objects.filter(verb="check.stopped").exists()
    assert not stop_check(check=check, user=world.anna, now=timezone.now())


def test_it_can_be_stopped_while_it_runs(market, shop, world):
    check = ask_stress(shop, calls=2000, seconds=60)
    (claimed,) = claim_due(limit=1, now=timezone.now())
    assert stop_check(check=check, user=world.anna, now=timezone.now())
    work_on(claimed)
    row = DataCheck.objects.get(pk=check.pk)
    assert (row.state, row.report["verdict"]) == ("stopped", "stopped")


def test_one_check_of_a_store_at_a_time(shop):
    ask_stress(shop)
    with pytest.raises(AlreadyChecking):
        ask_counts(shop)


def test_a_paused_store_cannot_be_tested(shop):
    shop.state = "paused"
    with pytest.raises(NotCheckable):
        ask_stress(shop)


def test_a_store_unlinked_before_its_turn_is_not_asked(market, shop):
    check = ask_stress(shop)
    Store.objects.filter(pk=shop.pk).update(state="unlinked")
    market.wire.calls.clear()
    assert worked(check).report["verdict"] == "unlinked"
    assert market.wire.calls == []


def test_two_of_a_tenant_at_once_and_others_besides(world):
    from tests.support.factories import make_authorization, make_store

    for tenant, count in ((world.lotus, 4), (world.maple, 1)):
        for _ in range(count):
            store = make_store(tenant, authorization=make_authorization(tenant))
            with tenant_scope(tenant):
                ask_stress(store)
    claimed = claim_due(limit=10, now=timezone.now())
    assert sorted(check.tenant_id for check in claimed) == sorted(
        [world.lotus.pk, world.lotus.pk, world.maple.pk]
    )
    assert claim_due(limit=10, now=timezone.now()) == []


def test_a_run_whose_worker_died_is_ended_with_what_was_measured(market, shop):
    check = ask_stress(shop)
    claim_due(limit=1, now=timezone.now())
    DataCheck.objects.update(
        leased_until=timezone.now(), progress={"so_far": {"calls": 7, "seconds": 3.0}}
    )
    market.wire.calls.clear()
    row = worked(check)
    assert (row.state, row.report["verdict"], row.report["calls"]) == ("failed", "died", 7)
    assert market.wire.calls == []


def test_a_late_worker_writes_nothing(shop):
    check = ask_stress(shop)
    (late,) = claim_due(limit=1, now=timezone.now())
    DataCheck.objects.update(leased_until=timezone.now())
    worked(check)
    before = DataCheck.objects.values().get(pk=check.pk)
    work_on(late)
    assert DataCheck.objects.values().get(pk=check.pk) == before


# --- arithmetic


@pytest.mark.parametrize(("share", "value"), [(0.5, 50), (0.95, 95), (0.99, 99), (1.0, 100)])
def test_percentiles_are_the_nearest_rank(share, value):
    assert percentile(list(range(1, 101)), share) == value


def test_a_single_call_is_every_percentile():
    assert percentile([7], 0.5) == percentile([7], 0.99) == 7


def test_the_histogram_holds_every_call():
    assert histogram([1, 50, 51, 100, 6400, 6401, 90_000]) == [2, 2, 0, 0, 0, 0, 0, 1, 2]


def test_nothing_measured_is_none_and_not_zero():
    found = figures(Tally(), [], elapsed_s=5.0)
    assert (found["success"], found["latency_ms"], found["orders_per_hour"]) == (None, None, None)


@pytest.mark.django_db
def test_the_budget_of_an_empty_bucket_waits():
    adapter = registry.get("ozon")
    account = Account(mode="api_key", account_id="1")
    request = Request(method="POST", path="/", operation="orders")
    budget = Budget(adapter, account)
    now = timezone.now()
    assert [budget.ask(request, now=now) for _ in range(5)] == [0.0] * 5
    assert 0 < budget.ask(request, now=now) <= 0.2
