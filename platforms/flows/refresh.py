"""Keeping access tokens fresh: one refresh at a time per authorization, whoever asks.

A lease is taken by compare-and-swap together with an in-flight mark, and committed, before the
call; the answer is written only while the fence is still ours. A refresh token that may be
single use is thus never sent twice on purpose, and a late holder overwrites nobody. An answer
that spent such a token is kept on disk until it is committed (platforms/answers.py).
"""

from __future__ import annotations

import logging
import random
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from platforms import answers, credentials, registry, timeline, vault
from platforms.errors import Fault, NeedsSeller, OwnLimit, PlatformError, TryLater
from platforms.flows.break_authorization import break_authorization
from platforms.flows.heal_authorization import heal_authorization
from platforms.models import Authorization, AuthorizationState, Moment
from platforms.models.linking import REFRESH_LEASE as LEASE
from platforms.patience import patiently
from platforms.ratelimit import Turns
from platforms.spec import Account, Grant
from platforms.traffic import CallBook, CallCounter
from platforms.transport import Channel
from tenants.scope import all_tenants, tenant_scope

logger = logging.getLogger(__name__)

WAIT_FOR_OTHER_S = 90.0
BACK_OFF = (timedelta(minutes=1), timedelta(hours=1))
# At most so long while there is no usable token: what is lost then is the store's time.
LONGEST_WITHOUT_TOKEN = timedelta(minutes=10)
# What says that a platform cannot be reached, and nothing about the grant.
OUTAGES = {Fault.PLATFORM_DOWN, Fault.NETWORK_UNREACHABLE, Fault.TLS_FAILED, Fault.BAD_RESPONSE}
WAKE_EVERY = timedelta(seconds=5)

# Only these words of a token endpoint mean that the grant itself is gone. A suspended account
# is not among them: the same grant works again when the suspension ends.
FATAL = {Fault.TOKEN_REVOKED, Fault.BAD_CREDENTIALS}
# Platforms have been seen to refuse a grant by mistake: a refused one is tried again in silence,
# this long after each refusal, while the seller is asked already.
SECOND_LOOKS = (timedelta(minutes=15), timedelta(hours=2), timedelta(hours=12), timedelta(days=2))
# How long a database that is away is waited for with an answer in hand; within the lease.
COMMIT_PATIENCE_S = 60.0


class Outcome(StrEnum):
    REFRESHED = "refreshed"
    KEPT = "kept"  # nothing to do, or somebody else just did it
    FAILED = "failed"  # try later; the grant is untouched
    NEEDS_RELINK = "needs_relink"


@dataclass(frozen=True, kw_only=True)
class Refreshed:
    outcome: Outcome
    fault: Fault | None = None


def open_channel(
    authorization: Authorization,
    *,
    now: datetime,
    shop_ids: tuple[str, ...] = (),
    book: CallBook | None = None,
    turns: Turns | None = None,
) -> Channel:
    """A channel for calls on behalf of `authorization`, with a token that is still good.

    Raises NeedsSeller when the authorization cannot be used, TryLater when it could not be
    refreshed just now, vault.Unopenable when the credential does not open.
    """
    if not authorization.is_usable:
        raise NeedsSeller(Fault(authorization.fault or Fault.TOKEN_REVOKED), "not usable")
    adapter = registry.get(authorization.platform)
    if authorization.needs_refresh(now):
        authorization = _renewed(authorization, now=now)
    account = credentials.account_of(authorization, shop_ids=shop_ids)

    def renew() -> Account:
        nonlocal authorization
        with tenant_scope(authorization.tenant_id):
            # Kept, so that the next refusal is one of this token and not of the first.
            authorization = _renewed(authorization, now=timezone.now(), even_if_fresh=True)
            return credentials.account_of(authorization, shop_ids=shop_ids)

    return Channel(
        adapter,
        account,
        counter=CallCounter(
            tenant_id=authorization.tenant_id, authorization_id=authorization.pk, book=book
        ),
        renew=renew if adapter.can_refresh(account) else None,
        turns=turns,
    )


