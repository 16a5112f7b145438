"""One order by its number: the order, and then its items as after every list."""

from __future__ import annotations

import json

import pytest

from platforms.errors import Fault, PlatformError
from tests.platforms.adapters.lazada.test_calls import ACCOUNT, lazada
from tests.platforms.adapters.one_order import HOSTILE
from tests.support.calls import NOON, ScriptedCall

TIME = "2026-11-21 18:30:00 +0800"
ORDER = {"order_id": 16090, "created_at": TIME, "updated_at": TIME, "statuses": ["shipped"]}
PIECES = [
    {"order_item_id": 1, "currency": "MYR", "item_price": "2.00"},
    {"order_item_id": 2, "currency": "MYR", "item_price": "2.00"},
]
ITEMS = (200, {"code": "0", "data": [{"order_id": 16090, "order_items": PIECES}]})


def said(code, message="no", kind="ISV"):
    return 200, {"code": code, "type": kind, "message": message}


def fetch(*script, number="16090"):
    call = ScriptedCall(lazada, ACCOUNT, *script)
    return call, lazada.fetch_order(call, number=number, now=NOON)


def test_the_order_and_its_items_are_the_record():
    call, page = fetch((200, {"code": "0", "data": ORDER}), ITEMS)

    one, items = call.sent
    assert (one.method, one.path, one.endpoint) == ("GET", "/rest/order/get", "api.my")
    assert one.params["order_id"] == "16090"
    assert (items.path, items.params["order_ids"]) == ("/rest/orders/items/get", "[16090]")
    assert [json.loads(bytes(raw)) for raw in page.records] == [{"order": ORDER, "items": PIECES}]
    order = lazada.parse_order(page.records[0], kind=page.kind)
    assert (order.number, [line.number for line in order.lines]) == ("16090", ["1", "2"])


def test_no_such_order_is_none():
    call, page = fetch(said("16", 'E016: "Invalid Order ID"'))

    assert page is None
    assert len(call.sent) == 1


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        (said("1", 'E001: "Parameter is mandatory"'), Fault.INVALID_REQUEST),
        (said("IllegalAccessToken"), Fault.TOKEN_EXPIRED),
        (said("InsufficientPermission"), Fault.INSUFFICIENT_SCOPE),
        (said("ApiCallLimit"), Fault.RATE_LIMITED),
        (said("1600", "try", "ISP"), Fault.PLATFORM_DOWN),
        ((503, {"code": "16", "message": "Invalid Order ID"}), Fault.PLATFORM_DOWN),
        ((503, b"16 Invalid Order ID"), Fault.PLATFORM_DOWN),
        ((200, {"code": "0", "data": {}}), Fault.BAD_RESPONSE),
        ((200, {"code": "0", "data": {**ORDER, "order_id": 16091}}), Fault.BAD_RESPONSE),
        ((200, {"code": "0"}), Fault.BAD_RESPONSE),
    ],
)
def test_everything_else_is_a_fault(answer, fault):
    with pytest.raises(PlatformError) as caught:
        fetch(answer)

    assert caught.value.fault is fault


def test_items_that_are_refused_are_a_fault():
    with pytest.raises(PlatformError) as caught:
        fetch((200, {"code": "0", "data": ORDER}), said("16", "Invalid Order ID"))

    assert caught.value.fault is Fault.INVALID_REQUEST


@pytest.mark.parametrize("number", [*HOSTILE, "16090]", "016090", "16090\n"])
def test_what_cannot_be_a_number_is_not_asked_for(number):
    assert fetch(number=number)[1] is None
