from __future__ import annotations

import base64
from typing import Any

import pytest

from platforms.emulator.accounts import APPS
from platforms.emulator.cast.ebay import EBAY_SCOPE
from tests.platforms.emulator.acts import (
    EBAY_CONSENT,
    EBAY_ORDERS,
    EBAY_TOKEN,
    EBAY_USER,
    Acts,
    in_query,
)
from tests.platforms.emulator.conftest import Clock

APP = APPS["ebay"]


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"client_id": "Emulator-Nobody-PRD-e2e0e2e0e2e0-00000000"}, "unauthorized_client"),
        ({"redirect_uri": "http://127.0.0.1:8000/link/callback/ebay/"}, "invalid_request"),
        ({"redirect_uri": APPS["ebay-other"].redirect}, "invalid_request"),
        ({"response_type": "token"}, "invalid_request"),
        ({"scope": ""}, "invalid_scope"),
        ({"scope": f"{EBAY_SCOPE}/sell.everything"}, "invalid_scope"),
    ],
)
def test_consent_page_refuses_what_ebay_refuses(
    acts: Acts, changes: dict[str, Any], error: str
) -> None:
    response = acts.client.get(EBAY_CONSENT, query_string=acts.ebay_asked(**changes))

    assert response.status_code == 400
    assert response.json == {"error_id": error, "http_status_code": 400}


def test_consent_page_speaks_the_browsers_language_and_needs_no_script(acts: Acts) -> None:
    pages = [
        acts.client.get(
            EBAY_CONSENT, query_string=acts.ebay_asked(), headers={"Accept-Language": language}
        )
        for language in ("zh-CN,zh;q=0.9", "en-GB", "fr")
    ]

    assert ["同意并继续" in p.text for p in pages] == [True, False, False]
    assert all("sell.fulfillment.readonly" in p.text for p in pages)
    assert all("<script" not in p.text and "style=" not in p.text for p in pages)
    assert all(p.headers["Content-Security-Policy"].startswith("default-src 'self'") for p in pages)


def test_agreeing_leads_to_the_accept_url_with_a_code_that_works_once(acts: Acts) -> None:
    back = acts.ebay_agree()
    assert back.headers["Location"].startswith("http://127.0.0.1:8000/link/callback/ebay/?state=")
    assert in_query(back, "expires_in") == "299"
    code = in_query(back, "code")

    first, second = acts.ebay_exchange(code), acts.ebay_exchange(code)

    assert first.json["expires_in"] == 7200
    assert first.json["refresh_token_expires_in"] == 47_304_000
    assert first.json["token_type"] == "User Access Token"
    assert (second.status_code, second.json["error"]) == (400, "invalid_grant")


def test_declining_leads_to_the_declined_url_without_parameters(acts: Acts) -> None:
    response = acts.client.post(
        EBAY_CONSENT, query_string=acts.ebay_asked(), data={"decision": "decline"}
    )

    assert response.headers["Location"] == "http://127.0.0.1:8000/link/declined/ebay/"


def test_the_code_dies_after_five_minutes(acts: Acts, clock: Clock) -> None:
    code = in_query(acts.ebay_agree(), "code")
    clock.move(300)

    assert acts.ebay_exchange(code).json["error"] == "invalid_grant"


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"redirect_uri": ""}, "invalid_request"),
        ({"code": ""}, "invalid_request"),
        ({"redirect_uri": "http://127.0.0.1:8000/link/callback/ebay/"}, "invalid_grant"),
        ({"code": "v%5E1.1%23i%5E1"}, "invalid_grant"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": ""}, "invalid_request"),
    ],
)
def test_exchange_refuses(acts: Acts, changes: dict[str, Any], error: str) -> None:
    code = in_query(acts.ebay_agree(), "code")
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": APP.redirect}

    response = acts.ebay_token(**{**form, **changes})

    assert (response.status_code, response.json["error"]) == (400, error)


def test_a_code_of_another_keyset_is_refused(acts: Acts) -> None:
    code = in_query(acts.ebay_agree(), "code")

    assert acts.ebay_exchange(code, APPS["ebay-other"]).json["error"] == "invalid_grant"


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "Basic !!!",
        "Basic " + base64.b64encode(f"{APP.client_id}:wrong".encode()).decode(),
        "Basic " + base64.b64encode(b"Emulator-Storelin-SBX-e2e0:x").decode(),
        "Bearer " + APP.client_secret,
    ],
)
def test_wrong_client_credentials_are_401_invalid_client(acts: Acts, authorization: str) -> None:
    headers = {"Authorization": authorization} if authorization else {}
    form = {"grant_type": "refresh_token", "refresh_token": "x"}

    response = acts.client.post(EBAY_TOKEN, data=form, headers=headers)

    assert response.status_code == 401
    assert response.json == {
        "error": "invalid_client",
        "error_description": "client authentication failed",
    }


