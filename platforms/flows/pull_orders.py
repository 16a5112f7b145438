"""Pulling: windows on the platform's changed time, landed page by page, resumable anywhere.

`pull_orders` pulls one stream, `platforms/pull_engine.py` many at once; both end a turn alike.
"""

from __future__ import annotations

import logging
import random
from datetime import datetime, timedelta

from django.db.models import Case, F, Q, Value, When
from django.utils import timezone

from platforms import timeline, vault
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
from platforms.models import Authorization, Moment, Stream
from platforms.pulling.interval import jittered, next_interval
from platforms.pulling.turn import Loop, Pulled, Run, Turn
from platforms.pulling.write import write_pages
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
BACK_OFF = (timedelta(minutes=1), timedelta(minutes=30))
# A long window at a marketplace that fails now and then: what landed pages goes on soon.
AFTER_PROGRESS = timedelta(seconds=10)
WAITS_FOR_SELLER = timedelta(hours=1)  # once a second try has shown that it was no slip


class LostLease(Exception):
    """Another worker holds the stream now; nothing of the page was written."""


def pull_orders(*, stream: Stream, now: datetime) -> Pulled:
    """Bring the stores of a leased `stream` up to `now` (aware UTC) and move the watermark.

    Safe to repeat: orders are keyed by (store, number), and a page lands in one transaction
    with the cursor after it. An order we cannot read is quarantined and does not hold up the
    rest. Gives up the lease and writes `due_at` in every case.

    Raises PlatformError with the watermark untouched, after the failure is written down;
    a dead grant becomes needs_relink first. Raises LostLease.
    """
    authorization = Authorization.objects.select_related("app", "tenant").get(
        pk=stream.authorization_id
    )
    stream.authorization = authorization
    turn = Turn(stream=stream, stores=stores_of(stream))
    if not turn.stores:
        give_up_lease(stream, due_at=None)
        return turn.pulled
    shop_ids = tuple(store.external_id for store in turn.stores)
    try:
        with open_channel(authorization, now=now, shop_ids=shop_ids) as call:
            try:
                for page in turn.pages(call, now=now):
                    write_pages([page], now=timezone.now())
                    if turn.lost:
                        raise LostLease
            finally:
                note_turn(turn, call)
    except PlatformError as exc:
        write_failure(turn, exc, now=now)
        raise
    except vault.Unopenable as exc:
        error = platform_error(Fault.UNKNOWN, f"the credential does not open: {exc}")
        write_failure(turn, error, now=now)
        raise error from None
    end_turn(turn, now=now)
    return turn.pulled


def stores_of(stream: Stream) -> list[Store]:
    """The stores that `stream` answers for now."""
    stores = Store.objects.select_related("tenant").filter(
        authorization_id=stream.authorization_id, state=StoreState.ACTIVE
    )
    if stream.store_id is not None:
        stores = stores.filter(pk=stream.store_id)
    return list(stores)


def note_turn(turn: Turn, call: Channel) -> None:
    turn.pulled.calls, turn.pulled.spent_s = call.calls, call.spent_s
    # A refusal is about the credential that was last sent, maybe not the row's any more.
    turn.stream.authorization.generation = call.account.generation


def end_turn(turn: Turn, *, now: datetime) -> None:
    """After a turn that did not fail, and whose pages have landed."""
    stream = turn.stream
    if not turn.pulled.pages:  # nothing was worth a call: no page has given up the lease
        adapter, tenant = turn.adapter, stream.authorization.tenant
        wait = next_interval(stream.interval_s, adapter, tenant, is_busy=False)
        give_up_lease(stream, due_at=now + jittered(wait))
    if stream.authorization.fault:
        _forget_fault(stream.authorization)
    if turn.pulled.seen:
        logger.info(
            "orders.pulled",
            extra={"stream_id": stream.pk, "seen": turn.pulled.seen, "new": turn.pulled.created},
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


def give_up_lease(stream: Stream, *, due_at: datetime | None) -> None:
    """What was made due meanwhile stays due, what was stopped stays stopped."""
    row = Stream.objects.filter(pk=stream.pk, fence=stream.fence)
    row.update(leased_until=None, due_at=_due(stream, due_at))


def _due(stream: Stream, due_at: datetime | None) -> object:
    """The expression for a `due_at` of a stream that was claimed, as pulling/write.py has it."""
    if due_at is None or stream.claimed_due_at is None:
        return due_at
    earlier = Q(due_at__lt=stream.claimed_due_at) & Q(due_at__lt=due_at)
    stopped = Q(due_at=None)
    return Case(When(earlier | stopped, then=F("due_at")), default=Value(due_at))


def write_failure(turn: Turn, exc: PlatformError, *, now: datetime) -> None:
    """Write down why the turn ended and when it is tried again; everything before has landed."""
    stream = turn.stream
    if turn.run and (turn.run.row or not isinstance(exc, OwnLimit)):
        _write_run(turn, turn.run, exc)
    if isinstance(exc, OwnLimit):
        # Nothing was sent and nothing is wrong: it goes on when it is our turn.
        give_up_lease(stream, due_at=now + (exc.retry_after or BACK_OFF[0]))
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
            give_up_lease(stream, due_at=now + BACK_OFF[0])
            return
    elif isinstance(exc, NeedsSeller):
        Authorization.objects.filter(pk=authorization.pk).update(
            fault=exc.fault, fault_detail=exc.detail[:300], fault_at=now
        )
    before = 0 if turn.pulled.pages else stream.failures
    wait = _wait(exc, before)
    if turn.pulled.pages and isinstance(exc, TryLater) and not isinstance(exc, Loop):
        wait = exc.retry_after or AFTER_PROGRESS
    changes: dict[str, object] = {
        "leased_until": None,
        "failures": 1 if turn.pulled.pages else F("failures") + 1,
        "failing_since": stream.failing_since or now,
        "fault": exc.fault,
        "fault_detail": exc.detail[:300],
        "due_at": _due(stream, now + wait),
    }
    if (exc.fault == Fault.INVALID_REQUEST and stream.cursor) or isinstance(exc, Loop):
        # The platform may have forgotten the cursor (Amazon's live 24 h): begin the window again.
        changes["cursor"] = ""
    usable = Authorization.objects.filter(pk=authorization.pk, state="active").exists()
    if not usable:
        changes["due_at"] = None
    Stream.objects.filter(pk=stream.pk, fence=stream.fence).update(**changes)


def _write_run(turn: Turn, run: Run, exc: PlatformError) -> None:
    row = run.row or run.new_row(turn.stream)
    row.finished_at, row.calls = timezone.now(), run.calls
    row.fault, row.fault_detail = exc.fault, exc.detail[:300]
    row.save()


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
