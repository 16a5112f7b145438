"""Which days a finished count speaks for."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from platforms.data_checks.day_counts import days_within, midnight, note_days
from platforms.models import DataCheck, DayCount
from tenants.scope import tenant_scope

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def noted(world, *, days, window, zone="UTC"):
    with tenant_scope(world.lotus):
        check = DataCheck.objects.create(
            tenant=world.lotus, store=world.tea, kind="counts", created_at=NOW, state="done",
            report={"ended": "done", "window": window, "zone": zone, "days": days},
        )  # fmt: skip
        note_days(check, now=NOW)
        rows = DayCount.objects.order_by("day").values_list(
            "day", "platform_count", "our_count", "missing", "healed"
        )
        return [(day.day, *figures) for day, *figures in rows]


def test_days_without_orders_are_counted_too(world):
    window = ["2026-11-18T00:00:00+00:00", "2026-11-20T00:00:00+00:00"]
    assert noted(world, window=window, days=[["2026-11-19", 5, 4, 1, 0, 0, 0, 1]]) == [
        (18, 0, 0, 0, 0), (19, 5, 4, 1, 1),
    ]  # fmt: skip


def test_what_the_platform_lists_late_is_not_forgotten(world):
    """An order of the 15th, listed on the 18th only: it was missing, and is counted there."""
    window = ["2026-11-18T00:00:00+00:00", "2026-11-20T00:00:00+00:00"]
    days = [
        ["2026-11-15", 9, 8, 1, 0, 0, 0, 1],
        ["2026-11-18", 3, 3, 0, 0, 0, 0, 0],
    ]
    assert noted(world, window=window, days=days) == [(18, 4, 3, 1, 1), (19, 0, 0, 0, 0)]


def test_noting_twice_changes_nothing(world):
    window = ["2026-11-19T00:00:00+00:00", "2026-11-20T00:00:00+00:00"]
    days = [["2026-11-19", 5, 4, 1, 0, 0, 0, 1]]
    assert noted(world, window=window, days=days) == noted(world, window=window, days=days)


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("America/Los_Angeles", date(2026, 11, 1), 25),
        ("America/Los_Angeles", date(2026, 3, 8), 23),
        ("Asia/Shanghai", date(2026, 11, 1), 24),
        ("America/Santiago", date(2026, 9, 6), 23),  # its midnight does not exist
    ],
)
def test_a_day_is_as_long_as_its_clock_says(zone, day, hours):
    zone = ZoneInfo(zone)
    since, until = midnight(day, zone), midnight(date.fromordinal(day.toordinal() + 1), zone)
    assert (until - since).total_seconds() == hours * 3600
    assert list(days_within(since, until, zone=zone, now=NOW)) == [day]


def test_a_day_that_was_cut_off_is_left_out_but_today_is_not():
    zone = ZoneInfo("UTC")
    since = datetime(2026, 11, 19, 0, 1, tzinfo=UTC)
    found = list(days_within(since, NOW, zone=zone, now=NOW))
    assert found == [date(2026, 11, 20), date(2026, 11, 21)]
