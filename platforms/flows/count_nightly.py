"""Asking for a count of every store, once a night by the store's own clock.

Their moments are spread over four hours. A store that cannot be asked then is counted later on
the same day, once it can. work_checks.py does the counting, after what people have asked for.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, Subquery, Window
from django.db.models.functions import Mod, RowNumber
from django.utils import timezone

from platforms import registry, tasks
from platforms.adapter import Adapter
from platforms.completeness import IS_OPEN
from platforms.data_checks.day_counts import DAY, midnight
from platforms.data_checks.nightly import NIGHTLY, UNDER_WAY
from platforms.health.condition import with_facts
from platforms.models import AuthorizationState, DataCheck, DayCount, Stream
from tenants.models import Store, StoreState, Tenant
from tenants.scope import all_tenants, tenant_scope

logger = logging.getLogger(__name__)

FIRST_HOUR = 1
MINUTES = 4 * 60  # in which all stores have their turn
STEP = 97  # without a common factor with MINUTES: neighbours are far apart
DAYS = 3
DAYS_WEEKLY = 14
MOST_WAITING = 200
TRIES = 3  # a night, where the platform does not answer
AGAIN_AFTER = timedelta(hours=2)
CHECKS_KEPT = timedelta(days=30)
DAYS_KEPT = timedelta(days=400)
FORGET_AT_ONCE = 5_000

State = DataCheck.State


@dataclass(frozen=True, kw_only=True)
class Night:
    """The night in which `day` began, in one time zone."""

    zone: ZoneInfo
    day: date
    minute: int  # since FIRST_HOUR

    @property
    def began(self) -> datetime:
        return midnight(self.day, self.zone)

    @property
    def whose(self) -> Q:
        """The stores that live in this zone."""
        key = self.zone.key
        return Q(time_zone=key) | Q(time_zone="", tenant__time_zone=key)


def ask_tonight(*, now: datetime, most: int = MOST_WAITING) -> int:
    """Ask for the counts of the stores whose moment has come, until `most` wait; how many. Any
    number of workers may run this at once: a store is asked for once."""
    with all_tenants("every tenant's stores are counted"):
        room = most - DataCheck.objects.filter(UNDER_WAY, NIGHTLY).count()
        due = _taking_turns(now, room) if room > 0 else []
    chosen: dict[tuple[int, Night], list[int]] = {}
    for tenant_id, night, store_id in due:
        chosen.setdefault((tenant_id, night), []).append(store_id)
    asked = 0
    for (tenant_id, night), store_ids in chosen.items():
        with tenant_scope(tenant_id), transaction.atomic():
            asked += _ask(tenant_id, night, store_ids, now=now)
    if asked:
        transaction.on_commit(tasks.kick_checks)
    return asked


def expire_counts(*, now: datetime) -> int:
    """Forget nightly checks after a month and counted days after a year; how many rows. Must run
    in a scope of all tenants; each run forgets some."""
    checks = DataCheck.objects.filter(NIGHTLY, created_at__lte=now - CHECKS_KEPT)
    old = checks.exclude(UNDER_WAY).values_list("pk", flat=True)[:FORGET_AT_ONCE]
    gone: int = DataCheck.objects.filter(pk__in=list(old)).delete()[0]
    days = DayCount.objects.filter(day__lte=(now - DAYS_KEPT).date())
    old = days.values_list("pk", flat=True)[:FORGET_AT_ONCE]
    return gone + int(DayCount.objects.filter(pk__in=list(old)).delete()[0])


def _taking_turns(now: datetime, room: int) -> list[tuple[int, Night, int]]:
    """Up to `room` of (tenant, night, store), one of each tenant before a second of any."""
    found: list[tuple[int, int, int, Night]] = []
    for night in _nights(now):
        turn = Window(RowNumber(), partition_by=F("tenant_id"), order_by=F("pk").asc())
        rows = _due(night, now=now).annotate(turn=turn).order_by("turn", "pk")
        found += [
            (turn, store_id, tenant_id, night)
            for turn, store_id, tenant_id in rows.values_list("turn", "pk", "tenant_id")[:room]
        ]
    found.sort(key=lambda each: each[:2])
    return [(tenant_id, night, store_id) for _turn, store_id, tenant_id, night in found[:room]]


def _nights(now: datetime) -> Iterator[Night]:
    """Tonight in every time zone that has stores and in which it is late enough."""
    active = Store.objects.filter(state=StoreState.ACTIVE).order_by()
    pairs = active.values_list("time_zone", "tenant__time_zone").distinct()
    for name in sorted({own or tenants for own, tenants in pairs}):
        try:
            zone = ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError):
            logger.error("counts.unknown_zone", extra={"zone": name})
            continue
        local = timezone.localtime(now, zone)
        if local.hour >= FIRST_HOUR:
            minute = (local.hour - FIRST_HOUR) * 60 + local.minute
            yield Night(zone=zone, day=local.date(), minute=minute)


def _due(night: Night, *, now: datetime) -> Any:
    """The stores of a night whose moment has come and that can be asked: linked before it, all
    well, and pulled up to its beginning, so that nothing is missed that is only on its way."""
    tonight = _tonight(night)
    open_check = DataCheck.objects.filter(UNDER_WAY, store=OuterRef("pk"))
    stores = Store.objects.filter(
        night.whose,
        state=StoreState.ACTIVE,
        authorization__state=AuthorizationState.ACTIVE,
        platform__in=_askable(),
        linked_at__lt=night.began,
    )
    return (
        with_facts(stores)
        .filter(fault_now="", watermark__gte=night.began)
        .alias(moment=Mod(F("pk") * STEP, MINUTES))
        .filter(moment__lte=night.minute)
        .exclude(Exists(open_check))
        .exclude(Exists(tonight.filter(state=State.DONE)))
        .exclude(Exists(tonight.filter(created_at__gt=now - AGAIN_AFTER)))
        .exclude(Exists(tonight[TRIES - 1 : TRIES]))
    )


def _tonight(night: Night) -> Any:
    """A store's counts of this night so far."""
    counts = DataCheck.objects.filter(NIGHTLY, store=OuterRef("pk"), created_at__gte=night.began)
    return counts.order_by("pk")


