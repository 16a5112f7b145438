"""How quickly what is due is handed out: the queue, the claim, and a back-fill beside others.

    python -m bench.dispatch [queue] [polls] [known-polls] [claims] [back-fill] [--streams 100000]

Every part starts a PostgreSQL cluster and a Redis server of its own, and `manage.py worker`
processes as docs/operations.md says.
"""

from __future__ import annotations

import argparse
import signal
import statistics
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Any

from bench import many_streams, scale_out
from bench.fleet import Fleet, environment
from bench.local import control, machine, marketplace
from bench.servers import servers

PARTS = ("queue", "polls", "known-polls", "claims", "back-fill")
JOB = "bench.dispatch.nothing"
LONG_AGO = "2026-01-01T00:00:00Z"
BUSY = 200  # stores beside the back-fill
FILLED = 1_000


def nothing() -> None:
    """An empty job."""


@contextmanager
def fleet(market: str, *, workers: int, **more: object) -> Iterator[tuple[Fleet, dict[str, str]]]:
    """A database as in production, and so many worker processes, started by `Fleet.start`."""
    with servers() as (postgresql, redis):
        env = environment(
            database=postgresql.url(scale_out.ROLE, "storelink"), redis=redis.url, market=market,
            ANSWERS_DIR=redis.directory / "answers",
            **{"WORKERS": 1, "PULL_THREADS": 48, "POLL_EVERY_S": 3600} | more,
        )  # fmt: skip
        scale_out.set_up(postgresql, env, stores=0)
        many = Fleet(env=env, log=redis.directory / "workers.log")
        try:
            for _ in range(workers):
                many.start()
            yield many, env
        finally:
            many.stop()
            scale_out._keep(many.log)
            scale_out._close()


# --- the queue alone


def queue(asked: argparse.Namespace) -> None:
    """Jobs a second: acknowledged (PostgreSQL), or taken from the queue (Redis, which knows no
    acknowledgement; at most six are then still under way)."""
    with fleet("http://127.0.0.1:9", workers=0, WORKERS=2) as (many, env):
        figures: dict[tuple[str, str], list[float]] = {}
        for _ in range(asked.rounds):
            for broker in ("PostgreSQL", "Redis"):
                for settings in ("config.settings", "bench.default_queue"):
                    rate = _jobs(many, env, broker=broker, settings=settings)
                    figures.setdefault((broker, settings), []).append(rate)
        for broker in ("PostgreSQL", "Redis"):
            ours = figures[broker, "config.settings"]
            other = figures[broker, "bench.default_queue"]
            ratio = statistics.median(a / b for a, b in zip(ours, other, strict=True))
            print(
                f"{broker}: {statistics.median(ours):,.0f} jobs/s [{min(ours):,.0f}-"
                f"{max(ours):,.0f}]; with django-q2's and Django's defaults"
                f" {statistics.median(other):,.0f} [{min(other):,.0f}-{max(other):,.0f}];"
                f" ratio {ratio:.2f}"
            )


def _jobs(many: Fleet, env: dict[str, str], *, broker: str, settings: str) -> float:
    size = 2_000 if settings == "config.settings" else 600
    left = _fill(env, broker, size)
    many.env = {**env, "DJANGO_SETTINGS_MODULE": settings}
    if broker == "PostgreSQL":
        many.env["REDIS_URL"] = ""
    many.start()
    try:
        began, first = _when(lambda: left() < size * 0.95)
        ended, last = _when(lambda: left() <= size * 0.02)
    finally:
        many.stop()
        many.groups.clear()
    del first, last
    return size * 0.93 / (ended - began)


def _when(true: Callable[[], bool]) -> tuple[float, None]:
    give_up = time.monotonic() + 120
    while not true():
        if time.monotonic() > give_up:
            raise SystemExit("the queue does not empty")
        time.sleep(0.02)
    return time.monotonic(), None


