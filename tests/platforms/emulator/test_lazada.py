"""How strict the emulated Lazada is."""

from __future__ import annotations

import hashlib
import hmac

import pytest

from platforms.emulator.accounts import APPS
from tests.platforms.emulator.acts import Acts, in_query
from tests.platforms.emulator.conftest import Clock

APP = APPS["lazada"]
BACK = "http://127.0.0.1:8000/link/callback/lazada/"


def signed(path: str, clock: Clock, **given: str) -> dict[str, str]:
    whole = {"app_key": APP.client_id, "sign_method": "sha256",
             "timestamp": str(int(clock() * 1000)), **given}  # fmt: skip
    base = path + "".join(name + whole[name] for name in sorted(whole))
    sign = hmac.new(APP.client_secret.encode(), base.encode(), hashlib.sha256).hexdigest()
    return {**whole, "sign": sign.upper()}


def agree(acts: Acts, account: str = "lazada-orchid") -> str:
    asked = {"client_id": APP.client_id, "redirect_uri": BACK, "response_type": "code"}
    response = acts.client.post(
        "/lazada/auth/oauth/authorize",
        query_string=asked,
        data={"decision": "agree", "account": account},
    )
    return in_query(response, "code")


def token(acts: Acts, clock: Clock, what: str, **given: str) -> dict:
    path = f"/auth/token/{what}"
    found: dict = acts.client.post(
        f"/lazada/auth/rest{path}", data=signed(path, clock, **given)
    ).get_json()
    return found


def get(acts: Acts, clock: Clock, country: str, path: str, **given: str) -> dict:
    found: dict = acts.client.get(
        f"/lazada/{country}/rest{path}", query_string=signed(path, clock, **given)
    ).get_json()
    return found


def test_a_code_works_once_and_for_half_an_hour(acts: Acts, clock: Clock) -> None:
    code = agree(acts)
    assert token(acts, clock, "create", code=code)["code"] == "0"
    assert token(acts, clock, "create", code=code)["code"] == "InvalidCode"
    late = agree(acts)
    clock.move(1_801)
    assert token(acts, clock, "create", code=late)["code"] == "InvalidCode"


def test_signature_key_and_clock_are_checked(acts: Acts, clock: Clock) -> None:
    path = "/auth/token/create"
    good = signed(path, clock, code="x")
    for change, code in (
        ({"sign": "0" * 64}, "IncompleteSignature"),
        ({"app_key": "1"}, "InvalidAppKey"),
        ({"timestamp": "1500000000000"}, "IllegalTimestamp"),
        ({"sign": ""}, "MissingParameter"),
    ):
        answer = acts.client.post(f"/lazada/auth/rest{path}", data={**good, **change})
        assert (answer.status_code, answer.get_json()["code"]) == (200, code)


def test_a_token_opens_the_countries_of_its_seller_only(acts: Acts, clock: Clock) -> None:
    access = token(acts, clock, "create", code=agree(acts))["access_token"]

    assert get(acts, clock, "my", "/seller/get", access_token=access)["code"] == "0"
    refused = get(acts, clock, "th", "/seller/get", access_token=access)
    assert refused["code"] == "IllegalAccessToken"


@pytest.mark.parametrize(
    "given",
    [{}, {"update_after": "2026-11-20"}, {"update_after": "2026-11-20T00:00:00Z", "limit": "101"}],
)
def test_orders_want_a_time_and_a_decent_page(acts: Acts, clock: Clock, given: dict) -> None:
    access = token(acts, clock, "create", code=agree(acts))["access_token"]

    assert get(acts, clock, "sg", "/orders/get", access_token=access, **given)["code"] != "0"


def test_refreshing_does_not_lengthen_the_life_of_the_refresh_token(
    acts: Acts, clock: Clock
) -> None:
    first = token(acts, clock, "create", code=agree(acts))
    clock.move(86_400)

    again = token(acts, clock, "refresh", refresh_token=first["refresh_token"])

    assert again["refresh_expires_in"] == first["refresh_expires_in"] - 86_400


def test_one_order_wants_a_number_of_its_own_country(acts: Acts, clock: Clock) -> None:
    access = token(acts, clock, "create", code=agree(acts))["access_token"]

    def order(country: str, **given: str) -> dict:
        return get(acts, clock, country, "/order/get", access_token=access, **given)

    since = "2026-10-01T00:00:00+00:00"
    pages = {
        country: get(acts, clock, country, "/orders/get", access_token=access, created_after=since)[
            "data"
        ]["orders"]
        for country in ("sg", "my")
    }
    listed = pages["sg"][0]
    assert order("sg", order_id=str(listed["order_id"]))["data"] == listed
    assert order("my", order_id=str(listed["order_id"]))["code"] == "16"
    assert order("sg", order_id="79999999999")["code"] == "16"
    assert order("sg", order_id="seven")["code"] == "16"
    assert order("sg")["code"] == "MissingParameter"
