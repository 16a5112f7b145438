"""Inviting people by e-mail: the link goes to them and nowhere else."""

from __future__ import annotations

import logging
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from smtplib import SMTPException

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.mail import send_mail
from django.core.validators import validate_email
from django.db import transaction
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation

from tenants.flows.record_event import record_event
from tenants.models import Duty, Invitation, Membership, Role, Store, Tenant
from tenants.models.tenant import new_token, token_hash
from tenants.scope import tenant_scope

logger = logging.getLogger(__name__)

AT_ONCE = 100
# A fresh account must not become a way to mail strangers.
A_DAY = 200


class RoleNotYours(Exception):
    """Nobody gives a role above their own."""


class Result(StrEnum):
    INVITED = "invited"
    ALREADY_MEMBER = "already_member"
    ALREADY_INVITED = "already_invited"
    NOT_AN_ADDRESS = "not_an_address"
    TOO_MANY = "too_many"
    MAIL_FAILED = "mail_failed"  # the invitation stands and can be sent again


@dataclass(frozen=True, kw_only=True)
class Row:
    """What became of one address; `invitation` where there is one."""

    address: str
    result: Result
    invitation: Invitation | None = None


def split_addresses(text: str) -> list[str]:
    """The addresses in pasted text, lower-cased, each once, in order. Whatever else stands
    between the separators is kept, for the reader to see that it is no address."""
    text = unicodedata.normalize("NFKC", text)
    text = "".join(char for char in text if unicodedata.category(char) != "Cf")
    text = re.sub(r"[^<>,;、|\n]*<([^<>\n]*)>", r" \1 ", text)  # Bo Li <bo@lotus.example>
    words = (
        word.removeprefix("mailto:").strip(".") for word in re.split(r"[\s,;、。|<>()\"']+", text)
    )
    return list(dict.fromkeys(word.lower() for word in words if word))


def invite_members(
    *,
    addresses: Sequence[str],
    inviter: Membership,
    role: Role,
    language: str,
    now: datetime,
    prepared: Iterable[tuple[Store, Duty]] = (),
) -> list[Row]:
    """Invite each address to the inviter's tenant and mail the link; one row per address.

    Raises RoleNotYours. Mail is sent after the commit, so nobody holds a link to nothing.
    """
    if role not in inviter.grantable_roles:
        raise RoleNotYours
    tenant = inviter.tenant
    bindings = [[str(store.public_id), str(duty)] for store, duty in prepared]
    to_mail: list[tuple[Invitation, str]] = []
    rows: list[Row] = []
    with transaction.atomic(durable=True), tenant_scope(tenant):
        tenant.lock()
        members, invited, room = _known(now)
        for address in addresses[:AT_ONCE]:
            if not _is_address(address):
                rows.append(Row(address=address, result=Result.NOT_AN_ADDRESS))
            elif address in members:
                rows.append(Row(address=address, result=Result.ALREADY_MEMBER))
            elif address in invited:
                standing = invited[address]
                rows.append(
                    Row(address=address, result=Result.ALREADY_INVITED, invitation=standing)
                )
            elif room <= len(to_mail):
                rows.append(Row(address=address, result=Result.TOO_MANY))
            else:
                invitation, token = new_invitation(
                    tenant=tenant,
                    email=address,
                    role=role,
                    invited_by=inviter,
                    bindings=bindings,
                    now=now,
                )
                to_mail.append((invitation, token))
                rows.append(Row(address=address, result=Result.INVITED, invitation=invitation))
        rows += [Row(address=each, result=Result.TOO_MANY) for each in addresses[AT_ONCE:]]
    failed = {i.pk for i, token in to_mail if not _mail(i, token, inviter, language)}
    return [
        Row(address=row.address, result=Result.MAIL_FAILED, invitation=row.invitation)
        if row.invitation and row.invitation.pk in failed
        else row
        for row in rows
    ]


def new_invitation(
    *,
    tenant: Tenant,
    email: str,
    role: Role,
    invited_by: Membership | None,
    now: datetime,
    bindings: list[list[str]] | None = None,
) -> tuple[Invitation, str]:
    """An invitation and its token, which is kept nowhere."""
    token = new_token()
    user = invited_by.user if invited_by else None
    with tenant_scope(tenant):
        invitation = Invitation.objects.create(
            tenant=tenant,
            email=email,
            role=role,
            bindings=bindings or [],
            token_hash=token_hash(token),
            invited_by=user,
            expires_at=now + Invitation.VALID_FOR,
        )
    record_event(
        tenant=tenant,
        verb="invitation.sent",
        actor=user,
        now=now,
        target=invitation,
        detail={"role": str(role), "bindings": len(invitation.bindings)},
    )
    return invitation, token


def resend_invitation(
    *, invitation: Invitation, sender: Membership, language: str, now: datetime
) -> bool:
    """Mail a new link, valid from now; the old one ends. False if the mail did not go out or
    the invitation is over. Raises RoleNotYours."""
    if invitation.role not in sender.grantable_roles:
        raise RoleNotYours
    token = new_token()
    with transaction.atomic(durable=True):
        # An expired one may be sent again; an accepted or revoked one stays over.
        standing = Invitation.objects.filter(
            pk=invitation.pk, accepted_at=None, revoked_at=None
        ).update(token_hash=token_hash(token), expires_at=now + Invitation.VALID_FOR)
        if not standing:
            return False
        record_event(
            tenant=sender.tenant,
            verb="invitation.resent",
            actor=sender.user,
            now=now,
            target=invitation,
        )
    return _mail(invitation, token, sender, language)


def revoke_invitation(*, invitation: Invitation, revoker: Membership, now: datetime) -> bool:
    """End the invitation; False if it was over already. Raises RoleNotYours."""
    if invitation.role not in revoker.grantable_roles:
        raise RoleNotYours
    with transaction.atomic():
        standing = Invitation.objects.filter(pk=invitation.pk, accepted_at=None, revoked_at=None)
        if not standing.update(revoked_at=now):
            return False
        record_event(
            tenant=revoker.tenant,
            verb="invitation.revoked",
            actor=revoker.user,
            now=now,
            target=invitation,
        )
    return True


def join_link(token: str) -> str:
    return settings.BASE_URL + reverse("accept_invitation", args=[token])


def _known(now: datetime) -> tuple[set[str], dict[str, Invitation], int]:
    """Members' addresses, open invitations by address, and how many more may be sent today."""
    members = set(Membership.objects.current().values_list("user__email", flat=True))
    invited = {each.email: each for each in Invitation.objects.open(now)}
    sent = Invitation.objects.filter(created_at__gt=now - timedelta(days=1)).count()
    return members, invited, max(0, A_DAY - sent)


def _is_address(text: str) -> bool:
    try:
        validate_email(text)
    except ValidationError:
        return False
    return True


def _mail(invitation: Invitation, token: str, sender: Membership, language: str) -> bool:
    context = {
        "tenant": sender.tenant,
        "inviter": sender.user,
        "invitation": invitation,
        "link": join_link(token),
        "days": Invitation.VALID_FOR.days,
    }
    with translation.override(language):
        subject = render_to_string("tenants/emails/invitation-subject.txt", context)
        body = render_to_string("tenants/emails/invitation-body.txt", context)
    try:
        send_mail(" ".join(subject.split()), body, None, [invitation.email])
    except (SMTPException, OSError):
        logger.exception("invitation.mail_failed", extra={"invitation_id": invitation.pk})
        return False
    return True
