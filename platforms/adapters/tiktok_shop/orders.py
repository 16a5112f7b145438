"""TikTok Shop's orders in our words. Fact sheet: docs/platforms/tiktok_shop.md, "Orders"."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from decimal import Decimal, DecimalException

import msgspec

from platforms import reading
from platforms.spec import Address, Buyer, LineData, OrderData, OrderStatus

STATUSES = {
    "UNPAID": OrderStatus.UNPAID,
    "ON_HOLD": OrderStatus.ON_HOLD,
    "AWAITING_SHIPMENT": OrderStatus.AWAITING_SHIPMENT,
    "PARTIALLY_SHIPPING": OrderStatus.PARTIALLY_SHIPPED,
    "AWAITING_COLLECTION": OrderStatus.SHIPPED,
    "IN_TRANSIT": OrderStatus.SHIPPED,
    "DELIVERED": OrderStatus.DELIVERED,
    "COMPLETED": OrderStatus.DELIVERED,
    "CANCELLED": OrderStatus.CANCELLED,
    "CANCEL": OrderStatus.CANCELLED,
}
FULFILMENT = {
    "FULFILLMENT_BY_SELLER": "merchant",
    "FULFILLMENT_BY_TIKTOK": "platform",
}
NUMBER = re.compile(r"[1-9][0-9]{9,19}")  # 18 or 19 digits as a rule
_TOWNS = ("city", "town", "municipality")


class _Line(msgspec.Struct):
    id: str
    product_name: str | None = None
    sku_id: str | None = None
    seller_sku: str | None = None
    sale_price: str | None = None
    currency: str | None = None
    display_status: str | None = None


class _Payment(msgspec.Struct):
    currency: str | None = None
    total_amount: str | None = None
    sub_total: str | None = None
    original_total_product_price: str | None = None
    shipping_fee: str | None = None
    tax: str | None = None
    seller_discount: str | None = None
    platform_discount: str | None = None


class _District(msgspec.Struct):
    address_level: str | None = None
    address_level_name: str | None = None
    address_name: str | None = None


class _Recipient(msgspec.Struct):
    name: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    phone_number: str | None = None
    full_address: str | None = None
    address_line1: str | None = None
    address_line2: str | None = None
    address_line3: str | None = None
    address_line4: str | None = None
    address_detail: str | None = None
    postal_code: str | None = None
    region_code: str | None = None
    district_info: list[_District] | None = None


class _Order(msgspec.Struct):
    id: str
    status: str
    create_time: int
    update_time: int
    line_items: list[_Line]
    paid_time: int | None = None
    payment: _Payment | None = None
    recipient_address: _Recipient | None = None
    user_id: str | None = None
    buyer_email: str | None = None
    fulfillment_type: str | None = None


class _Number(msgspec.Struct):
    id: str


class _Outline(msgspec.Struct):
    """What a record of the search has at least, if it is not the number alone."""

    id: str
    status: str | None = None
    update_time: msgspec.Raw | None = None


def parse_order(raw: msgspec.Raw) -> OrderData:
    order = reading.read(raw, _Order)
    status = order.status.strip()
    payment = order.payment or _Payment()
    currency = reading.text(payment.currency) or _first_currency(order)
    stated = _money(payment.original_total_product_price)
    return OrderData(
        number=reading.number(order.id.strip()),
        status=STATUSES.get(status, OrderStatus.UNKNOWN),
        platform_status=status,
        placed_at=moment(order.create_time),
        changed_at=moment(order.update_time),
        paid_at=moment(order.paid_time) if order.paid_time else None,
        currency=currency,
        total=_money(payment.total_amount),
        items_total=_money(payment.sub_total) if stated is None else stated,
        shipping=_money(payment.shipping_fee),
        tax=_money(payment.tax),
        discount=reading.total(
            (_money(payment.seller_discount), _money(payment.platform_discount))
        ),
        buyer=Buyer(email=reading.text(order.buyer_email), id=reading.text(order.user_id)),
        ship_to=_address(order.recipient_address or _Recipient()),
        fulfilment=FULFILMENT.get((order.fulfillment_type or "").strip()),
        lines=tuple(_lines(order.line_items)),
    )


def read_order_number(raw: msgspec.Raw) -> str:
    try:
        return reading.number(reading.read(raw, _Number).id.strip())
    except (msgspec.ValidationError, ValueError):
        return ""


def number_if_bare(raw: msgspec.Raw) -> str:
    """The number of a record that says nothing else: some accounts get only ids. "" if it does."""
    try:
        outline = reading.read(raw, _Outline)
    except (msgspec.ValidationError, ValueError):
        return ""
    bare = outline.status is None and outline.update_time is None
    return read_order_number(raw) if bare else ""


def _lines(units: Iterable[_Line]) -> Iterable[LineData]:
    """One item is one piece: pieces alike in goods, price and state make one line."""
    groups: dict[tuple[str, ...], list[_Line]] = {}
    for unit in units:
        sku = (unit.sku_id or "").strip() or unit.id
        alike = (sku, unit.sale_price or "", unit.currency or "", unit.display_status or "")
        groups.setdefault(alike, []).append(unit)
    for pieces in groups.values():
        first = min(pieces, key=lambda piece: (len(piece.id), piece.id))
        price = _money(first.sale_price)
        yield LineData(
            number=reading.number(first.id.strip()),
            quantity=reading.quantity(len(pieces)),
            sku=reading.text(first.seller_sku),
            title=reading.text(first.product_name) or "",
            unit_price=price,
            total=None if price is None else reading.amount(price * len(pieces)),
            currency=reading.text(first.currency),
            platform_status=reading.text(first.display_status),
        )


def _address(to: _Recipient) -> Address:
    """As stated, masked characters and all; what is not stated stays away."""
    line1 = _stated(to.address_line1)
    names = [part for part in (_stated(to.first_name), _stated(to.last_name)) if part]
    return Address(
        name=_stated(to.name) or " ".join(names) or None,
        phone=_stated(to.phone_number),
        line1=line1 or _stated(to.address_detail) or _stated(to.full_address),
        line2=reading.joined(*map(_stated, (to.address_line2, to.address_line3, to.address_line4))),
        city=_district(to, lambda each: any(t in _level(each) for t in _TOWNS)),
        region=_district(to, lambda each: (each.address_level or "").strip() == "L1"),
        postcode=_stated(to.postal_code),
        country=_stated(to.region_code),
    )


def _level(district: _District) -> str:
    return (district.address_level_name or "").lower()


def _district(to: _Recipient, wanted: Callable[[_District], bool]) -> str | None:
    found = (each for each in to.district_info or () if wanted(each))
    return next((_stated(each.address_name) for each in found), None)


def _stated(value: str | None) -> str | None:
    """Empty lines come as blanks or as a pair of quotes."""
    cleaned = reading.text(value)
    return None if cleaned == '""' else cleaned


def _money(value: str | None) -> Decimal | None:
    stated = (value or "").strip()
    if not stated:
        return None
    try:
        return reading.amount(Decimal(stated))
    except DecimalException:
        raise ValueError("an amount is not a number") from None


def moment(seconds: int) -> datetime:
    try:
        return reading.moment(datetime.fromtimestamp(seconds, tz=UTC))
    except (OverflowError, OSError):
        raise ValueError("a time is not a possible one") from None


def _first_currency(order: _Order) -> str | None:
    return next((reading.text(line.currency) for line in order.line_items if line.currency), None)
