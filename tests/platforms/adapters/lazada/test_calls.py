"""What the Lazada adapter sends, and what it makes of the answers."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from platforms.adapters.lazada import Lazada
from platforms.errors import Fault, PlatformError
from platforms.signing import iop_signature
from platforms.spec import Account, AppKeys, Asked, Request, Window
from tests.support.calls import NOON, ScriptedCall, answer

lazada = Lazada()
APP = AppKeys(
    client_id="123456",
    client_secret="helloworld",
    redirect_uri="https://erp.example.com/link/callback/lazada/",
)
ROWS = json.dumps([{"country": "sg", "seller_id": "1001"}, {"country": "my", "seller_id": "1002"}])
ACCOUNT = Account(
    mode="authorization_code",
    account_id="77",
    app=APP,
    secrets={"access_token": "test", "refresh_token": "again", "shops": ROWS},
    shop_ids=("my:1002",),
)
TOKEN = {
    "access_token": "a1",
    "refresh_token": "r1",
    "expires_in": 2_592_000,
    "refresh_expires_in": 15_552_000,
    "account_id": "77",
    "country": "cb",
    "country_user_info": [
        {"country": "sg", "seller_id": "1001", "user_id": "1", "short_code": "SGX"},
        {"country": "my", "seller_id": 1002, "user_id": "2", "short_code": "MYX"},
    ],
    "code": "0",
    "request_id": "0ba2",
}
WINDOW = Window(since=NOON - timedelta(hours=2), until=NOON)
GET = Request(method="GET", path="/rest/orders/get")


def seller(seller_id, status="ACTIVE"):
    data = {"name": "Example", "seller_id": seller_id, "status": status}
    return (200, {"code": "0", "data": data})


def found(*listed):
    return (200, {"code": "0", "data": {"count": len(listed), "orders": list(listed)}})


def items(*numbers):
    return (200, {"code": "0", "data": [{"order_id": n, "order_items": []} for n in numbers]})


def test_the_signature_is_the_vendors_vector():
    params = {
        "access_token": "test",
        "app_key": "123456",
        "order_id": "1234",
        "sign_method": "sha256",
        "timestamp": "1517820392000",
    }

    assert iop_signature("helloworld", "/order/get", params) == (
        "4190D32361CFB9581350222F345CB77F3B19F0E31D162316848A2C1FFD5FAB4A"
    )


def test_a_call_is_signed_over_its_path_after_rest():
    request = Request(method="GET", path="/rest/order/get", params={"order_id": "1234"})
    at = NOON.fromtimestamp(1517820392, NOON.tzinfo)

    sent = lazada.sign(request, ACCOUNT, now=at).params

    assert sent["sign"] == "4190D32361CFB9581350222F345CB77F3B19F0E31D162316848A2C1FFD5FAB4A"


def test_the_consent_page_gets_key_address_and_state():
    mode = lazada.mode("authorization_code")
    url = urlsplit(lazada.consent_url(Asked(app=APP, mode=mode, state="st", now=NOON)))
    query = {name: values[0] for name, values in parse_qs(url.query).items()}

    assert (url.netloc, url.path) == ("auth.lazada.com", "/oauth/authorize")
    assert query == {
        "response_type": "code",
        "force_auth": "true",
        "redirect_uri": APP.redirect_uri,
        "client_id": "123456",
        "state": "st",
    }


def test_coming_back_without_a_code_is_a_refusal():
    with pytest.raises(PlatformError) as caught:
        lazada.read_callback({"error": "access_denied"}, ACCOUNT, now=NOON)

    assert (caught.value.fault, caught.value.detail) == (Fault.CONSENT_DENIED, "access_denied")


def test_the_code_is_traded_for_one_token_of_several_countries():
    call = ScriptedCall(lazada, replace(ACCOUNT, secrets={}), (200, TOKEN))

    grant = lazada.exchange(call, code="0_c", verifier="", params={}, now=NOON)

    sent = call.sent[0]
    assert (sent.endpoint, sent.path) == ("auth", "/rest/auth/token/create")
    form = dict(sent.form)
    assert form["sign"] == iop_signature("helloworld", "/auth/token/create", form)
    assert (grant.access_token, grant.refresh_token, grant.account_id) == ("a1", "r1", "77")
    assert grant.access_expires_at == NOON + timedelta(days=30)
    assert grant.consent_expires_at == NOON + timedelta(days=180)
    assert json.loads(grant.secrets["shops"]) == json.loads(ROWS)


def test_the_older_name_of_the_countries_is_read_too():
    older = {("country_user_info_list" if k == "country_user_info" else k): v
             for k, v in TOKEN.items()}  # fmt: skip
    call = ScriptedCall(lazada, ACCOUNT, (200, older))

    assert lazada.refresh(call, now=NOON).secrets["shops"] == ROWS
    assert call.sent[0].form["refresh_token"] == "again"


def test_every_country_is_a_shop_asked_at_its_own_host():
    call = ScriptedCall(lazada, ACCOUNT, seller(1001), seller(1002))

    identity = lazada.who_am_i(call, now=NOON)

    assert [request.endpoint for request in call.sent] == ["api.sg", "api.my"]
    assert [(s.external_id, s.site) for s in identity.shops] == [
        ("sg:1001", "SG"),
        ("my:1002", "MY"),
    ]
    assert identity.account_id == "77"


def test_an_inactive_country_is_left_out_and_with_none_left_the_account_is_suspended():
    identity = lazada.who_am_i(
        ScriptedCall(lazada, ACCOUNT, seller(1001, "INACTIVE"), seller(1002)), now=NOON
    )
    assert [shop.site for shop in identity.shops] == ["MY"]

    call = ScriptedCall(lazada, ACCOUNT, seller(1001, "INACTIVE"), seller(1002, "INACTIVE"))
    with pytest.raises(PlatformError) as caught:
        lazada.who_am_i(call, now=NOON)
    assert caught.value.fault is Fault.ACCOUNT_SUSPENDED


def test_orders_are_asked_of_the_shops_country_and_get_their_items():
    order = {"order_id": 16090, "updated_at": "2026-11-21 18:30:00 +0800"}
    call = ScriptedCall(lazada, ACCOUNT, found(order), items(16090))

    page = lazada.fetch_orders(call, window=WINDOW, cursor=None, now=NOON)

    listed, details = call.sent
    assert listed.endpoint == details.endpoint == "api.my"
    assert listed.params["update_after"] == "2026-11-21T10:00:00+00:00"
    assert listed.params["update_before"] == "2026-11-21T12:00:00+00:00"
    assert (listed.params["sort_by"], listed.params["sort_direction"]) == ("updated_at", "ASC")
    assert details.params["order_ids"] == "[16090]"
    assert json.loads(bytes(page.records[0])) == {"order": order, "items": []}
    assert page.cursor is None


def test_a_full_page_slides_the_window_instead_of_the_offset():
    listed = [
        {"order_id": n, "updated_at": f"2026-11-21 18:{n // 60:02d}:{n % 60:02d} +0800"}
        for n in range(100)
    ]
    first = ScriptedCall(lazada, ACCOUNT, found(*listed), items(*range(50)), items(*range(50, 100)))
    page = lazada.fetch_orders(first, window=WINDOW, cursor=None, now=NOON)
    again = ScriptedCall(lazada, ACCOUNT, found())

    rest = lazada.fetch_orders(again, window=WINDOW, cursor=page.cursor, now=NOON)

    assert again.sent[0].params["update_after"] == "2026-11-21T10:01:38+00:00"
    assert again.sent[0].params["offset"] == "0"
    assert rest.cursor is None


def test_a_page_of_one_second_goes_on_by_offset():
    listed = [{"order_id": n, "updated_at": "2026-11-21 18:00:00 +0800"} for n in range(100)]
    call = ScriptedCall(lazada, ACCOUNT, found(*listed), items(), items())

    page = lazada.fetch_orders(call, window=WINDOW, cursor=None, now=NOON)

    assert json.loads(page.cursor)["offset"] == 100


def test_an_order_whose_number_cannot_be_read_is_kept_without_items():
    call = ScriptedCall(lazada, ACCOUNT, found({"order_id": []}))

    page = lazada.fetch_orders(call, window=WINDOW, cursor=None, now=NOON)

    assert bytes(page.records[0]).endswith(b'"items":null}')


@pytest.mark.parametrize(
    ("code", "kind", "fault"),
    [
        ("IllegalAccessToken", "ISV", Fault.TOKEN_EXPIRED),
        ("IllegalRefreshToken", "ISV", Fault.TOKEN_REVOKED),
        ("IncompleteSignature", "ISV", Fault.BAD_CREDENTIALS),
        ("InvalidAppKey", "ISV", Fault.BAD_CREDENTIALS),
        ("InsufficientPermission", "ISV", Fault.INSUFFICIENT_SCOPE),
        ("AppNotSubscribed", "ISV", Fault.INSUFFICIENT_SCOPE),
        ("AppWhiteIpLimit", "ISV", Fault.IP_NOT_WHITELISTED),
        ("IllegalTimestamp", "ISV", Fault.CLOCK_SKEW),
        ("ApiCallLimit", "ISV", Fault.RATE_LIMITED),
        ("AppCallLimit", "ISV", Fault.QUOTA_EXHAUSTED),
        ("SystemError", "SYSTEM", Fault.PLATFORM_DOWN),
        ("ServiceTimeout", "ISP", Fault.PLATFORM_DOWN),
        ("ServiceUnavailable", "ISP", Fault.PLATFORM_DOWN),
        ("901", "ISP", Fault.PLATFORM_DOWN),
        ("MissingParameter", "ISV", Fault.INVALID_REQUEST),
        ("MissingPartner", "ISV", Fault.INVALID_REQUEST),
        ("InvalidApi", "ISV", Fault.INVALID_REQUEST),
        ("InvalidApiPath", "ISV", Fault.INVALID_REQUEST),
        ("36", "ISV", Fault.INVALID_REQUEST),
    ],
)
def test_what_refusals_mean(code, kind, fault):
    body = {"code": code, "type": kind, "message": "no", "request_id": "1"}

    error = lazada.read_fault(GET, answer(200, body))

    assert error is not None
    assert error.fault is fault


def test_a_ban_says_how_long_it_lasts():
    text = "Api access frequency exceeds the limit. this ban will last 7 seconds"
    error = lazada.read_fault(GET, answer(200, {"code": "ApiCallLimit", "message": text}))

    assert error is not None
    assert error.retry_after == timedelta(seconds=7)
