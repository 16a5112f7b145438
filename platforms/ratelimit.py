"""Token buckets kept in database rows, shared by all workers.

A bucket is one number, the moment it would be full again (the generic cell rate algorithm):
a call moves it 1/rate further, and is allowed while it is at most burst/rate ahead of now.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import IntegrityError, transaction

from platforms.models.traffic import RateBucket
from platforms.spec import Account, Limit
from platforms.vault import fingerprint


def key(platform: str, operation: str, account: Account, limit: Limit) -> str:
    """Which bucket a call of `account` draws from."""
    whose = (
        f"app:{account.app.client_id}"
        if limit.per_app and account.app
        else f"{account.region}:{account.account_id or _unnamed(account)}"
    )
    return f"{platform}:{operation}:{whose}"[:150]


def take(key: str, limit: Limit, *, now: datetime) -> timedelta:
    """Take one call from the bucket. Zero: go on. Else nothing was taken: how long to wait."""
    cost = timedelta(seconds=1 / limit.rate)
    room = cost * limit.burst
    while True:
        full_at = RateBucket.objects.filter(pk=key).values_list("full_at", flat=True).first()
        moved = max(full_at or now, now) + cost
        if moved - now > room:
            return moved - now - room
        if full_at is None:
            if _created(key, moved):
                return timedelta(0)
        elif RateBucket.objects.filter(pk=key, full_at=full_at).update(full_at=moved):
            return timedelta(0)


def hold(key: str, limit: Limit, *, until: datetime) -> None:
    """The platform said stop: no call before `until`, for any worker."""
    cost = timedelta(seconds=1 / limit.rate)
    full_at = until + cost * (limit.burst - 1)
    # Never shortened: another worker may have been told to wait for longer.
    if not RateBucket.objects.filter(pk=key).exists() and _created(key, full_at):
        return
    RateBucket.objects.filter(pk=key, full_at__lt=full_at).update(full_at=full_at)


def headroom(full_at: datetime | None, limit: Limit, *, now: datetime) -> int:
    """How many calls could be made at once now, of a bucket that is full again at `full_at`."""
    used = max(full_at - now, timedelta(0)).total_seconds() * limit.rate if full_at else 0
    return max(0, int(limit.burst - used))


def _unnamed(account: Account) -> str:
    """While a store is being linked the account has no name yet; strangers must not share."""
    for name in ("seller_id", "client_id", "refresh_token", "access_token"):
        if account.secrets.get(name):
            return f"new:{fingerprint(account.secrets[name])}"
    return ""


def _created(key: str, full_at: datetime) -> bool:
    try:
        with transaction.atomic():
            RateBucket.objects.create(pk=key, full_at=full_at)
    except IntegrityError:
        return False
    return True