def _fill(env: dict[str, str], broker: str, size: int) -> Callable[[], int]:
    """Jobs waiting in the queue; what tells how many are left."""
    from django_q.brokers.orm import ORM
    from django_q.brokers.redis_broker import Redis
    from django_q.conf import Conf
    from django_q.models import OrmQ
    from django_q.tasks import async_task

    Conf.REDIS = env["REDIS_URL"]
    one = ORM() if broker == "PostgreSQL" else Redis()
    for _ in range(size):
        async_task(JOB, broker=one)
    if isinstance(one, ORM):
        return OrmQ.objects.count
    return one.queue_size


# --- due streams


def polls(asked: argparse.Namespace, *, epoch: str = LONG_AGO) -> None:
    """Stores without news."""
    server = ["--stores", str(asked.polled), "--orders", "1", "--latency-ms", "200"]
    server += ["--epoch", epoch] if epoch else []
    with (
        marketplace(*server) as url,
        fleet(url, workers=2, PULL_THREADS=asked.threads) as (_many, _env),
    ):
        many_streams.link(range(asked.polled), tenants=50, prefix="many")
        _through(asked.polled)  # what is new lands, and connections are made
        rates = []
        for _ in range(asked.rounds):
            took, _longest = _through(asked.polled)
            rates.append(asked.polled / took)
    print(
        f"{asked.polled:,} due streams with {'nothing new' if epoch else 'an order we have'},"
        f" 2 workers with {asked.threads} threads, 200 ms a call:"
        f" {statistics.median(rates):,.0f} polls/s [{min(rates):,.0f}-{max(rates):,.0f}];"
        f" the threads could do {2 * asked.threads / 0.2:,.0f}"
    )


def known_polls(asked: argparse.Namespace) -> None:
    """Stores that bring one order again, as it is here: it changed when the server began."""
    polls(asked, epoch="")


def claims(asked: argparse.Namespace) -> None:
    with (
        marketplace("--stores", str(asked.streams), "--orders", "1", "--epoch", LONG_AGO) as url,
        fleet(url, workers=0, PULL_THREADS=asked.threads) as (many, _env),
    ):
        began = time.monotonic()
        many_streams.link(range(asked.streams), tenants=200, prefix="many")
        print(f"({asked.streams:,} stores linked in {time.monotonic() - began:.0f} s)", flush=True)
        many_streams.make_due(spread_s=3600)
        told = many_streams.claims(count=200)
        print(
            f"{told['due']:,} due: a claim of 48 takes {told['p50_ms']:.1f} ms (p95"
            f" {told['p95_ms']:.1f}); in order of due time: {told['in_order']};"
            f" Seq Scans of the due table: {told['seq_scans']}", flush=True,
        )  # fmt: skip
        for _ in range(2):
            many.start()
        took, longest = _through(asked.streams)
        print(
            f"all of them polled in {took:.0f} s by 2 workers ({asked.streams / took:,.0f}/s, no"
            f" latency, nothing new); the queue was never longer than {longest.total()}:"
            f" {', '.join(f'{count} {name}' for name, count in longest.most_common())}"
        )


def _through(count: int) -> tuple[float, Counter[str]]:
    """Make all due and wake the workers: seconds until all have been polled, and what was in the
    queue when it was longest."""
    from django_q.brokers import get_broker

    from platforms import tasks
    from platforms.models import Stream
    from tenants.scope import all_tenants

    many_streams.make_due(spread_s=60)
    broker = get_broker()
    longest: Counter[str] = Counter()
    began, woken = datetime.now(UTC), 0.0
    while True:
        if time.monotonic() - woken > 2:
            tasks.kick()
            woken = time.monotonic()
        time.sleep(0.5)  # to look costs the machine something, too
        if broker.queue_size() > longest.total():
            longest = _waiting(broker)
        with all_tenants("a throw-away database"):
            if not Stream.objects.filter(last_success_at=None).exists():
                last = Stream.objects.latest("last_success_at").last_success_at
                return (last - began).total_seconds(), longest


def _waiting(broker: Any) -> Counter[str]:
    from django_q.signing import SignedPackage

    packed = broker.connection.lrange(broker.list_key, 0, -1)
    funcs = [SignedPackage.loads(each)["func"] for each in packed]
    return Counter(getattr(f, "__name__", None) or f.rpartition(".")[2] for f in funcs)


