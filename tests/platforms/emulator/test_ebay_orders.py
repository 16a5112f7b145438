from __future__ import annotations

from typing import Any

import pytest

from tests.platforms.emulator.acts import EBAY_ORDERS, Acts
from tests.platforms.emulator.conftest import Clock

DAY = "lastmodifieddate:[2026-11-20T00:00:00.000Z..2026-11-21T11:59:00.000Z]"


@pytest.fixture
def token(acts: Acts) -> str:
    return str(acts.ebay_grant()["access_token"])


@pytest.mark.parametrize(
    ("query", "error_id"),
    [
        ({"filter": "lastmodifiedat:[2026-11-20T00:00:00.000Z..]"}, 30700),
        ({"filter": "lastmodifieddate:2026-11-20T00:00:00.000Z"}, 30800),
        ({"filter": "lastmodifieddate:[2026-11-20T00:00:00.000Z]"}, 30800),
        ({"filter": "lastmodifieddate:[2026-11-20T00:00:00Z..]"}, 30810),
        ({"filter": "lastmodifieddate:[2026-11-20T00:00:00.000+00:00..]"}, 30810),
        ({"filter": "lastmodifieddate:[2026-13-20T00:00:00.000Z..]"}, 30810),
        ({"filter": "lastmodifieddate:[..2026-11-20T00:00:00.000Z]"}, 30820),
        ({"filter": "creationdate:[2024-11-01T00:00:00.000Z..]"}, 30830),
        (
            {"filter": "creationdate:[2026-11-20T00:00:00.000Z..2026-11-19T00:00:00.000Z]"},
            30840,
        ),
        ({"filter": "lastmodifieddate:[2026-11-21T12:00:00.001Z..]"}, 30850),
        (
            {"filter": "lastmodifieddate:[2026-11-20T00:00:00.000Z..2026-11-21T12:00:01.000Z]"},
            30850,
        ),
        ({"filter": "orderfulfillmentstatus:{FULFILLED}"}, 30800),
        ({"filter": "orderfulfillmentstatus:[NOT_STARTED|IN_PROGRESS]"}, 30800),
        ({"orderIds": ",".join(["11-00000-00001"] * 51)}, 30900),
        ({"offset": "-1"}, 31000),
        ({"offset": "first"}, 31000),
        ({"limit": "201"}, 31100),
        ({"limit": "0"}, 31100),
        ({"limit": "50\n"}, 31100),
        ({"fieldGroups": "EVERYTHING"}, 32800),
    ],
)
def test_bad_parameters_get_their_own_error(
    acts: Acts, token: str, query: dict[str, str], error_id: int
) -> None:
    response = acts.ebay_get(EBAY_ORDERS, token, **query)

    assert response.status_code == 400
    assert response.json["errors"][0]["errorId"] == error_id
    assert response.json["errors"][0]["domain"] == "API_FULFILLMENT"


def test_brackets_must_be_percent_encoded(acts: Acts, token: str) -> None:
    headers = {"Authorization": f"Bearer {token}"}

    response = acts.client.get(f"{EBAY_ORDERS}?filter={DAY}", headers=headers)

    assert response.json["errors"][0]["errorId"] == 30800


def test_following_next_gives_every_order_once(acts: Acts, token: str) -> None:
    path, seen = f"{EBAY_ORDERS}?limit=7", []
    while path:
        page = acts.client.get(path, headers={"Authorization": f"Bearer {token}"}).json
        seen += [order["orderId"] for order in page["orders"]]
        path = page.get("next", "").removeprefix("http://localhost")

    truth = acts.client.get("/control/api/orders?account=ebay-lantern").json["orders"]
    assert len(seen) == len(set(seen)) == 64
    assert set(seen) == {row["number"] for row in truth}


def test_the_window_selects_by_change_with_both_ends_inclusive(acts: Acts, token: str) -> None:
    truth = acts.client.get("/control/api/orders?account=ebay-lantern").json["orders"]
    one = truth[-1]
    window = f"lastmodifieddate:[{one['changed_at']}..{one['changed_at']}]"

    page = acts.ebay_page(token, filter=window)

    assert one["number"] in [order["orderId"] for order in page["orders"]]
    assert {order["lastModifiedDate"] for order in page["orders"]} == {one["changed_at"]}


