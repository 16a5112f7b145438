"""A simulated year of many authorizations of all platforms, in an hour or less.

    python -m bench.year --authorizations 10000 --days 365 [--seed 1] [--shards 2]
        [--access-hours 720] [--pump-minutes 10]

The product's own engine, database rows and answers on disk; the emulator's rules for tokens
(bench/market.py); outages of up to 72 hours, refusals by mistake, clocks that are off, and 1 % of
the workers dying between an answer and our commit. A shard is a process with a part of the
authorizations and an SQLite database in memory. `--access-hours` lengthens the life of access
tokens to at least so long: real ones of half an hour make 30,000 refreshes a year each.
"""

from __future__ import annotations

import argparse
import logging
import multiprocessing
import os
import sys
import tempfile
import time
from typing import Any

import django


def main() -> int:
    options = argparse.ArgumentParser()
    options.add_argument("--authorizations", type=int, default=10_000)
    options.add_argument("--days", type=float, default=365)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--shards", type=int, default=2)
    options.add_argument("--access-hours", type=float, default=0)
    options.add_argument("--pump-minutes", type=float, default=1)
    asked = options.parse_args()
    started = time.monotonic()
    _set_up()
    from bench.local import machine
    from bench.simulation import Books

    with multiprocessing.get_context("spawn").Pool(asked.shards) as pool:
        parts = pool.map(
            _shard, [(vars(asked), shard) for shard in range(asked.shards)], chunksize=1
        )
    books = Books()
    for part in parts:
        books.add(part)
    print(f"{machine()}; {asked.shards} processes, {(time.monotonic() - started) / 60:.0f} minutes")
    lives = (
        f"at least {asked.access_hours:g} h" if asked.access_hours else "as the platforms have it"
    )
    print(
        f"{asked.authorizations} authorizations, {asked.days:g} days, seed {asked.seed}; life of an"
        f" access token: {lives}; pump every {asked.pump_minutes:g} min"
    )
    report(books)
    return 0 if books.destroyed() == 0 and books.share() >= 0.9999 else 1


def _set_up() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    django.setup()
    logging.disable(logging.ERROR)


def _shard(job: tuple[dict[str, Any], int]) -> Any:
    asked, shard = job
    os.environ.pop("DATABASE_URL", None)  # a shard's database is in memory
    _set_up()
    from django.conf import settings
    from django.db import connection

    from bench.local import database
    from bench.simulation import Simulation

    connection.settings_dict["TEST"]["NAME"] = None
    share = asked["authorizations"] // asked["shards"]
    extra = shard < asked["authorizations"] % asked["shards"]
    with tempfile.TemporaryDirectory() as folder, database():
        settings.ANSWERS_DIR = folder
        simulation = Simulation(
            grants=share + extra, days=asked["days"], seed=asked["seed"] * 1000 + shard,
            outage_seed=asked["seed"], access_hours=asked["access_hours"],
            pump_s=asked["pump_minutes"] * 60,
        )  # fmt: skip
        return simulation.run(lambda text: print(f"{shard}: {text}", file=sys.stderr, flush=True))


def report(books: Any) -> None:
    from bench.simulation import OURS, UNSURVIVABLE

    print(
        f"{'platform':<13}{'grants':>7}{'usable':>11}{'refreshed':>11}{'calls':>9}{'wasted':>8}"
        f"{'crashes':>9}{'unsurv.':>9}{'destroyed':>11}"
    )
    for code, grants in books.grants.items():
        crashes = books.happened[code, "crashes between answer and commit"]
        calls, refreshed = books.calls[code], books.refreshed[code]
        gone = sum(books.relinks[code, why] for why in UNSURVIVABLE)
        print(
            f"{code:<13}{grants:>7}{books.share([code]):>11.5%}{refreshed:>11}{calls:>9}"
            f"{calls - refreshed:>8}{crashes:>9}{gone:>9}{books.relinks[code, OURS]:>11}"
        )
    print(f"time with a usable token outside outages: {books.share():.5%}")
    print(f"  with the answers that nobody can survive losing: {books.share(survivable=False):.5%}")
    print(f"grants destroyed by us: {books.destroyed()}")
    hours: dict[str, float] = {}
    for (_code, why), seconds in books.bad_s.items():
        hours[why] = hours.get(why, 0.0) + seconds / 3600
    print("hours without a usable token outside outages, by reason:")
    for why, total in sorted(hours.items(), key=lambda each: -each[1]):
        print(f"  {why:<44}{total:>12.1f}")
    for title, counted in (("sellers asked to link again", books.relinks),
                           ("what happened", books.happened)):  # fmt: skip
        print(f"{title}:")
        sums: dict[str, int] = {}
        for (_code, why), count in counted.items():
            sums[why] = sums.get(why, 0) + count
        for why, count in sorted(sums.items(), key=lambda each: -each[1]):
            print(f"  {why:<44}{count:>12}")


if __name__ == "__main__":
    sys.exit(main())
