"""Settling a record that could not be read: land it once it can be, or put it aside."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import msgspec
from django.db import transaction

from accounts.models import User
from platforms import landing, registry
from platforms.landing import Batch, Landed, Router
from platforms.models import Quarantined, QuarantineState, Stream
from tenants.flows.record_event import record_event
from tenants.models import Outcome, Store, StoreState


@dataclass(frozen=True, kw_only=True)
class Released:
    """`landed` is None where nothing was written; `unreadable` says why it still cannot be read,
    "" where somebody had settled the record before."""

    landed: Landed | None = None
    unreadable: str = ""


def release_quarantined(
    *, record: Quarantined, user: User | None, now: datetime, on_behalf: bool = False
) -> Released:
    """Read the record again, with the adapter of today, and land it like a pulled one.

    Safe to repeat: a settled record is left alone, and landing keeps the newer version.
    """
    with transaction.atomic():
        row = _waiting(record)
        if row is None:
            return Released()
        batch = _read(row)
        if batch.unreadable:
            row.reason = batch.unreadable[0].reason[:300]
            row.save(update_fields=["reason"])
            _record(row, "quarantine.released", user, now, on_behalf, Outcome.FAILED)
            return Released(unreadable=row.reason)
        stream = row.stream or _any_stream(batch.parsed[0].store)
        landed = landing.land(batch, stream=stream, now=now)
        order = batch.parsed[0].order
        row.store = batch.parsed[0].store
        row.number = order.number
        _settle(row, QuarantineState.RELEASED, note="", now=now)
        _record(row, "quarantine.released", user, now, on_behalf)
    return Released(landed=landed)


def dismiss_quarantined(
    *, record: Quarantined, user: User | None, note: str, now: datetime, on_behalf: bool = False
) -> bool:
    """Put the record aside for good, saying why. False if somebody settled it before."""
    with transaction.atomic():
        row = _waiting(record)
        if row is None:
            return False
        _settle(row, QuarantineState.DISMISSED, note=note, now=now)
        _record(row, "quarantine.dismissed", user, now, on_behalf)
    return True


def _waiting(record: Quarantined) -> Quarantined | None:
    """The row, locked, if nobody has settled it."""
    return (
        Quarantined.objects.select_for_update(of=("self",))
        .select_related("tenant", "stream", "store")
        .filter(pk=record.pk, state=QuarantineState.WAITING)
        .first()
    )


def _read(row: Quarantined) -> Batch:
    raw = msgspec.Raw(landing.decompress(row.raw))
    adapter = registry.get(row.platform)
    return landing.read_records(adapter, [raw], kind=row.record_kind, router=Router(_stores(row)))


def _stores(row: Quarantined) -> list[Store]:
    """The stores the record may belong to: those its pull was for, paused ones included."""
    stores = Store.objects.select_related("tenant").exclude(state=StoreState.UNLINKED)
    if row.store_id is not None:
        return list(stores.filter(pk=row.store_id))
    if row.stream is None:
        return []
    return list(stores.filter(authorization_id=row.stream.authorization_id))


def _any_stream(store: Store) -> Stream:
    """For a record whose stream is gone. Landing needs it for what it cannot read only."""
    stream = Stream.objects.filter(authorization=store.authorization).first()
    return stream or Stream(tenant_id=store.tenant_id, store=store)


def _settle(row: Quarantined, state: QuarantineState, *, note: str, now: datetime) -> None:
    row.state, row.settled_at, row.settled_note = state, now, note[:300]
    row.save(update_fields=["state", "settled_at", "settled_note", "store", "number"])


def _record(
    row: Quarantined,
    verb: str,
    user: User | None,
    now: datetime,
    on_behalf: bool,
    outcome: Outcome = Outcome.DONE,
) -> None:
    record_event(
        tenant=row.tenant, verb=verb, actor=user, now=now, target=row, outcome=outcome,
        on_behalf=on_behalf,
    )  # fmt: skip
