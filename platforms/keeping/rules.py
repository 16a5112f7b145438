"""The rule in force for a tenant and platform, and when the time of an order is over. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from django.db.models import Q

from platforms import registry
from platforms.spec import OrderStatus

# What was shipped is taken to be delivered this long afterwards, where nobody tells.
TRANSIT = timedelta(days=30)
# Who waits for goods must be reachable; after this long nobody waits any more.
UNFINISHED = timedelta(days=365)
ENDED = (
    OrderStatus.DELIVERED,
    OrderStatus.CANCELLED,
    OrderStatus.REFUNDED,
    OrderStatus.PARTIALLY_REFUNDED,
)


class Chosen(Protocol):
    """What a tenant chose; None where the default holds (models.RetentionRule)."""

    buyer_days: int | None
    raw_days: int | None


@dataclass(frozen=True, kw_only=True)
class InForce:
    """`buyer_days` None: as long as the tenant wants. `demanded`: what the marketplace allows at
    most. `chosen`: the tenant's own number of days is what counts."""

    buyer_days: int | None
    raw_days: int
    demanded: int | None
    chosen: bool


def demanded_days(platform: str) -> int | None:
    """What the marketplace allows at most; None where it says nothing or is no longer offered."""
    return registry.get(platform).buyer_data_days if platform in registry.codes() else None


def in_force(*, demanded: int | None, chosen: Chosen | None, retention_days: int) -> InForce:
    """Fewer days than the marketplace demands may be chosen, more count for nothing. Raw
    payloads hold buyers' data: they never outlive the days chosen for it."""
    wanted = chosen.buyer_days if chosen else None
    buyer = _least(wanted, demanded)
    raw = _least((chosen.raw_days if chosen else None) or retention_days, buyer)
    assert raw is not None
    return InForce(
        buyer_days=buyer,
        raw_days=raw,
        demanded=demanded,
        chosen=wanted is not None and buyer == wanted != demanded,
    )


def kept_after(status: str, buyer_days: int) -> timedelta:
    """How long after its last change an order of that status keeps its buyer's data."""
    days = timedelta(days=buyer_days)
    if status in ENDED:
        return days
    if status == OrderStatus.SHIPPED:
        return days + TRANSIT
    return max(UNFINISHED, days + TRANSIT)


def due_at(*, status: str, changed_at: datetime, buyer_days: int) -> datetime:
    """When an order's buyer data is to be removed."""
    return changed_at + kept_after(status, buyer_days)


def due(*, buyer_days: int, now: datetime) -> Q:
    """Orders whose time is over; the first part is for the index `order_to_scrub`."""
    ended = now - kept_after(OrderStatus.DELIVERED, buyer_days)
    shipped = now - kept_after(OrderStatus.SHIPPED, buyer_days)
    unfinished = now - kept_after(OrderStatus.AWAITING_SHIPMENT, buyer_days)
    return Q(scrubbed_at=None, changed_at__lte=ended) & (
        Q(status__in=[*ENDED])
        | Q(status=OrderStatus.SHIPPED, changed_at__lte=shipped)
        | Q(changed_at__lte=unfinished)
    )


def _least(one: int | None, other: int | None) -> int | None:
    given = [each for each in (one, other) if each is not None]
    return min(given) if given else None
