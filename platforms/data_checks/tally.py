"""What a stress test measures, and the figures that come of it."""

from __future__ import annotations

import math
import threading
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from platforms.data_checks.budget import Share
from platforms.errors import THROTTLES, Fault

# Upper ends of the histogram's bars; what is slower goes into one more.
STEPS_MS = (50, 100, 200, 400, 800, 1600, 3200, 6400)
MOST_BINS = 60
SLOW_MS = 5_000
GOOD_SHARE = 0.99

Bin = list[float]  # from second, good calls, failed calls, throttled calls


@dataclass
class Tally:
    """Counts of one test; its threads add to it."""

    calls: int = 0  # that reached the platform
    throttles: int = 0  # of these, answered "slow down"
    our_waits: int = 0
    our_wait_s: float = 0.0
    refused_tokens: int = 0  # refused as expired, renewed, and repeated at once
    pages: int = 0
    orders: int = 0
    unreadable: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    latencies: list[int] = field(default_factory=list)
    moments: list[tuple[float, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._lock = threading.Lock()

    def add_call(self, *, at_s: float, fault: str, elapsed_ms: int, attempts: int) -> None:
        """A call that reached the platform `attempts` times; all but the last met an old token."""
        with self._lock:
            self.calls += attempts
            self.faults[fault] += 1
            self.moments.append((at_s, fault))
            if attempts > 1:
                self.refused_tokens += attempts - 1
                self.faults[Fault.TOKEN_EXPIRED] += attempts - 1
            else:
                self.latencies.append(elapsed_ms)
            if fault in THROTTLES:
                self.throttles += 1

    def add_wait(self, seconds: float) -> None:
        with self._lock:
            self.our_waits += 1
            self.our_wait_s += seconds

    def add_page(self, orders: int, *, unreadable: int) -> None:
        with self._lock:
            self.pages += 1
            self.orders += orders
            self.unreadable += unreadable

    @property
    def good(self) -> int:
        return self.faults[""]

    @property
    def page_size(self) -> float:
        """Orders on a page, on average."""
        return self.orders / self.pages if self.pages else 0.0


def figures(tally: Tally, shares: Iterable[Share], *, elapsed_s: float) -> dict[str, object]:
    """The figures as plain JSON; None where nothing was measured."""
    per_hour, bound = _orders_per_hour(tally, shares, elapsed_s=elapsed_s)
    faults = {fault: count for fault, count in tally.faults.items() if fault}
    return {
        "seconds": round(elapsed_s, 1),
        "calls": tally.calls,
        "good": tally.good,
        "success": round(tally.good / tally.calls, 4) if tally.calls else None,
        "faults": faults,
        "throttles": tally.throttles,
        "our_waits": tally.our_waits,
        "our_wait_s": round(tally.our_wait_s, 1),
        "latency_ms": _latency(tally.latencies),
        "histogram": histogram(tally.latencies),
        "timeline": _timeline(tally.moments, elapsed_s=elapsed_s),
        "pages": tally.pages,
        "orders": tally.orders,
        "unreadable": tally.unreadable,
        "page_size": round(tally.page_size, 1),
        "orders_per_hour": per_hour,
        "bound": bound,
    }


def percentile(ordered: Sequence[int], share: float) -> int:
    """The nearest rank of a sorted, non-empty list."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def histogram(latencies: Sequence[int]) -> list[int]:
    """Calls up to each of STEPS_MS, and the slower ones."""
    bars = [0] * (len(STEPS_MS) + 1)
    for each in latencies:
        bars[next((i for i, step in enumerate(STEPS_MS) if each <= step), len(STEPS_MS))] += 1
    return bars


def stress_verdict(report: dict[str, object]) -> str:
    """One word for what the figures say; platforms/data_checks/words.py has the sentences."""
    ended = str(report["ended"])
    if ended in ("refused", "stopped", "died"):
        return ended
    calls, success = report["calls"], report["success"]
    if not calls:
        return "failing" if ended == "failing" else "no_room"
    if report["throttles"]:
        return "throttled"
    if not isinstance(success, float) or success < GOOD_SHARE:
        return "failing"
    latency = report["latency_ms"]
    if isinstance(latency, dict) and latency["p95"] > SLOW_MS:
        return "slow"
    return "good"


def _latency(latencies: Sequence[int]) -> dict[str, int] | None:
    if not latencies:
        return None
    ordered = sorted(latencies)
    return {
        "p50": percentile(ordered, 0.50),
        "p95": percentile(ordered, 0.95),
        "p99": percentile(ordered, 0.99),
        "max": ordered[-1],
    }


def _timeline(moments: Sequence[tuple[float, str]], *, elapsed_s: float) -> list[Bin]:
    step = max(1.0, math.ceil(elapsed_s / MOST_BINS))
    bins = [[i * step, 0, 0, 0] for i in range(max(1, math.ceil(elapsed_s / step)))]
    for at, fault in list(moments):
        row = bins[min(len(bins) - 1, int(at / step))]
        throttled = fault in THROTTLES
        row[1 if not fault else 3 if throttled else 2] += 1
    return bins


def _orders_per_hour(
    tally: Tally, shares: Iterable[Share], *, elapsed_s: float
) -> tuple[int | None, str]:
    """How many orders an hour could be read at this pace, and what bounds it: "measured" or
    "limit", the platform's declared rate."""
    if not tally.pages or elapsed_s <= 0:
        return None, ""
    measured = tally.pages / elapsed_s
    # What one page takes from each bucket: several calls, or several points.
    limits = [share.rate * tally.pages / share.taken for share in shares if share.taken]
    allowed = min(limits, default=measured)
    pages = min(measured, allowed)
    return int(pages * tally.page_size * 3600), "limit" if allowed < measured else "measured"
