"""Wish's orders in our words. Fact sheet: docs/platforms/wish.md, "Orders".

One order is one product variation with a quantity; what was bought together shares a transaction.
"""

from __future__ import annotations

from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal

import msgspec

from platforms import reading
from platforms.spec import Address, Buyer, LineData, OrderData, OrderStatus

# ISO 4217 currencies without a hundredth
WHOLE = {"CLP", "JPY", "KRW", "VND"}
STATES = {
    "REQUIRE_REVIEW": OrderStatus.ON_HOLD,
    "APPROVED": OrderStatus.AWAITING_SHIPMENT,
    "SHIPPED": OrderStatus.SHIPPED,
    "REFUNDED": OrderStatus.REFUNDED,
    "DECLINED": OrderStatus.CANCELLED,
}


class _Money(msgspec.Struct):
    amount: Decimal
    currency_code: str


class _Payment(msgspec.Struct):
    product_quantity: int
    product_price: _Money | None = None
    product_shipping_price: _Money | None = None
    payment_total: _Money | None = None


class _Payments(msgspec.Struct):
    general_payment_details: _Payment


class _Product(msgspec.Struct):
    id: str | None = None
    sku: str | None = None
    name: str | None = None
    color: str | None = None
    size: str | None = None
    variation_id: str | None = None


class _Phone(msgspec.Struct):
    country_code: str | None = None
    number: str | None = None


class _Place(msgspec.Struct):
    name: str | None = None
    street_address1: str | None = None
    street_address2: str | None = None
    street_address3: str | None = None
    city: str | None = None
    state: str | None = None
    zipcode: str | None = None
    country_code: str | None = None
    region: str | None = None
    neighborhood: str | None = None
    phone_number: _Phone | None = None


class _Where(msgspec.Struct):
    shipping_detail: _Place | None = None


class _Order(msgspec.Struct):
    id: str
    state: str
    updated_at: datetime
    order_payment: _Payments
    transaction_id: str | None = None
    released_at: datetime | None = None
    product_information: _Product | None = None
    full_address: _Where | None = None
    fulfillment_order_types: list[str] | None = None


class _Number(msgspec.Struct):
    id: str


def parse_order(raw: msgspec.Raw) -> OrderData:
    order = reading.read(raw, _Order)
    payment = order.order_payment.general_payment_details
    product = order.product_information or _Product()
    place = (order.full_address.shipping_detail if order.full_address else None) or _Place()
    currency = _currency(payment)
    count = reading.quantity(payment.product_quantity)
    changed_at = reading.moment(order.updated_at)
    unit = _in(currency, payment.product_price)
    shipping = _in(currency, payment.product_shipping_price)
    goods = _times(unit, count)
    number = reading.number(order.id)
    return OrderData(
        number=number,
        status=STATES.get(order.state, OrderStatus.UNKNOWN),
        platform_status=order.state,
        # An order under review is not released to the seller yet.
        placed_at=reading.moment(order.released_at) if order.released_at else changed_at,
        changed_at=changed_at,
        currency=currency,
        # What the seller gets; what the buyer paid is often not told (fact sheet §3).
        total=_in(currency, payment.payment_total),
        items_total=goods,
        shipping=_times(shipping, count),
        buyer=Buyer(name=reading.text(place.name)),
        ship_to=_address(place),
        fulfilment=_fulfilment(order.fulfillment_order_types),
        group_number=reading.text(order.transaction_id, limit=reading.MAX_NUMBER_LENGTH),
        lines=(
            LineData(
                number=reading.number(product.variation_id or number),
                quantity=count,
                sku=reading.text(product.sku),
                title=reading.joined(product.name, product.color, product.size) or "",
                unit_price=unit,
                total=goods,
                currency=currency,
                platform_status=order.state,
            ),
        ),
    )


def read_order_number(raw: msgspec.Raw) -> str:
    try:
        return reading.number(reading.read(raw, _Number).id)
    except (msgspec.ValidationError, ValueError):
        return ""


def _currency(payment: _Payment) -> str | None:
    stated = (payment.product_price, payment.payment_total, payment.product_shipping_price)
    return next((each.currency_code for each in stated if each), None)


def _in(currency: str | None, stated: _Money | None) -> Decimal | None:
    """The amount if it is in the order's currency. Wish computes with floats and shows it: what
    is finer than the currency is rounded away (fact sheet §3)."""
    if stated is None or stated.currency_code != currency:
        return None
    value = stated.amount
    if not value.is_finite() or abs(value) >= reading.MAX_AMOUNT:
        raise ValueError("an amount is not a possible number")
    smallest = Decimal(1) if currency in WHOLE else Decimal("0.01")
    rounded = value.quantize(smallest, rounding=ROUND_HALF_UP)
    return reading.amount(value if value == rounded and _is_plain(value) else rounded)


def _is_plain(value: Decimal) -> bool:
    exponent = value.as_tuple().exponent
    return isinstance(exponent, int) and -2 <= exponent <= 0


def _times(each: Decimal | None, count: int) -> Decimal | None:
    """Wish states prices of one piece."""
    return None if each is None else reading.amount(each * count)


def _address(place: _Place) -> Address:
    return Address(
        name=reading.text(place.name),
        phone=_phone(place.phone_number),
        line1=reading.text(place.street_address1),
        line2=reading.joined(place.street_address2, place.street_address3, place.neighborhood),
        city=reading.text(place.city),
        region=reading.text(place.state) or reading.text(place.region),
        postcode=reading.text(place.zipcode),
        country=reading.text(place.country_code),
    )


def _phone(phone: _Phone | None) -> str | None:
    if phone is None or not reading.text(phone.number):
        return None
    prefix = (reading.text(phone.country_code) or "").lstrip("+")
    return reading.text(f"+{prefix} {phone.number}" if prefix else phone.number)


def _fulfilment(kinds: list[str] | None) -> str | None:
    if kinds is None:
        return None
    return "platform" if "FULFILLED_BY_WISH" in kinds else "merchant"
