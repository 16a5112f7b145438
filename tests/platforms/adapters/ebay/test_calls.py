"""What the eBay adapter sends, and what it makes of the answers."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from platforms.adapters.ebay import Ebay
from platforms.adapters.ebay.tokens import basic_header
from platforms.errors import Fault, NeedsSupport, PlatformError, TryLater
from platforms.spec import Account, Asked, Request, Window
from tests.platforms.adapters.accounts import EBAY, EBAY_APP
from tests.support.calls import NOON, ScriptedCall, answer

ebay = Ebay()
MODE = ebay.mode("authorization_code")
WINDOW = Window(
    since=datetime(2026, 11, 20, tzinfo=UTC),
    until=datetime(2026, 11, 21, 1, 2, 3, 4567, tzinfo=UTC),
)
TOKEN = {"access_token": "v^1.1#new", "expires_in": 7200}
GET = Request(method="GET", path="/sell/fulfillment/v1/order")


def consent(**changes):
    given = {"app": EBAY_APP, "mode": MODE, "state": "st_1", "now": NOON}
    return ebay.consent_url(Asked(**(given | changes)))


def come_back(params):
    return ebay.read_callback(params, Account(mode="authorization_code"), now=NOON)


def orders(call, cursor=None, window=WINDOW):
    return ebay.fetch_orders(call, window=window, cursor=cursor, now=NOON)


def test_the_basic_header_is_the_published_vector():
    assert basic_header(EBAY_APP.client_id, EBAY_APP.client_secret) == (
        "Basic RXhhbXBsZUEtZXJwZGVtby1QUkQtMDEyMzQ1Njc4OWFiLWNkZWYwMTIzOlBSRC0wMTIzNDU2Nzg5YWIt"
        "Y2RlZi00NTY3LTg5YWItY2RlZg=="
    )


def test_the_consent_page_gets_runame_scopes_and_a_forced_sign_in():
    url = urlsplit(consent())
    query = {name: values[0] for name, values in parse_qs(url.query).items()}

    assert (url.netloc, url.path) == ("auth.ebay.com", "/oauth2/authorize")
    assert query["redirect_uri"] == "Example_Inc-ExampleA-erpdem-abcdefgh"
    assert query["scope"].split() == list(MODE.scopes)
    assert (query["prompt"], query["state"]) == ("login", "st_1")


def test_the_consent_page_can_be_elsewhere():
    assert consent(base="http://127.0.0.1:9").startswith("http://127.0.0.1:9/oauth2/authorize?")
    sandbox = replace(EBAY_APP, environment="sandbox", client_id="Example-SBX-1")
    assert consent(app=sandbox).startswith("https://auth.sandbox.ebay.com/")


@pytest.mark.parametrize(
    ("environment", "client_id"), [("production", "A-SBX-1"), ("sandbox", "A-PRD-1")]
)
def test_a_keyset_of_the_other_environment_is_refused(environment, client_id):
    with pytest.raises(PlatformError) as caught:
        consent(app=replace(EBAY_APP, environment=environment, client_id=client_id))

    assert caught.value.fault is Fault.WRONG_ENVIRONMENT


def test_the_code_is_decoded_once_however_it_was_pasted():
    assert come_back({"code": "v^1.1#i^1#x%2B"}) == "v^1.1#i^1#x%2B"
    assert come_back({"code": "v%5E1.1%23i%5E1"}) == "v^1.1#i^1"


@pytest.mark.parametrize("params", [{}, {"code": ""}, {"error": "access_denied"}])
def test_coming_back_without_a_code_is_a_refusal(params):
    with pytest.raises(PlatformError) as caught:
        come_back(params)

    assert caught.value.fault is Fault.CONSENT_DENIED


def test_a_code_is_traded_for_tokens_with_their_ends():
    full = TOKEN | {"refresh_token": "v^1.1#r", "refresh_token_expires_in": 47304000}
    call = ScriptedCall(ebay, EBAY, (200, full))

    grant = ebay.exchange(call, code="v^1.1#c", verifier="", params={}, now=NOON)

    assert grant.access_expires_at == NOON + timedelta(hours=2)
    assert grant.refresh_expires_at == NOON + timedelta(days=547, hours=12)
    assert call.sent[0].form == {
        "grant_type": "authorization_code",
        "code": "v^1.1#c",
        "redirect_uri": "Example_Inc-ExampleA-erpdem-abcdefgh",
    }


def test_a_grant_without_refresh_token_fails():
    call = ScriptedCall(ebay, EBAY, (200, TOKEN))

    with pytest.raises(TryLater) as caught:
        ebay.exchange(call, code="c", verifier="", params={}, now=NOON)

    assert caught.value.fault is Fault.BAD_RESPONSE


def test_a_refresh_gives_no_new_refresh_token_and_asks_for_no_scopes():
    call = ScriptedCall(ebay, EBAY, (200, TOKEN))

    grant = ebay.refresh(call, now=NOON)

    assert (grant.refresh_token, grant.refresh_expires_at) == (None, None)
    assert set(call.sent[0].form) == {"grant_type", "refresh_token"}


@pytest.mark.parametrize(
    ("stated", "ends"),
    [
        ("7200", NOON + timedelta(hours=2)),
        (7200.0, NOON + timedelta(hours=2)),
        (1795600000, datetime(2026, 11, 25, 9, 46, 40, tzinfo=UTC)),
        (-5, None),
        (10**15, None),
        (None, None),
    ],
)
def test_lifetimes_are_read_in_every_form(stated, ends):
    call = ScriptedCall(ebay, EBAY, (200, TOKEN | {"expires_in": stated}))

    assert ebay.refresh(call, now=NOON).access_expires_at == ends


def test_the_account_is_known_by_its_lasting_id():
    body = {"userId": "hL7kQ2TestA", "username": "harborlane_demo", "status": "CONFIRMED"}
    call = ScriptedCall(ebay, EBAY, (200, body))

    identity = ebay.who_am_i(call, now=NOON)

    assert (identity.account_id, identity.account_name) == ("hL7kQ2TestA", "harborlane_demo")
    assert [shop.external_id for shop in identity.shops] == ["hL7kQ2TestA"]
    assert (call.sent[0].endpoint, call.sent[0].path) == ("apiz", "/commerce/identity/v1/user/")


def test_an_account_on_hold_is_said_to_be():
    call = ScriptedCall(ebay, EBAY, (200, {"userId": "x", "status": "ACCOUNTONHOLD"}))

    with pytest.raises(PlatformError) as caught:
        ebay.who_am_i(call, now=NOON)

    assert caught.value.fault is Fault.ACCOUNT_SUSPENDED


def test_orders_are_asked_for_by_change_with_fixed_bounds():
    following = "https://evil.example/sell/fulfillment/v1/order?limit=2&offset=2"
    call = ScriptedCall(
        ebay,
        EBAY,
        (200, {"orders": [{"a": 1}, {"b": 2}], "next": following, "total": 3}),
        (200, {"orders": [{"c": 3}]}),
    )

    first = orders(call)
    later = Window(since=WINDOW.since, until=NOON)  # a resumed run may come with another window
    second = orders(call, first.cursor, later)

    assert [bytes(r) for r in first.records + second.records] == [
        b'{"a": 1}',
        b'{"b": 2}',
        b'{"c": 3}',
    ]
    assert second.cursor is None
    assert [r.params["offset"] for r in call.sent] == ["0", "2"]
    bounds = "lastmodifieddate:[2026-11-20T00:00:00.000Z..2026-11-21T01:02:03.004Z]"
    assert {r.params["filter"] for r in call.sent} == {bounds}
    assert {(r.endpoint, r.params["limit"]) for r in call.sent} == {("api", "200")}


def test_a_page_that_is_not_full_is_not_the_last():
    call = ScriptedCall(ebay, EBAY, (200, {"orders": [], "next": "?offset=200", "total": 900}))

    assert json.loads(orders(call).cursor)["offset"] == 200


def test_an_empty_page_past_the_total_is_the_last():
    call = ScriptedCall(ebay, EBAY, (200, {"orders": [], "next": "?offset=200", "total": 0}))

    assert orders(call).cursor is None


def test_a_next_page_that_does_not_move_on_is_no_endless_loop():
    call = ScriptedCall(ebay, EBAY, (200, {"orders": [{}], "next": "?offset=0", "total": 900}))

    with pytest.raises(TryLater, match="move on"):
        orders(call)


def test_the_future_is_never_asked_for():
    call = ScriptedCall(ebay, EBAY, (200, {"orders": []}))

    orders(call, window=Window(since=WINDOW.since, until=NOON + timedelta(days=1)))

    assert call.sent[0].params["filter"].endswith("..2026-11-21T12:00:00.000Z]")


@pytest.mark.parametrize(
    "body", [b"", b"<html>oops</html>", b'{"orders": [', b'{"orders": 7}', b"[]"]
)
def test_nonsense_instead_of_orders_is_tried_again_later(body):
    with pytest.raises(TryLater):
        orders(ScriptedCall(ebay, EBAY, (200, body)))


def api_error(number, message="Something"):
    return {"errors": [{"errorId": number, "message": message}]}


@pytest.mark.parametrize(
    ("status", "body", "fault"),
    [
        (401, api_error(1001), Fault.TOKEN_EXPIRED),
        (401, api_error(1002), Fault.INVALID_REQUEST),
        (403, api_error(1100), Fault.INSUFFICIENT_SCOPE),
        (403, api_error(215113), Fault.CLOCK_SKEW),
        (403, api_error(215001), Fault.INVALID_REQUEST),
        (400, api_error(30850), Fault.CLOCK_SKEW),
        (400, api_error(30810), Fault.INVALID_REQUEST),
        (429, api_error(2001), Fault.RATE_LIMITED),
        (429, b"<html>", Fault.RATE_LIMITED),
        (200, api_error(2001), Fault.RATE_LIMITED),
        (200, api_error(1001), Fault.TOKEN_EXPIRED),
        (500, api_error(30500), Fault.PLATFORM_DOWN),
        (503, b"", Fault.PLATFORM_DOWN),
        (403, b"<html>", Fault.PLATFORM_DOWN),
        (401, b"", Fault.TOKEN_EXPIRED),
        (404, b"", Fault.INVALID_REQUEST),
        (302, b"", Fault.BAD_RESPONSE),
        (200, b"<html>", Fault.BAD_RESPONSE),
        (403, api_error(99, "Compliance requirements are not met"), Fault.APP_REJECTED),
        (400, {"error": "temporarily_unavailable"}, Fault.PLATFORM_DOWN),
    ],
)
def test_refusals_have_a_name(status, body, fault):
    assert ebay.read_fault(GET, answer(status, body)).fault is fault


@pytest.mark.parametrize(
    ("message", "headers", "fault", "pause"),
    [
        ("Too many requests.", {}, Fault.RATE_LIMITED, None),
        ("Too many requests.", {"retry-after": "30"}, Fault.RATE_LIMITED, None),
        ("Too many requests.", {"retry-after": "28800"}, Fault.QUOTA_EXHAUSTED, None),
        ("The daily limit is reached.", {"retry-after": "30"}, Fault.RATE_LIMITED, None),
        (
            "The daily limit is reached.",
            {"date": "Sat, 21 Nov 2026 06:30:00 GMT"},
            Fault.QUOTA_EXHAUSTED,
            timedelta(minutes=90),
        ),
        (
            "The daily limit is reached.",
            {"date": "Sun, 01 Nov 2026 07:30:00 GMT"},  # the clocks go back that night
            Fault.QUOTA_EXHAUSTED,
            timedelta(hours=24, minutes=30),
        ),
        ("5000 calls per day", {"date": "soon"}, Fault.QUOTA_EXHAUSTED, None),
    ],
)
def test_a_day_that_is_used_up_is_told_from_calls_too_fast(message, headers, fault, pause):
    error = ebay.read_fault(GET, answer(429, api_error(2001, message), headers))

    assert (error.fault, error.retry_after) == (fault, pause)


def test_an_empty_answer_to_something_made_is_a_success():
    assert ebay.read_fault(GET, answer(201, b"")) is None
    assert ebay.read_fault(GET, answer(201, b"<html>")).fault is Fault.BAD_RESPONSE


@pytest.mark.parametrize(
    "body", [{}, {"orders": []}, {"errors": []}, {"errors": None, "warnings": [{}]}]
)
def test_success_is_no_fault(body):
    assert ebay.read_fault(GET, answer(200, body)) is None


@pytest.mark.parametrize(
    ("grant_type", "fault"),
    [("refresh_token", Fault.TOKEN_REVOKED), ("authorization_code", Fault.INVALID_REQUEST)],
)
def test_invalid_grant_means_another_thing_for_a_code(grant_type, fault):
    request = Request(method="POST", path="/t", form={"grant_type": grant_type}, signed=False)

    assert ebay.read_fault(request, answer(400, {"error": "invalid_grant"})).fault is fault


def test_what_is_wrong_with_our_keyset_is_for_us():
    error = ebay.read_fault(GET, answer(401, {"error": "invalid_client"}))

    assert isinstance(error, NeedsSupport)
    assert error.fault is Fault.BAD_CREDENTIALS


def test_an_expired_token_in_disguise_is_worth_a_refresh():
    refused = ebay.read_fault(GET, answer(403, api_error(1100)))
    expired = ebay.read_fault(GET, answer(401, api_error(1001)))

    assert ebay.worth_refreshing(refused)
    assert ebay.after_refresh(refused).fault is Fault.INSUFFICIENT_SCOPE
    assert ebay.after_refresh(expired).fault is Fault.TOKEN_REVOKED


def test_details_hold_no_tokens_and_no_people():
    message = "Token v^1.1#i^1#" + "x" * 80 + " of jane@example.com is bad"
    error = ebay.read_fault(GET, answer(401, api_error(1001, message)))

    assert "xxxx" not in error.detail
    assert "jane" not in error.detail


def test_without_an_access_token_a_refresh_is_due():
    with pytest.raises(PlatformError) as caught:
        ebay.sign(GET, replace(EBAY, secrets={}), now=NOON)

    assert caught.value.fault is Fault.TOKEN_EXPIRED


NEXT = {"next": "?offset=200"}


def test_a_list_that_shrank_while_it_was_read_is_read_again_but_not_for_ever():
    pages = []
    for total in (400, 398, 396, 394, 392, 390):
        last = len(pages) % 2
        pages.append((200, {"orders": [{}], "total": total} | ({} if last else NEXT)))
    call = ScriptedCall(ebay, EBAY, *pages)

    page = orders(call)
    while page.cursor:
        page = orders(call, page.cursor)

    assert [r.params["offset"] for r in call.sent] == ["0", "200"] * 3
    assert len({r.params["filter"] for r in call.sent}) == 1
