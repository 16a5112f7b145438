"""What is wrong now, since when, and whose fault it looks like; every minute, over all tenants.

Two queries find all stores that are not well. From them first follow the outages ("it is not
you"), then the troubles that people are told about, then what ends soon.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import models

from platforms.flows import watch_outages, watch_troubles
from platforms.flows.watch_expiries import suggest_checks, tell_expiries
from platforms.flows.watch_facts import patients
from platforms.models import Outage, TimelineEntry, Trouble
from tenants.scope import all_tenants

TIMELINE_KEPT = timedelta(days=180)
TROUBLES_KEPT = timedelta(days=400)  # so that a year can be looked back on
BATCH = 5_000


def work(*, now: datetime, limit: int = 2_000) -> int:
    """Bring troubles, outages and notices up to `now` (aware UTC); how many things were told or
    changed, of which there may be more if it is `limit` at least.

    Safe to repeat, and to run by any number of workers at once. Not inside a transaction: each
    thing is one of its own. Raises ExceptionGroup, after all the rest was done, if single
    stores could not be.
    """
    bugs: list[Exception] = []
    with all_tenants("one look at all stores that are not well"):
        found = patients(now=now)
        outages = watch_outages.settle(found, now=now)
        done = watch_troubles.settle(found, outages, now=now, limit=limit, bugs=bugs)
        done += tell_expiries(now=now, limit=limit, bugs=bugs)
        done += suggest_checks(now=now, limit=limit, bugs=bugs)
    if bugs:
        raise ExceptionGroup("some stores could not be watched", bugs)
    return done


def expire_watching(*, now: datetime) -> int:
    """Forget old lines of timelines, and troubles and outages long over; how many rows. Must run
    in a scope of all tenants."""
    old = now - TROUBLES_KEPT
    return sum(
        _delete(rows)
        for rows in (
            TimelineEntry.objects.filter(last_at__lte=now - TIMELINE_KEPT),
            Trouble.objects.filter(ended_at__lte=old),
            Outage.objects.filter(ended_at__lte=old),
        )
    )


def _delete(rows: models.QuerySet[models.Model]) -> int:
    batch = rows.order_by("pk").values_list("pk", flat=True)[:BATCH]
    return rows.model._default_manager.filter(pk__in=list(batch)).delete()[0]
