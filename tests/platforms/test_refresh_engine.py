"""The engine: fair between tenants and platforms, and no platform holds up the others."""

from __future__ import annotations

import threading
import time
from collections import Counter
from datetime import timedelta

import pytest
from django.utils import timezone

from platforms import credentials, transport
from platforms.errors import Fault, platform_error
from platforms.models import Authorization, CallStat
from platforms.pacing import DOWN_AFTER, PROBES
from platforms.refresh_engine import Engine
from tenants.models import Tenant
from tenants.scope import all_tenants, tenant_scope
from tests.support.factories import make_authorization
from tests.support.linking import link_store
from tests.support.together import together
from tests.support.wire import Offline, emulated


def make_due(tenant, count, *, platform="ebay", ago=timedelta(minutes=5)):
    for n in range(count):
        make_authorization(
            tenant, platform=platform, refresh_due_at=timezone.now() - ago + timedelta(seconds=n),
            access_expires_at=timezone.now() + timedelta(minutes=5),
        )  # fmt: skip


def claim(limit, **more):
    with all_tenants("as a worker"):
        return Authorization.claim_due(limit=limit, now=timezone.now(), **more)


class TestClaiming:
    def test_tenants_and_platforms_take_turns(self, world):
        make_due(world.lotus, 30, ago=timedelta(hours=3))
        make_due(world.maple, 2)
        make_due(world.maple, 2, platform="ozon")
        rows = claim(6)
        assert Counter((row.tenant_id, row.platform) for row in rows) == {
            (world.lotus.pk, "ebay"): 2, (world.maple.pk, "ebay"): 2, (world.maple.pk, "ozon"): 2,
        }  # fmt: skip

    def test_a_claimed_row_is_nobody_elses_until_its_lease_ends(self, world):
        make_due(world.lotus, 3)
        assert len(claim(2)) == 2
        assert len(claim(2)) == 1
        assert claim(2) == []
        with all_tenants("time passes"):
            Authorization.objects.update(leased_until=timezone.now() - timedelta(seconds=1))
        assert len(claim(5)) == 3

    def test_a_row_given_back_is_as_if_it_had_not_been_claimed(self, world):
        make_due(world.lotus, 1)
        (row,) = claim(1)
        with all_tenants("as a worker"):
            Authorization.give_back([row])
            again = Authorization.objects.get(pk=row.pk)
        assert (again.leased_until, again.in_flight_since) == (None, None)
        assert again.refresh_due_at == row.refresh_due_at

    def test_the_mark_of_a_holder_that_died_stays_when_a_row_is_given_back(self, world):
        make_due(world.lotus, 1)
        with all_tenants("a holder died"):
            Authorization.objects.update(in_flight_since=timezone.now() - timedelta(hours=1))
        (row,) = claim(1)
        with all_tenants("as a worker"):
            Authorization.give_back([row], not_before=timezone.now() + timedelta(hours=1))
            assert Authorization.objects.get(pk=row.pk).in_flight_since is not None
        assert claim(1) == []

    def test_paused_and_ended_grants_are_left(self, world):
        make_due(world.lotus, 2)
        with all_tenants("set up"):
            first = Authorization.objects.first()
            Authorization.objects.filter(pk=first.pk).update(state="ended")
        assert len(claim(5)) == 1

    def test_grants_made_together_do_not_fall_due_together(self, world):
        now = timezone.now()
        row = make_authorization(world.lotus, access_expires_at=now + timedelta(hours=1))
        dues = {
            credentials.next_refresh(row, {"refresh_token": "r"}, now=now).replace(second=0)
            for _ in range(60)
        }
        assert len({at.replace(microsecond=0) for at in dues}) >= 5  # minutes, of six

    @pytest.mark.parametrize(("platform", "kept"), [("shopee", True), ("aliexpress", False)])
    def test_idle_grants_are_kept_alive_where_a_refresh_does_that(self, world, platform, kept):
        """An access token outlives half of the refresh token's life."""
        now = timezone.now()
        row = make_authorization(
            world.lotus, platform=platform, mode="x", access_expires_at=now + timedelta(days=365),
            refresh_expires_at=now + timedelta(days=30),
        )  # fmt: skip
        due = credentials.next_refresh(row, {"refresh_token": "r"}, now=now)
        assert (due < now + timedelta(days=16)) is kept


class Endpoints:
    """Answers at once, slowly or never, by platform; remembers how many were in at a time."""

    def __init__(self, market, *, slow=(), down=(), slow_s=0.5):
        self.market, self.slow, self.down, self.slow_s = market, slow, down, slow_s
        self.inside: Counter[str] = Counter()
        self.most: Counter[str] = Counter()
        self.calls: Counter[str] = Counter()
        self._lock = threading.Lock()

    def send(self, method, url, headers, body):
        platform = url.split("/")[3]
        with self._lock:
            self.calls[platform] += 1
            self.inside[platform] += 1
            self.most[platform] = max(self.most[platform], self.inside[platform])
        try:
            if platform in self.slow:
                time.sleep(self.slow_s)
            if platform in self.down:
                time.sleep(0.05)
                raise platform_error(Fault.PLATFORM_DOWN, "no answer in time")
            with self._lock:
                return self.market.wire.send(method, url, headers, body)
        finally:
            with self._lock:
                self.inside[platform] -= 1


