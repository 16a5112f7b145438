"""The emulated Shopify is as strict as the real one."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Any

import pytest

from platforms.emulator.accounts import ACCOUNTS, APPS
from platforms.emulator.app import Emulator
from tests.platforms.emulator.acts import Acts, in_query
from tests.platforms.emulator.conftest import Clock

SHOP = "/shopify/emu-lantern.myshopify.com"
TOKEN = f"{SHOP}/admin/oauth/access_token"
GRAPHQL = f"{SHOP}/admin/api/2026-07/graphql.json"
APP = APPS["shopify"]
CLIENT = {"client_id": APP.client_id, "client_secret": APP.client_secret}
OWN = ACCOUNTS["shopify-lantern"].ways()["client_credentials"]
MINT = {k: OWN[k] for k in ("client_id", "client_secret")} | {"grant_type": "client_credentials"}
CONSENT = {
    "client_id": APP.client_id,
    "redirect_uri": "http://127.0.0.1:8000/link/callback/shopify/",
    "scope": "read_orders",
    "state": "st",
}
ORDERS = """query Page($first: Int!, $after: String, $query: String) {
  orders(first: $first, after: $after, query: $query, sortKey: UPDATED_AT) {
    pageInfo { hasNextPage endCursor } nodes { id updatedAt ...Lines } } }
