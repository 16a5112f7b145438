"""Real processes on the test's own database, for races and crashes.

Children are spawned, so nothing of the parent's connections or locks reaches them.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.synchronize import Barrier as BarrierType
from typing import Any
from urllib.parse import quote

PATIENCE_S = 120


def database_url() -> str:
    """The address of the database this test runs on."""
    from django.db import connection

    known = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{known['NAME']}"
    password = f":{quote(known['PASSWORD'])}" if known["PASSWORD"] else ""
    host = known["HOST"] or "127.0.0.1"
    return f"postgres://{known['USER']}{password}@{host}:{known['PORT'] or 5432}/{known['NAME']}"


@contextmanager
def served(emulator: Any) -> Iterator[str]:
    """The emulator on a port of its own; its address."""
    from platforms.emulator.server import serve

    server = serve(emulator)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def become_worker(database: str, emulator_url: str) -> None:
    """Make this process a Django process on `database` whose platforms are at `emulator_url`."""
    os.environ["DATABASE_URL"] = database
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    import django

    django.setup()
    from django.conf import settings

    from platforms.emulator.app import endpoints

    settings.PLATFORM_ENDPOINTS = endpoints(emulator_url)


def refresh_in_rounds(
    database: str, emulator_url: str, row: tuple[int, int], racers: int, rounds: int,
    barrier: BarrierType, outcomes: Any,
) -> None:  # fmt: skip
    """Forks `racers` processes, so that Django is imported once. At each odd barrier all ask for
    the same authorization's token; they meet again at the next. Puts how each ended."""
    become_worker(database, emulator_url)
    from django.db import connections

    connections.close_all()
    for _ in range(racers):
        if os.fork() == 0:
            try:
                ended = _race(row, rounds, barrier)
                outcomes.put(ended)
                outcomes.close()
                outcomes.join_thread()  # what was put must be out before the process is gone
            finally:
                os._exit(0)
    for _ in range(racers):
        os.wait()


def _race(row: tuple[int, int], rounds: int, barrier: BarrierType) -> list[str]:
    from django.utils import timezone

    from platforms.flows.refresh import refresh
    from platforms.models import Authorization
    from tenants.scope import tenant_scope

    tenant_id, authorization_id = row
    ended = []
    with tenant_scope(tenant_id):
        authorization = Authorization.objects.get(pk=authorization_id)
        for _ in range(rounds):
            barrier.wait(PATIENCE_S)
            ended.append(str(refresh(authorization=authorization, now=timezone.now()).outcome))
            barrier.wait(PATIENCE_S)
    return ended


@contextmanager
def racing(emulator_url: str, row: tuple[int, int], *, racers: int, rounds: int) -> Iterator[Race]:
    """`racers` processes that ask for the token of `row` (ids of tenant and authorization) at
    the same moment, `rounds` times."""
    context = multiprocessing.get_context("spawn")
    barrier, outcomes = context.Barrier(racers + 1), context.Queue()
    process = context.Process(
        target=refresh_in_rounds,
        args=(database_url(), emulator_url, row, racers, rounds, barrier, outcomes),
    )
    process.start()
    try:
        yield Race(barrier, outcomes, racers)
        process.join(30)
    finally:
        barrier.abort()  # whoever still waits ends
        process.join(10)
        process.kill()


class Race:
    def __init__(self, barrier: BarrierType, outcomes: Any, racers: int) -> None:
        self._barrier, self._outcomes, self._racers = barrier, outcomes, racers

    def round(self) -> None:
        """All ask at once; returns when all of them have been told."""
        self._barrier.wait(PATIENCE_S)
        self._barrier.wait(PATIENCE_S)

    def outcomes(self) -> Counter[str]:
        """How all rounds of all racers ended; after the last one."""
        return Counter(
            each for _ in range(self._racers) for each in self._outcomes.get(timeout=PATIENCE_S)
        )


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a mortal worker ended, and at 0 how many statements the work takes (255 at most)."""

    killed: bool
    statements: int


@contextmanager
def mortal(emulator_url: str, work: Callable[[], None]) -> Iterator[Callable[[int], Ended]]:
    """Has a process of its own do `work` and die before its n-th statement (0: never).

    `work` is a function of a module that imports nothing of Django, or a partial of one.
    """
    parent, child = multiprocessing.get_context("spawn").Pipe()
    process = spawn(_work_in_forks, database_url(), emulator_url, work, child)

    def do(die_before: int) -> Ended:
        parent.send(die_before)
        assert parent.poll(PATIENCE_S)
        ended: Ended = parent.recv()
        return ended

    try:
        yield do
        parent.send(None)
        process.join(10)
    finally:
        process.kill()


def _work_in_forks(database: str, emulator_url: str, work: Callable[[], None], orders: Any) -> None:
    """Forks a worker for each number received, so that Django is imported once; None ends it."""
    become_worker(database, emulator_url)
    from django.db import connections

    while True:
        asked = orders.recv()
        if asked is None:
            return
        connections.close_all()
        pid = os.fork()
        if pid == 0:
            os._exit(min(_work_and_die(work, die_before=asked), 255))
        _, status = os.waitpid(pid, 0)
        code = os.waitstatus_to_exitcode(status)
        orders.send(Ended(killed=code == -signal.SIGKILL, statements=code))


def _work_and_die(work: Callable[[], None], *, die_before: int) -> int:
    from django.db import connection

    count = 0

    def deadly(execute: Any, *args: Any) -> Any:
        nonlocal count
        count += 1
        if count == die_before:
            os.kill(os.getpid(), signal.SIGKILL)
        return execute(*args)

    with connection.execute_wrapper(deadly):
        work()
    return count


def pull_once(row: tuple[int, int]) -> None:
    """Claims the one stream that is due, which must be `row` (ids of tenant and stream)."""
    from django.utils import timezone

    from platforms.flows.pull_orders import pull_orders
    from platforms.models import Stream
    from tenants.scope import tenant_scope

    tenant_id, stream_id = row
    with tenant_scope(tenant_id):
        (stream,) = Stream.claim_due(kind="orders", limit=1, now=timezone.now())
        assert stream.pk == stream_id
        pull_orders(stream=stream, now=timezone.now())


def run_worker(database: str) -> None:
    """A worker of two processes that notices within seconds that it is stuck. Its queue is in the
    test's own database: the one in Redis belongs to all tests."""
    os.environ.pop("REDIS_URL", None)
    become_worker(database, "http://127.0.0.1:9")
    from platforms import worker

    worker.LOOK_EVERY_S, worker.STUCK_AFTER_S = 0.5, 3.0
    worker.run()


def spawn(target: Any, *args: Any, daemon: bool = True) -> multiprocessing.process.BaseProcess:
    """Start `target`; one that starts processes of its own must not be a daemon."""
    process = multiprocessing.get_context("spawn").Process(target=target, args=args, daemon=daemon)
    process.start()
    return process
