"""Token buckets kept in database rows, shared by all workers.

A bucket is one number, the moment it would be full again (the generic cell rate algorithm):
a call moves it 1/rate further, and is allowed while it is at most burst/rate ahead of now.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import IntegrityError, transaction

from platforms.adapter import Adapter
from platforms.models.traffic import RateBucket
from platforms.spec import Account, Limit, Room
from platforms.vault import fingerprint


def buckets(adapter: Adapter, operation: str, account: Account) -> list[tuple[str, Limit]]:
    """All buckets that a call of `account` draws from, with their declared limits."""
    limits = adapter.limits.get(operation, ())
    several = limits if isinstance(limits, tuple) else (limits,)
    return [(key(adapter.code, operation, account, limit), limit) for limit in several]


def key(platform: str, operation: str, account: Account, limit: Limit) -> str:
    """Which bucket a call of `account` draws from."""
    whose = (
        f"app:{account.app.client_id}"
        if limit.per_app and account.app
        else f"{account.region}:{account.account_id or _unnamed(account)}"
    )
    which = f"{operation}.{limit.name}" if limit.name else operation
    return f"{platform}:{which}:{whose}"[:150]


def take(key: str, limit: Limit, *, now: datetime, cost: float = 1.0) -> timedelta:
    """Take a call's cost from the bucket. Zero: go on. Else nothing was taken: how long to wait."""
    while True:
        row = RateBucket.objects.filter(pk=key).first()
        rate, burst = _in_force(row, limit)
        # A call dearer than the whole bucket passes when it is full.
        each = timedelta(seconds=1 / rate)
        price, room = each * min(cost, burst), each * burst
        moved = max(row.full_at if row else now, now) + price
        if moved - now > room:
            return moved - now - room
        if row is None:
            if _created(key, moved):
                return timedelta(0)
        elif RateBucket.objects.filter(pk=key, full_at=row.full_at).update(full_at=moved):
            return timedelta(0)


def note(key: str, limit: Limit, room: Room, *, now: datetime) -> None:
    """The platform told how much is left; it counts the calls of other programs, too."""
    rate, burst = room.rate or limit.rate, room.burst or limit.burst
    if room.until is None:
        full_at = now + timedelta(seconds=max(0.0, burst - room.left) / rate)
    elif room.left >= 1:
        return  # it comes back at once by then; our own reckoning goes on
    else:
        full_at = room.until + timedelta(seconds=max(0.0, burst - 1) / rate)
    learned = {"full_at": full_at, "rate": room.rate, "burst": room.burst}
    RateBucket.objects.update_or_create(pk=key, defaults=learned)


def hold(key: str, limit: Limit, *, until: datetime) -> None:
    """The platform said stop: no call before `until`, for any worker."""
    bucket = RateBucket.objects.filter(pk=key).first()
    rate, burst = _in_force(bucket, limit)
    full_at = until + timedelta(seconds=(burst - 1) / rate)
    # Never shortened: another worker may have been told to wait for longer.
    if bucket is None and _created(key, full_at):
        return
    RateBucket.objects.filter(pk=key, full_at__lt=full_at).update(full_at=full_at)


def headroom(bucket: RateBucket | None, limit: Limit, *, now: datetime) -> int:
    """How many calls (or points) could be made at once now."""
    rate, burst = _in_force(bucket, limit)
    used = max(bucket.full_at - now, timedelta(0)).total_seconds() * rate if bucket else 0
    return max(0, int(burst - used))


def _in_force(bucket: RateBucket | None, limit: Limit) -> tuple[float, float]:
    """Rate and burst: as the platform told last, else as declared."""
    if bucket is None:
        return limit.rate, limit.burst
    return bucket.rate or limit.rate, bucket.burst or limit.burst


def _unnamed(account: Account) -> str:
    """While a store is being linked the account has no name yet; strangers must not share."""
    for name in ("seller_id", "shop_domain", "client_id", "refresh_token", "access_token"):
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
