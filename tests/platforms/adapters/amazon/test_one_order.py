"""One Amazon order by its number: what is asked, and which answers mean that there is none."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from platforms.adapters.amazon import INCLUDED_DATA, Amazon
from platforms.errors import Fault, NeedsSeller, NeedsSupport, PlatformError, TryLater
from platforms.landing import Router
from platforms.spec import Window
from tenants.models import Store
from tests.platforms.adapters.accounts import AMAZON
from tests.platforms.adapters.payloads import payload
from tests.support.calls import NOON, ScriptedCall

amazon = Amazon()
NUMBER = "302-1000001-0000001"
PATH = f"/orders/2026-01-01/orders/{NUMBER}"
WINDOW = Window(since=NOON - timedelta(hours=1), until=NOON)


def api_error(code: str, message: str = "", details: str | None = None) -> dict:
    return {"errors": [{"code": code, "message": message, "details": details}]}


NOT_FOUND = api_error("NotFound", "The requested resource was not found.")
DENIED = api_error("Unauthorized", "Access to requested resource is denied.", "")
EXPIRED = api_error("Unauthorized", details="The access token you provided has expired.")


def fetch(*script, number=NUMBER, account=AMAZON):
    call = ScriptedCall(amazon, account, *script)
    return call, amazon.fetch_order(call, number=number, now=NOON)


@pytest.mark.parametrize("name", ["brazil", "cancelled", "other_channel", "yen"])
def test_an_order_comes_as_in_a_pull(name):
    raw = bytes(payload("amazon", name)).strip()

    call, page = fetch((200, b'{"order": %b}' % raw))

    (request,) = call.sent
    assert (request.method, request.path, request.operation) == ("GET", PATH, "order")
    assert request.params == {"includedData": INCLUDED_DATA}
    listed = ScriptedCall(amazon, AMAZON, (200, b'{"orders": [%b]}' % raw))
    assert page == amazon.fetch_orders(listed, window=WINDOW, cursor=None, now=NOON)


def test_all_its_items_come_with_it():
    order = json.loads(bytes(payload("amazon", "yen")))
    order["orderItems"] = [{**order["orderItems"][0], "orderItemId": str(n)} for n in range(1, 61)]

    _call, page = fetch((200, {"order": order}))

    assert len(amazon.parse_order(page.records[0]).lines) == 60


def test_it_has_a_limit_of_its_own():
    limit = amazon.limits["order"]

    assert (limit.rate, limit.burst) == (0.5, 30)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (404, NOT_FOUND),
        (404, api_error("NOT_FOUND")),
        (404, api_error("ResourceNotFound")),
        (200, b'{"order": {}}'),
        (200, b'{"order": null}'),
    ],
)
def test_an_unknown_number_is_no_fault(status, body):
    assert fetch((status, body))[1] is None


@pytest.mark.parametrize(
    ("status", "body", "fault", "kind"),
    [
        (404, b"", Fault.INVALID_REQUEST, NeedsSupport),
        (404, b"<html>", Fault.INVALID_REQUEST, NeedsSupport),
        (400, api_error("InvalidInput", "Invalid Input"), Fault.INVALID_REQUEST, NeedsSupport),
        (403, DENIED, Fault.INSUFFICIENT_SCOPE, NeedsSeller),
        (403, EXPIRED, Fault.TOKEN_EXPIRED, NeedsSeller),
        (429, api_error("QuotaExceeded"), Fault.RATE_LIMITED, TryLater),
        (500, NOT_FOUND, Fault.PLATFORM_DOWN, TryLater),
        (200, b"{}", Fault.BAD_RESPONSE, TryLater),
        (200, b'{"order": []}', Fault.BAD_RESPONSE, TryLater),
        (200, b'{"order": {"createdTime": 1}}', Fault.BAD_RESPONSE, TryLater),
    ],
)
def test_everything_else_is_a_fault(status, body, fault, kind):
    with pytest.raises(kind) as caught:
        fetch((status, body))

    assert caught.value.fault is fault


def test_elsewhere_the_same_words_stay_a_fault():
    call = ScriptedCall(amazon, AMAZON, (404, NOT_FOUND))

    with pytest.raises(PlatformError) as caught:
        amazon.fetch_orders(call, window=WINDOW, cursor=None, now=NOON)

    assert caught.value.fault is Fault.INVALID_REQUEST


def test_an_order_of_a_marketplace_that_is_not_linked_finds_no_store():
    account = replace(AMAZON, shop_ids=("A3EXAMPLE00001:A1PA6795UKMFR9",))
    _call, page = fetch(
        (200, b'{"order": %b}' % bytes(payload("amazon", "brazil"))), account=account
    )
    order = amazon.parse_order(page.records[0])

    with pytest.raises(ValueError, match="no linked store"):
        Router([Store(pk=1, external_id=account.shop_ids[0])]).store_for(order)


def test_numbers_of_other_sales_channels_are_asked_for():
    call, _page = fetch((404, NOT_FOUND), number="S01-1234567-1234567")

    assert call.sent[0].path.endswith("/S01-1234567-1234567")


@pytest.mark.parametrize(
    "number", [f"{NUMBER}/buyerInfo", "302-1000001", "s01-1234567-1234567", "3021000001000000001"]
)
def test_what_amazon_does_not_write_is_not_sent(number):
    call, page = fetch(number=number)

    assert (call.sent, page) == ([], None)
