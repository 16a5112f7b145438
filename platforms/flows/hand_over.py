"""Handing an attempt to another browser: a link that works without our login."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.urls import reverse

from accounts.models import User
from platforms.flows import prepare_link
from platforms.flows.link import NotPossible, mode_of
from platforms.models import LinkAttempt
from platforms.spec import ModeKind
from tenants.flows.record_event import record_event
from tenants.models.tenant import new_token, token_hash
from tenants.scope import all_tenants

SHORTEST, LONGEST = timedelta(minutes=30), timedelta(days=7)


def make_hand_over(
    *, attempt: LinkAttempt, user: User | None, valid_for: timedelta, now: datetime
) -> str:
    """The address to send; shown once, stored hashed. A new one ends the one before.

    `valid_for` is kept between 30 minutes and 7 days. Raises NotPossible.
    """
    if not attempt.is_open:
        raise NotPossible("attempt_closed")
    if mode_of(attempt).kind == ModeKind.CONSENT and not prepare_link.is_prepared(attempt):
        raise NotPossible("not_prepared")
    token = new_token()
    valid_for = min(max(valid_for, SHORTEST), LONGEST)
    attempt.handover_hash = token_hash(token)
    attempt.handover_expires_at = now + valid_for
    attempt.handover_used_at = None
    attempt.handed_over = True
    attempt.save(
        update_fields=[
            "handover_hash", "handover_expires_at", "handover_used_at", "handed_over", "changed_at"
        ]
    )  # fmt: skip
    record_event(
        tenant=attempt.tenant, verb="link.handed_over", actor=user, now=now, target=attempt,
        on_behalf=attempt.on_behalf, detail={"hours": round(valid_for.total_seconds() / 3600, 1)},
    )  # fmt: skip
    return settings.BASE_URL + reverse("hand_over", args=[token])


def revoke_hand_over(*, attempt: LinkAttempt, user: User | None, now: datetime) -> None:
    LinkAttempt.objects.filter(pk=attempt.pk).update(handover_hash="", state_hash="")
    record_event(
        tenant=attempt.tenant, verb="link.hand_over_revoked", actor=user, now=now, target=attempt,
        on_behalf=attempt.on_behalf,
    )  # fmt: skip


def find_hand_over(*, token: str, now: datetime) -> LinkAttempt:
    """The attempt behind a link. Raises NotPossible if unknown, used, revoked or too old."""
    with all_tenants("the link is the proof; whoever opens it has no tenant"):
        attempt = (
            LinkAttempt.objects.select_related("tenant", "app", "relinks", "started_by")
            .filter(handover_hash=token_hash(token))
            .first()
        )
    if attempt is None or not attempt.is_open:
        raise NotPossible("hand_over_unknown")
    if attempt.handover_expires_at is None or attempt.handover_expires_at <= now:
        raise NotPossible("hand_over_expired")
    return attempt


def use_up(*, attempt: LinkAttempt, now: datetime) -> None:
    """The person has done their part; the link does not open again."""
    LinkAttempt.objects.filter(pk=attempt.pk).update(handover_hash="", handover_used_at=now)
