"""Watching in real processes. Spawned children import this before Django is set up."""

from __future__ import annotations

import json
import os
import signal
from multiprocessing.synchronize import Barrier as BarrierType
from typing import Any

from tests.support import processes


def watch_and_die(database: str, orders: Any) -> None:
    """Forks a watcher for each (minutes after NOON, n) received: it looks, and kills itself with
    SIGKILL before its n-th statement (0: never). Answers how it ended; None ends it."""
    processes.become_worker(database, "http://nobody.test")
    from django.db import connections

    while True:
        asked = orders.recv()
        if asked is None:
            return
        connections.close_all()
        pid = os.fork()
        if pid == 0:
            os._exit(min(_look_once(*asked), 255))
        _, status = os.waitpid(pid, 0)
        code = os.waitstatus_to_exitcode(status)
        orders.send(json.dumps({"killed": code == -signal.SIGKILL, "statements": code}))


def _look_once(at: float, die_before: int) -> int:
    from django.db import connection

    count = 0

    def deadly(execute: Any, *args: Any) -> Any:
        nonlocal count
        count += 1
        if count == die_before:
            os.kill(os.getpid(), signal.SIGKILL)
        return execute(*args)

    with connection.execute_wrapper(deadly):
        _work(at)
    return count


def watch_in_rounds(database: str, rounds: int, barrier: BarrierType) -> None:
    """One racer: at each barrier look, an hour later each time."""
    processes.become_worker(database, "http://nobody.test")
    for number in range(rounds):
        barrier.wait(processes.PATIENCE_S)
        _work(60 * number + 1)
        barrier.wait(processes.PATIENCE_S)


def _work(at: float) -> None:
    from platforms.flows import watch
    from tests.support.watching import minutes

    watch.work(now=minutes(at))
