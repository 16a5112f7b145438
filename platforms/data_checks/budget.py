"""How much of the shared limits a check may use: never more than half.

The ordinary pulls draw from the same buckets (platforms/ratelimit.py) and must go on meanwhile.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from datetime import datetime

from platforms import ratelimit
from platforms.adapter import Adapter
from platforms.models import RateBucket
from platforms.spec import Account, Limit, Request


@dataclass(kw_only=True)
class Share:
    """One bucket as a check found it. Counts are calls, or points where the platform has them."""

    limit: Limit
    before: int  # what could be taken at once when the check first asked
    rate: float  # a second, as the platform told last, else as declared
    burst: float
    taken: float = 0.0
    since: float = field(default_factory=time.monotonic)

    def wait_s(self, cost: float, left: int) -> float:
        """Seconds until `cost` fits into our half, 0.0 if it does now."""
        allowed = (self.before + self.rate * (time.monotonic() - self.since)) / 2
        # A call dearer than half of the bucket passes when the bucket is full.
        floor = min(self.before // 2, int(self.burst - cost))
        over = max(self.taken + cost - allowed, 0.0) * 2
        return max(over, floor + cost - left, 0.0) / self.rate


class Budget:
    """Half of every bucket that the calls of one check draw from. Shared by its threads."""

    def __init__(self, adapter: Adapter, account: Account) -> None:
        self._adapter = adapter
        self._account = account
        self._lock = threading.Lock()
        self.shares: dict[str, Share] = {}

    def ask(self, request: Request, *, now: datetime) -> float:
        """Seconds to wait before this call, 0.0: go on, it has been counted."""
        wanted = ratelimit.buckets(self._adapter, request.operation, self._account)
        rows = RateBucket.objects.in_bulk([key for key, _ in wanted])
        with self._lock:
            waits = []
            for key, limit in wanted:
                share = self.share(key, limit, rows.get(key), now=now)
                left = ratelimit.headroom(rows.get(key), limit, now=now)
                waits.append((share, min(request.cost, share.burst), left))
            wait = max((share.wait_s(cost, left) for share, cost, left in waits), default=0.0)
            if wait <= 0:
                for share, cost, _ in waits:
                    share.taken += cost
            return wait

    def share(self, key: str, limit: Limit, row: RateBucket | None, *, now: datetime) -> Share:
        if key not in self.shares:
            self.shares[key] = Share(
                limit=limit,
                before=ratelimit.headroom(row, limit, now=now),
                rate=(row and row.rate) or limit.rate,
                burst=(row and row.burst) or limit.burst,
            )
        return self.shares[key]

    def left(self, *, now: datetime) -> list[dict[str, object]]:
        """Each bucket before and now: name, per_app, rate, burst, before, after, taken."""
        rows = RateBucket.objects.in_bulk(list(self.shares))
        return [
            {
                "name": share.limit.name,
                "per_app": share.limit.per_app,
                "rate": share.rate,
                "burst": share.burst,
                "before": share.before,
                "after": ratelimit.headroom(rows.get(key), share.limit, now=now),
                "taken": round(share.taken, 1),
            }
            for key, share in self.shares.items()
        ]