def _renewed(
    authorization: Authorization, *, now: datetime, even_if_fresh: bool = False
) -> Authorization:
    result = refresh(
        authorization=authorization,
        now=now,
        used_generation=authorization.generation if even_if_fresh else None,
    )
    fresh = Authorization.objects.select_related("app").get(pk=authorization.pk)
    if result.outcome == Outcome.NEEDS_RELINK:
        raise NeedsSeller(result.fault or Fault.TOKEN_REVOKED, "the grant has ended")
    still_good = fresh.access_expires_at is None or fresh.access_expires_at > now
    if result.outcome == Outcome.FAILED and (even_if_fresh or not still_good):
        why = fresh.fault_detail or "the token could not be refreshed"
        raise TryLater(result.fault or Fault.PLATFORM_DOWN, why)
    return fresh


def refresh(
    *, authorization: Authorization, now: datetime, used_generation: int | None = None
) -> Refreshed:
    """Bring the access token up to date. Any number of processes may ask at once: one calls.

    With `used_generation` a token of that generation was just refused, so it is refreshed
    however long it was to live; without it only if `needs_refresh`. Never raises for what the
    platform says: the outcome tells. Must not be called inside a transaction.
    """
    give_up = time.monotonic() + WAIT_FOR_OTHER_S
    pause_s = 0.02
    while True:
        row = Authorization.objects.select_related("app").get(pk=authorization.pk)
        if row.state != AuthorizationState.ACTIVE:
            return Refreshed(outcome=Outcome.NEEDS_RELINK, fault=Fault(row.fault or "unknown"))
        wanted = (
            row.needs_refresh(now) if used_generation is None else row.generation == used_generation
        )
        if not wanted:
            return Refreshed(outcome=Outcome.KEPT)
        successor = row.in_flight_since is not None
        if _take_lease(row):
            return refresh_leased(authorization=row, successor=successor)
        if time.monotonic() > give_up:
            return Refreshed(outcome=Outcome.FAILED, fault=Fault.PLATFORM_DOWN)
        time.sleep(pause_s * random.uniform(0.5, 1.5))  # noqa: S311
        pause_s = min(pause_s * 2, 0.5)


def refresh_leased(
    *, authorization: Authorization, successor: bool, book: CallBook | None = None
) -> Refreshed:
    """Refresh the credential of a leased `authorization` (with its app), also a refused one
    that gets a second look. `successor`: the holder before died with a call under way. Calls
    are counted in `book` where one is kept for many."""
    if kept := answers.find(authorization):
        written = _write_kept(authorization, kept, book)
        if written is not None:
            return written
    return _refresh_under_lease(authorization, successor=successor, book=book)


def recover_answers() -> int:
    """Commit the answers that a process which died has left on this machine; how many. What one
    trips over stays where it is, and holds up no other."""
    recovered = 0
    for kept in answers.left_behind():
        try:
            recovered += _recover(kept)
        except Exception:
            logger.exception("refresh.answer_tripped", extra={"authorization": kept.public_id})
    return recovered


def _recover(kept: answers.Kept) -> bool:
    with all_tenants("an answer's file names its authorization only"):
        row = Authorization.objects.select_related("app").filter(public_id=kept.public_id).first()
    if row is None or row.generation != kept.generation:
        answers.drop(kept)  # committed by somebody, or replaced since
        return False
    with tenant_scope(row.tenant_id):
        if not _take_lease(row):
            return False
        if _write_kept(row, kept, None) is None:
            Authorization.give_back([row])
            return False
        return True


