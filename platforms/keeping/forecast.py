"""What goes within the next days, so that nothing goes silently."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Min, Q

from platforms.keeping.holds import covered, holds_in_force
from platforms.keeping.removal import EMPTIED
from platforms.keeping.rules import InForce, demanded_days, due, in_force
from platforms.models import Order, Quarantined, QuarantineState, RetentionRule
from tenants.models import Store, Tenant

AHEAD = timedelta(days=7)
COUNT_CAP = 10_000


@dataclass(frozen=True, kw_only=True)
class Emptying:
    """Records of a platform that wait in quarantine and are emptied soon."""

    platform: str
    days: int  # after which they are
    count: int
    first_at: datetime


def rules_of(tenant: Tenant) -> dict[str, InForce]:
    """The rule of each platform that the tenant has stores of, by platform code. Call in the
    tenant's scope."""
    chosen = {rule.platform: rule for rule in RetentionRule.objects.all()}
    platforms = Store.objects.order_by("platform").values_list("platform", flat=True).distinct()
    return {
        platform: in_force(
            demanded=demanded_days(platform),
            chosen=chosen.get(platform),
            retention_days=tenant.retention_days,
        )
        for platform in platforms
    }


def will_empty(tenant: Tenant, now: datetime) -> list[Emptying]:
    """What waits in quarantine and will be emptied within AHEAD, by platform. Call in the
    tenant's scope. Records that a hold on single orders may keep are counted all the same."""
    holds = holds_in_force().filter(number="")
    if holds.filter(store=None).exists():
        return []
    held = Q(store__in=holds.exclude(store=None).values("store"))
    found = []
    for platform, rule in rules_of(tenant).items():
        if rule.buyer_days is None:
            continue
        days = timedelta(days=rule.buyer_days)
        told = Quarantined.objects.filter(
            platform=platform, state=QuarantineState.WAITING, created_at__lte=now + AHEAD - days
        ).exclude(held).exclude(raw__in=EMPTIED).aggregate(
            count=Count("pk"), first=Min("created_at")
        )  # fmt: skip
        if told["count"]:
            found.append(
                Emptying(
                    platform=platform, days=rule.buyer_days, count=told["count"],
                    first_at=max(told["first"] + days, now),
                )
            )  # fmt: skip
    return found


def due_soon(platform: str, rule: InForce, now: datetime) -> int:
    """How many orders lose their buyer's data within AHEAD, at most COUNT_CAP; of the current
    scope, without those a hold keeps."""
    if rule.buyer_days is None:
        return 0
    stores = Store.objects.filter(platform=platform).values("pk")
    orders = Order.objects.filter(
        due(buyer_days=rule.buyer_days, now=now + AHEAD), store__in=stores
    ).exclude(covered())
    return int(orders.order_by()[:COUNT_CAP].count())
