"""One Ozon posting by its number: FBS, then FBO, and which answers mean that there is none."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from platforms.adapters.ozon import Ozon
from platforms.errors import Fault, NeedsSeller, NeedsSupport, PlatformError, TryLater
from platforms.spec import Window
from tests.platforms.adapters.accounts import OZON
from tests.platforms.adapters.payloads import payload
from tests.support.calls import NOON, ScriptedCall

ozon = Ozon()
NUMBER = "0145123499-0003-1"
FBS, FBO = "/v3/posting/fbs/get", "/v2/posting/fbo/get"
NOT_FOUND = (404, {"code": 5, "message": "Posting not found", "details": []})
NO_ROLE = (403, {"code": 7, "message": "Api-Key is missing a required role for a method"})
WINDOW = Window(since=NOON - timedelta(hours=1), until=NOON - timedelta(minutes=1))


def result(**changes: object) -> tuple[int, object]:
    return 200, {"result": json.loads(bytes(payload("ozon", "older_prices"))) | changes}


def fetch(*script, number=NUMBER):
    call = ScriptedCall(ozon, OZON, *script)
    return call, ozon.fetch_order(call, number=number, now=NOON)


def test_a_posting_that_the_seller_ships_takes_one_call():
    call, page = fetch(result())

    (request,) = call.sent
    assert (request.method, request.path, request.operation) == ("POST", FBS, "order")
    assert request.json == {
        "posting_number": NUMBER,
        "with": {"analytics_data": True, "financial_data": True},
    }
    order = ozon.parse_order(page.records[0], kind=page.kind)
    assert (order.number, order.fulfilment, page.cursor) == (NUMBER, "merchant", None)
    assert [(line.number, str(line.unit_price)) for line in order.lines] == [
        ("7", "1299.0000"),
        ("7-2", "0.1"),
    ]


def test_a_posting_that_ozon_ships_is_found_second():
    call, page = fetch(NOT_FOUND, result())

    assert [request.path for request in call.sent] == [FBS, FBO]
    assert page.kind == "fbo"
    assert ozon.parse_order(page.records[0], kind=page.kind).fulfilment == "platform"


def test_older_and_newer_prices_make_the_same_order():
    _call, page = fetch(result(customer=None))
    listed = json.loads(bytes(payload("ozon", "older_prices")))
    for product in listed["products"]:
        product["price"] = {"amount": str(product["price"]), "currency": "RUB"}
    call = ScriptedCall(ozon, OZON, (200, {"postings": [listed], "has_next": False}))
    (record,) = ozon.fetch_orders(call, window=WINDOW, cursor=None, now=NOON).records

    assert ozon.parse_order(page.records[0], kind="fbs") == ozon.parse_order(record, kind="fbs")


def test_each_package_of_an_order_has_its_own_number():
    _call, page = fetch(result(posting_number="0145123499-0003-2"), number="0145123499-0003-2")

    order = ozon.parse_order(page.records[0], kind=page.kind)
    assert (order.number, order.group_number) == ("0145123499-0003-2", "0145123499-0003")


@pytest.mark.parametrize(
    "refusal",
    [
        NOT_FOUND,
        (404, {"code": 5, "message": "", "details": []}),
        (404, {"code": 5, "message": "POSTING_NOT_FOUND"}),
        (400, {"code": 3, "message": "POSTING_NOT_FOUND"}),
        (404, {"error": {"code": "NOT_FOUND", "message": "Отправление не найдено"}}),
    ],
)
def test_an_unknown_number_is_no_fault(refusal):
    call, page = fetch(refusal, refusal)

    assert page is None
    assert len(call.sent) == 2


@pytest.mark.parametrize(
    ("refusal", "fault", "kind"),
    [
        ((404, b""), Fault.INVALID_REQUEST, NeedsSupport),
        ((404, b"404 page not found"), Fault.INVALID_REQUEST, NeedsSupport),
        ((404, {"code": 12, "message": "obsolete method"}), Fault.INVALID_REQUEST, NeedsSupport),
        ((410, {"code": 12, "message": "obsolete method"}), Fault.INVALID_REQUEST, NeedsSupport),
        ((404, {"message": "Api-Key not found"}), Fault.BAD_CREDENTIALS, NeedsSeller),
        ((400, {"code": 3, "message": "unknown field"}), Fault.INVALID_REQUEST, NeedsSupport),
        ((403, {"code": 7, "message": "Invalid Api-Key"}), Fault.BAD_CREDENTIALS, NeedsSeller),
        ((429, {"code": 8, "message": "rate limit"}), Fault.RATE_LIMITED, TryLater),
        ((500, {"code": 5, "message": "Posting not found"}), Fault.PLATFORM_DOWN, TryLater),
        ((200, b"{}"), Fault.BAD_RESPONSE, TryLater),
        ((200, {"result": None}), Fault.BAD_RESPONSE, TryLater),
        ((200, {"result": {}}), Fault.BAD_RESPONSE, TryLater),
    ],
)
def test_everything_else_is_a_fault(refusal, fault, kind):
    for script in ((refusal,), (NOT_FOUND, refusal)):
        with pytest.raises(kind) as caught:
            fetch(*script)

        assert caught.value.fault is fault


def test_a_key_for_half_of_the_shop_finds_what_is_in_its_half():
    assert fetch(NO_ROLE, result())[1].kind == "fbo"
    assert fetch(NO_ROLE, NOT_FOUND)[1] is None
    assert fetch(NOT_FOUND, NO_ROLE)[1] is None


def test_a_key_for_neither_half_is_refused():
    with pytest.raises(NeedsSeller) as caught:
        fetch(NO_ROLE, NO_ROLE)

    assert caught.value.fault is Fault.INSUFFICIENT_SCOPE


def test_elsewhere_not_found_stays_a_fault():
    call = ScriptedCall(ozon, OZON, NOT_FOUND)

    with pytest.raises(PlatformError) as caught:
        ozon.fetch_orders(call, window=WINDOW, cursor=None, now=NOON)

    assert caught.value.fault is Fault.INVALID_REQUEST


def postings(*numbers: str) -> tuple[int, object]:
    found = json.loads(bytes(payload("ozon", "older_prices")))
    return 200, {"postings": [found | {"posting_number": number} for number in numbers]}


def test_an_orders_number_finds_all_its_packages():
    script = (postings(), postings("0145123499-0003-1", "0145123499-0003-2"))

    call, page = fetch(*script, number="0145123499-0003")

    assert [request.path for request in call.sent] == [
        "/v4/posting/fbs/list",
        "/v3/posting/fbo/list",
    ]
    assert call.sent[0].operation == "orders"
    assert call.sent[0].json["filter"] == {
        "since": "2025-11-22T12:00:00.000Z",
        "to": "2026-11-21T12:00:00.000Z",
        "order_numbers": ["0145123499-0003"],
    }
    assert [ozon.order_number(raw)[-1] for raw in page.records] == ["1", "2"]
    assert (page.kind, page.cursor) == ("fbo", None)


def test_an_unknown_orders_number_is_no_fault():
    assert fetch(postings(), postings(), number="0145123499-0003")[1] is None
    assert fetch(NO_ROLE, postings(), number="0145123499-0003")[1] is None
    with pytest.raises(NeedsSeller):
        fetch(NO_ROLE, NO_ROLE, number="0145123499-0003")


@pytest.mark.parametrize(
    "number", ["0145123499", "0145123499-3", "17-02468-13579", "302-1234567-1234567"]
)
def test_what_is_no_posting_is_not_sent(number):
    call, page = fetch(number=number)

    assert (call.sent, page) == ([], None)
