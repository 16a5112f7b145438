"""What the Shopee adapter sends, and what it makes of the answers."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from platforms.adapters.shopee import Shopee
from platforms.adapters.shopee.calls import signed
from platforms.errors import Fault, PlatformError
from platforms.spec import Account, AppKeys, Asked, Request, Window
from tests.support.calls import NOON, ScriptedCall, answer

shopee = Shopee()
MOMENT = datetime.fromtimestamp(1767225600, UTC)
APP = AppKeys(
    client_id="2001887",
    client_secret="shpk_testkey",
    redirect_uri="https://erp.example.com/link/callback/shopee/",
)
LINKED = Account(
    mode="authorization_code",
    region="global",
    account_id="322300222",
    app=APP,
    secrets={"access_token": "ACCESSTOKEN", "refresh_token": "again", "shops": "322300222,7"},
    shop_ids=("322300222",),
)
FRESH = replace(LINKED, account_id="", shop_ids=())
WINDOW = Window(since=NOON - timedelta(hours=2), until=NOON)
TOKEN = {
    "error": "",
    "message": "",
    "request_id": "f2",
    "access_token": "a1",
    "refresh_token": "r1",
    "expire_in": 14400,
}
GET = Request(method="GET", path="/api/v2/order/get_order_list")


def info(**fields):
    return (200, {"error": "", "message": "", "status": "NORMAL", "region": "MY", **fields})


def listed(*numbers, **more):
    response = {"more": False, "next_cursor": "", "order_list": [{"order_sn": n} for n in numbers]}
    return (200, {"error": "", "response": response | more})


@pytest.mark.parametrize(
    ("path", "token", "shop_id", "signature"),
    [
        (
            "/api/v2/shop/auth_partner", "", "",
            "d9ab549870829b4964a2293ab9be81cf68470bd5654289be8f54bf4015a7640b",
        ),
        (
            "/api/v2/auth/token/get", "", "",
            "cad5ca4a3d39750cee3fd67c3e6e560a1a2cec825c01f91ff41155af41cb72bd",
        ),
        (
            "/api/v2/order/get_order_list", "ACCESSTOKEN", "322300222",
            "b001f49dfe326f0f72ab5ee5d8a6b7bb1c8215900eb1213d113f2ed81435edef",
        ),
    ],
)  # fmt: skip
def test_the_signatures_are_the_vectors(path, token, shop_id, signature):
    assert signed(APP, path, token=token, shop_id=shop_id, now=MOMENT)["sign"] == signature


def test_a_call_of_a_linked_shop_is_signed_for_it():
    sent = shopee.sign(GET, LINKED, now=MOMENT).params

    assert sent == {
        "partner_id": "2001887",
        "timestamp": "1767225600",
        "access_token": "ACCESSTOKEN",
        "shop_id": "322300222",
        "sign": "b001f49dfe326f0f72ab5ee5d8a6b7bb1c8215900eb1213d113f2ed81435edef",
    }


@pytest.mark.parametrize(
    ("region", "host"),
    [
        ("", "open.shopee.com"),
        ("global", "open.shopee.com"),
        ("cn", "open.shopee.cn"),
        ("br", "open.shopee.com.br"),
    ],
)
def test_sellers_consent_at_the_address_of_their_region(region, host):
    mode = shopee.mode("authorization_code")
    asked = Asked(app=APP, mode=mode, state="st", now=NOON, region=region)
    url = urlsplit(shopee.consent_url(asked))

    assert (url.netloc, url.path) == (host, "/auth")
    assert {name: values[0] for name, values in parse_qs(url.query).items()} == {
        "partner_id": "2001887",
        "redirect_uri": APP.redirect_uri,
        "auth_type": "seller",
        "response_type": "code",
        "state": "st",
    }


@pytest.mark.parametrize(
    ("params", "fault"),
    [
        ({"error": "access_denied"}, Fault.CONSENT_DENIED),
        ({}, Fault.CONSENT_DENIED),
        ({"code": "c"}, Fault.INVALID_REQUEST),
        ({"code": "c", "shop_id": "1; drop"}, Fault.INVALID_REQUEST),
    ],
)
def test_a_callback_without_code_or_shop_is_refused(params, fault):
    with pytest.raises(PlatformError) as caught:
        shopee.read_callback(params, FRESH, now=NOON)

    assert caught.value.fault is fault


def test_one_shop_that_agreed_is_the_account():
    call = ScriptedCall(shopee, FRESH, (200, {**TOKEN, "shop_id_list": [5]}))

    grant = shopee.exchange(call, code="c", verifier="", params={"shop_id": "5"}, now=NOON)

    assert call.sent[0].json == {"code": "c", "shop_id": 5, "partner_id": 2001887}
    assert (grant.account_id, grant.secrets) == ("5", {"shops": "5"})
    assert grant.access_expires_at == NOON + timedelta(hours=4)


def test_a_main_account_brings_several_shops():
    body = {**TOKEN, "shop_id_list": [5, 6], "expire_in": int(NOON.timestamp()) + 60}
    call = ScriptedCall(shopee, FRESH, (200, body))

    grant = shopee.exchange(call, code="c", verifier="", params={"main_account_id": "9"}, now=NOON)

    assert call.sent[0].json["main_account_id"] == 9
    assert (grant.account_id, grant.secrets) == ("", {"shops": "5,6"})
    assert grant.access_expires_at == NOON + timedelta(seconds=60)  # told as a point in time


def test_each_shop_refreshes_for_itself():
    call = ScriptedCall(shopee, LINKED, (200, TOKEN))

    grant = shopee.refresh(call, now=NOON)

    assert call.sent[0].json == {
        "refresh_token": "again",
        "shop_id": 322300222,
        "partner_id": 2001887,
    }
    assert (grant.access_token, grant.refresh_token) == ("a1", "r1")


def test_before_linking_all_shops_are_found_and_afterwards_only_the_own():
    ends = int(NOON.timestamp()) + 86_400
    before = ScriptedCall(
        shopee, FRESH, info(shop_name="A", expire_time=ends + 9), info(expire_time=ends)
    )

    identity = shopee.who_am_i(before, now=NOON)

    assert [request.params["shop_id"] for request in before.sent] == ["322300222", "7"]
    assert [(s.external_id, s.site) for s in identity.shops] == [("322300222", "MY"), ("7", "MY")]
    assert identity.consent_expires_at == NOON + timedelta(days=1)

    after = shopee.who_am_i(ScriptedCall(shopee, LINKED, info()), now=NOON)
    assert [shop.external_id for shop in after.shops] == ["322300222"]


def test_a_frozen_shop_is_told_as_suspended():
    with pytest.raises(PlatformError) as caught:
        shopee.who_am_i(ScriptedCall(shopee, LINKED, info(status="FROZEN")), now=NOON)

    assert (caught.value.fault, caught.value.detail) == (Fault.ACCOUNT_SUSPENDED, "FROZEN")


def test_orders_are_listed_and_then_asked_for_in_detail():
    details = {"order_list": [{"order_sn": "B", "x": 2}, {"order_sn": "A", "x": 1}]}
    call = ScriptedCall(
        shopee, LINKED, listed("A", "B", "C", more=True, next_cursor="n2"),
        (200, {"error": "", "response": details}),
    )  # fmt: skip

    page = shopee.fetch_orders(call, window=WINDOW, cursor=None, now=NOON)

    asked, detail = (request.params for request in call.sent)
    assert (int(asked["time_from"]), int(asked["time_to"])) == (
        int(WINDOW.since.timestamp()),
        int(WINDOW.until.timestamp()) + 1,
    )
    assert asked["time_range_field"] == "update_time"
    assert detail["order_sn_list"] == "A,B,C"
    assert "item_list" in detail["response_optional_fields"].split(",")
    assert [json.loads(bytes(raw)) for raw in page.records] == [
        {"order_sn": "A", "x": 1},
        {"order_sn": "B", "x": 2},
        {"order_sn": "C"},  # without details: not lost, put aside
    ]
    rest = ScriptedCall(shopee, LINKED, listed())
    assert shopee.fetch_orders(rest, window=WINDOW, cursor=page.cursor, now=NOON).cursor is None
    assert rest.sent[0].params["cursor"] == "n2"


def test_a_page_that_does_not_move_on_is_an_error():
    call = ScriptedCall(shopee, LINKED, listed(more=True))

    with pytest.raises(PlatformError) as caught:
        shopee.fetch_orders(call, window=WINDOW, cursor=None, now=NOON)

    assert caught.value.fault is Fault.BAD_RESPONSE


@pytest.mark.parametrize(
    ("error", "message", "fault"),
    [
        ("error_sign", "Wrong sign.", Fault.BAD_CREDENTIALS),
        ("error_param", "Timestamp is expired.", Fault.CLOCK_SKEW),
        ("error_auth", "Invalid access_token.", Fault.TOKEN_EXPIRED),
        ("invalid_acceess_token", "Invalid access_token.", Fault.TOKEN_EXPIRED),
        ("refresh_token_expired", "", Fault.TOKEN_REVOKED),
        ("error_shop_refresh_token", "", Fault.TOKEN_REVOKED),
        ("error_merchant_refresh_token", "", Fault.TOKEN_REVOKED),
        ("shop_access_expired", "", Fault.TOKEN_REVOKED),
        ("merchant_access_expired", "", Fault.TOKEN_REVOKED),
        ("shop_no_linked", "", Fault.TOKEN_REVOKED),
        ("partner_shop_no_link", "", Fault.TOKEN_REVOKED),
        ("merchant_no_linked", "", Fault.TOKEN_REVOKED),
        ("error_ashop_api_permission", "", Fault.INSUFFICIENT_SCOPE),
        ("error_permission", "", Fault.INSUFFICIENT_SCOPE),
        ("error_api_permission", "", Fault.INSUFFICIENT_SCOPE),
        ("error_auth", "No permission to current api.", Fault.INSUFFICIENT_SCOPE),
        ("error_kyc_auth", "", Fault.INSUFFICIENT_SCOPE),
        ("invalid_code", "", Fault.INVALID_REQUEST),
        ("invalid_shop_id", "", Fault.INVALID_REQUEST),
        ("invalid_main_acount_id", "", Fault.INVALID_REQUEST),
        ("source_ip_undeclared", "", Fault.IP_NOT_WHITELISTED),
        ("error_limit", "", Fault.QUOTA_EXHAUSTED),
        ("error_rate_limit", "", Fault.RATE_LIMITED),
        ("shop_banned", "", Fault.ACCOUNT_SUSPENDED),
        ("error_api_call_restricted", "", Fault.ACCOUNT_SUSPENDED),
        ("error_auth", "The App is deleted, and no call works.", Fault.ACCOUNT_SUSPENDED),
        ("error_partner_key_expired", "", Fault.BAD_CREDENTIALS),
        ("invalid_partner_id", "", Fault.BAD_CREDENTIALS),
        ("error_server", "", Fault.PLATFORM_DOWN),
        ("error_network", "", Fault.PLATFORM_DOWN),
        ("error_data", "parse data failed", Fault.PLATFORM_DOWN),
        ("error_whatever", "System error. Please try again.", Fault.PLATFORM_DOWN),
        ("order.order_list_invalid_time", "", Fault.INVALID_REQUEST),
        ("error_param", "parameter invalid", Fault.INVALID_REQUEST),
        ("api_suspended", "", Fault.INVALID_REQUEST),
    ],
)
@pytest.mark.parametrize("status", [200, 403])
def test_what_refusals_mean(error, message, fault, status):
    found = shopee.read_fault(GET, answer(status, {"error": error, "message": message}))

    assert found is not None
    assert found.fault is fault
