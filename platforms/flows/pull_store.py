"""Pulling one store now, by whoever asks: waits for its turn, then pulls to the end."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from django.db.models import F, Max, Q, Sum
from django.utils import timezone

from platforms import registry
from platforms.errors import Fault, PlatformError
from platforms.flows.pull_orders import LostLease, pull_orders
from platforms.models import Lane, PullRun, Stream
from platforms.models.pulling import LEASE
from tenants.models import Store, StoreState

COUNTS = ("seen", "created", "updated", "unchanged", "quarantined", "pages", "calls")


class StillBusy(Exception):
    """Another worker has held the stream all the time we were willing to wait."""


@dataclass(kw_only=True)
class StorePull:
    """Sums over everything pulled, also before it failed."""

    seen: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    quarantined: int = 0
    pages: int = 0
    calls: int = 0
    fault: Fault | None = None


def pull_stream(stream: Stream, *, patience_s: float) -> StorePull:
    """Pull `stream` until everything up to now has landed, or it fails; the fault is in what
    comes back. Safe to repeat and to run beside workers.

    Raises StillBusy when a worker holds the lease for longer than `patience_s`.
    """
    before = PullRun.objects.filter(stream=stream).aggregate(last=Max("pk"))["last"] or 0
    fault: Fault | None = None
    try:
        _pull_to_the_end(stream, patience_s)
    except PlatformError as exc:
        fault = exc.fault
    runs = PullRun.objects.filter(stream=stream, pk__gt=before)
    sums = runs.aggregate(**{name: Sum(name) for name in COUNTS})
    return StorePull(fault=fault, **{name: sums[name] or 0 for name in COUNTS})


def standing_stream(store: Store) -> Stream | None:
    """The stream that goes on for ever and answers for `store`; None before it is linked."""
    standing = Stream.objects.standing().filter(authorization=store.authorization)
    return standing.filter(Q(store=store) | Q(store=None)).order_by("store").last()


def window_streams(stores: Sequence[Store], *, since: datetime, until: datetime) -> list[Stream]:
    """The streams for one closed window of `stores`: one for each, but a single one for all
    linked stores of an authorization where the platform answers for them in one call.

    Asking again for a window that failed goes on with it.
    """
    streams: list[Stream] = []
    by_authorization: dict[int, list[Store]] = {}
    for store in stores:
        by_authorization.setdefault(store.authorization_id or 0, []).append(store)
    for authorization_id, asked in by_authorization.items():
        linked = Store.objects.filter(authorization_id=authorization_id, state=StoreState.ACTIVE)
        in_one_call = registry.get(asked[0].platform).pull_by_authorization
        together = in_one_call and linked.count() == len(asked)
        streams += [
            _window_stream(asked[0], store, since=since, until=until)
            for store in ([None] if together else asked)
        ]
    return streams


def _window_stream(
    any_store: Store, store: Store | None, *, since: datetime, until: datetime
) -> Stream:
    assert any_store.authorization is not None
    key = {
        "tenant_id": any_store.tenant_id,
        "authorization": any_store.authorization,
        "store": store,
        "starts_at": since,
        "ends_at": until,
    }
    unfinished = Stream.objects.filter(**key, finished_at=None).first()
    # Not due: the pumps leave it to us, unless it fails.
    return unfinished or Stream.objects.create(**key, lane=Lane.BACK_FILL, watermark=since)


def reach(store: Store, *, until: datetime | None, now: datetime) -> datetime:
    """`until`, or the latest moment the platform can be asked for, whichever is earlier."""
    latest = now - registry.get(store.platform).lag
    return min(until, latest) if until else latest


def _pull_to_the_end(stream: Stream, patience_s: float) -> None:
    give_up = time.monotonic() + patience_s
    while True:
        held = _take(stream)
        if held is None:
            if Stream.objects.filter(pk=stream.pk).exclude(finished_at=None).exists():
                return  # a worker did it while we waited
            if time.monotonic() > give_up:
                raise StillBusy
            time.sleep(0.25)
            continue
        with suppress(LostLease):
            # One call stops after many pages, so that others may have a worker; we go on.
            if pull_orders(stream=held, now=timezone.now()).finished:
                return
        give_up = time.monotonic() + patience_s


def _take(stream: Stream) -> Stream | None:
    """Lease it if it is free, by compare-and-swap."""
    now = timezone.now()
    row = Stream.objects.get(pk=stream.pk)
    free = Stream.objects.filter(pk=row.pk, fence=row.fence, finished_at=None).filter(
        Q(leased_until=None) | Q(leased_until__lte=now)
    )
    if not free.update(fence=F("fence") + 1, leased_until=now + LEASE):
        return None
    row.fence += 1
    row.claimed_due_at = row.due_at
    return row
