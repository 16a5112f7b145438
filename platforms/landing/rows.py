"""What is written of an order, as plain tuples: the ORM takes longer for it than all else."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime
from itertools import count
from typing import Any, Protocol, TypeVar, cast

import msgspec
from django.db import models
from uuid_utils import uuid7

from platforms.landing.values import amount, cut, whole
from platforms.models import Order
from platforms.spec import LineData, OrderData
from tenants.models import Store

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
AMOUNTS = ("total", "items_total", "shipping", "tax", "discount")
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
MOST_LINES = 5_000
_encode = msgspec.msgpack.Encoder().encode
_running = count()

Raw = tuple[str, bytes, datetime]
Line = tuple[Any, ...]


class Writable(Protocol):
    """A row as far as all databases have it in common."""

    @property
    def n(self) -> int: ...
    @property
    def tenant_id(self) -> int: ...
    @property
    def key(self) -> tuple[int, str]: ...
    @property
    def changed_at(self) -> datetime: ...


W = TypeVar("W", bound=Writable)


class Row(msgspec.Struct, kw_only=True, gc=False):
    """An order as it is written: `order` as ORDER, `lines` as LINE, `raw` as RAW."""

    n: int  # its own within this process
    tenant_id: int
    key: tuple[int, str]  # store, number
    changed_at: datetime
    order: tuple[Any, ...]
    lines: list[Line]
    raw: Raw | None = None

    @property
    def content_hash(self) -> bytes:
        """Of all that a marketplace may change in the columns."""
        return cast("bytes", self.order[CONTENT_HASH])


def row_of(order: OrderData, store: Store, *, raw_sha256: str) -> Row:
    """Texts are cut to what their columns hold. Raises ValueError for what must not be cut:
    numbers, currencies, amounts."""
    number = whole("number", order.number, 80)
    if not number:
        raise ValueError("the order has no number")
    if len(order.lines) > MOST_LINES:
        raise ValueError("the order has too many lines")
    buyer, ship = order.buyer, order.ship_to
    people = (
        buyer.name, buyer.email, buyer.id, ship.name, ship.phone, ship.line1, ship.line2,
        ship.city, ship.region, ship.postcode, ship.country,
    )  # fmt: skip
    changing = (
        whole("group_number", order.group_number, 80),
        order.status.value,
        cut(order.platform_status, 120),
        order.placed_at,
        order.changed_at,
        order.paid_at,
        whole("currency", order.currency, 3),
        amount("total", order.total),
        amount("items_total", order.items_total),
        amount("shipping", order.shipping),
        amount("tax", order.tax),
        amount("discount", order.discount),
        *[
            value
            if value is None or (len(value) <= most and value.isprintable())
            else cut(value, most)
            for value, most in zip(people, _MOST, strict=True)
        ],
        cut(order.fulfilment or "", 20),
    )
    lines = [_line(position, line) for position, line in enumerate(order.lines)]
    content = hashlib.blake2b(_encode((changing, lines)), digest_size=16).digest()
    key = store.pk, number
    return Row(
        n=next(_running), tenant_id=store.tenant_id, key=key, changed_at=order.changed_at,
        order=(
            store.tenant_id, *key, uuid7().bytes, store.platform, *changing, content, raw_sha256
        ),
        lines=lines,
    )  # fmt: skip


def _line(position: int, line: LineData) -> Line:
    if not 0 <= line.quantity <= 1_000_000_000:
        raise ValueError("quantity is out of range")
    return (
        position,
        whole("line number", line.number, 80),
        line.sku and cut(line.sku, 200),
        cut(line.title, 500),
        line.quantity,
        amount("unit_price", line.unit_price),
        amount("line total", line.total),
        whole("line currency", line.currency, 3),
        cut(line.platform_status or "", 120),
    )


def newest(rows: Iterable[W]) -> dict[tuple[int, str], W]:
    """One version per order: the newest, and of equally new ones the last sent."""
    kept: dict[tuple[int, str], W] = {}
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
