"""Pages without a cursor: every order once, and never a loop."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from platforms import registry
from platforms.adapters.wish.paging import LARGEST_PAGE, PAGE_SIZE, STATES
from platforms.errors import Fault, PlatformError
from platforms.spec import Answer, Request, Window
from tests.platforms.adapters.accounts import WISH as ACCOUNT
from tests.support.calls import NOON, ScriptedCall

WISH = registry.get("wish")
START = datetime(2026, 11, 20, tzinfo=UTC)
DAY = Window(since=START, until=START + timedelta(days=1))


class Market:
    """A list of (id, moment, state), answered as Wish does: inclusive bounds, up to `limit`."""

    account = ACCOUNT

    def __init__(self, orders: list[tuple[str, datetime, str]], most: int = LARGEST_PAGE) -> None:
        self.orders = orders
        self.most = most
        self.asked: list[dict[str, str]] = []

    def __call__(self, request: Request) -> Answer:
        asked = dict(request.params)
        self.asked.append(asked)
        assert asked["sort_by"] == "updated_at.asc"
        since = datetime.fromisoformat(asked["updated_at_min"])
        until = datetime.fromisoformat(asked["updated_at_max"])
        found = sorted(
            (at, number, state)
            for number, at, state in self.orders
            if since <= at <= until and asked.get("states", state) == state
        )
        data = [
            {"id": number, "updated_at": at.isoformat(), "state": state}
            for at, number, state in found[: min(int(asked["limit"]), self.most)]
        ]
        return Answer(status=200, body=json.dumps({"code": 0, "data": data}).encode())


def pull(market: Market) -> list[str]:
    found: list[str] = []
    cursor = None
    for _page in range(60):
        page = WISH.fetch_orders(market, window=DAY, cursor=cursor, now=NOON)
        found += [json.loads(bytes(raw))["id"] for raw in page.records]
        cursor = page.cursor
        if cursor is None:
            return found
    raise AssertionError("the paging does not end")


def spread(count: int, *, step: timedelta, start: datetime = START) -> list:
    return [(f"{n:024x}", start + step * n, STATES[n % 5]) for n in range(count)]


def test_one_question_is_asked_for_a_quiet_day():
    market = Market(spread(3, step=timedelta(hours=1)))

    assert len(pull(market)) == 3
    assert market.asked == [{
        "limit": str(PAGE_SIZE), "sort_by": "updated_at.asc",
        "updated_at_min": "2026-11-20T00:00:00.000Z", "updated_at_max": "2026-11-20T23:59:59.999Z",
    }]  # fmt: skip


@pytest.mark.parametrize("step_ms", [1000, 1, 0.4])
def test_every_order_comes_once_over_many_pages(step_ms):
    market = Market(spread(3 * PAGE_SIZE, step=timedelta(milliseconds=step_ms)))

    found = pull(market)

    assert sorted(found) == sorted(number for number, _, _ in market.orders)


@pytest.mark.parametrize("count", [PAGE_SIZE, 350, LARGEST_PAGE, 1200])
def test_a_moment_with_more_orders_than_a_page_is_passed(count):
    crowd = spread(count, step=timedelta(0), start=START + timedelta(hours=3))
    later = [("f" * 24, START + timedelta(hours=4), "SHIPPED")]
    market = Market([*crowd, *later])

    found = pull(market)

    assert sorted(found) == sorted(number for number, _, _ in market.orders)
    asked_by_state = [each["states"] for each in market.asked if "states" in each]
    assert asked_by_state == (list(STATES) if count >= LARGEST_PAGE else [])


def test_a_moment_that_cannot_be_split_is_said_and_not_skipped():
    same = [(f"{n:024x}", START, "APPROVED") for n in range(LARGEST_PAGE)]

    with pytest.raises(PlatformError) as raised:
        pull(Market(same))

    assert raised.value.fault is Fault.BAD_RESPONSE


def test_an_order_that_changes_meanwhile_comes_again_in_its_new_place():
    market = Market(spread(PAGE_SIZE + 5, step=timedelta(minutes=1)))
    first = WISH.fetch_orders(market, window=DAY, cursor=None, now=NOON)
    number, _, _ = market.orders[0]
    market.orders[0] = (number, START + timedelta(hours=20), "SHIPPED")

    rest = WISH.fetch_orders(market, window=DAY, cursor=first.cursor, now=NOON)

    again = [json.loads(bytes(raw)) for raw in rest.records]
    assert [each["state"] for each in again if each["id"] == number] == ["SHIPPED"]
    assert len(again) == 6


def test_an_unreadable_record_is_handed_on_and_does_not_stop_the_paging():
    records = [{"id": 7, "updated_at": []}, {"id": "a" * 24, "updated_at": "2026-11-20T01:00:00Z"}]
    call = ScriptedCall(WISH, ACCOUNT, (200, {"code": 0, "data": records}))

    page = WISH.fetch_orders(call, window=DAY, cursor=None, now=NOON)

    assert len(page.records) == 2
    assert page.cursor is None


def test_a_full_page_of_unreadable_records_is_tried_again_later():
    call = ScriptedCall(WISH, ACCOUNT, (200, {"code": 0, "data": [{}] * PAGE_SIZE}))

    with pytest.raises(PlatformError) as raised:
        WISH.fetch_orders(call, window=DAY, cursor=None, now=NOON)

    assert raised.value.fault is Fault.BAD_RESPONSE


def test_the_cursor_carries_its_bounds():
    market = Market(spread(PAGE_SIZE, step=timedelta(seconds=1)))
    cursor = WISH.fetch_orders(market, window=DAY, cursor=None, now=NOON).cursor
    other = Window(since=START - timedelta(days=9), until=START + timedelta(days=9))

    WISH.fetch_orders(market, window=other, cursor=cursor, now=NOON)

    assert market.asked[1]["updated_at_min"] == "2026-11-20T00:03:19.000Z"
    assert market.asked[1]["updated_at_max"] == market.asked[0]["updated_at_max"]
    assert msgspec.json.decode(cursor)["seen"] == [market.orders[-1][0]]
