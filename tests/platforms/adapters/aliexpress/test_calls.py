"""What the AliExpress adapter sends, and what it makes of the answers."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from platforms import signing
from platforms.adapters.aliexpress import AliExpress, lists
from platforms.errors import Fault, NeedsSeller, NeedsSupport, PlatformError, TryLater
from platforms.spec import Account, AppKeys, Asked, Request, Window
from tests.support.calls import NOON, ScriptedCall, answer

aliexpress = AliExpress()
APP = AppKeys(
    client_id="500000",
    client_secret="TestSecret0123456789abcdef",
    redirect_uri="https://erp.example.com/link/callback/aliexpress/",
)
ACCOUNT = Account(
    mode="authorization_code",
    account_id="2637900000",
    secrets={"access_token": "access", "refresh_token": "refresh", "seller_id": "2637900000"},
    app=APP,
)
OWN = replace(ACCOUNT, mode="own_app")
TOKEN = {
    "access_token": "a-new-one", "refresh_token": "r-new-one", "expires_in": 2592000,
    "refresh_expires_in": 5000000, "account_platform": "seller_center", "seller_id": 2637900000,
    "user_nick": "cn1520000000test", "code": "0", "request_id": "1",
}  # fmt: skip
VECTORS = [
    (
        "/auth/token/create", "TestSecret0123456789abcdef",
        {"app_key": "500000", "code": "3_500000_AbCdEfGhIjKlMnOp1234"}, "1767225600000",
        "9F69503CE67372DC5D686003E28E9A64434646A31A39003BBEC48B6D2D674236",
    ),
    (
        "", "TestSecret0123456789abcdef",
        {
            "app_key": "500000", "format": "json", "method": "aliexpress.solution.order.get",
            "param0": '{"create_date_end":"2026-01-01 00:00:00","create_date_start":'
            '"2025-12-31 00:00:00","current_page":1,"page_size":50}',
            "session": "50000000a22aCcEsStOkEn", "simplify": "false",
        },
        "1767225600000", "6A95AB922E0D60B3FF299A6C137712900FD0FACF233900926B61882521BDEB42",
    ),
    (
        "/order/get", "helloworld",
        {"access_token": "test", "app_key": "123456", "order_id": "1234"}, "1517820392000",
        "4190D32361CFB9581350222F345CB77F3B19F0E31D162316848A2C1FFD5FAB4A",
    ),
]  # fmt: skip
ERRORS = [
    ("IncompleteSignature", Fault.BAD_CREDENTIALS),
    ("25", Fault.BAD_CREDENTIALS),
    ("InvalidAppKey", Fault.BAD_CREDENTIALS),
    ("29", Fault.BAD_CREDENTIALS),
    ("InvalidCode", Fault.INVALID_REQUEST),
    ("IllegalAccessToken", Fault.TOKEN_EXPIRED),
    ("27", Fault.TOKEN_EXPIRED),
    ("IllegalRefreshToken", Fault.TOKEN_REVOKED),
    ("InsufficientPermission", Fault.INSUFFICIENT_SCOPE),
    ("11", Fault.INSUFFICIENT_SCOPE),
    ("AppWhiteIpLimit", Fault.IP_NOT_WHITELISTED),
    ("IllegalTimestamp", Fault.CLOCK_SKEW),
    ("ApiCallLimit", Fault.RATE_LIMITED),
    ("7", Fault.RATE_LIMITED),
    ("AppCallLimit", Fault.QUOTA_EXHAUSTED),
    ("ServiceTimeout", Fault.PLATFORM_DOWN),
    ("ServiceUnavailable", Fault.PLATFORM_DOWN),
    ("ServerError", Fault.PLATFORM_DOWN),
    ("SYSTEM", Fault.PLATFORM_DOWN),
    ("MissingParameter", Fault.INVALID_REQUEST),
    ("InvalidParameter", Fault.INVALID_REQUEST),
    ("InvalidApiPath", Fault.INVALID_REQUEST),
    ("InvalidApi", Fault.INVALID_REQUEST),
    ("40", Fault.INVALID_REQUEST),
    ("41", Fault.INVALID_REQUEST),
    ("SomethingNew", Fault.UNKNOWN),
]
WINDOW = Window(since=NOON - timedelta(minutes=25), until=NOON)
SYNC = Request(method="POST", path="/sync")
REFUSED = (200, {"error_response": {"code": "InsufficientPermission", "msg": "no permission"}})


def read_fault(body, status=200):
    found = aliexpress.read_fault(SYNC, answer(status, body))
    assert found is not None
    return found


def page(*rows, total_page=1, name="aliexpress_trade_seller_orderlist_get_response"):
    result = {"success": True, "total_page": total_page, "total_count": len(rows)}
    if rows:
        result["target_list"] = {"aeop_order_item_dto": list(rows)}
    return 200, {name: {"result": result}}


def row(number, status="WAIT_BUYER_ACCEPT_GOODS"):
    return {"order_id": number, "order_status": status, "gmt_create": "2026-11-20 01:00:00"}


def asked(request):
    form = dict(request.form)
    return json.loads(form.get("param_aeop_order_query") or form["param0"])


@pytest.mark.parametrize(("path", "secret", "params", "timestamp", "sign"), VECTORS)
def test_signatures_are_the_published_ones(path, secret, params, timestamp, sign):
    params = {**params, "timestamp": timestamp, "sign_method": "sha256"}

    assert signing.iop_signature(secret, path, params) == sign


def test_a_call_carries_everything_and_a_signature_over_all_of_it():
    moment = datetime.fromtimestamp(1767225600, UTC)
    form = {"method": "aliexpress.solution.order.get", "format": "json", "simplify": "false"}
    form["param0"] = VECTORS[1][2]["param0"]
    account = replace(ACCOUNT, secrets={"access_token": "50000000a22aCcEsStOkEn"})

    signed = aliexpress.sign(replace(SYNC, form=form), account, now=moment)

    assert signed.form["sign"] == VECTORS[1][4]
    assert signed.form["sign_method"] == "sha256"


def test_the_consent_page_forces_a_sign_in():
    mode = aliexpress.mode("authorization_code")
    url = urlsplit(aliexpress.consent_url(Asked(app=APP, mode=mode, state="st_1", now=NOON)))

    assert (url.netloc, url.path) == ("api-sg.aliexpress.com", "/oauth/authorize")
    assert parse_qs(url.query) == {
        "response_type": ["code"], "force_auth": ["true"], "client_id": ["500000"],
        "redirect_uri": [APP.redirect_uri], "state": ["st_1"],
    }  # fmt: skip


@pytest.mark.parametrize("params", [{}, {"code": ""}, {"error": "access_denied"}])
def test_coming_back_without_a_code_is_a_refusal(params):
    with pytest.raises(NeedsSeller) as refused:
        aliexpress.read_callback(params, ACCOUNT, now=NOON)

    assert refused.value.fault is Fault.CONSENT_DENIED


def exchange(body, account=ACCOUNT):
    call = ScriptedCall(aliexpress, account, (200, body))
    return aliexpress.exchange(call, code="3_500000_x", verifier="", params={}, now=NOON)


@pytest.mark.parametrize(
    "body",
    [TOKEN, {"data": TOKEN}, {"gopResponseBody": json.dumps(TOKEN), "request_id": "1"}],
)
def test_a_grant_is_read_in_every_wrapping(body):
    grant = exchange(body)

    assert (grant.account_id, grant.refresh_token) == ("2637900000", "r-new-one")
    assert grant.access_expires_at == NOON + timedelta(days=30)
    assert grant.consent_expires_at == grant.refresh_expires_at == NOON + timedelta(seconds=5000000)


def test_the_stated_end_of_the_refresh_token_counts():
    ends = NOON + timedelta(days=60)

    grant = exchange(TOKEN | {"refresh_token_valid_time": int(ends.timestamp() * 1000)})

    assert grant.refresh_expires_at == grant.consent_expires_at == ends


def test_a_grant_that_cannot_be_refreshed_ends_with_its_access_token():
    grant = exchange(TOKEN | {"refresh_expires_in": 0})

    assert grant.refresh_token is None
    assert grant.consent_expires_at == grant.access_expires_at


def test_a_buyer_account_is_refused():
    with pytest.raises(NeedsSeller) as refused:
        exchange(TOKEN | {"account_platform": "buyerApp"})

    assert refused.value.fault is Fault.CONSENT_DENIED


def test_a_refreshed_grant_of_another_seller_is_refused():
    call = ScriptedCall(aliexpress, ACCOUNT, (200, TOKEN | {"seller_id": "1"}))

    with pytest.raises(NeedsSeller) as refused:
        aliexpress.refresh(call, now=NOON)

    assert refused.value.fault is Fault.SHOP_MISMATCH


def test_keys_fit_when_only_the_code_is_complained_about():
    said = {"code": "InvalidCode", "type": "ISV", "message": "Invalid authorization code"}

    aliexpress.check_app(ScriptedCall(aliexpress, OWN, (200, said)), now=NOON)


@pytest.mark.parametrize("code", ["IncompleteSignature", "InvalidAppKey"])
@pytest.mark.parametrize(("account", "kind"), [(OWN, NeedsSeller), (ACCOUNT, NeedsSupport)])
def test_wrong_keys_are_for_their_owner_to_mend(code, account, kind):
    call = ScriptedCall(aliexpress, account, (200, {"code": code, "message": "wrong"}))

    with pytest.raises(kind) as refused:
        aliexpress.check_app(call, now=NOON)

    assert refused.value.fault is Fault.BAD_CREDENTIALS


@pytest.mark.parametrize(("code", "fault"), ERRORS)
def test_every_code_in_both_forms(code, fault):
    assert read_fault({"code": code, "type": "ISV", "message": "said"}).fault is fault
    assert read_fault({"error_response": {"code": code, "msg": "said"}}).fault is fault


@pytest.mark.parametrize(
    ("error", "fault"),
    [
        ({"code": 15, "sub_code": "isp.service-unavailable"}, Fault.PLATFORM_DOWN),
        ({"code": 15, "sub_code": "isv.permission-api-package-limit"}, Fault.INSUFFICIENT_SCOPE),
        ({"code": "X", "type": "SYSTEM"}, Fault.PLATFORM_DOWN),
        ({"code": "X", "msg": "The app is offline"}, Fault.ACCOUNT_SUSPENDED),
        ({"code": "X", "msg": "seller account is closed"}, Fault.ACCOUNT_SUSPENDED),
    ],
)
def test_what_the_code_leaves_open(error, fault):
    assert read_fault({"error_response": error}).fault is fault


@pytest.mark.parametrize("simplify", [False, True])
def test_a_business_failure_inside_a_success(simplify):
    body = {"result": {"success": False, "error_code": "15-1001", "error_message": "no such"}}
    found = read_fault(body if simplify else {"some_method_response": body})

    assert (found.fault, found.detail) == (Fault.INVALID_REQUEST, "15-1001 no such")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("exceeds the limit. this ban will last 1 seconds", 1),
        ("This ban will last for 2 more seconds", 2),
        ("This ban will last for 99999 more seconds", 300),
        ("slow down", 5),
    ],
)
def test_a_ban_is_waited_for(text, seconds):
    found = read_fault({"error_response": {"code": "7", "sub_msg": text}})

    assert found.retry_after == timedelta(seconds=seconds)


def test_html_with_a_server_error_is_a_disturbance():
    found = read_fault(b"<html>", 503)

    assert isinstance(found, TryLater)
    assert found.fault is Fault.PLATFORM_DOWN


def test_what_changed_is_asked_in_pacific_time_and_then_what_finished():
    call = ScriptedCall(aliexpress, ACCOUNT, page(), page())

    first = aliexpress.fetch_orders(call, window=WINDOW, cursor=None, now=NOON)
    second = aliexpress.fetch_orders(call, window=WINDOW, cursor=first.cursor, now=NOON)

    changed, finished = (asked(request) for request in call.sent)
    assert changed["modified_date_start"] == "2026-11-21 03:35:00"
    assert changed["modified_date_end"] == "2026-11-21 04:00:00"
    assert changed["create_date_start"] == "2026-05-31 05:00:00"
    assert "order_status" not in changed
    assert finished["order_status"] == "FINISH"
    assert second.records == ()


def walk(window, now=NOON, total=lambda query: 0):
    """Every question of a window, with the pages that `total` makes."""
    at = lists.start(window, now=now, overlap=aliexpress.overlap, method=0)
    questions = []
    while at is not None:
        query = json.loads(lists.question(at))
        questions.append(query)
        count = total(query)
        left = count - (query["current_page"] - 1) * lists.PAGE_SIZE
        told = lists.Told(total_count=count)
        at = lists.following(at, told, max(0, min(left, lists.PAGE_SIZE)))
    return questions


def test_an_ordinary_window_takes_two_questions():
    late = NOON + timedelta(hours=1)
    window = Window(since=late - timedelta(minutes=25), until=late)

    assert [q.get("order_status") for q in walk(window, now=late)] == [None, "FINISH"]


def test_twice_a_day_finished_orders_are_asked_for_half_a_year_back():
    questions = walk(WINDOW)

    assert len([q for q in questions if q.get("order_status") == "FINISH"]) == 6
    assert min(q["create_date_start"] for q in questions[1:]) == "2026-05-31 05:00:00"


def test_no_finished_order_of_half_a_year_is_passed_over_by_the_rounds_of_some_days():
    begun = NOON - timedelta(days=3)
    reached, covered = begun, begun
    while reached < NOON:
        now = reached + timedelta(minutes=11)
        window = Window(since=reached - aliexpress.overlap, until=now)
        at = lists.start(window, now=now, overlap=aliexpress.overlap, method=0)
        for asked_for in at.rounds[1:]:
            deep = asked_for.until - asked_for.oldest > lists.FINISHED_SPAN * 2
            if deep and asked_for.since <= covered:
                covered = max(covered, asked_for.until)
        reached = now

    assert NOON - covered <= lists.DEEP_EVERY


def test_a_first_pull_also_asks_for_open_work_of_the_last_weeks():
    questions = walk(Window(since=NOON - timedelta(days=2), until=NOON))
    rest = [q for q in questions if "modified_date_start" not in q]

    assert [q["order_status"] for q in rest] == list(lists.OPEN)
    assert len(questions) < 20


def test_pages_after_the_first_are_read_from_the_last_to_the_first():
    late = NOON + timedelta(hours=1)
    window = Window(since=late - timedelta(minutes=25), until=late)

    pages = [
        q["current_page"]
        for q in walk(window, now=late, total=lambda q: 0 if "order_status" in q else 55)
    ]

    assert pages == [1, 3, 2, 1, 1]


def test_a_range_that_is_too_long_is_halved():
    said = {
        "success": False,
        "error_code": "15-1001",
        "error_message": "The time range is too long",
    }
    call = ScriptedCall(aliexpress, ACCOUNT, (200, {"x_response": {"result": said}}), page())

    first = aliexpress.fetch_orders(call, window=WINDOW, cursor=None, now=NOON)
    aliexpress.fetch_orders(call, window=WINDOW, cursor=first.cursor, now=NOON)

    assert first.records == ()
    assert asked(call.sent[1])["create_date_start"] == "2026-08-26 05:00:00"


def test_the_other_package_is_taken_where_one_is_not_permitted():
    call = ScriptedCall(aliexpress, ACCOUNT, REFUSED, page(row(1), name="y_response"))

    found = aliexpress.fetch_orders(call, window=WINDOW, cursor=None, now=NOON)

    assert len(found.records) == 1
    assert call.sent[1].form["method"] == "aliexpress.solution.order.get"
    assert json.loads(found.cursor)["method"] == 1


def test_without_permission_for_either_package_the_seller_is_told():
    call = ScriptedCall(aliexpress, ACCOUNT, REFUSED, REFUSED)

    with pytest.raises(NeedsSeller) as refused:
        aliexpress.fetch_orders(call, window=WINDOW, cursor=None, now=NOON)

    assert refused.value.fault is Fault.INSUFFICIENT_SCOPE


def test_what_is_to_be_shipped_gets_its_address_by_a_call_of_its_own():
    detail = {"error_code": 0, "data": {"receipt_address": {"city": "Portland"}}}
    call = ScriptedCall(
        aliexpress, ACCOUNT, page(row(1), row(2, "WAIT_SELLER_SEND_GOODS")),
        (200, {"aliexpress_solution_order_info_get_response": {"result": detail}}),
    )  # fmt: skip

    found = aliexpress.fetch_orders(call, window=WINDOW, cursor=None, now=NOON)

    assert [aliexpress.parse_order(r).ship_to.city for r in found.records] == [None, "Portland"]
    assert json.loads(call.sent[1].form["param1"]) == {"order_id": 2}


def test_without_permission_for_details_the_list_must_do():
    to_ship = (row(n, "WAIT_SELLER_SEND_GOODS") for n in (1, 2, 3))
    call = ScriptedCall(aliexpress, ACCOUNT, page(*to_ship), REFUSED, REFUSED)

    found = aliexpress.fetch_orders(call, window=WINDOW, cursor=None, now=NOON)

    assert len(found.records) == 3
    assert len(call.sent) == 3  # each of the two methods was tried once for the page


def test_who_we_are_is_the_seller_of_the_grant_under_the_shops_name():
    profile = {"aliexpress_solution_merchant_profile_get_response": {"shop_name": "Test shop"}}
    call = ScriptedCall(aliexpress, ACCOUNT, (200, profile), page())

    found = aliexpress.who_am_i(call, now=NOON)

    assert (found.account_id, found.account_name) == ("2637900000", "Test shop")
    assert [shop.external_id for shop in found.shops] == ["2637900000"]


def test_an_application_without_the_profile_group_can_still_be_linked():
    call = ScriptedCall(aliexpress, ACCOUNT, REFUSED, REFUSED, REFUSED, page())

    found = aliexpress.who_am_i(call, now=NOON)

    assert found.account_name == "AliExpress 2637900000"
    assert found.secrets == {"orders_method": "1"}


def test_another_sellers_profile_is_refused():
    profile = {"aliexpress_merchant_profile_get_response": {"profile": {"seller_id": 7}}}
    call = ScriptedCall(aliexpress, ACCOUNT, REFUSED, (200, profile))

    with pytest.raises(PlatformError) as refused:
        aliexpress.who_am_i(call, now=NOON)

    assert refused.value.fault is Fault.SHOP_MISMATCH


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("app_key", "0123456789abcdef0123456789abcdef", "App Secret"),
        ("app_secret", "500000", "App Key"),
        ("app_key", "me@shop.example", "e-mail"),
        ("app_secret", "3_500000_AbCd", "code"),
    ],
)
def test_what_was_pasted_wrongly_is_named(name, value, words):
    mode = aliexpress.mode("own_app")
    field = next(field for field in mode.fields if field.name == name)

    assert words in str(aliexpress.explain_value(mode, field, value))
