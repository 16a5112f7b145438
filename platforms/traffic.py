"""Counting what goes through the transport."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from django.db import IntegrityError, connection, transaction

from platforms import timeline
from platforms.models import Authorization
from platforms.models.traffic import ClockOffset
from platforms.spec import Answer
from tenants.scope import all_tenants, tenant_scope

_OFFSET_WORTH_WRITING_S = 2.0
_last_offset: dict[str, tuple[float, datetime]] = {}


@dataclass(frozen=True, kw_only=True)
class Counted:
    """What is added to one row of CallStat."""

    tenant_id: int
    authorization_id: int
    hour: datetime
    fault: str
    calls: int
    milliseconds: int
    slowest_ms: int


class CallCounter:
    """Gathers the calls of one authorization; `save` adds them to the hourly rows, or to a
    book that is kept for many authorizations."""

    def __init__(
        self, *, tenant_id: int, authorization_id: int, book: CallBook | None = None
    ) -> None:
        self.tenant_id = tenant_id
        self.authorization_id = authorization_id
        self._book = book
        self._gathered: dict[tuple[datetime, str], list[int]] = {}

    def add(self, fault: str, elapsed_ms: int, *, now: datetime) -> None:
        hour = now.replace(minute=0, second=0, microsecond=0)
        row = self._gathered.setdefault((hour, fault), [0, 0, 0])
        row[0] += 1
        row[1] += elapsed_ms
        row[2] = max(row[2], elapsed_ms)

    def save(self) -> None:
        counted = [
            Counted(
                tenant_id=self.tenant_id, authorization_id=self.authorization_id, hour=hour,
                fault=fault, calls=calls, milliseconds=total_ms, slowest_ms=slowest_ms,
            )
            for (hour, fault), (calls, total_ms, slowest_ms) in self._gathered.items()
        ]  # fmt: skip
        self._gathered.clear()
        if self._book is not None:
            self._book.counted(counted)
            return
        with tenant_scope(self.tenant_id):
            write_counted(counted)


class CallBook:
    """Counts of many authorizations from many threads, written a few hundred at a time. What is
    not flushed is lost with the process; nothing but statistics."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counted: list[Counted] = []
        self._refreshed: dict[int, int] = {}  # authorization -> tenant

    def __len__(self) -> int:
        return len(self._counted)

    def counted(self, rows: Sequence[Counted]) -> None:
        with self._lock:
            self._counted += rows

    def refreshed(self, authorization: Authorization) -> None:
        with self._lock:
            self._refreshed[authorization.pk] = authorization.tenant_id

    def flush(self, *, now: datetime) -> None:
        with self._lock:
            rows, self._counted = self._counted, []
            refreshed, self._refreshed = self._refreshed, {}
        with all_tenants("statistics of whoever was refreshed"):
            try:
                _write(rows, refreshed, now=now)
            except IntegrityError:
                # A company was deleted meanwhile: that costs nobody else theirs.
                ids = {row.authorization_id for row in rows} | refreshed.keys()
                known = set(Authorization.objects.filter(pk__in=ids).values_list("pk", flat=True))
                rows = [row for row in rows if row.authorization_id in known]
                refreshed = {pk: tenant for pk, tenant in refreshed.items() if pk in known}
                _write(rows, refreshed, now=now)


@transaction.atomic
def _write(rows: Sequence[Counted], refreshed: Mapping[int, int], *, now: datetime) -> None:
    write_counted(rows)
    timeline.note_refreshed(refreshed, now=now)


def write_counted(rows: Sequence[Counted]) -> None:
    """Add to the hourly rows, in one statement and in one order, so that no two writers wait
    for each other in a circle."""
    summed: dict[tuple[int, int, datetime, str], list[int]] = {}
    for row in rows:
        key = (row.tenant_id, row.authorization_id, row.hour, row.fault)
        sums = summed.setdefault(key, [0, 0, 0])
        sums[0] += row.calls
        sums[1] += row.milliseconds
        sums[2] = max(sums[2], row.slowest_ms)
    if not summed:
        return
    params: list[Any] = []
    for (tenant, authorization, hour, fault), sums in sorted(summed.items()):
        at = connection.ops.adapt_datetimefield_value(hour)
        params += [tenant, authorization, at, fault, *sums]
    with connection.cursor() as cursor:
        cursor.execute(_ADD % ", ".join(["(%s, %s, %s, %s, %s, %s, %s)"] * len(summed)), params)


_ADD = """
    INSERT INTO platforms_callstat
        (tenant_id, authorization_id, hour, fault, calls, milliseconds, slowest_ms)
    VALUES %s
    ON CONFLICT (tenant_id, authorization_id, hour, fault) DO UPDATE SET
        calls = platforms_callstat.calls + excluded.calls,
        milliseconds = platforms_callstat.milliseconds + excluded.milliseconds,
        slowest_ms = CASE WHEN excluded.slowest_ms > platforms_callstat.slowest_ms
            THEN excluded.slowest_ms ELSE platforms_callstat.slowest_ms END
"""


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