def test_given_both_dates_only_the_creation_date_counts(acts: Acts, token: str) -> None:
    created = "creationdate:[2026-11-20T00:00:00.000Z..]"

    both = acts.ebay_page(token, filter=f"{created},lastmodifieddate:[2026-11-21T11:00:00.000Z..]")

    assert both["total"] == acts.ebay_page(token, filter=created)["total"]


def test_order_ids_override_everything_else(acts: Acts, token: str) -> None:
    ids = [order["orderId"] for order in acts.ebay_page(token, limit="3")["orders"]]

    page = acts.ebay_page(token, orderIds=",".join([*ids, "99-00000-00000"]), limit="999")

    assert [order["orderId"] for order in page["orders"]] == ids


def test_the_status_filter_selects_open_orders(acts: Acts, token: str) -> None:
    page = acts.ebay_page(token, filter="orderfulfillmentstatus:{NOT_STARTED|IN_PROGRESS}")

    found = {order["orderFulfillmentStatus"] for order in page["orders"]}
    assert found <= {"NOT_STARTED", "IN_PROGRESS"}


def test_one_order_tells_more_than_the_list(acts: Acts, token: str) -> None:
    acts.control("orders/add", account="ebay-lantern", n=1, stage="cancelled")
    listed = acts.ebay_page(token, limit="1")["orders"][0]

    whole = acts.ebay_get(f"{EBAY_ORDERS}/{listed['orderId']}", token).json

    assert listed["cancelStatus"]["cancelState"] == "CANCELED"
    assert listed["cancelStatus"]["cancelRequests"] == []
    assert len(whole["cancelStatus"]["cancelRequests"]) == 1


def test_another_sellers_order_is_not_there(acts: Acts, token: str) -> None:
    other = acts.client.get("/control/api/orders?account=ebay-willow").json["orders"][0]

    response = acts.ebay_get(f"{EBAY_ORDERS}/{other['number']}", token)

    assert (response.status_code, response.json["errors"][0]["errorId"]) == (400, 32100)


def test_one_order_takes_no_filter(acts: Acts, token: str) -> None:
    number = acts.ebay_page(token, limit="1")["orders"][0]["orderId"]

    response = acts.ebay_get(f"{EBAY_ORDERS}/{number}", token, limit="1")

    assert (response.status_code, response.json["errors"][0]["errorId"]) == (400, 32800)


def test_buyer_data_goes_with_the_orders_age(acts: Acts, token: str, clock: Clock) -> None:
    def contact(page: Any) -> Any:
        return page["orders"][0]["buyer"]["buyerRegistrationAddress"]

    number = acts.control("orders/add", account="ebay-lantern", n=1)["numbers"][0]
    fresh = contact(acts.ebay_page(token, orderIds=number))
    clock.move(15 * 86_400)
    token = acts.ebay_grant()["access_token"]
    weeks = contact(acts.ebay_page(token, orderIds=number))
    clock.move(80 * 86_400)
    token = acts.ebay_grant()["access_token"]
    months = contact(acts.ebay_page(token, orderIds=number))

    assert "email" in fresh
    assert "fullName" in weeks
    assert "email" not in weeks
    assert months == {"contactAddress": {"countryCode": months["contactAddress"]["countryCode"]}}


def test_drift_moves_unseen_orders_to_an_offset_already_read(acts: Acts, token: str) -> None:
    acts.knobs("ebay", drift=True)

    first = acts.ebay_page(token, filter=DAY, limit="5")
    second = acts.ebay_page(token, filter=DAY, limit="5", offset="5")

    assert second["total"] == first["total"] - 1
    acts.control("knobs/clear", where="ebay")
    later = acts.ebay_page(token, filter="lastmodifieddate:[2026-11-21T12:00:00.000Z..]")
    assert first["orders"][0]["orderId"] in [o["orderId"] for o in later["orders"]]
