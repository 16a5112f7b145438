"""A member's way out, by another's hand or their own."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from accounts.models import User
from tenants.flows.bind_store import end_all_duties
from tenants.flows.change_role import NotYours, refuse_last_owner
from tenants.flows.record_event import record_event
from tenants.models import ApiToken, Invitation, Membership
from tenants.scope import tenant_scope


def remove_member(*, membership: Membership, actor: Membership, now: datetime) -> None:
    """Take the member's access away at once: bindings, API tokens, and the open invitations
    they sent. Raises NotYours and LastOwner; repeated, it does nothing."""
    if not actor.may_manage(membership):
        raise NotYours
    _end(membership=membership, verb="member.removed", actor=actor.user, now=now)


def leave(*, membership: Membership, now: datetime) -> None:
    """As `remove_member`, of one's own will. Raises LastOwner."""
    _end(membership=membership, verb="member.left", actor=membership.user, now=now)


def _end(*, membership: Membership, verb: str, actor: User, now: datetime) -> None:
    tenant = membership.tenant
    with tenant_scope(tenant), transaction.atomic():
        tenant.lock()
        refuse_last_owner(membership)
        if not Membership.objects.current().filter(pk=membership.pk).update(left_at=now):
            return
        duties = end_all_duties(membership=membership, actor=actor, now=now)
        tokens = ApiToken.objects.filter(membership=membership, revoked_at=None)
        revoked = tokens.update(revoked_at=now)
        # Or they could come back by an invitation to another address of theirs.
        Invitation.objects.open(now).filter(invited_by=membership.user).update(revoked_at=now)
        record_event(
            tenant=tenant,
            verb=verb,
            actor=actor,
            now=now,
            target=membership,
            detail={"bindings": duties, "api_tokens": revoked},
        )
    membership.left_at = now
