"""Orders that the platform moves on while they are counted, later than its lists reach."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from platforms import registry, tasks
from platforms.data_checks.hold import is_paused
from platforms.flows import reconcile_counts, work_checks
from platforms.models import DataCheck, Order
from tenants.models import Store
from tests.platforms.checks.conftest import ask_counts, pull_everything, worked
from tests.platforms.checks.test_counts import ACCOUNTS, recent
from tests.support.linking import link_store

YESTERDAY = timedelta(days=1)


@pytest.fixture
def shop(market, world):
    """A linked eBay store with everything of the last month here."""
    store = link_store(market, world.lotus, "ebay-lantern", name="lantern").stores[0]
    pull_everything(store)
    return store


def changed_just_now(market, account, n=3):
    """Later than any window of the platform reaches. Our rows stay as they were."""
    return market.control("orders/change", account=account, n=n, ago_seconds=5)["numbers"]


def counted_until_yesterday(store) -> DataCheck:
    return worked(ask_counts(store, days=29, until=timezone.now() - YESTERDAY))


@pytest.mark.parametrize("account", [*ACCOUNTS, "ozon-zarya"])
def test_what_changed_within_the_lag_is_not_extra(market, world, account):
    store = link_store(market, world.lotus, account, name="shop").stores[0]
    pull_everything(store)
    assert registry.get(store.platform).lag > timedelta(seconds=10)
    changed_just_now(market, account, n=15)  # each that falls into the window is a slow call

    report = counted_until_yesterday(store).report

    assert report["before"]["extra"] == 0
    # Ozon's lists go by other dates: there they are out of date, and are brought up to it.
    expected = ("healed", "different") if account == "ozon-zarya" else ("complete", "moved")
    assert report["verdict"] == expected[0]
    assert {**report["before"], "moved": report["moved"]}[expected[1]] > 0


def test_an_order_that_only_we_have_is_still_told_from_them(market, shop):
    extra = recent(shop).filter(changed_at__lt=timezone.now() - YESTERDAY).first()
    Order.objects.filter(pk=extra.pk).update(number="12-34567-89012")
    changed_just_now(market, "ebay-lantern", n=200)
    report = counted_until_yesterday(shop).report
    assert (report["verdict"], report["before"]["extra"]) == ("extra", 1)
    assert report["numbers"]["extra"] == ["12-34567-89012"]
    assert sum(row[5] for row in report["days"]) == 1


def test_one_that_is_known_to_be_deleted_is_not_asked_for(market, shop):
    rows = recent(shop).filter(changed_at__lt=timezone.now() - YESTERDAY)
    Order.objects.filter(pk=rows.first().pk).update(
        number="12-34567-89012", platform_status="deleted"
    )
    calls = counted_until_yesterday(shop).report["calls"]
    Order.objects.filter(number="12-34567-89012").update(platform_status="new")
    assert counted_until_yesterday(shop).report["calls"] > calls


def test_not_more_are_asked_for_than_are_worth_it(market, shop, monkeypatch):
    monkeypatch.setattr(reconcile_counts, "MOST_SINGLE", 2)
    changed_just_now(market, "ebay-lantern", n=200)
    report = counted_until_yesterday(shop).report
    assert report["moved"] == 2
    assert report["before"]["extra"] > 2


def test_it_goes_on_with_the_next_one_in_the_next_turn(market, shop, monkeypatch):
    changed_just_now(market, "ebay-lantern", n=200)
    monkeypatch.setattr(reconcile_counts, "TURN_S", -1.0)  # let go after each call
    check = counted_until_yesterday(shop)
    assert (check.state, check.report["verdict"]) == ("done", "complete")
    assert check.report["moved"] > 5


def test_a_limit_on_single_orders_is_waited_for(market, shop):
    changed_just_now(market, "ebay-lantern", n=10)
    check = ask_counts(shop, days=29, until=timezone.now() - YESTERDAY)
    market.control("fail_next", kind="throttle", account="ebay-lantern", operation="ebay.order")
    tasks.pump_checks(patience_s=0)
    row = DataCheck.objects.get(pk=check.pk)
    assert is_paused(row)
    assert worked(check).report["verdict"] == "complete"


def test_a_store_unlinked_between_two_turns_is_not_asked_any_more(market, shop, monkeypatch):
    changed_just_now(market, "ebay-lantern", n=200)
    monkeypatch.setattr(reconcile_counts, "TURN_S", -1.0)
    check = ask_counts(shop, days=29, until=timezone.now() - YESTERDAY)
    while not (check.report or {}).get("singles"):
        (turn,) = work_checks.claim_due(limit=1, now=timezone.now())
        work_checks.work_on(turn, patience_s=0)
        check.refresh_from_db()
    Store.objects.filter(pk=shop.pk).update(state="unlinked")
    market.control("counters/reset")
    assert worked(check).report["verdict"] == "unlinked"
    assert not any(market.ask("counters")["account_calls"].values())
