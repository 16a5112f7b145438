"""The emulated consent, tokens and pushes of Ozon are as strict as told."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from werkzeug.test import TestResponse

from platforms.emulator.accounts import APPS
from platforms.emulator.app import Emulator
from platforms.emulator.ozon_oauth import CONSENT, COOKIE, TOKEN
from tests.platforms.emulator.acts import Acts, in_query
from tests.platforms.emulator.conftest import NOON, Clock

APP = APPS["ozon"]
KEYS = {"client_id": APP.client_id, "client_secret": APP.client_secret}
REDIRECT = "http://127.0.0.1:8000/link/callback/ozon/"
ASKED = {
    "response_type": "code",
    "access_type": "offline",
    "client_id": APP.client_id,
    "redirect_uri": REDIRECT,
    "scope": "seller-api.posting-fbs seller-api.posting-fbo",
    "state": "state-1",
    "prompt": "select_company",
}
URL = "https://erp.example.com/hook/1"
TYPES = ["TYPE_NEW_POSTING", "TYPE_STATE_CHANGED"]


def agree(acts: Acts, account: str = "ozon-zarya", **changes: str) -> TestResponse:
    return acts.client.post(
        CONSENT,
        query_string={**ASKED, **changes},
        data={"account": account, "decision": changes.pop("decision", "agree")},
    )


def token(acts: Acts, **body: str) -> TestResponse:
    answer = acts.client.post(TOKEN, json={**KEYS, **body})
    if answer.status_code == 302:  # the cookie is in the jar now
        answer = acts.client.post(TOKEN, json={**KEYS, **body})
    return answer


def exchange(acts: Acts, code: str, **changes: str) -> TestResponse:
    return token(
        acts,
        **{"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT},
        **changes,
    )


def grant(acts: Acts, account: str = "ozon-zarya", **changes: str) -> dict[str, Any]:
    answer = exchange(acts, in_query(agree(acts, account, **changes), "code"))
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json  # type: ignore[assignment]
    return found


def ask(acts: Acts, path: str, value: str, body: Any = None, **headers: str) -> TestResponse:
    named = {"Authorization": f"Bearer {value}", **headers}
    return acts.client.post(f"/ozon/api{path}", json=body, headers=named)


def fbs(acts: Acts, value: str, **headers: str) -> TestResponse:
    window = {"since": "2026-10-01T00:00:00Z", "to": "2026-11-21T12:00:00Z"}
    return ask(acts, "/v4/posting/fbs/list", value, {"filter": window, "limit": 1}, **headers)


@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": "unknown"},
        {"redirect_uri": "https://elsewhere.example/"},
        {"response_type": "token"},
        {"access_type": "forever"},
        {"scope": ""},
        {"scope": "seller-api.everything"},
        {"prompt": "login"},
    ],
)
def test_a_consent_that_is_asked_for_wrongly_is_refused(
    acts: Acts, changes: dict[str, str]
) -> None:
    assert acts.client.get(CONSENT, query_string={**ASKED, **changes}).status_code == 400
    assert agree(acts, **changes).status_code == 400


def test_declining_sends_an_error_and_the_state_back(acts: Acts) -> None:
    back = acts.client.post(CONSENT, query_string=ASKED, data={"decision": "decline"})

    assert in_query(back, "error") == "access_denied"
    assert in_query(back, "state") == "state-1"


def test_a_cookie_is_good_for_one_body_only(acts: Acts) -> None:
    first = acts.client.post(TOKEN, json={**KEYS, "grant_type": "refresh_token"})
    other = acts.client.post(TOKEN, json={**KEYS, "grant_type": "authorization_code"})

    assert COOKIE in first.headers["Set-Cookie"]
    assert other.status_code == 302


def test_a_grant_tells_its_end_as_a_point_in_time(acts: Acts) -> None:
    found = grant(acts)

    claims = found["access_token"].split(".")[1]
    told = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))
    assert found["expires_in"] == told["exp"] == int(NOON) + 1800
    assert told["company_id"] == 9900001
    assert found["scope"] == ASKED["scope"].split()
    assert fbs(acts, found["access_token"]).status_code == 200


def test_without_offline_access_there_is_no_refresh_token(acts: Acts) -> None:
    assert "refresh_token" not in grant(acts, access_type="online")


@pytest.mark.parametrize(
    "changes",
    [
        {"redirect_uri": "https://elsewhere.example/"},
        {"client_secret": "wrong"},
        {"code": "unknown"},
        {"grant_type": "client_credentials"},
    ],
)
def test_a_code_is_exchanged_by_its_application_alone(acts: Acts, changes: dict[str, str]) -> None:
    code = in_query(agree(acts), "code")
    body = {"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT}

    assert token(acts, **{**body, **changes}).status_code in (400, 401)
    assert token(acts, **body).status_code == 200
    assert token(acts, **body).json["error"] == "invalid_grant"


def test_a_code_is_too_old_after_five_minutes(acts: Acts, clock: Clock) -> None:
    code = in_query(agree(acts), "code")
    clock.move(301)

    assert exchange(acts, code).json["error"] == "invalid_grant"


def test_refreshing_rotates_only_when_told(acts: Acts) -> None:
    old = grant(acts)["refresh_token"]
    assert "refresh_token" not in token(acts, grant_type="refresh_token", refresh_token=old).json

    acts.knobs("ozon", rotate="strict")
    new = token(acts, grant_type="refresh_token", refresh_token=old).json["refresh_token"]

    assert token(acts, grant_type="refresh_token", refresh_token=old).status_code == 400
    assert token(acts, grant_type="refresh_token", refresh_token=new).status_code == 200


def test_tokens_end_and_are_never_sent_with_a_key(acts: Acts, clock: Clock) -> None:
    value = grant(acts)["access_token"]
    both = {"Client-Id": "9900001", "Api-Key": "x"}
    assert fbs(acts, value, **both).status_code == 400
    assert ask(acts, "/v1/roles", value).status_code == 403
    clock.move(1801)

    assert fbs(acts, value).status_code == 401


def test_scopes_open_what_they_name(acts: Acts) -> None:
    value = grant(acts, scope="seller-api.posting-fbo")["access_token"]

    assert fbs(acts, value).status_code == 403
    assert ask(acts, "/v1/seller/info", value).status_code == 200


def test_a_grant_the_seller_removed_is_over(acts: Acts) -> None:
    found = grant(acts)
    acts.control("revoke", account="ozon-zarya")

    assert fbs(acts, found["access_token"]).status_code == 401
    refreshed = token(acts, grant_type="refresh_token", refresh_token=found["refresh_token"])
    assert refreshed.json["error"] == "invalid_grant"


# --- pushes


def notify(acts: Acts, name: str, body: Any = None) -> TestResponse:
    return acts.ozon(f"/v1/notification/{name}", body)


def test_an_address_is_pinged_listed_and_deleted(acts: Acts, emulator: Emulator) -> None:
    assert notify(acts, "set", {"url": URL, "types": TYPES}).status_code == 200
    (ping,) = emulator.state.outbox
    assert json.loads(ping.body)["message_type"] == "TYPE_PING"

    (listed,) = notify(acts, "list").json["urls"]
    assert (listed["url"], listed["enable"]) == (URL, True)
    assert notify(acts, "set", {"url": URL, "types": TYPES}).status_code == 409
    assert notify(acts, "delete", {"id": listed["id"]}).status_code == 200
    assert notify(acts, "delete", {"id": listed["id"]}).status_code == 404
    assert notify(acts, "list").json == {"urls": []}


@pytest.mark.parametrize(
    "body",
    [
        {"url": "http://erp.example.com/hook", "types": TYPES},
        {"url": URL, "types": []},
        {"url": URL, "types": ["TYPE_KEY_REVOKED"]},
        {"url": URL, "types": TYPES, "secret": "x"},
        {"types": TYPES},
    ],
)
def test_an_address_that_ozon_would_not_take_is_refused(acts: Acts, body: Any) -> None:
    assert notify(acts, "set", body).status_code == 400


def test_only_what_was_asked_for_is_pushed_and_nothing_once_disabled(
    acts: Acts, emulator: Emulator
) -> None:
    notify(acts, "set", {"url": URL, "types": ["TYPE_STATE_CHANGED"]})
    acts.control("outbox/clear")
    acts.control("orders/add", account="ozon-zarya", n=10, stage="new")
    assert not emulator.state.outbox

    acts.control("push", account="ozon-zarya", topic="TYPE_STATE_CHANGED")
    (sent,) = emulator.state.outbox
    assert json.loads(sent.body)["seller_id"] == 9900001
    number = notify(acts, "list").json["urls"][0]["id"]
    notify(acts, "enable", {"id": number, "enabled": False})
    refused = acts.client.post(
        "/control/api/push", json={"account": "ozon-zarya", "topic": "TYPE_STATE_CHANGED"}
    )
    assert refused.status_code == 400
