"""Lazada's orders in our words. Fact sheet: docs/platforms/lazada.md, "Orders"."""

from __future__ import annotations

import re
from datetime import datetime
from decimal import Decimal, InvalidOperation

import msgspec

from platforms import reading
from platforms.spec import Address, Buyer, LineData, OrderData, OrderStatus

NUMBER = re.compile(r"[1-9][0-9]{0,18}")  # 64 bits


class _Place(msgspec.Struct):
    first_name: str | None = None
    last_name: str | None = None
    phone: str | None = None
    address1: str | None = None
    address2: str | None = None
    address3: str | None = None
    city: str | None = None
    post_code: str | None = None
    country: str | None = None


class _Number(msgspec.Struct):
    order_id: int | str


class _Changed(msgspec.Struct):
    updated_at: str


class _Order(msgspec.Struct):
    order_id: int | str
    created_at: str
    updated_at: str
    statuses: list[str]
    price: msgspec.Raw = msgspec.Raw(b"null")
    shipping_fee: msgspec.Raw = msgspec.Raw(b"null")
    voucher: msgspec.Raw = msgspec.Raw(b"null")
    customer_first_name: str | None = None
    customer_last_name: str | None = None
    address_shipping: _Place | None = None


class _Item(msgspec.Struct):
    order_item_id: int | str
    currency: str
    sku: str | None = None
    name: str | None = None
    item_price: msgspec.Raw = msgspec.Raw(b"null")
    paid_price: msgspec.Raw = msgspec.Raw(b"null")
    status: str | None = None


class _Joined(msgspec.Struct):
    """What `joined` made of two answers."""

    order: _Order
    items: list[_Item]


class _JoinedNumber(msgspec.Struct):
    order: _Number


STATUS = {
    "unpaid": OrderStatus.UNPAID,
    "pending": OrderStatus.AWAITING_SHIPMENT,
    "packed": OrderStatus.AWAITING_SHIPMENT,
    "topack": OrderStatus.AWAITING_SHIPMENT,
    "toship": OrderStatus.AWAITING_SHIPMENT,
    "ready_to_ship_pending": OrderStatus.AWAITING_SHIPMENT,
    "ready_to_ship": OrderStatus.AWAITING_SHIPMENT,
    "shipped": OrderStatus.SHIPPED,
    "shipping": OrderStatus.SHIPPED,
    "delivered": OrderStatus.DELIVERED,
    "canceled": OrderStatus.CANCELLED,
    "returned": OrderStatus.REFUNDED,
    "failed": OrderStatus.ON_HOLD,  # could not be delivered
    "lost": OrderStatus.ON_HOLD,
}
GONE = {OrderStatus.CANCELLED, OrderStatus.REFUNDED}


def joined(order: msgspec.Raw, items: msgspec.Raw) -> msgspec.Raw:
    """Both as received in one record."""
    return msgspec.Raw(b'{"order":' + bytes(order) + b',"items":' + bytes(items) + b"}")


def raw_number(order: msgspec.Raw) -> str:
    """Of an order as listed; "" if it cannot be read, or could not be asked for."""
    try:
        number = str(reading.read(order, _Number).order_id)
    except (msgspec.ValidationError, ValueError):
        return ""
    return number if number.isascii() and number.isdigit() else ""


def raw_changed(order: msgspec.Raw) -> datetime | None:
    try:
        return _time(reading.read(order, _Changed).updated_at)
    except (msgspec.ValidationError, ValueError):
        return None


def read_order_number(raw: msgspec.Raw) -> str:
    try:
        return reading.number(str(reading.read(raw, _JoinedNumber).order.order_id))
    except (msgspec.ValidationError, ValueError):
        return ""


def parse_order(raw: msgspec.Raw) -> OrderData:
    whole = reading.read(raw, _Joined)
    order, items = whole.order, whole.items
    currencies = {item.currency for item in items}
    if len(currencies) != 1:
        raise ValueError("the items name no currency or several")
    place = order.address_shipping or _Place()
    return OrderData(
        number=reading.number(str(order.order_id)),
        status=status_of(order.statuses),
        platform_status=",".join(order.statuses),
        placed_at=_time(order.created_at),
        changed_at=_time(order.updated_at),
        currency=currencies.pop(),
        total=_money(order.price),
        items_total=reading.total(_money(item.item_price) for item in items),
        shipping=_money(order.shipping_fee),
        discount=_money(order.voucher),
        buyer=Buyer(name=_name(order.customer_first_name, order.customer_last_name)),
        ship_to=Address(
            name=_name(place.first_name, place.last_name),
            phone=reading.text(place.phone),
            line1=reading.text(place.address1),
            line2=reading.joined(place.address2, place.address3),
            city=reading.text(place.city),
            postcode=reading.text(place.post_code),
            country=reading.text(place.country),
        ),
        lines=reading.distinct_lines(_line(item) for item in items),
    )


def status_of(statuses: list[str]) -> OrderStatus:
    """Items have a status each. What was cancelled or returned counts only if nothing is left."""
    found = {STATUS.get(status, OrderStatus.UNKNOWN) for status in statuses}
    if not found or OrderStatus.UNKNOWN in found:
        return OrderStatus.UNKNOWN
    left = found - GONE
    if not left:
        return OrderStatus.REFUNDED if OrderStatus.REFUNDED in found else OrderStatus.CANCELLED
    if left == {OrderStatus.DELIVERED} and OrderStatus.REFUNDED in found:
        return OrderStatus.PARTIALLY_REFUNDED
    if len(left) == 1:
        return left.pop()
    if OrderStatus.ON_HOLD in left:
        return OrderStatus.ON_HOLD
    if left == {OrderStatus.SHIPPED, OrderStatus.DELIVERED}:
        return OrderStatus.SHIPPED
    if left & {OrderStatus.SHIPPED, OrderStatus.DELIVERED}:
        return OrderStatus.PARTIALLY_SHIPPED
    return OrderStatus.UNPAID  # with others still to be shipped


def _line(item: _Item) -> LineData:
    """One row for each piece: there is no quantity."""
    price = _money(item.item_price)
    paid = _money(item.paid_price)
    return LineData(
        number=reading.number(str(item.order_item_id)),
        quantity=1,
        sku=reading.text(item.sku),
        title=reading.text(item.name) or "",
        unit_price=price,
        total=price if paid is None else paid,
        currency=item.currency,
        platform_status=reading.text(item.status),
    )


def _time(text: str) -> datetime:
    """ "2026-11-20 10:11:12 +0800"."""
    return reading.moment(datetime.strptime(text, "%Y-%m-%d %H:%M:%S %z"))


def _money(raw: msgspec.Raw) -> Decimal | None:
    """A number, or a text that may have thousands commas; read exactly as it stands."""
    stated = bytes(raw).decode().strip().strip('"').replace(",", "")
    if stated in ("null", ""):
        return None
    try:
        return reading.amount(Decimal(stated))
    except InvalidOperation:
        raise ValueError("an amount is not a number") from None


def _name(first: str | None, last: str | None) -> str | None:
    return reading.text(" ".join(part for part in (first, last) if part))