def copies(market, tenant, account, count):
    """Many rows of one linked grant, all due; the emulator's token is not single use."""
    with tenant_scope(tenant):
        row = link_store(market, tenant, account).authorization
        secrets = credentials.open_secrets(row)
        for n in range(count):
            make_authorization(
                tenant, platform=row.platform, mode=row.mode, region=row.region, app=row.app,
                account_id=f"{row.account_id}-{n}", secrets=secrets,
                refresh_due_at=timezone.now() - timedelta(minutes=1),
                access_expires_at=timezone.now() + timedelta(minutes=1),
            )  # fmt: skip


@pytest.mark.django_db(transaction=True)
class TestRunning:
    @pytest.fixture
    def lotus(self, db):
        return Tenant.objects.create(name="Lotus", slug="lotus")

    def test_everything_due_is_refreshed_by_many_threads_and_counted(self, lotus):
        with emulated() as market:
            copies(market, lotus, "ebay-lantern", 40)
            wire = Endpoints(market, slow=("ebay",), slow_s=0.1)
            with transport.use_wire(wire):
                engine = Engine(threads=8)
                assert engine.run(seconds=60) == {"refreshed": 40}
            assert 3 < wire.most["ebay"] <= 8
        assert engine.bugs == []
        with tenant_scope(lotus):
            generations = set(
                Authorization.objects.filter(account_id__contains="-").values_list(
                    "generation", flat=True
                )
            )
            assert 1 in generations
            calls = CallStat.objects.filter(authorization__account_id__endswith="-7", fault="")
            assert sum(calls.values_list("calls", flat=True)) == 1

    def test_a_platform_that_is_down_gets_a_few_threads_and_the_others_go_on(self, lotus):
        with emulated() as market:
            copies(market, lotus, "ebay-lantern", 40)
            copies(market, lotus, "amazon-aurora-eu", 10)
            wire = Endpoints(market, down=("ebay",))
            with transport.use_wire(wire):
                engine = Engine(threads=8)
                done = engine.run(seconds=20)
        assert done["refreshed"] == 10
        assert wire.calls["ebay"] >= DOWN_AFTER
        with tenant_scope(lotus):
            assert not Authorization.objects.exclude(state="active").exists()
        # Once it is known to be down only probes go there.
        assert engine._pace("ebay").allowance(8) == PROBES

    def test_a_platform_that_has_not_answered_yet_leaves_threads_to_the_others(self, lotus):
        others_done = threading.Event()

        class Hanging(Endpoints):
            """eBay answers when the last of Amazon's has had its answer."""

            def send(self, method, url, headers, body):
                if "/ebay/" in url:
                    assert others_done.wait(20), "Amazon's had to wait for eBay's"
                answer = super().send(method, url, headers, body)
                if self.calls["amazon"] == 10 and not self.inside["amazon"]:
                    others_done.set()
                return answer

        with emulated() as market:
            copies(market, lotus, "ebay-lantern", 40)
            copies(market, lotus, "amazon-aurora-eu", 10)
            with transport.use_wire(Hanging(market)):
                engine = Engine(threads=8)
                assert engine.run(seconds=60) == {"refreshed": 50}
        assert engine.bugs == []

    def test_a_mistake_of_ours_in_one_refresh_does_not_stop_the_others(self, lotus):
        with emulated() as market:
            copies(market, lotus, "ebay-lantern", 6)
            trips = iter([True])

            class Trips:
                def send(self, *request):
                    if next(trips, False):
                        raise ZeroDivisionError("a bug")
                    return market.wire.send(*request)

            with transport.use_wire(Trips()):
                engine = Engine(threads=1)
                done = engine.run(seconds=60)
        assert done["refreshed"] == 5
        assert [type(bug) for bug in engine.bugs] == [ZeroDivisionError]

    def test_two_engines_never_send_one_token_twice(self, lotus):
        with emulated() as market:
            copies(market, lotus, "ebay-lantern", 30)
            wire = Endpoints(market, slow=("ebay",), slow_s=0.02)
            with transport.use_wire(wire):
                engines = [Engine(threads=4), Engine(threads=4)]
                waiting = iter(engines)
                together(lambda: next(waiting).run(seconds=60), times=2)
        assert sum(e.outcomes["refreshed"] for e in engines) == 30
        assert wire.calls["ebay"] == 30

    def test_nothing_due_makes_no_call(self, lotus):
        with transport.use_wire(Offline()):
            assert Engine(threads=4).run(seconds=5) == {}
