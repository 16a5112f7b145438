from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from platforms.orders_csv import safe_cell
from tenants.models import Duty, Event, Store
from tenants.scope import tenant_scope
from tests.conftest import bind
from tests.support.factories import NOON, make_order


@pytest.fixture
def bo(world):
    return world.client(world.bo)


def body(response) -> str:
    if response.streaming:
        return b"".join(response.streaming_content).decode("utf-8-sig")
    return response.content.decode()


def rows(response) -> list[list[str]]:
    return list(csv.reader(io.StringIO(body(response))))


def events(world, verb: str) -> list[Event]:
    with tenant_scope(world.lotus):
        return list(Event.objects.filter(verb=verb))


# --- who sees what


def test_an_operator_sees_the_orders_of_their_store_and_no_other(world, bo):
    make_order(world.tea, number="TEA-1")
    make_order(world.silk, number="SILK-1")
    make_order(world.syrup, number="SYRUP-1")
    page = body(bo.get(reverse("orders")))
    assert "TEA-1" in page
    assert "SILK-1" not in page
    assert "SYRUP-1" not in page


@pytest.mark.parametrize("name", ["anna", "ada", "cai", "dan", "sam"])
@pytest.mark.parametrize("url", ["orders", "orders_export"])
def test_without_the_duty_there_are_no_orders(world, name, url):
    make_order(world.tea, number="TEA-1")
    response = world.client(getattr(world, name)).get(reverse(url), follow=True)
    assert "TEA-1" not in body(response)
    assert response.status_code == 200


@pytest.mark.parametrize("name", ["anna", "ada", "cai", "dan"])
def test_an_order_one_does_not_operate_is_like_none(world, name):
    order = make_order(world.tea)
    client = world.client(getattr(world, name))
    assert client.get(reverse("order", args=[order.public_id])).status_code == 404


def test_a_filter_opens_no_other_store(world, bo):
    make_order(world.silk, number="SILK-1")
    response = bo.get(reverse("orders"), {"store": str(world.silk.public_id)})
    assert response.status_code == 400
    assert "SILK-1" not in body(response)
    assert "silk" not in body(response)


def test_a_binding_taken_ends_the_view_with_the_next_request(world, bo):
    order = make_order(world.tea)
    url = reverse("order", args=[order.public_id])
    assert bo.get(url).status_code == 200
    with tenant_scope(world.lotus):
        world.member(world.bo).bindings.update(ended_at=NOON)
    assert bo.get(url).status_code == 404


# --- nothing to show


def test_who_operates_nothing_is_told_whom_to_ask(world):
    assert "Ask an owner or admin of Lotus" in body(world.client(world.cai).get(reverse("orders")))


def test_a_manager_without_binding_is_sent_to_the_bindings(world):
    assert reverse("bindings") in body(world.client(world.ada).get(reverse("orders")))


def test_without_stores_an_owner_is_led_to_linking_one(world):
    with tenant_scope(world.maple):
        Store.objects.all().delete()
    page = body(world.client(world.dan).get(reverse("orders")))
    assert "No store is linked yet" in page
    assert reverse("link_start") in page


def test_a_store_without_orders_says_so(world, bo):
    assert "No order yet" in body(bo.get(reverse("orders")))


def test_filters_that_find_nothing_can_be_cleared(world, bo):
    make_order(world.tea)
    page = body(bo.get(reverse("orders"), {"q": "no-such-number"}))
    assert "No order matches" in page


# --- the list


def test_the_filters_stay_in_the_form_and_in_the_pager(world, bo):
    for _ in range(51):
        make_order(world.tea, status="shipped")
    page = body(bo.get(reverse("orders"), {"status": "shipped", "platform": ""}))
    assert '<option value="shipped" selected>' in page
    assert "?status=shipped&amp;at=o" in page


def test_every_order_is_on_exactly_one_page(world, bo):
    expected = {make_order(world.tea).number for _ in range(120)}
    seen, url = [], reverse("orders")
    while url:
        response = bo.get(url)
        seen += [order.number for order in response.context["orders"]]
        url = response.context["next_url"]
    assert len(seen) == 120
    assert set(seen) == expected


