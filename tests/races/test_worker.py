"""A worker whose queue was left locked by a process that was killed starts anew."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest
from django.db import connection
from django_q.brokers.orm import ORM
from django_q.models import OrmQ
from django_q.tasks import async_task

from tests.support import processes

pytestmark = [pytest.mark.postgresql, pytest.mark.slow, pytest.mark.django_db(transaction=True)]

PATIENCE_S = 90


def children(pid):
    """Process ids below `pid`, the nearest first."""
    found = []
    for each in Path("/proc").iterdir():
        if each.name.isdecimal():
            try:
                status = (each / "status").read_text()
            except OSError:
                continue
            parent = next(line for line in status.splitlines() if line.startswith("PPid:"))
            if int(parent.split()[1]) == pid:
                found.append(int(each.name))
    return found


def until(true, what):
    give_up = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < give_up, what
        time.sleep(0.2)


@pytest.fixture
def worker(db):
    if connection.vendor != "postgresql":
        pytest.skip("needs PostgreSQL: set DATABASE_URL")
    process = processes.spawn(
        processes.run_worker, processes.database_url(), daemon=False
    )  # fmt: skip
    yield process
    process.terminate()
    process.join(30)
    if process.is_alive():
        process.kill()


def test_jobs_go_on_after_idle_processes_of_the_worker_were_killed(worker):
    asked: set[int] = set()

    def one_is_done():
        """Jobs that a killed process had taken wait for their time-out; later ones must not."""
        async_task("platforms.tasks.pump_refresh", broker=ORM())
        asked.update(OrmQ.objects.values_list("pk", flat=True))
        time.sleep(1)
        return bool(asked - set(OrmQ.objects.values_list("pk", flat=True)))

    until(one_is_done, "the first jobs")
    (sentinel,) = [pid for pid in children(worker.pid) if children(pid)]
    for pid in children(sentinel):
        os.kill(pid, signal.SIGKILL)
    time.sleep(1)
    asked.clear()
    until(one_is_done, "a job after the kill")
    assert worker.is_alive()
