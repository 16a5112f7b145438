"""Wish's orders in our words."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal

import msgspec
import pytest

from platforms import registry
from platforms.spec import Address, Buyer, LineData, OrderStatus
from tests.platforms.adapters.payloads import changed, payload

WISH = registry.get("wish")
KITE = payload("wish", "approved")


def paid(**details: object) -> msgspec.Raw:
    before = json.loads(bytes(KITE))["order_payment"]["general_payment_details"]
    return changed(KITE, order_payment={"general_payment_details": before | details})


def money(amount: object, currency: str = "USD") -> dict[str, object]:
    return {"amount": amount, "currency_code": currency}


def test_an_order_is_one_product_with_prices_of_one_piece():
    order = WISH.parse_order(KITE)

    assert (order.number, order.group_number) == (
        "62aa0000000000000000c0de",
        "62aa0000000000000000c0da",
    )
    assert order.placed_at == datetime(2026, 11, 20, 7, 30, tzinfo=UTC)
    assert order.changed_at == datetime(2026, 11, 21, 8, 15, 30, 250_000, tzinfo=UTC)
    assert (order.currency, order.items_total, order.shipping) == (
        "USD",
        Decimal("37.2"),
        Decimal("7.5"),
    )
    assert order.lines == (
        LineData(
            number="5f3b0000000000000000bee0", quantity=3, sku="KITE-RED", title="Kite, red, L",
            unit_price=Decimal("12.4"), total=Decimal("37.2"), currency="USD",
            platform_status="APPROVED",
        ),
    )  # fmt: skip
    assert order.buyer == Buyer(name="Greta Muster")
    assert order.ship_to == Address(
        name="Greta Muster", phone="+49 30 0000000", line1="Beispielweg 3",
        line2="Hinterhaus, Mitte", city="Berlin", region="BE", postcode="10115", country="DE",
    )  # fmt: skip
    assert order.fulfilment == "merchant"


def test_the_total_is_what_the_seller_gets_without_the_noise_of_floats():
    assert WISH.parse_order(KITE).total == Decimal("38.00")
    assert WISH.parse_order(paid(payment_total=money(-1.25))).total == Decimal("-1.25")
    assert WISH.parse_order(paid(payment_total=money(0))).total == 0
    assert str(WISH.parse_order(paid(payment_total=money(9.7))).total) == "9.7"


def test_money_is_rounded_to_what_the_currency_has():
    yen = paid(
        product_price=money(1250.0000001, "JPY"), product_shipping_price=None, payment_total=None
    )

    order = WISH.parse_order(yen)

    assert (order.currency, order.items_total) == ("JPY", Decimal(3750))
    assert (order.shipping, order.total) == (None, None)


def test_amounts_of_another_currency_are_left_out():
    assert WISH.parse_order(paid(payment_total=money(34, "EUR"))).total is None


@pytest.mark.parametrize(
    ("state", "status"),
    [
        ("REQUIRE_REVIEW", OrderStatus.ON_HOLD),
        ("APPROVED", OrderStatus.AWAITING_SHIPMENT),
        ("SHIPPED", OrderStatus.SHIPPED),
        ("REFUNDED", OrderStatus.REFUNDED),
        ("DECLINED", OrderStatus.CANCELLED),
        ("TELEPORTED", OrderStatus.UNKNOWN),
    ],
)
def test_each_state_has_one_meaning(state, status):
    order = WISH.parse_order(changed(KITE, state=state))

    assert (order.status, order.platform_status) == (status, state)


def test_an_order_under_review_has_no_address_and_no_release():
    raw = changed(KITE, state="REQUIRE_REVIEW", full_address=None, released_at=None)

    order = WISH.parse_order(raw)

    assert order.ship_to == Address()
    assert order.placed_at == order.changed_at


def test_what_lies_at_wish_is_sent_by_wish():
    stored = changed(KITE, fulfillment_order_types=["FULFILLED_BY_WISH"])

    assert WISH.parse_order(stored).fulfilment == "platform"
    assert WISH.parse_order(changed(KITE, fulfillment_order_types=None)).fulfilment is None


@pytest.mark.parametrize(
    "broken",
    [
        {"order_payment": "see attachment"},
        {"id": ""},
        {"updated_at": "yesterday"},
        {"state": None},
    ],
)
def test_what_cannot_be_read_is_refused(broken):
    with pytest.raises((msgspec.ValidationError, ValueError)):
        WISH.parse_order(changed(KITE, **broken))


@pytest.mark.parametrize("details", [{"product_quantity": -1}, {"product_price": money(1e15)}])
def test_impossible_numbers_are_refused(details):
    with pytest.raises(ValueError, match="possible"):
        WISH.parse_order(paid(**details))


def test_a_broken_order_still_has_its_number():
    raw = changed(KITE, order_payment="see attachment")

    assert WISH.order_number(raw) == "62aa0000000000000000c0de"