def test_a_page_needs_four_statements(world, bo):
    with tenant_scope(world.lotus):
        bind(world.member(world.bo), world.silk, Duty.OPERATOR)
    for store in (world.tea, world.silk):
        for _ in range(60):
            make_order(store, lines=2)
    url = bo.get(reverse("orders")).context["next_url"]
    with CaptureQueriesContext(
        connection,
    ) as captured:
        bo.get(url + "&q=N-0&status=awaiting_shipment&from=2026-01-01")
    ours = ("platforms_order", "tenants_store", "tenants_binding", "platforms_orderline")
    statements = [q["sql"] for q in captured if any(table in q["sql"] for table in ours)]
    # The bell's own, on every page: notices, and the bindings they are looked up by.
    bells = ("platforms_notice", "'customer_service'")
    statements = [sql for sql in statements if not any(mark in sql for mark in bells)]
    assert len(statements) <= 4, statements
    assert not any("binding" in sql and "platforms_order" in sql for sql in statements)


def test_htmx_gets_the_table_alone_and_a_clean_address(world, bo):
    make_order(world.tea, number="TEA-1")
    response = bo.get(
        reverse("orders"), {"status": "", "q": "TEA", "store": ""}, headers={"HX-Request": "true"}
    )
    assert "TEA-1" in body(response)
    assert "<html" not in body(response)
    assert response["HX-Push-Url"] == "/orders/?q=TEA"
    assert "HX-Request" in response["Vary"]


def test_the_same_asked_again_is_no_step_to_go_back_to(world, bo):
    here = {"HX-Request": "true", "HX-Current-URL": "http://testserver/orders/?q=TEA"}
    assert bo.get(reverse("orders"), {"q": "TEA"}, headers=here)["HX-Push-Url"] == "false"
    other = bo.get(reverse("orders"), {"q": "TEAPOT"}, headers=here)
    assert other["HX-Push-Url"] == "/orders/?q=TEAPOT"


def test_htmx_is_shown_what_is_wrong_with_a_filter(world, bo):
    response = bo.get(reverse("orders"), {"from": "x"}, headers={"HX-Request": "true"})
    assert response.status_code == 200
    assert "x is not a day" in body(response)


@pytest.mark.parametrize(
    "query",
    ["status=lost", "platform=wallmart", "store=1", "from=x", "to=99999-01-01", "store=%00",
     "q=" + "x" * 300, "from=2026-02-30"],
)  # fmt: skip
def test_a_filter_that_cannot_be_gets_a_sentence(world, bo, query):
    response = bo.get(reverse("orders") + "?" + query)
    assert response.status_code == 400
    assert "These filters cannot be used." in body(response)


def test_a_filter_is_not_run_as_html(world, bo):
    assert "<script>x" not in body(bo.get(reverse("orders"), {"status": "<script>x</script>"}))


def test_a_broken_cursor_begins_anew_with_the_same_filters(world, bo):
    response = bo.get(reverse("orders"), {"at": "o1.broken", "status": "shipped"})
    assert response.status_code == 302
    assert response["Location"] == "/orders/?status=shipped"


def test_many_orders_are_not_counted_to_the_end(world, bo, monkeypatch):
    monkeypatch.setattr("platforms.orders_found.COUNT_CAP", 2)
    monkeypatch.setattr("platforms.views.orders.COUNT_CAP", 2)
    for _ in range(5):
        make_order(world.tea)
    assert "More than 2 orders" in body(bo.get(reverse("orders")))


def test_where_counting_is_slow_many_is_said(world, bo, monkeypatch):
    monkeypatch.setattr("platforms.orders_found.FEW", 2)
    for _ in range(5):
        make_order(world.tea, buyer_name="Anna Schmidt")
    page = body(bo.get(reverse("orders"), {"q": "anna"}))
    assert "Many orders" in page
    assert page.count('<th scope="row">') == 5


def test_a_search_that_stops_before_the_page_is_full_says_so(world, bo, monkeypatch):
    for name, value in (("FEW", 1), ("WALK", 3), ("STEPS", 2)):
        monkeypatch.setattr(f"platforms.orders_found.{name}", value)
    for each in range(12):
        make_order(
            world.tea, number=f"A{each}", buyer_name="Anna" if each < 2 else "Bo",
            placed_at=NOON + timedelta(minutes=each),
        )  # fmt: skip
    response = bo.get(reverse("orders"), {"q": "anna"})
    page = body(response)
    assert "this search stopped at 2026-11-21 20:06" in page
    assert "No order matches" not in page
    assert "A1<" in body(bo.get(response.context["next_url"]))


# --- the detail


