"""How strict the emulated Shopee is."""

from __future__ import annotations

import hashlib
import hmac

import pytest

from platforms.emulator.accounts import APPS
from tests.platforms.emulator.acts import Acts, in_query
from tests.platforms.emulator.conftest import Clock

APP = APPS["shopee"]
BACK = "http://127.0.0.1:8000/link/callback/shopee/"


def system(path: str, clock: Clock, token: str = "", shop_id: str = "") -> dict[str, str]:
    stamp = str(int(clock()))
    base = f"{APP.client_id}{path}{stamp}{token}{shop_id}"
    sign = hmac.new(APP.client_secret.encode(), base.encode(), hashlib.sha256).hexdigest()
    given = {"access_token": token, "shop_id": shop_id} if token else {}
    return {"partner_id": APP.client_id, "timestamp": stamp, "sign": sign, **given}


def agree(acts: Acts, account: str, region: str) -> str:
    asked = {
        "partner_id": APP.client_id,
        "redirect_uri": BACK,
        "auth_type": "seller",
        "response_type": "code",
    }
    response = acts.client.post(
        f"/shopee/{region}/auth",
        query_string=asked,
        data={"decision": "agree", "account": account},
    )
    return in_query(response, "code")


def post(acts: Acts, clock: Clock, region: str, path: str, **body: object) -> dict:
    found: dict = acts.client.post(
        f"/shopee/{region}{path}",
        query_string=system(path, clock),
        json={"partner_id": int(APP.client_id), **body},
    ).get_json()
    return found


def get(acts: Acts, clock: Clock, path: str, token: str, shop: str, **given: str) -> dict:
    found: dict = acts.client.get(
        f"/shopee/cn{path}", query_string={**system(path, clock, token, shop), **given}
    ).get_json()
    return found


@pytest.fixture
def pair(acts: Acts, clock: Clock) -> dict:
    code = agree(acts, "shopee-lychee", "cn")
    found = post(acts, clock, "cn", "/api/v2/auth/token/get", code=code, main_account_id=990400001)
    assert found["shop_id_list"] == [990300002, 990300003]
    return found


def test_a_code_works_once_and_for_its_own_shop(acts: Acts, clock: Clock) -> None:
    code = agree(acts, "shopee-mango", "global")
    path = "/api/v2/auth/token/get"

    assert post(acts, clock, "global", path, code=code, shop_id=1)["error"] == "invalid_shop_id"
    assert post(acts, clock, "global", path, code=code, shop_id=990300001)["error"] == ""
    assert post(acts, clock, "global", path, code=code, shop_id=990300001)["error"] == (
        "invalid_code"
    )


def test_the_first_pair_begins_one_chain_for_each_shop(
    acts: Acts, clock: Clock, pair: dict
) -> None:
    path = "/api/v2/auth/access_token/get"

    def refresh(token: str, shop: int) -> dict:
        return post(acts, clock, "cn", path, refresh_token=token, shop_id=shop)

    first = refresh(pair["refresh_token"], 990300002)
    assert first["error"] == refresh(pair["refresh_token"], 990300003)["error"] == ""
    assert refresh(pair["refresh_token"], 990300002)["error"] == "error_shop_refresh_token"
    assert refresh(first["refresh_token"], 990300003)["error"] == "error_shop_refresh_token"
    assert refresh(first["refresh_token"], 990300002)["error"] == ""


def test_signature_and_clock_are_checked(acts: Acts, clock: Clock, pair: dict) -> None:
    path, token = "/api/v2/shop/get_shop_info", pair["access_token"]

    assert get(acts, clock, path, token, "990300002")["status"] == "NORMAL"
    assert get(acts, clock, path, token, "990300002", sign="0")["error"] == "error_sign"
    assert get(acts, clock, path, token, "990300001")["error"] == "invalid_acceess_token"
    signed = system(path, clock, token, "990300002")
    clock.move(301)
    late = acts.client.get(f"/shopee/cn{path}", query_string=signed).get_json()
    assert (late["error"], late["message"]) == ("error_param", "Timestamp is expired.")


def test_a_window_is_at_most_fifteen_days(acts: Acts, clock: Clock, pair: dict) -> None:
    given = {
        "time_range_field": "update_time",
        "page_size": "50",
        "time_from": str(int(clock()) - 15 * 86_400 - 1),
        "time_to": str(int(clock())),
    }

    answer = get(
        acts, clock, "/api/v2/order/get_order_list", pair["access_token"], "990300002", **given
    )

    assert answer["error"] == "order.order_list_invalid_time"


def test_details_tell_only_the_fields_that_were_named(acts: Acts, clock: Clock, pair: dict) -> None:
    given = {
        "time_range_field": "update_time",
        "page_size": "1",
        "time_from": str(int(clock()) - 14 * 86_400),
        "time_to": str(int(clock())),
    }
    token, path = pair["access_token"], "/api/v2/order/get_order_detail"
    listed = get(acts, clock, "/api/v2/order/get_order_list", token, "990300002", **given)
    number = listed["response"]["order_list"][0]["order_sn"]

    order = get(acts, clock, path, token, "990300002", order_sn_list=number)

    assert "item_list" not in order["response"]["order_list"][0]


def test_changed_orders_are_pushed_signed_over_address_and_body(
    acts: Acts, clock: Clock, pair: dict
) -> None:
    url = "https://erp.example.com/webhooks/shopee/"
    given = {"callback_url": url, "set_push_config_on": [3]}
    path = "/api/v2/push/set_app_push_config"
    assert post(acts, clock, "cn", path, **given)["error"] == ""
    acts.control("orders/change", account="shopee-lychee", n=1)
    state = acts.client.application.state

    sent = state.outbox[-1]

    assert (sent.topic, sent.url) == ("3", url)
    base = f"{sent.url}|".encode() + sent.body
    wanted = hmac.new(APP.client_secret.encode(), base, hashlib.sha256).hexdigest()
    assert sent.headers["Authorization"] == wanted
