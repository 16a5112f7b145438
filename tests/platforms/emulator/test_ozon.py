from __future__ import annotations

from typing import Any

import pytest

from tests.platforms.emulator.acts import FBS, Acts
from tests.platforms.emulator.conftest import Clock

SINCE, TO = "2026-10-01T00:00:00Z", "2026-11-21T12:00:00Z"
FULL = {"since": SINCE, "to": TO}


@pytest.mark.parametrize(
    ("headers", "status", "message"),
    [
        ({}, 401, "Client-Id and Api-Key headers are required"),
        ({"Client-Id": "9900001"}, 401, "Client-Id and Api-Key headers are required"),
        ({"Client-Id": "shop", "Api-Key": "x"}, 400, "Client-Id should be positive integer"),
        ({"Client-Id": "9900001", "Api-Key": "x"}, 403, "Invalid Api-Key"),
        (
            {"Client-Id": "9900002", "Api-Key": "e2e0e2e0-e2e0-4e2e-8e2e-000000000001"},
            403,
            "Invalid Api-Key",
        ),
        ({"Authorization": "Bearer x"}, 401, "Authorization token is invalid"),
    ],
)
def test_wrong_headers_are_refused(
    acts: Acts, headers: dict[str, str], status: int, message: str
) -> None:
    response = acts.client.post("/ozon/api/v1/roles", headers=headers)

    assert response.status_code == status
    assert response.json["message"].startswith(message)
    assert response.headers["x-o3-trace-id"]


@pytest.mark.parametrize(
    ("account", "key", "message"),
    [
        ("ozon-restricted", 0, "Api-Key is restricted to specific IP addresses"),
        ("ozon-expired", 0, "Api-key is deactivated, use another one or generate a new one"),
    ],
)
def test_ready_made_bad_keys_are_refused(acts: Acts, account: str, key: int, message: str) -> None:
    response = acts.ozon("/v1/roles", account=account, key=key)

    assert (response.status_code, response.json["message"]) == (403, message)


def test_a_renewed_key_opens_the_same_cabinet(acts: Acts) -> None:
    assert acts.ozon("/v1/roles", account="ozon-expired", key=1).status_code == 200


def test_a_key_ends_on_its_day(acts: Acts, clock: Clock) -> None:
    before = acts.ozon("/v1/roles", account="ozon-expiring").json
    clock.move(5 * 86_400)
    after = acts.ozon("/v1/roles", account="ozon-expiring")

    assert before["expires_at"] == "2026-11-26T12:00:00.000Z"
    assert after.json["message"].startswith("Api-key is deactivated")


def test_roles_limit_what_a_key_may_call(acts: Acts) -> None:
    body = {"filter": FULL, "limit": 1}
    roles = acts.ozon("/v1/roles", account="ozon-no-postings").json["roles"]

    refused = [
        acts.ozon(path, body, account="ozon-no-postings")
        for path in ("/v4/posting/fbs/list", "/v3/posting/fbo/list")
    ]

    assert [role["name"] for role in roles] == ["Product read only", "Seller Info"]
    assert [r.status_code for r in refused] == [403, 403]
    assert refused[0].json["message"] == "Api-Key is missing a required role for a method"
    assert acts.ozon("/v3/posting/fbo/list", body, key=1).status_code == 403


def test_seller_info_names_the_company(acts: Acts) -> None:
    company = acts.ozon("/v1/seller/info").json["company"]

    assert (company["name"], company["currency"]) == ("Zarya Emulated Lights", "CNY")


@pytest.mark.parametrize(
    "changes",
    [
        {"filter": None},
        {"filter": {}},
        {"filter": {"since": SINCE}},
        {"filter": {"since": "2026-11-20", "to": TO}},
        {"filter": {"since": TO, "to": SINCE}},
        {"filter": {**FULL, "statuses": ["shipped"]}},
        {"filter": {**FULL, "statuses": "delivering"}},
        {"filter": {**FULL, "stauts": []}},
        {"filter": {**FULL, "last_changed_status_date": {"from": "yesterday"}}},
        {"limit": 0},
        {"limit": 101},
        {"limit": None},
        {"limit": "100"},
        {"sort_dir": "up"},
        {"cursor": "eyJpZCI6Mn0="},
        {"with": {"everything": True}},
    ],
)
def test_bad_filters_are_refused(acts: Acts, changes: dict[str, Any]) -> None:
    response = acts.fbs(**changes)

    assert response.status_code == 400
    assert response.json["code"] == 3


def test_more_than_a_year_is_too_long(acts: Acts) -> None:
    response = acts.fbs(filter={"since": "2025-11-01T00:00:00Z", "to": TO})

    assert response.json["message"] == "PERIOD_IS_TOO_LONG"


def test_old_unknown_and_get_calls_are_refused(acts: Acts) -> None:
    assert acts.ozon("/v3/posting/fbs/list", {}).status_code == 410
    assert acts.ozon("/v2/posting/fbo/list", {}).status_code == 410
    assert acts.ozon("/orders/list", {}).status_code == 404
    assert acts.client.get(FBS).status_code == 405