def test_the_detail_shows_the_order_in_the_readers_time(world, bo):
    order = make_order(
        world.tea, number="TEA-1", lines=2, platform_status="ORDER_PAID", group_number="G-7",
        total=Decimal("1234.50"), ship_line1="Hauptstr. 5", fulfilment="merchant",
        placed_at=datetime(2026, 11, 20, 20, 0, tzinfo=UTC),
    )  # fmt: skip
    page = body(bo.get(reverse("order", args=[order.public_id])))
    for part in ("TEA-1", "ORDER_PAID", "G-7", "Hauptstr. 5", "1,234.50", "2026-11-21 04:00"):
        assert part in page


def test_other_packages_of_one_purchase_are_linked(world, bo):
    order = make_order(world.tea, group_number="G-7")
    other = make_order(world.tea, group_number="G-7", number="TEA-2")
    assert reverse("order", args=[other.public_id]) in body(
        bo.get(reverse("order", args=[order.public_id]))
    )


def test_opening_an_order_is_on_the_trail_once_a_day(world, bo):
    order = make_order(world.tea, number="TEA-1")
    for _ in range(3):
        bo.get(reverse("order", args=[order.public_id]))
    (event,) = events(world, "order.viewed")
    assert (event.actor_name, event.target_name) == ("bo@lotus.example", "TEA-1")


def test_opening_it_on_another_day_is_another_event(world, bo):
    order = make_order(world.tea)
    url = reverse("order", args=[order.public_id])
    bo.get(url)
    with tenant_scope(world.lotus):
        Event.objects.filter(verb="order.viewed").update(at=NOON - timedelta(days=400))
    bo.get(url)
    assert len(events(world, "order.viewed")) == 2


def test_a_refused_look_is_no_view(world):
    order = make_order(world.tea)
    world.client(world.cai).get(reverse("order", args=[order.public_id]))
    assert events(world, "order.viewed") == []


# --- the export


def test_the_export_has_a_row_for_each_line_and_names_the_zone(world, bo):
    make_order(
        world.tea, number="TEA-1", lines=2, placed_at=datetime(2026, 11, 20, 20, 0, tzinfo=UTC)
    )
    make_order(world.tea, number="TEA-2", lines=0)
    heading, *found = rows(bo.get(reverse("orders_export")))
    assert "Placed (Asia/Shanghai)" in heading
    assert sorted(row[0] for row in found) == ["TEA-1", "TEA-1", "TEA-2"]
    placed = found[-1][heading.index("Placed (Asia/Shanghai)")]
    assert placed == "2026-11-21 04:00:00"


def test_the_export_begins_with_a_mark_for_excel(world, bo):
    content = b"".join(bo.get(reverse("orders_export")).streaming_content)
    assert content.startswith(b"\xef\xbb\xbf")


def test_the_export_obeys_the_filters(world, bo):
    make_order(world.tea, number="TEA-1", status="shipped")
    make_order(world.tea, number="TEA-2", status="cancelled")
    found = rows(bo.get(reverse("orders_export"), {"status": "shipped"}))[1:]
    assert [row[0] for row in found] == ["TEA-1"]


def test_the_export_goes_beyond_one_batch(world, bo, monkeypatch):
    monkeypatch.setattr("platforms.views.orders.EXPORT_BATCH", 4)
    for _ in range(11):
        make_order(world.tea)
    assert len(rows(bo.get(reverse("orders_export")))) == 12


def test_the_export_runs_no_formula(world, bo):
    make_order(world.tea, buyer_name='=HYPERLINK("http://x")', sku="@SUM(A1)", ship_phone="+4930",
               discount=Decimal("-5.00"))  # fmt: skip
    text = body(bo.get(reverse("orders_export")))
    for cell in ("'=HYPERLINK", "'@SUM(A1)", "'+4930", ",-5.00,"):
        assert cell in text


@pytest.mark.parametrize("cell", ["=1", "+1", "-1", "@x", "\t=1", "\r=1", " =1", "＝1", "\n=1"])
def test_what_a_spreadsheet_would_run_is_marked_as_text(cell):
    assert safe_cell(cell) == "'" + cell


def test_the_export_is_on_the_trail_without_what_was_searched(world, bo):
    bo.get(reverse("orders_export"), {"q": "Anna Schmidt", "status": "shipped"})
    (event,) = events(world, "orders.exported")
    assert event.detail["status"] == "shipped"
    assert "Anna" not in str(event.detail)


def test_an_export_with_a_bad_filter_goes_back_to_the_list(world, bo):
    response = bo.get(reverse("orders_export"), {"status": "lost"})
    assert response["Location"] == "/orders/?status=lost"
