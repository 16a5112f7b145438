"""Shopify's orders in our words. Fact sheet: docs/platforms/shopify.md, "Orders"."""

from __future__ import annotations

import re
from datetime import datetime
from decimal import Decimal

import msgspec

from platforms import reading
from platforms.spec import Address, Buyer, LineData, OrderData, OrderStatus


class _Amount(msgspec.Struct):
    amount: Decimal
    currencyCode: str


class _Money(msgspec.Struct):
    """Booked in the shop's currency; what the buyer saw may be another."""

    shopMoney: _Amount


class _Place(msgspec.Struct):
    name: str | None = None
    company: str | None = None
    address1: str | None = None
    address2: str | None = None
    city: str | None = None
    province: str | None = None
    provinceCode: str | None = None
    zip: str | None = None
    countryCodeV2: str | None = None
    phone: str | None = None


class _Line(msgspec.Struct):
    id: str
    quantity: int
    currentQuantity: int | None = None
    unfulfilledQuantity: int | None = None
    sku: str | None = None
    name: str | None = None
    title: str | None = None
    originalUnitPriceSet: _Money | None = None
    discountedTotalSet: _Money | None = None


class _Lines(msgspec.Struct):
    nodes: list[_Line]


class _Fulfillment(msgspec.Struct):
    status: str | None = None
    displayStatus: str | None = None


class _Order(msgspec.Struct):
    legacyResourceId: str | int
    createdAt: datetime
    updatedAt: datetime
    lineItems: _Lines
    name: str | None = None
    test: bool = False
    cancelledAt: datetime | None = None
    displayFinancialStatus: str | None = None
    displayFulfillmentStatus: str | None = None
    email: str | None = None
    phone: str | None = None
    totalPriceSet: _Money | None = None
    subtotalPriceSet: _Money | None = None
    totalShippingPriceSet: _Money | None = None
    totalTaxSet: _Money | None = None
    totalDiscountsSet: _Money | None = None
    shippingAddress: _Place | None = None
    billingAddress: _Place | None = None
    fulfillments: list[_Fulfillment] | None = None


class _Number(msgspec.Struct):
    legacyResourceId: str | int


FULFILMENT = {
    "UNFULFILLED": OrderStatus.AWAITING_SHIPMENT,
    "OPEN": OrderStatus.AWAITING_SHIPMENT,
    "SCHEDULED": OrderStatus.AWAITING_SHIPMENT,
    "IN_PROGRESS": OrderStatus.AWAITING_SHIPMENT,
    "PENDING_FULFILLMENT": OrderStatus.AWAITING_SHIPMENT,
    "REQUEST_DECLINED": OrderStatus.AWAITING_SHIPMENT,
    "ON_HOLD": OrderStatus.ON_HOLD,
    "PARTIALLY_FULFILLED": OrderStatus.PARTIALLY_SHIPPED,
    "FULFILLED": OrderStatus.SHIPPED,
}
UNPAID = {"PENDING", "AUTHORIZED", "PARTIALLY_PAID", "EXPIRED", "VOIDED"}
PAID = {"PAID", "PARTIALLY_REFUNDED"}
ON_THE_WAY = {"FULFILLED", "PARTIALLY_FULFILLED"}


def parse_order(raw: msgspec.Raw) -> OrderData:
    order = reading.read(raw, _Order)
    status, platform_status = _status(order)
    currency = _currency(order)
    buyer = order.billingAddress or order.shippingAddress or _Place()
    return OrderData(
        number=_digits(order.legacyResourceId),
        group_number=reading.text(order.name, limit=reading.MAX_NUMBER_LENGTH),
        status=status,
        platform_status=f"{platform_status} (test)" if order.test else platform_status,
        placed_at=reading.moment(order.createdAt),
        changed_at=reading.moment(order.updatedAt),
        currency=currency,
        total=_in(currency, order.totalPriceSet),
        items_total=_in(currency, order.subtotalPriceSet),
        shipping=_in(currency, order.totalShippingPriceSet),
        tax=_in(currency, order.totalTaxSet),
        discount=_in(currency, order.totalDiscountsSet),
        buyer=Buyer(name=reading.text(buyer.name), email=reading.text(order.email)),
        ship_to=_address(order),
        fulfilment="merchant",
        lines=reading.distinct_lines(_line(line, order) for line in order.lineItems.nodes),
    )


