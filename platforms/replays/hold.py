"""A worker's hold on one replay: its lease, how far it is, and what it came to."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import F

from platforms.models import Replay

# Far above what one batch takes; renewed with each.
LEASE = timedelta(minutes=3)
COUNTS = ("seen", "created", "updated", "unchanged", "quarantined")


class Stopped(Exception):
    """Somebody asked for the end of the replay."""


class LostLease(Exception):
    """Another worker has the replay now; nothing was written."""


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a replay came to its end."""

    state: Replay.State
    fault: str = ""


class Turn:
    """How long one replay may keep a worker."""

    def __init__(self, seconds: float) -> None:
        self._ends = time.monotonic() + seconds

    @property
    def is_over(self) -> bool:
        return time.monotonic() >= self._ends


class Hold:
    """Writes to a leased `replay` while its fence is still ours. Call in the tenant's scope."""

    def __init__(self, replay: Replay) -> None:
        self.replay = replay

    def keep(self, *, now: datetime, **changes: object) -> None:
        """Renew the lease and write `changes`. In a transaction the row stays locked, so that
        what follows is written by its holder only. Raises LostLease."""
        self._write(leased_until=now + LEASE, **changes)

    def count(self, *, now: datetime, position: str, **more: int) -> None:
        """Add to the counts, and go on from `position` next time: in one transaction with what
        is counted. Raises LostLease."""
        sums = {name: F(name) + number for name, number in more.items()}
        self._write(leased_until=now + LEASE, position=position, **sums)

    def look_for_stop(self) -> None:
        """Raises Stopped if that was asked for."""
        if Replay.objects.filter(pk=self.replay.pk, stop_asked=True).exists():
            raise Stopped

    def let_go(self, *, until: datetime) -> None:
        """Nobody takes it up before `until`."""
        self._write(leased_until=until)

    def finish(self, ended: Ended, *, now: datetime) -> None:
        self._write(state=ended.state, fault=ended.fault, finished_at=now, leased_until=None)

    def _write(self, **changes: object) -> None:
        replay = self.replay
        held = Replay.objects.filter(pk=replay.pk, fence=replay.fence, state=Replay.State.RUNNING)
        if not held.update(**changes):
            raise LostLease
        for name, value in changes.items():
            if name not in COUNTS:
                setattr(replay, name, value)
