"""Personal tokens for programs."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from tenants.flows.record_event import record_event
from tenants.models import ApiToken, Membership
from tenants.models.tenant import new_token, token_hash
from tenants.scope import all_tenants

USED_NOTED_EVERY = timedelta(minutes=1)


def issue_api_token(*, membership: Membership, name: str, now: datetime) -> tuple[ApiToken, str]:
    """The token's row and the token itself, which is shown once and kept nowhere."""
    secret = ApiToken.PREFIX + new_token()
    with transaction.atomic():
        token = ApiToken.objects.create(
            tenant=membership.tenant,
            membership=membership,
            name=name,
            token_hash=token_hash(secret),
            last_four=secret[-4:],
        )
        record_event(
            tenant=membership.tenant,
            verb="api_token.issued",
            actor=membership.user,
            now=now,
            target=token,
        )
    return token, secret


def revoke_api_token(*, token: ApiToken, actor: Membership, now: datetime) -> bool:
    """False if it was revoked already."""
    with transaction.atomic():
        if not ApiToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=now):
            return False
        record_event(
            tenant=actor.tenant, verb="api_token.revoked", actor=actor.user, now=now, target=token
        )
    return True


def find_api_token(*, secret: str, now: datetime) -> ApiToken | None:
    """The usable token, its use noted at most once a minute; None for any other."""
    if not secret.startswith(ApiToken.PREFIX):
        return None
    with all_tenants("a token names its tenant by itself"):
        token = (
            ApiToken.objects.filter(
                token_hash=token_hash(secret),
                revoked_at=None,
                membership__left_at=None,
                membership__user__is_active=True,
            )
            .select_related("tenant", "membership__user", "membership__tenant")
            .first()
        )
        if token is None:
            return None
        stale = Q(last_used_at=None) | Q(last_used_at__lte=now - USED_NOTED_EVERY)
        if token.last_used_at is None or token.last_used_at <= now - USED_NOTED_EVERY:
            ApiToken.objects.filter(stale, pk=token.pk).update(last_used_at=now)
    return token
