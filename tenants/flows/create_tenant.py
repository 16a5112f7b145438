"""A new customer company."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.utils.text import slugify
from django.utils.translation import gettext as _

from accounts.models import User
from tenants.flows.invite_members import join_link, new_invitation
from tenants.flows.record_event import record_event
from tenants.models import Invitation, Membership, Role, Tenant
from tenants.scope import tenant_scope

DEFAULT_TIME_ZONE = "Asia/Shanghai"


@dataclass(frozen=True, kw_only=True)
class Created:
    """A tenant and the link that its owner joins by; the link is kept nowhere else."""

    tenant: Tenant
    invitation: Invitation
    link: str


def create_tenant(
    *, name: str, founder: User, now: datetime, time_zone: str = DEFAULT_TIME_ZONE
) -> Membership:
    """Give `founder` a company of their own, with a slug made from its name."""
    with transaction.atomic():
        tenant = _save_with_free_slug(Tenant(name=name, time_zone=time_zone))
        with tenant_scope(tenant):
            membership = Membership.objects.create(tenant=tenant, user=founder, role=Role.OWNER)
        record_event(tenant=tenant, verb="tenant.created", actor=founder, now=now, target=tenant)
    return membership


def create_tenant_for(*, slug: str, name: str, owner: str, now: datetime) -> Created:
    """Create a tenant on somebody's behalf: `owner` is an e-mail address, invited to it.

    Raises ValidationError, with a dict of sentences by field, for whatever cannot be used.
    """
    tenant = Tenant(slug=slug, name=name.strip())
    problems: dict[str, list[str]] = {}
    try:
        tenant.full_clean()
    except ValidationError as exc:
        problems = dict(exc.message_dict)
    try:
        validate_email(owner)
    except ValidationError as exc:
        problems["owner"] = list(exc.messages)
    if problems:
        raise ValidationError(problems)
    try:
        with transaction.atomic():
            tenant.save()
            record_event(tenant=tenant, verb="tenant.created", actor=None, now=now, target=tenant)
            invitation, token = new_invitation(
                tenant=tenant, email=owner.lower(), role=Role.OWNER, invited_by=None, now=now
            )
    except IntegrityError:
        taken = _("A tenant with this short name exists already. Choose another.")
        raise ValidationError({"slug": [taken]}) from None
    return Created(tenant=tenant, invitation=invitation, link=join_link(token))


def _save_with_free_slug(tenant: Tenant) -> Tenant:
    """Company names in Chinese leave nothing for a slug; those get a random one."""
    stem = slugify(tenant.name)[:40].strip("-_").replace("_", "-")
    candidates = [stem] if stem else []
    candidates += [f"{stem or 't'}-{secrets.token_hex(3)}" for _try in range(5)]
    for slug in candidates:
        tenant.slug = slug
        try:
            with transaction.atomic():
                tenant.save()
        except IntegrityError:
            tenant.pk = None
        else:
            return tenant
    raise RuntimeError("no free slug in five random ones")
