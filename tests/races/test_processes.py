"""Races and crashes with real processes on PostgreSQL (SQLite's one writer hides them)."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from functools import partial

import pytest
from django.db import connection
from django.utils import timezone

from platforms.emulator.app import Emulator, endpoints
from platforms.models import Authorization, Order, PullRun, Quarantined, Stream
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.support import processes
from tests.support.linking import link_store
from tests.support.wire import CALLBACK_BASE, World

pytestmark = [pytest.mark.postgresql, pytest.mark.slow, pytest.mark.django_db(transaction=True)]

RACERS = 64
ROUNDS = 200
SLOWEST_S = 45
ORDERS = 600  # enough pages for so many points to be killed at
KILLS = 50
SPARE = 6  # the first pull creates a few rows that later ones find


@pytest.fixture
def tenant(db):
    if connection.vendor != "postgresql":
        pytest.skip("needs PostgreSQL: set DATABASE_URL")
    return Tenant.objects.create(name="Lotus", slug="lotus")


def linked(world, tenant, account, url, settings):
    settings.PLATFORM_ENDPOINTS = endpoints(url)
    settings.ALLOW_ENDPOINT_OVERRIDES = True
    world.wire = _Http(url)
    return link_store(world, tenant, account)


class _Http:
    """The seller's browser over HTTP, for World.consent."""

    def __init__(self, url):
        self.url, self.client = url, self

    def post(self, address, *, data):
        import requests

        return requests.post(address, data=data, allow_redirects=False, timeout=10)


def test_sixty_four_processes_spend_a_single_use_token_once_in_200_rounds(tenant, settings):
    emulator = Emulator(callback_base=CALLBACK_BASE)
    control = World(emulator)
    with processes.served(emulator) as url, tenant_scope(tenant):
        row = linked(World(emulator), tenant, "ebay-lantern", url, settings).authorization
        with processes.racing(url, (tenant.pk, row.pk), racers=RACERS, rounds=ROUNDS) as race:
            for number in range(ROUNDS):
                # The first time the answer takes as long as one has been seen to take.
                delay = SLOWEST_S if number == 0 else 0.02
                control.control(
                    "knobs", where="ebay", set={"rotate": "strict", "token_delay": delay}
                )
                Authorization.objects.filter(pk=row.pk).update(
                    access_expires_at=timezone.now() - timedelta(seconds=1)
                )
                calls = emulator.state.token_calls["ebay-lantern"]
                race.round()
                assert emulator.state.token_calls["ebay-lantern"] == calls + 1
            seen = race.outcomes()

        row.refresh_from_db()
        assert (row.state, row.generation, row.in_flight_since) == ("active", ROUNDS + 1, None)
        assert seen == {"refreshed": ROUNDS, "kept": ROUNDS * (RACERS - 1)}


def test_a_pull_killed_at_fifty_points_leaves_what_an_undisturbed_one_does(tenant, settings):
    emulator = Emulator(callback_base=CALLBACK_BASE, orders={"ozon-zarya": ORDERS})
    with processes.served(emulator) as url, tenant_scope(tenant):
        row = linked(World(emulator), tenant, "ozon-zarya", url, settings).authorization
        stream = Stream.objects.get(authorization=row)
        start = stream.watermark - timedelta(days=40)
        Stream.objects.update(starts_at=start)

        def from_scratch():
            for model in (Order, PullRun, Quarantined):
                model.objects.all().delete()
            Stream.objects.update(watermark=start, window_until=None, cursor="", finished_at=None)

        pull_it = partial(processes.pull_once, (tenant.pk, stream.pk))
        with processes.mortal(url, pull_it) as work:

            def pull(die_before):
                Stream.objects.update(due_at=timezone.now(), leased_until=None)
                return work(die_before)

            from_scratch()
            statements = pull(0).statements
            assert KILLS + SPARE < statements < 255
            truth = snapshot()
            assert len(truth) >= ORDERS
            landed_before_death = set()
            for kill in range(KILLS):
                point = 1 + kill * (statements - 1 - SPARE) // (KILLS - 1)
                from_scratch()
                assert pull(point).killed, f"the pull ended before statement {point}"
                landed_before_death.add(Order.objects.count())
                assert not pull(0).killed
                assert snapshot() == truth, f"killed before statement {point}"
        assert len(landed_before_death) > 3, "the kills did not fall into different pages"


def snapshot():
    """Every order with its lines, as the platform stated them."""
    rows = {}
    for order in Order.objects.prefetch_related("lines", "raw"):
        lines = [(line.number, line.quantity, line.total) for line in order.lines.all()]
        body = hashlib.sha256(bytes(order.raw.body)).hexdigest()
        rows[order.number] = (order.status, order.total, order.raw_sha256, lines, body)
    return rows
