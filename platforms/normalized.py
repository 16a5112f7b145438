"""The normalized order as programs get it (design §4): export and API. The one place."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from typing import TypedDict

from platforms.models import Order, OrderLine


class BuyerDict(TypedDict):
    name: str | None
    email: str | None
    id: str | None


class AddressDict(TypedDict):
    name: str | None
    phone: str | None
    line1: str | None
    line2: str | None
    city: str | None
    region: str | None
    postcode: str | None
    country: str | None


class LineDict(TypedDict):
    number: str | None
    sku: str | None
    title: str | None
    quantity: int
    unit_price: str | None
    total: str | None
    currency: str | None
    platform_status: str | None


class OrderDict(TypedDict):
    platform: str
    store: str
    number: str
    status: str
    platform_status: str | None
    placed_at: str | None
    changed_at: str | None
    paid_at: str | None
    currency: str | None
    total: str | None
    items_total: str | None
    shipping: str | None
    tax: str | None
    discount: str | None
    buyer: BuyerDict
    ship_to: AddressDict
    lines: list[LineDict]
    fulfilment: str | None
    raw_sha256: str


def normalized(order: Order, lines: Iterable[OrderLine] | None = None) -> OrderDict:
    """Amounts as decimal strings exactly as stored, times RFC 3339 in UTC, absent values None.

    `order.store.tenant` should be selected and `order.lines` prefetched.
    """
    if lines is None:
        lines = sorted(order.lines.all(), key=lambda line: line.position)
    return {
        "platform": order.platform,
        "store": order.store.path,
        "number": order.number,
        "status": order.status,
        "platform_status": order.platform_status or None,
        "placed_at": rfc3339(order.placed_at),
        "changed_at": rfc3339(order.changed_at),
        "paid_at": rfc3339(order.paid_at),
        "currency": order.currency or None,
        "total": amount(order.total),
        "items_total": amount(order.items_total),
        "shipping": amount(order.shipping),
        "tax": amount(order.tax),
        "discount": amount(order.discount),
        "buyer": {
            "name": order.buyer_name or None,
            "email": order.buyer_email or None,
            "id": order.buyer_id or None,
        },
        "ship_to": {
            "name": order.ship_name or None,
            "phone": order.ship_phone or None,
            "line1": order.ship_line1 or None,
            "line2": order.ship_line2 or None,
            "city": order.ship_city or None,
            "region": order.ship_region or None,
            "postcode": order.ship_postcode or None,
            "country": order.ship_country or None,
        },
        "lines": [normalized_line(line) for line in lines],
        "fulfilment": order.fulfilment or None,
        "raw_sha256": order.raw_sha256,
    }


def normalized_line(line: OrderLine) -> LineDict:
    return {
        "number": line.number or None,
        "sku": line.sku or None,
        "title": line.title or None,
        "quantity": line.quantity,
        "unit_price": amount(line.unit_price),
        "total": amount(line.total),
        "currency": line.currency or None,
        "platform_status": line.platform_status or None,
    }


def amount(value: Decimal | str | None) -> str | None:
    """The digits as stated: no exponent, no zero added or dropped."""
    return None if value is None else format(Decimal(value), "f")


def rfc3339(at: datetime | None) -> str | None:
    return None if at is None else at.astimezone(UTC).isoformat().replace("+00:00", "Z")
