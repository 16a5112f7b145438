"""Pulling: windows on the platform's changed time, landed page by page, resumable anywhere."""

from __future__ import annotations

import logging
import random
import time
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from platforms import landing, registry, timeline, vault
from platforms.adapter import Adapter
from platforms.errors import (
    THROTTLES,
    Fault,
    NeedsSeller,
    OwnLimit,
    PlatformError,
    TryLater,
    platform_error,
)
from platforms.flows.break_authorization import break_authorization
from platforms.flows.refresh import open_channel
from platforms.landing import Landed, Router
from platforms.models import Authorization, Lane, Moment, PullRun, Stream
from platforms.models.pulling import LEASE
from platforms.spec import Page, Window
from platforms.transport import Channel
from tenants.models import Store, StoreState

logger = logging.getLogger(__name__)

# After these the seller must link again; after the other NeedsSeller faults (an address that
# is not allowed, a suspended account) the same grant works once they have acted.
DEAD_GRANT = {
    Fault.TOKEN_REVOKED,
    Fault.TOKEN_EXPIRED,
    Fault.BAD_CREDENTIALS,
    Fault.INSUFFICIENT_SCOPE,
    Fault.WRONG_ENVIRONMENT,
}
# Then others have the worker; far below the time after which the queue would kill the job.
PAGES_AT_ONCE = 200
TIME_AT_ONCE_S = 60.0
BACK_OFF = (timedelta(minutes=1), timedelta(minutes=30))
# A window finished by a resumed pull ends moments before now; its rest comes with the next one.
NOT_WORTH_A_CALL = timedelta(seconds=5)
WAITS_FOR_SELLER = timedelta(hours=1)  # once a second try has shown that it was no slip


class LostLease(Exception):
    """Another worker holds the stream now; nothing of the page was written."""


@dataclass(kw_only=True)
class Pulled(Landed):
    """Sums over the pages of one pull."""

    pages: int = 0
    calls: int = 0
    finished: bool = False  # everything up to now has landed


class _Turn:
    """How long one stream may keep a worker."""

    def __init__(self, pulled: Pulled) -> None:
        self.pulled = pulled
        self._ends = time.monotonic() + TIME_AT_ONCE_S

    @property
    def is_over(self) -> bool:
        return self.pulled.pages >= PAGES_AT_ONCE or time.monotonic() > self._ends


def pull_orders(*, stream: Stream, now: datetime) -> Pulled:
    """Bring the stores of a leased `stream` up to `now` (aware UTC) and move the watermark.

    Safe to repeat: orders are keyed by (store, number), and a page lands in one transaction
    with the cursor after it. An order we cannot read is quarantined and does not hold up the
    rest. Gives up the lease and writes `due_at` in every case.

    Raises PlatformError with the watermark untouched, after the failure is written down;
    a dead grant becomes needs_relink first. Raises LostLease.
    """
    pulled = Pulled()
    try:
        _pull(stream, pulled, now=now)
    except PlatformError as exc:
        _write_failure(stream, exc, now=now)
        raise
    except vault.Unopenable as exc:
        error = platform_error(Fault.UNKNOWN, f"the credential does not open: {exc}")
        _write_failure(stream, error, now=now)
        raise error from None
    return pulled


def _pull(stream: Stream, pulled: Pulled, *, now: datetime) -> None:
    authorization = Authorization.objects.select_related("app", "tenant").get(
        pk=stream.authorization_id
    )
    stream.authorization = authorization
    adapter = registry.get(authorization.platform)
    stores = _stores(stream)
    if not stores:
        _give_up_lease(stream, due_at=None)
        return
    shop_ids = tuple(store.external_id for store in stores)
    turn = _Turn(pulled)
    with open_channel(authorization, now=now, shop_ids=shop_ids) as call:
        try:
            while not turn.is_over:
                window = _window(stream, adapter, now=now)
                if window is None:
                    pulled.finished = True
                    break
                _pull_window(stream, adapter, call, window, Router(stores), turn)
        finally:
            # A refusal is about the credential that was last sent, maybe not the row's any more.
            authorization.generation = call.account.generation
        pulled.calls = call.calls
    if authorization.fault:
        _forget_fault(authorization)
    if not pulled.finished:
        _give_up_lease(stream, due_at=now)
    elif stream.finished_at is None:
        _give_up_lease(stream, due_at=_next_due(adapter, now))
    logger.info(
        "orders.pulled",
        extra={"stream_id": stream.pk, "seen": pulled.seen, "new": pulled.created},
    )


