"""How each store is, from our own rows; shared by page, command and API."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Q, Sum

from platforms import ratelimit, registry
from platforms.models import CallStat, Quarantined, QuarantineState, RateBucket, Stream
from platforms.spec import Account, AppKeys, Limit
from tenants.models import Store, StoreState

ENDS_SOON = timedelta(days=14)
DAY = timedelta(hours=24)


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

    @property
    def ends_at(self) -> datetime | None:
        """The first date by which the seller must act, if there is one; none once it is over."""
        if self.state != StoreState.ACTIVE:
            return None
        return min(filter(None, (self.refresh_expires_at, self.consent_expires_at)), default=None)

    @property
    def success_percent(self) -> int | None:
        # Rounded down: 100 % is said only where nothing failed.
        return None if self.success_rate is None else int(self.success_rate * 100)

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
        }


def of_store(store: Store, *, now: datetime) -> StoreHealth:
    return of_stores([store], now=now)[0]


def of_stores(stores: Sequence[Store], *, now: datetime) -> list[StoreHealth]:
    """The health of `stores` (with `authorization` selected), in a fixed number of queries."""
    authorizations = {store.authorization_id for store in stores if store.authorization_id}
    streams: Mapping[int, list[Stream]] = _by_authorization(
        Stream.objects.filter(authorization_id__in=authorizations, ends_at=None)
    )
    calls = _calls(authorizations, since=now - DAY)
    waiting = _quarantined(stores, authorizations)
    rooms = _headrooms(stores, now=now)
    return [
        _health(store, streams[store.authorization_id or 0], calls, waiting, rooms, now=now)
        for store in stores
    ]


def ends_soon(store: Store, *, now: datetime) -> bool:
    """Whether the seller must renew the permission within two weeks."""
    authorization = store.authorization
    if store.state != StoreState.ACTIVE or authorization is None:
        return False
    dates = (authorization.refresh_expires_at, authorization.consent_expires_at)
    return any(at is not None and at - now <= ENDS_SOON for at in dates)


def _by_authorization(streams: Iterable[Stream]) -> Mapping[int, list[Stream]]:
    grouped: dict[int, list[Stream]] = defaultdict(list)
    for stream in streams:
        grouped[stream.authorization_id].append(stream)
    return grouped


def _calls(authorizations: set[int], *, since: datetime) -> dict[int, tuple[int, int]]:
    """Authorization -> (calls, of which succeeded)."""
    rows = (
        CallStat.objects.filter(authorization_id__in=authorizations, hour__gte=since)
        .values("authorization_id")
        .annotate(total=Sum("calls"), good=Sum("calls", filter=Q(fault="")))
    )
    return {row["authorization_id"]: (row["total"], row["good"] or 0) for row in rows}


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


def _health(
    store: Store,
    streams: Sequence[Stream],
    calls: Mapping[int, tuple[int, int]],
    waiting: Mapping[tuple[str, int], int],
    rooms: Mapping[int, int],
    *,
    now: datetime,
) -> StoreHealth:
    authorization = store.authorization
    mine = next((s for s in streams if s.store_id in (None, store.pk)), None)
    total, good = calls.get(store.authorization_id or 0, (0, 0))
    return StoreHealth(
        store=store,
        state=store.state,
        fault=(authorization.fault if authorization else "") or (mine.fault if mine else ""),
        access_expires_at=authorization.access_expires_at if authorization else None,
        refresh_expires_at=authorization.refresh_expires_at if authorization else None,
        consent_expires_at=authorization.consent_expires_at if authorization else None,
        last_success_at=mine.last_success_at if mine else None,
        success_rate=round(good / total, 4) if total else None,
        calls=total,
        headroom=rooms.get(store.authorization_id or 0),
        lag_s=max(0, int((now - mine.watermark).total_seconds())) if mine else None,
        failures=mine.failures if mine else 0,
        quarantined=waiting.get(("store", store.pk), 0)
        + waiting.get(("authorization", store.authorization_id or 0), 0),
    )


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


def _iso(at: datetime | None) -> str | None:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ") if at else None
