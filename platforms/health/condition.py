"""In which condition a store is: one rule, for a store in Python and for thousands in SQL."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from django.db.models import (
    Case,
    DateTimeField,
    F,
    FilteredRelation,
    IntegerField,
    Q,
    Value,
    When,
)
from django.db.models.functions import Coalesce, Least, NullIf

from platforms import registry
from platforms.errors import THROTTLES, Fault, NeedsSupport, TryLater, platform_error
from platforms.models import Stream
from tenants.models import Store, StoreState

ENDS_SOON = timedelta(days=14)
# Every platform is asked within minutes, so an hour without an answer or a failure is worth saying.
BEHIND = timedelta(hours=1)


class Condition(StrEnum):
    """Worst first: lists are sorted by this order."""

    NEEDS_RELINK = "needs_relink"  # the grant is dead
    NEEDS_SELLER = "needs_seller"  # the grant lives, something at the platform is in its way
    ENDS_SOON = "ends_soon"  # works, but the seller must renew it within ENDS_SOON
    NEEDS_SUPPORT = "needs_support"  # ours to mend
    DISTURBED = "disturbed"  # the platform, or the way to it
    THROTTLED = "throttled"
    BEHIND = "behind"  # nothing fails, and yet orders are older than they should be
    FIRST_PULL = "first_pull"
    WORKING = "working"
    PAUSED = "paused"
    UNLINKED = "unlinked"


class Group(StrEnum):
    """What a reader filters by; each condition is in one."""

    SELLER = "seller"
    ENDS = "ends"
    WAITS = "waits"
    WORKING = "working"
    PAUSED = "paused"


GROUPS: Mapping[Group, tuple[Condition, ...]] = {
    Group.SELLER: (Condition.NEEDS_RELINK, Condition.NEEDS_SELLER),
    Group.ENDS: (Condition.ENDS_SOON,),
    Group.WAITS: (
        Condition.NEEDS_SUPPORT, Condition.DISTURBED, Condition.THROTTLED, Condition.BEHIND,
    ),
    Group.WORKING: (Condition.FIRST_PULL, Condition.WORKING),
    Group.PAUSED: (Condition.PAUSED,),
}  # fmt: skip

_STATES = {
    StoreState.NEEDS_RELINK: Condition.NEEDS_RELINK,
    StoreState.PAUSED: Condition.PAUSED,
    StoreState.UNLINKED: Condition.UNLINKED,
    StoreState.LINKING: Condition.FIRST_PULL,
}

# (platform, fault) of every open outage: what fails in this way is nobody's of the tenant.
Outages = Collection[tuple[str, str]]


def of_fault(fault: str) -> Condition:
    """What an active store is in while its calls fail with `fault`."""
    if fault in THROTTLES:
        return Condition.THROTTLED
    if fault not in list(Fault):
        return Condition.NEEDS_SUPPORT
    kind = type(platform_error(Fault(fault)))
    if kind is TryLater:
        return Condition.DISTURBED
    return Condition.NEEDS_SUPPORT if kind is NeedsSupport else Condition.NEEDS_SELLER


def condition_of(
    *,
    store: Store,
    fault: str,
    ends_at: datetime | None,
    stream: Stream | None,
    outages: Outages,
    now: datetime,
) -> Condition:
    """`stream` is the standing one that brings the store's orders, `ends_at` the date by which
    the seller must renew the permission. Says the same as `with_condition`."""
    if store.state != StoreState.ACTIVE:
        return _STATES[StoreState(store.state)]
    if fault:
        condition = of_fault(fault)
        if condition != Condition.THROTTLED and (store.platform, fault) in outages:
            return Condition.DISTURBED
        return condition
    if ends_at is not None and ends_at <= now + ENDS_SOON:
        return Condition.ENDS_SOON
    if stream is None or stream.last_success_at is None:
        return Condition.FIRST_PULL
    return Condition.BEHIND if stream.watermark < now - BEHIND else Condition.WORKING


def with_condition(stores: Any, *, now: datetime, outages: Outages) -> Any:
    """`stores` with `rank` (the place of its condition in Condition), `fault_now` ("" for none),
    `ends_at` and `watermark` of each. One join, no query by itself."""
    return with_facts(stores).annotate(rank=_rank(now=now, outages=outages))


def with_facts(stores: Any) -> Any:
    streams = "authorization__streams"
    standing = Q(
        **{f"{streams}__ends_at": None, f"{streams}__kind": Stream.Kind.ORDERS.value}
    ) & (Q(**{f"{streams}__store": None}) | Q(**{f"{streams}__store": F("pk")}))  # fmt: skip
    # As Authorization.seller_must_act_by.
    fixed = registry.codes_that_count_down()
    refresh = Case(When(platform__in=fixed, then=F("authorization__refresh_expires_at")))
    consent = F("authorization__consent_expires_at")
    return stores.alias(mine=FilteredRelation(streams, condition=standing)).annotate(
        fault_now=Coalesce(
            NullIf("authorization__fault", Value("")), F("mine__fault"), Value("")
        ),
        # SQLite's least value of two is null where one is; PostgreSQL's is the other one.
        ends_at=Coalesce(
            Least(refresh, consent), refresh, consent, output_field=DateTimeField()
        ),
        watermark=F("mine__watermark"),
    )  # fmt: skip


def rank_of(condition: Condition) -> int:
    return list(Condition).index(condition)


def _rank(*, now: datetime, outages: Outages) -> Case:
    """`condition_of` as a CASE; the branches are in its order."""
    disturbed = Q(pk__in=[])
    for platform, fault in outages:
        if fault not in THROTTLES:
            disturbed |= Q(platform=platform, fault_now=fault)
    faults: dict[Condition, list[str]] = {}
    for fault in Fault:
        faults.setdefault(of_fault(fault), []).append(fault.value)
    branches: list[tuple[Q, Condition]] = [
        *((Q(state=state.value), condition) for state, condition in _STATES.items()),
        (disturbed, Condition.DISTURBED),
        *((Q(fault_now__in=known), condition) for condition, known in faults.items()),
        (~Q(fault_now=""), Condition.NEEDS_SUPPORT),
        (Q(ends_at__lte=now + ENDS_SOON), Condition.ENDS_SOON),
        (Q(mine__last_success_at=None), Condition.FIRST_PULL),
        (Q(watermark__lt=now - BEHIND), Condition.BEHIND),
    ]
    if not outages:
        branches = [each for each in branches if each[0] is not disturbed]
    return Case(
        *(When(when, then=Value(rank_of(condition))) for when, condition in branches),
        default=Value(rank_of(Condition.WORKING)),
        output_field=IntegerField(),
    )
