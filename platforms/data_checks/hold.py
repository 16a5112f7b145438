"""A worker's hold on one data check: its lease, its progress, and what it came to."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from platforms.models import DataCheck

# Longer than the longest single call with a refresh before it; renewed all the time.
LEASE = timedelta(minutes=3)

Json = Mapping[str, object]


class Stopped(Exception):
    """Somebody asked for the end of the check."""


class LostLease(Exception):
    """Another worker has the check now; nothing was written."""


class Hold:
    """Writes to a leased `check` while its fence is still ours. Call in the tenant's scope."""

    def __init__(self, check: DataCheck) -> None:
        self.check = check

    def tell(self, progress: Json, *, now: datetime) -> None:
        """Write how far it is and keep the lease. Raises Stopped and LostLease."""
        self._write(progress=dict(progress), leased_until=now + LEASE)
        if DataCheck.objects.filter(pk=self.check.pk, stop_asked=True).exists():
            raise Stopped

    def pause(self, gathered: Json, progress: Json, *, until: datetime) -> None:
        """Let go until then; whoever takes it up finds `gathered` in `check.report`."""
        self._write(
            report=dict(gathered), progress={**progress, "paused": True}, leased_until=until
        )

    def finish(self, state: str, report: Json, *, now: datetime, fault: str = "") -> None:
        self._write(
            state=state, report=dict(report), fault=fault, finished_at=now, leased_until=None,
            progress={},
        )  # fmt: skip

    def _write(self, **changes: object) -> None:
        held = DataCheck.objects.filter(
            pk=self.check.pk, fence=self.check.fence, state=DataCheck.State.RUNNING
        )
        if not held.update(**changes):
            raise LostLease
        for name, value in changes.items():
            setattr(self.check, name, value)


def is_paused(check: DataCheck) -> bool:
    """It waits by its own will, for a limit or for a pull; it did not lose its worker."""
    return bool(check.progress.get("paused"))
