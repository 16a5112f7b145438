"""What the health page of one store shows beyond its StoreHealth."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.db.models import Max, Q, Sum
from django.utils.translation import gettext_lazy

from platforms import registry
from platforms.health.strip import Day, last_days
from platforms.models import CallStat, Stream, Trouble
from platforms.spec import Text
from tenants.models import Store

DAYS = 7
TROUBLES = 10


@dataclass(frozen=True, kw_only=True)
class Clock:
    """One of the three dates on which something ends; `at` is None where none was stated."""

    name: Text
    at: datetime | None
    meaning: Text


@dataclass(frozen=True, kw_only=True)
class FaultCalls:
    """The calls that ended in one way, "" being success; latencies are of the last 7 days."""

    fault: str
    day: int
    week: int
    mean_ms: int
    slowest_ms: int


@dataclass(frozen=True, kw_only=True)
class StreamFacts:
    stream: Stream
    lag: timedelta
    is_standing: bool


def clocks(store: Store) -> list[Clock]:
    """Access, renewal and consent, in the order in which they run out. None without a grant that
    can be used."""
    authorization = store.authorization
    if authorization is None or not authorization.is_usable:
        return []
    renews = registry.get(store.platform).refresh_renews
    by_us = authorization.refresh_due_at is not None
    return [
        Clock(
            name=gettext_lazy("Access"),
            at=authorization.access_expires_at,
            meaning=gettext_lazy("Opens the calls. We renew it in time; you need do nothing.")
            if by_us
            else gettext_lazy("Opens the calls, for as long as the permission holds."),
        ),
        Clock(
            name=gettext_lazy("Renewal"),
            at=authorization.refresh_expires_at,
            meaning=gettext_lazy(
                "Until then we can renew the access without you. Each renewal moves it on."
            )
            if renews
            else gettext_lazy(
                "Until then we can renew the access without you. It does not move: link the store"
                " again before it ends."
            ),
        ),
        Clock(
            name=gettext_lazy("Permission"),
            at=authorization.consent_expires_at,
            meaning=gettext_lazy("By then you must agree again at the platform: press “Relink”."),
        ),
    ]


def days(store: Store, *, zone: ZoneInfo, now: datetime) -> list[Day]:
    """The last DAYS days in the reader's calendar, the newest first."""
    if store.authorization_id is None:
        return []
    found = last_days(store.authorization_id, days=DAYS, zone=zone, now=now)
    return found[::-1]


def calls_by_fault(store: Store, *, now: datetime) -> list[FaultCalls]:
    """Successes first, then the most frequent faults of 7 days."""
    since = now - timedelta(days=DAYS)
    day = Q(hour__gte=now - timedelta(hours=24))
    rows = (
        CallStat.objects.filter(authorization=store.authorization_id, hour__gte=since)
        .values("fault")
        .annotate(
            day=Sum("calls", filter=day, default=0),
            week=Sum("calls"),
            took_ms=Sum("milliseconds"),
            slowest=Max("slowest_ms"),
        )
    )
    found = [
        FaultCalls(
            fault=row["fault"], day=row["day"], week=row["week"],
            mean_ms=round(row["took_ms"] / row["week"]), slowest_ms=row["slowest"],
        )
        for row in rows
        if row["week"]
    ]  # fmt: skip
    return sorted(found, key=lambda each: (each.fault != "", -each.week))


def streams(store: Store, *, now: datetime) -> list[StreamFacts]:
    """What is pulled for the store: what goes on for ever, and back-fills under way."""
    if store.authorization_id is None:
        return []
    mine = Stream.objects.filter(authorization=store.authorization_id, finished_at=None)
    rows = mine.filter(Q(store=store) | Q(store=None)).order_by("lane", "pk")
    return [
        StreamFacts(
            stream=row,
            lag=max(timedelta(0), (row.ends_at or now) - row.watermark),
            is_standing=row.ends_at is None,
        )
        for row in rows
    ]


def troubles(store: Store) -> list[Trouble]:
    return list(Trouble.objects.filter(store=store).order_by("-began_at", "-pk")[:TROUBLES])
