"""Many random schedules of pulls (bench/schedule.py), and what happened in them.

    python -m bench.schedules --schedules 100000 [--first 0] [--processes 2] [--seconds 1200]

Each process has a database of its own: SQLite in memory, or on the server that DATABASE_URL names.
Ends with 1 if a schedule broke, and prints how to play it again.
"""

from __future__ import annotations

import argparse
import gc
import logging
import multiprocessing
import os
import sys
import time
from collections import Counter
from typing import Any

import django


def main() -> int:
    options = argparse.ArgumentParser()
    options.add_argument("--schedules", type=int, default=1_000)
    options.add_argument("--first", type=int, default=0)
    options.add_argument("--processes", type=int, default=1)
    options.add_argument("--seconds", type=float, default=1e9, help="begin none after that")
    asked = options.parse_args()
    started = time.monotonic()
    _set_up()
    from bench.local import machine

    jobs = [(vars(asked), part) for part in range(asked.processes)]
    with multiprocessing.get_context("spawn").Pool(asked.processes) as pool:
        parts = pool.map(_play, jobs, chunksize=1)
    happened: Counter[str] = Counter()
    broken: list[str] = []
    for counts, told in parts:
        happened.update(counts)
        broken += told
    took = time.monotonic() - started
    print(f"{machine()}; {asked.processes} processes, {took:.0f} s, load {os.getloadavg()[0]:.0f}")
    print(f"seeds from {asked.first}: {happened['schedules']:,} schedules, {len(broken)} broken")
    for what, count in sorted(happened.items(), key=lambda each: -each[1]):
        print(f"  {what:<32}{count:>12,}")
    for text in broken:
        print(text)
    return 1 if broken else 0


def _set_up() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    django.setup()
    logging.disable(logging.CRITICAL)


def _play(job: tuple[dict[str, Any], int]) -> tuple[Counter[str], list[str]]:
    """Every so manyth schedule, so that all processes end at the same time."""
    asked, part = job
    ends = time.monotonic() + asked["seconds"]
    _set_up()
    from django.db import connection, transaction

    from bench.local import database
    from bench.schedule import Broken, Schedule, make_place

    if connection.vendor == "sqlite":
        connection.settings_dict["TEST"]["NAME"] = None  # in memory
    else:
        connection.settings_dict["TEST"]["NAME"] = f"test_schedules_{os.getpid()}"
    happened: Counter[str] = Counter()
    broken: list[str] = []
    with database(), transaction.atomic():
        place = make_place()
        gc.freeze()
        began = time.process_time()
        seeds = range(
            asked["first"] + part, asked["first"] + asked["schedules"], asked["processes"]
        )
        for done, seed in enumerate(seeds):
            if time.monotonic() > ends:
                break
            try:
                happened.update(Schedule(seed, place).play())
            except Broken as exc:
                print(exc, file=sys.stderr, flush=True)
                broken.append(str(exc))
                happened["schedules"] += 1
            if done % 1000 == 999:
                print(f"{part}: {done + 1}, {len(broken)} broken", file=sys.stderr, flush=True)
    happened["processor, ms"] = int((time.process_time() - began) * 1000)
    return happened, broken


if __name__ == "__main__":
    sys.exit(main())
