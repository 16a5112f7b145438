"""Very many orders of one single moment, pulled by a worker that is killed in the middle.

    DATABASE_URL=postgres://... python -m bench.one_moment [--orders 600000] [--page 500]

The marketplace makes its pages up on the fly; all orders have the same time of change, so neither
windows nor watermark can divide them. The first worker (a process with the product's engine) is
killed by SIGKILL when half of them have landed; its lease ends, and a second one goes on. Ends with
1 unless each order is here exactly once.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import django
import msgspec

from platforms import reading
from platforms.adapter import Adapter, Call
from platforms.errors import Fault, PlatformError, platform_error
from platforms.spec import (
    Account,
    Answer,
    Mode,
    ModeKind,
    OrderData,
    OrderStatus,
    Page,
    Request,
    Window,
)

CODE = "bench_moment"
MOMENT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


# --- the marketplace and its adapter


class Moment:
    """A wire: orders 0 to `count` of MOMENT, `page` at a time. A cursor is the next order."""

    def __init__(self, count: int, page: int) -> None:
        self.count, self.page = count, page
        self.calls = 0

    def send(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        asked = dict(parse_qsl(urlsplit(url).query))
        self.calls += 1
        first, following = int(asked["cursor"]), int(asked["cursor"]) + self.page
        bounds = float(asked["since"]), float(asked["until"])
        numbers: range | tuple[int, ...] = range(first, min(following, self.count))
        if not bounds[0] <= MOMENT.timestamp() < bounds[1]:
            numbers = ()
        told = str(following) if numbers and following < self.count else "null"
        records = b",".join(b'{"no":"%d"}' % number for number in numbers)
        return Answer(
            status=200, body=b'{"orders":[' + records + b'],"next":' + told.encode() + b"}"
        )


class _Record(msgspec.Struct):
    no: str


class _Orders(msgspec.Struct):
    orders: list[msgspec.Raw]
    next: int | None


_read = msgspec.json.Decoder(_Record).decode


class MomentShop(Adapter):
    code = CODE
    name = "One moment"
    modes = (Mode(code="key", name="Key", kind=ModeKind.KEYS),)
    endpoints = {"api": "http://moment.test", "auth": "http://moment.test"}
    max_window = timedelta(days=3650)

    def sign(self, request: Request, account: Account, *, now: datetime) -> Request:
        return request

    def read_fault(self, request: Request, answer: Answer) -> PlatformError | None:
        return None if answer.status == 200 else platform_error(Fault.PLATFORM_DOWN)

    def fetch_orders(
        self, call: Call, *, window: Window, cursor: str | None, now: datetime
    ) -> Page:
        params = {
            "since": repr(window.since.timestamp()), "until": repr(window.until.timestamp()),
            "cursor": cursor or "0",
        }  # fmt: skip
        answer = call(Request(method="GET", path="/orders", params=params, operation="orders"))
        page = reading.decode(answer, _Orders)
        return Page(
            records=tuple(page.orders), cursor=None if page.next is None else str(page.next)
        )

    def parse_order(self, raw: msgspec.Raw, *, kind: str = "") -> OrderData:
        return OrderData(
            number=_read(raw).no, status=OrderStatus.SHIPPED, platform_status="S",
            placed_at=MOMENT, changed_at=MOMENT, lines=(),
        )  # fmt: skip

    def order_number(self, raw: msgspec.Raw) -> str:
        return _read(raw).no


def make_stream() -> Any:
    """A store of it, due for its first pull."""
    from django.utils import timezone

    from tenants.models import Tenant
    from tests.support import factories

    tenant = Tenant.objects.create(name="Moment", slug="moment")
    row = factories.make_authorization(tenant, platform=CODE, secrets={"api_key": "k"})
    store = factories.make_store(tenant, platform=CODE, authorization=row)
    since = MOMENT - timedelta(days=1)
    return factories.make_stream(
        row, store, starts_at=since, watermark=since, due_at=timezone.now()
    )  # fmt: skip


# --- the worker


def work(count: int, page: int) -> None:
    """Pull all that is due, as the pump does; tells its memory in MB: at the start, at the peak."""
    _set_up()
    from django.conf import settings

    from platforms import registry, transport, worker
    from platforms.pull_engine import Engine

    registry._BY_CODE[CODE] = MomentShop()
    worker.tune_collector()
    before = _peak_mb()
    market = Moment(count, page)
    with transport.use_wire(market):
        engine = Engine(threads=settings.PULL_THREADS)
        engine.run(seconds=36_000)
    if engine.bugs:
        raise engine.bugs[0]
    print(json.dumps({"calls": market.calls, "before_mb": before, "peak_mb": _peak_mb()}))


def _peak_mb() -> float:
    return _memory_mb(os.getpid(), "VmHWM")  # getrusage begins with the parent's


def _set_up() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    django.setup()
    logging.disable(logging.WARNING)


# --- the command


def main() -> int:
    options = argparse.ArgumentParser()
    options.add_argument("--orders", type=int, default=600_000)
    options.add_argument("--page", type=int, default=500)
    options.add_argument("--work", action="store_true", help="be a worker")
    asked = options.parse_args()
    if asked.work:
        work(asked.orders, asked.page)
        return 0
    _set_up()
    from bench.local import database, machine

    with database():
        stream = make_stream()
        print(machine(), flush=True)
        print(f"{asked.orders:,} orders of one moment, {asked.page} a page", flush=True)
        half = _killed_in_the_middle(asked)
        _let_lease_end(stream)
        _finish(asked, half)
        return 0 if _is_complete(asked.orders) else 1


def _killed_in_the_middle(asked: argparse.Namespace) -> int:
    started = time.monotonic()
    child = _start(asked)
    memory: list[float] = []
    while child.poll() is None and _landed() < asked.orders // 2:
        time.sleep(2)
        memory.append(_memory_mb(child.pid))
    child.kill()
    child.communicate()
    took, landed = time.monotonic() - started, _landed()
    quarters = [memory[len(memory) * n // 4] for n in range(1, 4)] if memory else []
    print(
        f"killed after {landed:,} orders and {took:.0f} s ({landed / took:,.0f} orders/s);"
        f" memory on the way: {', '.join(f'{mb:.0f}' for mb in quarters)} MB", flush=True,
    )  # fmt: skip
    return landed


def _finish(asked: argparse.Namespace, half: int) -> None:
    started = time.monotonic()
    child = _start(asked)
    out, _ = child.communicate()
    if child.returncode:
        raise SystemExit("the second worker failed")
    took, told = time.monotonic() - started, json.loads(out.strip().splitlines()[-1])
    rest = (asked.orders - half) / asked.page
    print(
        f"the rest took {took:.0f} s ({(asked.orders - half) / took:,.0f} orders/s),"
        f" {told['calls']:,} calls for {rest:,.1f} pages;"
        f" memory {told['before_mb']:.0f} MB at the start, {told['peak_mb']:.0f} MB at its peak"
    )


def _start(asked: argparse.Namespace) -> subprocess.Popen[str]:
    from bench.contenders import environment

    command = [sys.executable, "-m", "bench.one_moment", "--work",
               "--orders", str(asked.orders), "--page", str(asked.page)]  # fmt: skip
    env = os.environ | environment("product")
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=env)


def _landed() -> int:
    return int(_one("SELECT coalesce(max(orders_seen), 0) FROM platforms_stream"))


def _let_lease_end(stream: Any) -> None:
    """Three minutes, without waiting for them."""
    from django.utils import timezone

    from platforms.models import Stream
    from tenants.scope import tenant_scope

    with tenant_scope(stream.tenant_id):
        past = timezone.now() - timedelta(seconds=1)
        Stream.objects.filter(pk=stream.pk).update(leased_until=past, due_at=past)


def _is_complete(count: int) -> bool:
    orders = _one("SELECT count(*) FROM platforms_order")
    different = _one("SELECT count(DISTINCT number) FROM platforms_order")
    put_aside = _one("SELECT count(*) FROM platforms_quarantined")
    print(f"{orders:,} orders, {different:,} different ones, {put_aside} in quarantine")
    return orders == different == count and not put_aside


def _one(sql: str) -> int:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(sql)
        return int(cursor.fetchone()[0])


def _memory_mb(pid: int, what: str = "VmRSS") -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(what):
            return int(line.split()[1]) / 1024
    return 0.0


if __name__ == "__main__":
    sys.exit(main())
