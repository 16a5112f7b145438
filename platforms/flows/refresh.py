"""Keeping access tokens fresh: one refresh at a time per authorization, whoever asks.

A lease is taken by compare-and-swap together with an in-flight mark, and committed, before the
call; the answer is written only while the fence is still ours. A refresh token that may be
single use is thus never sent twice on purpose, and a late holder overwrites nobody.
"""

from __future__ import annotations

import logging
import random
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from django.db.models import F, Q
from django.utils import timezone

from platforms import credentials, registry, vault
from platforms.errors import Fault, NeedsSeller, PlatformError, TryLater
from platforms.flows.break_authorization import break_authorization
from platforms.models import Authorization, AuthorizationState
from platforms.spec import Account, Grant
from platforms.traffic import CallCounter
from platforms.transport import Channel
from tenants.scope import tenant_scope

logger = logging.getLogger(__name__)

# Longer than the longest call may take (transport.TOTAL_TIMEOUT_S), or two would call at once.
LEASE = timedelta(seconds=150)
WAIT_FOR_OTHER_S = 90.0
BACK_OFF = (timedelta(minutes=1), timedelta(hours=1))

# Only these words of a token endpoint mean that the grant itself is gone.
FATAL = {Fault.TOKEN_REVOKED, Fault.BAD_CREDENTIALS, Fault.ACCOUNT_SUSPENDED}


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
    authorization: Authorization, *, now: datetime, shop_ids: tuple[str, ...] = ()
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
        counter=CallCounter(tenant_id=authorization.tenant_id, authorization_id=authorization.pk),
        renew=renew if adapter.can_refresh(account) else None,
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
        raise TryLater(result.fault or Fault.PLATFORM_DOWN, "the token could not be refreshed")
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
            return _refresh_under_lease(row, successor=successor)
        if time.monotonic() > give_up:
            return Refreshed(outcome=Outcome.FAILED, fault=Fault.PLATFORM_DOWN)
        time.sleep(pause_s * random.uniform(0.5, 1.5))  # noqa: S311
        pause_s = min(pause_s * 2, 0.5)


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


def _refresh_under_lease(row: Authorization, *, successor: bool) -> Refreshed:
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
    counter = CallCounter(tenant_id=row.tenant_id, authorization_id=row.pk)
    try:
        with Channel(adapter, account, counter=counter) as call:
            grant = adapter.refresh(call, now=timezone.now())
    except PlatformError as exc:
        return _refused(row, exc, successor=successor)
    if not _write(row, credentials.merge(account.secrets, grant), grant):
        # Our lease ran out and somebody else has written since: theirs is the truth.
        logger.warning("refresh.lost_lease", extra={"authorization_id": row.pk})
        return Refreshed(outcome=Outcome.KEPT)
    return Refreshed(outcome=Outcome.REFRESHED)


def _write(row: Authorization, secrets: dict[str, str], grant: Grant) -> bool:
    now = timezone.now()
    row.access_expires_at = grant.access_expires_at
    main = credentials.main_secret(secrets)
    changes = {
        "sealed_credential": credentials.sealed(row, secrets),
        "generation": row.generation + 1,
        "access_expires_at": grant.access_expires_at,
        "refreshed_at": now,
        "refresh_due_at": credentials.next_refresh(row, secrets, now=now),
        "refresh_failures": 0,
        "hint": vault.hint(main),
        "fingerprint": vault.fingerprint(main),
        "fault": "",
        "fault_detail": "",
        "leased_until": None,
        "in_flight_since": None,
    }
    if grant.refresh_expires_at:
        changes["refresh_expires_at"] = grant.refresh_expires_at
    if grant.consent_expires_at:
        changes["consent_expires_at"] = grant.consent_expires_at
    if grant.scopes is not None:
        changes["scopes_granted"] = list(grant.scopes)
    return bool(Authorization.objects.filter(pk=row.pk, fence=row.fence).update(**changes))


def _refused(row: Authorization, exc: PlatformError, *, successor: bool) -> Refreshed:
    current = Authorization.objects.get(pk=row.pk)
    if current.fence != row.fence or current.generation != row.generation:
        # Re-read first: the credential in the row is no longer the one that was refused.
        return Refreshed(outcome=Outcome.KEPT)
    # Keys of our own application are for us to mend; of the tenant's own one for the seller.
    ours = row.app is not None and row.app.tenant_id is None
    ours = ours and exc.fault == Fault.BAD_CREDENTIALS
    if exc.fault in FATAL and not ours:
        detail = "an earlier answer was lost on its way to us" if successor else exc.detail
        broken = break_authorization(
            authorization=current, fault=exc.fault, detail=detail, now=timezone.now(),
            fence=row.fence,
        )  # fmt: skip
        if not broken:
            return Refreshed(outcome=Outcome.KEPT)
        return Refreshed(outcome=Outcome.NEEDS_RELINK, fault=exc.fault)
    _release(row, fault=exc.fault, detail=exc.detail, retry_after=exc.retry_after)
    return Refreshed(outcome=Outcome.FAILED, fault=exc.fault)


def _release(
    row: Authorization,
    *,
    fault: Fault | None = None,
    detail: str = "",
    retry_after: timedelta | None = None,
) -> None:
    now = timezone.now()
    changes: dict[str, object] = {"leased_until": None}
    # A call that may have been answered unheard keeps its mark: the token may be spent.
    if fault not in (Fault.PLATFORM_DOWN, Fault.NETWORK_UNREACHABLE, Fault.BAD_RESPONSE):
        changes["in_flight_since"] = None
    if fault:
        shortest, longest = BACK_OFF
        wait = min(longest, shortest * 2 ** min(row.refresh_failures, 10))
        wait = max(retry_after or timedelta(0), wait * random.uniform(0.75, 1.25))  # noqa: S311
        changes |= {
            "refresh_failures": F("refresh_failures") + 1,
            "refresh_due_at": now + wait,
            "fault": fault,
            "fault_detail": detail[:300],
            "fault_at": now,
        }
    Authorization.objects.filter(pk=row.pk, fence=row.fence).update(**changes)
