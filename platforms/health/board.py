"""The stores of one reader by how they are: filtered, counted and sorted in the database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from django.db.models import Count, F, Value
from django.db.models.functions import Coalesce, Lower, NullIf
from django.utils.translation import gettext_lazy

from platforms import health, registry
from platforms.errors import Fault
from platforms.health import Outages, StoreHealth
from platforms.health.condition import (
    GROUPS,
    Condition,
    Group,
    rank_of,
    with_condition,
)
from platforms.models import Outage
from platforms.spec import Text
from tenants.models import Store, StoreState
from tenants.scope import TenantQuerySet

PAGE_SIZE = 50


class Sort(StrEnum):
    WORST = "worst"
    NAME = "name"
    EXPIRY = "expiry"
    LAG = "lag"


SORT_WORDS: Mapping[Sort, Text] = {
    Sort.WORST: gettext_lazy("Worst first"),
    Sort.NAME: gettext_lazy("Name"),
    Sort.EXPIRY: gettext_lazy("What ends first"),
    Sort.LAG: gettext_lazy("Furthest behind"),
}
_BY_NAME = (F("display_or_account").asc(), "platform", "site", "pk")
_ORDER: Mapping[Sort, tuple[Any, ...]] = {
    Sort.WORST: ("rank", F("ends_at").asc(nulls_last=True)),
    Sort.NAME: (),
    Sort.EXPIRY: (F("ends_at").asc(nulls_last=True),),
    Sort.LAG: (F("watermark").asc(nulls_last=True),),
}


@dataclass(frozen=True, kw_only=True)
class Filters:
    """What a reader asked for; "" and None mean everything."""

    group: Group | None = None
    platform: str = ""
    fault: str = ""
    text: str = ""
    sort: Sort = Sort.WORST

    @classmethod
    def read(cls, params: Mapping[str, str]) -> Filters:
        """From an address. What nobody knows is left out: an old bookmark shows more, not less."""
        group, sort = params.get("state", ""), params.get("sort", "")
        platform, fault = params.get("platform", ""), params.get("fault", "")
        return cls(
            group=Group(group) if group in list(Group) else None,
            platform=platform if platform in registry.codes() else "",
            fault=fault if fault in list(Fault) else "",
            # PostgreSQL takes no NUL in a text.
            text=params.get("q", "").replace("\0", "").strip()[:100],
            sort=Sort(sort) if sort in list(Sort) else Sort.WORST,
        )

    @property
    def narrow(self) -> bool:
        return bool(self.group or self.platform or self.fault or self.text)

    def as_params(self, **instead: str) -> dict[str, str]:
        """For an address; defaults are left out."""
        params = {
            "state": str(self.group or ""),
            "platform": self.platform,
            "fault": self.fault,
            "q": self.text,
            "sort": "" if self.sort == Sort.WORST else str(self.sort),
        } | instead
        return {name: value for name, value in params.items() if value}


@dataclass(frozen=True, kw_only=True)
class Counts:
    """How many stores each choice would show, the other choices staying as they are."""

    groups: Mapping[Group, int]
    platforms: Mapping[str, int]
    faults: Mapping[str, int]
    everything: int  # of any group
    shown: int


@dataclass(frozen=True, kw_only=True)
class Board:
    rows: list[StoreHealth]
    counts: Counts
    page: int  # the first is 1
    pages: int


def board(
    stores: TenantQuerySet[Store], *, filters: Filters, page: int, outages: Outages, now: datetime
) -> Board:
    """One page of `stores` (those the reader may know of). A fixed number of queries; a page
    beyond the last is the last."""
    linked = stores.exclude(state=StoreState.UNLINKED)
    if filters.text:
        linked = linked.search(filters.text)  # type: ignore[attr-defined]
    known = with_condition(linked, now=now, outages=outages.keys())
    counts = _counts(known, filters)
    pages = max(1, -(-counts.shown // PAGE_SIZE))
    page = min(max(1, page), pages)
    first = (page - 1) * PAGE_SIZE
    found = _sorted(_narrowed(known, filters), filters.sort)[first : first + PAGE_SIZE]
    rows = _whole(stores, found) if counts.shown else []
    return Board(
        rows=health.of_stores(rows, now=now, strips=True, outages=outages),
        counts=counts,
        page=page,
        pages=pages,
    )


@dataclass(frozen=True, kw_only=True)
class Problems:
    """The worst of what a reader has to do something about, and how many more there are."""

    counts: Counts
    seller: list[StoreHealth]
    ending: list[StoreHealth]

    @property
    def more_seller(self) -> int:
        return self.counts.groups[Group.SELLER] - len(self.seller)

    @property
    def more_ending(self) -> int:
        return self.counts.groups[Group.ENDS] - len(self.ending)


def problems(
    stores: TenantQuerySet[Store], *, outages: Outages, now: datetime, most: int = 3
) -> Problems:
    """At most `most` of each kind. A fixed number of queries."""
    known = with_condition(
        stores.exclude(state=StoreState.UNLINKED), now=now, outages=outages.keys()
    )
    rows: list[Store] = []
    counts = _counts(known, Filters())
    for group in (Group.SELLER, Group.ENDS):
        if counts.groups[group]:
            found = _narrowed(known, Filters(group=group))
            rows += _whole(stores, _sorted(found, Sort.WORST)[:most])
    every = health.of_stores(rows, now=now, outages=outages) if rows else []
    return Problems(
        counts=counts,
        seller=[each for each in every if each.condition in GROUPS[Group.SELLER]],
        ending=[each for each in every if each.condition in GROUPS[Group.ENDS]],
    )


def concerning(stores: TenantQuerySet[Store], outages: Outages) -> list[Outage]:
    """The outages of platforms that `stores` are at, the oldest first."""
    if not outages:
        return []
    linked = stores.exclude(state=StoreState.UNLINKED).order_by()
    platforms = set(linked.values_list("platform", flat=True).distinct())
    found = [outage for outage in outages.values() if outage.platform in platforms]
    return sorted(found, key=lambda outage: (outage.since, outage.platform))


def _counts(known: Any, filters: Filters) -> Counts:
    """One query over all stores that the text leaves; the choices are counted from its groups."""
    groups: dict[Group, int] = dict.fromkeys(Group, 0)
    platforms: dict[str, int] = {}
    faults: dict[str, int] = {}
    everything = shown = 0
    rows = known.order_by().values_list("platform", "rank", "fault_now").annotate(n=Count("pk"))
    for platform, rank, fault, n in rows:
        group = _group_of(list(Condition)[rank])
        right_platform = filters.platform in ("", platform)
        right_fault = filters.fault in ("", fault)
        right_group = filters.group in (None, group)
        if right_fault and right_group:
            platforms[platform] = platforms.get(platform, 0) + n
        if right_platform and right_group and fault:
            faults[fault] = faults.get(fault, 0) + n
        if right_platform and right_fault:
            groups[group] += n
            everything += n
            shown += n if right_group else 0
    return Counts(
        groups=groups, platforms=platforms, faults=faults, everything=everything, shown=shown
    )


def _group_of(condition: Condition) -> Group:
    return next(group for group, inside in GROUPS.items() if condition in inside)


def _narrowed(known: Any, filters: Filters) -> Any:
    if filters.platform:
        known = known.filter(platform=filters.platform)
    if filters.fault:
        known = known.filter(fault_now=filters.fault)
    if filters.group:
        known = known.filter(rank__in=[rank_of(each) for each in GROUPS[filters.group]])
    return known


def _whole(stores: TenantQuerySet[Store], found: Any) -> list[Store]:
    """The rows of a page, in its order. Thousands are sorted by their keys alone, because a row
    carries its authorization with the sealed credential."""
    keys = list(found.values_list("pk", flat=True))
    rows = stores.select_related("tenant", "authorization__app")
    rows = rows.defer("authorization__sealed_credential", "authorization__webhooks")
    by_key = rows.in_bulk(keys)
    return [by_key[key] for key in keys if key in by_key]


def _sorted(found: Any, sort: Sort) -> Any:
    name = Coalesce(NullIf("display_name", Value("")), F("account_name"))
    return found.alias(display_or_account=Lower(name)).order_by(*_ORDER[sort], *_BY_NAME)
