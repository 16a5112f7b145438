from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from werkzeug.test import TestResponse

from platforms.emulator.accounts import APPS
from tests.platforms.emulator.acts import Acts, in_query
from tests.platforms.emulator.conftest import NOON, Clock

ROW = APPS["tiktok_shop-row"]
LUMEN, JASMIN, BASIL = "tiktok_shop-lumen", "tiktok_shop-jasmin", "tiktok_shop-basil"
SEARCH = "/order/202309/orders/search"
DETAIL = "/order/202507/orders"
SHOPS = "/authorization/202309/shops"
HOOKS = "/event/202309/webhooks"


def agree(acts: Acts, account: str = JASMIN, portal: str = "row") -> TestResponse:
    app = APPS[f"tiktok_shop-{portal}"]
    return acts.client.post(
        f"/tiktok_shop/consent-{portal}/open/authorize",
        query_string={"service_id": app.extras["service_id"], "state": "state-1"},
        data={"account": account, "decision": "agree"},
    )


def token(acts: Acts, call: str, **changes: str) -> Any:
    asked = {"app_key": ROW.client_id, "app_secret": ROW.client_secret, **changes}
    return acts.client.get(f"/tiktok_shop/auth/api/v2/token/{call}", query_string=asked).json


def grant(acts: Acts, account: str = JASMIN) -> Any:
    code = in_query(agree(acts, account), "code")
    return token(acts, "get", auth_code=code, grant_type="authorized_code")["data"]


def send(
    acts: Acts, method: str, path: str, access: str, body: Any = None, **query: str
) -> TestResponse:
    """A signed call; `timestamp`, `app_key` and `sign` can be given."""
    query = {"app_key": ROW.client_id, "timestamp": str(int(NOON)), **query}
    raw = b"" if body is None else json.dumps(body).encode()
    pairs = "".join(k + query[k] for k in sorted(query) if query[k] and k != "sign")
    secret = ROW.client_secret
    text = f"{secret}{path}{pairs}".encode() + raw + secret.encode()
    query.setdefault("sign", hmac.new(secret.encode(), text, hashlib.sha256).hexdigest())
    return acts.client.open(
        f"/tiktok_shop/api{path}",
        method=method,
        query_string=query,
        data=raw,
        headers={"x-tts-access-token": access, "content-type": "application/json"},
    )


def ciphers(acts: Acts, access: str) -> list[str]:
    return [shop["cipher"] for shop in send(acts, "GET", SHOPS, access).json["data"]["shops"]]


def search(acts: Acts, access: str, body: Any = None, **query: str) -> Any:
    query = {"shop_cipher": ciphers(acts, access)[0], "page_size": "100", **query}
    return send(acts, "POST", SEARCH, access, {} if body is None else body, **query).json


def test_agreeing_leads_back_with_a_code_that_works_once(acts: Acts) -> None:
    back = agree(acts)
    query = parse_qs(urlsplit(back.headers["Location"]).query)
    assert query["state"] == ["state-1"]
    asked = {"auth_code": query["code"][0], "grant_type": "authorized_code"}

    first, second = token(acts, "get", **asked), token(acts, "get", **asked)

    assert first["data"]["access_token_expire_in"] == int(NOON) + 7 * 86_400
    assert first["data"]["refresh_token_expire_in"] == int(NOON) + 365 * 86_400
    assert (first["data"]["user_type"], second["code"]) == (0, 36004004)


def test_a_service_of_the_other_portal_is_not_found(acts: Acts) -> None:
    response = acts.client.get(
        "/tiktok_shop/consent-us/open/authorize",
        query_string={"service_id": ROW.extras["service_id"], "state": "s"},
    )

    assert response.status_code == 404


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"app_key": "nobody"}, 36009004),
        ({"app_secret": "wrong"}, 106001),
        ({"grant_type": "authorization_code"}, 36009004),
        ({"auth_code": "invented"}, 36004004),
    ],
)
def test_the_token_call_refuses_what_is_wrong(acts: Acts, changes: Any, code: int) -> None:
    asked = {"auth_code": in_query(agree(acts), "code"), "grant_type": "authorized_code"}

    assert token(acts, "get", **{**asked, **changes})["code"] == code


def test_the_token_call_is_not_there_for_post(acts: Acts) -> None:
    assert acts.client.post("/tiktok_shop/auth/api/v2/token/get").status_code == 404


def test_the_code_dies_after_half_an_hour(acts: Acts, clock: Clock) -> None:
    asked = {"auth_code": in_query(agree(acts), "code"), "grant_type": "authorized_code"}
    clock.move(1801)

    assert token(acts, "get", **asked)["code"] == 36004004


def test_a_strict_refresh_token_is_replaced_and_works_once(acts: Acts) -> None:
    acts.knobs(JASMIN, rotate="strict")
    asked = {"refresh_token": grant(acts)["refresh_token"], "grant_type": "refresh_token"}

    first, second = token(acts, "refresh", **asked), token(acts, "refresh", **asked)

    assert first["data"]["refresh_token"] != asked["refresh_token"]
    assert second["code"] == 36004005


def test_a_refresh_token_ends_and_says_so(acts: Acts, clock: Clock) -> None:
    asked = {"refresh_token": grant(acts)["refresh_token"], "grant_type": "refresh_token"}
    clock.move(366 * 86_400)

    assert token(acts, "refresh", **asked)["code"] == 36004001


