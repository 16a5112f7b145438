"""64 processes ask for one expiring single-use token whose answer takes 45 s: one call a round.

    DATABASE_URL=postgres://... python -m bench.one_call [--rounds 200] [--racers 64] [--delay 45]

200 rounds take two and a half hours. The emulator is served over HTTP from this process, the
racers are processes of their own on PostgreSQL.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
import time
from collections import Counter
from datetime import timedelta

import django

from bench.local import database, machine


def main() -> int:
    options = argparse.ArgumentParser()
    options.add_argument("--rounds", type=int, default=200)
    options.add_argument("--racers", type=int, default=64)
    options.add_argument("--delay", type=float, default=45.0)
    asked = options.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    django.setup()
    logging.disable(logging.ERROR)
    with database():
        print(machine())
        calls, outcomes, waits = _race(asked.rounds, asked.racers, asked.delay)
    print(f"{asked.rounds} rounds of {asked.racers} processes, {asked.delay:g} s an answer:")
    print(f"calls in a round: {dict(sorted(calls.items()))}")
    print(f"outcomes: {dict(outcomes)}")
    print(f"a round took {min(waits):.1f}-{max(waits):.1f} s")
    return 0 if set(calls) == {1} else 1


def _race(
    rounds: int, racers: int, delay_s: float
) -> tuple[Counter[int], Counter[str], list[float]]:
    from django.conf import settings
    from django.utils import timezone

    from platforms.emulator.app import endpoints
    from platforms.models import Authorization
    from tenants.models import Tenant
    from tenants.scope import tenant_scope
    from tests.support import processes
    from tests.support.linking import link_store
    from tests.support.wire import emulated

    tenant = Tenant.objects.create(name="Lotus", slug="lotus")
    with emulated() as market, tenant_scope(tenant):
        row = link_store(market, tenant, "ebay-lantern").authorization
    emulator = market.emulator
    market.control("knobs", where="ebay", set={"rotate": "strict", "token_delay": delay_s})
    calls: Counter[int] = Counter()
    waits = []
    with processes.served(emulator) as url, tenant_scope(tenant):
        settings.PLATFORM_ENDPOINTS = endpoints(url)
        with processes.racing(url, (tenant.pk, row.pk), racers=racers, rounds=rounds) as race:
            for _ in range(rounds):
                Authorization.objects.filter(pk=row.pk).update(
                    access_expires_at=timezone.now() - timedelta(seconds=1)
                )
                before, started = emulator.state.token_calls["ebay-lantern"], time.monotonic()
                race.round()
                calls[emulator.state.token_calls["ebay-lantern"] - before] += 1
                waits.append(time.monotonic() - started)
            outcomes = race.outcomes()
        row.refresh_from_db()
        assert (row.state, row.generation) == ("active", rounds + 1), (row.state, row.generation)
    return calls, outcomes, waits


if __name__ == "__main__":
    sys.exit(main())
