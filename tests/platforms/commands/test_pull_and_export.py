from __future__ import annotations

import csv
import io
from datetime import timedelta

import pytest
from django.utils import timezone

from platforms import registry
from platforms.models import Authorization, Order, Stream
from platforms.normalized import OrderDict
from platforms.orders_csv import FLAT_HEADINGS
from tenants.models import Store, StoreState
from tenants.scope import tenant_scope
from tests.platforms.commands.run import run
from tests.support.factories import json_lines, make_order
from tests.support.linking import link_store

COUNTS = {"seen", "created", "updated", "unchanged", "quarantined", "pages", "calls", "fault"}
ACCOUNTS = {"ebay": "ebay-lantern", "amazon": "amazon-aurora-eu", "ozon": "ozon-zarya"}


@pytest.fixture(params=["ebay", "amazon", "ozon"])
def linked(request, world, market) -> str:
    """A linked store's path on the command line, without the site."""
    with tenant_scope(world.lotus):
        link_store(market, world.lotus, ACCOUNTS[request.param])
    return f"lotus/{request.param}/shop"


@pytest.fixture
def ozon(world, market) -> str:
    with tenant_scope(world.lotus):
        link_store(market, world.lotus, "ozon-zarya")
    return "lotus/ozon/shop"


def pull(path: str, *more: str):
    return run("pull_orders", f"--store={path}", "--json", *more)


def ago(**length: float) -> str:
    return (timezone.now() - timedelta(**length)).isoformat()


def change(world, **fields: object) -> None:
    with tenant_scope(world.lotus):
        Store.objects.filter(account_name="shop").update(**fields)


# --- pull_orders


def test_a_pull_prints_what_it_saw_and_wrote(linked):
    ran = pull(linked)
    assert (ran.code, ran.err) == (0, "")
    assert set(ran.json) == COUNTS
    assert ran.json["fault"] is None
    assert ran.json["created"] > 0
    assert ran.json["pages"] > 0
    assert ran.json["calls"] >= ran.json["pages"]


def test_pulling_again_changes_nothing(linked):
    first = pull(linked).json
    again = pull(linked).json
    assert (again["created"], again["updated"]) == (0, 0)
    assert again["seen"] <= first["seen"]


def test_a_window_goes_through_the_same_engine(linked):
    near = pull(linked).json["created"]
    far = pull(linked, f"--since={ago(days=20)}").json
    assert far["created"] > 0
    assert far["unchanged"] <= near
    assert pull(linked, f"--since={ago(days=20)}").json["created"] == 0


def test_a_window_leaves_the_ordinary_stream_alone(world, ozon):
    pull(ozon)
    with tenant_scope(world.lotus):
        before = Stream.objects.standing().values_list("watermark", "due_at").get()
        pull(ozon, f"--since={ago(days=9)}", f"--until={ago(days=2)}")
        assert Stream.objects.standing().values_list("watermark", "due_at").get() == before
        closed = Stream.objects.exclude(ends_at=None).get()
    assert closed.finished_at is not None


def test_a_window_older_than_the_platform_answers_for_is_cut(ozon):
    ran = pull(ozon, "--since=2001-01-01")
    assert ran.code == 0
    assert "days" in ran.err


def test_a_fault_is_printed_with_the_counts_and_code_3(world, market, ozon):
    market.control("revoke", account="ozon-zarya")
    ran = pull(ozon)
    assert ran.code == 3
    assert ran.json["fault"] in ("token_revoked", "bad_credentials")
    assert ran.json["calls"] > 0
    assert ran.err


def test_a_store_that_needs_relinking_is_a_fault_at_once(world, ozon):
    change(world, state=StoreState.NEEDS_RELINK)
    with tenant_scope(world.lotus):
        Authorization.objects.update(state="needs_relink", fault="token_revoked")
    ran = pull(ozon)
    assert (ran.code, ran.json["fault"], ran.json["calls"]) == (3, "token_revoked", 0)


def test_a_failed_window_is_taken_up_again(world, market, ozon):
    window = (f"--since={ago(days=9)}", f"--until={ago(days=2)}")
    market.control("fail_next", kind="down", count=3, account="ozon-zarya")
    assert pull(ozon, *window).json["fault"] == "platform_down"
    market.control("fail_next/clear")
    assert pull(ozon, *window).code == 0
    with tenant_scope(world.lotus):
        assert Stream.objects.exclude(ends_at=None).count() == 1


