"""Landing on PostgreSQL: COPY into a temporary table, then one statement for all our tables.

Rows are put into the bytes of COPY by the threads that fetch them, so that whoever writes does
little but wait for the server. The guards are inside the statement, because another worker may
land the same order at the same moment: whoever comes second sees the first one's version. COPY
straight into our tables is refused to the application's role by row-level security.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
import psycopg
from django.db import IntegrityError, connection
from psycopg._copy_base import format_row_binary  # what Copy.write_row is made of
from psycopg.adapt import AdaptersMap, Transformer
from psycopg.copy import LibpqWriter
from psycopg.pq import Format
from psycopg.types.string import BytesBinaryDumper

from platforms.landing.rows import CHANGING, KEY, LINE, ORDER, PERSONAL_COLUMNS, RAW, Row

FLUSH_AT = 16 * 1024 * 1024  # bytes; more than a transaction brings
# https://www.postgresql.org/docs/current/sql-copy.html, "Binary Format"
_HEAD, _END = b"PGCOPY\n\xff\r\n\0" + bytes(8), b"\xff\xff"
_ORDER_TYPES = (
    "int8", "int8", "text", "uuid", "text", "text", "text", "text", "timestamptz", "timestamptz",
    "timestamptz", *["text"] * 17, "text", "bytea", "text",
)  # fmt: skip
_MORE = (("lines", "int4"), ("record_kind", "text"), ("body", "bytea"),
         ("expires_at", "timestamptz"))  # fmt: skip
_LINE_TYPES = ("int2", "text", "text", "text", "int4", "text", "text", "text", "text")
_OF_LINE = tuple(f"line_{name}" for name in LINE)
# A row holds an order or, without a tenant, a line of the order with the same `n`: every wait for
# the server costs as much as writing dozens of rows.
_COPIED = (
    ("n", "int8"), *zip(ORDER, _ORDER_TYPES, strict=True), *_MORE,
    *zip(_OF_LINE, _LINE_TYPES, strict=True),
)  # fmt: skip
_COLUMNS = ", ".join(name for name, _kind in _COPIED)
_COPY = f"COPY landing ({_COLUMNS}) FROM STDIN (FORMAT BINARY)"
_BEGIN = f"""
    SET LOCAL client_min_messages = warning;  -- "already exists, skipping"
    CREATE TEMPORARY TABLE IF NOT EXISTS landing
        ({", ".join(f"{name} {kind}" for name, kind in _COPIED)}) ON COMMIT DELETE ROWS;
    DELETE FROM landing;  -- empty already, unless it was used in this very transaction
    -- What a foreign key would do for each single row.
    SELECT id FROM tenants_store WHERE id = ANY(%s) ORDER BY id FOR KEY SHARE
"""


def _kept(column: str) -> str:
    """Buyers' data that comes back empty or masked does not replace what is stored; nothing
    replaces what retention has removed."""
    if column not in PERSONAL_COLUMNS:
        return f"excluded.{column}"
    return (
        f"CASE WHEN o.scrubbed_at IS NOT NULL OR excluded.{column} IS NULL"
        f" OR (excluded.{column} LIKE '%%**%%' AND o.{column} NOT LIKE '%%**%%')"
        f" THEN o.{column} ELSE excluded.{column} END"
    )


_WRITE = f"""
    WITH up AS (
        INSERT INTO platforms_order AS o ({", ".join(ORDER)}, first_seen_at, landed_at)
        SELECT {", ".join(ORDER)}, %(now)s, %(now)s FROM landing
        WHERE tenant_id IS NOT NULL
        ON CONFLICT ({", ".join(KEY)}) DO UPDATE SET
            {", ".join(f"{name} = {_kept(name)}" for name in CHANGING)},
            landed_at = excluded.landed_at
        WHERE o.changed_at <= excluded.changed_at AND o.content_hash <> excluded.content_hash
        -- xmax is 0 only for a row that is inserted
        RETURNING o.id, o.store_id, o.number, o.xmax = 0 AS is_new
    ), done AS (
        SELECT up.id, up.is_new, l.n, l.tenant_id, l.record_kind, l.body, l.expires_at
        FROM up JOIN landing l ON l.store_id = up.store_id AND l.number = up.number
    ), raws AS (
        INSERT INTO platforms_orderraw (tenant_id, order_id, {", ".join(RAW)})
        SELECT tenant_id, id, {", ".join(RAW)} FROM done WHERE is_new AND body IS NOT NULL
    ), lines AS (
        INSERT INTO platforms_orderline (tenant_id, order_id, {", ".join(LINE)})
        SELECT d.tenant_id, d.id, {", ".join(f"l.{name}" for name in _OF_LINE)}
        FROM landing l JOIN done d USING (n) WHERE d.is_new AND l.line_position IS NOT NULL
    )
    SELECT n, is_new, id FROM done
