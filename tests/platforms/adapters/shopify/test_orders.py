"""Shopify's orders in our words."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import msgspec
import pytest

from platforms.adapters.shopify import Shopify
from platforms.spec import OrderStatus
from tests.platforms.adapters.shopify.payloads import line, money, order

shopify = Shopify()
SENT = {"status": "SUCCESS", "displayStatus": "IN_TRANSIT"}
THERE = {"status": "SUCCESS", "displayStatus": "DELIVERED"}
VOID = {"status": "CANCELLED", "displayStatus": "CANCELED"}


def parse(**changes):
    return shopify.parse_order(msgspec.Raw(msgspec.json.encode(order(**changes))))


def test_an_order_is_read_as_stated():
    got = parse()

    assert (got.number, got.group_number) == ("6001", "#1001")
    assert got.placed_at == datetime(2026, 11, 20, 10, tzinfo=UTC)
    assert got.changed_at == datetime(2026, 11, 20, 10, 0, 5, tzinfo=UTC)
    assert (got.currency, got.total, got.items_total) == ("USD", Decimal("27.5"), Decimal("22.5"))
    assert (got.shipping, got.tax, got.discount) == (Decimal("5.0"), Decimal("0.0"), Decimal("2.5"))
    assert (got.buyer.name, got.buyer.email) == ("Jane Sample", "jane@example.test")
    assert (got.ship_to.region, got.ship_to.country) == ("IL", "US")
    (one,) = got.lines
    assert (one.number, one.sku, one.quantity) == ("77", "MUG-BLUE", 2)
    assert (one.unit_price, one.total) == (Decimal("12.5"), Decimal("22.5"))
    assert one.platform_status == "UNFULFILLED"


@pytest.mark.parametrize(
    ("changes", "status", "word"),
    [
        ({}, OrderStatus.AWAITING_SHIPMENT, "UNFULFILLED"),
        ({"displayFinancialStatus": None}, OrderStatus.AWAITING_SHIPMENT, "UNFULFILLED"),
        ({"displayFinancialStatus": "PENDING"}, OrderStatus.UNPAID, "PENDING"),
        ({"displayFinancialStatus": "AUTHORIZED"}, OrderStatus.UNPAID, "AUTHORIZED"),
        ({"displayFinancialStatus": "REFUNDED"}, OrderStatus.REFUNDED, "REFUNDED"),
        ({"displayFinancialStatus": "SHELLS"}, OrderStatus.UNKNOWN, "SHELLS"),
        ({"displayFulfillmentStatus": "ON_HOLD"}, OrderStatus.ON_HOLD, "ON_HOLD"),
        ({"displayFulfillmentStatus": "TELEPORTED"}, OrderStatus.UNKNOWN, "TELEPORTED"),
        ({"cancelledAt": "2026-11-20T11:00:00Z"}, OrderStatus.CANCELLED, "CANCELLED"),
        (
            {"displayFulfillmentStatus": "PARTIALLY_FULFILLED", "fulfillments": [THERE]},
            OrderStatus.PARTIALLY_SHIPPED,
            "PARTIALLY_FULFILLED",
        ),
        (
            {"displayFulfillmentStatus": "FULFILLED", "fulfillments": [SENT, THERE]},
            OrderStatus.SHIPPED,
            "FULFILLED",
        ),
        (
            {"displayFulfillmentStatus": "FULFILLED", "fulfillments": [THERE, VOID]},
            OrderStatus.DELIVERED,
            "DELIVERED",
        ),
        (
            {"displayFulfillmentStatus": "FULFILLED", "displayFinancialStatus": "PENDING"},
            OrderStatus.SHIPPED,
            "FULFILLED",
        ),
        (
            {
                "displayFulfillmentStatus": "FULFILLED",
                "displayFinancialStatus": "PARTIALLY_REFUNDED",
            },
            OrderStatus.PARTIALLY_REFUNDED,
            "PARTIALLY_REFUNDED",
        ),
        ({"test": True}, OrderStatus.AWAITING_SHIPMENT, "UNFULFILLED (test)"),
    ],
)
def test_statuses_are_mapped_and_the_deciding_word_kept(changes, status, word):
    got = parse(**changes)

    assert (got.status, got.platform_status) == (status, word)


def test_an_order_without_an_address_and_buyer_is_an_order():
    got = parse(shippingAddress=None, billingAddress=None, email=None)

    assert (got.buyer.name, got.buyer.email, got.ship_to.name) == (None, None, None)


@pytest.mark.parametrize(("amount", "currency"), [("12.345", "KWD"), ("1200", "JPY")])
def test_amounts_keep_the_decimals_of_their_currency(amount, currency):
    got = parse(totalPriceSet=money(amount, currency))

    assert (str(got.total), got.currency, got.tax) == (amount, currency, None)


def test_a_piece_taken_out_of_an_open_order_is_not_to_be_shipped():
    got = parse(lines=[line(currentQuantity=1), line(78, currentQuantity=0)])

    assert [(each.quantity, each.total) for each in got.lines] == [(1, None), (0, None)]
    assert got.lines[1].platform_status == "REMOVED"


def test_what_was_refunded_stays_sold():
    got = parse(displayFinancialStatus="REFUNDED", lines=[line(currentQuantity=0)])

    assert (got.lines[0].quantity, got.lines[0].total) == (2, Decimal("22.5"))


def test_amounts_of_two_currencies_never_mix():
    (one,) = parse(lines=[line(discountedTotalSet=money("1", "EUR"))]).lines

    assert (one.unit_price, one.currency, one.total) == (Decimal("12.5"), "USD", None)


def test_a_custom_line_has_no_sku():
    assert parse(lines=[line(sku="")]).lines[0].sku is None


@pytest.mark.parametrize(
    "changes",
    [
        {"legacyResourceId": "gid://shopify/Order/1"},
        {"totalPriceSet": {"shopMoney": {"amount": ["1"], "currencyCode": None}}},
        {"lines": "see attachment"},
        {"lines": [line(quantity=-1)]},
        {"updatedAt": "yesterday"},
    ],
)
def test_what_cannot_be_true_is_refused(changes):
    with pytest.raises((msgspec.ValidationError, ValueError)):
        parse(**changes)
