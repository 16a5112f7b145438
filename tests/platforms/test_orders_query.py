from __future__ import annotations

import itertools
import random
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from platforms import registry
from platforms.models import Order, OrderLine
from platforms.orders_found import BadCursor, FoundOrders, Place
from platforms.orders_query import OrderFilterForm, OrderFilters, find_orders
from tenants.scope import tenant_scope
from tests.support.factories import NOON, make_order

SHANGHAI = ZoneInfo("Asia/Shanghai")


@pytest.fixture
def lotus(world):
    with tenant_scope(world.lotus):
        yield world


def numbers(filters: OrderFilters, *stores) -> set[str]:
    return set(walk(find_orders(filters, list(stores)), size=50))


def form(world, **typed: str) -> OrderFilterForm:
    return OrderFilterForm(typed, stores=[world.tea, world.silk], zone=SHANGHAI)


def of_tea(world) -> FoundOrders:
    return find_orders(OrderFilters(), [world.tea])


def walk(orders: FoundOrders, *, size: int) -> list[str]:
    """All numbers, page after page towards the oldest."""
    seen, cursor = [], ""
    while True:
        page = orders.page(cursor=cursor, size=size)
        seen += [order.number for order in page.orders]
        cursor = page.next
        if not cursor:
            return seen


def walk_back(orders: FoundOrders, *, size: int, cursor: str) -> list[str]:
    """All numbers before `cursor`, page by page towards the newest."""
    seen: list[str] = []
    while cursor:
        page = orders.page(cursor=cursor, size=size)
        seen = [order.number for order in page.orders] + seen
        cursor = page.previous
    return seen


@pytest.mark.parametrize("size", [1, 2, 3, 7, 50])
@pytest.mark.parametrize("seed", range(4))
def test_pages_lose_and_double_nothing_with_equal_timestamps(lotus, size, seed):
    dice = random.Random(seed)
    made = [
        make_order(lotus.tea, placed_at=NOON + timedelta(seconds=dice.randrange(4)))
        for _ in range(23)
    ]
    made.sort(key=lambda order: (order.placed_at, order.pk), reverse=True)
    assert walk(of_tea(lotus), size=size) == [order.number for order in made]


