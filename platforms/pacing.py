"""How a platform has been answering, and how many threads it may have therefore."""

from __future__ import annotations

from dataclasses import dataclass

# Failures of a platform in a row after which it gets only so many threads until one succeeds.
DOWN_AFTER, PROBES = 8, 2
SLOW_S = 5.0  # a platform that takes longer, on average, gets a quarter of the threads


@dataclass
class Pace:
    failures: int = 0  # in a row, of the kind that is nobody's fault
    average_s: float | None = None

    def note(self, *, failed: bool, took_s: float) -> None:
        self.failures = self.failures + 1 if failed else 0
        before = took_s if self.average_s is None else self.average_s
        self.average_s = before * 0.8 + took_s * 0.2

    @property
    def is_down(self) -> bool:
        return self.failures >= DOWN_AFTER

    def allowance(self, threads: int) -> int:
        if self.is_down:
            return min(PROBES, threads)
        if self.average_s is None:  # until it has answered once
            return max(1, threads // 2)
        return threads if self.average_s < SLOW_S else max(1, threads // 4)
