"""One Shopify order by its number or its name: what is asked, and when there is none."""

from __future__ import annotations

from datetime import timedelta

import pytest

from platforms.adapters.shopify import Shopify
from platforms.errors import Fault, NeedsSeller, NeedsSupport, TryLater
from platforms.spec import Window
from tests.platforms.adapters.shopify.payloads import OURS, cost, line, order, page, problem
from tests.support.calls import NOON, ScriptedCall

shopify = Shopify()
NONE_SUCH = (200, {"data": {"order": None}, **cost()})
NOTHING_NAMED = (200, page())
DENIED = problem("ACCESS_DENIED", data={"order": None})


def one(*, more: str | None = None, lines: list[dict] | None = None, **changes: object):
    found = order(6001, lines=lines, **changes)
    if more:
        found["lineItems"]["pageInfo"] = {"hasNextPage": True, "endCursor": more}
    return 200, {"data": {"order": found}, **cost()}


def fetch(*script, number="6001"):
    call = ScriptedCall(shopify, OURS, *script)
    return call, shopify.fetch_order(call, number=number, now=NOON)


def asked(request):
    return request.json["operationName"], request.json["variables"]


def test_an_order_comes_as_in_a_pull():
    call, found = fetch(one())
    listed = ScriptedCall(shopify, OURS, (200, page(order(6001))))
    window = Window(since=NOON - timedelta(hours=1), until=NOON)

    (request,) = call.sent
    assert asked(request) == ("OneOrder", {"id": "gid://shopify/Order/6001", "lines": 50})
    assert request.operation == "orders"
    assert request.cost < 100
    assert found == shopify.fetch_orders(listed, window=window, cursor=None, now=NOON)


def test_an_order_with_many_lines_is_fetched_whole():
    rest = {"nodes": [line(78), line(79)], "pageInfo": {"hasNextPage": False, "endCursor": None}}

    call, found = fetch(one(more="abc"), (200, {"data": {"order": {"lineItems": rest}}, **cost()}))

    assert [asked(request)[0] for request in call.sent] == ["OneOrder", "OrderLines"]
    assert [each.number for each in shopify.parse_order(found.records[0]).lines] == [
        "77",
        "78",
        "79",
    ]


@pytest.mark.parametrize("name", ["#1001", "1001", "EN1001", "#1001-A", "FR/1001", "SO-2026-1001"])
def test_an_order_is_found_by_its_name(name):
    spelled = name if name.startswith("#") else f"#{name}"
    listed = (200, page(order(6001, name=spelled), order(6002, name=f"{spelled}0")))
    script = (NONE_SUCH, listed) if name.isdigit() else (listed,)

    call, found = fetch(*script, number=name)

    operation, variables = asked(call.sent[-1])
    assert (operation, variables["query"]) == ("OrdersPage", f"name:'{name}'")
    assert [shopify.parse_order(raw).number for raw in found.records] == ["6001"]


def test_a_name_that_was_given_out_twice_finds_both():
    _call, found = fetch((200, page(order(6001), order(6002))), number="#1001")

    assert [shopify.order_number(raw) for raw in found.records] == ["6001", "6002"]
    assert found.cursor is None


def test_an_unknown_number_is_no_fault():
    call, found = fetch(NONE_SUCH, NOTHING_NAMED)

    assert found is None
    assert [asked(request)[0] for request in call.sent] == ["OneOrder", "OrdersPage"]
    assert fetch(NONE_SUCH, number="5512345678901")[1] is None
    assert fetch(NOTHING_NAMED, number="#1001")[1] is None
    assert fetch((200, page(order(name="#10010"))), number="#1001")[1] is None


@pytest.mark.parametrize("number", ["6001", "#1001"])
@pytest.mark.parametrize(
    ("status", "body", "fault", "kind"),
    [
        (200, DENIED, Fault.INSUFFICIENT_SCOPE, NeedsSeller),
        (200, problem("THROTTLED"), Fault.RATE_LIMITED, TryLater),
        (200, problem("INTERNAL_SERVER_ERROR"), Fault.PLATFORM_DOWN, TryLater),
        (404, {"errors": "Not Found"}, Fault.INVALID_REQUEST, NeedsSupport),
        (402, {"errors": "Unavailable Shop"}, Fault.ACCOUNT_SUSPENDED, NeedsSeller),
        (200, {"data": {"order": {}, "orders": {}}}, Fault.BAD_RESPONSE, TryLater),
        (200, b"<html>", Fault.BAD_RESPONSE, TryLater),
    ],
)
def test_everything_else_is_a_fault(number, status, body, fault, kind):
    with pytest.raises(kind) as caught:
        fetch((status, body), number=number)

    assert caught.value.fault is fault


def test_an_order_whose_buyer_is_hidden_is_there_all_the_same():
    hidden = one(email=None, shippingAddress=None)[1] | problem("ACCESS_DENIED", data={})
    hidden["data"] = one(email=None, shippingAddress=None)[1]["data"]

    _call, found = fetch((200, hidden))

    assert shopify.parse_order(found.records[0]).buyer.email is None


@pytest.mark.parametrize(
    "number",
    [
        "gid://shopify/Order/6001", "#1001' OR name:'#1002", '#1001"', "#10*", "name:1001",
        "17-02468-13579", "302-1234567-1234567", "0145123499-0003-1", "62aa0000000000000000c0de",
        "201214JAJXU6G7", "576461413038785752", "#", "Jane", "1001\u200b",
    ],
)  # fmt: skip
def test_what_no_shop_calls_an_order_is_not_sent(number):
    call, found = fetch(number=number)

    assert (call.sent, found) == ([], None)
