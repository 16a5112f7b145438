"""Writing down what happens to authorizations and stores, for people to read later."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from django.db.models import F

from platforms.models import Authorization, Moment, TimelineEntry
from tenants.models import Store

# These come often: one line a day tells of them, with a count.
OFTEN = {Moment.REFRESHED, Moment.NOT_REFRESHED, Moment.REFUSED, Moment.THROTTLED}
ONE_LINE = timedelta(days=1)


def note(
    *,
    authorization: Authorization,
    moment: Moment,
    now: datetime,
    store: Store | None = None,
    fault: str = "",
    detail: str = "",
) -> None:
    """Add a line to the timeline of `authorization`, or count it to the line of the same thing
    that began less than a day ago. Must run in the tenant's scope; `detail` must be safe to show.
    """
    if moment in OFTEN:
        same = TimelineEntry.objects.filter(
            authorization=authorization, store=store, moment=moment, fault=fault,
            first_at__gt=now - ONE_LINE,
        )  # fmt: skip
        if same.update(count=F("count") + 1, last_at=now, detail=detail[:300]):
            return
    TimelineEntry.objects.create(
        tenant_id=authorization.tenant_id, authorization=authorization, store=store,
        moment=moment, fault=fault, detail=detail[:300], first_at=now, last_at=now,
    )  # fmt: skip


def note_refreshed(authorizations: Mapping[int, int], *, now: datetime) -> None:
    """Count a refresh for each authorization (id -> tenant id); in a scope of all tenants."""
    today = TimelineEntry.objects.filter(
        authorization_id__in=authorizations, store=None, moment=Moment.REFRESHED, fault="",
        first_at__gt=now - ONE_LINE,
    )  # fmt: skip
    known = set(today.values_list("authorization_id", flat=True))
    today.update(count=F("count") + 1, last_at=now)
    TimelineEntry.objects.bulk_create(
        TimelineEntry(
            tenant_id=tenant_id, authorization_id=pk, moment=Moment.REFRESHED,
            first_at=now, last_at=now,
        )
        for pk, tenant_id in authorizations.items()
        if pk not in known
    )  # fmt: skip
