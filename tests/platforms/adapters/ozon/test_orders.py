"""Ozon's postings in our words."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import msgspec
import pytest

from platforms.adapters.ozon import Ozon
from platforms.adapters.ozon.orders import STATUSES
from platforms.spec import OrderStatus
from tests.platforms.adapters.payloads import changed, payload

ozon = Ozon()


def test_delivery_by_the_seller_shows_the_buyer():
    order = ozon.parse_order(payload("ozon", "rfbs"), kind="fbs")

    assert (order.buyer.id, order.buyer.name) == ("9107199254740993002", "Ivan Primer")
    assert (order.buyer.email, order.ship_to.phone) == (None, None)
    assert (order.ship_to.name, order.ship_to.line1) == ("Olga Primer", "ul. Testovaya 5")
    assert (order.group_number, order.fulfilment) == ("0145123499-0001", "merchant")
    assert order.lines[0].number == "9007199254740993003"
    assert order.total == Decimal("30.9999")


def test_the_latest_time_told_stands_for_the_change():
    order = ozon.parse_order(payload("ozon", "rfbs"), kind="fbs")

    assert order.placed_at == datetime(2026, 11, 20, 8, 0, 0, 500_000, tzinfo=UTC)
    assert order.changed_at == datetime(2026, 11, 20, 20, tzinfo=UTC)


def test_every_block_may_be_null():
    order = ozon.parse_order(payload("ozon", "nulls"), kind="fbo")

    assert (order.status, order.platform_status) == (OrderStatus.PENDING, "awaiting registration")
    assert (order.total, order.currency, order.fulfilment) == (None, None, "platform")


def test_prices_are_read_in_their_older_forms_exactly():
    order = ozon.parse_order(payload("ozon", "older_prices"), kind="fbs")

    assert [line.unit_price for line in order.lines] == [Decimal("1299.0000"), Decimal("0.1")]
    assert [line.number for line in order.lines] == ["7", "7-2"]
    assert (order.total, order.currency) == (Decimal("2598.1000"), "RUB")


def test_two_currencies_are_never_added():
    order = ozon.parse_order(payload("ozon", "two_currencies"), kind="fbs")

    assert (order.total, order.currency) == (None, None)
    assert [line.total for line in order.lines] == [Decimal(5), Decimal(50)]


@pytest.mark.parametrize("stated", sorted(STATUSES))
def test_every_known_state_has_a_word(stated):
    order = ozon.parse_order(changed(payload("ozon", "rfbs"), status=stated), kind="fbs")

    assert order.status is not OrderStatus.UNKNOWN


def test_an_unknown_state_is_kept_word_for_word():
    order = ozon.parse_order(changed(payload("ozon", "rfbs"), status="on the moon"), kind="fbs")

    assert (order.status, order.platform_status) == ("unknown", "on the moon")


@pytest.mark.parametrize(
    "fields",
    [
        {"posting_number": None},
        {"posting_number": ""},
        {"status": None},
        {"in_process_at": None},
        {"products": None},
        {"products": [{"sku": 1, "quantity": 1, "price": {"amount": "NaN", "currency": "RUB"}}]},
        {"products": [{"sku": 1, "quantity": 1, "price": "Infinity", "currency_code": "RUB"}]},
        {"products": [{"sku": 1, "quantity": 1, "price": [1]}]},
        {"products": [{"sku": 1, "quantity": 10**9, "price": None}]},
        {
            "products": [
                {"sku": 1, "quantity": 10**6, "price": "999999999999", "currency_code": "RUB"}
            ]
        },
    ],
)
def test_records_that_cannot_be_true_are_refused(fields):
    with pytest.raises((ValueError, msgspec.ValidationError)):
        ozon.parse_order(changed(payload("ozon", "rfbs"), **fields), kind="fbs")


def test_the_number_of_an_unreadable_record_is_found_where_possible():
    raw = changed(payload("ozon", "rfbs"), products=1)

    assert ozon.order_number(raw) == "0145123499-0001-1"
    assert ozon.order_number(msgspec.Raw(b"7")) == ""
