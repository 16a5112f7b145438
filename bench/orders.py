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


def main() -> int:
    options = argparse.ArgumentParser()
    options.add_argument("--orders", type=int, default=100_000)
    options.add_argument("--stores", type=int, default=20)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--shape", choices=("shopify", "amazon"), default="shopify")
    options.add_argument("--only", default="")
    options.add_argument("--naive", type=int, default=1_000, help="orders of the naive way")
    asked = options.parse_args()
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    import django

    django.setup()
    names = asked.only.split(",") if asked.only else contenders.names(asked.shape)
    size = asked.orders // asked.stores
    server = ("--stores", str(asked.stores), "--orders", str(size), "--epoch", EPOCH)
    figures: dict[str, list[dict[str, Any]]] = {name: [] for name in names}
    with marketplace(*server) as url, database():
        print(machine(), flush=True)
        _warm(url, asked.shape, asked.stores)
        for turn in range(asked.rounds):
            for name in names[turn % len(names) :] + names[: turn % len(names)]:
                stores = 1 if name == "naive" else asked.stores
                figures[name].append(_once(name, url, asked, stores=stores))
                print(".", end="", file=sys.stderr, flush=True)
        print(file=sys.stderr)
    _show(figures, asked)
    return 0


def _warm(url: str, shape: str, stores: int) -> None:
    """The server renders a page once; then it is not the bottleneck."""
    subprocess.run(
        [sys.executable, "-m", "bench.contenders", "fetch", url, shape, str(stores), "0"],
        check=True, stdout=subprocess.DEVNULL,
    )  # fmt: skip


def _once(name: str, url: str, asked: argparse.Namespace, *, stores: int) -> dict[str, Any]:
    contenders.empty()
    most = asked.naive if name == "naive" else 0
    result: dict[str, Any] = {}
    for which in ("first", "again"):
        if which == "again":
            contenders.make_due(name)
            contenders.settle()
        else:
            contenders.prepare(name, asked.shape, stores)
        rows = contenders.rows_written()
        told = _run(name, url, asked.shape, stores, most)
        result[which] = told | {"rows": contenders.rows_written() - rows}
    return result


def _run(name: str, url: str, shape: str, stores: int, most: int) -> dict[str, Any]:
    """One process, or two side by side where the contender's name ends in "x2"."""
    count = 2 if name.endswith("x2") else 1
    env = os.environ | contenders.environment(name)
    children = [
        subprocess.Popen(
            [sys.executable, "-m", "bench.contenders", name.removesuffix("x2"), url, shape,
             str(stores), str(most)],
            stdout=subprocess.PIPE, text=True, env=env,
        )
        for _ in range(count)
    ]  # fmt: skip
    told = []
    for child in children:
        out, _ = child.communicate()
        if child.returncode:
            raise SystemExit(f"{name} failed")
        told.append(json.loads(out.strip().splitlines()[-1]))
    orders = sum(each["orders"] for each in told)
    wall = max(each["ended"] for each in told) - min(each["started"] for each in told)
    return {
        "rate": orders / wall,
        "orders": orders,
        "cpu": sum(each["cpu"] for each in told) / orders * 100_000,
        "rss": max(each["rss"] for each in told),
        "before": max(each["before"] for each in told),
    }


def _show(figures: dict[str, list[dict[str, Any]]], asked: argparse.Namespace) -> None:
    print(f"{asked.shape}-like, {asked.orders:,} orders in {asked.stores} stores,", end=" ")
    print(f"median of {asked.rounds} interleaved runs [lowest-highest]")
    head = ("", "first, orders/s", "again, orders/s", "CPU s/100k", "peak MB", "rows again")
    print("{:<16}{:>24}{:>24}{:>14}{:>16}{:>12}".format(*head))

    def middle(name: str, which: str, what: str) -> float:
        return statistics.median(each[which][what] for each in figures[name])

    def spread(name: str, which: str) -> str:
        rates = [each[which]["rate"] for each in figures[name]]
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


def _grown(runs: list[dict[str, Any]]) -> float:
    return statistics.median(each["first"]["rss"] - each["first"]["before"] for each in runs)


def _ratio(figures: dict[str, list[dict[str, Any]]], one: str, other: str) -> str:
    def of(which: str) -> float:
        pairs = zip(figures[one], figures[other], strict=True)
        return statistics.median(a[which]["rate"] / b[which]["rate"] for a, b in pairs)

    return f"first {of('first'):.2f}, again {of('again'):.2f}"


if __name__ == "__main__":
    sys.exit(main())
