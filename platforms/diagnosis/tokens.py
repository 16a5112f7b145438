"""What we know ourselves: tokens and their clocks, keys that end, limits and how much is left."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Sum

from platforms.diagnosis import platform
from platforms.diagnosis.spec import Case, Found, failed, passed, skipped, warned
from platforms.errors import THROTTLES, Fault
from platforms.flows.refresh import LEASE
from platforms.health.condition import ENDS_SOON
from platforms.models import Authorization, AuthorizationState, CallStat, Stream

# A hold of this length is what keeps orders away, a shorter one is daily life.
LONG_HOLD = timedelta(minutes=10)


def key_expiry(case: Case) -> Found:
    """When the key, the permission or the application's secret ends, where somebody told."""
    authorization = case.authorization
    ends: list[tuple[str, datetime]] = []
    told = case.identity.consent_expires_at if case.identity else None
    if told is None and authorization is not None:
        told = authorization.seller_must_act_by
    if told is not None:
        ends.append(("permission", told))
    if case.app is not None and case.app.secret_expires_at is not None:
        ends.append(("app_secret", case.app.secret_expires_at))
    if not ends:
        return skipped("not_told")
    if authorization is not None and authorization.state == AuthorizationState.NEEDS_RELINK:
        # A date that lies ahead would only mislead; one that is past says why.
        ends = [each for each in ends if each[1] <= case.now]
        if not ends:
            return skipped("over")
    what, at = min(ends, key=lambda each: each[1])
    facts = {"what": what, "at": at.isoformat(), "days": (at - case.now).days}
    if at > case.now:
        return warned("soon", **facts) if at - case.now <= ENDS_SOON else passed("later", **facts)
    if case.identity is not None:
        return warned("past_but_works", **facts)
    fault = Fault.TOKEN_REVOKED if what == "permission" else Fault.APP_REJECTED
    return failed("past", fault, **facts)


def token_state(case: Case) -> Found:
    authorization = case.authorization
    if authorization is None:
        return skipped("not_linked")
    # As it is now: a check before this one may have renewed the token.
    row = Authorization.objects.filter(pk=authorization.pk).first() or authorization
    facts = {
        "state": row.state,
        "access_ends": _iso(row.access_expires_at),
        "refresh_ends": _iso(row.refresh_expires_at),
        "consent_ends": _iso(row.consent_expires_at),
        "refreshed_at": _iso(row.refreshed_at),
        "failures": row.refresh_failures,
        "last_fault": row.fault,
        "told": row.fault_detail,
        "in_flight_since": _iso(row.in_flight_since),
    }
    if row.state == AuthorizationState.NEEDS_RELINK:
        return failed("needs_relink", Fault(row.fault or Fault.TOKEN_REVOKED), **facts)
    if row.state != AuthorizationState.ACTIVE:
        return skipped("not_active", **facts)
    if row.refresh_expires_at is not None and row.refresh_expires_at <= case.now:
        if case.identity is None:
            return failed("refresh_over", Fault.TOKEN_REVOKED, **facts)
        return warned("refresh_over", **facts)
    if row.in_flight_since is not None and case.now - row.in_flight_since > LEASE:
        return warned("in_flight", **facts)
    if row.refresh_failures:
        return warned("not_refreshed", **facts)
    if row.access_expires_at is not None and row.access_expires_at <= case.now:
        return warned("access_over", **facts)
    return passed("fresh" if row.access_expires_at else "lasting", **facts)


def rate_limit(case: Case) -> Found:
    """How much room the platform leaves us, what it slowed down lately, and for how long."""
    hour = case.now.replace(minute=0, second=0, microsecond=0)
    stats = CallStat.objects.filter(
        authorization=case.authorization, hour__gte=hour - timedelta(hours=1)
    )
    calls = stats.aggregate(n=Sum("calls"))["n"] or 0
    throttled = stats.filter(fault__in=THROTTLES).aggregate(n=Sum("calls"))["n"] or 0
    left = platform.headroom(case)
    until = _room_again(case)
    facts = {
        "left": left,
        "calls": calls,
        "throttled": throttled,
        "until": _iso(until),
    }
    refused = next((exc.fault for exc in case.refusals if exc.fault in THROTTLES), None)
    if refused is not None:
        return failed("refused", refused, **facts)
    if until is not None and until - case.now > LONG_HOLD:
        return failed("held", _throttle_of(case), **facts)
    if throttled:
        return warned("tight", **facts)
    if until is not None:
        return warned("full", **facts)
    return passed("room" if left is not None else "no_limit", **facts)


def _room_again(case: Case) -> datetime | None:
    """When the next call for orders may be made; None: now."""
    waits = []
    for row, limit in platform.buckets(case):
        if row is None:
            continue
        rate, burst = row.rate or limit.rate, row.burst or limit.burst
        at = row.full_at - timedelta(seconds=max(0.0, burst - 1) / rate)
        if at > case.now:
            waits.append(at)
    return max(waits, default=None)


def _throttle_of(case: Case) -> Fault:
    """Which of the two it was, by the pulls that met it."""
    stream = Stream.objects.filter(authorization=case.authorization, fault__in=THROTTLES).first()
    return Fault(stream.fault) if stream else Fault.RATE_LIMITED


def _iso(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
