"""Writing pages to our tables: one transaction together with the cursors that follow them.

`read_records` reads a page, `prepare` makes rows of it, `write` lands the rows of many pages at
once; `land` does the last two for a single page.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection

from platforms.landing import postgresql, sqlite
from platforms.landing.known import Known
from platforms.landing.raws import compress, compress_all, decompress
from platforms.landing.records import (
    Batch,
    Parsed,
    Router,
    Unreadable,
    read_records,
)
from platforms.landing.rows import PERSONAL_COLUMNS, Writable, newest
from platforms.landing.values import cut
from platforms.models import Quarantined, Stream

__all__ = [
    "PERSONAL_COLUMNS",
    "Batch",
    "Known",
    "Landed",
    "Parsed",
    "Prepared",
    "Router",
    "Unreadable",
    "compress",
    "decompress",
    "land",
    "prepare",
    "read_records",
    "write",
]


@dataclass(kw_only=True)
class Landed:
    """What became of the records of one page."""

    seen: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    quarantined: int = 0

    def add(self, other: Landed) -> None:
        for name in ("seen", "created", "updated", "unchanged", "quarantined"):
            setattr(self, name, getattr(self, name) + getattr(other, name))


@dataclass(kw_only=True)
class Prepared:
    """A page ready to be written. The rows belong to the tenant of `stream`."""

    stream: Stream
    seen: int
    rows: Sequence[Writable]
    quarantined: list[Quarantined] = field(default_factory=list)


def prepare(batch: Batch, *, stream: Stream, now: datetime) -> Prepared:
    """Compresses the payloads, so call it where there is time: not inside a transaction."""
    if batch.parsed and settings.KEEP_RAW:
        tenant = batch.parsed[0].store.tenant  # everybody's on this page
        expires_at = now + timedelta(days=tenant.retention_days)
        bodies = compress_all([each.raw for each in batch.parsed])
        for each, body in zip(batch.parsed, bodies, strict=True):
            each.row.raw = each.kind, body, expires_at
    return Prepared(
        stream=stream,
        seen=batch.seen,
        rows=_backend().ready([each.row for each in batch.parsed]),
        quarantined=[_quarantined(each, stream) for each in batch.unreadable],
    )


def write(pages: Sequence[Prepared], *, now: datetime) -> list[Landed]:
    """Write what is new or newer; what became of each page. Call inside a transaction, in a scope
    that covers the pages' tenants.

    A stale version never overwrites a newer one, an unchanged order costs no write, and repeating
    it changes nothing, however many write the same orders at once: on PostgreSQL the statement
    itself decides, on SQLite there is one writer.
    """
    page_of: dict[int, int] = {}  # a row's number -> its page
    for at, page in enumerate(pages):
        for row in page.rows:
            if row.tenant_id != page.stream.tenant_id:
                raise ValueError("a page holds another tenant's order")
            page_of[row.n] = at
    # In one order everywhere, so that two writers never wait for each other in a circle.
    kept = newest(row for page in pages for row in page.rows)
    rows = [kept[key] for key in sorted(kept)]
    written = _backend().write(rows, now=now) if rows else {}
    landed = [Landed(seen=page.seen, quarantined=len(page.quarantined)) for page in pages]
    for n, is_new in written.items():
        mine = landed[page_of[n]]
        if is_new:
            mine.created += 1
        else:
            mine.updated += 1
    for each in landed:
        each.unchanged = each.seen - each.created - each.updated - each.quarantined
    # The same record met again in an overlap is still one case.
    held = [row for page in pages for row in page.quarantined]
    if held:
        Quarantined.objects.bulk_create(held, ignore_conflicts=True)
    return landed


def land(batch: Batch, *, stream: Stream, now: datetime) -> Landed:
    """Write one page. Call inside a transaction."""
    return write([prepare(batch, stream=stream, now=now)], now=now)[0]


def _backend() -> Any:
    return postgresql.Backend() if connection.vendor == "postgresql" else sqlite.Backend()


def _quarantined(record: Unreadable, stream: Stream) -> Quarantined:
    return Quarantined(
        tenant_id=stream.tenant_id,
        stream=stream,
        store_id=stream.store_id,
        platform=stream.authorization.platform,
        record_kind=record.kind,
        number=cut(record.number, 80),
        reason=cut(record.reason, 300),
        raw=compress(record.raw),
        raw_sha256=record.raw_sha256,
    )
