"""The emulated Wish is as strict as the fact sheet says."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any

import pytest
from werkzeug.test import Client, TestResponse

from platforms.emulator.accounts import ACCOUNTS, APPS, App
from platforms.emulator.app import Emulator
from platforms.emulator.book import STAGES
from tests.platforms.emulator.acts import Acts, in_query
from tests.platforms.emulator.conftest import Clock
from tests.platforms.emulator.test_payloads import check_openapi, component, contract

CONSENT = "/wish/v3/oauth/authorize"
API = "/wish/api/v3"
OURS = APPS["wish"]
PRIVATE = APPS["wish-coral-app"]
REDIRECT = "http://127.0.0.1:8000/link/callback/wish/"
ADDRESS = "http://127.0.0.1:8000/push/wish/abc"


def agree(client: Client, account: str = "wish-coral", app: App = OURS) -> TestResponse:
    return client.post(
        CONSENT,
        query_string={"client_id": app.client_id, "state": "state-1"},
        data={"account": account, "decision": "agree"},
    )


def exchange(client: Client, code: str, app: App = OURS, **changes: str) -> TestResponse:
    form = {
        "client_id": app.client_id, "client_secret": app.client_secret, "code": code,
        "grant_type": "authorization_code", "redirect_uri": REDIRECT,
    }  # fmt: skip
    return client.post(f"{API}/oauth/access_token", data={**form, **changes})


def granted(client: Client, account: str = "wish-coral", app: App = OURS) -> dict[str, Any]:
    answer = exchange(client, in_query(agree(client, account, app), "code"), app)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json["data"]
    return found


def refresh(client: Client, token: str, app: App = OURS) -> TestResponse:
    query = {
        "client_id": app.client_id, "client_secret": app.client_secret, "refresh_token": token,
        "grant_type": "refresh_token",
    }  # fmt: skip
    return client.get(f"{API}/oauth/refresh_token", query_string=query)


def ask(client: Client, path: str, token: str, **query: Any) -> TestResponse:
    headers = {"Authorization": f"Bearer {token}"}
    return client.get(f"{API}{path}", query_string=query, headers=headers)


def said(answer: TestResponse) -> tuple[int, Any]:
    return answer.status_code, answer.json["code"]


def test_the_state_comes_back_except_where_it_does_not(acts: Acts) -> None:
    usual = agree(acts.client)
    stateless = agree(acts.client, "wish-stateless")

    assert in_query(usual, "state") == "state-1"
    assert "state=" not in stateless.headers["Location"]
    assert in_query(stateless, "code")


def test_only_its_own_merchant_agrees_to_a_private_application(acts: Acts) -> None:
    assert said(agree(acts.client, "wish-pebble", PRIVATE)) == (400, 1006)


def test_a_code_works_once_and_for_its_application(acts: Acts, clock: Clock) -> None:
    code = in_query(agree(acts.client), "code")

    assert said(exchange(acts.client, code, redirect_uri=f"{REDIRECT}x")) == (400, 10001)
    assert said(exchange(acts.client, code, client_secret="wrong")) == (400, 10001)
    assert said(exchange(acts.client, code, PRIVATE)) == (400, 10008)
    assert said(exchange(acts.client, "nothing")) == (400, 10008)
    assert said(exchange(acts.client, code, grant_type="")) == (400, 1001)
    assert said(exchange(acts.client, code)) == (200, 0)
    assert said(exchange(acts.client, code)) == (400, 10002)
    old = in_query(agree(acts.client), "code")
    clock.move(601)
    assert said(exchange(acts.client, old)) == (400, 10004)


def test_a_refresh_ends_every_access_token_given_out_before(acts: Acts) -> None:
    first, second = granted(acts.client), granted(acts.client)
    other = granted(acts.client, app=PRIVATE)

    fresh = refresh(acts.client, first["refresh_token"]).json["data"]

    for token in (first, second):
        assert said(ask(acts.client, "/oauth/test", token["access_token"])) == (400, 1008)
    for token in (fresh, other):
        assert said(ask(acts.client, "/oauth/test", token["access_token"])) == (200, 0)
    assert said(refresh(acts.client, first["refresh_token"])) == (400, 1008)


def test_tokens_end_after_thirty_days(acts: Acts, clock: Clock) -> None:
    token = granted(acts.client)["access_token"]
    clock.move(30 * 86_400 + 1)

    assert said(ask(acts.client, "/oauth/test", token)) == (400, 1007)
    assert said(ask(acts.client, "/oauth/test", "unknown")) == (401, 1012)


@pytest.mark.parametrize(
    "query",
    [
        {"limit": "501"},
        {"limit": "0"},
        {"sort_by": "created_at"},
        {"updated_at_min": "2026-11-20"},
        {"updated_at_min": "2026-11-20T00:00:00"},
        {"states": "PAID"},
        {"order_type": "EXPRESS"},
        {"cursor": "x"},
    ],
)
def test_parameters_outside_the_contract_are_refused(acts: Acts, query: dict[str, str]) -> None:
    token = granted(acts.client)["access_token"]

    assert said(ask(acts.client, "/orders", token, **query)) == (400, 1001)


@pytest.mark.parametrize("number", ["62aa00000000000d1f2c3b4d", "bulk", "62aa"])
def test_an_order_that_is_not_there_is_an_invalid_parameter(acts: Acts, number: str) -> None:
    token = granted(acts.client)["access_token"]

    assert said(ask(acts.client, f"/orders/{number}", token)) == (400, 1001)


def test_one_order_takes_fields_and_nothing_else(acts: Acts) -> None:
    token = granted(acts.client)["access_token"]
    number = ask(acts.client, "/orders", token, limit="1").json["data"][0]["id"]

    some = ask(acts.client, f"/orders/{number}", token, fields="id,state").json["data"]

    assert set(some) == {"id", "state"}
    assert said(ask(acts.client, f"/orders/{number}", token, limit="1")) == (400, 1001)


def test_orders_come_newest_first_unless_asked_otherwise(acts: Acts) -> None:
    token = granted(acts.client)["access_token"]

    default = [o["updated_at"] for o in ask(acts.client, "/orders", token).json["data"]]
    rising = ask(acts.client, "/orders", token, sort_by="updated_at.asc", limit="3").json["data"]

    assert default == sorted(default, reverse=True)
    assert len(default) == ACCOUNTS["wish-coral"].orders
    assert [o["updated_at"] for o in rising] == sorted(default)[:3]


def test_bounds_are_inclusive_and_states_filter(acts: Acts) -> None:
    token = granted(acts.client)["access_token"]
    (newest,) = ask(acts.client, "/orders", token, limit="1").json["data"]
    at = newest["updated_at"]

    same = ask(acts.client, "/orders", token, updated_at_min=at, updated_at_max=at).json["data"]
    approved = ask(acts.client, "/orders", token, states="APPROVED").json["data"]

    assert [o["id"] for o in same] == [newest["id"]]
    assert {o["state"] for o in approved} == {"APPROVED"}


def test_some_orders_share_a_checkout_and_its_buyer(acts: Acts) -> None:
    token = granted(acts.client)["access_token"]
    by_checkout: dict[str, list[dict[str, Any]]] = {}
    for order in ask(acts.client, "/orders", token).json["data"]:
        by_checkout.setdefault(order["transaction_id"], []).append(order)

    pairs = [orders for orders in by_checkout.values() if len(orders) == 2]

    assert len(pairs) == 8
    for pair in pairs:
        names = {o["full_address"]["shipping_detail"]["name"] for o in pair if o["full_address"]}
        assert len(names) <= 1


def test_knobs_take_permissions_and_accounts_away(acts: Acts) -> None:
    token = granted(acts.client)["access_token"]

    acts.knobs("wish-coral", drop_scopes=["orders:read"])
    assert said(ask(acts.client, "/orders", token)) == (400, 1006)
    acts.knobs("wish-coral", suspended=True)
    assert said(ask(acts.client, "/orders", token)) == (400, 1002)
    acts.knobs("wish", throttle=True, retry_after=30)
    throttled = ask(acts.client, "/orders", token)
    assert said(throttled) == (429, "429")
    assert throttled.headers["Wish-Rate-Limit-Reset"] == "30"


def test_only_private_applications_subscribe_by_calls(acts: Acts, emulator: Emulator) -> None:
    body = {"topic": "ORDER_ALL", "endpoint": ADDRESS}
    path = f"{API}/webhook/subscriptions"
    ours, private = granted(acts.client), granted(acts.client, app=PRIVATE)

    def subscribe(token: dict[str, Any]) -> TestResponse:
        headers = {"Authorization": f"Bearer {token['access_token']}"}
        return acts.client.post(path, json=body, headers=headers)

    assert said(subscribe(ours)) == (400, 1006)
    assert said(subscribe(private)) == (200, 0)
    assert said(subscribe(private)) == (400, 1001)
    acts.control("orders/change", account="wish-coral", n=2)
    (sent,) = emulator.state.outbox
    digest = hmac.new(PRIVATE.client_secret.encode(), sent.body, hashlib.sha256).digest()
    assert sent.headers["Wish-Hmac-Sha256"] == base64.b64encode(digest).decode()
    assert (sent.url, len(json.loads(sent.body))) == (ADDRESS, 2)


@pytest.mark.contracts
@pytest.mark.parametrize("account", ["wish-coral", "wish-pebble"])
def test_answers_are_what_the_contract_says(acts: Acts, account: str) -> None:
    document = contract("wish/wish-v3.openapi.json")
    for stage in STAGES:
        acts.control("orders/add", account=account, n=2, stage=stage, ago_seconds=600)
    grant = granted(acts.client, account)

    orders = ask(acts.client, "/orders", grant["access_token"], limit="500").json["data"]
    one = ask(acts.client, f"/orders/{orders[0]['id']}", grant["access_token"]).json["data"]

    assert one == orders[0]
    assert {order["state"] for order in orders} == {
        "REQUIRE_REVIEW", "APPROVED", "SHIPPED", "REFUNDED", "DECLINED",
    }  # fmt: skip
    for order in orders:
        check_openapi(document, component("Order"), order)
    check_openapi(document, component("AccessToken"), grant)
    known = ask(acts.client, "/oauth/test", grant["access_token"]).json["data"]
    check_openapi(document, component("OAuthTest"), known)