def _still_open(night: Night) -> Any:
    """A store's days with orders missing or out of date, the oldest first."""
    first = night.day - DAYS_WEEKLY * DAY
    days = DayCount.objects.filter(IS_OPEN, store=OuterRef("pk"), day__gte=first)
    return days.order_by("day")


def _askable() -> list[str]:
    return [
        adapter.code
        for adapter in registry.all_adapters()
        if type(adapter).fetch_orders is not Adapter.fetch_orders
    ]


def _ask(tenant_id: int, night: Night, store_ids: list[int], *, now: datetime) -> int:
    # One pump at a time for each tenant: the later one sees what the earlier one has asked for.
    Tenant.objects.select_for_update(no_key=True).get(pk=tenant_id)
    streams = Stream.objects.filter(authorization=OuterRef("authorization")).filter(
        Q(store=OuterRef("pk")) | Q(store=None)
    )
    pulled = streams.exclude(ends_at__isnull=False, finished_at=None).order_by("starts_at")
    stores = _due(night, now=now).filter(pk__in=store_ids)
    checks = [
        DataCheck(
            tenant_id=tenant_id, store=store, kind=DataCheck.Kind.COUNTS, created_at=now,
            asked={"since": since.isoformat(), "until": night.began.isoformat(), "nightly": True},
        )
        for store in stores.annotate(
            begun=Subquery(pulled.values("starts_at")[:1]),
            open_since=Subquery(_still_open(night).values("day")[:1]),
            tried=Exists(_tonight(night)),
        )
        if (since := _since(store, night, now=now)) < night.began
    ]  # fmt: skip
    # Somebody may ask for a check of the same store at this moment: that one is done instead.
    DataCheck.objects.bulk_create(checks, ignore_conflicts=True)
    return len(checks)


def _since(store: Any, night: Night, *, now: datetime) -> datetime:
    """The first midnight of the days to count. Days before our pulls began are not missed, and
    beyond its reach the platform has no answer."""
    weekly = (night.day.toordinal() + store.pk) % 7 == 0
    day = night.day - (DAYS_WEEKLY if weekly else DAYS) * DAY
    if store.open_since:  # what could not be put right is tried again night by night
        day = min(day, store.open_since)
    if store.tried:  # what many days were too much for must not cost the last ones their count
        day = night.day - DAYS * DAY
    reach = max(store.begun or now, now - registry.get(store.platform).back_fill)
    while midnight(day, night.zone) < min(reach, night.began):
        day += DAY
    return midnight(day, night.zone)
