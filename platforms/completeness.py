"""Whether every order is here, shown by store and day: what the counts of the last 30 days say.

A day is one of the store's own clock, by the orders' last change at the platform; an order that
changed on several days may have been counted on each.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any

from django.db.models import Exists, F, OuterRef, Q, Sum
from django.utils import timezone

from platforms.data_checks.day_counts import DAY, midnight
from platforms.data_checks.nightly import NIGHTLY
from platforms.models import DataCheck, DayCount, Trouble
from tenants.models import Store
from tenants.scope import TenantQuerySet

DAYS = 30
HEALTH_DAYS = 14  # as far back as the weekly counts look
RECENT = 3
# The hours of the night after a day in which it is counted for the first time.
NIGHT = (timedelta(hours=1), timedelta(hours=5))
AT_ONCE = 200

OPEN = F("missing") + F("different") - F("healed")
IS_OPEN = Q(missing__gt=F("healed") - F("different"))  # that is, OPEN > 0
DIFFERS = IS_OPEN | Q(unreadable__gt=0)


class DayState(StrEnum):
    COMPLETE = "complete"
    HEALED = "healed"
    DIFFERS = "differs"
    UNCOUNTED = "uncounted"
    UNASKED = "unasked"  # the platform could not be asked


@dataclass(frozen=True, kw_only=True)
class Day:
    day: date
    state: DayState
    count: DayCount | None

    @property
    def open(self) -> int:
        """Orders that were still missing or out of date after healing, and unreadable ones."""
        row = self.count
        return max(0, row.missing + row.different - row.healed) + row.unreadable if row else 0

    @property
    def at_platform(self) -> int:
        return self.count.platform_count + self.count.unreadable if self.count else 0


@dataclass(frozen=True, kw_only=True)
class StoreDays:
    """`days` are the last 30 whole ones, the oldest first; `today` as far as it was counted."""

    store: Store
    days: tuple[Day, ...]
    today: Day

    @property
    def is_counted(self) -> bool:
        return any(day.count for day in self.days)

    @property
    def at_platform(self) -> int:
        return sum(day.at_platform for day in self.days)

    @property
    def open(self) -> int:
        return sum(day.open for day in self.days)

    @property
    def here(self) -> int:
        return self.at_platform - self.open

    @property
    def is_recent(self) -> bool:
        """Whether one of the last days was counted."""
        return any(day.count for day in self.days[-RECENT:])

    @property
    def states(self) -> Counter[DayState]:
        return Counter(day.state for day in self.days)


@dataclass(frozen=True, kw_only=True)
class Totals:
    """Of all stores of a reader. `at_platform` counts the orders that cannot be read, too."""

    at_platform: int
    open: int
    healed: int
    extra: int
    stores: int
    counted: int  # stores with a count of one of the last days

    @property
    def here(self) -> int:
        return self.at_platform - self.open


def of_stores(stores: Iterable[Store], *, now: datetime) -> list[StoreDays]:
    """The last 30 days of each of `stores` (with `tenant` selected), in three queries."""
    rows = list(stores)
    first = now.date() - timedelta(days=DAYS + 2)  # zones are up to a day apart
    counts: dict[tuple[int, date], DayCount] = {
        (row.store_id, row.day): row
        for row in DayCount.objects.filter(store__in=rows, day__gte=first).annotate(
            check_public_id=F("data_check__public_id")  # for links
        )
    }
    failed = _failed_windows(rows, since=now - timedelta(days=DAYS + 3))
    troubles = _troubles(rows, since=now - timedelta(days=DAYS + 3), now=now)
    return [
        _store_days(
            store, counts, failed.get(store.pk, ()), troubles.get(store.pk, ()), now=now
        )
        for store in rows
    ]  # fmt: skip


Span = tuple[datetime, datetime]


def _store_days(
    store: Store,
    counts: Mapping[tuple[int, date], DayCount],
    failed: Collection[Span],
    troubles: Collection[Span],
    *,
    now: datetime,
) -> StoreDays:
    today = timezone.localtime(now, store.zone).date()

    def of_day(day: date) -> Day:
        count = counts.get((store.pk, day))
        state = DayState.UNCOUNTED
        if count is not None:
            state = _state_of(count)
        elif _could_not_be_asked(store, day, failed, troubles):
            state = DayState.UNASKED
        return Day(day=day, state=state, count=count)

    days = tuple(of_day(today - back * DAY) for back in range(DAYS, 0, -1))
    return StoreDays(store=store, days=days, today=of_day(today))


def _state_of(count: DayCount) -> DayState:
    if count.missing + count.different > count.healed or count.unreadable:
        return DayState.DIFFERS
    return DayState.HEALED if count.healed else DayState.COMPLETE


def _could_not_be_asked(
    store: Store, day: date, failed: Collection[Span], troubles: Collection[Span]
) -> bool:
    if not failed and not troubles:
        return False
    begin, end = midnight(day, store.zone), midnight(day + DAY, store.zone)
    if any(since <= begin and end <= until for since, until in failed):
        return True
    night = (end + NIGHT[0], end + NIGHT[1])
    return any(began < night[1] and ended > night[0] for began, ended in troubles)


def _failed_windows(stores: Sequence[Store], *, since: datetime) -> dict[int, list[Span]]:
    """What nightly counts that the platform did not answer were to compare, by store."""
    failed = DataCheck.objects.filter(
        NIGHTLY, store__in=stores, state=DataCheck.State.FAILED, created_at__gte=since
    ).exclude(fault="")
    found: dict[int, list[Span]] = {}
    for store_id, asked in failed.values_list("store_id", "asked"):
        span = (datetime.fromisoformat(asked["since"]), datetime.fromisoformat(asked["until"]))
        found.setdefault(store_id, []).append(span)
    return found


def _troubles(stores: Sequence[Store], *, since: datetime, now: datetime) -> dict[int, list[Span]]:
    rows = Trouble.objects.filter(Q(ended_at=None) | Q(ended_at__gte=since), store__in=stores)
    found: dict[int, list[Span]] = {}
    for store_id, began, ended in rows.values_list("store_id", "began_at", "ended_at"):
        found.setdefault(store_id, []).append((began, ended or now))
    return found


def totals(stores: TenantQuerySet[Store], *, now: datetime) -> Totals:
    """Over all of `stores`, in two queries."""
    today = timezone.localtime(now).date()
    rows = DayCount.objects.filter(
        store__in=stores.order_by(), day__gte=today - timedelta(days=DAYS), day__lt=today + DAY
    )
    sums = rows.aggregate(
        at_platform=Sum(F("platform_count") + F("unreadable"), default=0),
        open=Sum(OPEN + F("unreadable"), default=0),
        healed=Sum("healed", default=0),
        extra=Sum("extra", default=0),
    )
    recent = Exists(_recent(now))
    known = stores.order_by().aggregate(
        stores=Sum(1, default=0), counted=Sum(1, filter=recent, default=0)
    )
    return Totals(**sums, **known)


def differing(stores: Any, *, now: datetime) -> Any:
    """Of `stores`, those with a day of the last 30 that differs."""
    return stores.filter(_differs(now))


def uncounted(stores: Any, *, now: datetime) -> Any:
    """Of `stores`, those of which no day of the last three was counted."""
    return stores.filter(~Exists(_recent(now)))


def worst_first(stores: Any, *, now: datetime) -> Any:
    return stores.order_by(_differs(now).desc(), "platform", "account_name", "site", "pk")


def still_open(stores: Sequence[Store], *, now: datetime) -> dict[int, int]:
    """How many orders of the last fortnight still differ after a count, by store; those with none
    are not there."""
    rows = DayCount.objects.filter(
        IS_OPEN,
        store__in=[store.pk for store in stores],
        day__gte=now.date() - timedelta(days=HEALTH_DAYS),
    )
    return dict(rows.values("store_id").annotate(open=Sum(OPEN)).values_list("store_id", "open"))


def _differs(now: datetime) -> Exists:
    since = now.date() - timedelta(days=DAYS)
    return Exists(DayCount.objects.filter(DIFFERS, store=OuterRef("pk"), day__gte=since))


def _recent(now: datetime) -> TenantQuerySet[DayCount]:
    since = now.date() - timedelta(days=RECENT)
    rows: TenantQuerySet[DayCount] = DayCount.objects.filter(store=OuterRef("pk"), day__gte=since)
    return rows