def _forget_fault(authorization: Authorization) -> None:
    """A pull that works says that it is over. Not of a refresh that somebody must mend: that
    stays until one succeeds, while what passes by itself matters only once the token has ended."""
    known = authorization.fault in list(Fault)
    passes = known and isinstance(platform_error(Fault(authorization.fault)), TryLater)
    row = Authorization.objects.filter(
        pk=authorization.pk, state="active", fault=authorization.fault
    )
    if not passes:
        row = row.filter(failing_since=None)
    row.update(fault="", fault_detail="")


def _stores(stream: Stream) -> list[Store]:
    stores = Store.objects.select_related("tenant").filter(
        authorization_id=stream.authorization_id, state=StoreState.ACTIVE
    )
    if stream.store_id is not None:
        stores = stores.filter(pk=stream.store_id)
    return list(stores)


def _window(stream: Stream, adapter: Adapter, *, now: datetime) -> Window | None:
    """The window under way, or the next one; None when all has landed."""
    target = now - adapter.lag
    if stream.ends_at is not None:
        target = min(target, stream.ends_at)
    sliver = timedelta(microseconds=1) if stream.ends_at else NOT_WORTH_A_CALL
    if stream.window_until is None and target - stream.watermark < sliver:
        return None
    # The same on every call until the watermark moves, so a killed pull resumes its own window.
    since = max(stream.starts_at, stream.watermark - adapter.overlap)
    if stream.window_until is None:
        stream.window_until = min(target, since + adapter.max_window)
    return Window(since=since, until=stream.window_until)


def _pull_window(
    stream: Stream, adapter: Adapter, call: Channel, window: Window, router: Router, turn: _Turn
) -> None:  # fmt: skip
    pulled = turn.pulled
    run = PullRun.objects.create(
        tenant_id=stream.tenant_id, stream=stream, started_at=timezone.now(),
        since=window.since, until=window.until,
    )  # fmt: skip
    calls_before = call.calls
    try:
        while True:
            page = adapter.fetch_orders(
                call, window=window, cursor=stream.cursor or None, now=timezone.now()
            )
            run.calls = call.calls - calls_before
            landed = _land_page(stream, adapter, page, window, router, run)
            pulled.pages += 1
            for name in ("seen", "created", "updated", "unchanged", "quarantined"):
                setattr(pulled, name, getattr(pulled, name) + getattr(landed, name))
            if page.cursor is None or turn.is_over:
                return
    except PlatformError as exc:
        PullRun.objects.filter(pk=run.pk).update(
            finished_at=timezone.now(), fault=exc.fault, fault_detail=exc.detail[:300],
            calls=call.calls - calls_before,
        )  # fmt: skip
        raise


def _land_page(
    stream: Stream, adapter: Adapter, page: Page, window: Window, router: Router, run: PullRun
) -> Landed:
    """Write the page, the cursor after it and the counts in one transaction."""
    now = timezone.now()
    batch = landing.read_records(adapter, page.records, kind=page.kind, router=router)
    changes: dict[str, object] = {
        "cursor": page.cursor or "",
        "window_until": window.until,
        "leased_until": now + LEASE,
        "orders_seen": F("orders_seen") + batch.seen,
    }
    if page.cursor is None:
        changes |= _window_done(stream, window, now=now)
    with transaction.atomic():
        held = Stream.objects.select_for_update().filter(pk=stream.pk, fence=stream.fence)
        if not held.update(**changes):
            raise LostLease
        landed = landing.land(batch, stream=stream, now=now)
        PullRun.objects.filter(pk=run.pk).update(
            pages=F("pages") + 1,
            calls=run.calls,
            seen=F("seen") + landed.seen,
            created=F("created") + landed.created,
            updated=F("updated") + landed.updated,
            unchanged=F("unchanged") + landed.unchanged,
            quarantined=F("quarantined") + landed.quarantined,
            finished_at=now if page.cursor is None else None,
        )
    for name, value in changes.items():
        if name != "orders_seen":
            setattr(stream, name, value)
    return landed


