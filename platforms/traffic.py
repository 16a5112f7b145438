"""Counting what goes through the transport."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from django.db.models import F, Value
from django.db.models.functions import Greatest

from platforms.models.traffic import CallStat, ClockOffset
from platforms.spec import Answer
from tenants.scope import tenant_scope

_OFFSET_WORTH_WRITING_S = 2.0
_last_offset: dict[str, tuple[float, datetime]] = {}


class CallCounter:
    """Gathers the calls of one authorization; `save` adds them to the hourly rows."""

    def __init__(self, *, tenant_id: int, authorization_id: int) -> None:
        self.tenant_id = tenant_id
        self.authorization_id = authorization_id
        self._gathered: dict[tuple[datetime, str], list[int]] = {}

    def add(self, fault: str, elapsed_ms: int, *, now: datetime) -> None:
        hour = now.replace(minute=0, second=0, microsecond=0)
        row = self._gathered.setdefault((hour, fault), [0, 0, 0])
        row[0] += 1
        row[1] += elapsed_ms
        row[2] = max(row[2], elapsed_ms)

    def save(self) -> None:
        with tenant_scope(self.tenant_id):
            for (hour, fault), (calls, total_ms, slowest_ms) in self._gathered.items():
                key = {
                    "tenant_id": self.tenant_id,
                    "authorization_id": self.authorization_id,
                    "hour": hour,
                    "fault": fault,
                }
                CallStat.objects.bulk_create([CallStat(**key)], ignore_conflicts=True)
                CallStat.objects.filter(**key).update(
                    calls=F("calls") + calls,
                    milliseconds=F("milliseconds") + total_ms,
                    slowest_ms=Greatest(F("slowest_ms"), Value(slowest_ms)),
                )
        self._gathered.clear()


def note_clock(platform: str, answer: Answer, *, now: datetime) -> None:
    """Remember how far our clock is ahead of the platform's, when that changes noticeably."""
    try:
        theirs = parsedate_to_datetime(answer.headers.get("date", ""))
    except (TypeError, ValueError):
        return
    if theirs.tzinfo is None:
        theirs = theirs.replace(tzinfo=UTC)
    offset = (now - theirs).total_seconds()
    before = _last_offset.get(platform)
    fresh = before and (now - before[1]).total_seconds() < 3600
    if before and fresh and abs(before[0] - offset) < _OFFSET_WORTH_WRITING_S:
        return
    _last_offset[platform] = (offset, now)
    ClockOffset.objects.update_or_create(
        pk=platform, defaults={"seconds": offset, "measured_at": now}
    )
