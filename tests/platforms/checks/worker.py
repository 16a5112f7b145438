"""A process that works on data checks, to be killed. Spawned: imports nothing of Django before."""

from __future__ import annotations

from tests.support.processes import become_worker


def work_on_checks(database: str, emulator_url: str) -> None:
    become_worker(database, emulator_url)
    from platforms import tasks

    tasks.pump_checks(patience_s=0)
