"""One Wish order by its number: what is asked, and which answers mean that there is none."""

from __future__ import annotations

from datetime import timedelta

import pytest

from platforms import registry
from platforms.errors import Fault, NeedsSeller, NeedsSupport, PlatformError, TryLater
from platforms.spec import Window
from tests.platforms.adapters.accounts import WISH
from tests.platforms.adapters.payloads import payload
from tests.support.calls import NOON, ScriptedCall

wish = registry.get("wish")
NUMBER = "62aa0000000000000000c0de"
WINDOW = Window(since=NOON - timedelta(hours=1), until=NOON)


def refusal(code: object, message: str = "") -> dict:
    return {"message": message, "code": code, "data": None}


def fetch(*script, number=NUMBER):
    call = ScriptedCall(wish, WISH, *script)
    return call, wish.fetch_order(call, number=number, now=NOON)


def test_an_order_comes_as_in_a_pull():
    raw = bytes(payload("wish", "approved")).strip()

    call, page = fetch((200, b'{"message": "", "code": 0, "data": %b}' % raw))

    (request,) = call.sent
    assert (request.method, request.path) == ("GET", f"/api/v3/orders/{NUMBER}")
    assert (request.operation, dict(request.params)) == ("api", {})
    listed = ScriptedCall(wish, WISH, (200, b'{"message": "", "code": 0, "data": [%b]}' % raw))
    assert page == wish.fetch_orders(listed, window=WINDOW, cursor=None, now=NOON)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (400, refusal(1001, f"We could not find an order for id: '{NUMBER}'")),
        (400, refusal("1001", "Invalid parameter")),
        (404, refusal(1001)),
        (200, refusal(1001)),
        (400, refusal(4711, f"We could not find an order for id: '{NUMBER}'")),
        (404, refusal("4711", "The order does not exist.")),
    ],
)
def test_an_unknown_number_is_no_fault(status, body):
    assert fetch((status, body))[1] is None


@pytest.mark.parametrize(
    ("status", "body", "fault", "kind"),
    [
        (400, refusal(1007), Fault.TOKEN_EXPIRED, NeedsSeller),
        (400, refusal(1008, "order not found"), Fault.TOKEN_REVOKED, NeedsSeller),
        (400, refusal(1006), Fault.INSUFFICIENT_SCOPE, NeedsSeller),
        (400, refusal(1002), Fault.ACCOUNT_SUSPENDED, NeedsSeller),
        (401, refusal(1012), Fault.INVALID_REQUEST, NeedsSupport),
        (400, refusal(90001, "no such download job"), Fault.INVALID_REQUEST, NeedsSupport),
        (429, refusal("429"), Fault.RATE_LIMITED, TryLater),
        (500, refusal(1001), Fault.PLATFORM_DOWN, TryLater),
        (404, b"", Fault.PLATFORM_DOWN, TryLater),
        (404, b"<html>Not Found</html>", Fault.PLATFORM_DOWN, TryLater),
        (200, {"code": 0, "message": ""}, Fault.BAD_RESPONSE, TryLater),
        (200, {"code": 0, "message": "", "data": None}, Fault.BAD_RESPONSE, TryLater),
        (200, {"code": 0, "message": "", "data": []}, Fault.BAD_RESPONSE, TryLater),
    ],
)
def test_everything_else_is_a_fault(status, body, fault, kind):
    with pytest.raises(kind) as caught:
        fetch((status, body))

    assert caught.value.fault is fault


def test_in_the_list_an_invalid_parameter_stays_a_fault():
    call = ScriptedCall(wish, WISH, (400, refusal(1001)))

    with pytest.raises(PlatformError) as caught:
        wish.fetch_orders(call, window=WINDOW, cursor=None, now=NOON)

    assert caught.value.fault is Fault.INVALID_REQUEST


@pytest.mark.parametrize("number", ["bulk_get", f"{NUMBER}/tracking", NUMBER[:-1], f"{NUMBER}0"])
def test_what_wish_does_not_write_is_not_sent(number):
    call, page = fetch(number=number)

    assert (call.sent, page) == ([], None)
