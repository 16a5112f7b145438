"""Reading the records of a page: each on its own, with what cannot be read set apart."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

import msgspec

from platforms.adapter import Adapter
from platforms.landing.rows import Row, row_of
from platforms.spec import OrderData
from tenants.models import Store

_AT_ONCE = 2_047


class Parsed(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A record as read, and `row` as it will be written."""

    store: Store
    order: OrderData
    row: Row
    raw: bytes
    kind: str


@dataclass(frozen=True, kw_only=True)
class Unreadable:
    number: str
    reason: str
    raw: bytes
    raw_sha256: str
    kind: str


@dataclass(kw_only=True)
class Batch:
    """Records of a page, read but not yet written. `as_before` were received before, byte for
    byte: they need neither reading nor writing."""

    parsed: list[Parsed] = field(default_factory=list)
    unreadable: list[Unreadable] = field(default_factory=list)
    as_before: int = 0

    @property
    def seen(self) -> int:
        return len(self.parsed) + len(self.unreadable) + self.as_before


class Router:
    """Finds the store an order belongs to among those of one authorization."""

    def __init__(self, stores: Sequence[Store]) -> None:
        self.stores = stores
        self._only = stores[0] if len(stores) == 1 else None
        # Amazon's orders name the marketplace only; a shop id is "<seller>:<marketplace>".
        self._by_id = {store.external_id: store for store in stores} | {
            store.external_id.rpartition(":")[2]: store for store in stores
        }

    def store_for(self, order: OrderData) -> Store:
        """Raises ValueError where no linked store fits."""
        if order.shop_id in self._by_id:
            return self._by_id[order.shop_id]
        if self._only is not None and not order.shop_id:
            return self._only
        raise ValueError(f"no linked store for shop {order.shop_id!r}")


def read_records(
    adapter: Adapter,
    records: Sequence[msgspec.Raw],
    *,
    kind: str,
    router: Router,
    known: Sequence[Collection[str]] = (),
) -> Batch:
    """Parse each record on its own: a bad one does not hold up its page.

    `known` are the digests of what was received before of the order that each record is about
    (landing.known): a record that is among them is only counted.
    """
    batch = Batch()
    for at, record in enumerate(records):
        raw = bytes(record)
        digest = _digest(raw)
        if known and digest in known[at]:
            batch.as_before += 1
            continue
        try:
            order = adapter.parse_order(record, kind=kind)
            store = router.store_for(order)
            row = row_of(order, store, raw_sha256=digest)
            batch.parsed.append(Parsed(store=store, order=order, row=row, raw=raw, kind=kind))
        except (msgspec.MsgspecError, ValueError, ArithmeticError, RecursionError) as exc:
            batch.unreadable.append(
                Unreadable(
                    number=order_number(adapter, record), reason=_without_values(exc), raw=raw,
                    raw_sha256=digest, kind=kind,
                )
            )  # fmt: skip
    return batch


def _digest(raw: bytes) -> str:
    """SHA-256 in hex. Of more than 2,047 bytes at once hashlib lets other threads take the
    interpreter, and to get it back takes a thousand times longer than the hash."""
    view = memoryview(raw)
    digest = hashlib.sha256(view[:_AT_ONCE])
    for at in range(_AT_ONCE, len(raw), _AT_ONCE):
        digest.update(view[at : at + _AT_ONCE])
    return digest.hexdigest()


def order_number(adapter: Adapter, record: msgspec.Raw) -> str:
    """The number of a record, without reading the rest; "" where it cannot be told."""
    try:
        return adapter.order_number(record)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return ""


def _without_values(exc: Exception) -> str:
    """The reason; msgspec names the field and the types, never the value."""
    return str(exc) or type(exc).__name__
