"""Removing buyers' data from where it is stored: columns, raw payloads, quarantine."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from datetime import datetime
from typing import TypeVar

from django.db import connection
from django.db.models import F, Model, QuerySet, Value
from django.db.models.functions import Coalesce, Collate

from platforms import landing
from platforms.models import Order, OrderRaw, Quarantined, QuarantineState

# The country alone names nobody, and taxes are reckoned by it.
PERSONAL = tuple(column for column in landing.PERSONAL_COLUMNS if column != "ship_country")
# What is left of a record: as it is written today, and as it was written before.
EMPTIED = (landing.compress(b""), zlib.compress(b"", 6))
BATCH = 1_000

M = TypeVar("M", bound=Model)


def free_rows(rows: QuerySet[M]) -> QuerySet[M]:
    """Lock rows that nobody is at: who lands or removes them at this moment goes first, and
    nobody waits for each other in a circle. Inside a transaction, until its end."""
    skips = connection.features.has_select_for_update_skip_locked
    return rows.select_for_update(of=("self",), skip_locked=True, no_key=True) if skips else rows


def lock_in_order(orders: QuerySet[Order]) -> QuerySet[Order]:
    """Wait for every one of these orders, in the order in which landing takes them."""
    bytewise = Collate("number", "C" if connection.vendor == "postgresql" else "BINARY")
    rows = orders.select_for_update(of=("self",), no_key=True)
    return rows.order_by("store_id", bytewise)


def empty_orders(pks: Sequence[int], *, for_good_at: datetime | None) -> tuple[int, int]:
    """Remove the buyers' data of these locked orders and their raw payloads; how many of each.
    With `for_good_at` no later pull brings the data back."""
    columns: dict[str, object] = dict.fromkeys(PERSONAL)
    if for_good_at is not None:
        columns["scrubbed_at"] = Coalesce(F("scrubbed_at"), Value(for_good_at))
    orders = raws = 0
    for start in range(0, len(pks), BATCH):
        some = pks[start : start + BATCH]
        orders += Order.objects.filter(pk__in=some).update(**columns)
        raws += OrderRaw.objects.filter(order__in=some).delete()[0]
    return orders, raws


def empty_records(pks: Sequence[int], *, state: QuarantineState, note: str, now: datetime) -> int:
    """Empty records that nobody could read; those that wait are settled as `state`, and those
    put aside cannot be put back."""
    rows = Quarantined.objects.filter(pk__in=pks)
    rows.filter(state=QuarantineState.WAITING).update(
        state=state, settled_at=now, settled_note=note
    )
    rows.filter(state=QuarantineState.DISMISSED).update(state=state)
    return int(rows.update(raw=EMPTIED[0]))
