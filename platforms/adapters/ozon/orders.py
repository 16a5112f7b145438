"""Ozon's postings in our words. Fact sheet: docs/platforms/ozon.md, "Orders".

A posting, not the buyer's order, is what is packed and shipped: it is our order, and the
buyer's order is its group. Ozon states no time of change. `changed_at` is the latest time
the posting tells; two versions often share it, and then their content decides.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal

import msgspec

from platforms import reading
from platforms.spec import Address, Buyer, LineData, OrderData, OrderStatus

STATUSES = {
    "awaiting_registration": OrderStatus.PENDING,
    "acceptance_in_progress": OrderStatus.PENDING,
    "awaiting_approve": OrderStatus.PENDING,
    "awaiting_verification": OrderStatus.PENDING,
    "awaiting_packaging": OrderStatus.AWAITING_SHIPMENT,
    "awaiting_deliver": OrderStatus.AWAITING_SHIPMENT,
    "delivering": OrderStatus.SHIPPED,
    "driver_pickup": OrderStatus.SHIPPED,
    "sent_by_seller": OrderStatus.SHIPPED,
    "delivered": OrderStatus.DELIVERED,
    "cancelled": OrderStatus.CANCELLED,
    "cancelled_from_split_pending": OrderStatus.CANCELLED,
    "arbitration": OrderStatus.ON_HOLD,
    "client_arbitration": OrderStatus.ON_HOLD,
    "not_accepted": OrderStatus.ON_HOLD,
}
FULFILMENT = {"fbs": "merchant", "rfbs": "merchant", "fbo": "platform"}
REMOVED = "PD_Deleted"  # what Ozon leaves in place of personal data


class _Price(msgspec.Struct):
    amount: Decimal | None = None
    currency: str | None = None


class _Product(msgspec.Struct):
    sku: int | str
    quantity: int
    offer_id: str | None = None
    name: str | None = None
    # An object in the lists, a plain number or string in older methods (fact sheet §3).
    price: msgspec.Raw = msgspec.Raw(b"null")
    currency_code: str | None = None


class _Place(msgspec.Struct):
    address_tail: str | None = None
    city: str | None = None
    district: str | None = None
    region: str | None = None
    country: str | None = None
    zip_code: str | None = None


class _Customer(msgspec.Struct):
    customer_id: int | str | None = None
    name: str | None = None
    phone: str | None = None
    customer_email: str | None = None
    address: _Place | None = None


class _Addressee(msgspec.Struct):
    name: str | None = None


class _Posting(msgspec.Struct):
    posting_number: str
    status: str
    products: list[_Product]
    order_number: str | None = None
    delivery_schema: str | None = None
    created_at: datetime | None = None
    in_process_at: datetime | None = None
    delivering_date: datetime | None = None
    pickup_code_verified_at: datetime | None = None
    customer: _Customer | None = None
    addressee: _Addressee | None = None


class _Number(msgspec.Struct):
    posting_number: str


def parse_order(raw: msgspec.Raw, *, kind: str) -> OrderData:
    posting = reading.read(raw, _Posting)
    placed_at = posting.created_at or posting.in_process_at
    if placed_at is None:
        raise ValueError("the posting states neither created_at nor in_process_at")
    lines = reading.distinct_lines(_line(product) for product in posting.products)
    currency, total = _total(lines)
    customer = posting.customer or _Customer()
    return OrderData(
        number=reading.number(posting.posting_number),
        # Some of Ozon's texts have a blank in the name (fact sheet §3).
        status=STATUSES.get(posting.status.replace(" ", "_"), OrderStatus.UNKNOWN),
        platform_status=posting.status,
        placed_at=reading.moment(placed_at),
        changed_at=_changed_at(posting, placed_at),
        currency=currency,
        total=total,
        items_total=total,
        buyer=Buyer(
            name=_personal(customer.name),
            email=_personal(customer.customer_email),
            id=reading.text(str(customer.customer_id)) if customer.customer_id else None,
        ),
        ship_to=_address(posting, customer),
        fulfilment=FULFILMENT.get((posting.delivery_schema or kind).lower()),
        group_number=reading.text(posting.order_number),
        lines=lines,
    )


def read_order_number(raw: msgspec.Raw) -> str:
    try:
        return reading.number(reading.read(raw, _Number).posting_number)
    except (msgspec.ValidationError, ValueError):
        return ""


def _changed_at(posting: _Posting, placed_at: datetime) -> datetime:
    told = (
        placed_at,
        posting.in_process_at,
        posting.delivering_date,
        posting.pickup_code_verified_at,
    )
    return max(reading.moment(time) for time in told if time)


def _line(product: _Product) -> LineData:
    price = _price(product)
    unit = reading.amount(price.amount)
    count = reading.quantity(product.quantity)
    return LineData(
        number=reading.number(str(product.sku)),
        quantity=count,
        sku=reading.text(product.offer_id),
        title=reading.text(product.name) or "",
        unit_price=unit,
        total=reading.amount(unit * count) if unit is not None else None,
        currency=reading.text(price.currency),
    )


def _price(product: _Product) -> _Price:
    stated = bytes(product.price).strip()
    if stated == b"null":
        return _Price()
    if stated.startswith(b"{"):
        return reading.read(product.price, _Price)
    return _Price(amount=reading.read(product.price, Decimal), currency=product.currency_code)


def _total(lines: Iterable[LineData]) -> tuple[str | None, Decimal | None]:
    """Currency and sum of the lines; no sum where currencies differ or a price is missing."""
    priced = list(lines)
    currencies = {line.currency for line in priced}
    if len(currencies) != 1:
        return None, None
    currency = currencies.pop()
    if currency is None or any(line.total is None for line in priced):
        return currency, None
    return currency, reading.total(line.total for line in priced)


def _address(posting: _Posting, customer: _Customer) -> Address:
    place = customer.address or _Place()
    addressee = posting.addressee.name if posting.addressee else None
    return Address(
        name=_personal(addressee) or _personal(customer.name),
        phone=_personal(customer.phone),
        line1=_personal(place.address_tail),
        line2=_personal(place.district),
        city=_personal(place.city),
        region=_personal(place.region),
        postcode=_personal(place.zip_code),
        country=_personal(place.country),
    )


def _personal(value: str | None) -> str | None:
    cleaned = reading.text(value)
    return None if cleaned == REMOVED else cleaned
