"""AliExpress's orders in our words."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import msgspec
import pytest

from platforms.adapters.aliexpress import AliExpress, orders, times
from platforms.spec import Address, OrderStatus
from tests.platforms.adapters.payloads import changed, payload

aliexpress = AliExpress()


def parse(name, **fields):
    return aliexpress.parse_order(changed(payload("aliexpress", name), **fields))


def test_an_order_with_its_detail():
    order = parse("to_ship")

    assert order.number == "9007199254740993"
    assert order.status is OrderStatus.AWAITING_SHIPMENT
    assert order.placed_at == datetime(2026, 7, 1, 16, 15, tzinfo=UTC)  # daylight saving
    assert order.changed_at == datetime(2026, 11, 20, 11, 15, 30, tzinfo=UTC)
    assert (order.total, order.currency) == (Decimal("31.50"), "USD")
    assert (order.items_total, order.shipping) == (Decimal("28.50"), Decimal("3.00"))
    assert order.fulfilment == "merchant"
    assert order.ship_to == Address(
        name="Dana Sample",
        phone="+1 503 555-0101",
        line1="12 Sample St",
        city="Portland",
        region="Oregon",
        postcode="97201",
        country="US",
    )


def test_lines_are_read_exactly_however_money_is_stated():
    first, second = parse("to_ship").lines

    assert (first.number, first.quantity, str(first.unit_price)) == ("9007199254740995", 2, "12.25")
    assert (second.quantity, str(second.unit_price), str(second.total)) == (1, "4.00", "4.00")


def test_a_single_object_is_a_list_of_one_and_the_platform_ships_it():
    order = parse("warehouse")

    assert (len(order.lines), order.fulfilment) == (1, "platform")
    assert (order.total, order.currency, order.items_total) == (None, "EUR", Decimal("5.10"))
    assert order.platform_status == "FINISH (buyer_accept_goods)"


def test_a_change_in_the_hour_that_comes_twice_is_dated_to_its_end():
    assert parse("warehouse").changed_at == datetime(2026, 11, 1, 9, 59, 59, tzinfo=UTC)


@pytest.mark.parametrize(
    ("platform_status", "status"),
    [*orders.STATUSES.items(), ("TELEPORTED", OrderStatus.UNKNOWN)],
)
def test_every_status(platform_status, status):
    order = parse("warehouse", order_status=platform_status)

    assert (order.status, order.platform_status) == (status, platform_status)


@pytest.mark.parametrize(
    ("reason", "status"),
    [
        ("buyer_accept_goods", OrderStatus.DELIVERED),
        ("buyer_accept_goods_timeout", OrderStatus.DELIVERED),
        ("buyer_confirm_goods", OrderStatus.DELIVERED),
        ("", OrderStatus.DELIVERED),
        (None, OrderStatus.DELIVERED),
        ("buyer_cancel_notpay_order", OrderStatus.CANCELLED),
        ("pay_timeout", OrderStatus.CANCELLED),
        ("send_goods_timeout", OrderStatus.CANCELLED),
        ("cancel_order_close_trade", OrderStatus.CANCELLED),
    ],
)
def test_how_a_finished_order_ended(reason, status):
    assert parse("warehouse", end_reason=reason).status is status


@pytest.mark.parametrize(
    ("body", "count"),
    [
        (b"null", 0),
        (b"{}", 0),
        (b"[]", 0),
        (b'{"order_dto":[]}', 0),
        (b'{"order_dto":null}', 0),
        (b'{"order_dto":[{"a":1},{"a":2}]}', 2),
        (b'[{"a":1}]', 1),
        (b'{"order_dto":{"a":1,"b":2}}', 1),
        (b'{"a":1,"b":2}', 1),
    ],
)
def test_lists_in_every_shape(body, count):
    assert len(orders.items(msgspec.Raw(body))) == count


@pytest.mark.parametrize(
    "wrong",
    [
        {"gmt_create": "yesterday"},
        {"gmt_create": "2026-13-01 00:00:00"},
        {"order_id": ""},
        {"product_list": "see attachment"},
        {"pay_amount": {"amount_str": "many", "currency_code": "USD"}},
    ],
)
def test_what_cannot_be_read_says_so(wrong):
    with pytest.raises((msgspec.ValidationError, ValueError)):
        parse("warehouse", **wrong)


def test_only_what_the_seller_ships_is_worth_a_detail():
    listed = msgspec.json.decode(payload("aliexpress", "to_ship"), type=dict[str, msgspec.Raw])

    assert orders.needs_detail(listed["listed"]) == "9007199254740993"
    assert orders.needs_detail(changed(listed["listed"], order_status="IN_CANCEL")) == ""
    assert orders.needs_detail(payload("aliexpress", "warehouse")) == ""


def test_bounds_leave_nothing_out_when_an_hour_comes_twice():
    for moment in (
        datetime(2026, 11, 1, 8, 30, tzinfo=UTC),
        datetime(2026, 11, 1, 9, 30, tzinfo=UTC),
    ):
        assert times.earliest(moment) == "2026-11-01 00:59:59"
        assert times.latest(moment) == "2026-11-01 02:00:00"


def test_bounds_follow_daylight_saving():
    assert times.earliest(datetime(2026, 7, 1, 7, tzinfo=UTC)) == "2026-07-01 00:00:00"
    assert times.earliest(datetime(2026, 12, 1, 8, tzinfo=UTC)) == "2026-12-01 00:00:00"
    assert times.latest(datetime(2026, 3, 8, 10, 30, 0, 5, tzinfo=UTC)) == "2026-03-08 03:30:01"
