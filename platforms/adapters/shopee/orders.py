"""Shopee's orders in our words. Fact sheet: docs/platforms/shopee.md, "Orders"."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal

import msgspec

from platforms import reading
from platforms.spec import Address, Buyer, LineData, OrderData, OrderStatus

NUMBER = re.compile(r"[0-9A-Z]{6,32}")  # e.g. 201214JAJXU6G7


class _Item(msgspec.Struct):
    item_id: int
    model_quantity_purchased: int
    model_id: int | None = None
    item_name: str | None = None
    model_name: str | None = None
    item_sku: str | None = None
    model_sku: str | None = None
    model_discounted_price: Decimal | None = None


class _Place(msgspec.Struct):
    name: str | None = None
    phone: str | None = None
    town: str | None = None
    district: str | None = None
    city: str | None = None
    state: str | None = None
    region: str | None = None
    zipcode: str | None = None
    full_address: str | None = None


class _Order(msgspec.Struct):
    order_sn: str
    order_status: str
    create_time: int
    update_time: int
    currency: str
    item_list: list[_Item]
    pay_time: int | None = None
    total_amount: Decimal | None = None
    actual_shipping_fee: Decimal | None = None
    estimated_shipping_fee: Decimal | None = None
    buyer_user_id: int | None = None
    buyer_username: str | None = None
    recipient_address: _Place | None = None
    fulfillment_flag: str | None = None


class _Number(msgspec.Struct):
    order_sn: str


STATUS = {
    "UNPAID": OrderStatus.UNPAID,
    "PENDING": OrderStatus.PENDING,
    "INVOICE_PENDING": OrderStatus.ON_HOLD,
    "READY_TO_SHIP": OrderStatus.AWAITING_SHIPMENT,
    "PROCESSED": OrderStatus.AWAITING_SHIPMENT,
    "RETRY_SHIP": OrderStatus.AWAITING_SHIPMENT,
    "SHIPPED": OrderStatus.SHIPPED,
    "TO_CONFIRM_RECEIVE": OrderStatus.DELIVERED,
    "COMPLETED": OrderStatus.DELIVERED,
    "IN_CANCEL": OrderStatus.ON_HOLD,
    "TO_RETURN": OrderStatus.ON_HOLD,
    "CANCELLED": OrderStatus.CANCELLED,
}


def parse_order(raw: msgspec.Raw) -> OrderData:
    order = reading.read(raw, _Order)
    lines = reading.distinct_lines(_line(item, order.currency) for item in order.item_list)
    shipping = order.actual_shipping_fee or order.estimated_shipping_fee
    place = order.recipient_address or _Place()
    return OrderData(
        number=reading.number(order.order_sn),
        status=STATUS.get(order.order_status, OrderStatus.UNKNOWN),
        platform_status=order.order_status,
        placed_at=_time(order.create_time),
        changed_at=_time(order.update_time),
        paid_at=_time(order.pay_time) if order.pay_time else None,
        currency=order.currency,
        total=reading.amount(order.total_amount),
        items_total=reading.total(line.total for line in lines),
        shipping=reading.amount(shipping),
        buyer=Buyer(
            name=reading.text(order.buyer_username),
            id=str(order.buyer_user_id) if order.buyer_user_id else None,
        ),
        ship_to=Address(
            name=reading.text(place.name),
            phone=reading.text(place.phone),
            line1=reading.text(place.full_address),
            line2=reading.joined(place.town, place.district),
            city=reading.text(place.city),
            region=reading.text(place.state),
            postcode=reading.text(place.zipcode),
            country=reading.text(place.region),
        ),
        fulfilment=_fulfilment(order.fulfillment_flag),
        lines=lines,
    )


def read_order_number(raw: msgspec.Raw) -> str:
    try:
        return reading.number(reading.read(raw, _Number).order_sn)
    except (msgspec.ValidationError, ValueError):
        return ""


def _line(item: _Item, currency: str) -> LineData:
    count = reading.quantity(item.model_quantity_purchased)
    price = reading.amount(item.model_discounted_price)
    return LineData(
        number=f"{item.item_id}-{item.model_id or 0}",
        quantity=count,
        sku=reading.text(item.model_sku) or reading.text(item.item_sku),
        title=reading.joined(item.item_name, item.model_name) or "",
        unit_price=price,
        total=None if price is None else reading.amount(price * count),
        currency=currency,
    )


def _fulfilment(flag: str | None) -> str | None:
    if not flag:
        return None
    return "platform" if flag == "fulfilled_by_shopee" else "merchant"


def _time(seconds: int) -> datetime:
    try:
        return reading.moment(datetime.fromtimestamp(seconds, UTC))
    except (OverflowError, OSError):
        raise ValueError("a time is not a possible one") from None