"""
# What hangs on orders that were there before: a statement of its own, for it must see the lines
# that another worker has just committed.
_OLDER = f"""
    WITH done AS (
        SELECT d.id, l.n, l.tenant_id, l.lines, l.record_kind, l.body, l.expires_at,
            o.scrubbed_at IS NOT NULL AS scrubbed
        FROM unnest(%s::int8[], %s::int8[]) AS d (n, id)
        JOIN landing l ON l.n = d.n AND l.tenant_id IS NOT NULL
        JOIN platforms_order o ON o.id = d.id
    ), raws AS (
        INSERT INTO platforms_orderraw (tenant_id, order_id, {", ".join(RAW)})
        SELECT tenant_id, id, {", ".join(RAW)} FROM done WHERE body IS NOT NULL AND NOT scrubbed
        ON CONFLICT (order_id) DO UPDATE SET
            {", ".join(f"{name} = excluded.{name}" for name in RAW)}
    ), lines AS (
        INSERT INTO platforms_orderline (tenant_id, order_id, {", ".join(LINE)})
        SELECT d.tenant_id, d.id, {", ".join(f"l.{name}" for name in _OF_LINE)}
        FROM landing l JOIN done d USING (n) WHERE l.line_position IS NOT NULL
        ON CONFLICT (tenant_id, order_id, position) DO UPDATE SET
            {", ".join(f"{name} = excluded.{name}" for name in LINE[1:])}
    )
    DELETE FROM platforms_orderline l USING done d
    WHERE l.tenant_id = d.tenant_id AND l.order_id = d.id AND l.position >= d.lines
"""
_NO_RAW = (None,) * len(RAW)
_NO_ORDER = (None,) * (len(ORDER) + len(_MORE))
_NO_LINE = (None,) * len(LINE)


class Copied(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An order and its lines in the bytes of COPY."""

    n: int
    tenant_id: int
    key: tuple[int, str]
    changed_at: datetime
    data: bytearray


class Backend:
    def ready(self, rows: list[Row]) -> list[Copied]:
        return [_copied(row) for row in rows]

    def write(self, rows: Sequence[Copied], *, now: datetime) -> dict[int, bool]:
        """The numbers of the rows that were written, and whether the order is new."""
        stores = sorted({row.key[0] for row in rows})
        with connection.cursor() as cursor, connection.wrap_database_errors:
            cursor.execute(_BEGIN, [stores])  # also tells the scope, which COPY would not
            while cursor.nextset():
                pass
            if len(cursor.fetchall()) < len(stores):
                raise IntegrityError("a store was deleted meanwhile")
            self._copy(cursor, rows)
            cursor.execute(_WRITE, {"now": now})
            done = cursor.fetchall()
            older = [(n, pk) for n, is_new, pk in done if not is_new]
            if older:
                cursor.execute(_OLDER, [list(column) for column in zip(*older, strict=True)])
        return {n: is_new for n, is_new, _pk in done}

    def _copy(self, cursor: Any, rows: Sequence[Copied]) -> None:
        raw: Any = cursor.cursor
        # Sent in one go: at each wait other threads take the interpreter, and keep it for a while.
        writer = LibpqWriter(raw, flush_threshold=FLUSH_AT)
        with raw.copy(_COPY, writer=writer) as copy:
            copy.write(b"".join((_HEAD, *[row.data for row in rows], _END)))


class _Encoders(threading.local):
    """Of one thread; they belong to no connection."""

    connection = None

    def __init__(self) -> None:
        self.adapters = AdaptersMap(psycopg.adapters)
        self.adapters.register_dumper(bytes, BytesBinaryDumper)  # the quick one for bytea
        self.transformer: Any = Transformer(self)
        # A UUID comes as its sixteen bytes.
        kinds = ["bytea" if kind == "uuid" else kind for _name, kind in _COPIED]
        types = [self.adapters.types[kind].oid for kind in kinds]
        self.transformer.set_dumper_types(types, Format.BINARY)


_encoders = _Encoders()


def _copied(row: Row) -> Copied:
    n, data, transformer = row.n, bytearray(), _encoders.transformer
    order = (n, *row.order, len(row.lines), *(row.raw or _NO_RAW), *_NO_LINE)
    format_row_binary(order, transformer, data)
    for line in row.lines:
        format_row_binary((n, *_NO_ORDER, *line), transformer, data)
    return Copied(
        n=n, tenant_id=row.tenant_id, key=row.key, changed_at=row.changed_at, data=data
    )  # fmt: skip
