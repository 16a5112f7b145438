"""Token buckets of the platforms."""

from __future__ import annotations

from dataclasses import dataclass, field

from platforms.emulator.knobs import Knobs

DAY = 86_400.0

# operation -> (calls a second, burst). Fact sheets: ebay §5 and §1.1, amazon §5, ozon §5.
REAL: dict[str, tuple[float, float]] = {
    "ebay.orders": (100_000 / DAY, 100_000),
    "ebay.order": (100_000 / DAY, 100_000),
    "ebay.identity": (5_000 / DAY, 5_000),
    "ebay.token": (50_000 / DAY, 50_000),
    "amazon.search_orders": (0.0056, 20),
    "amazon.get_order": (0.5, 30),
    "amazon.participations": (0.016, 15),
    "amazon.account": (0.016, 15),
    "ozon.fbs_get": (2, 2),
    "ozon.*": (50, 50),
}
# What the demo and most tests live with: only the limit that shapes a real pull.
DEFAULT = {"amazon.search_orders": REAL["amazon.search_orders"]}


@dataclass
class Bucket:
    tokens: float
    at: float

    def take(self, *, rate: float, burst: float, now: float) -> float:
        """Seconds to wait for a token; 0.0 when one was there and has been taken."""
        self.tokens = min(burst, self.tokens + max(0.0, now - self.at) * rate)
        self.at = now
        if self.tokens >= 1.0:
            self.tokens -= 1.0
            return 0.0
        return (1.0 - self.tokens) / rate


@dataclass
class Limits:
    buckets: dict[tuple[str, str], Bucket] = field(default_factory=dict)

    def rate_of(self, operation: str, knobs: Knobs) -> tuple[str, float, float] | None:
        """(bucket name, calls a second, burst) of an operation; None where it is not limited."""
        table: dict[str, tuple[float, float]]
        if isinstance(knobs.rate_limits, dict):
            table = {k: (v[0], v[1]) for k, v in knobs.rate_limits.items()}
        elif knobs.rate_limits == "off":
            return None
        else:
            table = REAL if knobs.rate_limits == "real" else DEFAULT
        for name in (operation, operation.split(".")[0] + ".*"):
            if name in table:
                return (name, *table[name])
        return None

    def wait(self, *, operation: str, who: str, knobs: Knobs, now: float) -> float:
        """Seconds until `who` may call again; 0.0 lets this call pass and counts it."""
        found = self.rate_of(operation, knobs)
        if found is None:
            return 0.0
        name, rate, burst = found
        bucket = self.buckets.setdefault((name, who), Bucket(tokens=burst, at=now))
        return bucket.take(rate=rate, burst=burst, now=now)
