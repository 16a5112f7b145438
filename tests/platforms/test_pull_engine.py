"""The engine: many stores at once, and none of them holds up the others."""

from __future__ import annotations

import threading
import time
from collections import Counter
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from platforms import registry, transport
from platforms.models import CallStat, Lane, Order, PullRun, RateBucket, Stream
from platforms.pacing import DOWN_AFTER, PROBES
from platforms.pull_engine import BACK_FILL_SHARE, FAR_BEHIND, MOST_FAR_BEHIND, Engine
from platforms.pulling.interval import jittered, next_interval
from tenants.scope import all_tenants, tenant_scope
from tests.support.linking import link_store
from tests.support.wire import emulated

pytestmark = pytest.mark.django_db(transaction=True)
ACCOUNTS = ("ebay-lantern", "ozon-zarya", "shopify-lantern")


@pytest.fixture
def market(world):
    with emulated() as market:
        yield market


@pytest.fixture
def linked(market, world):
    with tenant_scope(world.lotus):
        for account in ACCOUNTS:
            link_store(market, world.lotus, account)
    with tenant_scope(world.maple):
        link_store(market, world.maple, "amazon-aurora-eu")


def run(threads=8, seconds=20.0):
    engine = Engine(threads=threads)
    return engine, engine.run(seconds=seconds)


def make_due(**which):
    with all_tenants("time passes"):
        now = timezone.now()
        Stream.objects.filter(**which).update(due_at=now, watermark=now - timedelta(minutes=10))


def orders():
    with all_tenants("what there is"):
        return Counter(Order.objects.values_list("platform", flat=True))


class Watched:
    """A network that counts how many calls are under way at once, by platform."""

    def __init__(self, market, *, takes_s=0.02, during=lambda url: None):
        self.market, self.takes_s, self.during = market, takes_s, during
        self.now, self.most, self.calls = Counter(), Counter(), Counter()
        self._lock = threading.Lock()

    def send(self, method, url, headers, body):
        platform = url.split("/")[3]
        with self._lock:
            self.now[platform] += 1
            self.calls[platform] += 1
            self.most[platform] = max(self.most[platform], self.now[platform])
        try:
            time.sleep(self.takes_s)
            self.during(url)
            return self.market.wire.send(method, url, headers, body)
        finally:
            with self._lock:
                self.now[platform] -= 1


def test_everything_due_is_pulled_and_nothing_is_left_leased(market, world, linked):
    engine, turns = run()
    assert (turns, engine.bugs) == (4, [])
    assert set(orders()) == {"ebay", "ozon", "shopify", "amazon"}
    with all_tenants("what there is"):
        assert not Stream.objects.exclude(leased_until=None).exists()
        assert not Stream.objects.filter(due_at__lte=timezone.now()).exists()
        assert {each.tenant_id for each in Order.objects.all()} == {world.lotus.pk, world.maple.pk}
        assert sum(CallStat.objects.values_list("calls", flat=True)) >= 4
        assert sum(PullRun.objects.values_list("created", flat=True)) == Order.objects.count()
    assert run()[1] == 0


@pytest.mark.usefixtures("no_look_further_back")
def test_a_quiet_pull_leaves_no_row_and_writes_no_order(market, linked):
    run()
    with all_tenants("what there is"):
        runs = PullRun.objects.count()
        landed = dict(Order.objects.values_list("pk", "landed_at"))
    make_due()
    assert run()[1] == 4
    with all_tenants("what there is"):
        Stream.objects.exclude(last_success_at=None).get(authorization__platform="ebay")
        assert PullRun.objects.filter(seen=0).count() == 0
        assert PullRun.objects.count() <= runs + 4
        assert dict(Order.objects.values_list("pk", "landed_at")) == landed


def test_what_becomes_due_during_its_pull_is_pulled_again(market, world, linked):
    run()
    news = []

    def a_push_comes(url):
        if "/ebay/" in url and not news:
            news.append(url)
            with tenant_scope(world.lotus):
                Stream.objects.filter(authorization__platform="ebay").update(due_at=timezone.now())

    make_due(authorization__platform="ebay")
    with transport.use_wire(Watched(market, during=a_push_comes)):
        assert run()[1] == 2


def test_a_store_unlinked_during_its_pull_is_not_due_again(market, world, linked):
    def it_is_stopped(url):
        if "/ebay/" in url:
            with tenant_scope(world.lotus):
                Stream.objects.filter(authorization__platform="ebay").update(due_at=None)

    with transport.use_wire(Watched(market, during=it_is_stopped)):
        run()
    with tenant_scope(world.lotus):
        assert Stream.objects.get(authorization__platform="ebay").due_at is None


