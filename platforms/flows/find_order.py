"""Why an order is not where somebody looks for it: the one reason, within seconds.

Our own rows are asked first and decide where they can; then the platforms of the stores the
person may know of, until one has the order or the time is up. Nothing is landed here.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import msgspec

from platforms import registry
from platforms.flows.pull_store import standing_stream
from platforms.flows.reconcile_counts import asked_since
from platforms.order_finder import asking, own_rows
from platforms.order_finder.asking import Asked, Replied, Unit
from platforms.order_finder.numbers import LONGEST, clean_number, for_trail
from platforms.order_finder.reasons import Finding, Fix, Reason, Seeker, Silent
from platforms.orders_query import OrderFilters
from platforms.spec import OrderData
from tenants.flows.record_event import record_event
from tenants.models import Event, Store, StoreState, Tenant

DEADLINE_S = 4.0
ASKED_AN_HOUR = 30
VERB = "order.sought"


class BadNumber(ValueError):
    """Empty, or longer than any order number."""


@dataclass(frozen=True, kw_only=True)
class _Search:
    tenant: Tenant
    seeker: Seeker
    number: str
    named: Store | None
    filters: OrderFilters
    now: datetime


def find_order(
    *,
    tenant: Tenant,
    seeker: Seeker,
    number: str,
    now: datetime,
    store: Store | None = None,
    filters: OrderFilters | None = None,
    deadline_s: float = DEADLINE_S,
) -> Finding:
    """The reason why `number` is not there for `seeker`, looking in `store` or with `filters`.
    Call in the tenant's scope, not inside a transaction.

    `store` must be one the seeker may know of. Leaves one event. Raises BadNumber.
    """
    started = time.monotonic()
    cleaned = clean_number(number)
    if not cleaned or len(cleaned) > LONGEST:
        raise BadNumber
    filters = filters or OrderFilters()
    search = _Search(
        tenant=tenant, seeker=seeker, number=cleaned, named=store or filters.store,
        filters=filters, now=now,
    )  # fmt: skip
    found = own_rows.look(cleaned, seeker=seeker, named=search.named, filters=filters)
    if found is None:
        found = _ask(search, until=started + deadline_s)
    found = replace(found, seconds=round(time.monotonic() - started, 2))
    _record(search, found)
    return found


def _record(search: _Search, found: Finding) -> None:
    about = found.store or search.named
    record_event(
        tenant=search.tenant, verb=VERB, actor=search.seeker.user, now=search.now,
        on_behalf=search.seeker.desk and search.seeker.user is not None,
        detail={
            "number": for_trail(search.number), "reason": found.reason.value,
            "store": about.path if about else "", "asked": found.platform_looked,
        },
    )  # fmt: skip


# --- the platforms


def _ask(search: _Search, *, until: float) -> Finding:
    stores = own_rows.readable_stores(search.seeker)
    if not any(store.is_linked for store in stores):
        return _nothing_linked(search)
    likely = sorted(
        stores, key=lambda each: (each.pk not in search.seeker.operated, each.state)
    )  # "active" comes before the others
    units = asking.units_for(likely, search.number)
    named = search.named
    first = [unit for unit in units if named and named.pk in _ids(unit)]
    others = [unit for unit in units if unit not in first]
    if named is None:
        first, others = others, []
    left_out = max(0, len(first) + len(others) - asking.MOST_UNITS)
    first = first[: asking.MOST_UNITS]
    others = others[: asking.MOST_UNITS - len(first)]
    if not first and not others:
        return _nobody_to_ask(search, stores)
    if over := _asked_too_often(search):
        return _without_answer(search, replace(_base(search), asked_too_often=True,
                                               no_room_until=over))  # fmt: skip
    asked = asking.ask(first, others, until=until)
    base = replace(
        _base(search), platform_looked=True, asked=_known(search, asked.answered),
        silent=_known_silent(search, asked), left_out=left_out,
    )  # fmt: skip
    if asked.found is not None:
        return _found(search, base, asked.found)
    return _not_found(search, base, stores)


def _known(search: _Search, stores: Sequence[Store]) -> tuple[Store, ...]:
    """A call may answer for shops of the account that the person must not hear of."""
    return tuple(store for store in stores if search.seeker.knows(store.pk))


def _known_silent(search: _Search, asked: Asked) -> tuple[Silent, ...]:
    return tuple(replace(each, stores=_known(search, each.stores)) for each in asked.silent)


def _ids(unit: Unit) -> list[int]:
    return [store.pk for store in unit.stores]


def _base(search: _Search) -> Finding:
    return Finding(
        number=search.number, reason=Reason.NOT_AT_PLATFORM, named=search.named,
        store=search.named,
    )  # fmt: skip


def _nothing_linked(search: _Search) -> Finding:
    fix = Fix.LINK if search.seeker.may(Fix.LINK, None) else None
    return replace(_base(search), reason=Reason.STORE_NOT_LINKED, fix=fix, no_store=True)


def _nobody_to_ask(search: _Search, stores: Sequence[Store]) -> Finding:
    """No platform that can be asked writes such numbers."""
    stuck = _stuck(search, stores)
    if stuck is not None:
        return stuck
    fix = Fix.LINK if search.seeker.may(Fix.LINK, None) else None
    return replace(_base(search), reason=Reason.OTHER_CHANNEL, fix=fix, store=None)


def _stuck(search: _Search, stores: Sequence[Store]) -> Finding | None:
    """A store that may have it, but whose platform cannot be asked before it is linked again."""
    dead = [
        store for store in stores
        if store.is_linked and store.authorization and not store.authorization.is_usable
    ]  # fmt: skip
    for store in asking.fitting(dead, search.number):
        found = own_rows.state_of(search.number, store, search.seeker)
        if found is not None:
            return replace(found, named=search.named)
    return None


def _asked_too_often(search: _Search) -> datetime | None:
    """Until when this person has to wait; None if the platforms may be asked."""
    if search.seeker.user is None:
        return None
    hour_ago = search.now - timedelta(hours=1)
    sought = Event.objects.filter(actor=search.seeker.user, verb=VERB, at__gt=hour_ago)
    times = [at for at, detail in sought.values_list("at", "detail") if detail.get("asked")]
    if len(times) < ASKED_AN_HOUR:
        return None
    return sorted(times)[-ASKED_AN_HOUR] + timedelta(hours=1)


# --- what they said


def _found(search: _Search, base: Finding, reply: Replied) -> Finding:
    unit = reply.unit
    assert reply.page is not None
    batch = asking.read(unit, reply.page)
    if not batch.parsed:
        return _unreadable(search, base, reply)
    known = [each for each in batch.parsed if search.seeker.knows(each.store.pk)]
    if not known:  # the account has it for a shop that they have no access to
        return replace(base, reason=Reason.NOT_BOUND, store=None, asked=(), silent=())
    store, order = known[0].store, known[0].order
    if here := _here_by_another_number(search, base, order.number):
        return here
    base = replace(
        base, number=order.number, store=store, placed_at=order.placed_at,
        changed_at=order.changed_at, fix=Fix.GET,
    )  # fmt: skip
    if store.state == StoreState.PAUSED:
        fix = Fix.RESUME if search.seeker.may(Fix.RESUME, store) else None
        return replace(base, reason=Reason.PAUSED, fix=fix)
    if search.named is not None and store.pk != search.named.pk:
        return replace(base, reason=Reason.WRONG_STORE)
    return _why_not_pulled(search, base, store, order)


def _here_by_another_number(search: _Search, base: Finding, number: str) -> Finding | None:
    """A marketplace may know an order by several numbers; we keep it under one."""
    if number == search.number:
        return None
    here = own_rows.among_orders(number, search.seeker, search.named, search.filters)
    return here and replace(here, platform_looked=True, asked=base.asked)


def _unreadable(search: _Search, base: Finding, reply: Replied) -> Finding:
    """It came, but for a shop that is not linked, or in a form we cannot read."""
    assert reply.page is not None
    adapter = registry.get(reply.unit.authorization.platform)
    store = next((each for each in reply.unit.stores if search.seeker.knows(each.pk)), None)
    base = replace(base, store=store)
    try:
        adapter.parse_order(reply.page.records[0], kind=reply.page.kind)
    except (msgspec.MsgspecError, ValueError, ArithmeticError, RecursionError) as exc:
        return replace(
            base, reason=Reason.IN_QUARANTINE, fix=Fix.GET if store else None,
            unreadable=str(exc)[:300],
        )  # fmt: skip
    fix = Fix.LINK if search.seeker.may(Fix.LINK, None) else None
    return replace(base, reason=Reason.STORE_NOT_LINKED, fix=fix)


def _why_not_pulled(search: _Search, base: Finding, store: Store, order: OrderData) -> Finding:
    began = asked_since(store)
    filling = own_rows.filling_stream(store, order.changed_at)
    if filling is not None:
        return replace(base, reason=Reason.NOT_YET_DUE, stream=filling)
    if began is not None and order.changed_at < began:
        day_can_be_asked = order.changed_at > search.now - registry.get(store.platform).back_fill
        fill = day_can_be_asked and search.seeker.may(Fix.BACK_FILL, store)
        return replace(
            base, reason=Reason.OUTSIDE_BACK_FILL, pulls_began_at=began,
            fix=Fix.BACK_FILL if fill else Fix.GET,
        )  # fmt: skip
    late = own_rows.late_stream(store, now=search.now)
    stream = late or standing_stream(store)
    if stream is None or late is not None or order.changed_at >= stream.watermark:
        return replace(base, reason=Reason.NOT_YET_DUE, stream=stream)
    return replace(base, reason=Reason.MISSED, stream=stream)


def _not_found(search: _Search, base: Finding, stores: Sequence[Store]) -> Finding:
    if base.silent:
        return _without_answer(search, base)
    stuck = _stuck(search, stores)
    if stuck is not None:
        return replace(
            stuck, asked=base.asked, platform_looked=True, left_out=base.left_out
        )  # fmt: skip
    named = search.named
    if named is not None and named in base.asked and registry.get(named.platform).withheld:
        # They know that it is of this store: then it may be one of those.
        return replace(base, reason=Reason.WITHHELD, withheld_by=named.platform)
    return base


def _without_answer(search: _Search, base: Finding) -> Finding:
    """The platforms did not answer, or were not asked: what our rows say of the stream."""
    named = search.named
    late = own_rows.late_stream(named, now=search.now) if named else None
    if late is not None:
        return replace(base, reason=Reason.NOT_YET_DUE, stream=late, fix=Fix.PULL)
    fix = None if base.asked_too_often else Fix.AGAIN
    return replace(base, reason=Reason.PLATFORM_SILENT, fix=fix)
