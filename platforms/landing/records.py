"""Reading the records of a page: each on its own, with what cannot be read set apart."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from operator import attrgetter

import msgspec

from platforms.adapter import Adapter
from platforms.models.amount import MAX_LENGTH
from platforms.spec import OrderData
from tenants.models import Store

AMOUNTS = ("total", "items_total", "shipping", "tax", "discount")
_amounts = attrgetter(*AMOUNTS)


class Parsed(msgspec.Struct, frozen=True, kw_only=True):
    store: Store
    order: OrderData
    raw: bytes
    kind: str
    content_hash: bytes
    raw_sha256: str

    @property
    def key(self) -> tuple[int, str]:
        return self.store.id, self.order.number


@dataclass(frozen=True, kw_only=True)
class Unreadable:
    number: str
    reason: str
    raw: bytes
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
        digest = hashlib.sha256(raw).hexdigest()
        if known and digest in known[at]:
            batch.as_before += 1
            continue
        try:
            order = fit_columns(adapter.parse_order(record, kind=kind))
            batch.parsed.append(
                Parsed(
                    store=router.store_for(order), order=order, raw=raw, kind=kind,
                    content_hash=content_hash(order), raw_sha256=digest,
                )
            )  # fmt: skip
        except (msgspec.MsgspecError, ValueError, ArithmeticError, RecursionError) as exc:
            batch.unreadable.append(
                Unreadable(
                    number=order_number(adapter, record), reason=_without_values(exc), raw=raw,
                    kind=kind,
                )
            )  # fmt: skip
    return batch


def order_number(adapter: Adapter, record: msgspec.Raw) -> str:
    """The number of a record, without reading the rest; "" where it cannot be told."""
    try:
        return adapter.order_number(record)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return ""


def content_hash(order: OrderData) -> bytes:
    return hashlib.blake2b(_encode(order), digest_size=16).digest()


_encode = msgspec.json.Encoder().encode


def fit_columns(order: OrderData) -> OrderData:
    """The order, if its columns can hold it. Texts are cut later; raises ValueError for what must
    not be cut: numbers, currencies and amounts."""
    _check_text("number", order.number, 80)
    _check_text("group_number", order.group_number, 80)
    _check_text("currency", order.currency, 3)
    if not order.number:
        raise ValueError("the order has no number")
    for name, amount in zip(AMOUNTS, _amounts(order), strict=True):
        if amount is not None and not _PLAIN(str(amount)):
            _check_amount(name, amount)
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


def cut(text: str, most: int) -> str:
    if text.isprintable():
        return text if len(text) <= most else text[:most]
    # PostgreSQL takes no NUL in a text; lone surrogates cannot be encoded at all.
    clean = text.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")
    return clean[:most]


def digits(amount: Decimal) -> str:
    """An amount as it is kept. Raises ValueError for what is none, or is too long."""
    text = str(amount)
    if _PLAIN(text):
        return text
    # The exponent first: written out, 1E-999999999 is a gigabyte.
    exponent = amount.as_tuple().exponent
    if not isinstance(exponent, int) or abs(exponent) > MAX_LENGTH:
        raise ValueError("it is not an amount")
    text = format(amount, "f")
    if len(text) > MAX_LENGTH:
        raise ValueError("it has too many digits")
    return text


_PLAIN = re.compile(r"-?(?=.{1,30}\Z)[0-9]+(?:\.[0-9]+)?").fullmatch


def _check_text(name: str, value: str | None, most: int) -> None:
    if value is None or (len(value) <= most and value.isprintable()):
        return
    if len(value) > most or value != cut(value, most):
        raise ValueError(f"{name} is not a plain text of at most {most} characters")


def _check_amount(name: str, amount: Decimal | None) -> None:
    if amount is None or _PLAIN(str(amount)):
        return
    try:
        digits(amount)
    except ValueError:
        raise ValueError(f"{name} is not an amount") from None


def _without_values(exc: Exception) -> str:
    """The reason; msgspec names the field and the types, never the value."""
    return str(exc) or type(exc).__name__
