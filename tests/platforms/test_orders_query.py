from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from platforms import registry
from platforms.models import Order
from platforms.orders_query import (
    BadCursor,
    OrderFilterForm,
    OrderFilters,
    find_orders,
    page_of,
)
from tenants.scope import tenant_scope
from tests.support.factories import NOON, make_order

SHANGHAI = ZoneInfo("Asia/Shanghai")


@pytest.fixture
def lotus(world):
    with tenant_scope(world.lotus):
        yield world


def numbers(filters: OrderFilters, *stores) -> set[str]:
    return {order.number for order in find_orders(filters, list(stores))}


def form(world, **typed: str) -> OrderFilterForm:
    return OrderFilterForm(typed, stores=[world.tea, world.silk], zone=SHANGHAI)


def walk(orders, *, size: int) -> list[str]:
    """All numbers, page after page towards the oldest."""
    seen, cursor = [], ""
    while True:
        page = page_of(orders, cursor=cursor, size=size)
        seen += [order.number for order in page.orders]
        cursor = page.next
        if not cursor:
            return seen


def walk_back(orders, *, size: int, cursor: str) -> list[str]:
    """All numbers before `cursor`, page by page towards the newest."""
    seen: list[str] = []
    while cursor:
        page = page_of(orders, cursor=cursor, size=size)
        seen = [order.number for order in page.orders] + seen
        cursor = page.previous
    return seen


@pytest.mark.parametrize("size", [1, 2, 3, 7, 50])
@pytest.mark.parametrize("seed", range(4))
def test_pages_lose_and_double_nothing_with_equal_timestamps(lotus, size, seed):
    dice = random.Random(seed)
    for _ in range(23):
        make_order(lotus.tea, placed_at=NOON + timedelta(seconds=dice.randrange(4)))
    orders = Order.objects.all()
    expected = list(orders.order_by("-placed_at", "-id").values_list("number", flat=True))
    assert walk(orders, size=size) == expected


@pytest.mark.parametrize("size", [1, 2, 5])
def test_going_back_gives_the_same_orders_as_going_forth(lotus, size):
    for each in range(11):
        make_order(lotus.tea, placed_at=NOON + timedelta(seconds=each // 4))
    orders = Order.objects.all()
    everything = walk(orders, size=50)
    cursor = ""
    while (page := page_of(orders, cursor=cursor, size=size)).next:
        cursor = page.next
    last = [order.number for order in page.orders]
    assert walk_back(orders, size=size, cursor=page.previous) + last == everything


def test_a_new_order_on_top_moves_no_page(lotus):
    for each in range(4):
        make_order(lotus.tea, placed_at=NOON - timedelta(seconds=each))
    first = page_of(Order.objects.all(), size=2)
    before = page_of(Order.objects.all(), cursor=first.next, size=2)
    make_order(lotus.tea, placed_at=NOON + timedelta(days=1))
    after = page_of(Order.objects.all(), cursor=first.next, size=2)
    assert [o.pk for o in before.orders] == [o.pk for o in after.orders]


def test_the_first_page_has_no_way_back_and_the_last_no_way_on(lotus):
    make_order(lotus.tea)
    page = page_of(Order.objects.all())
    assert (page.previous, page.next) == ("", "")


@pytest.mark.parametrize(
    "cursor",
    ["x", "o1", "o1.2", "o" + "f" * 14 + "." + "0" * 32, "q1." + "0" * 32, "o1." + "g" * 32,
     "o\n1.", "o1." + "0" * 32 + "\n"],
)  # fmt: skip
def test_a_cursor_of_somebody_else_is_refused(lotus, cursor):
    with pytest.raises(BadCursor):
        page_of(Order.objects.all(), cursor=cursor)


def test_a_cursor_of_the_far_future_gives_a_page(lotus):
    make_order(lotus.tea)
    assert len(page_of(Order.objects.all(), cursor="o" + "d" * 13 + "." + "0" * 32).orders) == 1


def test_a_cursor_tells_no_serial_id(lotus):
    for _ in range(3):
        order = make_order(lotus.tea)
    cursor = page_of(Order.objects.all(), size=1).next
    assert cursor.endswith(order.public_id.hex)


def test_only_the_given_stores_are_searched(lotus):
    make_order(lotus.tea, number="A1")
    make_order(lotus.silk, number="B1")
    assert numbers(OrderFilters(), lotus.tea) == {"A1"}
    assert numbers(OrderFilters(store=lotus.silk), lotus.tea) == set()
    assert numbers(OrderFilters(platform="amazon"), lotus.tea, lotus.silk) == {"B1"}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("12-34567", {"12-34567-89012"}),
        ("12-34567-89012", {"12-34567-89012"}),
        ("34567", set()),
        ("anna s", {"12-34567-89012"}),
        ("王", {"77"}),
        ("CUP-1", {"77"}),
        ("CUP", set()),
        ("77", {"77"}),
        ("7", set()),
        ("%", set()),
        ("_", set()),
        ("' OR 1=1 --", set()),
        ("\x00", set()),
    ],
)
def test_text_finds_numbers_and_buyers_by_beginning_and_skus_whole(lotus, text, found):
    make_order(lotus.tea, number="12-34567-89012", buyer_name="Anna Schmidt")
    make_order(lotus.tea, number="77", buyer_name="王小明", sku="CUP-1")
    assert numbers(OrderFilters(text=text), lotus.tea) == found


