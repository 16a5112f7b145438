"""One eBay order by its number: what is asked, and which answers mean that there is none."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from platforms.adapters.ebay import Ebay
from platforms.errors import Fault, NeedsSeller, NeedsSupport, PlatformError, TryLater
from platforms.spec import Window
from tests.platforms.adapters.accounts import EBAY
from tests.platforms.adapters.payloads import payload
from tests.support.calls import NOON, ScriptedCall

ebay = Ebay()
NUMBER = "17-02468-13579"
WINDOW = Window(since=NOON - timedelta(hours=1), until=NOON)


def api_error(number: int, message: str = f"Invalid order ID: {NUMBER}") -> dict:
    return {"errors": [{"errorId": number, "domain": "API_FULFILLMENT", "message": message}]}


def fetch(*script, number=NUMBER):
    call = ScriptedCall(ebay, EBAY, *script)
    return call, ebay.fetch_order(call, number=number, now=NOON)


def listed(*script):
    call = ScriptedCall(ebay, EBAY, *script)
    return ebay.fetch_orders(call, window=WINDOW, cursor=None, now=NOON)


@pytest.mark.parametrize("name", ["refunded_in_part", "cancelled", "digital", "hub"])
def test_an_order_comes_as_in_a_pull(name):
    raw = bytes(payload("ebay", name))

    call, page = fetch((200, raw))

    (request,) = call.sent
    assert (request.method, request.path) == ("GET", f"/sell/fulfillment/v1/order/{NUMBER}")
    assert (request.operation, dict(request.params)) == ("orders", {})
    assert request.headers["authorization"].startswith("Bearer ")
    assert page == listed((200, b'{"total": 1, "orders": [%b]}' % raw.strip()))


def test_all_its_lines_come_with_it():
    order = json.loads(bytes(payload("ebay", "cancelled")))
    order["lineItems"] = [{**order["lineItems"][0], "lineItemId": str(n)} for n in range(1, 121)]

    _call, page = fetch((200, order))

    assert len(ebay.parse_order(page.records[0]).lines) == 120


@pytest.mark.parametrize("status", [400, 404])
def test_an_unknown_number_is_no_fault(status):
    assert fetch((status, api_error(32100)))[1] is None


@pytest.mark.parametrize(
    ("status", "body", "fault", "kind"),
    [
        (404, b"", Fault.INVALID_REQUEST, NeedsSupport),
        (404, b"<html>Not Found</html>", Fault.INVALID_REQUEST, NeedsSupport),
        (404, api_error(2002, "Resource not found"), Fault.INVALID_REQUEST, NeedsSupport),
        (400, api_error(32800, "Invalid field group"), Fault.INVALID_REQUEST, NeedsSupport),
        (401, api_error(1001, "Invalid access token"), Fault.TOKEN_EXPIRED, NeedsSeller),
        (403, api_error(1100, "Access denied"), Fault.INSUFFICIENT_SCOPE, NeedsSeller),
        (429, api_error(2001, "Too many requests"), Fault.RATE_LIMITED, TryLater),
        (500, api_error(32100), Fault.PLATFORM_DOWN, TryLater),
        (200, b"{}", Fault.BAD_RESPONSE, TryLater),
        (200, b"[]", Fault.BAD_RESPONSE, TryLater),
        (200, b"<html>", Fault.BAD_RESPONSE, TryLater),
    ],
)
def test_everything_else_is_a_fault(status, body, fault, kind):
    with pytest.raises(kind) as caught:
        fetch((status, body))

    assert caught.value.fault is fault


def test_elsewhere_the_same_words_stay_a_fault():
    with pytest.raises(PlatformError) as caught:
        listed((400, api_error(32100)))

    assert caught.value.fault is Fault.INVALID_REQUEST


@pytest.mark.parametrize(
    "number", ["110123456789-28123456789012", "170009572013", "110123456789-0"]
)
def test_older_numbers_are_asked_for(number):
    call, page = fetch((400, api_error(32100)), number=number)

    assert page is None
    assert call.sent[0].path.endswith(f"/{number}")


@pytest.mark.parametrize(
    "number", [f"{NUMBER}/shipping_fulfillment", "17-02468", "#1001", "302-1234567-1234567"]
)
def test_what_ebay_does_not_write_is_not_sent(number):
    call, page = fetch(number=number)

    assert (call.sent, page) == ([], None)
