"""A process that works on replays and is killed. Spawned: imports nothing of Django before."""

from __future__ import annotations

import os
import signal
from typing import Any

from tests.support.processes import become_worker


def work_and_die(database: str, emulator_url: str, batch: int, orders: Any) -> None:
    """Forks a worker for each number received: it takes turns of a batch each and kills itself
    with SIGKILL before its n-th statement (0: never). Answers whether it was killed; None ends it.
    """
    become_worker(database, emulator_url)
    from django.db import connections

    while True:
        asked = orders.recv()
        if asked is None:
            return
        connections.close_all()
        pid = os.fork()
        if pid == 0:
            os._exit(min(_work(batch, die_before=asked), 255))
        _, status = os.waitpid(pid, 0)
        code = os.waitstatus_to_exitcode(status)
        orders.send({"killed": code == -signal.SIGKILL, "statements": code})


def _work(batch: int, *, die_before: int) -> int:
    from django.db import connection
    from django.utils import timezone

    from platforms.flows import replay, replay_read

    replay_read.BATCH = batch
    count = 0

    def deadly(execute: Any, *args: Any) -> Any:
        nonlocal count
        count += 1
        if count == die_before:
            os.kill(os.getpid(), signal.SIGKILL)
        return execute(*args)

    with connection.execute_wrapper(deadly):
        while row := replay.claim(now=timezone.now()):
            replay.work_on(row, seconds=0)
            if row.kind != "read":
                break
    return count