@pytest.mark.parametrize("size", [1, 2, 5])
def test_going_back_gives_the_same_orders_as_going_forth(lotus, size):
    for each in range(11):
        make_order(lotus.tea, placed_at=NOON + timedelta(seconds=each // 4))
    orders = of_tea(lotus)
    everything = walk(orders, size=50)
    cursor = ""
    while (page := orders.page(cursor=cursor, size=size)).next:
        cursor = page.next
    last = [order.number for order in page.orders]
    assert walk_back(orders, size=size, cursor=page.previous) + last == everything


def test_a_new_order_on_top_moves_no_page(lotus):
    for each in range(4):
        make_order(lotus.tea, placed_at=NOON - timedelta(seconds=each))
    first = of_tea(lotus).page(size=2)
    before = of_tea(lotus).page(cursor=first.next, size=2)
    make_order(lotus.tea, placed_at=NOON + timedelta(days=1))
    after = of_tea(lotus).page(cursor=first.next, size=2)
    assert [o.pk for o in before.orders] == [o.pk for o in after.orders]


def test_the_first_page_has_no_way_back_and_the_last_no_way_on(lotus):
    make_order(lotus.tea)
    page = of_tea(lotus).page()
    assert (page.previous, page.next) == ("", "")


@pytest.mark.parametrize(
    "cursor",
    ["x", "o1", "o1.2", "o" + "f" * 14 + "." + "0" * 32, "q1." + "0" * 32, "o1." + "g" * 32,
     "o\n1.", "o1." + "0" * 32 + "\n"],
)  # fmt: skip
def test_a_cursor_of_somebody_else_is_refused(lotus, cursor):
    with pytest.raises(BadCursor):
        of_tea(lotus).page(cursor=cursor)


def test_a_cursor_of_the_far_future_gives_a_page(lotus):
    make_order(lotus.tea)
    assert len(of_tea(lotus).page(cursor="o" + "d" * 13 + "." + "0" * 32).orders) == 1


def test_a_cursor_tells_no_serial_id(lotus):
    for _ in range(3):
        order = make_order(lotus.tea)
    cursor = of_tea(lotus).page(size=1).next
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


@pytest.mark.parametrize("few", [1, 2, 1000])
@pytest.mark.parametrize("text", ["12-34567", "anna", "CUP-1"])
def test_many_matches_are_found_like_few(lotus, monkeypatch, few, text):
    monkeypatch.setattr("platforms.orders_found.FEW", few)
    make_order(lotus.tea, number="12-34567-89012", buyer_name="Anna Schmidt", sku="CUP-1", lines=2)
    make_order(lotus.tea, number="77", buyer_name="Bo", sku="CUP-2")
    make_order(lotus.silk, number="12-34567-1", buyer_name="Anna", sku="CUP-1")
    assert numbers(OrderFilters(text=text), lotus.tea) == {"12-34567-89012"}


def test_an_order_with_two_lines_of_a_sku_does_not_hide_another(lotus, monkeypatch):
    monkeypatch.setattr("platforms.orders_found.FEW", 2)
    made = {make_order(lotus.tea, lines=2, sku="CUP-1").number for _ in range(3)}
    assert numbers(OrderFilters(text="CUP-1"), lotus.tea) == made


@pytest.fixture
def walking(monkeypatch):
    """Whatever is searched for is common, steps are short and a page has two of them."""
    for name, value in (("FEW", 1), ("WALK", 3), ("STEPS", 2), ("PAGE_SIZE", 2), ("SLICES", 4)):
        monkeypatch.setattr(f"platforms.orders_found.{name}", value)


@pytest.mark.parametrize("size", [1, 2, 5])
def test_a_walk_loses_and_doubles_nothing_in_both_directions(lotus, walking, size):
    made = []
    for each in range(40):
        store = (lotus.tea, lotus.tea, lotus.silk)[each % 3]
        name = "Anna" if each % 7 in (0, 1) else "Bo"
        placed_at = NOON + timedelta(seconds=each // 4)
        made.append(make_order(store, buyer_name=name, placed_at=placed_at))
    made.sort(key=lambda order: (order.placed_at, order.pk), reverse=True)
    expected = [order.number for order in made if order.buyer_name == "Anna"]
    orders = find_orders(OrderFilters(text="anna"), [lotus.tea, lotus.silk, lotus.rice])
    assert walk(orders, size=size) == expected
    cursor = ""
    while (page := orders.page(cursor=cursor, size=size)).next:
        cursor = page.next
    last = [order.number for order in page.orders]
    assert walk_back(orders, size=size, cursor=page.previous) + last == expected


def some_orders(world, count: int, *, seed: int) -> list[Order]:
    """In three stores, many of them of one moment."""
    dice = random.Random(seed)
    return [
        make_order(
            dice.choice((world.tea, world.tea, world.silk, world.rice)),
            number=f"{dice.choice(('12-', '77-'))}{seed}{each:04}",
            status=dice.choice(("shipped", "shipped", "on_hold")),
            buyer_name=dice.choice(("Anna Schmidt", "Bo", None)),
            sku=dice.choice(("CUP-1", "CUP-2")),
            lines=dice.randrange(3),
            placed_at=NOON + timedelta(seconds=dice.randrange(20)),
        )
        for each in range(count)
    ]


def passes(order: Order, filters: OrderFilters, skus: dict[int, set[str]]) -> bool:
    """The filters once more, the plain way."""
    text = filters.text
    return (
        filters.platform in ("", order.platform)
        and (filters.store is None or filters.store.pk == order.store_id)
        and filters.status in ("", order.status)
        and (filters.since is None or filters.since <= order.placed_at)
        and (filters.until is None or order.placed_at < filters.until)
        and (
            order.number.startswith(text)
            or (order.buyer_name or "").lower().startswith(text.lower())
            or text in skus[order.pk]
        )
    )


@pytest.mark.parametrize("way", ["few", "walking"])
def test_all_pages_together_are_what_the_filters_say(lotus, request, way):
    if way == "walking":
        request.getfixturevalue("walking")
    made = some_orders(lotus, 90, seed=1)
    made.sort(key=lambda order: (order.placed_at, order.pk), reverse=True)
    skus: dict[int, set[str]] = {order.pk: set() for order in made}
    for line in OrderLine.objects.all():
        skus[line.order_id].add(line.sku)
    stores = [lotus.tea, lotus.silk, lotus.rice]
    days = [{}, {"since": NOON + timedelta(seconds=5), "until": NOON + timedelta(seconds=12)}]
    for platform, store, status, text, day in itertools.product(
        ("", "ebay"), (None, lotus.silk), ("", "on_hold"), ("", "12-", "anna", "CUP-1"), days
    ):
        filters = OrderFilters(platform=platform, store=store, status=status, text=text, **day)
        found = find_orders(filters, stores)
        expected = [order.number for order in made if passes(order, filters, skus)]
        assert walk(found, size=7) == expected, filters
        if text in ("", "anna") and expected:
            page = found.page(cursor=str(Place.beside(made[-1], newer=True)), size=7)
            back = [order.number for order in page.orders]
            last = [made[-1].number] if passes(made[-1], filters, skus) else []
            assert walk_back(found, size=7, cursor=page.previous) + back + last == expected


def test_orders_that_arrive_between_pages_move_none_of_the_others(lotus):
    before = some_orders(lotus, 60, seed=2)
    found = find_orders(OrderFilters(), [lotus.tea, lotus.silk, lotus.rice])
    seen: list[str] = []
    cursor, turn = "", 3
    while True:
        page = found.page(cursor=cursor, size=7)
        seen += [order.number for order in page.orders]
        if not page.next:
            break
        cursor, turn = page.next, turn + 1
        some_orders(lotus, 5, seed=turn)
    assert len(seen) == len(set(seen))
    assert {order.number for order in before} <= set(seen)


def test_a_walk_that_stops_early_says_how_far_it_got(lotus, walking):
    for each in range(20):
        name = "Anna" if each < 2 else "Bo"
        make_order(lotus.tea, buyer_name=name, placed_at=NOON + timedelta(seconds=each))
    page = find_orders(OrderFilters(text="anna"), [lotus.tea]).page()
    assert page.orders == []
    assert page.reached == NOON + timedelta(seconds=14)
    assert page.next


@pytest.mark.parametrize("direction", ["previous", "next"])
def test_orders_beside_one_that_is_gone_are_not_lost(lotus, direction):
    orders = [make_order(lotus.tea) for _ in range(5)]
    page = of_tea(lotus).page(size=1)
    page = of_tea(lotus).page(cursor=page.next, size=1)
    page = of_tea(lotus).page(cursor=page.next, size=1)
    orders[2].delete()
    around = of_tea(lotus).page(cursor=getattr(page, direction))
    assert len(around.orders) == 4