@pytest.mark.parametrize(
    ("changes", "code", "words"),
    [
        ({"sign": "0" * 64}, 106001, "sign"),
        ({"app_key": "nobody"}, 36009004, "Invalid app_key"),
        ({"timestamp": str(int(NOON) - 301)}, 36009004, "earlier than 5 minutes"),
        ({"timestamp": str(int(NOON) + 31)}, 36009004, "more than 30 seconds"),
        ({"shop_cipher": "ROW_x"}, 36009004, "shop_cipher"),
        ({"colour": "red"}, 36009004, "colour"),
    ],
)
def test_calls_are_held_against_signature_clock_and_parameters(
    acts: Acts, changes: Any, code: int, words: str
) -> None:
    answer = send(acts, "GET", SHOPS, grant(acts)["access_token"], **changes).json

    assert answer["code"] == code
    assert words in answer["message"]


def test_a_call_about_a_shop_needs_the_key_of_one_of_its_shops(acts: Acts) -> None:
    access = grant(acts)["access_token"]
    foreign = ciphers(acts, grant(acts, BASIL)["access_token"])[0]

    assert search(acts, access, shop_cipher="")["code"] == 106013
    assert search(acts, access, shop_cipher=foreign)["code"] == 101000
    assert search(acts, access)["code"] == 0


@pytest.mark.parametrize(
    ("body", "query"),
    [
        ({}, {"page_size": "101"}),
        ({}, {"page_size": "0"}),
        ({}, {"sort_field": "price"}),
        ({}, {"page_token": "invented"}),
        ({"update_time_ge": "1"}, {}),
        ({"updated_after": 1}, {}),
        ({"order_status": "TELEPORTED"}, {}),
    ],
)
def test_searches_are_held_against_the_contract(acts: Acts, body: Any, query: Any) -> None:
    access = grant(acts)["access_token"]

    assert search(acts, access, body, **query)["code"] == 36009004


def test_pages_follow_each_other_without_gap(acts: Acts) -> None:
    access = grant(acts)["access_token"]
    asked = {"sort_field": "update_time", "sort_order": "ASC"}
    whole = [order["id"] for order in search(acts, access, **asked)["data"]["orders"]]
    seen, token_ = [], ""
    while True:
        data = search(acts, access, page_size="7", page_token=token_, **asked)["data"]
        seen += [order["id"] for order in data.get("orders", [])]
        token_ = data["next_page_token"]
        if not token_:
            break

    assert seen == whole
    assert len(seen) > 14


def test_a_token_ends_and_scopes_and_shops_can_be_taken_away(acts: Acts) -> None:
    access = grant(acts)["access_token"]
    keep = ciphers(acts, access)[0]
    acts.knobs(JASMIN, drop_scopes=["seller.order.info"])
    assert search(acts, access, shop_cipher=keep)["code"] == 105005
    acts.knobs(JASMIN, drop_scopes=[], suspended=True)
    assert send(acts, "GET", SHOPS, access).json["code"] == 36009043
    acts.control("expire", platform="tiktok_shop")
    assert send(acts, "GET", SHOPS, access).json["code"] == 105002


def test_some_accounts_get_only_numbers_and_ask_for_the_rest(acts: Acts) -> None:
    access = grant(acts, BASIL)["access_token"]
    bare = search(acts, access)["data"]["orders"]
    ids = [order["id"] for order in bare]

    whole = send(
        acts, "GET", DETAIL, access, shop_cipher=ciphers(acts, access)[0], ids=",".join(ids)
    ).json["data"]["orders"]

    assert all(set(order) == {"id"} for order in bare)
    assert [order["id"] for order in whole] == ids
    assert all(order["line_items"] for order in whole)


def test_what_an_order_costs_adds_up(acts: Acts) -> None:
    for order in search(acts, grant(acts)["access_token"])["data"]["orders"]:
        pieces = sum(float(item["sale_price"]) for item in order["line_items"])
        if order["payment"]:
            assert pieces == pytest.approx(float(order["payment"]["sub_total"]))


@pytest.mark.parametrize(
    ("knob", "status", "code"),
    [("down", 503, 36009003), ("throttle", 429, 36009002), ("block_ip", 403, 36009033)],
)
def test_troubles_have_tiktoks_form(acts: Acts, knob: str, status: int, code: int) -> None:
    access = grant(acts)["access_token"]
    acts.knobs("tiktok_shop", **{knob: True})

    response = send(acts, "GET", SHOPS, access)

    assert (response.status_code, response.json["code"]) == (status, code)


def test_webhooks_are_kept_for_each_shop(acts: Acts) -> None:
    access = grant(acts)["access_token"]
    first, second = ciphers(acts, access)
    hook = {"event_type": "ORDER_STATUS_CHANGE", "address": "http://127.0.0.1:9/x"}

    def listed(cipher: str) -> int:
        answer = send(acts, "GET", HOOKS, access, shop_cipher=cipher).json
        return int(answer["data"]["total_count"])

    assert send(acts, "PUT", HOOKS, access, hook, shop_cipher=first).json["code"] == 0
    assert (listed(first), listed(second)) == (1, 0)
    bad = {"event_type": "EVERYTHING", "address": "http://127.0.0.1:9/x"}
    assert send(acts, "PUT", HOOKS, access, bad, shop_cipher=first).json["code"] == 36009004
    gone = {"event_type": "ORDER_STATUS_CHANGE"}
    assert send(acts, "DELETE", HOOKS, access, gone, shop_cipher=first).json["code"] == 0
    assert listed(first) == 0