def _take_lease(row: Authorization) -> bool:
    """Compare-and-swap; on success `row` carries our fence, committed with the mark."""
    at = timezone.now()
    taken = (
        Authorization.objects.filter(pk=row.pk, fence=row.fence, generation=row.generation)
        .filter(Q(leased_until=None) | Q(leased_until__lte=at))
        .update(fence=F("fence") + 1, leased_until=at + LEASE, in_flight_since=at)
    )
    row.fence += taken
    return bool(taken)


def _refresh_under_lease(
    row: Authorization, *, successor: bool, book: CallBook | None
) -> Refreshed:
    adapter = registry.get(row.platform)
    try:
        account = credentials.account_of(row)
    except vault.Unopenable as exc:
        logger.error("vault.unopenable", extra={"authorization_id": row.pk})
        _release(row, fault=Fault.UNKNOWN, detail=str(exc))
        return Refreshed(outcome=Outcome.FAILED, fault=Fault.UNKNOWN)
    if not adapter.can_refresh(account):
        _release(row)
        return Refreshed(outcome=Outcome.KEPT)
    counter = CallCounter(tenant_id=row.tenant_id, authorization_id=row.pk, book=book)
    with Channel(adapter, account, counter=counter) as call:
        try:
            grant = adapter.refresh(call, now=timezone.now())
        except PlatformError as exc:
            return _refused(row, exc, successor=successor)
        secrets = credentials.merge(account.secrets, grant)
        spent = secrets.get("refresh_token") != account.secrets.get("refresh_token")
        kept = None
        if spent and not adapter.refresh_repeats:
            kept = answers.keep(row, secrets, grant)
        return _commit(row, secrets, grant, kept, book)


def _write_kept(row: Authorization, kept: answers.Kept, book: CallBook | None) -> Refreshed | None:
    """Commit an answer found on disk; None if it is of no use."""
    try:
        opened = answers.open_kept(kept, row)
    except FileNotFoundError:
        return None
    except vault.Unopenable:
        logger.error("vault.unopenable", extra={"authorization_id": row.pk})
        answers.set_aside(kept)
        return None
    logger.warning("refresh.answer_recovered", extra={"authorization_id": row.pk})
    return _commit(row, opened.secrets, opened.grant, kept, book)


def _commit(
    row: Authorization,
    secrets: dict[str, str],
    grant: Grant,
    kept: answers.Kept | None,
    book: CallBook | None,
) -> Refreshed:
    # The old token may be spent: a database that is away for a moment must not cost the new.
    if not patiently(lambda: _write_and_heal(row, secrets, grant), seconds=COMMIT_PATIENCE_S):
        # Our lease ran out and somebody else holds one now, or has written since. The answer
        # stays on disk: it may be all that is left of the grant (recover_answers decides).
        logger.warning("refresh.lost_lease", extra={"authorization_id": row.pk})
        return Refreshed(outcome=Outcome.KEPT)
    if kept:
        answers.drop(kept)
    if row.refresh_failures and row.fault in OUTAGES:
        _wake_others(row.platform, now=timezone.now())
    if book:
        book.refreshed(row)
    else:
        timeline.note(authorization=row, moment=Moment.REFRESHED, now=timezone.now())
    return Refreshed(outcome=Outcome.REFRESHED)


_woken: dict[str, datetime] = {}  # platform -> when this process last did it


def _wake_others(platform: str, *, now: datetime) -> None:
    """The platform is back: grants that wait after an outage need not wait any longer."""
    last = _woken.get(platform)
    if last and timedelta(0) <= now - last < WAKE_EVERY:
        return
    _woken[platform] = now
    with all_tenants("one grant's success tells that the platform is back for all"):
        # Nobody is tried more often than the shortest wait allows, should it be down again.
        Authorization.wake(platform, faults=OUTAGES, failed_before=now - BACK_OFF[0], now=now)


