"""Giving people duties on stores, and taking them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from django.db import transaction

from accounts.models import User
from tenants.flows.record_event import record_events
from tenants.models import Binding, Duty, Membership, Store, Tenant
from tenants.scope import tenant_scope

Key = tuple[int, int, str]


@dataclass(frozen=True, kw_only=True)
class Grant:
    """One person's duty on one store."""

    membership: Membership
    store: Store
    duty: Duty

    @property
    def key(self) -> Key:
        return (self.membership.pk, self.store.pk, str(self.duty))


def give_duties(
    *, tenant: Tenant, actor: User | None, grants: Iterable[Grant], now: datetime
) -> int:
    """How many of the duties are new: those held already, and people who left, are passed
    over. Safe to repeat; holds from the next request on."""
    wanted = {grant.key: grant for grant in grants}
    with tenant_scope(tenant), transaction.atomic():
        tenant.lock()
        held = _held(wanted)
        here = set(
            Membership.objects.current()
            .filter(pk__in={grant.membership.pk for grant in wanted.values()})
            .values_list("pk", flat=True)
        )
        new = [g for k, g in wanted.items() if k not in held and g.membership.pk in here]
        Binding.objects.bulk_create(
            [
                Binding(
                    tenant=tenant,
                    membership=grant.membership,
                    store=grant.store,
                    duty=grant.duty,
                    given_by=actor,
                    given_at=now,
                )
                for grant in new
            ],
            batch_size=500,
        )
        _record("binding.given", tenant=tenant, actor=actor, grants=new, now=now)
    return len(new)


def take_duties(
    *, tenant: Tenant, actor: User | None, grants: Iterable[Grant], now: datetime
) -> int:
    """How many duties ended; those nobody held are passed over. Safe to repeat."""
    unwanted = {grant.key: grant for grant in grants}
    with tenant_scope(tenant), transaction.atomic():
        tenant.lock()
        held = _held(unwanted)
        Binding.objects.filter(pk__in=held.values()).update(ended_at=now)
        taken = [unwanted[key] for key in held]
        _record("binding.taken", tenant=tenant, actor=actor, grants=taken, now=now)
    return len(taken)


def copy_duties(
    *, tenant: Tenant, actor: User, source: Membership, target: Membership, now: datetime
) -> int:
    """Give `target` every duty that `source` holds; what `target` has stays. How many are new."""
    with tenant_scope(tenant):
        bindings = Binding.objects.current().filter(membership=source).select_related("store")
        grants = [
            Grant(membership=target, store=each.store, duty=Duty(each.duty)) for each in bindings
        ]
        return give_duties(tenant=tenant, actor=actor, grants=grants, now=now)


def end_all_duties(*, membership: Membership, actor: User | None, now: datetime) -> int:
    """Take whatever the member holds; inside the tenant's scope. How many duties ended."""
    bindings = Binding.objects.current().filter(membership=membership).select_related("store")
    grants = [
        Grant(membership=membership, store=each.store, duty=Duty(each.duty)) for each in bindings
    ]
    return take_duties(tenant=membership.tenant, actor=actor, grants=grants, now=now)


def _held(keys: Iterable[Key]) -> dict[Key, int]:
    """Ids of the current bindings among `keys`, in a few queries however many there are."""
    wanted = sorted(keys)
    found: dict[Key, int] = {}
    for membership_id, group in groupby(wanted, key=lambda key: key[0]):
        of_one = set(group)
        rows = Binding.objects.current().filter(membership_id=membership_id)
        for pk, store_id, duty in rows.values_list("pk", "store_id", "duty"):
            if (membership_id, store_id, duty) in of_one:
                found[membership_id, store_id, duty] = pk
    return found


def _record(
    verb: str, *, tenant: Tenant, actor: User | None, grants: list[Grant], now: datetime
) -> None:
    record_events(
        tenant=tenant,
        verb=verb,
        actor=actor,
        now=now,
        about=[
            (
                grant.store,
                {
                    "member": grant.membership.user.email,
                    "member_id": str(grant.membership.public_id),
                    "duty": str(grant.duty),
                },
            )
            for grant in grants
        ],
    )
