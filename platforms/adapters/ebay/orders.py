"""eBay's orders in our words. Fact sheet: docs/platforms/ebay.md, "Orders"."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import msgspec

from platforms import reading
from platforms.spec import Address, Buyer, LineData, OrderData, OrderStatus


class _Amount(msgspec.Struct):
    value: Decimal
    currency: str


class _Phone(msgspec.Struct):
    phoneNumber: str | None = None


class _Place(msgspec.Struct):
    addressLine1: str | None = None
    addressLine2: str | None = None
    city: str | None = None
    stateOrProvince: str | None = None
    postalCode: str | None = None
    countryCode: str | None = None


class _Contact(msgspec.Struct):
    fullName: str | None = None
    email: str | None = None
    primaryPhone: _Phone | None = None
    contactAddress: _Place | None = None


class _Buyer(msgspec.Struct):
    username: str | None = None
    buyerRegistrationAddress: _Contact | None = None


class _CancelStatus(msgspec.Struct):
    cancelState: str | None = None


class _ShippingStep(msgspec.Struct):
    shipTo: _Contact | None = None


class _Start(msgspec.Struct):
    fulfillmentInstructionsType: str | None = None
    shippingStep: _ShippingStep | None = None


class _Line(msgspec.Struct):
    lineItemId: str
    quantity: int
    sku: str | None = None
    title: str | None = None
    lineItemFulfillmentStatus: str | None = None
    lineItemCost: _Amount | None = None
    discountedLineItemCost: _Amount | None = None
    total: _Amount | None = None


class _Pricing(msgspec.Struct):
    priceSubtotal: _Amount | None = None
    priceDiscount: _Amount | None = None
    deliveryCost: _Amount | None = None
    deliveryDiscount: _Amount | None = None
    tax: _Amount | None = None
    total: _Amount | None = None


class _Payment(msgspec.Struct):
    paymentDate: datetime | None = None
    paymentStatus: str | None = None


class _Payments(msgspec.Struct):
    payments: list[_Payment] | None = None


class _Order(msgspec.Struct):
    orderId: str
    creationDate: datetime
    lastModifiedDate: datetime
    lineItems: list[_Line]
    orderFulfillmentStatus: str | None = None
    orderPaymentStatus: str | None = None
    cancelStatus: _CancelStatus | None = None
    buyer: _Buyer | None = None
    fulfillmentStartInstructions: list[_Start] | None = None
    pricingSummary: _Pricing | None = None
    paymentSummary: _Payments | None = None


class _Number(msgspec.Struct):
    orderId: str


FULFILMENT = {
    "NOT_STARTED": OrderStatus.AWAITING_SHIPMENT,
    "IN_PROGRESS": OrderStatus.PARTIALLY_SHIPPED,
    "FULFILLED": OrderStatus.SHIPPED,
}
# A cancellation that the seller has not answered yet: do not ship.
CANCELLATION = {
    "CANCELED": OrderStatus.CANCELLED,
    "CANCELLED": OrderStatus.CANCELLED,
    "IN_PROGRESS": OrderStatus.ON_HOLD,
}
UNPAID = {"PENDING", "FAILED"}


def parse_order(raw: msgspec.Raw) -> OrderData:
    order = reading.read(raw, _Order)
    status, platform_status = _status(order)
    pricing = order.pricingSummary or _Pricing()
    currency = pricing.total.currency if pricing.total else _first_currency(order)
    buyer = order.buyer or _Buyer()
    registered = buyer.buyerRegistrationAddress or _Contact()
    starts = order.fulfillmentStartInstructions or []
    ship_to = _ship_to(starts)
    return OrderData(
        number=reading.number(order.orderId),
        status=status,
        platform_status=platform_status,
        placed_at=reading.moment(order.creationDate),
        changed_at=reading.moment(order.lastModifiedDate),
        paid_at=_paid_at(order),
        currency=currency,
        total=_in(currency, pricing.total),
        items_total=_in(currency, pricing.priceSubtotal),
        shipping=_in(currency, pricing.deliveryCost),
        tax=_in(currency, pricing.tax),
        discount=reading.total(
            (_in(currency, pricing.priceDiscount), _in(currency, pricing.deliveryDiscount))
        ),
        buyer=Buyer(
            name=reading.text(registered.fullName),
            email=reading.text(registered.email) or reading.text(ship_to.email),
            id=reading.text(buyer.username),
        ),
        ship_to=_address(ship_to),
        fulfilment=_fulfilment(starts),
        lines=reading.distinct_lines(_line(line) for line in order.lineItems),
    )


def read_order_number(raw: msgspec.Raw) -> str:
    try:
        return reading.number(reading.read(raw, _Number).orderId)
    except (msgspec.ValidationError, ValueError):
        return ""


def _status(order: _Order) -> tuple[OrderStatus, str]:
    """The status, and the word of eBay's that decided it.

    A cancelled order shows only in cancelStatus (fact sheet §3). Until everything is shipped
    what is left to ship matters more than a partial refund.
    """
    cancel = (order.cancelStatus.cancelState if order.cancelStatus else None) or "NONE_REQUESTED"
    shipping = order.orderFulfillmentStatus or ""
    payment = order.orderPaymentStatus or ""
    if cancel != "NONE_REQUESTED" and (cancel != "IN_PROGRESS" or shipping != "FULFILLED"):
        return CANCELLATION.get(cancel, OrderStatus.UNKNOWN), cancel
    if payment == "FULLY_REFUNDED":
        return OrderStatus.REFUNDED, payment
    if payment in UNPAID:
        return OrderStatus.UNPAID, payment
    if payment == "PARTIALLY_REFUNDED" and shipping == "FULFILLED":
        return OrderStatus.PARTIALLY_REFUNDED, payment
    return FULFILMENT.get(shipping, OrderStatus.UNKNOWN), shipping


def _line(line: _Line) -> LineData:
    stated = line.total or line.discountedLineItemCost or line.lineItemCost
    cost = reading.amount(line.lineItemCost.value) if line.lineItemCost else None
    count = reading.quantity(line.quantity)
    return LineData(
        number=reading.number(line.lineItemId),
        quantity=count,
        sku=reading.text(line.sku),
        title=reading.text(line.title) or "",
        unit_price=reading.per_unit(cost, count),  # eBay states the cost of all pieces
        total=reading.amount(stated.value) if stated else None,
        currency=stated.currency if stated else None,
        platform_status=reading.text(line.lineItemFulfillmentStatus),
    )


def _ship_to(starts: list[_Start]) -> _Contact:
    """Where the parcel goes: with eBay's shipping programmes its hub, not the buyer."""
    for start in starts:
        if start.shippingStep and start.shippingStep.shipTo:
            return start.shippingStep.shipTo
    return _Contact()


