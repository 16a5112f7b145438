"""Counts over all stores of all tenants: aggregates only, in a fixed number of queries.

Calls by the hour are not counted here: their rows are found by authorization only, and a sum
over all of them would read weeks of them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Case, Count, F, FilteredRelation, Min, OuterRef, Q, Subquery, When
from django.db.models.functions import Coalesce

from platforms.admin.conditions import (
    APPS,
    CHECKS,
    PUSHES,
    RECENT,
    REFRESHES,
    ROBOTS,
    SENDINGS,
    STREAMS,
    Conditions,
)
from platforms.models import (
    App,
    Authorization,
    AuthorizationState,
    ChatRobot,
    DataCheck,
    Delivery,
    LinkAttempt,
    Moment,
    Outage,
    PushState,
    Sending,
    Step,
    Stream,
    TimelineEntry,
    Trouble,
)
from tenants.models import Store, StoreState

OWN_APPS_SHOWN = 20
OUTAGES_SHOWN = 50


@dataclass(kw_only=True)
class States:
    """Stores by how they stand; `attempts` are linkings under way, which are no stores yet."""

    working: int = 0
    trouble: int = 0  # active, and a trouble is open
    needs_relink: int = 0
    paused: int = 0
    attempts: int = 0

    @property
    def stores(self) -> int:
        return self.working + self.trouble + self.needs_relink + self.paused


@dataclass(kw_only=True)
class Opened:
    """Stores that applications open, and how many of them have an open trouble."""

    stores: int = 0
    failing: int = 0

    @property
    def share(self) -> int | None:
        """In per cent, rounded up: 0 is said only where nothing fails. None without stores."""
        return -(-self.failing * 100 // self.stores) if self.stores else None


@dataclass(kw_only=True)
class AppLine(Opened):
    app: App


@dataclass(kw_only=True)
class OwnApps(Opened):
    """All applications that tenants brought along to one platform."""

    platform: str
    apps: int
    over: int  # whose secret has ended
    soon: int


@dataclass(frozen=True, kw_only=True)
class FaultLine:
    fault: str
    stores: int
    tenants: int
    since: datetime


@dataclass(frozen=True, kw_only=True)
class Fleet:
    """Dicts are by the names in platforms/admin/conditions.py."""

    at: datetime
    platforms: Mapping[str, States]
    total: States
    our_apps: Sequence[AppLine]
    own_apps: Sequence[OwnApps]
    own_apps_to_see: Sequence[AppLine]
    faults: Sequence[FaultLine]
    outages: Sequence[Outage]
    refresh: Mapping[str, int]
    refused: int  # authorizations whose refresh failed in the last hour
    push_setup: Mapping[str, int]
    streams: Mapping[int, Mapping[str, int]]  # by lane
    sendings: Mapping[str, int]
    robots: Mapping[str, int]
    checks: Mapping[str, int]
    pushes: Mapping[str, int]


def count(*, now: datetime) -> Fleet:
    """Must run in a scope of all tenants."""
    platforms, apps, own = _stores()
    for platform, attempts in _attempts():
        platforms[platform].attempts = attempts
    grants = _grants(now)
    total = States(
        **{
            name: sum(getattr(each, name) for each in platforms.values())
            for name in ("working", "trouble", "needs_relink", "paused", "attempts")
        }
    )
    return Fleet(
        at=now,
        platforms=dict(sorted(platforms.items())),
        total=total,
        our_apps=_our_apps(apps),
        own_apps=_own_apps(own, now),
        own_apps_to_see=_own_apps_to_see(now),
        faults=_faults(),
        outages=list(Outage.objects.filter(ended_at=None).order_by("since")[:OUTAGES_SHOWN]),
        refresh={name: grants[name] for name in REFRESHES},
        refused=_refused(now),
        push_setup={state: grants[f"pushes_{state}"] for state in _PUSH_SETUP},
        streams=_streams(now),
        sendings=_sendings(now),
        robots=_of(ChatRobot.objects, ROBOTS, now),
        checks=_of(
            DataCheck.objects.filter(state__in=["waiting", "running"]), CHECKS, now
        ),
        pushes=_of(Delivery.objects, PUSHES, now),
    )  # fmt: skip


_PUSH_SETUP = (PushState.FAILED.value, PushState.REFUSED.value)
Counted = tuple[dict[str, States], dict[int, list[int]], dict[str, list[int]]]


def _stores() -> Counted:
    """By platform; of our applications stores and failing ones; the same of tenants' own ones
    by platform. One query over all stores and their open troubles, of which each has one."""
    app = "authorization__app"
    rows = (
        Store.objects.linked()
        .alias(trouble=FilteredRelation("troubles", condition=Q(troubles__ended_at=None)))
        .annotate(
            ours=Case(When(**{f"{app}__tenant": None}, then=F(f"{app}_id"))),
            own=Case(When(**{f"{app}__tenant__isnull": False}, then=1), default=0),
        )
        .order_by()
        .values_list("platform", "state", "ours", "own")
        .annotate(stores=Count("pk"), failing=Count("trouble__pk"))
    )
    platforms: dict[str, States] = defaultdict(States)
    apps: dict[int, list[int]] = defaultdict(lambda: [0, 0])
    owned: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for platform, state, ours, own, stores, failing in rows:
        line = platforms[platform]
        if state == StoreState.ACTIVE:
            line.working += stores - failing
            line.trouble += failing
        elif state == StoreState.NEEDS_RELINK:
            line.needs_relink += stores
        else:
            line.paused += stores
        for sums in ([apps[ours]] if ours else []) + ([owned[platform]] if own else []):
            sums[0] += stores
            sums[1] += failing
    return platforms, apps, owned


def _attempts() -> Any:
    under_way = LinkAttempt.objects.exclude(step__in=[Step.DONE, Step.CANCELLED])
    return under_way.order_by().values_list("platform").annotate(Count("pk"))


def _our_apps(counted: Mapping[int, Sequence[int]]) -> list[AppLine]:
    apps = App.objects.filter(tenant=None).order_by("platform", "environment", "region", "pk")
    lines = [AppLine(app=app) for app in apps]
    for line in lines:
        line.stores, line.failing = counted.get(line.app.pk, (0, 0))
    return [line for line in lines if line.app.active or line.stores]


def _own_apps(counted: Mapping[str, Sequence[int]], now: datetime) -> list[OwnApps]:
    rows: Any = (
        App.objects.filter(tenant__isnull=False)
        .order_by("platform")
        .values("platform")
        .annotate(apps=Count("pk"), **_counts(APPS, now))
    )
    lines = [OwnApps(**row) for row in rows]
    for line in lines:
        line.stores, line.failing = counted.get(line.platform, (0, 0))
    return lines


def _own_apps_to_see(now: datetime) -> list[AppLine]:
    """Of the tenants' own applications those whose secret ends first and those with the most
    troubles."""
    app = "authorization__app"
    stores = Store.objects.linked().order_by()
    failing = stores.filter(troubles__in=Trouble.objects.filter(ended_at=None))
    worst = (
        failing.filter(**{f"{app}__tenant__isnull": False})
        .values_list(app)
        .annotate(n=Count("pk"))
        .order_by("-n", app)[: OWN_APPS_SHOWN // 2]
    )
    ending = APPS["over"].rows(now) | APPS["soon"].rows(now)
    apps = App.objects.filter(Q(pk__in=dict(worst)) | Q(ending, tenant__isnull=False))

    def how_many(rows: Any) -> Coalesce:
        of_app = rows.filter(**{app: OuterRef("pk")}).values(app)
        return Coalesce(Subquery(of_app.annotate(n=Count("pk")).values("n")), 0)

    rows = apps.select_related("tenant").order_by(
        F("secret_expires_at").asc(nulls_last=True), "pk"
    )[:OWN_APPS_SHOWN]
    counted = rows.annotate(stores=how_many(stores), failing=how_many(failing))
    return [AppLine(app=each, stores=each.stores, failing=each.failing) for each in counted]


def _faults() -> list[FaultLine]:
    rows = (
        Trouble.objects.filter(ended_at=None)
        .order_by()
        .values("fault")
        .annotate(stores=Count("pk"), tenants=Count("tenant", distinct=True), since=Min("began_at"))
        .order_by("-stores", "fault")
    )
    return [FaultLine(**row) for row in rows]


def _grants(now: datetime) -> dict[str, int]:
    active = Q(state=AuthorizationState.ACTIVE)
    setup = {
        f"pushes_{state}": Count("pk", filter=active & Q(pushes=state)) for state in _PUSH_SETUP
    }
    found: dict[str, int] = Authorization.objects.aggregate(**_counts(REFRESHES, now), **setup)
    return found


def _refused(now: datetime) -> int:
    """By the index on time. A day's line of the same thing is told once."""
    lines = TimelineEntry.objects.filter(moment=Moment.NOT_REFRESHED, last_at__gte=now - RECENT)
    return int(lines.count())


def _streams(now: datetime) -> dict[int, dict[str, int]]:
    rows = (
        Stream.objects.filter(finished_at=None)
        .order_by("lane")
        .values("lane")
        .annotate(**_counts(STREAMS, now))
    )
    return {row.pop("lane"): row for row in rows}


def _sendings(now: datetime) -> dict[str, int]:
    """In two queries: what waits has an index, what was given up is looked for by its notices."""
    waiting = {name: each for name, each in SENDINGS.items() if name != "given_up"}
    given_up = {"given_up": SENDINGS["given_up"]}
    return _of(Sending.objects.filter(state="waiting"), waiting, now) | _of(
        Sending.objects.filter(state="given_up"), given_up, now
    )


def _of(rows: Any, conditions: Conditions, now: datetime) -> dict[str, int]:
    found: dict[str, int] = rows.aggregate(**_counts(conditions, now))
    return found


def _counts(conditions: Conditions, now: datetime) -> dict[str, Count]:
    return {name: Count("pk", filter=each.rows(now)) for name, each in conditions.items()}
