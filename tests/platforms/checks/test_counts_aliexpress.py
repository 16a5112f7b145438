"""Count reconciliation of AliExpress to its end: its lists are asked in rounds, by status and by
time of creation, page by page from the last to the first."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from platforms.landing import Router, read_records
from platforms.models import Order, RateBucket
from tests.platforms.adapters.one_order import calling
from tests.platforms.checks.conftest import ask_counts, pull_everything, worked
from tests.support.linking import link_store


@pytest.fixture
def linked(market, world):
    """A store whose bucket has room for all rounds at once: here nobody waits a second a call."""
    store = link_store(market, world.lotus, "aliexpress-harbor", name="harbor").stores[0]
    RateBucket.objects.update(rate=1000, burst=1000)
    return store


@pytest.fixture
def harbor(linked):
    pull_everything(linked)
    return linked


def recent(store):
    since = timezone.now() - timedelta(days=6)
    return Order.objects.filter(store=store, changed_at__gte=since).order_by("number")


def lose(rows):
    numbers = list(rows.values_list("number", flat=True))
    Order.objects.filter(number__in=numbers).delete()
    return numbers


def test_a_store_in_order_is_told_so(harbor):
    report = worked(ask_counts(harbor)).report

    assert (report["verdict"], report["healing"]) == ("complete", "not_needed")
    assert report["before"] == report["after"] == {"missing": 0, "different": 0, "extra": 0}
    assert report["platform"] == report["ours"] > 10


def test_a_deleted_order_of_every_status_is_named_and_comes_back(harbor):
    before = {order.number: order.content_hash for order in recent(harbor)}
    chosen = {order.platform_status: order.number for order in recent(harbor)}
    assert any(status.startswith("FINISH") for status in chosen)
    assert {"WAIT_SELLER_SEND_GOODS", "WAIT_BUYER_ACCEPT_GOODS"} <= set(chosen)
    gone = lose(recent(harbor).filter(number__in=chosen.values()))

    report = worked(ask_counts(harbor)).report

    assert (report["verdict"], report["healing"]) == ("healed", "done")
    assert report["numbers"]["missing"] == gone
    assert report["before"] == {"missing": len(gone), "different": 0, "extra": 0}
    assert report["after"] == {"missing": 0, "different": 0, "extra": 0}
    assert sum(day[3] for day in report["days"]) == len(gone)
    assert {order.number: order.content_hash for order in recent(harbor)} == before


def test_orders_of_several_pages_are_each_counted_once(market, linked):
    """Of 20 a page; the pages after the first are read from the last to the first."""
    market.control("orders/add", account="aliexpress-harbor", n=65, spread_hours=20)
    pull_everything(linked)
    gone = lose(recent(linked))
    assert len(gone) > 65

    report = worked(ask_counts(linked)).report

    assert report["verdict"] == "healed"
    assert report["before"] == {"missing": len(gone), "different": 0, "extra": 0}
    assert list(recent(linked).values_list("number", flat=True)) == gone


def test_an_order_that_is_older_here_is_put_right(harbor):
    stale = recent(harbor).first()
    Order.objects.filter(pk=stale.pk).update(
        changed_at=stale.changed_at - timedelta(hours=1), content_hash=b"0" * 16,
        raw_sha256="0" * 64, status="unknown",
    )  # fmt: skip

    report = worked(ask_counts(harbor)).report

    assert (report["verdict"], report["numbers"]["different"]) == ("healed", [stale.number])
    assert Order.objects.get(pk=stale.pk).status == stale.status


def test_orders_that_finished_without_our_hearing_of_it_are_put_right(market, harbor):
    changed = market.control(
        "orders/change", account="aliexpress-harbor", n=4, ago_seconds=1800, stage="delivered"
    )

    report = worked(ask_counts(harbor)).report

    assert report["numbers"]["different"] == sorted(changed["numbers"])
    assert report["after"] == {"missing": 0, "different": 0, "extra": 0}
    rows = Order.objects.filter(store=harbor, number__in=changed["numbers"])
    assert [row.status for row in rows] == ["delivered"] * 4


def test_what_the_count_took_back_is_what_the_marketplace_says_of_the_one_order(harbor):
    number = lose(recent(harbor)[:1])[0]
    assert worked(ask_counts(harbor)).report["numbers"]["missing"] == [number]

    with calling(harbor) as (adapter, call):
        page = adapter.fetch_order(call, number=number, now=timezone.now())

    assert page is not None
    read = read_records(adapter, page.records, kind=page.kind, router=Router([harbor]))
    assert [each.row.content_hash for each in read.parsed] == [
        bytes(Order.objects.get(number=number).content_hash)
    ]