def refuse_orders_of(platform):
    """The database itself says no, as it would to a value that nobody thought of."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS"
                " $$BEGIN RAISE EXCEPTION 'no'; END$$"
            )
            cursor.execute(
                "CREATE TRIGGER refuse BEFORE INSERT ON platforms_order FOR EACH ROW"
                f" WHEN (NEW.platform = '{platform}') EXECUTE FUNCTION refuse()"
            )
        else:
            cursor.execute(
                "CREATE TRIGGER refuse BEFORE INSERT ON platforms_order"
                f" WHEN NEW.platform = '{platform}' BEGIN SELECT RAISE(ABORT, 'no'); END"
            )


@pytest.fixture
def ebay_refused(linked):
    refuse_orders_of("ebay")
    yield
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("DROP FUNCTION refuse CASCADE")
        else:
            cursor.execute("DROP TRIGGER refuse")


def test_a_page_that_cannot_be_written_does_not_hold_up_the_others(market, world, ebay_refused):
    engine, _turns = run()
    assert len(engine.bugs) == 1
    assert set(orders()) == {"ozon", "shopify", "amazon"}
    with tenant_scope(world.lotus):
        stream = Stream.objects.get(authorization__platform="ebay")
        assert stream.leased_until is not None  # tried anew when the lease is over
        assert stream.cursor == ""


def test_back_fills_get_a_part_of_the_threads(market, world, linked):
    run()
    with all_tenants("much to catch up with"):
        standing = Stream.objects.get(authorization__platform="ebay")
        for day in range(8):
            since = standing.starts_at - timedelta(days=day + 1)
            Stream.objects.create(
                tenant_id=standing.tenant_id, authorization_id=standing.authorization_id,
                store_id=standing.store_id, lane=Lane.BACK_FILL, starts_at=since, watermark=since,
                ends_at=since + timedelta(days=1), due_at=timezone.now(),
            )  # fmt: skip
    wire = Watched(market, takes_s=0.1)
    with transport.use_wire(wire):
        assert run(threads=8)[1] == 8
    assert wire.most["ebay"] <= 8 // BACK_FILL_SHARE


def test_what_is_far_behind_is_left_to_others_where_it_would_only_wait(market, world, linked):
    """Two processes share what a long outage left; one alone works through it all the same."""
    run()
    with tenant_scope(world.lotus):
        standing = Stream.objects.get(authorization__platform="ebay")
        long_ago = standing.watermark - 2 * FAR_BEHIND
        for n in range(3 * MOST_FAR_BEHIND):
            Stream.objects.create(
                tenant=world.lotus, authorization_id=standing.authorization_id,
                store_id=standing.store_id, lane=Lane.FRESH, starts_at=long_ago,
                watermark=long_ago, due_at=standing.due_at - timedelta(days=1, seconds=n),
            )  # fmt: skip
        make_due(pk=standing.pk)
    RateBucket.objects.all().delete()
    leased = []

    def look(url: str) -> None:
        with all_tenants("looking"):
            leased.append(
                Stream.objects.filter(watermark__lte=long_ago, leased_until__gt=timezone.now())
                .count()
            )  # fmt: skip

    with transport.use_wire(Watched(market, takes_s=0.05, during=look)):
        assert run(threads=32)[1] == 3 * MOST_FAR_BEHIND + 1
    # For a moment those that are given back again are leased as well.
    assert max(leased[MOST_FAR_BEHIND:]) <= MOST_FAR_BEHIND


def test_a_platform_that_is_down_gets_few_threads_until_it_answers(market, world):
    with tenant_scope(world.lotus):
        row = link_store(market, world.lotus, "ebay-lantern").authorization
        standing = Stream.objects.get(authorization=row)
        for _ in range(40):
            Stream.objects.create(
                tenant_id=standing.tenant_id, authorization=row, store_id=standing.store_id,
                lane=Lane.FRESH, starts_at=standing.starts_at, watermark=standing.watermark,
                due_at=timezone.now(),
            )  # fmt: skip
    market.control("knobs", where="ebay", set={"down": True})
    RateBucket.objects.all().delete()
    wire = Watched(market, takes_s=0.05)
    engine = Engine(threads=16)
    with transport.use_wire(wire):
        engine.run(seconds=10)
    assert engine._paces["ebay"].allowance(16) == PROBES
    assert wire.calls["ebay"] >= DOWN_AFTER
    with tenant_scope(world.lotus):
        assert set(Stream.objects.values_list("fault", flat=True)) == {"platform_down"}


class TestHowSoonAgain:
    def after(self, world, *pulls, freshness=30):
        world.lotus.freshness_minutes = freshness
        adapter, last_s = registry.get("ozon"), 0
        for is_busy in pulls:
            last = next_interval(last_s, adapter, world.lotus, is_busy=is_busy)
            last_s = int(last.total_seconds())
        return timedelta(seconds=last_s) / adapter.poll_every

    def test_quiet_stores_are_asked_less_and_less_often(self, world):
        assert 1 < self.after(world, False) < self.after(world, False, False)

    def test_but_never_less_often_than_the_company_chose(self, world):
        assert self.after(world, *[False] * 30, freshness=30) == 6
        assert self.after(world, *[False] * 30, freshness=5) == 1

    def test_a_busy_one_is_soon_asked_as_often_as_the_platform_allows(self, world):
        assert self.after(world, *[False] * 30, True, True, True) == 1

    def test_chance_only_makes_it_sooner(self):
        waits = [jittered(timedelta(minutes=10)) for _ in range(200)]
        assert timedelta(minutes=8) < min(waits) < max(waits) <= timedelta(minutes=10)
