"""Every store is counted once a night, by its own clock."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from platforms import tasks
from platforms.data_checks.day_counts import midnight
from platforms.flows import count_nightly, work_checks
from platforms.models import Authorization, DataCheck, DayCount, Order, Stream
from tenants.models import Event, Store
from tenants.scope import all_tenants, tenant_scope
from tests.platforms.checks.conftest import ask_counts, worked
from tests.platforms.completeness.conftest import (
    count_tonight,
    live_in,
    lose,
    store_at_noon,
    yesterday,
    zone_at,
)
from tests.support.factories import make_authorization, make_store, make_stream

LATE = datetime(2026, 11, 21, 23, 0, tzinfo=UTC)


def test_what_vanished_behind_our_back_is_found_and_healed(shop):
    gone = lose(shop, 2)

    check = count_tonight()

    assert check.report["verdict"] == "healed"
    assert Order.objects.filter(store=shop, number__in=gone).count() == 2
    day = yesterday(shop)
    assert (day.missing, day.healed, day.platform_count - day.our_count) == (2, 2, 2)
    assert day.data_check == check
    assert DayCount.objects.count() in (count_nightly.DAYS, count_nightly.DAYS_WEEKLY)


def test_a_store_is_counted_once_a_night(shop):
    count_tonight()
    assert tasks.pump_counts() == 0
    assert DataCheck.objects.count() == 1


def test_nobody_is_bothered_with_it(shop):
    count_tonight()
    assert not Event.objects.filter(verb__startswith="check.").exists()


def test_the_newest_comparison_counts(shop):
    lose(shop, 1)
    count_tonight()
    worked(ask_counts(shop))
    day = yesterday(shop)
    assert (day.missing, day.healed) == (0, 0)
    assert day.platform_count == day.our_count


def test_a_count_that_a_person_asked_for_is_kept_by_day_too(shop):
    worked(ask_counts(shop, days=3))
    today = timezone.localtime(timezone=shop.zone).date()
    days = set(DayCount.objects.values_list("day", flat=True))
    # The first day is cut off by the window; today is counted as far as it has come.
    assert days == {today - timedelta(days=back) for back in range(3)}


def test_a_stopped_count_proves_nothing(shop):
    check = ask_counts(shop)
    work_checks.stop_check(check=check, user=None, now=timezone.now())
    assert not DayCount.objects.exists()


def test_unreadable_records_and_extra_orders_belong_to_a_day(market, shop):
    market.control("knobs", where="ebay-lantern", set={"bad_record": True})
    report = count_tonight().report
    assert report["unreadable"] > 0
    rows = DayCount.objects.values_list("unreadable", flat=True)
    assert sum(rows) == report["unreadable"]


def test_a_platform_that_is_down_is_tried_again_later(market, shop):
    market.control("knobs", where="ebay", set={"down": True})
    check = count_tonight()
    assert (check.state, check.fault) == ("failed", "platform_down")
    assert not DayCount.objects.exists()
    now = timezone.now()
    assert count_nightly.ask_tonight(now=now) == 0
    assert count_nightly.ask_tonight(now=now + timedelta(hours=3)) == 1


def test_it_is_not_tried_for_ever(shop):
    now = timezone.now()
    for _ in range(count_nightly.TRIES):
        assert count_nightly.ask_tonight(now=now) == 1
        DataCheck.objects.update(state="failed", finished_at=now, created_at=midnight_of(shop))
    assert count_nightly.ask_tonight(now=now) == 0


def midnight_of(store):
    return midnight(timezone.localtime(timezone=store.zone).date(), store.zone)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda store: Store.objects.update(state="needs_relink"),
        lambda store: Store.objects.update(state="paused"),
        lambda store: Store.objects.update(state="unlinked"),
        lambda store: Store.objects.update(linked_at=timezone.now()),
        lambda store: Store.objects.update(platform="gone"),
        lambda store: Authorization.objects.update(state="needs_relink"),
        lambda store: Authorization.objects.update(fault="account_suspended"),
        lambda store: Stream.objects.update(fault="platform_down"),
        lambda store: Stream.objects.update(watermark=timezone.now() - timedelta(days=1)),
        lambda store: Stream.objects.update(starts_at=timezone.now() - timedelta(hours=13)),
        lambda store: ask_counts(store),
        lambda store: live_in(store, zone_at(0)),
    ],
)
def test_a_store_that_cannot_be_asked_is_not(shop, spoil):
    before = DataCheck.objects.count()
    spoil(shop)
    tasks.pump_counts()
    nightly = DataCheck.objects.filter(asked__has_key="nightly")
    assert (before, nightly.count()) == (0, 0)


def test_a_deleted_store_ends_its_count(shop):
    tasks.pump_counts()
    Store.objects.filter(pk=shop.pk).delete()
    assert tasks.pump_checks(patience_s=0) == 0
    assert not DayCount.objects.exists()


def test_an_unlinked_store_ends_its_count(shop):
    tasks.pump_counts()
    Store.objects.filter(pk=shop.pk).update(state="unlinked")
    tasks.pump_checks(patience_s=0)
    assert DataCheck.objects.get().report["verdict"] == "unlinked"


# --- whose turn it is


def plenty(tenant, count, **fields):
    """Stores of one tenant that could be counted at any hour of 2026-11-21."""
    stores = []
    for _ in range(count):
        authorization = make_authorization(tenant)
        store = make_store(
            tenant, authorization=authorization, linked_at=LATE - timedelta(days=40), **fields
        )
        make_stream(
            authorization, store, starts_at=LATE - timedelta(days=40),
            watermark=LATE, last_success_at=LATE,
        )  # fmt: skip
        stores.append(store)
    return stores


def nightly(tenant=None):
    with all_tenants("looking"):
        rows = DataCheck.objects.filter(asked__has_key="nightly")
        return rows.filter(tenant=tenant).count() if tenant else rows.count()


def test_tenants_take_turns_and_few_wait(world):
    plenty(world.lotus, 8, time_zone="UTC")
    plenty(world.maple, 2, time_zone="UTC")
    assert count_nightly.ask_tonight(now=LATE, most=5) == 5
    assert (nightly(world.lotus), nightly(world.maple)) == (3, 2)
    assert count_nightly.ask_tonight(now=LATE, most=5) == 0
    assert count_nightly.ask_tonight(now=LATE, most=500) == 5


def test_the_moments_are_spread_over_four_hours(world):
    plenty(world.lotus, 24, time_zone="UTC")
    asked = [
        count_nightly.ask_tonight(now=datetime(2026, 11, 21, hour, 59, tzinfo=UTC))
        for hour in range(6)
    ]
    assert asked[0] == 0 == asked[5]
    assert sum(asked) == 24
    assert all(4 <= each <= 8 for each in asked[1:5])


@pytest.mark.parametrize(
    ("zone", "now", "day", "hours"),
    [
        ("America/Los_Angeles", datetime(2026, 11, 21, 14, tzinfo=UTC), date(2026, 11, 21), 72),
        ("Asia/Shanghai", datetime(2026, 11, 20, 22, tzinfo=UTC), date(2026, 11, 21), 72),
        # The clock went back on the 1st of November, and forward on the 8th of March.
        ("America/Los_Angeles", datetime(2026, 11, 2, 14, tzinfo=UTC), date(2026, 11, 2), 73),
        ("America/Los_Angeles", datetime(2026, 3, 9, 14, tzinfo=UTC), date(2026, 3, 9), 71),
    ],
)
def test_days_are_those_of_the_store(world, zone, now, day, hours):
    plenty(world.lotus, 7, time_zone=zone)
    with tenant_scope(world.lotus):
        Store.objects.update(linked_at=now - timedelta(days=60))
        Stream.objects.update(watermark=now, starts_at=now - timedelta(days=60))
    assert count_nightly.ask_tonight(now=now) == 7
    lengths = []
    with tenant_scope(world.lotus):
        for check in DataCheck.objects.all():
            since, until = (datetime.fromisoformat(check.asked[key]) for key in ("since", "until"))
            assert until == midnight(day, ZoneInfo(zone))
            assert since.astimezone(ZoneInfo(zone)).hour == 0
            lengths.append((until - since).total_seconds() / 3600)
    assert lengths.count(hours) == 6  # and one is counted for the whole fortnight
    assert max(lengths) > 13 * 24


def test_days_before_the_pulls_began_are_not_missed(world):
    plenty(world.lotus, 1, time_zone="UTC")
    with tenant_scope(world.lotus):
        Stream.objects.update(starts_at=datetime(2026, 11, 19, 5, tzinfo=UTC))
        count_nightly.ask_tonight(now=LATE)
        assert DataCheck.objects.get().asked["since"] == "2026-11-20T00:00:00+00:00"


# --- people first


def claimed(limit):
    return work_checks.claim_due(limit=limit, now=timezone.now())


def test_people_go_first_and_nightly_counts_leave_places(world):
    plenty(world.lotus, 3, time_zone="UTC")
    plenty(world.maple, 3, time_zone="UTC")
    count_nightly.ask_tonight(now=LATE)
    with tenant_scope(world.lotus):
        late = plenty(world.lotus, 3)[:3]
        asked = [ask_counts(store) for store in late]
    first = claimed(6)
    assert [each.pk for each in first[:2]] == [each.pk for each in asked[:2]]
    assert sum(bool(each.asked.get("nightly")) for each in first) == 2  # of maple alone
    assert claimed(6) == []


def test_nightly_counts_never_take_all_places(world):
    for tenant in (world.lotus, world.maple):
        plenty(tenant, 4, time_zone="UTC")
    count_nightly.ask_tonight(now=LATE)
    assert len(claimed(6)) == work_checks.NIGHTLY_AT_ONCE


def test_a_person_need_not_wait_for_the_stores_nightly_count(shop):
    tasks.pump_counts()
    check = worked(ask_counts(shop))
    assert check.report["verdict"] == "complete"
    assert DataCheck.objects.filter(state="stopped").count() == 1


def test_a_nightly_count_that_runs_is_waited_for(shop):
    tasks.pump_counts()
    claimed(1)
    with pytest.raises(work_checks.AlreadyChecking):
        ask_counts(shop)


# --- afterwards


def test_nightly_checks_are_kept_for_a_month_and_the_days_longer(shop):
    count_tonight()
    kept = worked(ask_counts(shop, days=3))
    DataCheck.objects.update(created_at=timezone.now() - timedelta(days=31))
    tasks.pump_retention()
    assert list(DataCheck.objects.all()) == [kept]
    assert DayCount.objects.exists()


def test_a_night_costs_few_calls(market, world):
    """Within seconds for all of them; counted in calls, because machines differ."""
    began = timezone.now()
    accounts = (
        "ebay-lantern", "amazon-aurora-eu", "lazada-orchid", "shopee-mango", "ozon-zarya",
        "shopify-lantern", "tiktok_shop-lumen", "wish-coral",
    )  # fmt: skip
    stores = [store_at_noon(market, world.lotus, account) for account in accounts]
    Stream.objects.filter(ends_at=None).update(watermark=began)
    market.control("counters/reset")
    assert tasks.pump_counts() == len(stores)
    tasks.pump_checks(patience_s=0)
    states = dict(DataCheck.objects.values_list("store__platform", "state"))
    assert set(states.values()) == {"done"}, states
    calls = market.ask("counters")["account_calls"]
    assert sum(calls.values()) <= 6 * len(stores), calls
