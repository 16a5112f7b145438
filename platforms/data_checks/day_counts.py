"""What a count found, day by day, kept as DayCount rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.utils import timezone

from platforms.models import DataCheck, DayCount

DAY = timedelta(days=1)
COUNTED = (
    "platform_count", "our_count", "missing", "different", "extra", "unreadable", "healed",
)  # fmt: skip


def note_days(check: DataCheck, *, now: datetime) -> int:
    """Write down the days that the finished count `check` compared whole, and today as far as it
    has come; how many. Call in the tenant's scope, with the check's end. The newest comparison
    of a day replaces the one before; safe to repeat."""
    rows = [
        DayCount(
            tenant_id=check.tenant_id, store_id=check.store_id, day=day, data_check=check,
            counted_at=now, **dict(zip(COUNTED, counted, strict=True)),
        )
        for day, counted in figures_of(check, now=now).items()
    ]  # fmt: skip
    DayCount.objects.bulk_create(
        rows,
        update_conflicts=True,
        update_fields=[*COUNTED, "data_check", "counted_at"],
        unique_fields=["tenant", "store", "day"],
    )
    return len(rows)


def figures_of(check: DataCheck, *, now: datetime) -> dict[date, list[int]]:
    """What `check` found on each day that is written down, in the order of COUNTED; none of a
    count that did not come to its end."""
    report: Mapping[str, Any] = check.report or {}
    if report.get("ended") != "done" or not report.get("window"):
        return {}
    since, until = (datetime.fromisoformat(at) for at in report["window"])
    zone = ZoneInfo(report["zone"])
    days = list(days_within(since, until, zone=zone, now=now))
    return _by_day(report["days"], days, window=since.astimezone(zone).date())


def _by_day(rows: list[list[Any]], days: list[date], *, window: date) -> dict[date, list[int]]:
    """The figures of `days`, in the order of COUNTED. A platform may list an order later than it
    changed: what differs of a day before the `window` began counts with the first one."""
    found = {day: [0] * len(COUNTED) for day in days}
    for text, *figures in rows:
        day = date.fromisoformat(text)
        if day in found:
            found[day] = [sum(pair) for pair in zip(found[day], figures, strict=True)]
        elif days and day < window:
            _platform, _ours, missing, different, _extra, unreadable, healed = figures
            late = [missing + different, different, missing, different, 0, unreadable, healed]
            found[days[0]] = [sum(pair) for pair in zip(found[days[0]], late, strict=True)]
    return found


def days_within(
    since: datetime, until: datetime, *, zone: ZoneInfo, now: datetime
) -> Iterator[date]:
    """The days of `zone` that lie whole in [since, until), and today, if it begins in it."""
    today = timezone.localtime(now, zone).date()
    day = since.astimezone(zone).date()
    while midnight(day, zone) < until:
        whole = midnight(day, zone) >= since and midnight(day + DAY, zone) <= until
        if whole or (day == today and midnight(day, zone) >= since):
            yield day
        day += DAY


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """When `day` begins in `zone`, aware UTC."""
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)