def test_cursor_pages_of_both_lists_give_every_posting_once(acts: Acts) -> None:
    seen = []
    for path in ("/v4/posting/fbs/list", "/v3/posting/fbo/list"):
        body = {"filter": FULL, "limit": 9}
        while True:
            page = acts.ozon(path, body).json
            seen += [posting["posting_number"] for posting in page["postings"]]
            if not page["has_next"]:
                break
            body["cursor"] = page["cursor"]

    truth = acts.client.get("/control/api/orders?account=ozon-zarya").json["orders"]
    assert len(seen) == len(set(seen)) == 70
    assert set(seen) == {row["number"] for row in truth}


def test_a_cursor_belongs_to_its_filter(acts: Acts) -> None:
    cursor = acts.fbs(limit=5).json["cursor"]

    assert acts.fbs(limit=5, cursor=cursor).status_code == 200
    response = acts.fbs(limit=5, cursor=cursor, filter={**FULL, "statuses": ["delivered"]})
    assert response.json["message"] == "invalid request: cursor of another filter"


def test_sorting_down_pages_too(acts: Acts) -> None:
    up = [p["posting_number"] for p in acts.fbs().json["postings"]]

    first = acts.fbs(limit=20, sort_dir="DESC").json
    second = acts.fbs(limit=100, sort_dir="DESC", cursor=first["cursor"]).json
    down = [p["posting_number"] for page in (first, second) for p in page["postings"]]

    assert down == up[::-1]


def test_the_change_filter_finds_what_changed_now(acts: Acts, clock: Clock) -> None:
    clock.move(60)
    acts.control("orders/change", account="ozon-zarya", n=12)
    window = {"from": "2026-11-21T12:00:30Z", "to": "2026-11-21T12:02:00Z"}

    page = acts.fbs(filter={**FULL, "last_changed_status_date": window}).json

    truth = acts.client.get("/control/api/orders?account=ozon-zarya").json["orders"]
    changed = {row["number"] for row in truth if row["changed_at"] > "2026-11-21T12:00:30"}
    found = {p["posting_number"] for p in page["postings"]}
    assert found
    assert found <= changed


def test_unfulfilled_wants_exactly_one_kind_of_window(acts: Acts) -> None:
    path = "/v4/posting/fbs/unfulfilled/list"
    cutoff = {"cutoff_from": SINCE, "cutoff_to": "2026-12-21T12:00:00Z"}
    delivering = {"delivering_date_from": SINCE, "delivering_date_to": TO}

    good = acts.ozon(path, {"filter": cutoff, "limit": 100})

    assert good.json["count"] == len(good.json["postings"]) > 0
    assert acts.ozon(path, {"filter": {}, "limit": 1}).status_code == 400
    both = {**cutoff, **delivering}
    assert acts.ozon(path, {"filter": both, "limit": 1}).status_code == 400


def test_buyers_are_known_only_where_the_seller_delivers(acts: Acts) -> None:
    postings = acts.fbs(translit=True).json["postings"]

    own = [p for p in postings if p["tpl_integration_type"] == "non_integrated"]
    rest = [p for p in postings if p["tpl_integration_type"] == "ozon"]
    assert own
    assert all(p["customer"]["name"].isascii() for p in own)
    assert all(p["customer"] is None and p["addressee"] is None for p in rest)


def test_blocks_come_only_when_asked_for(acts: Acts) -> None:
    bare = acts.fbs(limit=1).json["postings"][0]
    full = acts.fbs(limit=1, **{"with": {"financial_data": True, "barcodes": True}}).json

    assert bare["financial_data"] is None
    assert full["postings"][0]["financial_data"]["products"]
    assert full["postings"][0]["analytics_data"] is None


def test_single_postings_state_prices_the_old_way(acts: Acts) -> None:
    number = acts.fbs(limit=1).json["postings"][0]["posting_number"]

    product = acts.ozon("/v3/posting/fbs/get", {"posting_number": number}).json["result"][
        "products"
    ][0]

    assert product["currency_code"] == "CNY"
    assert isinstance(product["price"], str)
    assert acts.ozon("/v3/posting/fbs/get", {"posting_number": "1-1-1"}).status_code == 404


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/v3/posting/fbs/get", {}, 400),
        ("/v3/posting/fbs/get", {"posting_number": 7}, 400),
        ("/v3/posting/fbs/get", {"posting_number": "1-1-1", "translit": True}, 400),
        ("/v3/posting/fbs/get", {"posting_number": "1-1-1", "with": {"translit": True}}, 404),
        ("/v2/posting/fbo/get", {"posting_number": "1-1-1", "translit": True}, 404),
        ("/v2/posting/fbo/get", {"posting_number": "1-1-1", "with": {"barcodes": True}}, 400),
    ],
)
def test_a_single_posting_takes_what_the_contract_says(
    acts: Acts, path: str, body: dict[str, Any], status: int
) -> None:
    assert acts.ozon(path, body).status_code == status


def test_a_posting_is_in_one_of_the_two_lists(acts: Acts) -> None:
    number = acts.fbs(limit=1).json["postings"][0]["posting_number"]

    assert acts.ozon("/v3/posting/fbs/get", {"posting_number": number}).status_code == 200
    assert acts.ozon("/v2/posting/fbo/get", {"posting_number": number}).status_code == 404
