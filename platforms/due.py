"""The statements that find what is due and lease it. By hand: the ORM takes longer to put them
together than the database to answer them, and any number of workers asks all the time."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any

from django.db import connection

from tenants.current import ALL, current_tenant_id

Statement = tuple[str, list[Any]]  # and its parameters


def find_streams(
    kind: str,
    most: Mapping[int, int],
    *,
    now: datetime,
    skip_platforms: Collection[str] = (),
    ahead_of: Mapping[int, datetime] = MappingProxyType({}),
) -> Statement:
    """The due streams of the present scope, up to `most[lane]` of each lane, and where there is an
    `ahead_of[lane]` only those that have got as far as that; on PostgreSQL locked but for those
    that another is just claiming."""
    found = [
        _streams_of_lane(kind, lane, limit, now, skip_platforms, ahead_of.get(lane))
        for lane, limit in most.items()
    ]
    return " UNION ALL ".join(sql for sql, _ in found), [each for _, more in found for each in more]


def _streams_of_lane(
    kind: str, lane: int, limit: int, now: datetime, skip: Collection[str], since: datetime | None
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
            WHERE a.id = authorization_id AND a.platform IN ({_marks(skip)}))"""
        values += skip
    sql += " ORDER BY due_at LIMIT %s"
    return f"{sql} {_locked()}) AS one_lane", _adapted([*values, limit])


def lease_streams(pks: Collection[int], *, until: datetime) -> Statement:
    sql = f"""
        UPDATE platforms_stream SET fence = fence + 1, leased_until = %s, due_at = %s
        WHERE id IN ({_marks(pks)})"""
    return sql, _adapted([until, until, *pks])


def find_authorizations(
    states: Sequence[str], limit: int, *, now: datetime, skip_platforms: Collection[str] = ()
) -> Statement:
    """The authorizations in one of `states` that are due for a refresh: of each tenant at each
    platform the first, then of each the second. Locked as streams are; what another has refreshed
    while we came to lock it is left out. For a scope of all tenants."""
    is_due = f"state IN ({_marks(states)}) AND refresh_due_at <= %s"
    is_due += " AND (leased_until IS NULL OR leased_until <= %s)"
    values = [*states, now, now]
    skip = f"AND platform NOT IN ({_marks(skip_platforms)})" if skip_platforms else ""
    sql = f"""
        SELECT * FROM platforms_authorization WHERE {is_due} AND id IN (
            SELECT id FROM (
                SELECT id, refresh_due_at, row_number() OVER (
                    PARTITION BY tenant_id, platform ORDER BY refresh_due_at
                ) AS turn
                FROM platforms_authorization WHERE {is_due} {skip}
            ) AS due ORDER BY turn, refresh_due_at LIMIT %s
        ) {_locked()}"""
    return sql, _adapted([*values, *values, *skip_platforms, limit])


def lease_authorizations(pks: Collection[int], *, now: datetime, until: datetime) -> Statement:
    sql = f"""
        UPDATE platforms_authorization
        SET fence = fence + 1, leased_until = %s, in_flight_since = %s
        WHERE id IN ({_marks(pks)})"""
    return sql, _adapted([until, now, *pks])


def _locked() -> str:
    can_skip = connection.features.has_select_for_update_skip_locked
    return "FOR UPDATE SKIP LOCKED" if can_skip else ""


def _marks(values: Collection[object]) -> str:
    return ", ".join(["%s"] * len(values))


def _adapted(values: Collection[Any]) -> list[Any]:
    moment = connection.ops.adapt_datetimefield_value
    return [moment(each) if isinstance(each, datetime) else each for each in values]
