"""What is due to be pulled once a store is linked, and further back on request."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from platforms import registry
from platforms.models import Authorization, Lane, Stream
from tenants.models import Store


class OutOfReach(ValueError):
    """The platform does not answer for orders that old, or the window is empty."""


def start_streams(
    *, authorization: Authorization, new_stores: Sequence[Store], now: datetime
) -> None:
    """Make the stores' orders due from the start of their previous day. Safe to repeat."""
    adapter = registry.get(authorization.platform)
    if not adapter.pull_by_authorization:
        for store in new_stores:
            _standing(authorization, store, since=previous_day(store, now), now=now)
        return
    since = min((previous_day(store, now) for store in new_stores), default=now)
    _stream, created = _standing(authorization, None, since=since, now=now)
    if created:
        return
    for store in new_stores:
        # The common stream is past the previous day already: the newcomer catches up alone.
        _closed(authorization, store, Lane.LINK, since=previous_day(store, now), until=now)


def back_fill(*, store: Store, since: datetime, now: datetime) -> Stream:
    """Pull orders changed since `since` up to where the store's first pull began.

    Raises OutOfReach.
    """
    authorization = store.authorization
    if authorization is None:
        raise OutOfReach("the store is not linked")
    adapter = registry.get(store.platform)
    since = max(since, now - adapter.back_fill)
    until = now - adapter.lag
    if since >= until:
        raise OutOfReach("the window is empty")
    return _closed(authorization, store, Lane.BACK_FILL, since=since, until=until)


def catch_up(*, store: Store, since: datetime, now: datetime) -> None:
    """Pull what a common stream passed over while `store` was paused; a stream of its own simply
    goes on where it stopped."""
    authorization = store.authorization
    adapter = registry.get(store.platform)
    if authorization is not None and adapter.pull_by_authorization:
        _closed(authorization, store, Lane.LINK, since=since - adapter.overlap, until=now)


def previous_day(store: Store, now: datetime) -> datetime:
    """The start of yesterday in the store's own time zone."""
    local = now.astimezone(store.zone)
    return (local - timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)


def earliest(store: Store, now: datetime) -> datetime:
    """How far back the platform can be asked."""
    return now - registry.get(store.platform).back_fill


def _standing(
    authorization: Authorization, store: Store | None, *, since: datetime, now: datetime
) -> tuple[Stream, bool]:
    with transaction.atomic():
        # One standing stream per unit, whoever links at the same moment.
        Authorization.objects.select_for_update().get(pk=authorization.pk)
        stream = Stream.objects.standing().filter(authorization=authorization, store=store).first()
        if stream is not None:
            # One that ended when its store was unlinked goes on where it stopped.
            Stream.objects.filter(pk=stream.pk).update(
                due_at=now, finished_at=None, fault="", failures=0
            )
            return stream, False
        return (
            Stream.objects.create(
                tenant_id=authorization.tenant_id, authorization=authorization, store=store,
                lane=Lane.LINK, starts_at=since, watermark=since, due_at=now,
            ),
            True,
        )  # fmt: skip


def _closed(
    authorization: Authorization, store: Store, lane: Lane, *, since: datetime, until: datetime
) -> Stream:
    return Stream.objects.create(
        tenant_id=authorization.tenant_id, authorization=authorization, store=store, lane=lane,
        starts_at=since, watermark=since, ends_at=until, due_at=timezone.now(),
    )  # fmt: skip
