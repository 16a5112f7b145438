"""Writing a page to our tables: one transaction together with the cursor that follows it."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import cast

import msgspec
from django.db import models

from platforms.adapter import Adapter
from platforms.models import Order, OrderLine, OrderRaw, Quarantined, Stream
from platforms.models.amount import MAX_LENGTH
from platforms.spec import LineData, OrderData
from tenants.models import Store

_AMOUNTS = ("total", "items_total", "shipping", "tax", "discount")
# Platforms drop personal data with time; what was stored stays until our own retention rule.
_PERSONAL = {
    "buyer": ("name", "email", "id"),
    "ship": ("name", "phone", "line1", "line2", "city", "region", "postcode", "country"),
}
PERSONAL_COLUMNS = tuple(
    f"{prefix}_{name}" for prefix, names in _PERSONAL.items() for name in names
)
_COLUMNS = (
    "group_number", "status", "platform_status", "placed_at", "changed_at", "paid_at", "currency",
    *_AMOUNTS, *PERSONAL_COLUMNS, "fulfilment", "content_hash", "raw_sha256", "landed_at",
)  # fmt: skip


@dataclass(kw_only=True)
class Landed:
    """What became of the records of one page."""

    seen: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    quarantined: int = 0


@dataclass(frozen=True, kw_only=True)
class Parsed:
    store: Store
    order: OrderData
    raw: bytes
    kind: str
    content_hash: bytes

    @property
    def key(self) -> tuple[int, str]:
        return self.store.pk, self.order.number


@dataclass(frozen=True, kw_only=True)
class Unreadable:
    number: str
    reason: str
    raw: bytes
    kind: str


@dataclass(kw_only=True)
class Batch:
    """Records of a page, read but not yet written."""

    parsed: list[Parsed] = field(default_factory=list)
    unreadable: list[Unreadable] = field(default_factory=list)

    @property
    def seen(self) -> int:
        return len(self.parsed) + len(self.unreadable)


class Router:
    """Finds the store an order belongs to among those of one authorization."""

    def __init__(self, stores: Sequence[Store]) -> None:
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
    adapter: Adapter, records: Sequence[msgspec.Raw], *, kind: str, router: Router
) -> Batch:
    """Parse each record on its own: a bad one does not hold up its page."""
    batch = Batch()
    for record in records:
        raw = bytes(record)
        try:
            order = fit_columns(adapter.parse_order(record, kind=kind))
            store = router.store_for(order)
            digest = content_hash(order)
        except (msgspec.MsgspecError, ValueError, ArithmeticError, RecursionError) as exc:
            batch.unreadable.append(
                Unreadable(
                    number=_number(adapter, record),
                    reason=_without_values(exc),
                    raw=raw,
                    kind=kind,
                )
            )
        else:
            batch.parsed.append(
                Parsed(store=store, order=order, raw=raw, kind=kind, content_hash=digest)
            )
    return batch


def land(batch: Batch, *, stream: Stream, now: datetime) -> Landed:
    """Write what is new or newer. Call inside a transaction. A stale version never overwrites a
    newer one, an unchanged order costs no write, and repeating it changes nothing."""
    landed = Landed(seen=batch.seen)
    newest = _newest(batch.parsed)
    # Two streams of one store may hold the same order: they land one after the other.
    store_ids = sorted({store_id for store_id, _ in newest})
    list(Store.objects.select_for_update().filter(pk__in=store_ids).order_by("pk").values("pk"))
    existing = {
        (order.store_id, order.number): order
        for order in Order.objects.filter(
            store_id__in=store_ids, number__in=[number for _, number in newest]
        )
    }
    fresh: list[Parsed] = []
    changed: list[tuple[Order, Parsed]] = []
    for key, parsed in sorted(newest.items()):
        before = existing.get(key)
        if before is None:
            fresh.append(parsed)
        elif (
            before.changed_at > parsed.order.changed_at
            or bytes(before.content_hash) == parsed.content_hash
        ):
            landed.unchanged += 1
        else:
            changed.append((before, parsed))
    _create(fresh, now=now)
    _update(changed, now=now)
    landed.created, landed.updated = len(fresh), len(changed)
    landed.unchanged += len(batch.parsed) - len(newest)
    landed.quarantined = _quarantine(batch.unreadable, stream=stream, now=now)
    return landed


def content_hash(order: OrderData) -> bytes:
    return hashlib.blake2b(msgspec.json.encode(order, order="sorted"), digest_size=16).digest()


def compress(raw: bytes) -> bytes:
    return zlib.compress(raw, 6)


def decompress(body: bytes | memoryview) -> bytes:
    return zlib.decompress(bytes(body))


def fit_columns(order: OrderData) -> OrderData:
    """The order, if its columns can hold it. Texts are cut later; raises ValueError for what must
    not be cut: numbers, currencies and amounts."""
    _check_text("number", order.number, 80)
    _check_text("group_number", order.group_number, 80)
    _check_text("currency", order.currency, 3)
    if not order.number:
        raise ValueError("the order has no number")
    for name in _AMOUNTS:
        _check_amount(name, getattr(order, name))
    for line in order.lines:
        _check_amount("unit_price", line.unit_price)
        _check_amount("line total", line.total)
        if not 0 <= line.quantity <= 1_000_000_000:
            raise ValueError("quantity is out of range")
        _check_text("line number", line.number, 80)
        _check_text("line currency", line.currency, 3)
    if len(order.lines) > 5_000:
        raise ValueError("the order has too many lines")
    return order


def _check_text(name: str, value: str | None, most: int) -> None:
    if value is not None and (len(value) > most or value != _cut(value, most)):
        raise ValueError(f"{name} is not a plain text of at most {most} characters")


def _check_amount(name: str, amount: Decimal | None) -> None:
    if amount is None:
        return
    # The exponent first: written out, 1E-999999999 is a gigabyte.
    exponent = amount.as_tuple().exponent
    if not isinstance(exponent, int) or abs(exponent) > MAX_LENGTH:
        raise ValueError(f"{name} is not an amount")
    if len(format(amount, "f")) > MAX_LENGTH:
        raise ValueError(f"{name} is not an amount")


def _newest(parsed: Sequence[Parsed]) -> dict[tuple[int, str], Parsed]:
    """One version per order: the newest, and of equally new ones the last sent."""
    newest: dict[tuple[int, str], Parsed] = {}
    for each in parsed:
        before = newest.get(each.key)
        if before is None or each.order.changed_at >= before.order.changed_at:
            newest[each.key] = each
    return newest


def _columns(parsed: Parsed, *, now: datetime) -> dict[str, object]:
    order = parsed.order
    people = {"buyer": asdict(order.buyer), "ship": asdict(order.ship_to)}
    columns: dict[str, object] = {
        "group_number": order.group_number or "",
        "status": str(order.status),
        "platform_status": _cut(order.platform_status, 120),
        "placed_at": order.placed_at,
        "changed_at": order.changed_at,
        "paid_at": order.paid_at,
        "currency": order.currency or "",
        "fulfilment": _cut(order.fulfilment or "", 20),
        "content_hash": parsed.content_hash,
        "raw_sha256": hashlib.sha256(parsed.raw).hexdigest(),
        "landed_at": now,
    }
    columns |= {name: getattr(order, name) for name in _AMOUNTS}
    for prefix, names in _PERSONAL.items():
        for name in names:
            column = f"{prefix}_{name}"
            value = people[prefix][name]
            most = cast("models.CharField[str, str]", Order._meta.get_field(column)).max_length
            columns[column] = None if value is None else _cut(value, most)
    return columns


def _create(fresh: Sequence[Parsed], *, now: datetime) -> None:
    orders = Order.objects.bulk_create(
        [
            Order(
                tenant_id=parsed.store.tenant_id,
                store=parsed.store,
                platform=parsed.store.platform,
                number=parsed.order.number,
                **_columns(parsed, now=now),
            )
            for parsed in fresh
        ]
    )
    _write_details(list(zip(orders, fresh, strict=True)), now=now)


def _update(changed: Sequence[tuple[Order, Parsed]], *, now: datetime) -> None:
    for order, parsed in changed:
        for column, value in _columns(parsed, now=now).items():
            if column in PERSONAL_COLUMNS and _tells_less(value, getattr(order, column)):
                continue
            setattr(order, column, value)
    orders = [order for order, _ in changed]
    if orders:
        Order.objects.bulk_update(orders, _COLUMNS, batch_size=200)
        OrderLine.objects.filter(order__in=orders).delete()
        OrderRaw.objects.filter(order__in=orders).delete()
    _write_details(changed, now=now)


def _tells_less(value: object, before: object) -> bool:
    """Some platforms take a buyer's data back after a while, or mask it with asterisks: what was
    stored stays until our own retention ends it."""
    if value is None:
        return True
    return isinstance(before, str) and "**" in str(value) and "**" not in before


def _write_details(pairs: Sequence[tuple[Order, Parsed]], *, now: datetime) -> None:
    OrderLine.objects.bulk_create(
        [
            OrderLine(tenant_id=order.tenant_id, order=order, position=position, **_line(line))
            for order, parsed in pairs
            for position, line in enumerate(parsed.order.lines)
        ],
        batch_size=2000,
    )
    OrderRaw.objects.bulk_create(
        [
            OrderRaw(
                tenant_id=order.tenant_id,
                order=order,
                record_kind=parsed.kind,
                body=compress(parsed.raw),
                expires_at=now + timedelta(days=parsed.store.tenant.retention_days),
            )
            for order, parsed in pairs
        ]
    )


def _line(line: LineData) -> Mapping[str, object]:
    return {
        "number": line.number,
        "sku": None if line.sku is None else _cut(line.sku, 200),
        "title": _cut(line.title, 500),
        "quantity": line.quantity,
        "unit_price": line.unit_price,
        "total": line.total,
        "currency": line.currency or "",
        "platform_status": _cut(line.platform_status or "", 120),
    }


def _quarantine(unreadable: Sequence[Unreadable], *, stream: Stream, now: datetime) -> int:
    rows = [
        Quarantined(
            tenant_id=stream.tenant_id,
            stream=stream,
            store_id=stream.store_id,
            platform=stream.authorization.platform,
            record_kind=record.kind,
            number=_cut(record.number, 80),
            reason=_cut(record.reason, 300),
            raw=compress(record.raw),
            raw_sha256=hashlib.sha256(record.raw).hexdigest(),
        )
        for record in unreadable
    ]
    # The same record met again in an overlap is still one case.
    Quarantined.objects.bulk_create(rows, ignore_conflicts=True)
    return len(rows)


def _number(adapter: Adapter, record: msgspec.Raw) -> str:
    try:
        return adapter.order_number(record)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return ""


def _without_values(exc: Exception) -> str:
    """The reason; msgspec names the field and the types, never the value."""
    return str(exc) or type(exc).__name__


def _cut(text: str, most: int | None) -> str:
    # PostgreSQL takes no NUL in a text; lone surrogates cannot be encoded at all.
    clean = text.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")
    return clean[:most]
