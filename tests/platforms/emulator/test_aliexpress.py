"""AliExpress's emulator: as strict as the fact sheet, and wrong in AliExpress's own words."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any

import pytest

from platforms.emulator.accounts import APPS
from tests.platforms.emulator.acts import Acts, in_query
from tests.platforms.emulator.conftest import Clock

CALLBACK = "http://127.0.0.1:8000/link/callback/aliexpress/"
LIST = "aliexpress.trade.seller.orderlist.get"
OURS = APPS["aliexpress"]
RANGE = {
    "current_page": 1,
    "page_size": 50,
    "create_date_start": "2026-10-25 00:00:00",
    "create_date_end": "2026-11-21 04:00:00",
}


def signed(path: str, form: dict[str, str], at: float) -> dict[str, str]:
    form = {
        "app_key": OURS.client_id,
        "sign_method": "sha256",
        "timestamp": str(int(at * 1000)),
        **form,
    }
    text = path + "".join(f"{name}{form[name]}" for name in sorted(form))
    made = hmac.new(OURS.client_secret.encode(), text.encode(), hashlib.sha256)
    return {**form, "sign": made.hexdigest().upper()}


class Shop:
    def __init__(self, acts: Acts, clock: Clock) -> None:
        self.acts, self.clock = acts, clock

    def code(self, account: str = "aliexpress-harbor") -> str:
        asked = {
            "client_id": OURS.client_id,
            "redirect_uri": CALLBACK,
            "response_type": "code",
            "state": "state-1",
        }
        answer = self.acts.client.post(
            "/aliexpress/oauth/authorize",
            query_string=asked,
            data={"account": account, "decision": "agree"},
        )
        return in_query(answer, "code")

    def rest(self, path: str, **form: str) -> Any:
        form = signed(path, form, self.clock())
        return self.acts.client.post(f"/aliexpress/rest{path}", data=form).json

    def grant(self, account: str = "aliexpress-harbor") -> Any:
        return self.rest("/auth/token/create", code=self.code(account))

    def sync(self, method: str, token: str, **form: str) -> Any:
        form = signed("", {"method": method, "session": token, **form}, self.clock())
        return self.acts.client.post("/aliexpress/sync", data=form).json

    def orders(self, token: str, **changes: Any) -> Any:
        query = json.dumps({**RANGE, **changes})
        answer = self.sync(LIST, token, param_aeop_order_query=query)
        return answer["aliexpress_trade_seller_orderlist_get_response"]["result"]


@pytest.fixture
def shop(acts: Acts, clock: Clock) -> Shop:
    return Shop(acts, clock)


def test_a_code_works_once(shop: Shop) -> None:
    code = shop.code()

    first = shop.rest("/auth/token/create", code=code)
    second = shop.rest("/auth/token/create", code=code)

    assert (first["code"], first["account_platform"]) == ("0", "seller_center")
    assert second["code"] == "InvalidCode"


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"sign": "0" * 64}, "IncompleteSignature"),
        ({"app_key": "1"}, "InvalidAppKey"),
        ({"timestamp": "1700000000000"}, "IllegalTimestamp"),
        ({"sign_method": "md5"}, "InvalidParameter"),
        ({"timestamp": ""}, "MissingParameter"),
    ],
)
def test_what_the_gateway_looks_at_first(shop: Shop, wrong: dict[str, str], code: str) -> None:
    form = signed("/auth/token/create", {"code": "x"}, shop.clock()) | wrong

    answer = shop.acts.client.post("/aliexpress/rest/auth/token/create", data=form)

    assert answer.status_code == 200
    assert (answer.json or {})["code"] == code


def test_a_refresh_never_extends_the_refresh_tokens_life(shop: Shop, clock: Clock) -> None:
    first = shop.grant()
    clock.move(86_400)

    again = shop.rest("/auth/token/refresh", refresh_token=first["refresh_token"])

    assert again["expires_in"] == first["expires_in"]
    assert again["refresh_token_valid_time"] == first["refresh_token_valid_time"]
    assert again["refresh_expires_in"] == first["refresh_expires_in"] - 86_400
    clock.move(60 * 86_400)
    late = shop.rest("/auth/token/refresh", refresh_token=first["refresh_token"])
    assert late["code"] == "IllegalRefreshToken"


def test_finished_orders_are_told_only_when_asked_for(shop: Shop) -> None:
    token = shop.grant()["access_token"]

    usual = shop.orders(token)["target_list"]["aeop_order_item_dto"]
    finished = shop.orders(token, order_status="FINISH")["target_list"]["aeop_order_item_dto"]

    assert "FINISH" not in {row["order_status"] for row in usual}
    assert {row["order_status"] for row in finished} == {"FINISH"}


@pytest.mark.parametrize(
    "changes",
    [
        {"page_size": 51},
        {"current_page": 0},
        {"create_date_start": "2026-11-20T00:00:00Z"},
        {"create_date_start": "2026-04-01 00:00:00"},
        {"order_status": "FINISH", "create_date_start": "2026-10-01 00:00:00"},
        {"order_status": "SOLD"},
    ],
)
def test_questions_that_are_refused(shop: Shop, changes: dict[str, Any]) -> None:
    assert shop.orders(shop.grant()["access_token"], **changes)["success"] is False


def test_an_empty_list_is_left_out(shop: Shop) -> None:
    found = shop.orders(
        shop.grant("aliexpress-meadow")["access_token"],
        create_date_start="2026-11-21 03:59:59",
    )

    assert (found["total_count"], "target_list" in found) == (0, False)


def test_a_buyer_may_nothing(shop: Shop) -> None:
    grant = shop.grant("aliexpress-buyer")

    answer = shop.sync(LIST, grant["access_token"], param_aeop_order_query=json.dumps(RANGE))

    assert grant["account_platform"] == "buyerApp"
    assert answer["error_response"]["code"] == "InsufficientPermission"


@pytest.mark.parametrize(
    ("knobs", "code"),
    [
        ({"throttle": True}, "ApiCallLimit"),
        ({"block_ip": True}, "AppWhiteIpLimit"),
        ({"drop_scopes": ["orders"]}, "InsufficientPermission"),
        ({"suspended": True}, "15"),
    ],
)
def test_knobs(shop: Shop, knobs: dict[str, Any], code: str) -> None:
    token = shop.grant()["access_token"]
    shop.acts.knobs("aliexpress", **knobs)

    answer = shop.sync(LIST, token, param_aeop_order_query=json.dumps(RANGE))

    assert answer["error_response"]["code"] == code
