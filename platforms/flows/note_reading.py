"""Who read buyers' data, and when: once per person, thing and day."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from accounts.models import User
from platforms.models import Order
from tenants.flows.record_event import record_events
from tenants.models import Event, Store, Tenant


def note_reading(
    *,
    tenant: Tenant,
    user: User,
    targets: Sequence[Order] | Sequence[Store],
    verb: str,
    now: datetime,
) -> int:
    """Write an event for each target this person has not read today (the tenant's day), and say
    how many that were. Safe to repeat."""
    if not _unread(tenant, user, targets, verb, now):
        return 0
    with transaction.atomic():
        # Two tabs may open one order at the same moment; the second finds the event.
        tenant.lock()
        unread = _unread(tenant, user, targets, verb, now)
        about = [(target, _detail(target)) for target in unread]
        if about:
            record_events(tenant=tenant, verb=verb, actor=user, now=now, about=about)
    return len(unread)


def _unread(
    tenant: Tenant,
    user: User,
    targets: Sequence[Order] | Sequence[Store],
    verb: str,
    now: datetime,
) -> list[Order | Store]:
    local = now.astimezone(tenant.zone)
    today = local.replace(hour=0, minute=0, second=0, microsecond=0)
    read = set(
        Event.objects.filter(
            actor=user,
            verb=verb,
            at__gte=today,
            target_id__in=[str(target.public_id) for target in targets],
        ).values_list("target_id", flat=True)
    )
    return [target for target in targets if str(target.public_id) not in read]


def _detail(target: Order | Store) -> dict[str, object]:
    store = target.store if isinstance(target, Order) else target
    return {"store": store.path}
