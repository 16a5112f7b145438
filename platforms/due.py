"""The statements that find what is due and lease it. By hand: the ORM takes longer to put them
together than the database to answer them, and any number of workers asks all the time."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from django.db import connection

from platforms.statements import adapted, marks
from tenants.current import ALL, current_tenant_id

Statement = tuple[str, list[Any]]  # and its parameters
# Its number, how many streams of it, and how far these must have got.
Lane = tuple[int, int, datetime | None]


def find_streams(
    kind: str, lanes: Sequence[Lane], *, now: datetime, skip_platforms: Collection[str] = ()
) -> Statement:
    """The due streams of the present scope, lane by lane; on PostgreSQL locked but for those that
    another is just claiming."""
    found = [_streams_of_lane(kind, *lane, now, skip_platforms) for lane in lanes]
    return " UNION ALL ".join(sql for sql, _ in found), [each for _, more in found for each in more]


def _streams_of_lane(
    kind: str, lane: int, limit: int, since: datetime | None, now: datetime, skip: Collection[str]
) -> Statement:
    """A lane at a time: taken together, the index would not give them in order of due time."""
    sql = """SELECT * FROM (SELECT * FROM platforms_stream
        WHERE kind = %s AND lane = %s AND due_at <= %s AND finished_at IS NULL
            AND (leased_until IS NULL OR leased_until <= %s)"""
    values: list[Any] = [kind, lane, now, now]
    if (tenant_id := current_tenant_id()) != ALL:
        sql += " AND tenant_id = %s"
        values.append(tenant_id)
    if since is not None:
        sql += " AND watermark >= %s"
        values.append(since)
    if skip:
        sql += f""" AND NOT EXISTS (SELECT 1 FROM platforms_authorization AS a
            WHERE a.id = authorization_id AND a.platform IN ({marks(len(skip))}))"""
        values += skip
    sql += " ORDER BY due_at LIMIT %s"
    return f"{sql} {_locked()}) AS one_lane", adapted([*values, limit])


def lease_streams(pks: Collection[int], *, until: datetime) -> None:
    _lease("platforms_stream", pks, leased_until=until, due_at=until)


def find_authorizations(
    states: Sequence[str], limit: int, *, now: datetime, skip_platforms: Collection[str] = ()
) -> Statement:
    """The authorizations in one of `states` that are due for a refresh: of each tenant at each
    platform the first, then of each the second. Locked as streams are; what another has refreshed
    while we came to lock it is left out. For a scope of all tenants."""
    is_due = f"state IN ({marks(len(states))}) AND refresh_due_at <= %s"
    is_due += " AND (leased_until IS NULL OR leased_until <= %s)"
    values = [*states, now, now]
    skip = f"AND platform NOT IN ({marks(len(skip_platforms))})" if skip_platforms else ""
    sql = f"""
        SELECT * FROM platforms_authorization WHERE {is_due} AND id IN (
            SELECT id FROM (
                SELECT id, refresh_due_at, row_number() OVER (
                    PARTITION BY tenant_id, platform ORDER BY refresh_due_at
                ) AS turn
                FROM platforms_authorization WHERE {is_due} {skip}
            ) AS due ORDER BY turn, refresh_due_at LIMIT %s
        ) {_locked()}"""
    return sql, adapted([*values, *values, *skip_platforms, limit])


def lease_authorizations(pks: Collection[int], *, now: datetime, until: datetime) -> None:
    _lease("platforms_authorization", pks, leased_until=until, in_flight_since=now)


def _lease(table: str, pks: Collection[int], **times: datetime) -> None:
    if not pks:
        return
    sets = ", ".join(f"{name} = %s" for name in times)
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {table} SET fence = fence + 1, {sets} WHERE id IN ({marks(len(pks))})",
            adapted([*times.values(), *pks]),
        )


def _locked() -> str:
    can_skip = connection.features.has_select_for_update_skip_locked
    return "FOR UPDATE SKIP LOCKED" if can_skip else ""
