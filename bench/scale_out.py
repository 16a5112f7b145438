"""Several workers on PostgreSQL and Redis pull while everything around them fails.

    python -m bench.scale_out [--orders 100000] [--stores 20] [--workers 3] [--seed 1]

Starts a PostgreSQL cluster and a Redis server of its own and the local marketplace server, sets
the database up as docs/operations.md says (an application role of its own), starts worker
processes, and then kills processes and whole workers, restarts PostgreSQL as after a crash, empties
Redis and stops it, while the marketplace fails, repeats itself and gets new and changed orders. In
the end every order of the server must be in the tables, once, as it is now.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench import contenders, scale_check
from bench.fleet import Fleet, environment
from bench.local import control, machine, marketplace
from bench.servers import PostgreSQL, Redis, servers

ROLE = "storelink_app"
FAULTS = {
    "rate_500": 0.02, "rate_429": 0.01, "rate_truncated": 0.01, "rate_reset": 0.01,
    "rate_slow": 0.01, "slow_ms": 2000, "dup": 5, "stale": 3,
}  # fmt: skip
REDIS_AWAY_S = 10.0
LOOK_EVERY_S = 0.5


@dataclass(kw_only=True)
class Play:
    postgresql: PostgreSQL
    redis: Redis
    fleet: Fleet
    market: str
    asked: argparse.Namespace
    began: float = field(default_factory=time.monotonic)
    done: Counter[str] = field(default_factory=Counter)
    pauses: list[tuple[str, float]] = field(default_factory=list)

    def run(self) -> dict[str, Any]:
        self._say("workers started")
        self._wait(lambda: self._landed() > self.asked.orders * 0.02, "the first orders")
        for name, disturb in self._scenes():
            self._tick()
            disturb()
            self.done[name] += 1
            self._say(name)
            since = datetime.now(UTC)
            took = self._wait(lambda since=since: self._pulled_since(since), f"pulls after {name}")  # type: ignore[misc]
            self.pauses.append((name, took))
            time.sleep(self.asked.pause)
        return self._settle()

    def _scenes(self) -> list[tuple[str, Callable[[], object]]]:
        """In an order that the seed decides; the marketplace fails during all of them."""
        scenes: list[tuple[str, Callable[[], object]]] = [
            *[("a process killed", self.fleet.kill_one)] * self.asked.kills,
            *[("a worker killed", self.fleet.kill_group)] * 2,
            *[("PostgreSQL restarted", self.postgresql.restart)] * 2,
            ("Redis emptied", self.redis.forget_everything),
            ("Redis stopped for 10 s", self._redis_away),
        ]
        random.Random(self.asked.seed).shuffle(scenes)
        return scenes

    def _redis_away(self) -> None:
        self.redis.stop()
        time.sleep(REDIS_AWAY_S)
        self.redis.start()

    def _settle(self) -> dict[str, Any]:
        """The marketplace is well again: everything must come in."""
        control(self.market, "/_ctl/faults", dict.fromkeys(FAULTS, 0))
        self._tick()
        last = datetime.now(UTC)

        def is_settled() -> bool:
            self._pull_now()
            return not _ask(lambda: scale_check.behind(last))

        took = self._wait(is_settled, "all streams up to date")
        self._say("all streams up to date")
        found = scale_check.compare(self.market)
        return {
            "found": dict(found), "disturbed": dict(self.done), "settled_after_s": round(took, 1),
            "pauses": [(name, round(s, 1)) for name, s in self.pauses],
            "strays": len(self.fleet.strays()), "processes": self.fleet.processes(),
            "stats": control(self.market, "/_ctl/stats"),
        }  # fmt: skip

    # --- what the world does

    def _tick(self) -> None:
        """New and changed orders everywhere."""
        control(self.market, "/_ctl/tick", {"update": 10, "new": 10})

    def _pull_now(self) -> None:
        """As the button of that name does, for streams that wait after failures."""
        from platforms.models import Stream
        from tenants.scope import all_tenants

        def make_due() -> int:
            with all_tenants("a throw-away database"):
                later = Stream.objects.filter(due_at__gt=datetime.now(UTC), leased_until=None)
                return int(later.update(due_at=datetime.now(UTC)))

        _ask(make_due)
        time.sleep(1)

    # --- looking

    def _wait(self, true: Callable[[], bool], what: str) -> float:
        from platforms import tasks

        began = time.monotonic()
        while not true():
            if time.monotonic() - began > self.asked.patience:
                raise SystemExit(f"waited in vain: {what}\n{self._tail()}")
            self.done["workers that ended by themselves"] += self.fleet.revive()
            tasks.kick()  # as pushes do
            time.sleep(LOOK_EVERY_S)
        return time.monotonic() - began

    def _tail(self) -> str:
        return self.fleet.log.read_text(errors="replace")[-4000:]

    def _landed(self) -> int:
        from platforms.models import Order
        from tenants.scope import all_tenants

        def count() -> int:
            with all_tenants("a throw-away database"):
                return int(Order.objects.count())

        return _ask(count)

    def _pulled_since(self, since: datetime) -> bool:
        from platforms.models import Stream
        from tenants.scope import all_tenants

        def found() -> bool:
            with all_tenants("a throw-away database"):
                return bool(Stream.objects.filter(last_success_at__gt=since).exists())

        return _ask(found)

    def _say(self, what: str) -> None:
        if not self.asked.json:
            at = time.monotonic() - self.began
            print(f"{at:6.1f} s  {self._landed():>8,} orders  {what}", flush=True)


def _ask(question: Callable[[], Any]) -> Any:
    from platforms.patience import patiently

    return patiently(question)


def main() -> int:
    options = argparse.ArgumentParser()
    options.add_argument("--orders", type=int, default=100_000)
    options.add_argument("--stores", type=int, default=20)
    options.add_argument("--workers", type=int, default=3, help="manage.py worker processes")
    options.add_argument("--threads", type=int, default=8, help="PULL_THREADS of each")
    options.add_argument("--kills", type=int, default=4, help="of single processes")
    options.add_argument("--pause", type=float, default=5, help="seconds after each disturbance")
    options.add_argument("--latency-ms", type=int, default=100)
    options.add_argument("--lease", type=int, default=10, help="seconds; 180 in production")
    options.add_argument("--patience", type=float, default=240)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--json", action="store_true")
    asked = options.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))  # or the servers would live on
    size = asked.orders // asked.stores
    server = ("--stores", str(asked.stores), "--orders", str(size), "--page-size", "50",
              "--latency-ms", str(asked.latency_ms), "--faults", json.dumps(FAULTS))  # fmt: skip
    with servers() as (postgresql, redis), marketplace(*server) as url:
        env = environment(
            database=postgresql.url(ROLE, "storelink"), redis=redis.url, market=url, WORKERS=2,
            PULL_THREADS=asked.threads, PULL_LEASE_S=asked.lease, POLL_EVERY_S=2,
            ANSWERS_DIR=redis.directory / "answers",
        )  # fmt: skip
        set_up(postgresql, env, stores=asked.stores)
        fleet = Fleet(
            env=env, log=redis.directory / "workers.log", dice=random.Random(asked.seed)
        )  # fmt: skip
        try:
            for _ in range(asked.workers):
                fleet.start()
            play = Play(postgresql=postgresql, redis=redis, fleet=fleet, market=url, asked=asked)
            told = play.run()
        finally:
            stopped_s = fleet.stop()
            _keep(fleet.log)
        told["stopped_after_s"] = round(stopped_s, 1)
        _close()
    return _report(told, asked)


def set_up(postgresql: PostgreSQL, env: dict[str, str], *, stores: int) -> None:
    """As docs/operations.md says: the owner migrates, another role runs. This process becomes a
    Django process of that role."""
    import psycopg

    with psycopg.connect(
        postgresql.url().replace("postgres://", "postgresql://"), autocommit=True
    ) as one:  # fmt: skip
        one.execute(f"CREATE ROLE {ROLE} LOGIN")
        one.execute("CREATE DATABASE storelink")
    owner = {**os.environ, **env, "DATABASE_URL": postgresql.url(database="storelink")}
    manage = str(Path(__file__).resolve().parent.parent / "manage.py")
    for command in (("migrate", "-v0"), ("grant_app_role", "--role", ROLE)):
        subprocess.run(
            [sys.executable, manage, *command], env=owner, check=True, stdout=subprocess.DEVNULL
        )
    os.environ.update(env)
    import django

    django.setup()
    contenders._link("shopify", stores)


def _close() -> None:
    from django.db import connections

    connections.close_all()


def _keep(log: Path) -> None:
    """What the workers said, where BENCH_LOG names a file for it."""
    if path := os.environ.get("BENCH_LOG"):
        Path(path).write_bytes(log.read_bytes())


def _report(told: dict[str, Any], asked: argparse.Namespace) -> int:
    found = told["found"]
    wrong = {
        what: count for what, count in found.items()
        if count and what not in ("orders", "in our tables")
    }  # fmt: skip
    is_exact = not wrong and found["orders"] == found["in our tables"]
    if asked.json:
        print(json.dumps({**told, "is_exact": is_exact}))
        return 0 if is_exact else 1
    print(machine())
    print(f"{asked.workers} workers with 2 processes each, {asked.stores} stores; disturbed by:")
    for what, count in told["disturbed"].items():
        waits = [s for name, s in told["pauses"] if name == what]
        waited = f"; pulling again after {min(waits):.1f}-{max(waits):.1f} s" if waits else ""
        print(f"  {what}: {count}{waited}")
    faults = {k: told["stats"][k] for k in ("500", "429", "truncated", "reset", "slow")}
    print(
        f"the marketplace's faults: {faults}; first pages of a later one, and stale orders, again"
    )
    print(
        f"orders at the marketplace {found['orders']:,}, in our tables {found['in our tables']:,}"
    )
    print(f"wrong: {wrong or 'nothing'}; processes that nobody watches: {told['strays']}")
    print(f"up to date {told['settled_after_s']} s after the last fault;", end=" ")
    print(f"all workers stopped {told['stopped_after_s']} s after SIGTERM")
    return 0 if is_exact else 1


if __name__ == "__main__":
    sys.exit(main())
