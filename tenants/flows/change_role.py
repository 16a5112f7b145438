"""Who runs the tenant."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from tenants.flows.record_event import record_event
from tenants.models import Invitation, Membership, Role
from tenants.scope import tenant_scope


class NotYours(Exception):
    """Admins do not touch owners, and nobody gives a role above their own."""


class LastOwner(Exception):
    """A tenant without an owner could not be run by anyone."""


def change_role(*, membership: Membership, role: Role, actor: Membership, now: datetime) -> bool:
    """False if that was the role already. Raises NotYours and LastOwner."""
    if not actor.may_manage(membership) or role not in actor.grantable_roles:
        raise NotYours
    tenant = membership.tenant
    with tenant_scope(tenant), transaction.atomic():
        tenant.lock()
        before = Membership.objects.current().values_list("role", flat=True).get(pk=membership.pk)
        if before == role:
            return False
        if role != Role.OWNER:
            refuse_last_owner(membership)
        Membership.objects.filter(pk=membership.pk).update(role=role)
        if role == Role.MEMBER:
            # What they may no longer do, their open invitations must not do for them.
            Invitation.objects.open(now).filter(invited_by=membership.user).update(revoked_at=now)
        record_event(
            tenant=tenant,
            verb="member.role_changed",
            actor=actor.user,
            now=now,
            target=membership,
            detail={"before": before, "role": str(role)},
        )
    membership.role = role
    return True


def refuse_last_owner(membership: Membership) -> None:
    """Raises LastOwner if nobody else could run the tenant; inside scope, lock and transaction."""
    owners = Membership.objects.current().filter(role=Role.OWNER, user__is_active=True)
    if owners.filter(pk=membership.pk).exists() and owners.count() == 1:
        raise LastOwner
