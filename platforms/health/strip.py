"""How calls went, hour by hour."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

from platforms.errors import Fault, NeedsSeller, NeedsSupport, platform_error
from platforms.models import CallStat

HOUR = timedelta(hours=1)
DAY_HOURS = 24


@dataclass(frozen=True, kw_only=True)
class Hour:
    """The calls of one hour; `at` is its beginning (aware UTC), `fault` the worst of its faults."""

    at: datetime
    calls: int = 0
    good: int = 0
    fault: str = ""

    @property
    def until(self) -> datetime:
        return self.at + HOUR

    @property
    def bad(self) -> int:
        return self.calls - self.good

    @property
    def percent(self) -> int | None:
        """Rounded down: 100 is said only where nothing failed. None without calls."""
        return self.good * 100 // self.calls if self.calls else None


@dataclass(frozen=True, kw_only=True)
class Strip:
    """Hours without a gap, oldest first."""

    hours: tuple[Hour, ...]

    @cached_property
    def calls(self) -> int:
        return sum(hour.calls for hour in self.hours)

    @cached_property
    def good(self) -> int:
        return sum(hour.good for hour in self.hours)

    @property
    def percent(self) -> int | None:
        return self.good * 100 // self.calls if self.calls else None

    @cached_property
    def worst(self) -> Hour | None:
        """The hour in which the largest share failed, the newest of several; None if none did."""
        failing = [hour for hour in self.hours if hour.bad]
        return max(failing, key=lambda hour: (hour.bad / hour.calls, hour.at), default=None)

    @property
    def faults(self) -> tuple[str, ...]:
        """The worst fault of each hour that had one, worst first, each once."""
        return tuple(sorted({h.fault for h in self.hours if h.fault}, key=badness, reverse=True))


@dataclass(frozen=True, kw_only=True)
class Day:
    """A day of the reader's calendar: 23 to 25 hours."""

    day: date
    strip: Strip


def badness(fault: str) -> int:
    """What needs the seller is worse than what needs us, and that worse than what passes."""
    if fault not in list(Fault):
        return 1
    kind = type(platform_error(Fault(fault)))
    return 2 if kind is NeedsSeller else 1 if kind is NeedsSupport else 0


def last_hours(authorizations: Collection[int], *, now: datetime) -> Mapping[int, Strip]:
    """Authorization -> its last 24 hours, the one under way included. One query."""
    until = floor(now) + HOUR
    return strips(authorizations, since=until - DAY_HOURS * HOUR, until=until)


def strips(
    authorizations: Collection[int], *, since: datetime, until: datetime
) -> dict[int, Strip]:
    """Authorization -> its hours from `since` to `until`, both whole hours. One query."""
    rows = CallStat.objects.filter(
        authorization_id__in=authorizations, hour__gte=since, hour__lt=until
    ).values_list("authorization_id", "hour", "fault", "calls")
    found: dict[int, dict[datetime, list[tuple[str, int]]]] = defaultdict(dict)
    for authorization, hour, fault, calls in rows:
        found[authorization].setdefault(hour, []).append((fault, calls))
    hours = [since + HOUR * n for n in range(int((until - since) / HOUR))]
    return {pk: Strip(hours=tuple(_hour(at, found[pk].get(at)) for at in hours))
            for pk in authorizations}  # fmt: skip


def last_days(authorization: int, *, days: int, zone: ZoneInfo, now: datetime) -> list[Day]:
    """Today and the days before it, in the calendar of `zone`, oldest first; today's hours end
    with the one under way. One query."""
    today = now.astimezone(zone).date()
    first = today - timedelta(days=days - 1)
    # Where a zone's midnight is not on a whole hour, the hour belongs to the day it begins in.
    since = floor(datetime(first.year, first.month, first.day, tzinfo=zone)) - HOUR
    whole = strips([authorization], since=since, until=floor(now) + HOUR)[authorization]
    return by_day(whole.hours, zone=zone, since=first)


def by_day(hours: Iterable[Hour], *, zone: ZoneInfo, since: date) -> list[Day]:
    grouped: dict[date, list[Hour]] = defaultdict(list)
    for hour in hours:
        day = hour.at.astimezone(zone).date()
        if day >= since:
            grouped[day].append(hour)
    return [Day(day=day, strip=Strip(hours=tuple(each))) for day, each in sorted(grouped.items())]


def floor(at: datetime) -> datetime:
    """The beginning of the whole hour in UTC, as calls are counted."""
    at = at.astimezone(_UTC)
    return at.replace(minute=0, second=0, microsecond=0)


def _hour(at: datetime, counted: Sequence[tuple[str, int]] | None) -> Hour:
    if counted is None:
        return Hour(at=at)
    faults = [(badness(fault), calls, fault) for fault, calls in counted if fault and calls]
    return Hour(
        at=at,
        calls=sum(calls for _fault, calls in counted),
        good=sum(calls for fault, calls in counted if not fault),
        fault=max(faults)[2] if faults else "",
    )


_UTC = ZoneInfo("UTC")
