"""What Shopify's refusals mean, its points, and how orders are paged."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import msgspec
import pytest

from platforms.adapters.shopify import Shopify
from platforms.errors import Fault, PlatformError, TryLater
from platforms.spec import Request, Window
from tests.platforms.adapters.shopify.payloads import OURS, cost, line, order, page, problem
from tests.support.calls import NOON, ScriptedCall, answer

shopify = Shopify()
CALL = Request(method="POST", path="/admin/api/2026-07/graphql.json", operation="orders")
TOKEN = Request(method="POST", path="/admin/oauth/access_token", signed=False, form={})
REFRESH = replace(TOKEN, form={"grant_type": "refresh_token"})
WINDOW = Window(since=NOON - timedelta(hours=1), until=NOON)
NO_PERMANENT = "[API] Non-expiring access tokens are no longer accepted for the Admin API."
NO_SCOPE = "[API] This action requires merchant approval for read_orders scope."
BAD_TOKEN = "[API] Invalid API key or access token (unrecognized login or wrong password)"
FOREIGN = b"Oauth error shop_not_permitted: Client credentials cannot be performed on this shop."
USED = b"<html><body>Oauth error invalid_request: The authorization code was not found</body>"


@pytest.mark.parametrize(
    ("request_", "status", "body", "fault"),
    [
        (CALL, 401, {"errors": BAD_TOKEN}, Fault.TOKEN_EXPIRED),
        (CALL, 403, {"errors": NO_PERMANENT}, Fault.TOKEN_EXPIRED),
        (CALL, 403, {"errors": NO_SCOPE}, Fault.INSUFFICIENT_SCOPE),
        (CALL, 403, b"<html>", Fault.PLATFORM_DOWN),
        (CALL, 402, {"errors": "Unavailable Shop"}, Fault.ACCOUNT_SUSPENDED),
        (CALL, 423, {"errors": "Locked"}, Fault.ACCOUNT_SUSPENDED),
        (CALL, 404, {"errors": "Not Found"}, Fault.INVALID_REQUEST),
        (CALL, 404, b"", Fault.INVALID_REQUEST),
        (CALL, 301, b"", Fault.BAD_RESPONSE),
        (CALL, 429, {"errors": "Exceeded"}, Fault.RATE_LIMITED),
        (CALL, 430, {"errors": "Security Rejection"}, Fault.RATE_LIMITED),
        (CALL, 430, b"", Fault.RATE_LIMITED),
        (CALL, 520, b"<html>", Fault.PLATFORM_DOWN),
        (CALL, 503, {"errors": "x"}, Fault.PLATFORM_DOWN),
        (CALL, 200, problem("THROTTLED"), Fault.RATE_LIMITED),
        (CALL, 200, problem("ACCESS_DENIED"), Fault.INSUFFICIENT_SCOPE),
        (CALL, 200, problem("ACCESS_DENIED", data={"orders": None}), Fault.INSUFFICIENT_SCOPE),
        (CALL, 200, problem("SHOP_INACTIVE"), Fault.ACCOUNT_SUSPENDED),
        (CALL, 200, problem("MAX_COST_EXCEEDED"), Fault.INVALID_REQUEST),
        (CALL, 200, problem("INTERNAL_SERVER_ERROR"), Fault.PLATFORM_DOWN),
        (CALL, 200, {"errors": [{"message": "Field 'x' doesn't exist"}]}, Fault.INVALID_REQUEST),
        (CALL, 200, {"errors": {"base": ["no"]}}, Fault.INVALID_REQUEST),
        (TOKEN, 400, {"error": "invalid_client"}, Fault.BAD_CREDENTIALS),
        (TOKEN, 401, {"error": "invalid_client"}, Fault.BAD_CREDENTIALS),
        (TOKEN, 400, {"error": "invalid_request"}, Fault.INVALID_REQUEST),
        (TOKEN, 400, {"error": "invalid_grant"}, Fault.INVALID_REQUEST),
        (REFRESH, 400, {"error": "invalid_grant"}, Fault.TOKEN_REVOKED),
        (TOKEN, 400, {"error": "shop_not_permitted"}, Fault.BAD_CREDENTIALS),
        (TOKEN, 400, FOREIGN, Fault.BAD_CREDENTIALS),
        (TOKEN, 400, USED, Fault.INVALID_REQUEST),
        (TOKEN, 404, b"<html>", Fault.INVALID_REQUEST),
    ],
)
def test_every_refusal_of_the_fact_sheet_is_understood(request_, status, body, fault):
    error = shopify.read_fault(request_, answer(status, body))

    assert error is not None
    assert error.fault is fault


def test_what_an_app_may_not_see_of_the_buyer_does_not_stop_the_orders():
    body = problem("ACCESS_DENIED", data={"orders": {"nodes": []}})

    assert shopify.read_fault(CALL, answer(200, body)) is None


def test_throttling_waits_until_there_are_points_again():
    error = shopify.read_fault(CALL, answer(200, problem("THROTTLED", requested=512)))

    assert error.retry_after == timedelta(seconds=5)


def test_a_security_pause_is_long():
    assert shopify.read_fault(CALL, answer(430)).retry_after == timedelta(minutes=10)


def test_the_shops_own_numbers_replace_the_declared_limit():
    (room,) = shopify.read_room(CALL, answer(200, {"extensions": cost(left=900)}), now=NOON)

    assert (room.left, room.rate, room.burst) == (900, 100, 2000)


@pytest.mark.parametrize("body", [b"", b"[]", {"data": {}}, {"extensions": {"cost": {}}}])
def test_an_answer_without_numbers_tells_nothing_of_the_limit(body):
    assert shopify.read_room(CALL, answer(200, body), now=NOON) == ()


def test_a_call_without_a_token_does_not_leave():
    with pytest.raises(PlatformError) as caught:
        shopify.sign(CALL, replace(OURS, secrets={}), now=NOON)

    assert caught.value.fault is Fault.TOKEN_EXPIRED


# --- paging


def fetch(call, cursor=None, window=WINDOW):
    return shopify.fetch_orders(call, window=window, cursor=cursor, now=NOON)


def test_a_page_asks_for_what_changed_in_the_window():
    call = ScriptedCall(shopify, OURS, (200, page(order())))

    got = fetch(call)

    asked = call.sent[0].json["variables"]
    assert asked == {
        "first": 10,
        "lines": 50,
        "after": None,
        "query": "updated_at:>='2026-11-21T11:00:00Z' updated_at:<'2026-11-21T12:00:00Z'",
    }
    assert (len(got.records), got.cursor) == (1, None)


def test_parts_of_seconds_are_rounded_outwards():
    half = timedelta(milliseconds=500)
    call = ScriptedCall(shopify, OURS, (200, page()))

    fetch(call, window=Window(since=WINDOW.since + half, until=WINDOW.until + half))

    asked = call.sent[0].json["variables"]["query"]
    assert asked == "updated_at:>='2026-11-21T11:00:00Z' updated_at:<'2026-11-21T12:00:01Z'"


def test_the_cursor_resumes_with_the_bounds_it_was_made_for():
    call = ScriptedCall(shopify, OURS, (200, page(order(), end="c1")), (200, page(order(6002))))

    first = fetch(call)
    later = Window(since=NOON, until=NOON + timedelta(hours=1))
    second = fetch(call, first.cursor, later)

    asked = [sent.json["variables"] for sent in call.sent]
    assert asked[1]["after"] == "c1"
    assert asked[1]["query"] == asked[0]["query"]
    assert second.cursor is None


def test_a_query_that_is_too_dear_is_asked_for_half_as_many_orders():
    dear = (200, problem("MAX_COST_EXCEEDED"))
    call = ScriptedCall(
        shopify, OURS, dear, dear, (200, page(order(), end="c1", requested=700)), (200, page())
    )

    first = fetch(call)
    fetch(call, first.cursor)

    assert [sent.json["variables"]["first"] for sent in call.sent] == [10, 5, 2, 2]
    assert call.sent[3].cost == 700


def test_at_one_order_the_lines_are_halved_and_then_it_is_an_error():
    call = ScriptedCall(shopify, OURS, *[(200, problem("MAX_COST_EXCEEDED"))] * 9)

    with pytest.raises(PlatformError) as caught:
        fetch(call)

    asked = [(s.json["variables"]["first"], s.json["variables"]["lines"]) for s in call.sent]
    assert asked[:5] == [(10, 50), (5, 50), (2, 50), (1, 50), (1, 25)]
    assert asked[-1] == (1, 1)
    assert caught.value.fault is Fault.INVALID_REQUEST


def test_cheap_pages_grow():
    call = ScriptedCall(
        shopify,
        OURS,
        (200, page(order(), end="c1", requested=60)),
        (200, page(order(), end="c2", requested=110)),
        (200, page(order(), end="c3", requested=210)),
        (200, page(order())),
    )

    cursor = fetch(call).cursor
    for _more in range(3):
        cursor = fetch(call, cursor).cursor

    assert [sent.json["variables"]["first"] for sent in call.sent] == [10, 20, 40, 50]


def test_a_page_that_does_not_move_on_is_no_page():
    call = ScriptedCall(
        shopify, OURS, (200, page(order(), end="c1")), (200, page(order(), end="c1"))
    )
    cursor = fetch(call).cursor

    with pytest.raises(TryLater) as caught:
        fetch(call, cursor)

    assert caught.value.fault is Fault.BAD_RESPONSE


def test_before_the_end_of_paging_the_question_is_asked_anew():
    last = order(updatedAt="2026-11-21T11:30:00Z")
    call = ScriptedCall(shopify, OURS, (200, page(order(), end="c1")), (200, page(last, end="c2")),
                        (200, page()))  # fmt: skip
    cursor = msgspec.json.decode(fetch(call).cursor) | {"paged": 19_999}

    following = fetch(call, msgspec.json.encode(cursor).decode())
    fetch(call, following.cursor)

    asked = call.sent[2].json["variables"]
    assert asked["after"] is None
    assert asked["query"].startswith("updated_at:>='2026-11-21T11:30:00Z' ")


def test_an_order_with_many_lines_is_fetched_whole():
    long = order()
    long["lineItems"]["pageInfo"] = {"hasNextPage": True, "endCursor": "l1"}
    rest = {"pageInfo": {"hasNextPage": False, "endCursor": "l2"}, "nodes": [line(78), line(79)]}
    call = ScriptedCall(
        shopify, OURS, (200, page(long)), (200, {"data": {"order": {"lineItems": rest}}})
    )

    got = fetch(call)

    assert call.sent[1].json["variables"] == {"id": "gid://shopify/Order/6001", "after": "l1"}
    numbers = [each.number for each in shopify.parse_order(got.records[0]).lines]
    assert numbers == ["77", "78", "79"]


def test_an_unreadable_record_does_not_hold_up_its_page():
    call = ScriptedCall(shopify, OURS, (200, page({"lineItems": 7}, order())))

    assert len(fetch(call).records) == 2
