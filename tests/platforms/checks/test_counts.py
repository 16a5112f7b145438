"""Count reconciliation: what is missing is named, pulled, and counted again."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from platforms import tasks
from platforms.data_checks.hold import is_paused
from platforms.flows import reconcile_counts
from platforms.models import DataCheck, Order, PullRun, Quarantined, Stream
from tests.platforms.checks.conftest import ask_counts, pull_everything, worked
from tests.support.linking import link_store

ACCOUNTS = (
    "ebay-lantern", "amazon-aurora-eu", "lazada-orchid", "shopee-mango",
    "shopify-lantern", "tiktok_shop-lumen", "wish-coral",
)  # fmt: skip


def recent(store):
    week = timezone.now() - timedelta(days=6)
    return Order.objects.filter(store=store, changed_at__gte=week).order_by("number")


def lose(store, count):
    """As if these orders had never come."""
    numbers = list(recent(store).values_list("number", flat=True)[:count])
    Order.objects.filter(store=store, number__in=numbers).delete()
    return numbers


def test_a_store_in_order_is_told_so(shop):
    check = worked(ask_counts(shop))
    report = check.report
    assert (check.state, report["verdict"], report["healing"]) == ("done", "complete", "not_needed")
    assert report["platform"] == report["ours"] > 5
    assert report["before"] == report["after"] == {"missing": 0, "different": 0, "extra": 0}
    assert sum(day[1] for day in report["days"]) == report["platform"]


def test_missing_orders_are_named_and_pulled_the_ordinary_way(shop):
    runs = PullRun.objects.count()
    gone = lose(shop, 3)

    report = worked(ask_counts(shop)).report

    assert report["verdict"] == "healed"
    assert report["before"]["missing"] == 3
    assert report["ours"] == report["platform"] - 3
    assert report["numbers"]["missing"] == gone
    assert sum(day[3] for day in report["days"]) == 3
    assert report["after"] == {"missing": 0, "different": 0, "extra": 0}
    assert Order.objects.filter(number__in=gone).count() == 3
    assert PullRun.objects.count() > runs  # by a back-fill of the window, no way of its own
    assert Stream.objects.exclude(ends_at=None).latest("pk").finished_at


def test_an_order_that_is_older_here_is_different_and_put_right(shop):
    stale = recent(shop).first()
    Order.objects.filter(pk=stale.pk).update(
        changed_at=stale.changed_at - timedelta(hours=1), content_hash=b"0" * 16, status="unknown"
    )
    report = worked(ask_counts(shop)).report
    assert (report["verdict"], report["before"]["different"]) == ("healed", 1)
    assert report["numbers"]["different"] == [stale.number]
    assert Order.objects.get(pk=stale.pk).status == stale.status


def test_the_same_time_with_other_content_is_different_too(shop):
    order = recent(shop).first()
    Order.objects.filter(pk=order.pk).update(content_hash=b"1" * 16)
    assert worked(ask_counts(shop)).report["before"]["different"] == 1


def test_a_newer_version_here_is_right(shop):
    order = recent(shop).first()
    Order.objects.filter(pk=order.pk).update(
        changed_at=order.changed_at + timedelta(seconds=1), content_hash=b"2" * 16
    )
    assert worked(ask_counts(shop)).report["verdict"] == "complete"


def test_an_order_only_we_have_is_reported_and_kept(shop):
    extra = recent(shop).first()
    Order.objects.filter(pk=extra.pk).update(number="ONLY-HERE-1")
    report = worked(ask_counts(shop)).report
    assert report["before"] == {"missing": 1, "different": 0, "extra": 1}
    assert report["numbers"]["extra"] == ["ONLY-HERE-1"]
    assert report["verdict"] == "extra"  # the missing one has come, the other stays
    assert report["after"] == {"missing": 0, "different": 0, "extra": 1}
    assert Order.objects.filter(number="ONLY-HERE-1").exists()


def test_an_order_deleted_at_the_platform_is_explained(shop):
    extra = recent(shop).first()
    Order.objects.filter(pk=extra.pk).update(number="GONE-1", platform_status="deleted")
    report = worked(ask_counts(shop)).report
    assert (report["verdict"], report["deleted"]) == ("healed", 1)


def test_what_changed_since_is_held_against_nobody(market, world):
    """Orders of the window that the platform has moved on to a later day."""
    store = link_store(market, world.lotus, "ebay-lantern", name="lantern").stores[0]
    pull_everything(store)
    market.control("orders/change", account="ebay-lantern", n=200, ago_seconds=3600)
    report = worked(ask_counts(store, until=timezone.now() - timedelta(days=1))).report
    assert report["moved"] > 5
    assert (report["verdict"], report["before"]["extra"]) == ("complete", 0)


def test_what_is_on_its_way_is_not_missing(market, shop):
    """New orders since the last pull come with the next one."""
    market.control("orders/add", account="ozon-zarya", n=4, ago_seconds=150)
    Stream.objects.filter(ends_at=None).update(watermark=timezone.now() - timedelta(minutes=4))
    assert worked(ask_counts(shop)).report["verdict"] == "complete"


def test_unreadable_records_are_counted_and_found_in_quarantine(market, shop):
    market.control("knobs", where="ozon-zarya", set={"bad_record": True})
    report = worked(ask_counts(shop)).report
    assert report["verdict"] == "unreadable"
    assert report["unreadable"] > 0
    assert report["unreadable_known"] == 0
    lose(shop, 1)  # so that the window is pulled
    again = worked(ask_counts(shop)).report
    assert Quarantined.objects.count() >= again["unreadable"] == again["unreadable_known"] > 0


@pytest.mark.parametrize("account", ACCOUNTS)
def test_every_platform_is_counted_right_and_healed(market, world, account):
    store = link_store(market, world.lotus, account, name="shop").stores[0]
    pull_everything(store)
    before = worked(ask_counts(store)).report
    assert before["verdict"] == "complete", before["before"]
    gone = lose(store, 2)
    report = worked(ask_counts(store)).report
    assert report["before"]["missing"] == len(gone)
    assert report["after"]["missing"] == 0


def test_a_window_beyond_the_platforms_reach_is_said_so(shop):
    long_ago = timezone.now() - timedelta(days=3000)
    assert worked(ask_counts(shop, until=long_ago)).report["verdict"] == "no_window"


def test_a_limit_is_waited_for_without_a_worker(market, shop, monkeypatch):
    market.control("fail_next", kind="throttle", account="ozon-zarya")
    check = ask_counts(shop)
    tasks.pump_checks(patience_s=0)
    row = DataCheck.objects.get(pk=check.pk)
    assert (row.state, is_paused(row)) == ("running", True)
    assert row.progress["waits_for"] == "rate_limited"
    assert worked(check).report["verdict"] == "complete"


def test_turns_add_up_to_the_same_counts(shop, monkeypatch):
    gone = lose(shop, 2)
    monkeypatch.setattr(reconcile_counts, "TURN_S", -1.0)  # let go after each page
    report = worked(ask_counts(shop)).report
    assert report["numbers"]["missing"] == gone
    assert report["verdict"] == "healed"


def test_a_dead_grant_ends_it_with_the_reason(market, shop):
    market.control("revoke", account="ozon-zarya")
    check = worked(ask_counts(shop))
    assert (check.state, check.report["verdict"]) == ("failed", "refused")
    assert check.fault


def test_a_platform_that_stays_away_ends_it(market, shop):
    market.control("knobs", where="ozon", set={"down": True})
    check = worked(ask_counts(shop))
    assert (check.state, check.fault) == ("failed", "platform_down")