def read_order_number(raw: msgspec.Raw) -> str:
    try:
        return _digits(reading.read(raw, _Number).legacyResourceId)
    except (msgspec.ValidationError, ValueError):
        return ""


def _digits(value: str | int) -> str:
    found = str(value)
    if not re.fullmatch(r"[0-9]{1,20}", found):
        raise ValueError("legacyResourceId is not a number")
    return reading.number(found)


def _status(order: _Order) -> tuple[OrderStatus, str]:
    """The status, and the word of Shopify's that decided it.

    What has left the house counts more than what has not been paid: cash on delivery is
    PENDING to the end.
    """
    money = order.displayFinancialStatus or ""
    goods = order.displayFulfillmentStatus or ""
    if order.cancelledAt:
        return OrderStatus.CANCELLED, "CANCELLED"
    if money == "REFUNDED":
        return OrderStatus.REFUNDED, money
    if money and money not in UNPAID | PAID:
        return OrderStatus.UNKNOWN, money
    if money in UNPAID and goods not in ON_THE_WAY:
        return OrderStatus.UNPAID, money
    if money == "PARTIALLY_REFUNDED" and goods == "FULFILLED":
        return OrderStatus.PARTIALLY_REFUNDED, money
    if goods == "FULFILLED" and _delivered(order.fulfillments or []):
        return OrderStatus.DELIVERED, "DELIVERED"
    return FULFILMENT.get(goods, OrderStatus.UNKNOWN), goods


def _delivered(parcels: list[_Fulfillment]) -> bool:
    sent = [each for each in parcels if each.status != "CANCELLED"]
    return bool(sent) and all(each.displayStatus == "DELIVERED" for each in sent)


def _line(line: _Line, order: _Order) -> LineData:
    count = reading.quantity(line.quantity)
    stated = line.discountedTotalSet.shopMoney if line.discountedTotalSet else None
    price = line.originalUnitPriceSet.shopMoney if line.originalUnitPriceSet else None
    total = reading.amount(stated.amount) if stated else None
    left = reading.quantity(count if line.currentQuantity is None else line.currentQuantity)
    if left != count and _is_edited(order):
        # Pieces that were taken out of the order must not be shipped; their price is not told.
        count, total = left, None
    booked = price or stated
    currency = booked.currencyCode if booked else None
    if stated and stated.currencyCode != currency:
        total = None
    return LineData(
        number=_digits(line.id.rpartition("/")[2]),
        quantity=count,
        sku=reading.text(line.sku),
        title=reading.text(line.name) or reading.text(line.title) or "",
        unit_price=reading.amount(price.amount) if price else None,
        total=total,
        currency=currency,
        platform_status="REMOVED" if count == 0 else _line_status(line),
    )


def _is_edited(order: _Order) -> bool:
    """Refunds and cancellations lower the count as well, but what was sold stays sold."""
    refunded = order.displayFinancialStatus in ("REFUNDED", "PARTIALLY_REFUNDED")
    return not (order.cancelledAt or refunded)


def _line_status(line: _Line) -> str | None:
    if line.unfulfilledQuantity is None:
        return None
    return "FULFILLED" if line.unfulfilledQuantity == 0 else "UNFULFILLED"


def _address(order: _Order) -> Address:
    """Goods that need no shipping have no address at all."""
    place = order.shippingAddress or _Place()
    name, company = reading.text(place.name), reading.text(place.company)
    return Address(
        name=reading.joined(name, company) if company != name else name,
        phone=reading.text(place.phone) or reading.text(order.phone),
        line1=reading.text(place.address1),
        line2=reading.text(place.address2),
        city=reading.text(place.city),
        region=reading.text(place.provinceCode) or reading.text(place.province),
        postcode=reading.text(place.zip),
        country=reading.text(place.countryCodeV2),
    )


def _currency(order: _Order) -> str | None:
    return order.totalPriceSet.shopMoney.currencyCode if order.totalPriceSet else None


def _in(currency: str | None, stated: _Money | None) -> Decimal | None:
    """The amount if it is in the order's currency: amounts of two currencies never mix."""
    if stated is None or stated.shopMoney.currencyCode != currency:
        return None
    return reading.amount(stated.shopMoney.amount)
