"""What is written of an order, as plain tuples: the ORM takes longer for it than all else."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, cast

import msgspec
from django.db import models
from uuid_utils import uuid7

from platforms.landing.raws import compress
from platforms.landing.records import AMOUNTS, Parsed, cut, digits
from platforms.models import Order

# Platforms drop personal data with time; what was stored stays until our own retention rule.
PERSONAL = {
    "buyer": ("name", "email", "id"),
    "ship": ("name", "phone", "line1", "line2", "city", "region", "postcode", "country"),
}
PERSONAL_COLUMNS = tuple(f"{prefix}_{name}" for prefix, names in PERSONAL.items() for name in names)
_MOST = [
    cast("models.CharField[str, str]", Order._meta.get_field(name)).max_length or 0
    for name in PERSONAL_COLUMNS
]
KEY = ("tenant_id", "store_id", "number")
# What a later version changes.
CHANGING = (
    "group_number", "status", "platform_status", "placed_at", "changed_at", "paid_at", "currency",
    *AMOUNTS, *PERSONAL_COLUMNS, "fulfilment", "content_hash", "raw_sha256",
)  # fmt: skip
ORDER = (*KEY, "public_id", "platform", *CHANGING)
LINE = (
    "position", "number", "sku", "title", "quantity", "unit_price", "total", "currency",
    "platform_status",
)  # fmt: skip
RAW = ("record_kind", "body", "expires_at")
CHANGED_AT, CONTENT_HASH = ORDER.index("changed_at"), ORDER.index("content_hash")
FIRST_PERSONAL = ORDER.index(PERSONAL_COLUMNS[0])


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """An order as it is written: `order` as ORDER, `lines` as LINE, `raw` as RAW."""

    key: tuple[int, str]  # store, number
    changed_at: datetime
    order: tuple[Any, ...]
    lines: list[tuple[Any, ...]]
    raw: tuple[str, bytes, datetime] | None


def rows_of(parsed: Iterable[Parsed], *, now: datetime, keep_raw: bool) -> list[Row]:
    """Compresses the payloads, so call it where there is time: not inside a transaction."""
    expiries: dict[int, datetime] = {}
    rows = []
    for each in parsed:
        raw = None
        if keep_raw:
            store = each.store
            if store.id not in expiries:
                expiries[store.id] = now + timedelta(days=store.tenant.retention_days)
            raw = each.kind, compress(each.raw), expiries[store.id]
        rows.append(_row(each, raw))
    return rows


def _row(parsed: Parsed, raw: tuple[str, bytes, datetime] | None) -> Row:
    """Of an order that `fit_columns` let pass."""
    order, store = parsed.order, parsed.store
    buyer, ship, currency = order.buyer, order.ship_to, order.currency or ""
    people = (
        buyer.name, buyer.email, buyer.id, ship.name, ship.phone, ship.line1, ship.line2,
        ship.city, ship.region, ship.postcode, ship.country,
    )  # fmt: skip
    return Row(
        key=(store.id, order.number),
        changed_at=order.changed_at,
        order=(
            store.tenant_id, store.id, order.number, uuid7(), store.platform,
            order.group_number or "", order.status.value, cut(order.platform_status, 120),
            order.placed_at, order.changed_at, order.paid_at, currency,
            _digits(order.total), _digits(order.items_total), _digits(order.shipping),
            _digits(order.tax), _digits(order.discount),
            *[
                value
                if value is None or (len(value) <= most and value.isprintable())
                else cut(value, most)
                for value, most in zip(people, _MOST, strict=True)
            ],
            cut(order.fulfilment or "", 20), parsed.content_hash, parsed.raw_sha256,
        ),
        lines=[
            (
                position, line.number, line.sku and cut(line.sku, 200), cut(line.title, 500),
                line.quantity, _digits(line.unit_price), _digits(line.total),
                line.currency or "", cut(line.platform_status or "", 120),
            )
            for position, line in enumerate(order.lines)
        ],
        raw=raw,
    )  # fmt: skip


def newest(rows: Sequence[Row]) -> dict[tuple[int, str], Row]:
    """One version per order: the newest, and of equally new ones the last sent."""
    kept: dict[tuple[int, str], Row] = {}
    for row in rows:
        before = kept.get(row.key)
        if before is None or row.changed_at >= before.changed_at:
            kept[row.key] = row
    return kept


def tells_less(value: object, before: object) -> bool:
    """Some platforms take a buyer's data back after a while, or mask it with asterisks: what was
    stored stays until our own retention ends it."""
    if value is None:
        return True
    return isinstance(before, str) and "**" in str(value) and "**" not in before


def _digits(amount: Decimal | None) -> str | None:
    if amount is None:
        return None
    plain = str(amount)
    return digits(amount) if "E" in plain else plain