def _window_done(stream: Stream, window: Window, *, now: datetime) -> dict[str, object]:
    changes: dict[str, object] = {
        "watermark": window.until,
        "window_until": None,
        "failures": 0,
        "failing_since": None,
        "fault": "",
        "fault_detail": "",
        "last_success_at": now,
    }
    if stream.ends_at is None:
        changes["lane"] = Lane.FRESH
    elif window.until >= stream.ends_at:
        changes |= {"finished_at": now, "due_at": None, "leased_until": None}
    return changes


def _next_due(adapter: Adapter, now: datetime) -> datetime:
    # Stores linked together must not be polled together for ever.
    return now + adapter.poll_every * random.uniform(0.9, 1.1)  # noqa: S311


def _give_up_lease(stream: Stream, *, due_at: datetime | None) -> None:
    Stream.objects.filter(pk=stream.pk, fence=stream.fence).update(leased_until=None, due_at=due_at)


def _write_failure(stream: Stream, exc: PlatformError, *, now: datetime) -> None:
    if isinstance(exc, OwnLimit):
        # Nothing was sent and nothing is wrong: it goes on when it is our turn.
        _give_up_lease(stream, due_at=now + (exc.retry_after or BACK_OFF[0]))
        return
    logger.warning("orders.not_pulled", extra={"stream_id": stream.pk, "fault": str(exc.fault)})
    authorization = stream.authorization  # of the generation that was refused
    throttled = exc.fault in THROTTLES
    timeline.note(
        authorization=authorization, store=stream.store, now=now, fault=exc.fault,
        moment=Moment.THROTTLED if throttled else Moment.REFUSED, detail=exc.detail,
    )  # fmt: skip
    if isinstance(exc, NeedsSeller) and exc.fault in DEAD_GRANT:
        broken = break_authorization(
            authorization=authorization, fault=exc.fault, detail=exc.detail, now=now
        )
        if not broken and Authorization.objects.filter(pk=authorization.pk, state="active"):
            # The credential was replaced while we pulled with the one before: again with the new.
            _give_up_lease(stream, due_at=now + BACK_OFF[0])
            return
    elif isinstance(exc, NeedsSeller):
        Authorization.objects.filter(pk=authorization.pk).update(
            fault=exc.fault, fault_detail=exc.detail[:300], fault_at=now
        )
    changes: dict[str, object] = {
        "leased_until": None,
        "failures": F("failures") + 1,
        "failing_since": stream.failing_since or now,
        "fault": exc.fault,
        "fault_detail": exc.detail[:300],
        "due_at": now + _wait(exc, stream.failures),
    }
    if exc.fault == Fault.INVALID_REQUEST and stream.cursor:
        # The platform may have forgotten the cursor (Amazon's live 24 h): begin the window again.
        changes["cursor"] = ""
    usable = Authorization.objects.filter(pk=authorization.pk, state="active").exists()
    if not usable:
        changes["due_at"] = None
    Stream.objects.filter(pk=stream.pk, fence=stream.fence).update(**changes)


def _wait(exc: PlatformError, failures: int) -> timedelta:
    """How long until the next try, after `failures` in a row before this one."""
    shortest, longest = BACK_OFF
    wait = min(longest, shortest * 2 ** min(failures, 6)) * random.uniform(0.8, 1.2)  # noqa: S311
    if isinstance(exc, NeedsSeller) and failures:
        wait = WAITS_FOR_SELLER
    if not exc.retry_after:
        return wait
    # A limit tells exactly when it is over; others say the least to wait.
    return exc.retry_after if exc.fault == Fault.RATE_LIMITED else max(wait, exc.retry_after)
