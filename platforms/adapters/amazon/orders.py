"""Amazon's orders (version 2026-01-01) in our words. Fact sheet: docs/platforms/amazon.md."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal

import msgspec

from platforms import reading
from platforms.spec import Address, Buyer, LineData, OrderData, OrderStatus

STATUSES = {
    "PENDING_AVAILABILITY": OrderStatus.PENDING,
    "PENDING": OrderStatus.PENDING,
    "UNSHIPPED": OrderStatus.AWAITING_SHIPMENT,
    "PARTIALLY_SHIPPED": OrderStatus.PARTIALLY_SHIPPED,
    "SHIPPED": OrderStatus.SHIPPED,
    "CANCELLED": OrderStatus.CANCELLED,
    "UNFULFILLABLE": OrderStatus.ON_HOLD,
    # Named by Amazon's migration map, missing in its model (fact sheet §3).
    "INVOICE_UNCONFIRMED": OrderStatus.ON_HOLD,
}
FULFILMENT = {"MERCHANT": "merchant", "AMAZON": "platform"}


class _Money(msgspec.Struct):
    amount: Decimal
    currencyCode: str


class _Part(msgspec.Struct):
    type: str
    subtotal: _Money


class _SalesChannel(msgspec.Struct):
    channelName: str | None = None
    marketplaceId: str | None = None


class _Fulfillment(msgspec.Struct):
    fulfillmentStatus: str | None = None
    fulfilledBy: str | None = None


class _Buyer(msgspec.Struct):
    buyerName: str | None = None
    buyerEmail: str | None = None


class _Street(msgspec.Struct):
    streetName: str | None = None
    streetNumber: str | None = None
    complement: str | None = None
    neighborhood: str | None = None


class _Place(msgspec.Struct):
    name: str | None = None
    addressLine1: str | None = None
    addressLine2: str | None = None
    addressLine3: str | None = None
    city: str | None = None
    municipality: str | None = None
    stateOrRegion: str | None = None
    postalCode: str | None = None
    countryCode: str | None = None
    phone: str | None = None
    extendedFields: _Street | None = None


class _Recipient(msgspec.Struct):
    deliveryAddress: _Place | None = None


class _Proceeds(msgspec.Struct):
    grandTotal: _Money | None = None
    breakdowns: list[_Part] | None = None


class _ItemProceeds(msgspec.Struct):
    proceedsTotal: _Money | None = None
    breakdowns: list[_Part] | None = None


class _Price(msgspec.Struct):
    unitPrice: _Money | None = None


class _Product(msgspec.Struct):
    sellerSku: str | None = None
    title: str | None = None
    price: _Price | None = None


class _Item(msgspec.Struct):
    orderItemId: str
    quantityOrdered: int
    product: _Product
    proceeds: _ItemProceeds | None = None


class _Order(msgspec.Struct):
    orderId: str
    createdTime: datetime
    lastUpdatedTime: datetime
    salesChannel: _SalesChannel
    orderItems: list[_Item]
    fulfillment: _Fulfillment | None = None
    buyer: _Buyer | None = None
    recipient: _Recipient | None = None
    proceeds: _Proceeds | None = None


class _Number(msgspec.Struct):
    orderId: str


def parse_order(raw: msgspec.Raw) -> OrderData:
    """`shop_id` is the marketplace id; a Shop's external_id ends with ":" and that id.

    Orders of other sales channels (NON_AMAZON) belong to no marketplace, whatever id they carry,
    and so have no shop id: they land where the seller has linked one marketplace alone.
    """
    order = reading.read(raw, _Order)
    fulfillment = order.fulfillment or _Fulfillment()
    platform_status = fulfillment.fulfillmentStatus or ""
    buyer = order.buyer or _Buyer()
    grand_total = order.proceeds.grandTotal if order.proceeds else None
    currency = grand_total.currencyCode if grand_total else _item_currency(order)
    return OrderData(
        number=reading.number(order.orderId),
        status=STATUSES.get(platform_status, OrderStatus.UNKNOWN),
        platform_status=platform_status,
        placed_at=reading.moment(order.createdTime),
        changed_at=reading.moment(order.lastUpdatedTime),
        currency=currency,
        total=reading.amount(grand_total.amount) if grand_total else None,
        items_total=_part(order, "ITEM", currency),
        shipping=_part(order, "SHIPPING", currency),
        tax=_part(order, "TAX", currency),
        discount=_part(order, "DISCOUNT", currency),
        buyer=Buyer(name=reading.text(buyer.buyerName), email=reading.text(buyer.buyerEmail)),
        ship_to=_address(order.recipient.deliveryAddress if order.recipient else None),
        fulfilment=FULFILMENT.get(fulfillment.fulfilledBy or ""),
        shop_id=_marketplace(order.salesChannel),
        lines=reading.distinct_lines(_line(item) for item in order.orderItems),
    )


def _marketplace(channel: _SalesChannel) -> str:
    if channel.channelName == "NON_AMAZON":
        return ""
    return reading.text(channel.marketplaceId) or ""


def read_order_number(raw: msgspec.Raw) -> str:
    try:
        return reading.number(reading.read(raw, _Number).orderId)
    except (msgspec.ValidationError, ValueError):
        return ""


def _line(item: _Item) -> LineData:
    unit = item.product.price.unitPrice if item.product.price else None
    total = item.proceeds.proceedsTotal if item.proceeds else None
    stated = unit or total
    return LineData(
        number=reading.number(item.orderItemId),
        quantity=reading.quantity(item.quantityOrdered),
        sku=reading.text(item.product.sellerSku),
        title=reading.text(item.product.title) or "",
        unit_price=reading.amount(unit.amount) if unit else None,
        total=reading.amount(total.amount) if total else None,
        currency=stated.currencyCode if stated else None,
    )


def _part(order: _Order, kind: str, currency: str | None) -> Decimal | None:
    """What the order states for one kind of proceeds, else the sum of what its items state."""
    stated = order.proceeds.breakdowns if order.proceeds else None
    if stated is None:
        stated = [
            part
            for item in order.orderItems
            for part in (item.proceeds.breakdowns if item.proceeds else None) or ()
        ]
    return _sum((part.subtotal for part in stated if part.type == kind), currency)


def _sum(amounts: Iterable[_Money], currency: str | None) -> Decimal | None:
    """As one amount where all are in the order's currency: "0.00" keeps its decimals."""
    found = list(amounts)
    if not found or any(money.currencyCode != currency for money in found):
        return None
    return reading.total(reading.amount(money.amount) for money in found)


def _item_currency(order: _Order) -> str | None:
    for item in order.orderItems:
        price = item.product.price.unitPrice if item.product.price else None
        stated = price or (item.proceeds.proceedsTotal if item.proceeds else None)
        if stated:
            return stated.currencyCode
    return None


def _address(place: _Place | None) -> Address:
    if place is None:
        return Address()
    street = place.extendedFields or _Street()  # Brazil states the parts of the street
    return Address(
        name=reading.text(place.name),
        phone=reading.text(place.phone),
        line1=reading.text(place.addressLine1)
        or reading.joined(street.streetName, street.streetNumber),
        line2=reading.joined(place.addressLine2, place.addressLine3)
        or reading.joined(street.complement, street.neighborhood),
        city=reading.text(place.city) or reading.text(place.municipality),
        region=reading.text(place.stateOrRegion),
        postcode=reading.text(place.postalCode),
        country=reading.text(place.countryCode),
    )
