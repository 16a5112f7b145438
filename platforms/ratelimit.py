"""Token buckets kept in database rows, shared by all workers.

A bucket is one number, the moment it would be full again (the generic cell rate algorithm):
a call moves it 1/rate further, and is allowed while it is at most burst/rate ahead of now.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from django.db import IntegrityError, connection, transaction

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


def take_many(wanted: Sequence[tuple[str, Limit]], *, now: datetime) -> list[bool]:
    """Take a single call from each bucket, in a few statements for all; which could be had. A
    bucket that another worker moves at the same moment gives nothing: ask again with `take`."""
    rows = RateBucket.objects.in_bulk({key for key, _limit in wanted})
    moved: dict[str, datetime] = {}
    had: list[bool] = []
    for key, limit in wanted:
        row = rows.get(key)
        rate, burst = _in_force(row, limit)
        each = timedelta(seconds=1 / rate)
        full_at = max(moved.get(key) or (row.full_at if row else now), now) + each * min(1, burst)
        had.append(full_at - now <= each * burst)
        if had[-1]:
            moved[key] = full_at
    taken = _move({key: (rows.get(key), full_at) for key, full_at in moved.items()})
    return [ok and key in taken for (key, _limit), ok in zip(wanted, had, strict=True)]


def _move(moved: Mapping[str, tuple[RateBucket | None, datetime]]) -> set[str]:
    """By compare-and-swap, in the order of keys, so that no two workers wait in a circle."""
    moment = connection.ops.adapt_datetimefield_value
    new = [(key, moment(at)) for key, (row, at) in sorted(moved.items()) if row is None]
    old = [
        (key, moment(row.full_at), moment(at)) for key, (row, at) in sorted(moved.items()) if row
    ]
    taken: set[str] = set()
    with transaction.atomic(), connection.cursor() as cursor:
        if new:
            marks = ", ".join(["(%s, %s)"] * len(new))
            cursor.execute(_NEW % marks, [value for row in new for value in row])
            taken |= {row[0] for row in cursor.fetchall()}
        if old:
            kinds = ("text", "timestamptz", "timestamptz")
            is_postgresql = connection.vendor == "postgresql"
            one = ", ".join(f"CAST(%s AS {kind})" if is_postgresql else "%s" for kind in kinds)
            marks = ", ".join([f"({one})"] * len(old))
            cursor.execute(_SWAP % marks, [value for row in old for value in row])
            taken |= {row[0] for row in cursor.fetchall()}
    return taken


_NEW = (
    "INSERT INTO platforms_ratebucket (key, full_at) VALUES %s ON CONFLICT DO NOTHING RETURNING key"
)
_SWAP = """
    UPDATE platforms_ratebucket SET full_at = v.column3 FROM (VALUES %s) AS v
    WHERE key = v.column1 AND full_at = v.column2 RETURNING key
"""


class Turns:
    """Calls that one channel may make without asking the shared bucket for each: a long pull
    takes a few at a time, and gives back what it did not use."""

    AT_ONCE = 8
    ROOMY = 64  # what a bucket must hold at least

    def __init__(self, held: Mapping[str, Limit] | None = None) -> None:
        """`held`: a call was taken already from each of these buckets (`take_many`)."""
        self._held = {key: (1, limit) for key, limit in (held or {}).items()}
        self._asked: Counter[str] = Counter()

    def take(self, key: str, limit: Limit, *, cost: float, now: datetime) -> timedelta:
        """As `take`. Calls are alike only where each costs one."""
        left, _limit = self._held.get(key, (0, limit))
        if left and cost == 1.0:
            self._held[key] = left - 1, limit
            return timedelta(0)
        self._asked[key] += 1
        # The first few calls of a channel are often its only ones; of a small bucket each counts.
        is_long = cost == 1.0 and self._asked[key] > 2 and limit.burst >= self.ROOMY
        if is_long and not take(key, limit, now=now, cost=self.AT_ONCE):
            self._held[key] = self.AT_ONCE - 1, limit
            return timedelta(0)
        return take(key, limit, now=now, cost=cost)

    def forget(self) -> None:
        """The platform said stop: what was held is worth nothing."""
        self._held.clear()

    def give_back(self, *, now: datetime) -> None:
        for key, (left, limit) in self._held.items():
            if left:
                row = RateBucket.objects.filter(pk=key).first()
                rate, _burst = _in_force(row, limit)
                if row and row.full_at > now:
                    earlier = row.full_at - timedelta(seconds=left / rate)
                    RateBucket.objects.filter(pk=key, full_at=row.full_at).update(full_at=earlier)
        self._held.clear()


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
