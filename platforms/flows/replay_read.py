"""A replay that reads again what was received, with the adapter of today; no network.

First the orders placed in the window, in batches, then what came into quarantine in it.
"""

from __future__ import annotations

import logging
import zlib
from collections.abc import Sequence
from datetime import datetime

import msgspec
import zstandard
from django.db import DataError, IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from platforms import landing, registry
from platforms.flows.release_quarantined import release_records
from platforms.landing import Batch, Landed, Router
from platforms.models import Order, OrderRaw, Quarantined, QuarantineState, Replay, Stream
from platforms.quarantine.query import belonging_to
from platforms.replays.hold import COUNTS, Ended, Hold, Turn
from tenants.models import Store

logger = logging.getLogger(__name__)

BATCH = 500
RECORDS = 200  # of the quarantine
_ORDERS, _QUARANTINE = "orders", "quarantine"  # the first word of a position


def run(hold: Hold, turn: Turn, *, now: datetime) -> Ended | datetime:
    """Go on from `position`. The end, or `now` when the turn is over. Raises LostLease, Stopped."""
    while True:
        hold.look_for_stop()
        in_quarantine = hold.replay.position.startswith(_QUARANTINE)
        going_on = _next_records(hold) if in_quarantine else _next_orders(hold)
        if not going_on:
            return Ended(state=Replay.State.DONE)
        if turn.is_over:
            return now


def orders_of(replay: Replay) -> QuerySet[Order]:
    """The orders that are read again; of one that the platform deleted nothing is told any more,
    what was received before would bring it back."""
    orders: QuerySet[Order] = Order.objects.filter(
        store_id=replay.store_id, placed_at__gte=replay.since, placed_at__lt=replay.until
    ).exclude(platform_status="deleted")
    return orders


def _next_orders(hold: Hold) -> bool:
    """Land one batch in one transaction with the position after it."""
    replay, now = hold.replay, timezone.now()
    with transaction.atomic():
        hold.keep(now=now)
        # Locked before reading: a pull may be about to replace what was received.
        stores = Store.objects.select_for_update(of=("self",)).select_related("tenant")
        store = stores.get(pk=replay.store_id)
        rows = list(_after(replay).values_list("pk", "placed_at")[:BATCH])
        if not rows:
            hold.count(now=now, position=f"{_QUARANTINE} 0")
            return True
        raws = OrderRaw.objects.filter(order__in=[pk for pk, _ in rows], expires_at__gt=now)
        landed = _land(store, list(raws), now=now)
        last, placed_at = rows[-1]
        hold.count(now=now, position=f"{_ORDERS} {placed_at.isoformat()} {last}", **_counts(landed))
    return True


def _after(replay: Replay) -> QuerySet[Order]:
    """In order of (placed_at, pk), by which there is an index of each store's orders."""
    orders = orders_of(replay).order_by("placed_at", "pk")
    if replay.position:
        _, placed, last = replay.position.split(" ")
        placed_at = datetime.fromisoformat(placed)
        orders = orders.filter(
            Q(placed_at__gt=placed_at) | Q(placed_at=placed_at, pk__gt=int(last)),
            placed_at__gte=placed_at,
        )
    return orders


def _land(store: Store, raws: Sequence[OrderRaw], *, now: datetime) -> Landed:
    adapter, router = registry.get(store.platform), Router([store])
    batch, damaged = Batch(), 0
    by_kind: dict[str, list[msgspec.Raw]] = {}
    for raw in raws:
        try:
            record = msgspec.Raw(landing.decompress(raw.body))
        except (zlib.error, zstandard.ZstdError):
            logger.warning("replay.damaged", extra={"order_id": raw.order_id})
            damaged += 1
        else:
            by_kind.setdefault(raw.record_kind, []).append(record)
    for kind, records in by_kind.items():
        read = landing.read_records(adapter, records, kind=kind, router=router)
        batch.parsed += read.parsed
        batch.unreadable += read.unreadable
    stream = _stream(store)
    if stream is None:  # its orders stay, but there is nothing to quarantine under
        damaged += len(batch.unreadable)
        batch.unreadable = []
        stream = Stream(tenant_id=store.tenant_id, store=store)
    landed = _land_all(batch, stream, now=now)
    landed.seen += damaged
    landed.quarantined += damaged
    if landed.updated:
        _keep_no_longer(raws)
    return landed


def _land_all(batch: Batch, stream: Stream, *, now: datetime) -> Landed:
    """All at once; one by one where the database takes one of them for impossible: its order
    stays as it is and counts as unreadable, and the others land."""
    try:
        with transaction.atomic():
            return landing.land(batch, stream=stream, now=now)
    except (DataError, IntegrityError, OverflowError):
        logger.warning("replay.not_landed", extra={"records": batch.seen})
    landed = Landed()
    for parsed in batch.parsed:
        try:
            with transaction.atomic():
                landed.add(landing.land(Batch(parsed=[parsed]), stream=stream, now=now))
        except (DataError, IntegrityError, OverflowError):
            landed.seen += 1
            landed.quarantined += 1
    landed.add(landing.land(Batch(unreadable=batch.unreadable), stream=stream, now=now))
    return landed


def _stream(store: Store) -> Stream | None:
    mine = Q(store=store)
    if store.authorization_id is not None:
        mine |= Q(store=None, authorization_id=store.authorization_id)
    streams = Stream.objects.filter(mine).select_related("authorization")
    found: Stream | None = streams.order_by("-ends_at", "pk").first()
    return found


def _keep_no_longer(raws: Sequence[OrderRaw]) -> None:
    """Reading again is no reason to keep buyers' data for longer than it was to be kept."""
    ends = {raw.order_id: raw.expires_at for raw in raws}
    rows = [
        row
        for row in OrderRaw.objects.filter(order__in=ends).only("order_id", "expires_at")
        if row.expires_at > ends[row.order_id]
    ]
    for row in rows:
        row.expires_at = ends[row.order_id]
    OrderRaw.objects.bulk_update(rows, ["expires_at"], batch_size=200)


def _next_records(hold: Hold) -> bool:
    """Release some records of the quarantine; False when there are none left."""
    replay, now = hold.replay, timezone.now()
    last = int(replay.position.split(" ")[1])
    with transaction.atomic():
        hold.keep(now=now)
        left = records_of(replay).filter(pk__gt=last).order_by("pk")
        pks = list(left.values_list("pk", flat=True)[:RECORDS])
        if not pks:
            return False
        done = release_records(pks=pks, user=replay.asked_by, now=now, on_behalf=replay.on_behalf)
        landed = done.orders or Landed()
        landed.seen, landed.quarantined = done.landed + done.unreadable, done.unreadable
        hold.count(now=now, position=f"{_QUARANTINE} {pks[-1]}", **_counts(landed))
    return True


def records_of(replay: Replay) -> QuerySet[Quarantined]:
    """What waits in quarantine since the window, that of its authorization whose store is
    unknown included."""
    records: QuerySet[Quarantined] = Quarantined.objects.filter(
        belonging_to(replay.store), state=QuarantineState.WAITING,
        created_at__gte=replay.since, created_at__lt=replay.until,
    )  # fmt: skip
    return records


def _counts(landed: Landed) -> dict[str, int]:
    return {name: getattr(landed, name) for name in COUNTS}