def test_a_worker_that_holds_the_stream_is_waited_for(world, ozon, monkeypatch):
    with tenant_scope(world.lotus):
        Stream.objects.update(leased_until=timezone.now() + timedelta(seconds=1.2))
    assert pull(ozon).code == 0


def test_a_worker_that_does_not_end_is_not_waited_for_for_ever(world, ozon, monkeypatch):
    monkeypatch.setattr("platforms.management.commands.pull_orders.PATIENCE_S", 0.1)
    with tenant_scope(world.lotus):
        Stream.objects.update(leased_until=timezone.now() + timedelta(minutes=3))
    ran = pull(ozon)
    assert ran.code == 3
    assert set(ran.json) == COUNTS


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--store=lotus"], "tenant/platform/account_name"),
        (["--store=nobody/ozon/shop"], "lotus"),
        (["--store=lotus/ozon/other"], "lotus/ozon/shop"),
        (["--store=lotus/wallmart/shop"], ", ".join(registry.codes())),
        (["--store=lotus/ozon/shop/DE"], "lotus/ozon/shop"),
        (["--since=yesterday"], "yesterday"),
        (["--since=0001-01-01T00:00:00+14:00"], "not a time"),
        (["--until=2026-01-01"], "--since"),
        (["--since=2099-01-01"], "empty"),
        (["--since=2026-11-02", "--until=2026-11-01"], "empty"),
    ],
)
def test_bad_input_is_code_2_with_what_exists(ozon, arguments, said):
    ran = pull(ozon, *arguments)
    assert ran.code == 2
    assert said in ran.json["detail"]
    assert said in ran.err


@pytest.mark.parametrize("state", ["paused", "unlinked", "linking"])
def test_a_store_that_is_not_active_is_not_pulled(world, ozon, state):
    change(world, state=state)
    assert pull(ozon).code == 2


def test_a_tenants_store_is_not_found_under_another(world, ozon):
    ran = pull("maple/ozon/shop")
    assert ran.code == 2
    assert "lotus" not in ran.err


# --- export_orders


def test_the_export_is_every_order_sorted_by_number(world, linked):
    pull(linked)
    found = json_lines(run("export_orders", f"--store={linked}").out)
    numbers = [order["number"] for order in found]
    assert numbers == sorted(numbers)
    with tenant_scope(world.lotus):
        assert len(found) == Order.objects.count() > 0
    assert set(found[0]) == set(OrderDict.__annotations__)
    assert found[0]["lines"]
    assert found[0]["placed_at"].endswith("Z")


def test_the_order_of_numbers_is_by_bytes(world):
    for number in ("b", "B", "a-1", "a1", "10", "9", "é"):
        make_order(world.tea, number=number)
    found = json_lines(run("export_orders", "--store=lotus/ebay/tea").out)
    assert [order["number"] for order in found] == sorted(order["number"] for order in found)


def test_csv_has_a_row_for_each_line(world):
    make_order(world.tea, number="T-1", lines=2, buyer_name="=1+1", total="10.5000")
    make_order(world.tea, number="T-2", lines=0)
    out = run("export_orders", "--store=lotus/ebay/tea/us", "--format=csv").out
    heading, *found = list(csv.reader(io.StringIO(out)))
    assert heading == FLAT_HEADINGS
    assert [row[heading.index("number")] for row in found] == ["T-1", "T-1", "T-2"]
    assert found[0][heading.index("buyer.name")] == "'=1+1"
    assert found[0][heading.index("total")] == "10.5000"
    assert found[0][heading.index("line.quantity")] == "1"


def test_an_export_needs_no_more_queries_for_more_orders(world, django_assert_max_num_queries):
    for _ in range(30):
        make_order(world.tea)
    with django_assert_max_num_queries(8):
        run("export_orders", "--store=lotus/ebay/tea/US")


def test_an_unknown_format_lists_those_there_are(world):
    ran = run("export_orders", "--store=lotus/ebay/tea", "--format=xml")
    assert ran.code == 2
    assert "jsonl, csv" in ran.err
