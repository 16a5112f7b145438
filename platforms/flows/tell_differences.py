"""Telling people of days that a store's counts leave with orders missing or out of date.

Called where a count ends, in the transaction that writes down its days: who lost the check to
another worker tells nothing, and a store has one count at a time. So there is one notice, however
many workers there are. What is told is kept in the notices themselves.
"""

from __future__ import annotations

import logging
from datetime import date, datetime, timedelta

from platforms.completeness import HEALTH_DAYS, IS_OPEN
from platforms.data_checks.day_counts import COUNTED, figures_of
from platforms.data_checks.nightly import NIGHTLY, is_nightly
from platforms.flows.announce import announce
from platforms.models import DataCheck, DayCount, Notice, Occasion
from platforms.notices.about_orders import BROKE, healed_key
from tenants.models import Store, StoreState

logger = logging.getLogger(__name__)

Figures = dict[str, int]  # by COUNTED


def tell_differences(*, check: DataCheck, now: datetime) -> bool:
    """Announce what the finished count `check` means for its store: days that stay different, or
    that all of them match again; True if something was. Call in the tenant's scope, in the
    transaction that ends the check, after its days are noted.

    A count that a person asked for may tell that all is well again, and never that it is not:
    they are looking at it.
    """
    store = Store.objects.select_related("authorization").get(pk=check.store_id)
    if store.state != StoreState.ACTIVE:  # paused or unlinked while it was counted
        return False
    counted_from = now.date() - timedelta(days=HEALTH_DAYS)
    told = _told(store)
    if told is not None:
        days = [date.fromisoformat(day) for day in told.data["dates"]]
        if not _is_open(store, since=min(counted_from, *days)):
            return _tell_healed(store, told, now=now)
        # One notice while it stays. When none of the days it speaks of is counted any more, other
        # days that stay different are news.
        if max(days) >= counted_from:
            return False
    if not is_nightly(check):
        return False
    stayed = {day: row for day, row in _stayed(check, now=now).items() if day >= counted_from}
    return bool(stayed) and _tell_differs(store, check, stayed, now=now)


def _told(store: Store) -> Notice | None:
    """The newest notice of differences, unless they were told to be over."""
    notices = Notice.objects.filter(store=store)
    newest: Notice | None = notices.filter(key__startswith=BROKE).order_by("-pk").first()
    if newest is None or notices.filter(key=healed_key(newest.key)).exists():
        return None
    return newest


def _is_open(store: Store, *, since: date) -> bool:
    """Whether an order of these days is missing or out of date, as far as was counted."""
    return DayCount.objects.filter(IS_OPEN, store=store, day__gte=since).exists()


def _stayed(check: DataCheck, *, now: datetime) -> dict[date, Figures]:
    """The days that this nightly count and the one before it both left open.

    Once is no news: a pull that a platform's limit holds up goes on after the count has ended,
    and some lists come round later than the order. Both are over by the next night. The same day
    twice in a row is what pulling again does not mend; two nights with other days are not.
    """
    before = (
        DataCheck.objects.filter(
            NIGHTLY, store=check.store_id, state=DataCheck.State.DONE, pk__lt=check.pk
        )
        .order_by("-pk")
        .first()
    )
    if before is None:
        return {}
    earlier = _left_open(before, now=before.finished_at or now)
    return {day: row for day, row in _left_open(check, now=now).items() if day in earlier}


def _left_open(check: DataCheck, *, now: datetime) -> dict[date, Figures]:
    days = {
        day: dict(zip(COUNTED, row, strict=True))
        for day, row in figures_of(check, now=now).items()
    }  # fmt: skip
    return {day: row for day, row in days.items() if _open(row) > 0}


def _open(row: Figures) -> int:
    return row["missing"] + row["different"] - row["healed"]


def _tell_differs(
    store: Store, check: DataCheck, stayed: dict[date, Figures], *, now: datetime
) -> bool:
    data: dict[str, object] = {
        "what": "orders",
        "dates": [day.isoformat() for day in sorted(stayed)],
        "open": sum(_open(row) for row in stayed.values()),
        "extra": sum(row["extra"] for row in stayed.values()),
    }
    logger.info("counts.differ", extra={"store_id": store.pk, "days": len(stayed)})
    return announce(
        tenant_id=store.tenant_id, occasion=Occasion.BROKE, key=f"{BROKE}{check.public_id}",
        now=now, store=store, authorization=store.authorization, data=data,
    )  # fmt: skip


def _tell_healed(store: Store, told: Notice, *, now: datetime) -> bool:
    logger.info("counts.match", extra={"store_id": store.pk})
    return announce(
        tenant_id=store.tenant_id, occasion=Occasion.HEALED, key=healed_key(told.key), now=now,
        store=store, authorization=store.authorization,
        data={"what": "orders", "dates": told.data["dates"]},
    )  # fmt: skip
