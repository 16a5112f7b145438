"""Reading again what could not be read, with the adapter of today, and landing it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec
from django.db import DataError, IntegrityError, transaction

from accounts.models import User
from platforms import landing, registry
from platforms.landing import Batch, Landed, Parsed, Router
from platforms.models import Quarantined, QuarantineState, Stream
from platforms.quarantine.contents import received
from tenants.flows.record_event import record_event
from tenants.models import Outcome, Store, StoreState

Route = tuple[str, int | None, int | None]  # platform, store, authorization


@dataclass(frozen=True, kw_only=True)
class Released:
    """`landed` is None where nothing was written; `unreadable` says why it still cannot be read,
    "" where somebody had settled the record before."""

    landed: Landed | None = None
    unreadable: str = ""


@dataclass(kw_only=True)
class ReadAgain:
    """How many records landed, and how many still cannot be read. Those that somebody settled
    before are in neither."""

    landed: int = 0
    unreadable: int = 0
    # Of the last one that could not be read or landed: for who asked for a single one.
    reason: str = ""
    orders: Landed | None = None

    def add(self, other: ReadAgain) -> None:
        self.landed += other.landed
        self.unreadable += other.unreadable
        self.reason = other.reason or self.reason
        if other.orders:
            self.orders = self.orders or Landed()
            self.orders.add(other.orders)


def release_quarantined(
    *, record: Quarantined, user: User | None, now: datetime, on_behalf: bool = False
) -> Released:
    """Read the record again, with the adapter of today, and land it like a pulled one.

    Safe to repeat: a settled record is left alone, and landing keeps the newer version.
    """
    done = release_records(pks=[record.pk], user=user, now=now, on_behalf=on_behalf, single=True)
    return Released(landed=done.orders, unreadable=done.reason)


def release_records(
    *,
    pks: Sequence[int],
    user: User | None,
    now: datetime,
    on_behalf: bool = False,
    single: bool = False,
) -> ReadAgain:
    """Read records of one tenant again and land them, one transaction per store (or per
    authorization, where the store is not known); one event for each, or for the record where
    `single` was asked for.

    Safe to repeat and to do twice at once: a settled record is left alone. What still cannot be
    read stays, with the reason of today.
    """
    routes: dict[Route, list[int]] = {}
    waiting = Quarantined.objects.filter(pk__in=pks, state=QuarantineState.WAITING)
    for pk, *route in waiting.order_by("pk").values_list(
        "pk", "platform", "store_id", "stream__authorization_id"
    ):
        platform, store_id, authorization_id = route
        key = (platform, store_id, None if store_id else authorization_id)
        routes.setdefault(key, []).append(pk)
    done = ReadAgain()
    for route, mine in sorted(routes.items(), key=str):
        done.add(_release_route(route, mine, user, now, on_behalf, single))
    return done


def _release_route(
    route: Route,
    pks: Sequence[int],
    user: User | None,
    now: datetime,
    on_behalf: bool,
    single: bool,
) -> ReadAgain:
    with transaction.atomic():
        rows = locked(pks, QuarantineState.WAITING)
        if not rows:
            return ReadAgain()
        stores = _stores(route)
        read = {row.pk: _read(row, Router(stores)) for row in rows}
        readable = [row for row in rows if isinstance(read[row.pk], Parsed)]
        orders = _land_all(readable, read, stores, now)
        good = [row for row in rows if isinstance(read[row.pk], Parsed)]
        bad = [row for row in rows if not isinstance(read[row.pk], Parsed)]
        for row in good:
            parsed = read[row.pk]
            assert isinstance(parsed, Parsed)
            row.store, row.number = parsed.store, parsed.order.number
            row.state, row.settled_at, row.settled_note = QuarantineState.RELEASED, now, ""
        for row in bad:
            row.reason = str(read[row.pk])[:300]
        Quarantined.objects.bulk_update(
            good, ["store", "number", "state", "settled_at", "settled_note"], batch_size=100
        )
        Quarantined.objects.bulk_update(bad, ["reason"], batch_size=200)
        outcome = Outcome.DONE if good else Outcome.FAILED
        if single:
            record_event(
                tenant=rows[0].tenant, verb="quarantine.released", actor=user, now=now,
                target=rows[0], outcome=outcome, on_behalf=on_behalf,
            )  # fmt: skip
        else:
            record_event(
                tenant=rows[0].tenant, verb="quarantine.many_released", actor=user, now=now,
                target=stores[0] if len(stores) == 1 else rows[0].tenant, outcome=outcome,
                on_behalf=on_behalf,
                detail={"count": len(rows), "landed": len(good), "unreadable": len(bad)},
            )  # fmt: skip
    return ReadAgain(
        landed=len(good), unreadable=len(bad), reason=bad[-1].reason if bad else "",
        orders=orders if good else None,
    )  # fmt: skip


def locked(pks: Sequence[int], *states: QuarantineState) -> list[Quarantined]:
    """The rows that are still in one of `states`, so that nobody else settles them meanwhile."""
    return list(
        Quarantined.objects.select_for_update(of=("self",))
        .select_related("tenant", "stream", "store")
        .filter(pk__in=pks, state__in=states)
        .order_by("pk")
    )


def _read(row: Quarantined, router: Router) -> Parsed | str:
    """The order, or why there is none."""
    if row.platform not in registry.codes():
        return "this marketplace is not supported any more"
    raw = received(row)
    if raw is None:
        return "what is stored of the record is damaged"
    batch = landing.read_records(
        registry.get(row.platform), [msgspec.Raw(raw)], kind=row.record_kind, router=router
    )
    return batch.unreadable[0].reason if batch.unreadable else batch.parsed[0]


def _land_all(
    rows: Sequence[Quarantined],
    read: dict[int, Parsed | str],
    stores: Sequence[Store],
    now: datetime,
) -> Landed:
    """All at once; one by one where the database takes one of them for impossible: then `read`
    says so, and the others land."""
    if not rows:
        return Landed()
    try:
        with transaction.atomic():
            return _land(rows, read, stores, now)
    except (DataError, IntegrityError, OverflowError):
        if len(rows) == 1:
            read[rows[0].pk] = "the order does not fit our tables"
            return Landed()
    landed = Landed()
    for row in rows:
        landed.add(_land_all([row], read, stores, now))
    return landed


def _land(
    rows: Sequence[Quarantined],
    read: dict[int, Parsed | str],
    stores: Sequence[Store],
    now: datetime,
) -> Landed:
    parsed = [each for row in rows if isinstance(each := read[row.pk], Parsed)]
    # Landing needs a stream for what it cannot read only, and here is none of it.
    stream = rows[0].stream or Stream(tenant_id=rows[0].tenant_id, store=stores[0])
    return landing.land(Batch(parsed=parsed), stream=stream, now=now)


def _stores(route: Route) -> list[Store]:
    """The stores a record may belong to: those its pull was for, paused ones included."""
    _platform, store_id, authorization_id = route
    stores = Store.objects.select_related("tenant").exclude(state=StoreState.UNLINKED)
    if store_id is not None:
        return list(stores.filter(pk=store_id))
    if authorization_id is None:
        return []
    return list(stores.filter(authorization_id=authorization_id).order_by("pk"))