fragment Lines on Order { lineItems(first: 1) { pageInfo { hasNextPage } nodes { id } } }"""


def agree(acts: Acts, **changes: str) -> Any:
    return acts.client.post(
        f"{SHOP}/admin/oauth/authorize",
        query_string=CONSENT | changes,
        data={"decision": "agree", "account": "shopify-lantern"},
    )


def exchange(acts: Acts, code: str, **changes: str) -> Any:
    return acts.client.post(TOKEN, data=CLIENT | {"code": code, "expiring": "1"} | changes)


def pair(acts: Acts) -> Any:
    return exchange(acts, in_query(agree(acts), "code")).json


def ask(acts: Acts, query: str, token: str = "", /, **variables: object) -> Any:
    token = token or acts.client.post(TOKEN, data=MINT).json["access_token"]  # type: ignore[index]
    headers = {"X-Shopify-Access-Token": token}
    body = {"query": query, "variables": variables}
    return acts.client.post(GRAPHQL, json=body, headers=headers)


def code_of(response: Any) -> str:
    return str(response.json["errors"][0]["extensions"]["code"])


def test_the_callback_is_signed_over_everything_else(acts: Acts) -> None:
    back = agree(acts)

    names = ("code", "host", "shop", "state", "timestamp")
    text = "&".join(f"{name}={in_query(back, name)}" for name in names)
    digest = hmac.new(APP.client_secret.encode(), text.encode(), hashlib.sha256).hexdigest()
    assert in_query(back, "hmac") == digest


@pytest.mark.parametrize(
    "changes", [{"redirect_uri": "https://evil.example/"}, {"client_id": "x"}, {"scope": "admin"}]
)
def test_a_consent_that_the_app_may_not_ask_for_is_refused(
    acts: Acts, changes: dict[str, str]
) -> None:
    assert agree(acts, **changes).status_code == 400


def test_a_code_works_once_and_only_for_its_app(acts: Acts) -> None:
    code = in_query(agree(acts), "code")

    wrong = exchange(acts, code, client_secret="shpss_wrong")
    assert (wrong.status_code, wrong.json["error"]) == (400, "invalid_client")
    assert exchange(acts, code).json["expires_in"] == 3600
    assert exchange(acts, code).json["error"] == "invalid_request"


def test_a_permanent_token_of_a_public_app_opens_nothing(acts: Acts) -> None:
    token = exchange(acts, in_query(agree(acts), "code"), expiring="0").json

    assert "expires_in" not in token
    refused = ask(acts, "{ shop { id } }", token["access_token"])
    assert (refused.status_code, "Non-expiring" in refused.json["errors"]) == (403, True)


def refresh(acts: Acts, token: str) -> Any:
    body = CLIENT | {"grant_type": "refresh_token", "refresh_token": token}
    return acts.client.post(TOKEN, data=body)


def test_an_old_refresh_token_can_be_repeated_until_the_new_one_is_used(acts: Acts) -> None:
    first = pair(acts)["refresh_token"]
    second = refresh(acts, first).json["refresh_token"]

    assert refresh(acts, first).status_code == 200
    assert refresh(acts, second).status_code == 200
    assert refresh(acts, first).json["error"] == "invalid_grant"


def test_own_keys_open_only_shops_of_their_organisation(acts: Acts) -> None:
    foreign = TOKEN.replace("emu-lantern", "emu-harbour")

    assert acts.client.post(TOKEN, data=MINT).json["expires_in"] == 86399  # type: ignore[index]
    refused = acts.client.post(foreign, data=MINT)
    assert refused.text.startswith("Oauth error shop_not_permitted")


def test_a_token_opens_its_own_shop_for_its_time(acts: Acts, clock: Clock) -> None:
    token = pair(acts)["access_token"]

    assert ask(acts, "{ shop { id } }", token).status_code == 200
    elsewhere = acts.client.post(
        GRAPHQL.replace("emu-lantern", "emu-harbour"),
        json={"query": "{ shop { id } }"},
        headers={"X-Shopify-Access-Token": token},
    )
    clock.move(3601)
    assert elsewhere.status_code == 401
    assert ask(acts, "{ shop { id } }", token).status_code == 401


def test_orders_are_paged_by_change_without_gaps(acts: Acts) -> None:
    seen: list[str] = []
    after = None
    while True:
        page = ask(acts, ORDERS, first=10, after=after).json["data"]["orders"]
        seen += [node["updatedAt"] for node in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break

    assert len(seen) == 44
    assert seen == sorted(seen)


def test_the_search_selects_by_time_of_change(acts: Acts) -> None:
    query = "updated_at:>='2026-11-21T00:00:00Z' updated_at:<'2026-11-21T12:00:00Z'"

    found = ask(acts, ORDERS, first=50, query=query).json["data"]["orders"]["nodes"]

    assert found
    assert all("2026-11-21T00" <= node["updatedAt"] < "2026-11-21T12" for node in found)


@pytest.mark.parametrize(
    ("name", "found"),
    [("#1001", 1), ("1001", 1), ("#100", 9), ("#1999", 0), ("#1001'OR", None)],
)
def test_the_search_finds_names_by_their_beginning(
    acts: Acts, name: str, found: int | None
) -> None:
    answer = ask(acts, ORDERS, first=50, query=f"name:'{name}'")

    if found is None:
        assert code_of(answer) == "BAD_REQUEST"
    else:
        assert len(answer.json["data"]["orders"]["nodes"]) == found


@pytest.mark.parametrize(
    ("variables", "code"),
    [
        ({"first": 251}, "BAD_REQUEST"),
        ({"first": 5, "query": "updated_at:yesterday"}, "BAD_REQUEST"),
        ({"first": 5, "after": "bm9uZQ=="}, "BAD_REQUEST"),
        ({}, "INVALID_VARIABLE"),
    ],
)
def test_what_cannot_be_asked_is_refused(acts: Acts, variables: dict[str, Any], code: str) -> None:
    refused = ask(acts, ORDERS, **variables)

    assert (refused.status_code, code_of(refused)) == (200, code)


def test_a_field_that_does_not_exist_is_refused(acts: Acts) -> None:
    assert code_of(ask(acts, "{ shop { id secret } }")) == "undefinedField"


def test_dear_queries_are_refused_and_points_run_out(acts: Acts) -> None:
    dear = ORDERS.replace("lineItems(first: 1)", "lineItems(first: 100)")
    acts.knobs("shopify-lantern", rate_limits="real")

    assert code_of(ask(acts, dear, first=50)) == "MAX_COST_EXCEEDED"
    costs = [ask(acts, dear, first=40).json for _again in range(3)]
    assert costs[0]["extensions"]["cost"]["requestedQueryCost"] == 842
    assert costs[2]["errors"][0]["extensions"]["code"] == "THROTTLED"


def test_a_scope_that_was_taken_away_closes_the_orders(acts: Acts) -> None:
    acts.knobs("shopify", drop_scopes=["read_orders"])

    assert code_of(ask(acts, ORDERS, first=1)) == "ACCESS_DENIED"


@pytest.mark.parametrize(
    ("knob", "status"), [("down", 503), ("block_ip", 430), ("suspended", 402), ("throttle", 200)]
)
def test_knobs_answer_in_shopifys_own_form(acts: Acts, knob: str, status: int) -> None:
    token = pair(acts)["access_token"]
    acts.knobs("shopify-lantern", **{knob: True})

    assert ask(acts, "{ shop { id } }", token).status_code == status


HOOK = """mutation Hook($topic: WebhookSubscriptionTopic!, $sub: WebhookSubscriptionInput!) {
  webhookSubscriptionCreate(topic: $topic, webhookSubscription: $sub) {
    webhookSubscription { id } userErrors { message } } }"""


def test_pushes_are_signed_with_the_apps_secret(acts: Acts, emulator: Emulator) -> None:
    token = pair(acts)["access_token"]
    sub = {"uri": "https://erp.example.com/push/"}

    made = ask(acts, HOOK, token, topic="ORDERS_UPDATED", sub=sub).json["data"]
    again = ask(acts, HOOK, token, topic="ORDERS_UPDATED", sub=sub).json["data"]
    acts.control("orders/change", account="shopify-lantern", n=1)

    assert made["webhookSubscriptionCreate"]["webhookSubscription"]["id"]
    assert again["webhookSubscriptionCreate"]["userErrors"]
    (push,) = emulator.state.outbox
    digest = hmac.new(APP.client_secret.encode(), push.body, hashlib.sha256).digest()
    assert push.headers["X-Shopify-Hmac-SHA256"] == base64.b64encode(digest).decode()
    assert push.topic == "orders/updated"


def test_removing_the_app_is_told(acts: Acts, emulator: Emulator) -> None:
    token = pair(acts)["access_token"]
    sub = {"uri": "https://erp.example.com/push/"}
    ask(acts, HOOK, token, topic="APP_UNINSTALLED", sub=sub)

    acts.control("revoke", account="shopify-lantern")

    assert [push.topic for push in emulator.state.outbox] == ["app/uninstalled"]
