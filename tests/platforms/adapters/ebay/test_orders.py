"""eBay's orders in our words."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import msgspec
import pytest

from platforms.adapters.ebay import Ebay
from platforms.spec import OrderStatus
from tests.platforms.adapters.payloads import changed, payload

ebay = Ebay()


def test_the_parcel_goes_to_the_hub_and_amounts_are_the_sellers():
    order = ebay.parse_order(payload("ebay", "hub"))

    assert (order.ship_to.line1, order.ship_to.line2) == ("1 Hub Way", "Ref 77001")
    assert (order.ship_to.name, order.ship_to.phone) == ("Mia Muster", None)
    assert (order.total, order.currency) == (Decimal("70.3"), "USD")
    assert order.buyer.id == "k3Xq9TestOpaque"


def test_cancelled_shows_only_in_the_cancel_status():
    order = ebay.parse_order(payload("ebay", "cancelled"))

    assert (order.status, order.platform_status) == (OrderStatus.CANCELLED, "CANCELED")
    assert order.paid_at == datetime(2026, 11, 17, 9, 0, 30, tzinfo=UTC)
    assert order.items_total is None


def test_amounts_are_kept_as_stated_and_prices_never_rounded():
    order = ebay.parse_order(payload("ebay", "refunded_in_part"))

    assert order.status == OrderStatus.PARTIALLY_REFUNDED
    assert (order.items_total, order.shipping) == (Decimal("10.00"), Decimal("4.0"))
    assert (order.tax, order.discount) == (Decimal("1.90"), Decimal("-1.50"))
    assert (order.lines[0].unit_price, order.lines[0].total) == (None, Decimal("9.00"))
    assert order.fulfilment == "platform"


def test_a_digital_order_has_no_address_and_null_blocks_do_no_harm():
    order = ebay.parse_order(payload("ebay", "digital"))

    assert (order.status, order.ship_to.line1, order.total) == (OrderStatus.SHIPPED, None, None)
    assert (order.currency, order.lines[0].total) == ("USD", Decimal("25"))


@pytest.mark.parametrize(
    ("cancel", "payment", "shipping", "status"),
    [
        ("NONE_REQUESTED", "PAID", "NOT_STARTED", "awaiting_shipment"),
        ("NONE_REQUESTED", "PAID", "IN_PROGRESS", "partially_shipped"),
        ("NONE_REQUESTED", "PAID", "FULFILLED", "shipped"),
        ("NONE_REQUESTED", "PENDING", "NOT_STARTED", "unpaid"),
        ("NONE_REQUESTED", "FAILED", "NOT_STARTED", "unpaid"),
        ("NONE_REQUESTED", "FULLY_REFUNDED", "FULFILLED", "refunded"),
        ("NONE_REQUESTED", "PARTIALLY_REFUNDED", "FULFILLED", "partially_refunded"),
        ("NONE_REQUESTED", "PARTIALLY_REFUNDED", "NOT_STARTED", "awaiting_shipment"),
        ("IN_PROGRESS", "PAID", "NOT_STARTED", "on_hold"),
        ("IN_PROGRESS", "PAID", "FULFILLED", "shipped"),
        ("CANCELED", "PAID", "FULFILLED", "cancelled"),
        ("SOMETHING_NEW", "PAID", "FULFILLED", "unknown"),
        ("NONE_REQUESTED", "PAID", "SOMETHING_NEW", "unknown"),
    ],
)
def test_every_state_has_a_word(cancel, payment, shipping, status):
    raw = changed(
        payload("ebay", "hub"),
        cancelStatus={"cancelState": cancel},
        orderPaymentStatus=payment,
        orderFulfillmentStatus=shipping,
    )

    assert ebay.parse_order(raw).status == status


def test_an_unknown_state_is_kept_word_for_word():
    raw = changed(payload("ebay", "hub"), orderFulfillmentStatus="HELD_AT_CUSTOMS")

    assert ebay.parse_order(raw).platform_status == "HELD_AT_CUSTOMS"


def test_an_amount_in_another_currency_than_the_order_is_left_out():
    pricing = {
        "total": {"value": "5", "currency": "USD"},
        "tax": {"value": "1", "currency": "EUR"},
    }

    assert ebay.parse_order(changed(payload("ebay", "hub"), pricingSummary=pricing)).tax is None


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity", "1e400", "1" * 30, "1e-30"])
def test_impossible_amounts_are_refused(value):
    pricing = {"total": {"value": value, "currency": "USD"}}

    with pytest.raises((ValueError, msgspec.ValidationError)):
        ebay.parse_order(changed(payload("ebay", "hub"), pricingSummary=pricing))


@pytest.mark.parametrize(
    "fields",
    [
        {"orderId": ""},
        {"orderId": "x" * 65},
        {"orderId": "22-\u0000"},
        {"orderId": 7},
        {"creationDate": "yesterday"},
        {"lastModifiedDate": "9999-12-31T23:59:59Z"},
        {"lastModifiedDate": "0001-01-01T00:00:00+14:00"},
        {"lineItems": None},
        {"lineItems": [{"lineItemId": "1", "quantity": -1}]},
        {"lineItems": [{"lineItemId": "1", "quantity": 10**12}]},
    ],
)
def test_records_that_cannot_be_true_are_refused(fields):
    with pytest.raises((ValueError, msgspec.ValidationError)):
        ebay.parse_order(changed(payload("ebay", "hub"), **fields))


def test_what_databases_refuse_is_taken_out_of_texts():
    raw = changed(payload("ebay", "hub"), buyer={"username": "a\u0000b\u0007 "})

    assert ebay.parse_order(raw).buyer.id == "ab"


def test_a_nesting_bomb_is_a_bad_record_and_no_more():
    bomb = b'{"orderId": "1", "extra": ' + b"[" * 50_000 + b"]" * 50_000 + b"}"

    with pytest.raises(ValueError, match="not readable"):
        ebay.parse_order(msgspec.Raw(bomb))


def test_the_number_of_an_unreadable_record_is_found_where_possible():
    assert ebay.order_number(changed(payload("ebay", "hub"), lineItems=7)) == "22-00000-10001"
    assert ebay.order_number(msgspec.Raw(b'{"orderId": 7}')) == ""
    assert ebay.order_number(msgspec.Raw(b"[]")) == ""
