"""Telling a marketplace to call us, as a part of linking; linking never fails for it."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from django.db.models import Q

from platforms import registry, vault
from platforms.errors import NeedsSeller, PlatformError
from platforms.flows.refresh import open_channel
from platforms.models import Authorization, AuthorizationState
from platforms.models.linking import PushState
from platforms.push_addresses import address_of

logger = logging.getLogger(__name__)

TRY_AGAIN = timedelta(hours=6)
TAKEN_FOR = timedelta(minutes=10)  # then its worker is taken for dead


def claim_due(now: datetime) -> list[Authorization]:
    """Authorizations whose registration waits, or failed some hours ago, each for one worker
    only. Any scope."""
    waiting = Q(pushes=PushState.DUE) & (Q(pushes_at=None) | Q(pushes_at__lte=now - TAKEN_FOR))
    failed = Q(pushes=PushState.FAILED, pushes_at__lte=now - TRY_AGAIN)
    rows = Authorization.objects.filter(waiting | failed, state=AuthorizationState.ACTIVE)
    claimed = []
    for row in rows.order_by("pk")[:100]:
        seen = Authorization.objects.filter(pk=row.pk, pushes=row.pushes, pushes_at=row.pushes_at)
        if seen.update(pushes=PushState.DUE, pushes_at=now):
            claimed.append(row)
    return claimed


def register_pushes(*, authorization: Authorization, now: datetime) -> None:
    """Register our address and write down what came of it. Safe to repeat."""
    adapter = registry.get(authorization.platform)
    hooks = adapter.webhooks
    if hooks is None:
        return
    try:
        with open_channel(authorization, now=now) as call:
            if not hooks.offered(call.account):
                _write(authorization, PushState.NONE, {}, now=now)
                return
            owner = authorization.app if hooks.per_app and authorization.app else authorization
            ids = hooks.register(call, address=address_of(owner), now=now)
    except vault.Unopenable:
        return
    except PlatformError as exc:
        logger.warning(
            "pushes.not_registered",
            extra={"authorization_id": authorization.pk, "fault": str(exc.fault)},
        )
        # Polling goes on as ever; what the seller must act on is told by the pulls.
        refused = isinstance(exc, NeedsSeller)
        state = PushState.REFUSED if refused else PushState.FAILED
        _write(authorization, state, {}, now=now)
        return
    _write(authorization, PushState.ON, ids, now=now)


def unregister_pushes(*, authorization: Authorization, now: datetime) -> None:
    """Best effort, before the credential is forgotten."""
    hooks = registry.get(authorization.platform).webhooks
    if hooks is None or not authorization.webhooks or not authorization.is_usable:
        return
    try:
        with open_channel(authorization, now=now) as call:
            hooks.unregister(call, authorization.webhooks)
    except (PlatformError, vault.Unopenable):
        logger.info("pushes.left_registered", extra={"authorization_id": authorization.pk})
    _write(authorization, PushState.NONE, {}, now=now)


def _write(
    authorization: Authorization, state: PushState, ids: dict[str, str], *, now: datetime
) -> None:
    Authorization.objects.filter(pk=authorization.pk).update(
        pushes=state, pushes_at=now, webhooks=ids
    )
