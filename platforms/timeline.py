"""Writing down what happens to authorizations and stores, for people to read later."""

from __future__ import annotations

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