def _address(contact: _Contact) -> Address:
    place = contact.contactAddress or _Place()
    return Address(
        name=reading.text(contact.fullName),
        phone=reading.text(contact.primaryPhone.phoneNumber) if contact.primaryPhone else None,
        line1=reading.text(place.addressLine1),
        line2=reading.text(place.addressLine2),
        city=reading.text(place.city),
        region=reading.text(place.stateOrProvince),
        postcode=reading.text(place.postalCode),
        country=reading.text(place.countryCode),
    )


def _fulfilment(starts: list[_Start]) -> str | None:
    if not starts:
        return None
    by_ebay = starts[0].fulfillmentInstructionsType == "FULFILLED_BY_EBAY"
    return "platform" if by_ebay else "merchant"


def _paid_at(order: _Order) -> datetime | None:
    payments = (order.paymentSummary.payments if order.paymentSummary else None) or []
    dates = [p.paymentDate for p in payments if p.paymentDate and p.paymentStatus == "PAID"]
    return reading.moment(min(map(reading.moment, dates))) if dates else None


def _first_currency(order: _Order) -> str | None:
    return next((line.total.currency for line in order.lineItems if line.total), None)


def _in(currency: str | None, stated: _Amount | None) -> Decimal | None:
    """The amount if it is in the order's currency: amounts of two currencies never mix."""
    if stated is None or stated.currency != currency:
        return None
    return reading.amount(stated.value)
