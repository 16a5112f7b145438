"""What the marketplace itself says: who we are, which shop, what we may, what it answers."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings

from platforms import ratelimit, vault
from platforms.diagnosis.spec import Case, Found, failed, passed, skipped, warned
from platforms.errors import Fault, OwnLimit, PlatformError, platform_error
from platforms.flows.refresh import open_channel
from platforms.models import RateBucket
from platforms.models.linking import AuthorizationState
from platforms.outages import find_outage
from platforms.spec import Limit, ModeKind, Window
from platforms.transport import Channel
from tenants.models import StoreState

WINDOW = timedelta(minutes=1)
# A pull needs its calls more than we need the proof.
CALLS_TO_SPARE = 2


def credentials(case: Case) -> Found:
    """Who are we? Through the ordinary channel, refresh included."""
    authorization = case.authorization
    if authorization is None or case.store is None or case.store.state == StoreState.UNLINKED:
        return skipped("not_linked")
    if authorization.state != AuthorizationState.ACTIVE:
        # Not tried: a grant that the platform refused for good is not sent again and again.
        fault = Fault(authorization.fault or Fault.TOKEN_REVOKED)
        case.refusals.append(platform_error(fault))
        return failed("not_usable", fault, told=authorization.fault_detail)
    try:
        with open_channel(authorization, now=case.now, shop_ids=(case.store.external_id,)) as call:
            case.identity = case.adapter.who_am_i(call, now=case.now)
    except OwnLimit as exc:
        return failed("own_limit", Fault.RATE_LIMITED, wait_s=_seconds(exc.retry_after))
    except PlatformError as exc:
        return _refused(case, exc)
    except vault.Unopenable:
        return failed("unopenable", Fault.UNKNOWN)
    return passed("accepted", account=case.identity.account_name[:200])


def right_shop(case: Case) -> Found:
    identity, store = case.identity, case.store
    assert identity is not None
    assert store is not None
    found = [shop for shop in identity.shops if shop.external_id == store.external_id]
    facts = {
        "expected": store.external_name or store.external_id,
        "shops": [shop.name[:100] for shop in identity.shops[:10]],
    }
    if found:
        return passed("same", **facts)
    known = case.authorization.account_id if case.authorization else ""
    if not case.adapter.grant_per_shop and identity.account_id == known:
        return failed("shop_gone", Fault.ACCOUNT_SUSPENDED, **facts)
    return failed("other_shop", Fault.SHOP_MISMATCH, **facts)


def scopes(case: Case) -> Found:
    identity, authorization = case.identity, case.authorization
    assert identity is not None
    assert authorization is not None
    granted = identity.scopes
    if granted is None and authorization.scopes_granted is not None:
        granted = tuple(authorization.scopes_granted)
    missing = list(dict.fromkeys(identity.missing))
    facts: dict[str, object] = {
        "asked": list(authorization.scopes_asked),
        "granted": None if granted is None else list(granted),
        "needed": list(case.mode.scopes),
        "missing": missing,
    }
    if missing:
        return failed("missing", Fault.INSUFFICIENT_SCOPE, **facts)
    return passed("all" if granted is not None else "not_told", **facts)


def orders(case: Case) -> Found:
    """The newest minute of orders, one page, looked at and not kept."""
    authorization, store = case.authorization, case.store
    assert authorization is not None
    assert store is not None
    if (left := headroom(case)) is not None and left < CALLS_TO_SPARE:
        return skipped("spared", left=left)
    until = case.now - case.adapter.lag
    window = Window(since=until - WINDOW, until=until)
    try:
        with open_channel(authorization, now=case.now, shop_ids=(store.external_id,)) as call:
            page = case.adapter.fetch_orders(call, window=window, cursor=None, now=case.now)
    except OwnLimit as exc:
        return warned("own_limit", wait_s=_seconds(exc.retry_after))
    except PlatformError as exc:
        return _refused(case, exc)
    return passed("read", orders=len(page.records))


def outgoing_address(case: Case) -> Found:
    """Whether the marketplace lets our address in, and which one it is."""
    ours = list(settings.OUTGOING_ADDRESSES)
    if any(exc.fault == Fault.IP_NOT_WHITELISTED for exc in case.refusals):
        return failed("not_allowed", Fault.IP_NOT_WHITELISTED, addresses=ours)
    return passed("known", addresses=ours) if ours else skipped("not_told")


def outage(case: Case) -> Found:
    """Whether many stores of the platform fail right now: then it is not this one."""
    code = case.adapter.code
    same = (find_outage(code, exc.fault) for exc in case.refusals)
    row = next(filter(None, same), None) or find_outage(code)
    if row is None:
        return passed("none")
    facts = {"since": row.since.isoformat(), "stores": row.stores, "of_stores": row.of_stores}
    suffers = case.refusals or any(each.failed for each in case.hosts.values())
    return failed("open", Fault(row.fault), **facts) if suffers else warned("elsewhere", **facts)


def application(case: Case) -> Found:
    """The application that a consent goes through: there is one, and the platform takes it."""
    if case.mode.kind is not ModeKind.CONSENT:
        return skipped("no_application")
    if case.app_keys is None:
        # What is still to be typed is no fault of anybody.
        return skipped("not_entered") if case.mode.own_app else failed("none", Fault.APP_REJECTED)
    if not case.mode.own_app:
        return passed("ours")
    try:
        with Channel(case.adapter, case.account()) as call:
            case.adapter.check_app(call, now=case.now)
    except OwnLimit as exc:
        return warned("own_limit", wait_s=_seconds(exc.retry_after))
    except PlatformError as exc:
        return _refused(case, exc)
    # Where a platform lets nobody try, nothing was sent and nothing is proved.
    return passed("accepted") if call.calls else skipped("cannot_be_tried")


def headroom(case: Case) -> int | None:
    """How many calls for orders could be made at once now; None where nothing limits them."""
    left = [ratelimit.headroom(row, limit, now=case.now) for row, limit in buckets(case)]
    return min(left, default=None)


def buckets(case: Case) -> list[tuple[RateBucket | None, Limit]]:
    keys = ratelimit.buckets(case.adapter, case.adapter.orders_operation, case.account())
    rows = RateBucket.objects.in_bulk([key for key, _limit in keys])
    return [(rows.get(key), limit) for key, limit in keys]


def _refused(case: Case, exc: PlatformError) -> Found:
    case.refusals.append(exc)
    fault, ours = exc.fault, case.app is not None and case.app.tenant_id is None
    if ours and fault is Fault.BAD_CREDENTIALS:
        # The keys of our own application: no seller can mend that by linking again.
        fault = Fault.APP_REJECTED
    return failed("refused", fault, told=exc.detail, wait_s=_seconds(exc.retry_after))


def _seconds(wait: timedelta | None) -> int | None:
    return None if wait is None else int(wait.total_seconds())
