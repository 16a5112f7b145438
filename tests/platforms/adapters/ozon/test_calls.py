"""What the Ozon adapter sends, and what it makes of the answers."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from platforms.adapter import clean_value
from platforms.adapters.ozon import Ozon
from platforms.errors import Fault, NeedsSeller, PlatformError, TryLater
from platforms.spec import Request, Window
from tests.platforms.adapters.accounts import OZON
from tests.support.calls import NOON, ScriptedCall, answer

ozon = Ozon()
MODE = ozon.mode("api_key")
# Not over noon: every six hours more is read, which has tests of its own.
WINDOW = Window(since=NOON - timedelta(hours=1), until=NOON - timedelta(minutes=1))
POST = Request(method="POST", path="/v1/roles")
FBS_ROLE = {"name": "Posting FBS", "methods": ["/v4/posting/fbs/list"]}
FBO_ROLE = {"name": "Posting FBO", "methods": ["/v3/posting/fbo/list"]}
COMPANY = {"company": {"name": "Example Lights", "currency": "CNY"}}
NO_ROLE = (403, {"code": 7, "message": "Api-Key is missing a required role for a method"})


def orders(call, cursor=None, window=WINDOW, now=NOON):
    return ozon.fetch_orders(call, window=window, cursor=cursor, now=now)


def run(call, window=WINDOW, now=NOON):
    """All pages of a window, as a pull would fetch them."""
    pages = [orders(call, None, window, now)]
    while pages[-1].cursor:
        pages.append(orders(call, pages[-1].cursor, window, now))
    return pages


def test_the_roles_request_has_three_headers_and_no_body():
    signed = ozon.sign(POST, OZON, now=NOON)

    assert (signed.json, signed.form, signed.params) == (None, None, {})
    assert signed.headers["Client-Id"] == "1234567"
    assert signed.headers["Api-Key"] == OZON.secrets["api_key"]
    assert signed.headers["content-type"] == "application/json"


@pytest.mark.parametrize("key", ["", "ключ", "0f1e2d3с-latin-but-one"])
def test_a_key_that_fits_no_header_is_a_wrong_key(key):
    account = replace(OZON, secrets={"client_id": "1", "api_key": key})

    with pytest.raises(NeedsSeller) as caught:
        ozon.sign(POST, account, now=NOON)

    assert caught.value.fault is Fault.BAD_CREDENTIALS


def test_the_shop_is_the_client_id_and_the_key_tells_its_end():
    roles = {"expires_at": "2027-02-18T09:54:23.296Z", "roles": [FBS_ROLE, FBO_ROLE]}
    call = ScriptedCall(ozon, OZON, (200, roles), (200, COMPANY))

    identity = ozon.who_am_i(call, now=NOON)

    assert (identity.account_id, identity.account_name) == ("1234567", "Example Lights")
    assert (identity.shops[0].external_id, identity.shops[0].currency) == ("1234567", "CNY")
    assert identity.consent_expires_at == datetime(2027, 2, 18, 9, 54, 23, 296_000, tzinfo=UTC)
    assert (identity.scopes, identity.missing) == (("Posting FBS", "Posting FBO"), ())
    assert [request.path for request in call.sent] == ["/v1/roles", "/v1/seller/info"]


def test_a_key_that_may_not_name_the_shop_is_good_enough():
    call = ScriptedCall(ozon, OZON, (200, {"roles": [FBS_ROLE, FBO_ROLE]}), NO_ROLE)

    identity = ozon.who_am_i(call, now=NOON)

    assert (identity.account_name, identity.consent_expires_at) == ("Ozon 1234567", None)


@pytest.mark.parametrize(
    ("roles", "missing"),
    [
        ([FBS_ROLE], ("Posting FBO",)),
        (None, ()),
        ([{"name": "Admin read only", "methods": []}], ()),
        ([{"name": "Orders", "methods": ["/v1/posting"]}], ()),
    ],
)
def test_missing_roles_are_named(roles, missing):
    call = ScriptedCall(ozon, OZON, (200, {"expires_at": "", "roles": roles}), (200, {}))

    assert ozon.who_am_i(call, now=NOON).missing == missing


NO_ORDER_ROLES = [
    [],
    [{"name": "Chat", "methods": ["/v3/chat/list", ""]}],
    [{"name": None, "methods": None}],
]


@pytest.mark.parametrize("roles", NO_ORDER_ROLES)
def test_a_key_that_opens_neither_list_is_refused_at_once(roles):
    call = ScriptedCall(ozon, OZON, (200, {"roles": roles}), NO_ROLE, NO_ROLE)

    with pytest.raises(NeedsSeller) as caught:
        ozon.who_am_i(call, now=NOON)

    assert caught.value.fault is Fault.INSUFFICIENT_SCOPE


@pytest.mark.parametrize("roles", NO_ORDER_ROLES)
def test_roles_are_a_hint_and_a_list_that_opens_proves_more(roles):
    opened = (200, {"postings": []})
    call = ScriptedCall(ozon, OZON, (200, {"roles": roles}), NO_ROLE, opened, (200, COMPANY))

    assert ozon.who_am_i(call, now=NOON).account_name == "Example Lights"


def test_both_lists_are_read_one_after_the_other():
    call = ScriptedCall(
        ozon,
        OZON,
        (200, {"postings": [{"a": 1}], "cursor": "c2", "has_next": True}),
        (200, {"postings": [{"b": 2}], "cursor": "", "has_next": False}),
        (200, {"postings": [{"c": 3}], "cursor": "", "has_next": False}),
    )

    pages = run(call)

    assert [(page.kind, len(page.records)) for page in pages] == [
        ("fbs", 1),
        ("fbs", 1),
        ("fbo", 1),
    ]
    assert [request.json.get("cursor") for request in call.sent] == [None, "c2", None]
    assert call.sent[0].json["filter"] == call.sent[1].json["filter"]


def test_fbs_is_asked_by_change_and_fbo_again_for_two_days():
    call = ScriptedCall(ozon, OZON, (200, {"postings": []}), (200, {"postings": []}))

    run(call, Window(since=NOON - timedelta(minutes=20), until=NOON - timedelta(minutes=1)))

    fbs, fbo = (request.json["filter"] for request in call.sent)
    assert fbs["last_changed_status_date"] == {
        "from": "2026-11-21T11:40:00.000Z",
        "to": "2026-11-21T11:59:00.000Z",
    }
    assert fbs["to"] == "2026-11-21T12:00:00.000Z"
    assert fbo == {"since": "2026-11-19T11:59:00.000Z", "to": "2026-11-21T11:59:00.000Z"}


def test_fbo_is_read_again_for_a_month_four_times_a_day():
    call = ScriptedCall(ozon, OZON, *[(200, {"postings": []})] * 3)
    until = datetime(2026, 11, 21, 12, 1, tzinfo=UTC)

    run(call, Window(since=until - timedelta(minutes=20), until=until), until)

    assert call.sent[2].json["filter"]["since"] == "2026-10-22T12:01:00.000Z"


FIRST = Window(since=NOON - timedelta(hours=36), until=NOON - timedelta(minutes=1))


def test_the_first_pull_also_reads_what_has_been_open_for_long():
    page = (200, {"postings": [{}], "cursor": "", "has_next": False})
    call = ScriptedCall(ozon, OZON, page, page, page)

    assert [p.kind for p in run(call, FIRST)] == ["fbs", "fbs", "fbo"]
    assert call.sent[1].path == "/v4/posting/fbs/unfulfilled/list"
    assert call.sent[1].json["limit"] == 100
    assert call.sent[1].json["filter"] == {
        "cutoff_from": "2026-10-22T11:59:00.000Z",
        "cutoff_to": "2026-12-21T11:59:00.000Z",
    }


def test_the_pages_of_what_is_open_ask_the_same_question():
    call = ScriptedCall(
        ozon,
        OZON,
        (200, {"postings": []}),
        (200, {"postings": [{}], "cursor": "c2", "has_next": True}),
        (200, {"postings": [{}]}),
        (200, {"postings": []}),
    )

    run(call, FIRST)

    assert call.sent[2].json == {**call.sent[1].json, "cursor": "c2"}


def test_a_key_without_fbs_is_not_asked_for_what_is_open():
    call = ScriptedCall(ozon, OZON, NO_ROLE, (200, {"postings": []}))

    run(call, FIRST)

    assert [request.path[4:] for request in call.sent] == ["posting/fbs/list", "posting/fbo/list"]


def test_what_is_open_may_be_closed_to_a_key():
    call = ScriptedCall(ozon, OZON, (200, {"postings": []}), NO_ROLE, (200, {"postings": []}))

    assert len(run(call, FIRST)) == 3


def test_a_back_fill_asks_for_its_own_days_and_never_for_more_than_a_year():
    call = ScriptedCall(ozon, OZON, (200, {"postings": []}), (200, {"postings": []}))
    since = NOON - timedelta(days=300)

    run(call, Window(since=since, until=since + timedelta(days=30)))

    fbs, fbo = (request.json["filter"] for request in call.sent)
    span = datetime.fromisoformat(fbs["to"]) - datetime.fromisoformat(fbs["since"])
    assert span <= timedelta(days=365)
    assert datetime.fromisoformat(fbo["since"]) == since


@pytest.mark.parametrize(
    "page",
    [
        {"postings": [], "cursor": "c9", "has_next": True},
        {"postings": [{}], "cursor": "", "has_next": True},
        {"postings": None, "cursor": None, "has_next": True},
    ],
)
def test_a_list_that_claims_more_than_it_has_ends(page):
    call = ScriptedCall(ozon, OZON, (200, page), (200, page))

    assert [p.kind for p in run(call)] == ["fbs", "fbo"]


def test_a_cursor_that_repeats_ends_the_list():
    page = {"postings": [{}], "cursor": "same", "has_next": True}
    call = ScriptedCall(ozon, OZON, *[(200, page)] * 4)

    assert [p.kind for p in run(call)] == ["fbs", "fbs", "fbo", "fbo"]


@pytest.mark.parametrize("refused", ["fbs", "fbo"])
def test_a_key_for_one_of_the_lists_pulls_that_one(refused):
    page = (200, {"postings": [{"a": 1}]})
    call = ScriptedCall(ozon, OZON, *((NO_ROLE, page) if refused == "fbs" else (page, NO_ROLE)))

    assert sum(len(p.records) for p in run(call)) == 1


def test_a_key_for_neither_list_is_refused():
    with pytest.raises(NeedsSeller) as caught:
        run(ScriptedCall(ozon, OZON, NO_ROLE, NO_ROLE))

    assert caught.value.fault is Fault.INSUFFICIENT_SCOPE


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"postings": [', b'{"postings": 1}', b"[]"])
def test_nonsense_instead_of_postings_is_tried_again_later(body):
    with pytest.raises(TryLater):
        orders(ScriptedCall(ozon, OZON, (200, body)))


@pytest.mark.parametrize(
    ("status", "body", "fault"),
    [
        (
            401,
            {"code": 16, "message": "Client-Id and Api-Key headers are required"},
            Fault.BAD_CREDENTIALS,
        ),
        (
            400,
            {"code": 3, "message": "Client-Id should be positive integer"},
            Fault.BAD_CREDENTIALS,
        ),
        (
            403,
            {"code": 7, "message": "INVALID API-KEY, please contact support"},
            Fault.BAD_CREDENTIALS,
        ),
        (
            403,
            {"code": 7, "message": "Api-key is deactivated, use another one"},
            Fault.TOKEN_REVOKED,
        ),
        (
            403,
            {"code": 7, "message": "Api-Key is restricted to specific IP addresses"},
            Fault.IP_NOT_WHITELISTED,
        ),
        (403, {"code": 7, "message": "Offer not signed"}, Fault.ACCOUNT_SUSPENDED),
        (
            403,
            {"code": 7, "message": "Company is blocked, please contact support"},
            Fault.ACCOUNT_SUSPENDED,
        ),
        (
            403,
            {"error": {"code": "ACCESS_DENIED", "message": "no", "data": []}},
            Fault.INSUFFICIENT_SCOPE,
        ),
        (
            200,
            {"code": 8, "message": "You have reached request rate limit per second"},
            Fault.RATE_LIMITED,
        ),
        (200, {"code": 8, "message": ""}, Fault.RATE_LIMITED),
        (429, b"", Fault.RATE_LIMITED),
        (500, {"code": 13, "message": "Circle is open"}, Fault.PLATFORM_DOWN),
        (400, {"code": 13, "message": "Internal error"}, Fault.PLATFORM_DOWN),
        (502, b"<html>", Fault.PLATFORM_DOWN),
        (307, b"", Fault.PLATFORM_DOWN),
        (400, {"code": 3, "message": "PERIOD_IS_TOO_LONG"}, Fault.INVALID_REQUEST),
        (410, {"code": 5, "message": "obsolete method cannot be used"}, Fault.INVALID_REQUEST),
        (404, b"", Fault.INVALID_REQUEST),
        (200, {"code": 99, "message": "something new"}, Fault.UNKNOWN),
        (200, b"<html>", Fault.BAD_RESPONSE),
    ],
)
def test_refusals_have_a_name(status, body, fault):
    assert ozon.read_fault(POST, answer(status, body)).fault is fault


@pytest.mark.parametrize("body", [{}, {"code": 0, "postings": []}, {"roles": [], "message": None}])
def test_success_is_no_fault(body):
    assert ozon.read_fault(POST, answer(200, body)) is None


@pytest.mark.parametrize(
    ("field", "value", "hint"),
    [
        ("client_id", "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0", "API key"),
        ("client_id", "12345-678@advertising.performance.ozon.ru", "Performance API"),
        ("client_id", "seller@example.ru", "e-mail"),
        ("api_key", "1234567", "Client ID"),
        ("api_key", "0f1e2d3с-4b5a-6978-8796-a5b4c3d2e1f0", "“с” is a Cyrillic"),
        ("api_key", "0f1e2d3ł-4b5a-6978-8796-a5b4c3d2e1f0", "“ł” does not occur"),
    ],
)
def test_what_was_pasted_wrongly_is_recognized(field, value, hint):
    chosen = next(f for f in MODE.fields if f.name == field)

    assert hint in str(ozon.explain_value(MODE, chosen, value))


@pytest.mark.parametrize(
    "pasted",
    [" 1234567\n", "１２３４５６７", "\u200b1234567\ufeff", "“1234567”", "1\u00a0234\u00a0567"],
)
def test_what_copying_adds_is_cleaned_away(pasted):
    assert clean_value(pasted) == ("1234567", True)


def test_fixed_keys_are_not_refreshed():
    assert not ozon.can_refresh(OZON)
    with pytest.raises(PlatformError):
        ozon.sign(POST, replace(OZON, secrets={}), now=NOON)
