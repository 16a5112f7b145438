"""A member's private address of the expiry calendar."""

from __future__ import annotations

from datetime import datetime

from platforms.models import CalendarFeed
from tenants.models import Membership
from tenants.models.tenant import new_token, token_hash
from tenants.scope import all_tenants


def make_feed(*, membership: Membership, now: datetime) -> str:
    """A new address's token, shown this once; the one before stops working."""
    token = new_token()
    CalendarFeed.objects.update_or_create(
        tenant_id=membership.tenant_id, membership=membership,
        defaults={"token_hash": token_hash(token), "created_at": now, "read_at": None},
    )  # fmt: skip
    return token


def end_feed(*, membership: Membership) -> None:
    CalendarFeed.objects.filter(membership=membership).delete()


def find_feed(*, token: str, now: datetime) -> CalendarFeed | None:
    """The feed of a member who is still one; None for anything else."""
    with all_tenants("a feed's token is all that its reader has"):
        feed = (
            CalendarFeed.objects.select_related("membership__tenant", "membership__user")
            .filter(token_hash=token_hash(token), membership__left_at=None)
            .filter(membership__user__is_active=True)
            .first()
        )
        if feed is not None:
            CalendarFeed.objects.filter(pk=feed.pk).update(read_at=now)
    return feed
