"""Refreshes a second of one worker process, next to one after the other, in one run.

    DATABASE_URL=postgres://... python -m bench.refresh [--threads 64] [--rounds 5] [--cpu 0]

Every refresh takes the product's whole way: claim, lease, in-flight mark, call, seal, commit each
on its own. The local server rotates single-use tokens and takes 150 ms an answer.
"""

from __future__ import annotations

import argparse
import logging
import os
import statistics
import sys
from dataclasses import replace
from datetime import datetime, timedelta

import django

from bench.local import Stopwatch, control, database, machine, marketplace
from platforms.adapter import Adapter, Call
from platforms.errors import Fault, PlatformError, platform_error
from platforms.spec import Account, Answer, Grant, Mode, ModeKind, Request

LATENCY_MS = 150


class Oauth(Adapter):
    """The token endpoint of the local server: rotating, single use."""

    code = "bench"
    name = "Bench"
    modes = (Mode(code="authorization_code", name="Code", kind=ModeKind.CONSENT),)
    endpoints = {"auth": "http://bench.test", "api": "http://bench.test"}

    def sign(self, request: Request, account: Account, *, now: datetime) -> Request:
        return replace(request)

    def read_fault(self, request: Request, answer: Answer) -> PlatformError | None:
        if answer.status == 200:
            return None
        return platform_error(Fault.TOKEN_REVOKED if answer.status == 400 else Fault.PLATFORM_DOWN)

    def refresh(self, call: Call, *, now: datetime) -> Grant:
        import msgspec

        token = call.account.secrets["refresh_token"]
        body = {"grant_type": "refresh_token", "refresh_token": token}
        answer = call(
            Request(method="POST", path="/oauth/token", endpoint="auth", json=body, signed=False)
        )
        told = msgspec.json.decode(answer.body)
        return Grant(
            access_token=told["access_token"],
            access_expires_at=now + timedelta(seconds=told["expires_in"]),
            refresh_token=told["refresh_token"],
        )


def main() -> int:
    options = argparse.ArgumentParser()
    options.add_argument("--threads", type=int, default=64)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--grants", type=int, default=2000)
    options.add_argument("--cpu", type=int, help="also measure kept to this processor")
    asked = options.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    django.setup()
    logging.disable(logging.ERROR)
    from django.conf import settings

    from platforms import registry

    registry._BY_CODE["bench"] = Oauth()
    anywhere = os.sched_getaffinity(0)
    places = {"product": anywhere}
    if asked.cpu is not None:
        places["product, kept to one cpu"] = {asked.cpu}
    rates: dict[str, list[float]] = {name: [] for name in (*places, "one after the other")}
    cpu_ms: dict[str, list[float]] = {name: [] for name in places}
    with (
        marketplace("--stores", str(asked.grants), "--oauth-latency-ms", str(LATENCY_MS)) as url,
        database(),
    ):
        settings.PLATFORM_ENDPOINTS = {"bench": {"api": url, "auth": url}}
        print(machine())
        _make(asked.grants)
        for _ in range(asked.rounds):
            for name, cpus in places.items():
                os.sched_setaffinity(0, cpus)
                with Stopwatch() as watch:
                    done = _engine(asked.threads)
                assert done == asked.grants, done
                rates[name].append(done / watch.wall_s)
                cpu_ms[name].append(watch.cpu_s / done * 1000)
            os.sched_setaffinity(0, anywhere)
            with Stopwatch() as watch:
                done = _one_after_the_other(40)
            rates["one after the other"].append(done / watch.wall_s)
        reuses = control(url, "/_ctl/stats").get("oauth_reuse", 0)
    for name, each in rates.items():
        middle = statistics.median(each)
        print(f"{name:<26}{middle:8.1f} refreshes/s  [{min(each):.0f}-{max(each):.0f}]")
    ratio = statistics.median(
        a / b for a, b in zip(rates["product"], rates["one after the other"], strict=True)
    )
    ideal = asked.threads / LATENCY_MS * 1000
    share = statistics.median(rates["product"]) / ideal
    print(f"{ratio:.1f} times as many; {share:.0%} of {asked.threads} threads / {LATENCY_MS} ms;")
    each_ms = statistics.median(cpu_ms["product"])
    print(f"{each_ms:.2f} ms of processor each; tokens used twice: {reuses}")
    return 0


def _make(grants: int) -> None:
    from tenants.models import Tenant
    from tests.support.factories import make_authorization

    tenants = [Tenant.objects.create(name=f"T{n}", slug=f"t{n}") for n in range(20)]
    for n in range(grants):
        make_authorization(
            tenants[n % len(tenants)], platform="bench",
            secrets={"access_token": "a", "refresh_token": f"rt-{n}-0"},
        )  # fmt: skip


def _engine(threads: int) -> int:
    from platforms.models import Authorization
    from platforms.refresh_engine import Engine
    from tenants.scope import all_tenants

    with all_tenants("all of them are due"):
        Authorization.objects.update(refresh_due_at=datetime.fromisoformat("2026-01-01T00:00Z"))
    engine = Engine(threads=threads)
    done = engine.run(seconds=600)
    assert not engine.bugs, engine.bugs
    return done["refreshed"]


def _one_after_the_other(count: int) -> int:
    """The simple way: the same refresh in a loop."""
    from django.utils import timezone

    from platforms.flows.refresh import refresh_leased
    from platforms.models import Authorization
    from tenants.scope import all_tenants, tenant_scope

    with all_tenants("the first ones"):
        Authorization.objects.update(refresh_due_at=datetime.fromisoformat("2026-01-01T00:00Z"))
        rows = Authorization.claim_due(limit=count, now=timezone.now())
    for row in rows:
        with tenant_scope(row.tenant_id):
            refresh_leased(authorization=row, successor=False)
    return len(rows)


if __name__ == "__main__":
    sys.exit(main())
