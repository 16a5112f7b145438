"""Lazada's order and its items. Shapes: fact sheet lazada §3."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

from platforms.emulator.book import Record, scramble
from platforms.emulator.cast.lazada import COUNTRIES, LazadaAccount
from platforms.emulator.data import Facts, facts

STATUS = {"pending": "unpaid", "new": "pending", "cancelled": "canceled", "refunded": "returned"}
EAST = timezone(timedelta(hours=8))


def _facts(record: Record, account: LazadaAccount, seed: int) -> Facts:
    # The pool of people has no South-East Asia; names are masked to a letter anyway.
    digits = scramble(account.key, record.serial)
    return facts(
        owner=account.key, record=record, number=digits, country="US", currency="USD", seed=seed
    )


def _local(value: Decimal, country: str) -> str:
    """The price in the country's money, as text with thousands commas."""
    _currency, rate = COUNTRIES[country]
    return f"{(value * Decimal(rate)).quantize(Decimal('0.01')):,}"


def _time(ms: int) -> str:
    return f"{datetime.fromtimestamp(ms // 1000, EAST):%Y-%m-%d %H:%M:%S %z}"


def _masked(text: str) -> str:
    return text[:1] + "*" * max(2, len(text) - 2) + text[-1:]


def _status(record: Record, index: int) -> str:
    """Of one piece; in an order shipped or returned in part the first is ahead."""
    if record.stage == "partial":
        return "shipped" if index == 0 else "pending"
    if record.stage == "part_refunded":
        return "returned" if index == 0 else "delivered"
    return STATUS.get(record.stage, record.stage)


def render_items(
    record: Record, account: LazadaAccount, country: str, *, seed: int
) -> list[dict[str, Any]]:
    number = int(account.number(record.serial))
    items: list[dict[str, Any]] = []
    for line in _facts(record, account, seed).lines:
        for _piece in range(line.quantity):
            index = len(items)
            items.append(
                {
                    "order_item_id": int(f"{number}{index:02d}"),
                    "order_id": number,
                    "sku": line.sku,
                    "shop_sku": f"{line.item}_{country.upper()}",
                    "name": line.title,
                    "item_price": _local(line.unit, country),
                    "paid_price": _local(line.unit - line.discount / line.quantity, country),
                    "currency": COUNTRIES[country][0],
                    "status": _status(record, index),
                    "tracking_code": "",
                    "shipment_provider": "",
                    "reason": "",
                }
            )
    return items


def render(record: Record, account: LazadaAccount, country: str, *, seed: int) -> dict[str, Any]:
    number = int(account.number(record.serial))
    order = _facts(record, account, seed)
    items = render_items(record, account, country, seed=seed)
    buyer = order.buyer
    return {
        "order_id": number,
        "order_number": number,
        "created_at": _time(record.placed),
        "updated_at": _time(record.changed),
        "statuses": sorted({item["status"] for item in items}),
        "price": _local(order.sum("goods") - order.sum("discount"), country),
        "shipping_fee": _local(order.sum("shipping"), country),
        "voucher": _local(order.sum("discount"), country),
        "payment_method": "MIXEDCARD",
        "items_count": len(items),
        "customer_first_name": _masked(buyer.name),
        "customer_last_name": "",
        "address_shipping": {
            "first_name": _masked(buyer.name),
            "last_name": "",
            "phone": "65********12",
            "address1": _masked(buyer.line1),
            "address2": "",
            "city": buyer.city,
            "post_code": buyer.postcode,
            "country": country.upper(),
        },
        "buyer_note": order.note,
        "gift_message": "",
    }
