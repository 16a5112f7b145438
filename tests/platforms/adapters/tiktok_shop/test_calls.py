"""What the TikTok Shop adapter sends, and what it makes of the answers."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest

from platforms.adapters.tiktok_shop import TiktokShop
from platforms.errors import Fault, NeedsSupport, PlatformError, TryLater
from platforms.news import News, Push
from platforms.spec import Account, AppKeys, Asked, Request, Window
from tests.support.calls import NOON, ScriptedCall, answer

tiktok = TiktokShop()
APP = AppKeys(
    client_id="6exa0mple0a1",
    client_secret="5ec2e7" * 6,
    extra={"service_id": "7000000000000000001"},
)
ACCOUNT = Account(
    mode="authorization_code",
    region="row",
    account_id="7010000000000000001",
    secrets={"access_token": "ROW_a", "refresh_token": "r1", "cipher:11": "C11", "cipher:12": "C"},
    app=APP,
    shop_ids=("11",),
)
WINDOW = Window(
    since=datetime(2026, 11, 20, tzinfo=UTC),
    until=datetime(2026, 11, 21, 1, 2, 3, 4567, tzinfo=UTC),
)
TOKEN = {
    "access_token": "ROW_new",
    "access_token_expire_in": 1_795_867_200,
    "refresh_token": "r2",
    "refresh_token_expire_in": 1_826_798_400,
    "open_id": "7010000000000000001",
    "seller_name": "Example Shop",
    "user_type": 0,
    "granted_scopes": ["seller.authorization.info", "seller.order.info"],
}
GET = Request(method="GET", path="/order/202507/orders")
EXCHANGE = Request(method="GET", path="/api/v2/token/get", endpoint="auth", signed=False)
REFRESH = replace(EXCHANGE, path="/api/v2/token/refresh")


def ok(data: object) -> tuple[int, object]:
    return 200, {"code": 0, "message": "Success", "data": data, "request_id": "1"}


def no(code: int, message: str = "no") -> tuple[int, object]:
    return 200, {"code": code, "message": message, "data": None, "request_id": "1"}


def call(*script, account=ACCOUNT):
    return ScriptedCall(tiktok, account, *script)


def exchange(data):
    return tiktok.exchange(call(ok(data)), code="c", verifier="", params={}, now=NOON)


def orders(call, cursor=None):
    return tiktok.fetch_orders(call, window=WINDOW, cursor=cursor, now=NOON)


# --- consent


@pytest.mark.parametrize(
    ("region", "host"), [("us", "services.us.tiktokshop.com"), ("row", "services.tiktokshop.com")]
)
def test_each_market_has_a_consent_page_of_its_own(region, host):
    mode = tiktok.mode("authorization_code")
    url = urlsplit(
        tiktok.consent_url(Asked(app=APP, mode=mode, state="st_1", now=NOON, region=region))
    )

    assert (url.netloc, url.path) == (host, "/open/authorize")
    assert parse_qs(url.query) == {"service_id": ["7000000000000000001"], "state": ["st_1"]}


@pytest.mark.parametrize(
    ("changes", "fault"),
    [({"region": ""}, Fault.INVALID_REQUEST), ({"app": replace(APP, extra={})}, "app_rejected")],
)
def test_without_market_or_service_id_there_is_no_consent_page(changes, fault):
    mode = tiktok.mode("own_app")
    asked = Asked(app=APP, mode=mode, state="st_1", now=NOON, region="row")

    with pytest.raises(PlatformError) as raised:
        tiktok.consent_url(replace(asked, **changes))

    assert raised.value.fault == fault


@pytest.mark.parametrize(
    ("params", "fault"),
    [
        ({"error": "access_denied"}, "consent_denied"),
        ({}, "consent_denied"),
        ({"code": "x" * 1025}, "invalid_request"),
    ],
)
def test_a_callback_without_a_usable_code_is_refused(params, fault):
    with pytest.raises(PlatformError) as raised:
        tiktok.read_callback(params, ACCOUNT, now=NOON)

    assert raised.value.fault == fault


def test_the_number_of_the_service_is_recognized_in_the_field_of_the_key():
    mode = tiktok.mode("own_app")
    app_key, secret, _service = mode.fields

    assert "service ID" in str(tiktok.explain_value(mode, app_key, "7000000000000000001"))
    assert "app secret" in str(tiktok.explain_value(mode, app_key, "e1" * 20))
    assert "e-mail" in str(tiktok.explain_value(mode, secret, "me@shop.example"))
    assert tiktok.explain_value(mode, app_key, "6exa0mple0a1") is None


# --- tokens


def test_a_code_is_exchanged_by_get_under_tiktoks_own_word():
    told = call(ok(TOKEN))
    grant = tiktok.exchange(told, code="code1", verifier="", params={}, now=NOON)

    (sent,) = told.sent
    assert (sent.method, sent.path, sent.endpoint) == ("GET", "/api/v2/token/get", "auth")
    assert sent.params["grant_type"] == "authorized_code"
    assert sent.params["auth_code"] == "code1"
    assert "5ec2e7" not in repr(sent)
    assert grant.account_id == "7010000000000000001"
    assert grant.access_expires_at == datetime.fromtimestamp(1_795_867_200, tz=UTC)
    assert grant.consent_expires_at == grant.refresh_expires_at
    assert grant.secrets["seller_name"] == "Example Shop"


def test_a_time_that_is_too_small_to_be_one_is_a_duration():
    grant = exchange(TOKEN | {"access_token_expire_in": 604_800})

    assert grant.access_expires_at == NOON + timedelta(days=7)


@pytest.mark.parametrize("kind", [1, 3])
def test_creators_and_partners_are_no_sellers(kind):
    with pytest.raises(PlatformError) as raised:
        exchange(TOKEN | {"user_type": kind})

    assert raised.value.fault == Fault.CONSENT_DENIED
    assert str(kind) in raised.value.detail


@pytest.mark.parametrize("changes", [{"open_id": ""}, {"refresh_token": ""}, {"access_token": ""}])
def test_half_a_grant_is_none(changes):
    with pytest.raises(TryLater):
        exchange(TOKEN | changes)


def test_both_tokens_of_a_refresh_are_kept():
    told = call(ok(TOKEN))
    grant = tiktok.refresh(told, now=NOON)

    assert told.sent[0].params["grant_type"] == "refresh_token"
    assert told.sent[0].params["refresh_token"] == "r1"
    assert (grant.access_token, grant.refresh_token) == ("ROW_new", "r2")


# --- who we are

SHOPS = {
    "shops": [
        {"id": "11", "name": "UK", "region": "GB", "cipher": "N11", "seller_type": "LOCAL"},
        {"id": "12", "name": "Elsewhere", "region": "ZZ", "cipher": "N12"},
    ]
}


def test_every_shop_is_told_with_its_country_and_its_key_kept():
    account = replace(ACCOUNT, secrets=ACCOUNT.secrets | {"granted_scopes": "seller.order.info"})
    identity = tiktok.who_am_i(call(ok(SHOPS), account=account), now=NOON)

    assert identity.account_id == "7010000000000000001"
    assert [(s.external_id, s.site) for s in identity.shops] == [("11", "GB"), ("12", "ZZ")]
    assert identity.secrets == {"cipher:11": "N11", "cipher:12": "N12"}
    assert identity.missing == ("seller.authorization.info",)
    assert "N11" not in repr(identity)


@pytest.mark.parametrize("data", [{}, {"shops": []}, {"shops": None}, None])
def test_an_account_may_have_no_active_shop(data):
    assert tiktok.who_am_i(call(ok(data)), now=NOON).shops == ()


# --- orders


def test_the_search_asks_for_changes_in_whole_seconds_and_goes_on_at_the_token():
    told = call(
        ok({"orders": [{"id": "1", "status": "UNPAID"}], "next_page_token": "n1"}),
        ok({"next_page_token": "", "total_count": 1}),
    )
    first = orders(told)
    second = orders(told, first.cursor)

    one, two = told.sent
    assert one.json == two.json == {"update_time_ge": 1795132800, "update_time_lt": 1795222924}
    assert one.params["shop_cipher"] == "C11"
    assert (one.params["page_size"], one.params["sort_order"]) == ("100", "ASC")
    assert "page_token" not in one.params
    assert two.params["page_token"] == "n1"
    assert (len(first.records), second.records, second.cursor) == (1, (), None)


def test_a_page_that_leads_to_itself_is_an_error():
    cursor = json.dumps({"since": 1, "until": 2, "token": "n1"})

    with pytest.raises(TryLater):
        orders(call(ok({"next_page_token": "n1"})), cursor)


def test_orders_that_come_as_numbers_only_are_asked_for_whole():
    whole = {"id": "2", "status": "UNPAID", "update_time": 1}
    told = call(
        ok({"orders": [{"id": "1", "status": "UNPAID"}, {"id": "2"}, {"id": "3"}]}),
        ok({"orders": [whole]}),
    )
    page = orders(told)

    assert told.sent[1].params["ids"] == "2,3"
    assert [json.loads(bytes(raw)) for raw in page.records] == [
        {"id": "1", "status": "UNPAID"}, whole, {"id": "3"},
    ]  # fmt: skip


def test_more_than_fifty_numbers_are_asked_for_in_turns():
    bare = [{"id": str(n)} for n in range(100, 160)]
    told = call(ok({"orders": bare}), ok({"orders": bare[:50]}), ok({"orders": bare[50:]}))

    orders(told)

    assert [r.params["ids"].count(",") + 1 for r in told.sent[1:]] == [50, 10]


@pytest.mark.parametrize("code", [101000, 106013])
def test_the_key_of_a_shop_that_is_refused_is_loaded_anew_once(code):
    told = call(no(code), ok(SHOPS), ok({"orders": []}))
    orders(told)

    assert [r.params.get("shop_cipher") for r in told.sent] == ["C11", None, "N11"]

    with pytest.raises(PlatformError):
        orders(call(no(code), ok(SHOPS), no(code)))


# --- refusals


@pytest.mark.parametrize(
    ("request_", "code", "message", "fault"),
    [
        (GET, 105002, "access_token is expired", "token_expired"),
        (GET, 105001, "access token is invalid", "token_expired"),
        (GET, 36009999, "access_token header is invalid", "token_expired"),
        (EXCHANGE, 36004004, "auth_code is invalid", "invalid_request"),
        (REFRESH, 36004005, "no related auth record", "token_revoked"),
        (EXCHANGE, 36004005, "no related auth record", "invalid_request"),
        (REFRESH, 36004001, "rt has expired", "token_revoked"),
        (EXCHANGE, 36004001, "rt has expired", "invalid_request"),
        (GET, 105005, "scope", "insufficient_scope"),
        (GET, 101000, "no match", "bad_credentials"),
        (GET, 106001, "sign is invalid", "bad_credentials"),
        (GET, 106013, "shop_cipher is missing", "invalid_request"),
        (GET, 36009033, "ip", "ip_not_whitelisted"),
        (GET, 36009004, "timestamp is earlier than 5 minutes", "clock_skew"),
        (GET, 36009004, "timestamp is more than 30 seconds ahead", "clock_skew"),
        (GET, 36009004, "Invalid app_key", "bad_credentials"),
        (GET, 36009004, "page_size", "invalid_request"),
        (GET, 36009009, "path", "invalid_request"),
        (GET, 36009010, "method", "invalid_request"),
        (GET, 36009014, "version", "invalid_request"),
        (GET, 36009002, "too many", "rate_limited"),
        (GET, 36009003, "internal", "platform_down"),
        (GET, 36009007, "timeout", "platform_down"),
        (GET, 36009043, "inactive", "account_suspended"),
        (GET, 36009044, "inactive", "account_suspended"),
        (GET, 21008111, "order of another shop", "invalid_request"),
        (GET, 99999999, "news", "invalid_request"),
    ],
)
def test_every_code_has_one_meaning_whatever_the_status(request_, code, message, fault):
    for status in (200, 400):
        body = {"code": code, "message": message, "data": None}
        error = tiktok.read_fault(request_, answer(status, body))
        assert error is not None
        assert error.fault == fault
        assert str(code) in error.detail


@pytest.mark.parametrize(
    ("status", "body", "fault"),
    [
        (429, b"", "rate_limited"),
        (503, b"<html>", "platform_down"),
        (500, {"code": 1, "message": "x"}, "platform_down"),
        (401, {"code": 1, "message": "x"}, "token_expired"),
        (401, b"", "token_expired"),
        (403, b"<html>", "platform_down"),
        (404, b"", "invalid_request"),
        (200, {"data": {}}, "bad_response"),
    ],
)
def test_without_a_known_code_the_status_must_do(status, body, fault):
    error = tiktok.read_fault(GET, answer(status, body))

    assert error is not None
    assert error.fault == fault


def test_a_wrong_secret_is_ours_to_mend():
    _status, body = no(106001)
    assert isinstance(tiktok.read_fault(GET, answer(200, body)), NeedsSupport)


# --- pushes


def pushed(**body):
    push = Push(method="POST", address="https://here.example", body=json.dumps(body).encode())
    (notice,) = tiktok.webhooks.read(push)
    return notice


@pytest.mark.parametrize(
    ("kind", "news"),
    [
        (1, News.ORDERS), (3, News.ORDERS), (4, News.ORDERS), (5, News.OTHER), (6, News.REVOKED),
        (7, News.EXPIRES), (11, News.ORDERS), (12, News.ORDERS), (13, News.OTHER), (99, News.OTHER),
    ],
)  # fmt: skip
def test_a_push_says_what_it_is_about(kind, news):
    data = {"order_id": "576", "expiration_time": "1627587506"}
    notice = pushed(type=kind, shop_id="11", timestamp=1_795_000_000, data=data)

    assert (notice.news, notice.shop_id) == (news, "11")
    assert notice.number == ("576" if news is News.ORDERS else "")


def test_a_push_sent_again_is_recognized_with_and_without_a_number_of_its_own():
    same = {"type": 1, "shop_id": "11", "timestamp": 1, "data": {"order_id": "1"}}
    other = same | {"data": {"order_id": "2"}}

    assert pushed(**{**same, "timestamp": 1_795_000_000, "tts_notification_id": "77"}).key == "77"
    moment = {"timestamp": 1_795_000_000}
    assert pushed(**same | moment).key == pushed(**same | moment).key
    assert pushed(**same | moment).key != pushed(**other | moment).key


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"<html>",
        b'{"type": "1"}',
        b'{"type": 1, "timestamp": 1000000000000000}',
    ],
)
def test_a_push_that_is_none_is_refused(body):
    with pytest.raises((msgspec.ValidationError, ValueError)):
        tiktok.webhooks.read(Push(method="POST", address="https://here.example", body=body))


def test_pushes_are_asked_for_at_every_linked_shop_and_given_back():
    both = replace(ACCOUNT, shop_ids=())
    hooks = tiktok.webhooks
    told = call(*[ok({})] * 14, account=both)

    ids = hooks.register(told, address="https://here.example/x", now=NOON)

    assert set(ids) == set(hooks.topics)
    assert set(ids.values()) == {"11,12"}
    assert {r.method for r in told.sent} == {"PUT"}
    assert {r.params["shop_cipher"] for r in told.sent} == {"C11", "C"}
    gone = call(*[ok({})] * 14, account=both)
    hooks.unregister(gone, ids)
    assert {r.method for r in gone.sent} == {"DELETE"}


def test_a_topic_without_permission_is_left_out():
    told = call(no(105005), *[ok({})] * 6)

    ids = tiktok.webhooks.register(told, address="https://here.example/x", now=NOON)

    assert len(ids) == len(tiktok.webhooks.topics) - 1
