"""What the TikTok Shop adapter makes of an order."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal

import msgspec
import pytest

from platforms.adapters.tiktok_shop import TiktokShop
from platforms.spec import Address, OrderData, OrderStatus

tiktok = TiktokShop()


def unit(number: str, **changes: object) -> dict[str, object]:
    return {
        "id": number, "product_name": "Tea tin", "sku_id": "27001", "seller_sku": "TEA-1",
        "sale_price": "4.50", "original_price": "5.00", "currency": "GBP",
        "display_status": "AWAITING_SHIPMENT",
    } | changes  # fmt: skip


ORDER = {
    "id": "576000000000000001\n",
    "status": "AWAITING_SHIPMENT",
    "create_time": 1_795_132_800,
    "update_time": 1_795_132_900,
    "paid_time": 1_795_132_810,
    "user_id": "702",
    "buyer_email": "relay@chat.example\n",
    "fulfillment_type": "FULFILLMENT_BY_SELLER",
    "payment": {
        "currency": "GBP", "original_total_product_price": "15.00", "sub_total": "13.50",
        "seller_discount": "1.00", "platform_discount": "0.50", "shipping_fee": "3.99",
        "tax": "0", "total_amount": "17.49",
    },
    "recipient_address": {
        "name": "J*** S***", "phone_number": "(+44)20*****00", "address_line1": "1 Example Rd",
        "address_line2": "Flat 2", "address_line3": " ", "address_line4": '""',
        "postal_code": "SW1A 1AA", "region_code": "GB",
        "district_info": [
            {"address_level": "L0", "address_level_name": "Country", "address_name": "UK"},
            {"address_level": "L1", "address_level_name": "State", "address_name": "England"},
            {"address_level": "L3", "address_level_name": "City", "address_name": "London"},
        ],
    },
    "line_items": [unit("5771"), unit("5770"), unit("5772", sale_price="5.00")],
}  # fmt: skip


def parsed(**changes: object) -> OrderData:
    return tiktok.parse_order(msgspec.Raw(json.dumps(ORDER | changes).encode()))


def test_an_order_is_told_in_our_words():
    order = parsed()

    assert (order.number, order.status) == ("576000000000000001", "awaiting_shipment")
    assert order.placed_at == datetime(2026, 11, 20, tzinfo=UTC)
    assert order.paid_at == datetime(2026, 11, 20, 0, 0, 10, tzinfo=UTC)
    assert (order.total, order.currency) == (Decimal("17.49"), "GBP")
    assert (order.items_total, order.discount) == (Decimal("15.00"), Decimal("1.50"))
    assert (order.shipping, order.tax) == (Decimal("3.99"), Decimal(0))
    assert (order.buyer.id, order.buyer.email, order.buyer.name) == (
        "702", "relay@chat.example", None,
    )  # fmt: skip
    assert order.fulfilment == "merchant"


def test_what_is_masked_stays_masked_and_what_is_empty_stays_away():
    assert parsed().ship_to == Address(
        name="J*** S***", phone="(+44)20*****00", line1="1 Example Rd", line2="Flat 2",
        city="London", region="England", postcode="SW1A 1AA", country="GB",
    )  # fmt: skip
    assert parsed(recipient_address=None).ship_to == Address()
    bare = {"first_name": "Jo", "last_name": "Sample", "full_address": "Somewhere 1"}
    assert parsed(recipient_address=bare).ship_to == Address(name="Jo Sample", line1="Somewhere 1")


def test_pieces_alike_make_one_line():
    two, one = parsed().lines

    assert (two.number, two.quantity, two.unit_price, two.total) == (
        "5770", 2, Decimal("4.50"), Decimal("9.00"),
    )  # fmt: skip
    assert (one.number, one.quantity, one.unit_price) == ("5772", 1, Decimal("5.00"))


@pytest.mark.parametrize(
    "changes", [{"display_status": "CANCELLED"}, {"sku_id": "27002"}, {"sale_price": None}]
)
def test_pieces_that_differ_stay_apart(changes):
    items = [unit("5770"), unit("5771", **changes)]

    assert [line.quantity for line in parsed(line_items=items).lines] == [1, 1]


def test_pieces_without_a_sku_are_not_taken_for_the_same():
    items = [unit("5770", sku_id=""), unit("5771", sku_id=None)]

    assert len(parsed(line_items=items).lines) == 2


@pytest.mark.parametrize(
    ("stated", "status"),
    [
        ("UNPAID", "unpaid"),
        ("ON_HOLD", "on_hold"),
        ("AWAITING_SHIPMENT", "awaiting_shipment"),
        ("PARTIALLY_SHIPPING", "partially_shipped"),
        ("AWAITING_COLLECTION", "shipped"),
        ("IN_TRANSIT", "shipped"),
        ("DELIVERED", "delivered"),
        ("COMPLETED", "delivered"),
        ("CANCELLED", "cancelled"),
        ("CANCEL", "cancelled"),
        ("TELEPORTED", "unknown"),
    ],
)
def test_every_status_has_one_of_ours(stated, status):
    order = parsed(status=stated)

    assert (order.status, order.platform_status) == (OrderStatus(status), stated)


@pytest.mark.parametrize("payment", [None, {}, {"currency": "", "total_amount": ""}])
def test_amounts_that_are_not_stated_yet_are_not_made_up(payment):
    order = parsed(payment=payment, paid_time=0)

    assert (order.total, order.items_total, order.discount, order.paid_at) == (None,) * 4
    assert order.currency == "GBP"  # the lines say it


def test_amounts_without_decimals_stay_without():
    payment = {"currency": "IDR", "total_amount": "5000", "sub_total": "5000"}

    assert str(parsed(payment=payment).total) == "5000"
    assert str(parsed(payment=payment).items_total) == "5000"


@pytest.mark.parametrize(
    "changes",
    [
        {"id": ""},
        {"update_time": 0},
        {"update_time": 10**18},
        {"update_time": "yesterday"},
        {"line_items": "none"},
        {"payment": {"total_amount": "a lot"}},
        {"payment": {"total_amount": "NaN"}},
        {"payment": {"total_amount": "1e99"}},
    ],
)
def test_what_cannot_be_true_is_refused(changes):
    with pytest.raises((msgspec.ValidationError, ValueError)):
        parsed(**changes)


def test_the_number_of_an_unreadable_order_is_still_told():
    assert tiktok.order_number(msgspec.Raw(b'{"id": "576\\n", "line_items": 7}')) == "576"
    assert tiktok.order_number(msgspec.Raw(b'{"id": 576}')) == ""
