"""Two or three workers on one single-use token, interleaved as thousands of dice say.

Workers are moved from one statement, call or answer to the next while leases end, processes die
on two machines, answers get lost, platforms refuse by mistake and the seller links again. After
each move: generation only grows, and who does not hold the newest lease has changed nothing.
"""

from __future__ import annotations

import os
import random
from datetime import timedelta

import pytest
from django.db import transaction
from django.forms.models import model_to_dict
from django.utils import timezone

from bench.weather import Clock
from platforms import credentials, transport
from platforms.flows import refresh as flow
from platforms.flows.break_authorization import break_authorization
from platforms.flows.confirm_link import confirm
from platforms.flows.refresh import SECOND_LOOKS, recover_answers, refresh, refresh_leased
from platforms.models import Authorization, LinkAttempt, Step
from tenants.models import Store
from tenants.scope import all_tenants, tenant_scope
from tests.support.factories import NOON, make_authorization
from tests.support.interleaving import LEASE_AND_A_BIT, Disks, OneUse, Worker, pausing
from tests.support.linking import make_app

pytestmark = [pytest.mark.slow, pytest.mark.django_db]

INTERLEAVINGS, BATCHES = int(os.environ.get("INTERLEAVINGS", "600")), 4
MOST_MOVES = 150


@pytest.fixture(autouse=True)
def _single_use(monkeypatch):
    monkeypatch.setattr("platforms.adapters.ebay.Ebay.refresh_repeats", False)


