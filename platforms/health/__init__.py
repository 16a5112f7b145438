"""How each store is, from our own rows; shared by page, command and API."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Max, Q, Sum

from platforms import completeness, ratelimit, registry
from platforms.data_checks.nightly import NIGHTLY
from platforms.health.condition import Condition, condition_of
from platforms.health.strip import Strip, last_hours
from platforms.models import (
    Authorization,
    CallStat,
    DataCheck,
    Outage,
    Quarantined,
    QuarantineState,
    RateBucket,
    Stream,
    Trouble,
)
from platforms.outages import open_outages
from platforms.spec import Account, AppKeys, Limit
from tenants.models import Store, StoreState

DAY = timedelta(hours=24)
WEEK = timedelta(days=7)


@dataclass(frozen=True, kw_only=True)
class StoreHealth:
    """Expiries and times are aware UTC, None where unknown or never."""

    store: Store
    state: str
    fault: str  # a Fault, "" while all is well
    access_expires_at: datetime | None
    refresh_expires_at: datetime | None
    consent_expires_at: datetime | None
    last_success_at: datetime | None
    success_rate: float | None  # share of calls in 24 h that succeeded, None without calls
    calls: int
    headroom: int | None  # calls that could be made at once now, of the orders call
    lag_s: int | None  # how long ago everything up to then had landed
    failures: int  # in a row
    quarantined: int
    condition: Condition
    failing_since: datetime | None
    success_rate_7d: float | None
    latency_ms: int | None  # mean of the calls in 24 h, whatever became of them
    slowest_ms: int | None  # of the same
    trouble: Trouble | None  # the one that is open
    outage: Outage | None  # many stores of the platform fail in the same way as this one
    differing: int  # orders of the last fortnight still missing or out of date after a count
    never_checked: bool  # linked within a day, first pull done, data not checked yet
    strip: Strip | None = None  # the last 24 hours, where asked for

    @property
    def ends_at(self) -> datetime | None:
        """The first date by which the seller must act, if there is one; none once it is over."""
        authorization = self.store.authorization
        if self.state != StoreState.ACTIVE or authorization is None:
            return None
        return authorization.seller_must_act_by

    @property
    def grant_is_dead(self) -> bool:
        authorization = self.store.authorization
        return authorization is not None and not authorization.is_usable

    @property
    def success_percent(self) -> int | None:
        return _percent(self.success_rate)

    @property
    def success_percent_7d(self) -> int | None:
        return _percent(self.success_rate_7d)

    @property
    def latency(self) -> timedelta | None:
        return None if self.latency_ms is None else timedelta(milliseconds=self.latency_ms)

    @property
    def lag(self) -> timedelta | None:
        return None if self.lag_s is None else timedelta(seconds=self.lag_s)

    def as_dict(self) -> dict[str, object]:
        """The stable JSON form (design §4 `health --json`)."""
        return {
            "store": self.store.path,
            "id": str(self.store.public_id),
            "state": self.state,
            "fault": self.fault or None,
            "access_expires_at": _iso(self.access_expires_at),
            "refresh_expires_at": _iso(self.refresh_expires_at),
            "consent_expires_at": _iso(self.consent_expires_at),
            "last_success_at": _iso(self.last_success_at),
            "success_rate_24h": self.success_rate,
            "calls_24h": self.calls,
            "headroom": self.headroom,
            "lag_seconds": self.lag_s,
            "failures": self.failures,
            "quarantined": self.quarantined,
            "differing": self.differing,
            "success_rate_7d": self.success_rate_7d,
            "latency_ms": self.latency_ms,
            "trouble": _since(self.trouble.fault, self.trouble.began_at) if self.trouble else None,
            "outage": _since(self.outage.fault, self.outage.since) if self.outage else None,
        }


Outages = Mapping[tuple[str, str], Outage]  # by platform and fault


def of_store(store: Store, *, now: datetime, strips: bool = False) -> StoreHealth:
    return of_stores([store], now=now, strips=strips)[0]


def of_stores(
    stores: Sequence[Store], *, now: datetime, strips: bool = False, outages: Outages | None = None
) -> list[StoreHealth]:
    """The health of `stores` (with `authorization` selected), in a fixed number of queries.

    `strips` adds the last 24 hours of each; `outages` are the open ones, where known already.
    """
    authorizations = {store.authorization_id for store in stores if store.authorization_id}
    facts = _Facts(
        streams=_by_authorization(
            Stream.objects.filter(authorization_id__in=authorizations, ends_at=None)
        ),
        calls=_calls(authorizations, now=now),
        waiting=_quarantined(stores, authorizations),
        rooms=_headrooms(stores, now=now),
        troubles={
            trouble.store_id: trouble
            for trouble in Trouble.objects.filter(store__in=stores, ended_at=None)
        },
        outages=open_outages() if outages is None else outages,
        differing=completeness.still_open(stores, now=now),
        unchecked=_never_checked(stores, now=now),
        strips=last_hours(authorizations, now=now) if strips else {},
    )
    return [_health(store, facts, now=now) for store in stores]


@dataclass(frozen=True, kw_only=True)
class _Calls:
    total: int = 0
    good: int = 0
    week: int = 0
    week_good: int = 0
    milliseconds: int = 0
    slowest_ms: int = 0


@dataclass(frozen=True, kw_only=True)
class _Facts:
    """What was read about all stores of a page at once."""

    streams: Mapping[int, list[Stream]]
    calls: Mapping[int, _Calls]
    waiting: Mapping[tuple[str, int], int]
    rooms: Mapping[int, int]
    troubles: Mapping[int, Trouble]
    outages: Outages
    differing: Mapping[int, int]
    unchecked: Collection[int]
    strips: Mapping[int, Strip]


def _by_authorization(streams: Iterable[Stream]) -> Mapping[int, list[Stream]]:
    grouped: dict[int, list[Stream]] = defaultdict(list)
    for stream in streams:
        grouped[stream.authorization_id].append(stream)
    return grouped


def _calls(authorizations: set[int], *, now: datetime) -> dict[int, _Calls]:
    """By authorization; those without a call in a week are not there."""
    day, good = Q(hour__gte=now - DAY), Q(fault="")
    rows = (
        CallStat.objects.filter(authorization_id__in=authorizations, hour__gte=now - WEEK)
        .values("authorization_id")
        .annotate(
            total=Sum("calls", filter=day, default=0),
            good=Sum("calls", filter=day & good, default=0),
            week=Sum("calls"),
            week_good=Sum("calls", filter=good, default=0),
            took_ms=Sum("milliseconds", filter=day, default=0),
            slowest=Max("slowest_ms", filter=day, default=0),
        )
    )
    return {
        row["authorization_id"]: _Calls(
            total=row["total"], good=row["good"], week=row["week"], week_good=row["week_good"],
            milliseconds=row["took_ms"], slowest_ms=row["slowest"],
        )
        for row in rows
    }  # fmt: skip


def _never_checked(stores: Sequence[Store], *, now: datetime) -> set[int]:
    new = [s.pk for s in stores if s.linked_at is not None and s.linked_at > now - DAY]
    checks = DataCheck.objects.filter(store__in=new).exclude(NIGHTLY)
    checked = checks.values_list("store_id", flat=True)
    return set(new) - set(checked)


def _quarantined(stores: Sequence[Store], authorizations: set[int]) -> dict[tuple[str, int], int]:
    """Waiting records by ("store", id), and by ("authorization", id) where no store is known."""
    waiting = Quarantined.objects.filter(state=QuarantineState.WAITING)
    by_store = waiting.filter(store__in=[s.pk for s in stores]).values_list("store")
    by_authorization = waiting.filter(
        store=None, stream__authorization_id__in=authorizations
    ).values_list("stream__authorization_id")
    return {("store", pk): n for pk, n in by_store.annotate(Count("pk"))} | {
        ("authorization", pk): n for pk, n in by_authorization.annotate(Count("pk"))
    }


def _health(store: Store, facts: _Facts, *, now: datetime) -> StoreHealth:
    authorization, pk = store.authorization, store.authorization_id or 0
    mine = next((s for s in facts.streams.get(pk, []) if s.store_id in (None, store.pk)), None)
    calls = facts.calls.get(pk, _Calls())
    fault = (authorization.fault if authorization else "") or (mine.fault if mine else "")
    last_success_at = mine.last_success_at if mine else None
    return StoreHealth(
        store=store,
        state=store.state,
        fault=fault,
        access_expires_at=authorization.access_expires_at if authorization else None,
        refresh_expires_at=authorization.refresh_expires_at if authorization else None,
        consent_expires_at=authorization.consent_expires_at if authorization else None,
        last_success_at=last_success_at,
        success_rate=_share(calls.good, calls.total),
        calls=calls.total,
        headroom=facts.rooms.get(pk),
        lag_s=max(0, int((now - mine.watermark).total_seconds())) if mine else None,
        failures=mine.failures if mine else 0,
        quarantined=facts.waiting.get(("store", store.pk), 0)
        + facts.waiting.get(("authorization", pk), 0),
        condition=condition_of(
            store=store,
            fault=fault,
            ends_at=authorization.seller_must_act_by if authorization else None,
            stream=mine,
            outages=facts.outages.keys(),
            now=now,
        ),
        failing_since=_failing_since(authorization, mine) if fault else None,
        success_rate_7d=_share(calls.week_good, calls.week),
        latency_ms=round(calls.milliseconds / calls.total) if calls.total else None,
        slowest_ms=calls.slowest_ms if calls.total else None,
        trouble=facts.troubles.get(store.pk),
        outage=facts.outages.get((store.platform, fault)) if fault else None,
        differing=facts.differing.get(store.pk, 0),
        never_checked=store.pk in facts.unchecked and last_success_at is not None,
        strip=facts.strips.get(pk),
    )


def _failing_since(authorization: Authorization | None, stream: Stream | None) -> datetime | None:
    """Since when it has failed without a success between; the earlier of refreshes and pulls."""
    moments = [
        authorization.failing_since if authorization else None,
        stream.failing_since if stream else None,
    ]
    known = min(filter(None, moments), default=None)
    return known or (authorization.fault_at if authorization and authorization.fault else None)


def _headrooms(stores: Sequence[Store], *, now: datetime) -> dict[int, int]:
    """Authorization -> how many orders calls could be made at once now."""
    wanted: dict[int, list[tuple[str, Limit]]] = {}
    for store in stores:
        adapter, authorization = registry.get(store.platform), store.authorization
        if authorization is None:
            continue
        app = authorization.app
        account = Account(
            mode=authorization.mode,
            region=authorization.region,
            account_id=authorization.account_id,
            app=AppKeys(client_id=app.client_id, client_secret="") if app else None,
        )
        wanted[authorization.pk] = ratelimit.buckets(adapter, adapter.orders_operation, account)
    keys = {key for buckets in wanted.values() for key, _ in buckets}
    rows = RateBucket.objects.in_bulk(list(keys))
    return {
        pk: min(ratelimit.headroom(rows.get(key), limit, now=now) for key, limit in buckets)
        for pk, buckets in wanted.items()
        if buckets
    }


def _share(part: int, whole: int) -> float | None:
    # Rounded down: 1 is said only where nothing failed.
    return part * 10_000 // whole / 10_000 if whole else None


def _percent(share: float | None) -> int | None:
    # By way of an integer: 0.29 * 100 is a little less than 29.
    return None if share is None else round(share * 10_000) // 100


def _since(fault: str, at: datetime) -> dict[str, object]:
    return {"fault": fault, "since": _iso(at)}


def _iso(at: datetime | None) -> str | None:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ") if at else None