def _write_and_heal(row: Authorization, secrets: dict[str, str], grant: Grant) -> bool:
    now = timezone.now()
    if row.state != AuthorizationState.NEEDS_RELINK:
        return credentials.renew(row, secrets, grant, now=now)
    with transaction.atomic():  # or the next holder could come between
        written = credentials.renew(row, secrets, grant, now=now)
        if written:
            heal_authorization(authorization=row, now=now)
    return written


def _refused(row: Authorization, exc: PlatformError, *, successor: bool) -> Refreshed:
    current = Authorization.objects.get(pk=row.pk)
    if current.fence != row.fence or current.generation != row.generation:
        # Re-read first: the credential in the row is no longer the one that was refused.
        return Refreshed(outcome=Outcome.KEPT)
    if isinstance(exc, OwnLimit):
        wait = exc.retry_after or BACK_OFF[0]
        _let_go(row, refresh_due_at=timezone.now() + wait, in_flight_since=None)
        return Refreshed(outcome=Outcome.FAILED, fault=exc.fault)
    if row.state == AuthorizationState.NEEDS_RELINK:
        return _still_refused(row, exc)
    # Keys of our own application are for us to mend; of the tenant's own one for the seller.
    ours = row.app is not None and row.app.tenant_id is None
    ours = ours and exc.fault == Fault.BAD_CREDENTIALS
    if exc.fault in FATAL and not ours:
        now = timezone.now()
        detail = "an earlier answer was lost on its way to us" if successor else exc.detail
        broken = break_authorization(
            authorization=current, fault=exc.fault, detail=detail, now=now, fence=row.fence,
            look_again_at=now + SECOND_LOOKS[0],
        )  # fmt: skip
        if not broken:
            return Refreshed(outcome=Outcome.KEPT)
        return Refreshed(outcome=Outcome.NEEDS_RELINK, fault=exc.fault)
    _release(row, fault=exc.fault, detail=exc.detail, retry_after=exc.retry_after)
    timeline.note(
        authorization=row, moment=Moment.NOT_REFRESHED, now=timezone.now(), fault=exc.fault,
        detail=exc.detail,
    )  # fmt: skip
    return Refreshed(outcome=Outcome.FAILED, fault=exc.fault)


def _still_refused(row: Authorization, exc: PlatformError) -> Refreshed:
    """A second look that did not succeed: another one later, or none any more."""
    looks = row.refresh_failures + (exc.fault in FATAL)
    wait = SECOND_LOOKS[looks] if looks < len(SECOND_LOOKS) else None
    _let_go(
        row, refresh_failures=looks, in_flight_since=None,
        refresh_due_at=timezone.now() + wait if wait else None,
    )  # fmt: skip
    return Refreshed(outcome=Outcome.NEEDS_RELINK, fault=exc.fault)


def _release(
    row: Authorization,
    *,
    fault: Fault | None = None,
    detail: str = "",
    retry_after: timedelta | None = None,
) -> None:
    now = timezone.now()
    changes: dict[str, object] = {}
    # A call that may have been answered unheard keeps its mark: the token may be spent.
    if fault not in (Fault.PLATFORM_DOWN, Fault.NETWORK_UNREACHABLE, Fault.BAD_RESPONSE):
        changes["in_flight_since"] = None
    if fault:
        shortest, longest = BACK_OFF
        if row.access_expires_at and row.access_expires_at <= now:
            longest = LONGEST_WITHOUT_TOKEN
        wait = min(longest, shortest * 2 ** min(row.refresh_failures, 10))
        wait = max(retry_after or timedelta(0), wait * random.uniform(0.75, 1.25))  # noqa: S311
        changes |= {
            "refresh_failures": F("refresh_failures") + 1,
            "failing_since": row.failing_since or now,
            "refresh_due_at": now + wait,
            "fault": fault,
            "fault_detail": detail[:300],
            "fault_at": now,
        }
    _let_go(row, **changes)


def _let_go(row: Authorization, **changes: object) -> None:
    Authorization.objects.filter(pk=row.pk, fence=row.fence).update(leased_until=None, **changes)
