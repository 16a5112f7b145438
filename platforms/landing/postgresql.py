"""Landing on PostgreSQL: COPY into temporary tables, then a statement for each of our tables.

The guards are inside the statements, because another worker may land the same order at the same
moment: whoever comes second sees the first one's version. COPY straight into our tables is refused
to the application's role by row-level security.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import connection
from psycopg.copy import LibpqWriter
from psycopg.types.string import BytesBinaryDumper

from platforms.landing.rows import CHANGING, KEY, LINE, ORDER, PERSONAL_COLUMNS, Row

FLUSH_AT = 16 * 1024 * 1024  # bytes; more than a transaction brings
_ORDER_TYPES = (
    "int8", "int8", "text", "uuid", "text", "text", "text", "text", "timestamptz", "timestamptz",
    "timestamptz", *["text"] * 17, "text", "bytea", "text",
)  # fmt: skip
_MORE = (("n", "int4"), ("lines", "int4"), ("record_kind", "text"), ("body", "bytea"),
         ("expires_at", "timestamptz"))  # fmt: skip
_LINE_TYPES = ("int2", "text", "text", "text", "int4", "text", "text", "text", "text")
_COPIED = (*zip(ORDER, _ORDER_TYPES, strict=True), *_MORE)
_COPIED_LINE = (("n", "int4"), *zip(LINE, _LINE_TYPES, strict=True))


def _table(name: str, columns: Sequence[tuple[str, str]]) -> str:
    inner = ", ".join(f"{column} {kind}" for column, kind in columns)
    return f"CREATE TEMPORARY TABLE IF NOT EXISTS {name} ({inner}) ON COMMIT DELETE ROWS"


_DONE = (("n", "int4"), ("id", "int8"), ("is_new", "bool"), ("scrubbed", "bool"),
         ("tenant_id", "int8"))  # fmt: skip
_TABLES = "; ".join(
    (
        "SET LOCAL client_min_messages = warning",  # "already exists, skipping"
        _table("landing_order", _COPIED),
        _table("landing_line", _COPIED_LINE),
        _table("landing_done", _DONE),
        # Empty already, unless something was landed in this very transaction.
        "DELETE FROM landing_order; DELETE FROM landing_line; DELETE FROM landing_done",
    )
)


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


_ORDERS = f"""
    WITH up AS (
        INSERT INTO platforms_order AS o ({", ".join(ORDER)}, first_seen_at, landed_at)
        SELECT {", ".join(ORDER)}, %(now)s, %(now)s FROM landing_order
        ON CONFLICT ({", ".join(KEY)}) DO UPDATE SET
            {", ".join(f"{name} = {_kept(name)}" for name in CHANGING)},
            landed_at = excluded.landed_at
        WHERE o.changed_at <= excluded.changed_at AND o.content_hash <> excluded.content_hash
        -- xmax is 0 only for a row that is inserted
        RETURNING o.id, o.tenant_id, o.store_id, o.number, o.xmax = 0 AS is_new,
            o.scrubbed_at IS NOT NULL AS scrubbed
    )
    INSERT INTO landing_done (n, id, is_new, scrubbed, tenant_id)
    SELECT l.n, up.id, up.is_new, up.scrubbed, up.tenant_id
    FROM up JOIN landing_order l ON l.store_id = up.store_id AND l.number = up.number
    RETURNING n, is_new
"""
_LINES = f"""
    INSERT INTO platforms_orderline (tenant_id, order_id, {", ".join(LINE)})
    SELECT d.tenant_id, d.id, {", ".join(f"l.{name}" for name in LINE)}
    FROM landing_line l JOIN landing_done d USING (n)
    ON CONFLICT (tenant_id, order_id, position) DO UPDATE SET
        {", ".join(f"{name} = excluded.{name}" for name in LINE[1:])}
"""
# A statement of its own: it must see lines that another worker has just committed.
_SURPLUS = """
    DELETE FROM platforms_orderline l USING landing_done d, landing_order o
    WHERE NOT d.is_new AND o.n = d.n
        AND l.tenant_id = d.tenant_id AND l.order_id = d.id AND l.position >= o.lines
"""
_RAWS = """
    INSERT INTO platforms_orderraw (tenant_id, order_id, record_kind, body, expires_at)
    SELECT d.tenant_id, d.id, o.record_kind, o.body, o.expires_at
    FROM landing_order o JOIN landing_done d USING (n)
    WHERE o.body IS NOT NULL AND NOT d.scrubbed
    ON CONFLICT (order_id) DO UPDATE SET record_kind = excluded.record_kind,
        body = excluded.body, expires_at = excluded.expires_at
"""
_NO_RAW: tuple[None, None, None] = (None, None, None)


class Backend:
    def write(self, rows: Sequence[Row], *, now: datetime) -> dict[int, bool]:
        """The indexes of the rows that were written, and whether the order is new."""
        with connection.cursor() as cursor, connection.wrap_database_errors:
            cursor.execute(_TABLES)  # also tells the server the tenant scope; COPY would not
            raw: Any = cursor.cursor
            self._copy(
                raw, "landing_order", _COPIED,
                [
                    (*row.order, n, len(row.lines), *(row.raw or _NO_RAW))
                    for n, row in enumerate(rows)
                ],
            )  # fmt: skip
            cursor.execute(_ORDERS, {"now": now})
            written = dict(cursor.fetchall())
            if not written:
                return {}
            self._copy(
                raw, "landing_line", _COPIED_LINE,
                [(n, *line) for n in written for line in rows[n].lines],
            )  # fmt: skip
            cursor.execute(_LINES)
            if not all(written.values()):
                cursor.execute(_SURPLUS)
            if any(row.raw for row in rows):
                cursor.execute(_RAWS)
        return written

    def _copy(
        self, raw: Any, table: str, columns: Sequence[tuple[str, str]], rows: list[tuple[Any, ...]]
    ) -> None:
        names = ", ".join(name for name, _kind in columns)
        raw.adapters.register_dumper(bytes, BytesBinaryDumper)  # the quick one for bytea
        # Sent in one go: at each wait other threads take the interpreter, and keep it for a while.
        writer = LibpqWriter(raw, flush_threshold=FLUSH_AT)
        statement = f"COPY {table} ({names}) FROM STDIN (FORMAT BINARY)"
        with raw.copy(statement, writer=writer) as copy:
            copy.set_types([kind for _name, kind in columns])
            for row in rows:
                copy.write_row(row)
