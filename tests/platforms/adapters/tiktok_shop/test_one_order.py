"""One order by its number: the detail call that completes bare search results."""

from __future__ import annotations

import json

import pytest

from platforms.errors import Fault, PlatformError
from tests.platforms.adapters.one_order import HOSTILE
from tests.platforms.adapters.tiktok_shop.test_calls import call, no, ok, tiktok
from tests.support.calls import NOON

NUMBER = "576461413038785752"
LINE = {"sku_id": "1", "sale_price": "2.50", "currency": "GBP", "display_status": "IN_TRANSIT"}
ORDER = {
    "id": NUMBER, "status": "IN_TRANSIT", "create_time": 1_795_000_000,
    "update_time": 1_795_000_100, "line_items": [{"id": "5", **LINE}, {"id": "6", **LINE}],
}  # fmt: skip


def fetch(*script, number=NUMBER):
    told = call(*script)
    return told, tiktok.fetch_order(told, number=number, now=NOON)


def test_the_detail_is_the_record():
    told, page = fetch(ok({"orders": [ORDER]}))

    sent = told.sent[0]
    assert (sent.method, sent.path, sent.params["ids"]) == ("GET", "/order/202507/orders", NUMBER)
    assert sent.params["shop_cipher"] == "C11"
    assert [json.loads(bytes(raw)) for raw in page.records] == [ORDER]
    assert page.cursor is None


def test_an_order_of_several_pieces_is_one_record():
    _told, page = fetch(ok({"orders": [ORDER]}))

    order = tiktok.parse_order(page.records[0], kind=page.kind)
    assert (order.number, [line.quantity for line in order.lines]) == (NUMBER, [2])


@pytest.mark.parametrize(
    "answer",
    [
        no(21008111, "The order/package does not belong to the current seller"),
        ok(None),
        ok({}),
        ok({"orders": []}),
        ok({"orders": [{**ORDER, "id": "576461413038785753"}]}),
    ],
)
def test_no_such_order_is_none(answer):
    assert fetch(answer)[1] is None


def test_the_key_of_a_shop_is_loaded_anew_on_the_way():
    shops = ok({"shops": [{"id": "11", "cipher": "NEW"}]})

    told, page = fetch(no(106013), shops, ok({"orders": [ORDER]}))

    assert told.sent[2].params["shop_cipher"] == "NEW"
    assert page is not None


@pytest.mark.parametrize(
    ("code", "fault"),
    [
        (105005, Fault.INSUFFICIENT_SCOPE),
        (36009002, Fault.RATE_LIMITED),
        (36009004, Fault.INVALID_REQUEST),
        (21008112, Fault.INVALID_REQUEST),
        (36009003, Fault.PLATFORM_DOWN),
    ],
)
def test_everything_else_is_a_fault(code, fault):
    with pytest.raises(PlatformError) as caught:
        fetch(no(code))

    assert caught.value.fault is fault


def test_a_refusal_because_of_too_many_calls_is_no_missing_order():
    with pytest.raises(PlatformError) as caught:
        fetch((429, no(21008111)[1]))

    assert caught.value.fault is Fault.RATE_LIMITED


@pytest.mark.parametrize("number", [*HOSTILE, "5764614", NUMBER + ",1"])
def test_what_cannot_be_a_number_is_not_asked_for(number):
    assert fetch(number=number)[1] is None
