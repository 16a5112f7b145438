"""Orders landed a second, first and again, next to other ways of doing it, in one run.

    DATABASE_URL=postgres://... python -m bench.orders [--orders 100000] [--rounds 5]
        [--shape shopify|amazon] [--only product,limit,...]

Each contender is a process of its own and pulls the same orders from the local marketplace server
twice: into empty tables, and again. The product takes its ordinary way: claim, lease, limits, page
by page through the engine, guards, counters, quarantine, raw payload kept.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from typing import Any

from bench import contenders
from bench.local import database, machine, marketplace

EPOCH = "2026-01-01T00:00:00Z"
Run = dict[str, dict[str, Any]]  # "first" and "again" -> what was measured


def main() -> int:
    options = argparse.ArgumentParser()
    options.add_argument("--orders", type=int, default=100_000)
    options.add_argument("--stores", type=int, default=20)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--shape", choices=("shopify", "amazon"), default="shopify")
    options.add_argument("--only", default="")
    options.add_argument("--naive", type=int, default=1_000, help="orders of the naive way")
    options.add_argument("--patience", type=float, default=300, help="seconds for one pass")
    asked = options.parse_args()
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    import django

    django.setup()
    names = asked.only.split(",") if asked.only else contenders.names(asked.shape)
    size = asked.orders // asked.stores
    server = ("--stores", str(asked.stores), "--orders", str(size), "--epoch", EPOCH)
    figures: dict[str, dict[int, Run]] = {name: {} for name in names}
    with marketplace(*server) as url, database():
        print(machine(), flush=True)
        _warm(url, asked.shape, asked.stores)
        for turn in range(asked.rounds):
            for name in names[turn % len(names) :] + names[: turn % len(names)]:
                stores = 1 if name == "naive" else asked.stores
                try:
                    run = figures[name][turn] = _once(name, url, asked, stores=stores)
                except subprocess.TimeoutExpired:
                    print(f"{name} was given up after {asked.patience:.0f} s", flush=True)
                    continue
                rates = (f"{which} {run[which]['rate']:,.0f}/s" for which in ("first", "again"))
                print(turn + 1, name, *rates, file=sys.stderr, flush=True)
    _show({name: runs for name, runs in figures.items() if runs}, asked)
    return 0


def _warm(url: str, shape: str, stores: int) -> None:
    """The server renders a page once; then it is not the bottleneck."""
    subprocess.run(
        [sys.executable, "-m", "bench.contenders", "fetch", url, shape, str(stores), "0"],
        check=True, stdout=subprocess.DEVNULL,
    )  # fmt: skip


def _once(name: str, url: str, asked: argparse.Namespace, *, stores: int) -> Run:
    contenders.empty()
    most = asked.naive if name == "naive" else 0
    result: Run = {}
    for which in ("first", "again"):
        if which == "again":
            contenders.make_due(name)
            contenders.settle()
        else:
            contenders.prepare(name, asked.shape, stores)
        rows = contenders.rows_written()
        told = _run(name, url, asked, stores, most)
        result[which] = told | {"rows": contenders.rows_written() - rows}
    return result


def _run(name: str, url: str, asked: argparse.Namespace, stores: int, most: int) -> dict[str, Any]:
    """One process, or two side by side where the contender's name ends in "x2". Raises
    subprocess.TimeoutExpired when one of them takes too long."""
    count = 2 if name.endswith("x2") else 1
    env = os.environ | contenders.environment(name)
    children = [
        subprocess.Popen(
            [sys.executable, "-m", "bench.contenders", name.removesuffix("x2"), url, asked.shape,
             str(stores), str(most)],
            stdout=subprocess.PIPE, text=True, env=env,
        )
        for _ in range(count)
    ]  # fmt: skip
    told = []
    try:
        for child in children:
            out, _ = child.communicate(timeout=asked.patience)
            if child.returncode:
                raise SystemExit(f"{name} failed")
            told.append(json.loads(out.strip().splitlines()[-1]))
    except subprocess.TimeoutExpired:
        for child in children:
            child.kill()
            child.wait()
        contenders.hang_up()
        raise
    orders = sum(each["orders"] for each in told)
    wall = max(each["ended"] for each in told) - min(each["started"] for each in told)
    return {
        "rate": orders / wall,
        "orders": orders,
        "cpu": sum(each["cpu"] for each in told) / orders * 100_000,
        "rss": max(each["rss"] for each in told),
        "before": max(each["before"] for each in told),
    }


def _show(figures: dict[str, dict[int, Run]], asked: argparse.Namespace) -> None:
    print(f"{asked.shape}-like, {asked.orders:,} orders in {asked.stores} stores,", end=" ")
    print(f"median of {asked.rounds} interleaved runs [lowest-highest]")
    head = ("", "first, orders/s", "again, orders/s", "CPU s/100k", "peak MB", "rows again")
    print("{:<16}{:>24}{:>24}{:>14}{:>16}{:>12}".format(*head))

    def middle(name: str, which: str, what: str) -> float:
        return statistics.median(each[which][what] for each in figures[name].values())

    def spread(name: str, which: str) -> str:
        rates = [each[which]["rate"] for each in figures[name].values()]
        return f"{statistics.median(rates):,.0f} [{min(rates):,.0f}-{max(rates):,.0f}]"

    for name in figures:
        cpu = f"{middle(name, 'first', 'cpu'):.1f} / {middle(name, 'again', 'cpu'):.1f}"
        rss = f"{middle(name, 'first', 'rss'):.0f} (+{_grown(figures[name]):.0f})"
        print(
            f"{name:<16}{spread(name, 'first'):>24}{spread(name, 'again'):>24}{cpu:>14}{rss:>16}"
            f"{middle(name, 'again', 'rows'):>12,.0f}"
        )
    for one, other in contenders.RATIOS:
        if one in figures and other in figures:
            print(f"{one} / {other}: {_ratio(figures, one, other)}")


def _grown(runs: dict[int, Run]) -> float:
    return statistics.median(
        each["first"]["rss"] - each["first"]["before"] for each in runs.values()
    )


def _ratio(figures: dict[str, dict[int, Run]], one: str, other: str) -> str:
    """Of the rounds in which both came to their end."""
    both = figures[one].keys() & figures[other].keys()
    if not both:
        return "never in one round"

    def of(which: str) -> float:
        return statistics.median(
            figures[one][turn][which]["rate"] / figures[other][turn][which]["rate"] for turn in both
        )

    return f"first {of('first'):.2f}, again {of('again'):.2f}"


if __name__ == "__main__":
    sys.exit(main())
