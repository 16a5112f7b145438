"""Landing on SQLite, the nearest to what PostgreSQL gets: many rows a statement. There is one
writer at a time, so what is read inside the transaction stays true until its end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from django.db import connection

from platforms.landing.rows import (
    CHANGED_AT,
    CHANGING,
    CONTENT_HASH,
    FIRST_PERSONAL,
    KEY,
    LINE,
    ORDER,
    PERSONAL_COLUMNS,
    RAW,
    Row,
    tells_less,
)
from platforms.models import Order
from platforms.statements import marks

AT_ONCE = 400  # parameters of one look-up; SQLite takes a thousand and more
_FIRST_CHANGING = len(ORDER) - len(CHANGING)


def _insert(table: str, columns: Sequence[str]) -> str:
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks(len(columns))})"


_NEW = _insert("platforms_order", ("id", *ORDER, "first_seen_at", "landed_at"))
_NEWER = (
    f"UPDATE platforms_order SET {', '.join(f'{name} = %s' for name in CHANGING)}, landed_at = %s"
    " WHERE id = %s"
)
_LINES = _insert("platforms_orderline", ("tenant_id", "order_id", *LINE))
_RAWS = _insert("platforms_orderraw", ("tenant_id", "order_id", *RAW))
_BEFORE = ("id", "store_id", "number", "changed_at", "content_hash", "scrubbed_at")


class Backend:
    def ready(self, rows: list[Row]) -> list[Row]:
        return rows

    def write(self, rows: Sequence[Row], *, now: datetime) -> dict[int, bool]:
        """The numbers of the rows that were written, and whether the order is new."""
        before = self._before(rows)
        at = _moment(now)
        new: list[tuple[int, Row]] = []
        newer: list[tuple[int, Row, tuple[Any, ...]]] = []
        next_id = self._last_id() + 1
        written: dict[int, bool] = {}
        for row in rows:
            kept = before.get(row.key)
            if kept is None:
                new.append((next_id, row))
                next_id += 1
                written[row.n] = True
            elif kept[3] <= row.changed_at and bytes(kept[4]) != row.order[CONTENT_HASH]:
                newer.append((kept[0], row, kept))
                written[row.n] = False
        if not written:
            return written
        with connection.cursor() as cursor:
            cursor.executemany(
                _NEW, [(pk, *_plain(row.order), at, at) for pk, row in new]
            )  # fmt: skip
            self._update(cursor, newer, at)
            touched = [*new, *((pk, row) for pk, row, _kept in newer)]
            cursor.executemany(
                _LINES,
                [(row.tenant_id, pk, *line) for pk, row in touched for line in row.lines],
            )
            scrubbed = {pk for pk, _row, kept in newer if kept[5] is not None}
            cursor.executemany(
                _RAWS,
                [
                    (row.tenant_id, pk, row.raw[0], row.raw[1], _moment(row.raw[2]))
                    for pk, row in touched
                    if row.raw and pk not in scrubbed
                ],
            )
        return written

    def _update(
        self, cursor: Any, newer: Sequence[tuple[int, Row, tuple[Any, ...]]], at: str
    ) -> None:
        if not newer:
            return
        people = self._people([pk for pk, _row, _kept in newer])
        first, end = FIRST_PERSONAL, FIRST_PERSONAL + len(PERSONAL_COLUMNS)
        changes = []
        for pk, row, kept in newer:
            is_scrubbed = kept[5] is not None
            theirs = [
                old if is_scrubbed or tells_less(value, old) else value
                for value, old in zip(row.order[first:end], people[pk], strict=True)
            ]
            order = _plain((*row.order[:first], *theirs, *row.order[end:]))
            changes.append((*order[_FIRST_CHANGING:], at, pk))
        cursor.executemany(_NEWER, changes)
        for part in _parts([pk for pk, _row, _kept in newer]):
            of_these = f"order_id IN ({marks(len(part))})"
            for table in ("platforms_orderline", "platforms_orderraw"):
                cursor.execute(f"DELETE FROM {table} WHERE {of_these}", part)

    def _before(self, rows: Sequence[Row]) -> dict[tuple[int, str], tuple[Any, ...]]:
        found: dict[tuple[int, str], tuple[Any, ...]] = {}
        for part in _parts(rows):
            known = Order.objects.filter(
                tenant_id__in={row.tenant_id for row in part},
                store_id__in={row.key[0] for row in part},
                number__in=[row.key[1] for row in part],
            )
            for kept in known.values_list(*_BEFORE):
                found[kept[1], kept[2]] = kept
        return found

    def _people(self, pks: Sequence[int]) -> dict[int, tuple[Any, ...]]:
        return {
            row[0]: row[1:]
            for part in _parts(pks)
            for row in Order.objects.filter(pk__in=part).values_list("pk", *PERSONAL_COLUMNS)
        }

    def _last_id(self) -> int:
        """Ids are given out here, so that lines and payloads can be written without asking."""
        with connection.cursor() as cursor:
            cursor.execute("SELECT seq FROM sqlite_sequence WHERE name = 'platforms_order'")
            row = cursor.fetchone()
        return int(row[0]) if row else 0


def _plain(order: Sequence[Any]) -> list[Any]:
    """As Django keeps such values in SQLite."""
    values = list(order)
    values[len(KEY)] = values[len(KEY)].hex()
    for at in range(CHANGED_AT - 1, CHANGED_AT + 2):
        values[at] = values[at] and _moment(values[at])
    return values


def _moment(value: datetime) -> str:
    return str(value.astimezone(UTC).replace(tzinfo=None))


def _parts(rows: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for at in range(0, len(rows), AT_ONCE):
        yield rows[at : at + AT_ONCE]
