"""Ozon's consent, tokens, and who is behind them."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from datetime import datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from platforms.adapters.ozon import Ozon, oauth
from platforms.errors import Fault, NeedsSeller, PlatformError, TryLater
from platforms.spec import Asked, Request, Window
from tests.platforms.adapters.accounts import OZON_APP, OZON_CONSENT
from tests.support.calls import NOON, ScriptedCall, answer

ozon = Ozon()
POST = Request(method="POST", path="/v4/posting/fbs/list", json={})
TOKEN = Request(
    method="POST",
    path="/oauth/token",
    endpoint="auth",
    json={"grant_type": "authorization_code"},
    signed=False,
)
REFRESH = replace(TOKEN, json={"grant_type": "refresh_token"})
SCOPES = ["seller-api.posting-fbs", "seller-api.posting-fbo"]
COMPANY = {"name": "Example Lights", "currency": "CNY", "legal_name": "Example Co., Ltd."}
NO_ROLE = (403, {"code": 7, "message": "missing a required role for a method"})
OPEN = (200, {"postings": []})
COOKIE = {
    "set-cookie": "__Secure-ETC=abc=12; Path=/; Expires=Sat, 21 Nov 2026 12:10:00 GMT; Secure"
}


def jwt(**claims) -> str:
    parts = [{"alg": "none"}, claims, {}]
    texts = [base64.urlsafe_b64encode(json.dumps(part).encode()) for part in parts]
    return b".".join(text.rstrip(b"=") for text in texts).decode()


def seconds(at: datetime) -> int:
    return int(at.timestamp())


def grant(**changes) -> dict:
    fresh = {
        "access_token": jwt(exp=seconds(NOON + timedelta(minutes=40))),
        "refresh_token": "rt-2",
        "expires_in": seconds(NOON + timedelta(days=365)),
        "scope": SCOPES,
        "token_type": "Bearer",
    }
    return {**fresh, **changes}


def exchange(call):
    return ozon.exchange(call, code="the-code", verifier="", params={}, now=NOON)


def with_token(token: str):
    return replace(OZON_CONSENT, secrets={**OZON_CONSENT.secrets, "access_token": token})


# --- consent page


def test_the_consent_page_is_asked_for_an_offline_grant_of_one_cabinet():
    mode = ozon.mode("authorization_code")
    url = ozon.consent_url(Asked(app=OZON_APP, mode=mode, state="st-1", now=NOON))

    parts = urlsplit(url)
    assert (parts.scheme, parts.netloc) == ("https", "seller.ozon.ru")
    assert parts.path == "/app/appstore/oauth/authorize"
    assert {name: values[0] for name, values in parse_qs(parts.query).items()} == {
        "response_type": "code",
        "access_type": "offline",
        "client_id": OZON_APP.client_id,
        "redirect_uri": OZON_APP.redirect_uri,
        "scope": "seller-api.posting-fbs seller-api.posting-fbo",
        "state": "st-1",
        "prompt": "select_company",
    }


def test_a_code_comes_back():
    assert ozon.read_callback({"code": "c1", "state": "s"}, OZON_CONSENT, now=NOON) == "c1"


@pytest.mark.parametrize("params", [{}, {"error": "access_denied"}, {"code": "c", "error": "x"}])
def test_no_code_is_no_consent(params):
    with pytest.raises(NeedsSeller) as caught:
        ozon.read_callback(params, OZON_CONSENT, now=NOON)

    assert caught.value.fault is Fault.CONSENT_DENIED


# --- token endpoint


def test_the_code_is_exchanged_in_json_and_unsigned():
    call = ScriptedCall(ozon, replace(OZON_CONSENT, secrets={}), (200, grant()))

    found = exchange(call)

    (sent,) = call.sent
    assert (sent.endpoint, sent.path, sent.form) == ("auth", "/oauth/token", None)
    assert sent.json == {
        "grant_type": "authorization_code",
        "client_id": OZON_APP.client_id,
        "client_secret": OZON_APP.client_secret,
        "code": "the-code",
        "redirect_uri": OZON_APP.redirect_uri,
    }
    assert "authorization" not in sent.headers
    assert (found.refresh_token, found.scopes) == ("rt-2", tuple(SCOPES))
    assert found.access_expires_at == NOON + timedelta(minutes=40)


def test_a_refresh_may_leave_the_refresh_token_out():
    call = ScriptedCall(ozon, OZON_CONSENT, (200, grant(refresh_token=None, scope=None)))

    found = ozon.refresh(call, now=NOON)

    assert (found.refresh_token, found.scopes) == (None, None)
    assert call.sent[0].json["refresh_token"] == "rt-example"
    assert "code" not in call.sent[0].json


@pytest.mark.parametrize("changes", [{"refresh_token": None}, {"access_token": ""}])
def test_a_grant_that_cannot_last_is_not_taken(changes):
    with pytest.raises(TryLater):
        exchange(ScriptedCall(ozon, OZON_CONSENT, (200, grant(**changes))))


@pytest.mark.parametrize("status", [302, 307])
def test_a_cookie_test_is_passed_with_the_very_same_post(status):
    call = ScriptedCall(ozon, OZON_CONSENT, (status, b"", COOKIE), (200, grant()))

    exchange(call)

    first, second = call.sent
    assert second == replace(first, headers={"cookie": "__Secure-ETC=abc=12"})


def test_a_second_cookie_test_is_a_disturbance():
    call = ScriptedCall(ozon, OZON_CONSENT, (302, b"", COOKIE), (302, b"", COOKIE))

    with pytest.raises(TryLater):
        exchange(call)
    assert len(call.sent) == 2


@pytest.mark.parametrize("headers", [{}, {"set-cookie": ""}, {"set-cookie": "; Path=/"}])
def test_a_redirect_without_a_cookie_is_a_disturbance(headers):
    call = ScriptedCall(ozon, OZON_CONSENT, (307, b"", headers))

    with pytest.raises(TryLater):
        exchange(call)


def test_a_redirect_of_an_ordinary_call_is_never_followed():
    error = ozon.read_fault(POST, answer(302, b"", COOKIE))

    assert error is not None
    assert error.fault is Fault.PLATFORM_DOWN


@pytest.mark.parametrize(
    ("header", "sent"),
    [
        ("a=1", "a=1"),
        ("a=1; Path=/; Expires=Sat, 21 Nov 2026 12:00:00 GMT, b=2; Secure", "a=1; b=2"),
        ("a=; Path=/", "a="),
        ("a=1\r\nx-evil: 1", "a=1"),
        ("nothing", ""),
    ],
)
def test_of_cookies_only_names_and_values_go_back(header, sent):
    assert oauth.cookie_of(answer(302, b"", {"set-cookie": header})) == sent


@pytest.mark.parametrize(
    ("claims", "expires_in", "lasts"),
    [
        ({"exp": seconds(NOON) + 900}, 1800, timedelta(minutes=15)),
        ({"exp": seconds(NOON) - 900}, 1800, timedelta(minutes=30)),
        ({"exp": "soon"}, 1200, timedelta(minutes=20)),
        ({}, seconds(NOON) + 3600, timedelta(hours=1)),
        ({}, 1_500_000_000, timedelta(minutes=30)),  # a moment long past
        ({}, 90 * 86_400, timedelta(days=90)),
        ({}, 90 * 86_400 + 1, timedelta(minutes=30)),
        ({}, 0, timedelta(minutes=30)),
        ({}, -5, timedelta(minutes=30)),
        ({}, None, timedelta(minutes=30)),
        ({"exp": 10**30}, 10**15, timedelta(minutes=30)),
    ],
)
def test_the_end_of_a_token_is_what_can_be_believed(claims, expires_in, lasts):
    token = jwt(**claims)

    assert oauth.access_expires_at(token, expires_in, now=NOON) == NOON + lasts


@pytest.mark.parametrize("token", ["", "opaque", "a.b.c", "a.%%%.c", "..", "a.bnVsbA.c"])
def test_a_token_need_not_be_readable(token):
    assert oauth.claims(token) == {}
    assert oauth.access_expires_at(token, 600, now=NOON) == NOON + timedelta(minutes=10)


@pytest.mark.parametrize(
    ("request_", "status", "body", "fault"),
    [
        (REFRESH, 400, {"error": "invalid_grant"}, Fault.TOKEN_REVOKED),
        (REFRESH, 401, {"code": 16, "message": "token is not active"}, Fault.TOKEN_REVOKED),
        (REFRESH, 400, {"message": "application is disconnected"}, Fault.TOKEN_REVOKED),
        (REFRESH, 401, {"error": "invalid_client"}, Fault.BAD_CREDENTIALS),
        (REFRESH, 400, {"error": "invalid_request"}, Fault.INVALID_REQUEST),
        (REFRESH, 403, {"message": "something new"}, Fault.UNKNOWN),
        (REFRESH, 400, b"<html>", Fault.INVALID_REQUEST),
        (REFRESH, 401, b"<html>", Fault.BAD_RESPONSE),
        (REFRESH, 503, {"error": "invalid_grant"}, Fault.PLATFORM_DOWN),
        (TOKEN, 400, {"error": "invalid_grant"}, Fault.INVALID_REQUEST),
        (TOKEN, 400, {"message": "code is expired"}, Fault.INVALID_REQUEST),
        (TOKEN, 401, {"error": "invalid_client", "message": "no"}, Fault.BAD_CREDENTIALS),
        (TOKEN, 401, {"message": "unknown client"}, Fault.BAD_CREDENTIALS),
        (TOKEN, 429, {"code": 8}, Fault.RATE_LIMITED),
        (TOKEN, 200, b"<html>", Fault.BAD_RESPONSE),
        (POST, 401, {"code": 16, "message": "token is invalid"}, Fault.TOKEN_EXPIRED),
        (POST, 401, b"", Fault.TOKEN_EXPIRED),
    ],
)
def test_refusals_of_tokens_have_a_name(request_, status, body, fault):
    assert ozon.read_fault(request_, answer(status, body)).fault is fault


# --- calling


def test_a_token_goes_alone():
    signed = ozon.sign(POST, with_token("tok"), now=NOON)

    assert signed.headers["authorization"] == "Bearer tok"
    assert not {"Client-Id", "Api-Key"} & set(signed.headers)


@pytest.mark.parametrize("token", ["", "токен"])
def test_without_a_token_a_new_one_is_due(token):
    with pytest.raises(NeedsSeller) as caught:
        ozon.sign(POST, with_token(token), now=NOON)

    assert caught.value.fault is Fault.TOKEN_EXPIRED


def test_a_consent_is_refreshed_and_keys_are_not():
    said = {"code": 16, "message": "Client-Id and Api-Key headers are required"}

    assert ozon.can_refresh(OZON_CONSENT)
    for body in (said, {"code": 16, "message": "token is invalid"}):
        assert ozon.worth_refreshing(ozon.read_fault(POST, answer(401, body)))
    assert not ozon.worth_refreshing(ozon.read_fault(POST, answer(403, {"message": "no"})))


# --- who we are


def test_a_token_that_names_the_cabinet_is_the_same_shop_as_its_keys():
    account = with_token(jwt(client_id="0a1b", company_id=1234567))
    call = ScriptedCall(ozon, account, OPEN, OPEN, (200, {"company": COMPANY}))

    found = ozon.who_am_i(call, now=NOON)

    assert (found.account_id, found.account_name) == ("1234567", "Example Lights")
    assert found.shops[0].external_id == "1234567"
    assert (found.scopes, found.missing, found.consent_expires_at) == (None, (), None)
    assert "/v1/roles" not in [request.path for request in call.sent]
    assert [request.json["limit"] for request in call.sent[:2]] == [1, 1]


def test_a_token_that_names_nobody_is_known_by_whose_company_it_is():
    answers = [OPEN, OPEN, (200, {"company": COMPANY})]
    renamed = [OPEN, OPEN, (200, {"company": {**COMPANY, "name": "Renamed"}})]
    other = [OPEN, OPEN, (200, {"company": {**COMPANY, "legal_name": "Other Co., Ltd."}})]
    account = with_token(jwt(client_id="1234567", company_id="x"))

    found, same, different = (
        ozon.who_am_i(ScriptedCall(ozon, account, *script), now=NOON).account_id
        for script in (answers, renamed, other)
    )

    assert found == same != different
    assert found.startswith("org-")


@pytest.mark.parametrize("info", [NO_ROLE, (200, {"company": {"name": "Only a name"}}), (200, {})])
def test_a_shop_that_nothing_identifies_is_not_linked(info):
    call = ScriptedCall(ozon, OZON_CONSENT, OPEN, OPEN, info)

    with pytest.raises(NeedsSeller) as caught:
        ozon.who_am_i(call, now=NOON)

    assert caught.value.fault is Fault.INSUFFICIENT_SCOPE


def test_a_list_that_does_not_open_is_a_missing_scope():
    account = with_token(jwt(seller_id="1234567"))
    call = ScriptedCall(ozon, account, OPEN, NO_ROLE, NO_ROLE)

    found = ozon.who_am_i(call, now=NOON)

    assert found.missing == ("seller-api.posting-fbo",)
    assert found.account_name == "Ozon 1234567"


def test_a_consent_to_neither_list_is_refused():
    with pytest.raises(PlatformError) as caught:
        ozon.who_am_i(ScriptedCall(ozon, OZON_CONSENT, NO_ROLE, NO_ROLE), now=NOON)

    assert caught.value.fault is Fault.INSUFFICIENT_SCOPE


def test_orders_are_asked_for_as_with_keys():
    call = ScriptedCall(ozon, OZON_CONSENT, OPEN)
    window = Window(since=NOON - timedelta(hours=1), until=NOON - timedelta(minutes=1))

    assert ozon.fetch_orders(call, window=window, cursor=None, now=NOON).kind == "fbs"
    assert call.sent[0].headers["authorization"].startswith("Bearer ")


# --- what is typed


def test_the_number_of_the_shop_is_not_the_id_of_an_application():
    mode = ozon.mode("own_app")
    field = next(each for each in mode.fields if each.app == "client_id")

    assert "number of the shop" in str(ozon.explain_value(mode, field, "1234567"))
    assert "Performance API" in str(
        ozon.explain_value(mode, field, "1-2@advertising.performance.ozon.ru")
    )
    assert ozon.explain_value(mode, field, OZON_APP.client_id) is None


def test_keys_come_first_and_advertising_leads_there():
    assert [mode.code for mode in ozon.modes if mode.recommended] == ["api_key"]
    assert ozon.mode("performance_api").instead == ("api_key",)