# --- a back-fill beside others


def back_fill(asked: argparse.Namespace) -> None:
    """How late the stores of other tenants are polled (due until landed), alone and beside one
    tenant's back-fill of a thousand stores."""
    stores = str(BUSY + FILLED)
    with (
        marketplace("--stores", stores, "--orders", "5000", "--latency-ms", "200") as url,
        fleet(url, workers=2, POLL_EVERY_S=asked.every) as (_many, _env),
    ):
        from platforms.models import Lane, Stream
        from tenants.scope import all_tenants

        many_streams.link(range(BUSY), tenants=20, prefix="busy")
        many_streams.make_due(spread_s=asked.every)
        _late(url, seconds=30)  # until all have found their pace
        alone = _late(url, seconds=asked.seconds)
        many_streams.link(
            range(BUSY, BUSY + FILLED), tenants=1, prefix="filled", lane=Lane.BACK_FILL,
            watermark=many_streams.SINCE, ends_at=datetime.now(UTC), due_at=datetime.now(UTC),
        )  # fmt: skip
        beside = _late(url, seconds=asked.seconds)
        with all_tenants("a throw-away database"):
            filled = Stream.objects.filter(lane=Lane.BACK_FILL)
            landed = sum(filled.values_list("orders_seen", flat=True))
        for name, late in (("alone", alone), ("beside the back-fill", beside)):
            print(
                f"{BUSY} stores polled every {asked.every} s, {name}: landed"
                f" {_at(late, 0.5):.2f} s after they were due (p95 {_at(late, 0.95):.2f},"
                f" {len(late):,} polls)"
            )
        print(
            f"worse by {_at(beside, 0.5) / _at(alone, 0.5) - 1:+.0%} (p95"
            f" {_at(beside, 0.95) / _at(alone, 0.95) - 1:+.0%});"
            f" the back-fill landed {landed / asked.seconds:,.0f} orders/s meanwhile"
        )


def _at(late: list[float], share: float) -> float:
    return sorted(late)[int(len(late) * share)]


def _late(url: str, *, seconds: float) -> list[float]:
    from platforms import tasks
    from platforms.models import Lane, Stream
    from tenants.scope import all_tenants

    due: dict[int, datetime] = {}
    done: dict[int, datetime | None] = {}
    late: list[float] = []
    over = threading.Event()

    def sell() -> None:
        while not over.wait(5):
            control(url, "/_ctl/tick", {"stores": list(range(BUSY)), "new": 1, "update": 1})

    threading.Thread(target=sell, daemon=True).start()
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        tasks.kick()  # as the clock and pushes of many tenants do
        with all_tenants("a throw-away database"):
            rows = list(
                Stream.objects.filter(lane=Lane.FRESH).values_list(
                    "pk", "due_at", "leased_until", "last_success_at"
                )
            )
        for pk, due_at, leased_until, landed_at in rows:
            if pk in due and landed_at != done.get(pk):
                late.append((landed_at - due[pk]).total_seconds())
            if leased_until is None:
                due[pk] = due_at
            elif landed_at != done.get(pk):
                due.pop(pk, None)
            done[pk] = landed_at
        time.sleep(0.25)
    over.set()
    return [each for each in late if each > 0]


def main() -> int:
    options = argparse.ArgumentParser()
    options.add_argument("parts", nargs="*", help=", ".join(PARTS))
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--polled", type=int, default=4_000)
    options.add_argument("--threads", type=int, default=64, help="PULL_THREADS of a worker")
    options.add_argument("--streams", type=int, default=100_000)
    options.add_argument("--every", type=float, default=10)
    options.add_argument("--seconds", type=float, default=60)
    asked = options.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))  # or the servers would live on
    run = {
        "queue": queue, "polls": polls, "known-polls": known_polls, "claims": claims,
        "back-fill": back_fill,
    }  # fmt: skip
    for part in asked.parts or PARTS:
        run[part](asked)
        with suppress(Exception):
            print(machine(), flush=True)
        if len(asked.parts) != 1:
            break  # settings are read once: each part needs a process of its own
    return 0


if __name__ == "__main__":
    sys.exit(main())
