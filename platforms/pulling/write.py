"""Writing pages of many streams: what they hold, their streams' rows and the runs' counts, in one
transaction."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from copy import copy
from datetime import datetime
from operator import attrgetter
from typing import Any

from django.db import connection, transaction

from platforms import landing
from platforms.landing import Landed
from platforms.models import PullRun
from platforms.pulling.turn import ADVANCING, Fetched
from platforms.statements import adapted

_TYPES = dict(
    zip(
        ADVANCING,
        ("text", "timestamptz", "timestamptz", "timestamptz", "int4", "timestamptz", "text",
         "text", "timestamptz", "int2", "timestamptz", "int4"),
        strict=True,
    )
)  # fmt: skip
_COUNTED = ("seen", "created", "updated", "unchanged", "quarantined")
_OF_RUN = {"finished_at": "timestamptz"} | dict.fromkeys(("pages", "calls", *_COUNTED), "int4")


def write_pages(pages: Sequence[Fetched], *, now: datetime) -> None:
    """Land the pages, given in the order in which they were fetched. Call in a scope that covers
    their tenants. Everything or nothing is written, so it may be repeated when it failed.

    Of a stream that another worker holds by now nothing is written, and its turn is marked lost.
    """
    with transaction.atomic():
        held = _advance(pages)
        mine = [page for page in pages if page.turn.stream.pk in held and not page.turn.lost]
        landed = landing.write([page.prepared for page in mine], now=now)
        rows = _count(mine, landed, now=now)
        if not _is_worth_waiting(mine, rows):
            _do_not_wait_for_the_disk()
    for page in pages:
        page.turn.lost = page.turn.lost or page.turn.stream.pk not in held
    for page, counts, row in zip(mine, landed, rows, strict=True):
        page.run.row = row
        page.turn.pulled.pages += 1
        page.turn.pulled.add(counts)


def _is_worth_waiting(pages: Sequence[Fetched], runs: Sequence[PullRun | None]) -> bool:
    """Whether something was written that a crash of the database must not undo. A cursor that
    only passed what we have already may go back: the same is asked again."""
    brought = any(page.prepared.rows or page.prepared.quarantined for page in pages)
    return brought or any(row and not page.run.row for page, row in zip(pages, runs, strict=True))


def _do_not_wait_for_the_disk() -> None:
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL synchronous_commit TO off")


def _advance(pages: Sequence[Fetched]) -> set[int]:
    """Write the streams' rows as they are after these pages; the ids of those still ours."""
    after: dict[int, dict[str, object]] = {}
    seen: Counter[int] = Counter()
    streams = {page.turn.stream.pk: page.turn.stream for page in pages if not page.turn.lost}
    for page in pages:
        pk = page.turn.stream.pk
        after.setdefault(pk, {}).update(page.after)
        seen[pk] += page.prepared.seen
    if not streams:
        return set()
    values: list[Any] = []
    for pk in sorted(streams):
        stream, row = streams[pk], after[pk]
        values += [pk, stream.fence, seen[pk], stream.claimed_due_at]
        values += ["due_at" in row, row.get("due_at")]
        values += [row[name] for name in _TYPES]
    with connection.cursor() as cursor:
        cursor.execute(_advancing(len(streams)), adapted(values))
        return {row[0] for row in cursor.fetchall()}


def _values(rows: int, types: Sequence[str]) -> str:
    """Rows of parameters, as a table whose columns are `column1`, `column2`, …"""
    is_postgresql = connection.vendor == "postgresql"
    marks = ", ".join(f"CAST(%s AS {kind})" if is_postgresql else "%s" for kind in types)
    return "VALUES " + ", ".join([f"({marks})"] * rows)


def _advancing(rows: int) -> str:
    """One UPDATE for all of them. What was made due while we pulled stays due; what was stopped
    meanwhile (`due_at` null) stays stopped."""
    types = ["int8", "int8", "int8", "timestamptz", "bool", "timestamptz", *_TYPES.values()]
    sets = ", ".join(f"{name} = v.column{n}" for n, name in enumerate(_TYPES, start=7))
    return f"""
        UPDATE platforms_stream SET {sets},
            orders_seen = orders_seen + v.column3,
            due_at = CASE
                WHEN NOT v.column5 THEN due_at
                WHEN due_at IS NULL AND v.column4 IS NOT NULL THEN due_at
                WHEN v.column6 IS NULL THEN v.column6
                WHEN due_at < v.column4 AND due_at < v.column6 THEN due_at
                ELSE v.column6 END
        FROM ({_values(rows, types)}) AS v
        WHERE platforms_stream.id = v.column1 AND platforms_stream.fence = v.column2
        RETURNING platforms_stream.id
    """


def _count(
    pages: Sequence[Fetched], landed: Sequence[Landed], *, now: datetime
) -> list[PullRun | None]:
    """The row of each page's run, brought up to date; None where nothing was seen that is worth
    one. The runs themselves stay as they are until all is committed."""
    rows: dict[int, PullRun] = {}
    wanted: set[int] = set()
    for page, counts in zip(pages, landed, strict=True):
        run, stream = page.run, page.turn.stream
        row = rows.get(id(run))
        if row is None:
            row = rows[id(run)] = copy(run.row) or run.new_row(stream)
        row.pages += 1
        row.calls = page.calls
        for name in _COUNTED:
            setattr(row, name, getattr(row, name) + getattr(counts, name))
        if page.is_last:
            row.finished_at = now
        if row.pk or row.seen or page.turn.keep_empty:
            wanted.add(id(run))
    new = [row for key, row in rows.items() if key in wanted and row.pk is None]
    old = [row for key, row in rows.items() if key in wanted and row.pk is not None]
    _go_on(old)
    PullRun.objects.bulk_create(new)
    return [rows[id(page.run)] if id(page.run) in wanted else None for page in pages]


def _go_on(rows: Sequence[PullRun]) -> None:
    if not rows:
        return
    values: list[Any] = [
        getattr(row, name)
        for row in sorted(rows, key=attrgetter("pk"))
        for name in ("pk", *_OF_RUN)
    ]
    sets = ", ".join(f"{name} = v.column{n}" for n, name in enumerate(_OF_RUN, start=2))
    table = _values(len(rows), ["int8", *_OF_RUN.values()])
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE platforms_pullrun SET {sets} FROM ({table}) AS v"
            " WHERE platforms_pullrun.id = v.column1",
            adapted(values),
        )
