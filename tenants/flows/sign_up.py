"""Somebody made an account: they found a company, or join the one that invited them."""

from __future__ import annotations

import logging
from datetime import datetime

from accounts.models import User
from tenants.flows.accept_invitation import InvitationGone, WrongPerson, accept_invitation
from tenants.flows.create_tenant import create_tenant
from tenants.models import Membership

logger = logging.getLogger(__name__)


def sign_up(*, user: User, company: str, invitation_token: str, now: datetime) -> Membership | None:
    """The new person's membership; None if they came by an invitation that does not let them
    in. They are told so, and may found a company, on the page of those without a tenant."""
    if invitation_token:
        try:
            return accept_invitation(token=invitation_token, user=user, now=now)
        except (InvitationGone, WrongPerson) as exc:
            logger.info("invitation.useless", extra={"why": type(exc).__name__})
    if company.strip():
        return create_tenant(name=company.strip(), founder=user, time_zone=user.time_zone, now=now)
    return None