def test_a_day_is_a_day_of_the_reader(lotus):
    make_order(lotus.tea, number="late", placed_at=datetime(2026, 11, 20, 15, 59, tzinfo=UTC))
    make_order(lotus.tea, number="early", placed_at=datetime(2026, 11, 20, 16, 0, tzinfo=UTC))
    typed = form(lotus, **{"from": "2026-11-20", "to": "2026-11-20"})
    assert typed.is_valid()
    assert numbers(typed.filters, lotus.tea) == {"late"}


def test_a_moment_is_taken_as_it_is(lotus):
    typed = form(lotus, **{"from": "2026-11-20T16:00:00Z", "to": "2026-11-20T18:00:00+01:00"})
    assert typed.is_valid(), typed.errors
    assert typed.filters.since == datetime(2026, 11, 20, 16, tzinfo=UTC)
    assert typed.filters.until == datetime(2026, 11, 20, 17, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("platform", "wallmart", "There are: " + ", ".join(registry.codes())),
        ("status", "lost", "awaiting_shipment"),
        ("store", "nonsense", "lotus/ebay/tea/US"),
        ("from", "yesterday", "Write it like"),
        ("from", "0001-01-01", "Write it like"),
        ("from", "9999-12-31", "Write it like"),
        ("to", "2026-02-30", "Write it like"),
        ("from", "2026-11-20T16:00:00", "offset"),
        ("q", "x" * 201, "200"),
    ],
)
def test_what_cannot_be_a_filter_is_explained(lotus, name, value, said):
    typed = form(lotus, **{name: value})
    assert not typed.is_valid()
    assert said in str(typed.errors[name])


def test_an_end_before_the_beginning_is_said(lotus):
    assert "to" in form(lotus, **{"from": "2026-11-20", "to": "2026-11-19"}).errors


def test_a_strangers_store_is_like_none(lotus):
    missing = form(lotus, store="01999999-0000-7000-8000-000000000000").errors["store"]
    assert form(lotus, store=str(lotus.syrup.public_id)).errors["store"] == missing


def test_the_trail_does_not_keep_what_was_searched():
    assert "Anna" not in str(OrderFilters(text="Anna").for_trail())


@pytest.mark.parametrize("few", [0, 2000])
@pytest.mark.parametrize("text", ["12-34567", "anna", "CUP-1"])
def test_many_matches_are_found_like_few(lotus, monkeypatch, few, text):
    monkeypatch.setattr("platforms.orders_query.FEW_MATCHES", few)
    make_order(lotus.tea, number="12-34567-89012", buyer_name="Anna Schmidt", sku="CUP-1", lines=2)
    make_order(lotus.tea, number="77", buyer_name="Bo", sku="CUP-2")
    make_order(lotus.silk, number="12-34567-1", buyer_name="Anna", sku="CUP-1")
    found = find_orders(OrderFilters(text=text), [lotus.tea])
    assert [order.number for order in found] == ["12-34567-89012"]
