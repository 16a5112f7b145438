"""Amazon's orders in our words."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import msgspec
import pytest

from platforms.adapters.amazon import Amazon
from platforms.landing import Router
from platforms.spec import OrderStatus
from tenants.models import Store
from tests.platforms.adapters.payloads import changed, payload

amazon = Amazon()


def test_amounts_come_from_the_order_and_a_street_from_its_parts():
    order = amazon.parse_order(payload("amazon", "brazil"))

    assert (order.total, order.currency) == (Decimal("110.50"), "BRL")
    assert (order.items_total, order.shipping) == (Decimal("100.00"), Decimal("12.50"))
    assert (order.tax, order.discount) == (Decimal("3.00"), Decimal("-5.00"))
    assert (order.ship_to.line1, order.ship_to.line2) == ("Rua Teste, 12", "Apto 3, Centro")
    assert (order.ship_to.city, order.ship_to.country) == ("Campinas", "BR")
    assert (order.fulfilment, order.shop_id) == ("platform", "A2Q3Y263D00KWC")
    assert order.changed_at == datetime(2026, 11, 20, 12, 30, 0, 250_000, tzinfo=UTC)


def test_an_order_cancelled_before_payment_has_no_amounts():
    order = amazon.parse_order(payload("amazon", "cancelled"))

    assert (order.status, order.total, order.currency) == (OrderStatus.CANCELLED, None, None)
    assert (order.lines[0].quantity, order.lines[0].title) == (0, "")


def test_an_order_of_another_channel_belongs_to_no_marketplace():
    order = amazon.parse_order(payload("amazon", "other_channel"))

    assert (order.number, order.shop_id) == ("S01-2000003-0000003", "")
    assert order.status == OrderStatus.ON_HOLD


def test_an_order_of_another_channel_has_no_shop_even_with_an_id():
    channel = {"channelName": "NON_AMAZON", "marketplaceId": "A38D8NSA03LJTC"}
    order = amazon.parse_order(changed(payload("amazon", "other_channel"), salesChannel=channel))

    assert order.shop_id == ""


def test_an_order_of_another_channel_lands_where_one_store_is_linked_alone():
    order = amazon.parse_order(payload("amazon", "other_channel"))
    german, british = (Store(external_id=f"A3X:{site}") for site in ("A1PA6795UKMFR9", "A1F83G8C"))

    assert Router([german]).store_for(order) is german
    with pytest.raises(ValueError, match="no linked store"):
        Router([german, british]).store_for(order)


def test_yen_have_no_decimals_and_items_are_summed_where_the_order_is_silent():
    order = amazon.parse_order(payload("amazon", "yen"))

    assert (str(order.total), order.items_total) == ("0", Decimal(2000))
    assert (order.lines[0].unit_price, order.lines[0].currency) == (Decimal(0), "JPY")


@pytest.mark.parametrize(
    ("stated", "status"),
    [
        ("PENDING_AVAILABILITY", "pending"),
        ("PENDING", "pending"),
        ("UNSHIPPED", "awaiting_shipment"),
        ("PARTIALLY_SHIPPED", "partially_shipped"),
        ("SHIPPED", "shipped"),
        ("CANCELLED", "cancelled"),
        ("UNFULFILLABLE", "on_hold"),
        ("INVOICE_UNCONFIRMED", "on_hold"),
        ("TELEPORTED", "unknown"),
    ],
)
def test_every_state_has_a_word(stated, status):
    raw = changed(payload("amazon", "yen"), fulfillment={"fulfillmentStatus": stated})
    order = amazon.parse_order(raw)

    assert (order.status, order.platform_status) == (status, stated)


def test_a_state_that_was_left_out_is_unknown():
    order = amazon.parse_order(changed(payload("amazon", "yen"), fulfillment=None))

    assert (order.status, order.platform_status, order.fulfilment) == ("unknown", "", None)


def test_parts_in_two_currencies_are_not_summed():
    breakdowns = [
        {"type": "ITEM", "subtotal": {"amount": "1", "currencyCode": "EUR"}},
        {"type": "ITEM", "subtotal": {"amount": "1", "currencyCode": "GBP"}},
    ]
    proceeds = {"grandTotal": {"amount": "2", "currencyCode": "EUR"}, "breakdowns": breakdowns}

    assert (
        amazon.parse_order(changed(payload("amazon", "yen"), proceeds=proceeds)).items_total is None
    )


@pytest.mark.parametrize(
    "fields",
    [
        {"orderId": None},
        {"orderId": " 302-1"},
        {"lastUpdatedTime": "2026-13-01T00:00:00Z"},
        {"salesChannel": None},
        {"orderItems": [{"orderItemId": "1", "quantityOrdered": 1.5, "product": {}}]},
        {"proceeds": {"grandTotal": {"amount": "NaN", "currencyCode": "EUR"}}},
        {"proceeds": {"grandTotal": {"amount": "1e99", "currencyCode": "EUR"}}},
    ],
)
def test_records_that_cannot_be_true_are_refused(fields):
    with pytest.raises((ValueError, msgspec.ValidationError)):
        amazon.parse_order(changed(payload("amazon", "yen"), **fields))


def test_the_number_of_an_unreadable_record_is_found_where_possible():
    raw = changed(payload("amazon", "yen"), orderItems=None)

    assert amazon.order_number(raw) == "503-2000004-0000004"
    assert amazon.order_number(msgspec.Raw(b"null")) == ""
