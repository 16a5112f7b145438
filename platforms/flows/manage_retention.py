"""What managers decide about keeping: rules per platform, and legal holds."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from accounts.models import User
from platforms import registry
from platforms.keeping.rules import demanded_days
from platforms.models import LegalHold, Order, Quarantined, RetentionRule
from platforms.redaction import mask
from tenants.flows.record_event import record_event
from tenants.models import Store, Tenant


class TooManyDays(Exception):
    """The marketplace allows `most` days only."""

    def __init__(self, most: int) -> None:
        super().__init__(f"at most {most} days")
        self.most = most


class NoSuchOrder(Exception):
    """Nothing of that number is here: a slip of the pen would hold nothing."""


def set_rule(
    *,
    tenant: Tenant,
    platform: str,
    buyer_days: int | None,
    raw_days: int | None,
    actor: User,
    now: datetime,
) -> bool:
    """Choose how long is kept; None for the default. Whether anything changed. Call in the
    tenant's scope. Raises TooManyDays."""
    most = demanded_days(platform)
    if most is not None and buyer_days is not None and buyer_days > most:
        raise TooManyDays(most)
    with transaction.atomic():
        tenant.lock()
        before = RetentionRule.objects.filter(platform=platform).first()
        was = (before.buyer_days, before.raw_days) if before else (None, None)
        if was == (buyer_days, raw_days):
            return False
        rule, _made = RetentionRule.objects.update_or_create(
            tenant=tenant,
            platform=platform,
            defaults={
                "buyer_days": buyer_days,
                "raw_days": raw_days,
                "changed_by": actor,
                "changed_at": now,
            },
        )
        record_event(
            tenant=tenant, verb="retention.changed", actor=actor, now=now, target=rule,
            detail={
                "marketplace": str(registry.get(platform).name),
                "buyer_days": [was[0], buyer_days],
                "raw_days": [was[1], raw_days],
            },
        )  # fmt: skip
    return True


def place_hold(
    *, tenant: Tenant, store: Store | None, number: str, reason: str, actor: User, now: datetime
) -> LegalHold:
    """Keep everything of the company, of `store`, or the order `number`. Call in the tenant's
    scope. Raises NoSuchOrder."""
    if number and not _is_here(store, number):
        raise NoSuchOrder
    with transaction.atomic():
        hold = LegalHold.objects.create(
            tenant=tenant, store=store, number=number, reason=reason, placed_by=actor,
            placed_at=now,
        )  # fmt: skip
        _record(hold, "hold.placed", reason, actor, now)
    return hold


def release_hold(*, hold: LegalHold, reason: str, actor: User, now: datetime) -> bool:
    """End the hold. False if somebody has ended it before. What it kept and is due goes with
    the next run."""
    with transaction.atomic():
        ended = LegalHold.objects.filter(pk=hold.pk, released_at=None).update(
            released_at=now, released_by=actor
        )
        if ended:
            _record(hold, "hold.released", reason, actor, now)
    return bool(ended)


def _is_here(store: Store | None, number: str) -> bool:
    for model in (Order, Quarantined):
        rows = model.objects.filter(number=number)
        if (rows if store is None else rows.filter(store=store)).exists():
            return True
    return False


def _record(hold: LegalHold, verb: str, reason: str, actor: User, now: datetime) -> None:
    record_event(
        tenant=hold.tenant, verb=verb, actor=actor, now=now, target=hold,
        detail={"reason": mask(reason)},
    )  # fmt: skip
