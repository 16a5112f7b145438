"""Pulling: each order once, nothing lost without a trace."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from platforms import tasks, transport
from platforms.emulator.cast.ebay import EBAY_SCOPES
from platforms.errors import Fault, NeedsSeller, TryLater
from platforms.flows import pull_orders as pulling
from platforms.flows.confirm_link import confirm
from platforms.flows.link import submit_keys
from platforms.flows.pull_orders import LostLease, pull_orders
from platforms.flows.start_streams import back_fill, previous_day
from platforms.models import (
    Authorization,
    Lane,
    Order,
    OrderLine,
    PullRun,
    Quarantined,
    Stream,
)
from platforms.pulling import turn
from tenants.models import Store
from tests.support.linking import attempt_for, keys_of, link_store
from tests.support.wire import Unplugged

pytestmark = pytest.mark.usefixtures("no_look_further_back")


@pytest.fixture(params=["ebay-lantern", "amazon-aurora-eu", "ozon-zarya"])
def account(request):
    return request.param


def link(market, world, account):
    return link_store(market, world.lotus, account).authorization


def link_again(world, authorization, account):
    attempt = attempt_for(world.lotus, account, relinks=authorization)
    attempt = submit_keys(
        attempt=attempt, values=keys_of(account, attempt.mode), ip=None, now=timezone.now()
    )
    return confirm(attempt=attempt, user=None, now=timezone.now())


def claim(authorization, *, later=timedelta(0)):
    now = timezone.now() + later
    Stream.objects.filter(authorization=authorization, finished_at=None).update(
        due_at=now, leased_until=None
    )
    return Stream.claim_due(kind="orders", limit=1, now=now)[0]


def pull(authorization, *, later=timedelta(0)):
    return pull_orders(stream=claim(authorization, later=later), now=timezone.now() + later)


def numbers(orders):
    return set(orders.values_list("number", flat=True))


def expected(market, account, *, since, until):
    """What the platform says changed in the window."""
    rows = market.ask(f"orders?account={account}")["orders"]
    return {r["number"] for r in rows if since <= r["changed_at"] < until}


def test_the_first_pull_reaches_back_to_the_start_of_the_previous_day(market, world, account):
    authorization = link(market, world, account)
    store = Store.objects.filter(authorization=authorization).first()
    stream = Stream.objects.get(authorization=authorization)
    assert stream.watermark <= previous_day(store, timezone.now())

    pulled = pull(authorization)

    assert pulled.finished
    assert pulled.created == Order.objects.count() > 5
    fresh = Stream.objects.get(pk=stream.pk)
    assert fresh.watermark > timezone.now() - timedelta(minutes=10)
    assert fresh.lane == Lane.FRESH


def test_a_second_pull_finds_everything_unchanged_and_writes_no_order(market, world, account):
    authorization = link(market, world, account)
    pull(authorization)
    landed = dict(Order.objects.values_list("number", "landed_at"))

    again = pull(authorization, later=timedelta(minutes=6))

    assert (again.created, again.updated) == (0, 0)
    assert dict(Order.objects.values_list("number", "landed_at")) == landed


def test_new_and_changed_orders_arrive_with_the_next_pull(market, world, account):
    authorization = link(market, world, account)
    pull(authorization)
    before = Order.objects.count()
    added = market.control("orders/add", account=account, n=3, ago_seconds=240)["numbers"]
    changed = market.control("orders/change", account=account, n=2, ago_seconds=240)["numbers"]

    pull(authorization, later=timedelta(minutes=10))

    assert set(added) | set(changed) <= numbers(Order.objects)
    assert Order.objects.count() >= before + 3


class CutAfter:
    """A network that is gone after so many good calls."""

    def __init__(self, good, wire):
        self.good, self.wire = good, wire

    def send(self, *request):
        self.good -= 1
        return (self.wire if self.good >= 0 else Unplugged()).send(*request)


def test_a_pull_that_landed_pages_before_it_failed_goes_on_soon(market, world):
    market.control("orders/add", account="ebay-lantern", n=450, spread_hours=10)
    authorization = link(market, world, "ebay-lantern")

    for landed, failures, wait_s in ((200, 1, 10), (400, 1, 10), (400, 2, 120)):
        good = int(landed > Order.objects.count())
        with transport.use_wire(CutAfter(good, market.wire)), pytest.raises(TryLater):
            pull(authorization)
        stream = Stream.objects.get(authorization=authorization)
        assert (Order.objects.count(), stream.failures) == (landed, failures)
        assert stream.due_at - timezone.now() == pytest.approx(
            timedelta(seconds=wait_s), abs=timedelta(seconds=wait_s / 2)
        )


def test_pages_land_one_by_one_and_a_failure_resumes_at_the_cursor(market, world):
    market.control("orders/add", account="ebay-lantern", n=450, spread_hours=10)
    authorization = link(market, world, "ebay-lantern")

    with transport.use_wire(CutAfter(2, market.wire)), pytest.raises(TryLater):
        pull(authorization)
    assert Order.objects.count() == 400
    stream = Stream.objects.get(authorization=authorization)
    assert stream.cursor
    assert (stream.failures, stream.fault) == (1, "network_unreachable")
    watermark = stream.watermark

    market.wire.calls.clear()
    pulled = pull(authorization)

    assert len(market.wire.calls) == 1  # only the page that was missing
    assert pulled.created == Order.objects.count() - 400
    assert Stream.objects.get(pk=stream.pk).watermark > watermark
    assert PullRun.objects.filter(fault="network_unreachable").count() == 1


def test_a_record_that_cannot_be_read_is_quarantined_and_the_rest_lands(market, world, account):
    market.control("knobs", where=account, set={"bad_record": True})
    authorization = link(market, world, account)

    pulled = pull(authorization)

    assert pulled.quarantined >= 1
    assert pulled.created >= 5
    kept = Quarantined.objects.all()
    assert kept.count() >= 1
    assert all(each.reason and each.raw for each in kept)
    assert pull(authorization, later=timedelta(minutes=8)).finished  # met again, still one case
    assert Quarantined.objects.filter(state="waiting").count() == kept.count()


def test_an_unknown_status_is_kept_verbatim(market, world):
    market.control("knobs", where="ozon-zarya", set={"unknown_status": True})
    authorization = link(market, world, "ozon-zarya")
    pull(authorization)
    odd = Order.objects.filter(status="unknown")
    assert odd.exists()
    assert all(order.platform_status for order in odd)


@pytest.mark.parametrize("how", ["broken_json", "html", "truncated", "empty"])
def test_garbled_answers_leave_the_watermark_alone(market, world, how):
    authorization = link(market, world, "ebay-lantern")
    before = Stream.objects.get().watermark
    market.control("knobs", where="ebay", set={"garble": how})
    with pytest.raises(TryLater) as failed:
        pull(authorization)
    assert failed.value.fault in (Fault.BAD_RESPONSE, Fault.PLATFORM_DOWN)
    stream = Stream.objects.get()
    assert (stream.watermark, stream.failures) == (before, 1)
    assert Authorization.objects.get().state == "active"
    market.control("knobs/clear", where="ebay")
    assert pull(authorization).created > 5


def test_being_throttled_moves_the_due_time_and_nothing_else(market, world):
    authorization = link(market, world, "ozon-zarya")
    market.control("knobs", where="ozon", set={"throttle": True, "retry_after": 90})
    with pytest.raises(TryLater) as failed:
        pull(authorization)
    assert failed.value.fault == Fault.RATE_LIMITED
    due = Stream.objects.get().due_at - timezone.now()
    assert timedelta(seconds=80) < due <= timedelta(seconds=91)


def test_a_revoked_grant_is_noticed_while_pulling(market, world):
    authorization = link(market, world, "ebay-lantern")
    market.control("revoke", account="ebay-lantern")
    with pytest.raises(NeedsSeller) as refused:
        pull(authorization)
    assert refused.value.fault == Fault.TOKEN_REVOKED
    assert Authorization.objects.get().state == "needs_relink"
    assert Store.objects.get(authorization=authorization).state == "needs_relink"
    assert Stream.objects.get().due_at is None


class Meanwhile:
    """A wire on which `act` happens after the platform answered, before we read the answer."""

    def __init__(self, market, *acts):
        self.market = market
        self.acts = list(acts)

    def send(self, *request):
        answer = self.market.wire.send(*request)
        if self.acts:
            act = self.acts.pop(0)
            with transport.use_wire(self.market.wire):
                act()
        return answer


def test_a_refusal_of_an_older_credential_does_not_break_the_grant(market, world):
    authorization = link(market, world, "ozon-zarya")
    market.control("revoke", account="ozon-zarya")

    def relink():
        market.control("restore", account="ozon-zarya")
        link_again(world, authorization, "ozon-zarya")

    with transport.use_wire(Meanwhile(market, relink)), pytest.raises(NeedsSeller) as refused:
        pull(authorization)

    assert refused.value.fault in pulling.DEAD_GRANT
    row = Authorization.objects.get()
    assert (row.state, row.fault) == ("active", "")
    assert row.generation > authorization.generation
    assert Store.objects.get(authorization=authorization).state == "active"
    stream = Stream.objects.get()
    assert (stream.fault, stream.leased_until) == ("", None)
    assert stream.due_at <= timezone.now() + timedelta(minutes=2)
    assert pull(authorization).created > 5


def test_a_refusal_of_the_token_renewed_in_the_pull_breaks_the_grant(market, world):
    authorization = link(market, world, "ebay-lantern")
    market.control("expire", account="ebay-lantern", platform="ebay")

    def drop():
        market.control("knobs", where="ebay-lantern", set={"drop_scopes": list(EBAY_SCOPES)})

    with transport.use_wire(Meanwhile(market, drop)), pytest.raises(NeedsSeller):
        pull(authorization)

    row = Authorization.objects.get()
    assert (row.state, row.fault, row.generation) == ("needs_relink", "insufficient_scope", 2)


def test_a_token_that_ends_twice_in_a_pull_is_renewed_twice(market, world):
    market.control("orders/add", account="ebay-lantern", n=450, spread_hours=10)
    authorization = link(market, world, "ebay-lantern")

    def expire():
        market.control("expire", account="ebay-lantern", platform="ebay")

    expire()
    # Refused, renewed, a page; then the new token ends too.
    with transport.use_wire(Meanwhile(market, *[lambda: None] * 2, expire)):
        assert pull(authorization).finished

    assert Authorization.objects.get().generation == 3


def test_a_blocked_address_waits_for_the_seller_without_ending_the_grant(market, world):
    authorization = link(market, world, "ozon-zarya")
    market.control("knobs", where="ozon", set={"block_ip": True})
    with pytest.raises(NeedsSeller) as refused:
        pull(authorization)
    assert refused.value.fault == Fault.IP_NOT_WHITELISTED
    row = Authorization.objects.get()
    assert (row.state, row.fault) == ("active", "ip_not_whitelisted")
    market.control("knobs/clear", where="ozon")
    pull(authorization)
    assert Authorization.objects.get().fault == ""


def test_a_worker_whose_lease_was_taken_writes_nothing(market, world):
    authorization = link(market, world, "ebay-lantern")
    mine = claim(authorization)
    claim(authorization)
    with pytest.raises(LostLease):
        pull_orders(stream=mine, now=timezone.now())
    assert Order.objects.count() == 0


def test_a_back_fill_runs_beside_the_stream_and_ends(market, world):
    authorization = link(market, world, "ebay-lantern")
    pull(authorization)
    recent = Order.objects.count()
    store = Store.objects.get(authorization=authorization)
    now = timezone.now()

    stream = back_fill(store=store, since=now - timedelta(days=35), now=now)
    tasks.pump_orders()

    done = Stream.objects.get(pk=stream.pk)
    assert done.finished_at
    assert (done.progress, done.due_at) == (100, None)
    assert Order.objects.count() == 64 > recent


def test_a_site_linked_later_gets_its_own_previous_day(market, world):
    def link_sites(*sites):
        attempt = attempt_for(world.lotus, "amazon-aurora-eu", name="eu")
        submit_keys(
            attempt=attempt, values=keys_of("amazon-aurora-eu"), ip=None, now=timezone.now()
        )
        shops = [s["external_id"] for s in attempt.found["shops"] if s["site"] in sites]
        return confirm(attempt=attempt, user=None, now=timezone.now(), shop_ids=shops)

    link_sites("DE")
    tasks.pump_orders()
    assert set(Order.objects.values_list("store__site", flat=True)) == {"DE"}
    link_sites("GB")
    assert Authorization.objects.count() == 1
    tasks.pump_orders()
    assert set(Order.objects.values_list("store__site", flat=True)) == {"DE", "GB"}


def test_a_page_lands_with_a_fixed_number_of_statements(market, world):
    authorization = link(market, world, "ebay-lantern")

    def statements():
        with CaptureQueriesContext(
            connection,
        ) as seen:
            pull(authorization)
        return len(seen)

    few = statements()
    market.control("orders/add", account="ebay-lantern", n=150, ago_seconds=90)
    Stream.objects.update(watermark=timezone.now() - timedelta(hours=1))
    assert statements() <= few + 5
    assert OrderLine.objects.count() > 150


def test_a_stream_of_many_pages_lets_others_in(market, world, monkeypatch):
    monkeypatch.setattr(turn, "PAGES_AT_ONCE", 1)
    market.control("orders/add", account="ebay-lantern", n=450, spread_hours=10)
    authorization = link(market, world, "ebay-lantern")
    assert not pull(authorization).finished
    stream = Stream.objects.get()
    assert stream.due_at <= timezone.now()
    assert stream.leased_until is None
    assert not pull(authorization).finished
    assert pull(authorization).created > 0
    assert Order.objects.count() > 450
