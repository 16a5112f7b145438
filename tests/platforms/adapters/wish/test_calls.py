"""What is sent to Wish, and what its answers mean."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from platforms import registry
from platforms.errors import Fault, NeedsSeller, NeedsSupport, PlatformError, TryLater
from platforms.spec import Account, AppKeys, Asked, Request, Room
from tests.platforms.adapters.accounts import WISH as ACCOUNT
from tests.platforms.adapters.accounts import WISH_APP as APP
from tests.support.calls import NOON, ScriptedCall, answer

WISH = registry.get("wish")
TOKEN = {
    "access_token": "access-2",
    "refresh_token": "refresh-2",
    "merchant_id": "5f1a2b3c4d5e6f7081920a1b",
    "scopes": ["orders:read", "tickets:read", "tickets:write"],
    "expiry_time": "2026-12-20T10:00:00.000Z",
}
ORDERS = Request(method="GET", path="/api/v3/orders")
REFRESH = Request(method="GET", path="/api/v3/oauth/refresh_token", signed=False)


def good(data: object) -> tuple[int, object]:
    return 200, {"message": "", "code": 0, "data": data}


def account(**secrets: str) -> Account:
    return Account(mode="private_app", secrets={**ACCOUNT.secrets, **secrets}, app=APP)


def fault_of(status: int, body: object = b"", request: Request = ORDERS) -> PlatformError:
    error = WISH.read_fault(request, answer(status, body))
    assert error is not None
    return error


# --- linking


@pytest.mark.parametrize(
    ("environment", "host"),
    [("production", "merchant.wish.com"), ("sandbox", "sandbox.merchant.wish.com")],
)
def test_the_consent_address_holds_client_and_state(environment, host):
    app = AppKeys(client_id="5f1a", client_secret="s", environment=environment)

    url = urlsplit(
        WISH.consent_url(Asked(app=app, mode=WISH.mode("private_app"), state="st/1", now=NOON))
    )

    assert (url.scheme, url.netloc, url.path) == ("https", host, "/v3/oauth/authorize")
    assert parse_qs(url.query) == {"client_id": ["5f1a"], "state": ["st/1"]}


def test_an_overridden_consent_address_is_used():
    asked = Asked(
        app=APP, mode=WISH.mode("private_app"), state="s", now=NOON, base="http://127.0.0.1:1/wish"
    )

    assert WISH.consent_url(asked).startswith("http://127.0.0.1:1/wish/v3/oauth/authorize?")


def test_coming_back_without_a_code_is_no_consent():
    assert WISH.read_callback({"code": "abc"}, ACCOUNT, now=NOON) == "abc"
    for params in ({}, {"error": "access_denied<script>"}):
        with pytest.raises(NeedsSeller) as raised:
            WISH.read_callback(params, ACCOUNT, now=NOON)
        assert raised.value.fault is Fault.CONSENT_DENIED
        assert "<" not in raised.value.detail
    with pytest.raises(NeedsSupport):
        WISH.read_callback({"code": "x" * 1025}, ACCOUNT, now=NOON)


@pytest.mark.parametrize("body", [good(TOKEN), (200, TOKEN)], ids=["envelope", "bare"])
def test_a_code_is_exchanged_by_a_form_without_secrets_in_the_address(body):
    call = ScriptedCall(WISH, ACCOUNT, body)

    grant = WISH.exchange(call, code="the-code", verifier="", params={}, now=NOON)

    (sent,) = call.sent
    assert (sent.method, sent.path, dict(sent.params)) == (
        "POST",
        "/api/v3/oauth/access_token",
        {},
    )
    assert sent.form == {
        "client_id": APP.client_id,
        "client_secret": APP.client_secret,
        "code": "the-code",
        "grant_type": "authorization_code",
        "redirect_uri": APP.redirect_uri,
    }
    assert (grant.access_token, grant.refresh_token) == ("access-2", "refresh-2")
    assert grant.access_expires_at == datetime(2026, 12, 20, 10, tzinfo=UTC)
    assert grant.account_id == TOKEN["merchant_id"]
    assert grant.scopes == tuple(TOKEN["scopes"])
    assert grant.secrets == {"scopes": "orders:read tickets:read tickets:write"}


def test_a_refresh_is_a_get_that_gives_a_new_refresh_token():
    call = ScriptedCall(WISH, ACCOUNT, good(TOKEN))

    grant = WISH.refresh(call, now=NOON)

    (sent,) = call.sent
    assert (sent.method, sent.form, sent.signed) == ("GET", None, False)
    assert sent.params == {
        "client_id": APP.client_id,
        "client_secret": APP.client_secret,
        "refresh_token": "wish-refresh",
        "grant_type": "refresh_token",
    }
    assert "wish_client_secret" not in repr(sent)
    assert grant.refresh_token == "refresh-2"


def test_a_grant_without_an_access_token_is_none():
    token = {name: value for name, value in TOKEN.items() if name != "access_token"}

    for given in (token, TOKEN | {"access_token": ""}):
        with pytest.raises(TryLater) as raised:
            WISH.refresh(ScriptedCall(WISH, ACCOUNT, good(given)), now=NOON)
        assert raised.value.fault is Fault.BAD_RESPONSE


def test_a_first_grant_needs_a_refresh_token():
    call = ScriptedCall(WISH, ACCOUNT, good(TOKEN | {"refresh_token": None}))

    with pytest.raises(TryLater):
        WISH.exchange(call, code="c", verifier="", params={}, now=NOON)


@pytest.mark.parametrize("expiry", [None, "soon", ""])
def test_what_a_refresh_gave_is_kept_even_if_its_end_cannot_be_read(expiry):
    given = {"access_token": "access-3", "expiry_time": expiry}

    grant = WISH.refresh(ScriptedCall(WISH, ACCOUNT, good(given)), now=NOON)

    assert (grant.access_token, grant.refresh_token) == ("access-3", None)
    assert grant.access_expires_at == NOON + timedelta(days=30)


def test_who_we_are_is_number_name_and_currency():
    call = ScriptedCall(
        WISH,
        account(scopes="orders:read merchant:read"),
        good({"merchant_id": "m1"}),
        good({"display_name": "Kites"}),
        good({"currency_code": "EUR"}),
    )

    identity = WISH.who_am_i(call, now=NOON)

    assert (identity.account_id, identity.account_name) == ("m1", "Kites")
    (shop,) = identity.shops
    assert (shop.external_id, shop.currency) == ("m1", "EUR")
    assert identity.missing == ("tickets:read", "tickets:write")
    assert call.sent[0].headers["authorization"] == "Bearer wish-access"


def test_name_and_currency_are_not_needed():
    refused = (400, {"message": "Unauthorized access", "code": 1006, "data": None})
    call = ScriptedCall(WISH, account(), good({"merchant_id": "m1"}), refused, refused)

    identity = WISH.who_am_i(call, now=NOON)

    assert (identity.account_name, identity.shops[0].currency) == ("Wish m1", "")
    assert (identity.scopes, identity.missing) == (None, ())


def test_a_grant_that_cannot_read_orders_is_refused_with_the_permission_named():
    call = ScriptedCall(WISH, account(scopes="tickets:read"), good({"merchant_id": "m1"}))

    with pytest.raises(NeedsSeller) as raised:
        WISH.who_am_i(call, now=NOON)

    assert (raised.value.fault, raised.value.detail) == (Fault.INSUFFICIENT_SCOPE, "orders:read")


# --- refusals


@pytest.mark.parametrize(
    ("status", "code", "fault"),
    [
        (400, 1007, Fault.TOKEN_EXPIRED),
        (400, 1008, Fault.TOKEN_REVOKED),
        (401, 1012, Fault.INVALID_REQUEST),
        (400, 1006, Fault.INSUFFICIENT_SCOPE),
        (400, 1002, Fault.ACCOUNT_SUSPENDED),
        (400, 10001, Fault.BAD_CREDENTIALS),
        (400, 10002, Fault.INVALID_REQUEST),
        (400, 10004, Fault.INVALID_REQUEST),
        (400, 10008, Fault.INVALID_REQUEST),
        (400, 1001, Fault.INVALID_REQUEST),
        (400, 90001, Fault.INVALID_REQUEST),
        (400, 77777, Fault.INVALID_REQUEST),
        (429, 429, Fault.RATE_LIMITED),
        (503, 5000, Fault.PLATFORM_DOWN),
        (500, 1008, Fault.PLATFORM_DOWN),
    ],
)
@pytest.mark.parametrize("kind", [int, str])
@pytest.mark.parametrize("data", [None, {}, []])
def test_each_code_has_one_meaning_as_a_number_or_a_string(status, code, fault, kind, data):
    body = {"message": "words", "code": kind(code), "data": data}

    assert fault_of(status, body).fault is fault


def test_a_refusal_may_come_with_200():
    assert fault_of(200, {"message": "x", "code": "1007"}).fault is Fault.TOKEN_EXPIRED


@pytest.mark.parametrize("code", [1007, 1008, 10002, 10004, 10008])
def test_a_refused_refresh_token_is_a_grant_that_is_gone(code):
    assert fault_of(400, {"code": code}, REFRESH).fault is Fault.TOKEN_REVOKED


@pytest.mark.parametrize("zero", [0, "0", None, ""])
def test_success_is_no_fault(zero):
    assert WISH.read_fault(ORDERS, answer(200, {"code": zero, "data": []})) is None


@pytest.mark.parametrize("status", [404, 410])
def test_a_platform_that_is_gone_is_said_so(status):
    error = fault_of(status, b"<html>not here</html>")

    assert error.fault is Fault.PLATFORM_DOWN
    assert "may be closed" in error.detail


@pytest.mark.parametrize(
    ("status", "fault"),
    [
        (200, Fault.BAD_RESPONSE),
        (302, Fault.PLATFORM_DOWN),
        (401, Fault.BAD_RESPONSE),
        (403, Fault.PLATFORM_DOWN),
        (502, Fault.PLATFORM_DOWN),
        (400, Fault.INVALID_REQUEST),
    ],
)
def test_pages_of_something_in_between_never_end_a_grant(status, fault):
    assert fault_of(status, b"<html>").fault is fault


def test_the_number_of_the_request_is_kept_for_support():
    given = answer(400, {"code": 1001, "message": "bad"}, {"wish-request-id": "req-12"})

    error = WISH.read_fault(ORDERS, given)

    assert error is not None
    assert error.detail == "1001 bad (request req-12)"


# --- limits

LATER = NOON + timedelta(seconds=90)


@pytest.mark.parametrize(
    "reset",
    ["90", str(int(LATER.timestamp())), "2026-11-21T12:01:30Z", "2026-11-21T20:01:30.000+08:00"],
)
def test_a_reset_is_read_in_three_formats(reset):
    given = answer(429, {}, {"wish-rate-limit-reset": reset})

    assert WISH.read_room(ORDERS, given, now=NOON) == (Room(left=0, until=LATER),)


@pytest.mark.parametrize("reset", ["", "soon", "-5", "1e9999", "99999999999999"])
def test_a_reset_that_makes_no_sense_is_left_alone(reset):
    given = answer(429, {}, {"wish-rate-limit-reset": reset})

    assert WISH.read_room(ORDERS, given, now=NOON) == ()


def test_a_reset_far_away_holds_for_a_day_at_most():
    given = answer(429, {}, {"wish-rate-limit-reset": "2031-01-01T00:00:00Z"})

    (room,) = WISH.read_room(ORDERS, given, now=NOON)

    assert room.until == NOON + timedelta(days=1)


@pytest.mark.parametrize(("stated", "left"), [("7", (7,)), ("500", (500,)), ("", ()), ("x", ())])
def test_each_answer_tells_what_is_left(stated, left):
    given = answer(200, {}, {"wish-rate-limit-remaining": stated})

    assert tuple(room.left for room in WISH.read_room(ORDERS, given, now=NOON)) == left
