"""Lazada's orders in our words."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal

import msgspec
import pytest

from platforms.adapters.lazada import Lazada
from platforms.adapters.lazada.orders import status_of
from platforms.spec import OrderStatus

lazada = Lazada()
ORDER = {
    "order_id": 300100200300400,
    "created_at": "2026-11-20 10:11:12 +0800",
    "updated_at": "2026-11-20 11:00:00 +0800",
    "statuses": ["pending"],
    "price": "1,234.50",
    "shipping_fee": 4.9,
    "voucher": "0.00",
    "customer_first_name": "A***n",
    "customer_last_name": "",
    "address_shipping": {"first_name": "A***n", "address1": "12 ***", "country": "Singapore"},
}
ITEM = {
    "order_item_id": 9001,
    "sku": "LAMP-1",
    "name": "Lamp",
    "item_price": 620.1,
    "paid_price": "617.25",
    "currency": "SGD",
    "status": "pending",
}


def parse(items=None, **changes):
    items = [ITEM, {**ITEM, "order_item_id": 9002}] if items is None else items
    record = {"order": {**ORDER, **changes}, "items": items}
    return lazada.parse_order(msgspec.Raw(json.dumps(record).encode()))


def test_an_order_with_a_row_for_each_piece():
    order = parse()

    assert order.number == "300100200300400"
    assert (order.status, order.platform_status) == (OrderStatus.AWAITING_SHIPMENT, "pending")
    assert order.placed_at == datetime(2026, 11, 20, 2, 11, 12, tzinfo=UTC)
    assert (order.currency, order.total, order.shipping) == (
        "SGD",
        Decimal("1234.50"),
        Decimal("4.9"),
    )
    assert order.items_total == Decimal("1240.2")
    assert [(line.number, line.quantity, line.total) for line in order.lines] == [
        ("9001", 1, Decimal("617.25")),
        ("9002", 1, Decimal("617.25")),
    ]
    assert order.buyer.name == order.ship_to.name == "A***n"


@pytest.mark.parametrize(
    ("statuses", "status"),
    [
        (["unpaid"], OrderStatus.UNPAID),
        (["packed", "ready_to_ship"], OrderStatus.AWAITING_SHIPMENT),
        (["pending", "shipped"], OrderStatus.PARTIALLY_SHIPPED),
        (["shipped", "delivered"], OrderStatus.SHIPPED),
        (["canceled", "shipped"], OrderStatus.SHIPPED),
        (["delivered"], OrderStatus.DELIVERED),
        (["delivered", "returned"], OrderStatus.PARTIALLY_REFUNDED),
        (["canceled", "returned"], OrderStatus.REFUNDED),
        (["canceled"], OrderStatus.CANCELLED),
        (["failed"], OrderStatus.ON_HOLD),
        (["shipped", "lost"], OrderStatus.ON_HOLD),
        (["shipped", "teleported"], OrderStatus.UNKNOWN),
        ([], OrderStatus.UNKNOWN),
    ],
)
def test_the_status_of_an_order_follows_from_its_items(statuses, status):
    assert status_of(statuses) is status


@pytest.mark.parametrize(
    "broken",
    [
        {"price": "twelve"},
        {"price": [1]},
        {"updated_at": "yesterday"},
        {"statuses": "see attachment"},
        {"items": []},
        {"items": [ITEM, {**ITEM, "currency": "MYR"}]},
    ],
)
def test_what_cannot_be_read_is_said(broken):
    with pytest.raises((ValueError, msgspec.ValidationError)):
        parse(**broken)


def test_the_number_of_an_unreadable_order_is_found():
    record = msgspec.Raw(b'{"order":{"order_id":77,"statuses":8},"items":null}')

    assert lazada.order_number(record) == "77"
