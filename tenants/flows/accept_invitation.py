"""Joining a tenant by the link in an invitation mail."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from allauth.account.models import EmailAddress
from django.db import transaction

from accounts.models import User
from tenants.flows.bind_store import Grant, give_duties
from tenants.flows.record_event import record_event
from tenants.models import Duty, Invitation, Membership, Outcome, Store
from tenants.models.tenant import token_hash
from tenants.scope import all_tenants, tenant_scope


class Gone(StrEnum):
    UNKNOWN = "unknown"  # never was, or a newer mail replaced the link
    EXPIRED = "expired"
    REVOKED = "revoked"
    USED = "used"


class InvitationGone(Exception):
    """The link lets nobody in, or nobody any more."""

    def __init__(self, why: Gone) -> None:
        super().__init__(str(why))
        self.why = why


class WrongPerson(Exception):
    """The invitation is for another e-mail address than the one who is signed in."""


def find_invitation(*, token: str, now: datetime) -> Invitation:
    """The open invitation whose link carries `token`. Raises InvitationGone."""
    with all_tenants("a link names its tenant by its token alone"):
        invitation = (
            Invitation.objects.filter(token_hash=token_hash(token))
            .select_related("tenant", "invited_by")
            .first()
        )
    if invitation is None:
        raise InvitationGone(Gone.UNKNOWN)
    if invitation.accepted_at:
        raise InvitationGone(Gone.USED)
    if invitation.revoked_at:
        raise InvitationGone(Gone.REVOKED)
    if not invitation.is_open(now):
        raise InvitationGone(Gone.EXPIRED)
    return invitation


def is_for(invitation: Invitation, user: User) -> bool:
    """Whether the invited address is the person's, by sign-in or verified."""
    if user.email.lower() == invitation.email.lower():
        return True
    return EmailAddress.objects.filter(
        user=user, verified=True, email__iexact=invitation.email
    ).exists()


def accept_invitation(*, token: str, user: User, now: datetime) -> Membership:
    """Make `user` a member and give the prepared bindings; stores gone meanwhile are skipped.

    Single use, also when two come at once. Who is a member already keeps their role and is
    given the bindings. Raises InvitationGone and WrongPerson.
    """
    invitation = find_invitation(token=token, now=now)
    tenant = invitation.tenant
    with tenant_scope(tenant):
        if not is_for(invitation, user):
            record_event(
                tenant=tenant,
                verb="invitation.accepted",
                actor=user,
                now=now,
                target=invitation,
                outcome=Outcome.DENIED,
            )
            raise WrongPerson
        with transaction.atomic():
            # The lock also keeps a second invitation of this person out until we are done.
            tenant.lock()
            open_still = Invitation.objects.open(now).filter(
                pk=invitation.pk, token_hash=token_hash(token)
            )
            if not open_still.update(accepted_at=now):
                raise InvitationGone(Gone.USED)
            membership = Membership.objects.current().filter(user=user).first()
            if membership is None:
                membership = Membership.objects.create(
                    tenant=tenant, user=user, role=invitation.role
                )
            record_event(
                tenant=tenant,
                verb="invitation.accepted",
                actor=user,
                now=now,
                target=invitation,
                detail={"role": membership.role},
            )
            give_duties(
                tenant=tenant,
                actor=invitation.invited_by or user,
                grants=_prepared(invitation, membership),
                now=now,
            )
    return membership


def _prepared(invitation: Invitation, membership: Membership) -> list[Grant]:
    stores = {
        str(store.public_id): store
        for store in Store.objects.filter(public_id__in=[each[0] for each in invitation.bindings])
    }
    return [
        Grant(membership=membership, store=stores[store_id], duty=Duty(duty))
        for store_id, duty in invitation.bindings
        if store_id in stores
    ]