class Story:
    """One interleaving of one fresh authorization."""

    def __init__(self, seed, world, app, base):
        self.dice = random.Random(seed)
        self.clock = Clock(NOON, seed=seed, jitter_s=0)
        self.world, self.app = world, app
        self.disks = Disks(base / str(seed))
        self.fates = ["answered"] * 6 + self.dice.choice([[], ["lost"], ["down", "mistake"]])
        self.market = OneUse(lambda: self.dice.choice(self.fates))
        self.market.now = lambda: self.clock.at
        self.leased_by: object = None  # who took the newest lease
        self.worked: list[Worker] = []

    def play(self, settings):
        settings.ANSWERS_DIR = self.disks
        flow._woken.clear()
        with (
            self.clock.in_force(), transport.use_wire(self.market), tenant_scope(self.world.lotus),
            pausing(self.clock.sleep),
        ):  # fmt: skip
            self.row = self.granted()
            self.stale = self.newest = self.read()
            workers = [
                Worker(f"worker {n}", self.dice.choice(["one", "two"]), self.work())
                for n in range(self.dice.choice([2, 2, 3]))
            ]
            for worker in workers:
                worker.start()
            self.interleave(workers)
            self.calm_down()
            self.check_the_end()

    # --- who is there

    def granted(self):
        row = make_authorization(
            self.world.lotus, app=self.app, refresh_due_at=timezone.now(),
            access_expires_at=timezone.now(),
            secrets={"access_token": "a-0", "refresh_token": self.market.consent()},
        )  # fmt: skip
        Store.objects.create(
            tenant=self.world.lotus, platform="ebay", account_name=f"interleaved-{row.pk}",
            external_id=f"interleaved-{row.pk}", state="active", authorization=row,
        )  # fmt: skip
        return row

    def work(self):
        return self.dice.choice([self.asks, self.asks, self.pumps, self.pumps, self.recovers])

    def asks(self):
        """A pull that wants a token."""
        with tenant_scope(self.world.lotus):
            refresh(authorization=self.stale, now=timezone.now())

    def pumps(self):
        with all_tenants("as the engine"):
            rows = Authorization.claim_due(limit=1, now=timezone.now())
            mine = [row for row in rows if row.pk == self.row.pk]
            if self.dice.random() < 0.2:
                Authorization.give_back(mine)
                return
        for row in mine:
            with tenant_scope(row.tenant_id):
                refresh_leased(authorization=row, successor=row.in_flight_since is not None)

    def recovers(self):
        recover_answers()

    # --- what happens

    def interleave(self, workers):
        alive = list(workers)
        worker = alive[0]
        for _ in range(MOST_MOVES):
            if not alive:
                return
            chance = self.dice.random()
            answered = any(worker.at == "answer" for worker in alive)
            if chance < (0.15 if answered else 0.04):
                self.clock.at += LEASE_AND_A_BIT.total_seconds()
            elif 0.15 <= chance < 0.17:
                self.relink()
            elif chance < 0.19:
                self.break_with_an_old_token()
            elif chance < 0.22:
                dead = alive.pop(self.dice.randrange(len(alive)))
                self.market.died(dead)
                dead.kill()
            else:
                # Mostly the same one goes on: who wakes late has slept through much.
                if worker not in alive or self.dice.random() < 0.3:
                    worker = self.dice.choice(alive)
                self.move(worker)
                if worker.ended:
                    alive.remove(worker)
        for worker in alive:  # those who sleep while a dead one's lease lasts
            self.market.died(worker)
            worker.kill()

    def move(self, worker):
        before, worker.took = self.newest, False
        worker.move()
        after = self.newest = self.read()
        assert 0 <= after.generation - before.generation <= 1
        assert 0 <= after.fence - before.fence <= 1
        if after.fence > before.fence:
            assert worker.took
            self.leased_by, worker.leased_until = worker, after.leased_until.timestamp()
        elif self.leased_by is not worker:
            assert fields_of(after) == fields_of(before), f"{worker.name} holds an old lease"

    def relink(self):
        now, before = timezone.now(), self.read()
        attempt = LinkAttempt(
            tenant=self.world.lotus, platform="ebay", mode="authorization_code", app=self.app,
            step=Step.CONFIRM, relinks=before,
            found={"account_id": before.account_id, "account_name": "x", "shops": [],
                   "missing": []},
        )  # fmt: skip
        pending = {
            "secrets": {"access_token": "a-new", "refresh_token": self.market.consent()},
            "scopes": None, "access_expires_at": now.isoformat(), "refresh_expires_at": None,
            "consent_expires_at": None,
        }  # fmt: skip
        attempt.sealed_pending = credentials.seal_for_attempt(
            attempt.tenant_id, attempt.public_id, "pending", pending
        )
        attempt.save()
        confirm(attempt=attempt, user=None, now=now)
        self.leased_by, self.newest = "the seller", self.read()
        assert self.newest.generation == before.generation + 1

    def break_with_an_old_token(self):
        """A pull that slept since an earlier generation is told that its token is void."""
        before = self.read()
        if before.generation > self.stale.generation:
            assert not break_authorization(
                authorization=self.stale, fault="token_revoked", detail="", now=timezone.now()
            )
            assert fields_of(self.read()) == fields_of(before)

    # --- the end

    def calm_down(self):
        """The pumps of both machines go on for some days; the platform behaves."""
        self.fates = ["answered"]
        for wait in (LEASE_AND_A_BIT, timedelta(hours=1), *SECOND_LOOKS, timedelta(days=3)):
            row = self.read()
            held = row.leased_until and row.leased_until > timezone.now()
            if row.state == "active" and self.market.known and not row.fault and not held:
                secrets = credentials.open_secrets(row)
                if secrets["refresh_token"] == self.market.token:
                    return
            self.clock.at += wait.total_seconds()
            for self.disks.shown in ("one", "two"):
                recover_answers()
            self.clock.at += LEASE_AND_A_BIT.total_seconds()
            self.pumps_until_done()

    def pumps_until_done(self):
        with all_tenants("as the engine"):
            rows = Authorization.claim_due(limit=1, now=timezone.now())
        for row in rows:
            with tenant_scope(row.tenant_id):
                refresh_leased(authorization=row, successor=row.in_flight_since is not None)

    def check_the_end(self):
        row = self.read()
        if self.market.known:
            assert row.state == "active", "a healthy grant was given up"
            assert credentials.open_secrets(row)["refresh_token"] == self.market.token
        else:  # the only copy of the newest token is gone: that is found out, and said
            assert row.state == "needs_relink"

    def read(self):
        return Authorization.objects.select_related("app").get(pk=self.row.pk)


def fields_of(row):
    return {**model_to_dict(row), "sealed": bytes(row.sealed_credential), "at": row.refreshed_at}


@pytest.mark.parametrize("batch", range(BATCHES))
def test_whatever_the_order_the_newest_answer_stands(batch, world, settings, tmp_path):
    app = make_app("ebay")
    each = INTERLEAVINGS // BATCHES
    for seed in range(batch * each, (batch + 1) * each):
        with transaction.atomic():
            try:
                Story(seed, world, app, tmp_path).play(settings)
            except AssertionError as exc:
                raise AssertionError(f"interleaving {seed}: {exc}") from exc
            transaction.set_rollback(True)  # the next one has a platform of its own