def test_a_json_body_is_refused(acts: Acts) -> None:
    auth = (APP.client_id, APP.client_secret)
    body = {"grant_type": "refresh_token", "refresh_token": "x"}

    assert acts.client.post(EBAY_TOKEN, json=body, auth=auth).json["error"] == "invalid_request"


def test_refresh_gives_an_access_token_and_keeps_the_refresh_token(acts: Acts) -> None:
    grant = acts.ebay_grant()

    answers = [acts.ebay_refresh(grant["refresh_token"]).json for _ in range(2)]

    assert all(set(a) == {"access_token", "expires_in", "token_type"} for a in answers)
    tokens = [grant["access_token"], *(a["access_token"] for a in answers)]
    assert [acts.ebay_get(EBAY_USER, t).status_code for t in tokens] == [200, 200, 200]


def test_refresh_may_ask_fewer_scopes_but_not_more(acts: Acts) -> None:
    refresh_token = acts.ebay_grant()["refresh_token"]
    fewer = acts.ebay_refresh(refresh_token, scope=f"{EBAY_SCOPE}/commerce.identity.readonly")
    more = acts.ebay_refresh(refresh_token, scope=f"{EBAY_SCOPE}/sell.finances")

    token = fewer.json["access_token"]
    assert acts.ebay_get(EBAY_USER, token).status_code == 200
    assert acts.ebay_get(EBAY_ORDERS, token).status_code == 403
    assert more.json["error"] == "invalid_scope"


def test_refresh_of_another_keyset_or_an_unknown_token_is_invalid_grant(acts: Acts) -> None:
    refresh_token = acts.ebay_grant()["refresh_token"]

    assert acts.ebay_refresh(refresh_token, APPS["ebay-other"]).json["error"] == "invalid_grant"
    assert acts.ebay_refresh("v^1.1#made#up").json["error"] == "invalid_grant"


def test_access_tokens_end_after_two_hours_and_refresh_tokens_after_18_months(
    acts: Acts, clock: Clock
) -> None:
    grant = acts.ebay_grant()
    clock.move(7_200)
    assert acts.ebay_get(EBAY_USER, grant["access_token"]).json["errors"][0]["errorId"] == 1001
    assert acts.ebay_refresh(grant["refresh_token"]).status_code == 200

    clock.move(47_304_000)

    assert acts.ebay_refresh(grant["refresh_token"]).json["error"] == "invalid_grant"


def test_an_application_token_does_not_open_seller_data(acts: Acts) -> None:
    answer = acts.ebay_token(grant_type="client_credentials", scope=EBAY_SCOPE).json

    assert answer["token_type"] == "Application Access Token"
    assert "refresh_token" not in answer
    response = acts.ebay_get(EBAY_ORDERS, answer["access_token"])
    assert (response.status_code, response.json["errors"][0]["errorId"]) == (403, 1100)


def test_calls_without_a_token_or_with_a_foreign_one_are_401(acts: Acts) -> None:
    missing = acts.client.get(EBAY_USER)
    foreign = acts.ebay_get(EBAY_USER, acts.amazon_self())

    assert (missing.status_code, missing.json["errors"][0]["errorId"]) == (401, 1002)
    assert (foreign.status_code, foreign.json["errors"][0]["errorId"]) == (401, 1001)


def test_who_am_i_names_the_account_that_agreed(acts: Acts) -> None:
    token = acts.ebay_grant("ebay-hold")["access_token"]

    assert acts.ebay_get(EBAY_USER, token).json == {
        "userId": "eMuOnHoLd03",
        "username": "emu_hold_gadgets",
        "accountType": "INDIVIDUAL",
        "registrationMarketplaceId": "EBAY_DE",
        "status": "ACCOUNTONHOLD",
    }


def test_the_accept_url_can_be_moved(acts: Acts) -> None:
    acts.control("callback_base", url="http://127.0.0.1:8765/")

    back = acts.ebay_agree().headers["Location"]

    assert back.startswith("http://127.0.0.1:8765/link/callback/ebay/?")
