"""Shopee's orders in our words."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal

import msgspec
import pytest

from platforms.adapters.shopee import Shopee
from platforms.adapters.shopee.orders import STATUS
from platforms.spec import OrderStatus

shopee = Shopee()
ORDER = {
    "order_sn": "261120EXAMPLE1",
    "order_status": "READY_TO_SHIP",
    "create_time": 1795000000,
    "update_time": 1795000600,
    "pay_time": 1795000060,
    "currency": "SGD",
    "total_amount": 31.07,
    "actual_shipping_fee": 0,
    "estimated_shipping_fee": 1.29,
    "buyer_user_id": 77,
    "buyer_username": "exampl3",
    "fulfillment_flag": "fulfilled_by_local_seller",
    "recipient_address": {"name": "E******e", "full_address": "1******", "region": "SG"},
    "item_list": [
        {
            "item_id": 11,
            "model_id": 22,
            "item_name": "Lamp",
            "model_name": "White",
            "item_sku": "LAMP",
            "model_sku": "",
            "model_quantity_purchased": 2,
            "model_discounted_price": 14.89,
        }
    ],
}


def parse(**changes):
    return shopee.parse_order(msgspec.Raw(json.dumps({**ORDER, **changes}).encode()))


def test_an_order_with_exact_amounts():
    order = parse()

    assert order.number == "261120EXAMPLE1"
    assert (order.status, order.platform_status) == (
        OrderStatus.AWAITING_SHIPMENT,
        "READY_TO_SHIP",
    )
    assert order.placed_at == datetime.fromtimestamp(1795000000, UTC)
    assert order.paid_at == datetime.fromtimestamp(1795000060, UTC)
    assert (order.total, order.items_total, order.shipping) == (
        Decimal("31.07"),
        Decimal("29.78"),
        Decimal("1.29"),
    )
    line = order.lines[0]
    assert (line.number, line.sku, line.title) == ("11-22", "LAMP", "Lamp, White")
    assert (line.quantity, line.unit_price, line.total) == (2, Decimal("14.89"), Decimal("29.78"))
    assert (order.buyer.name, order.buyer.id, order.ship_to.name) == ("exampl3", "77", "E******e")
    assert order.fulfilment == "merchant"


@pytest.mark.parametrize(("theirs", "ours"), STATUS.items())
def test_every_known_status_is_translated(theirs, ours):
    assert parse(order_status=theirs).status is ours


def test_an_unknown_status_is_kept_as_it_is():
    order = parse(order_status="TELEPORTED")

    assert (order.status, order.platform_status) == (OrderStatus.UNKNOWN, "TELEPORTED")


@pytest.mark.parametrize(
    "broken",
    [
        {"create_time": "yesterday"},
        {"update_time": 10**15},
        {"item_list": "see attachment"},
        {"total_amount": "much"},
        {"order_sn": ""},
    ],
)
def test_what_cannot_be_read_is_said(broken):
    with pytest.raises((ValueError, msgspec.ValidationError)):
        parse(**broken)


def test_what_a_list_says_is_no_order_but_has_its_number():
    raw = msgspec.Raw(b'{"order_sn":"A","order_status":"SHIPPED"}')

    with pytest.raises(msgspec.ValidationError):
        shopee.parse_order(raw)
    assert shopee.order_number(raw) == "A"
