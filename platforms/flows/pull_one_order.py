"""Getting one order from its platform now, whatever the streams are about to do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction

from accounts.models import User
from platforms import landing, vault
from platforms.errors import Fault, PlatformError, platform_error
from platforms.flows.pull_store import standing_stream
from platforms.landing import Batch
from platforms.models import Order, Stream
from platforms.order_finder import asking
from platforms.order_finder.asking import Unit
from platforms.order_finder.numbers import clean_number, for_trail, spellings
from platforms.spec import Page
from tenants.flows.record_event import record_event
from tenants.models import Event, Outcome, Store

VERB = "order.pulled"
FAILED_AN_HOUR = 30


class TooOften(Exception):
    """This person has asked in vain too often within the hour."""


@dataclass(frozen=True, kw_only=True)
class PulledOne:
    """`order` is the row, None where the platform does not have it. `unreadable`: it came and
    was put into quarantine. `landed`: it, or a change of it, was written now."""

    order: Order | None = None
    landed: bool = False
    unreadable: bool = False


def pull_one_order(
    *, store: Store, number: str, user: User | None, now: datetime, on_behalf: bool = False
) -> PulledOne:
    """Ask the platform for the order and land it like a pulled one. Safe to repeat: an order
    that is here already is not asked for again. Call in the tenant's scope, not inside a
    transaction.

    Raises PlatformError where the platform cannot be asked, TooOften.
    """
    here = _find(store, number)
    if here is not None:
        return PulledOne(order=here)
    if _failed_too_often(user, now):
        raise TooOften
    try:
        unit, page = _fetch(store, number)
    except PlatformError:
        _record(store, number, user, now, on_behalf=on_behalf, outcome=Outcome.FAILED)
        raise
    batch = asking.read(unit, page) if unit and page else Batch()
    batch.parsed = [each for each in batch.parsed if each.store.pk == store.pk]
    if not batch.parsed and not batch.unreadable:
        _record(store, number, user, now, on_behalf=on_behalf, outcome=Outcome.FAILED)
        return PulledOne()
    return _land(store, number, batch, user=user, now=now, on_behalf=on_behalf)


def _fetch(store: Store, number: str) -> tuple[Unit | None, Page | None]:
    unit = next(iter(asking.units_for([store], number)), None)
    if unit is None:
        return None, None
    try:
        return unit, asking.fetch(unit)
    except vault.Unopenable:
        raise platform_error(Fault.UNKNOWN, "the credential does not open") from None


def _land(
    store: Store, number: str, batch: Batch, *, user: User | None, now: datetime, on_behalf: bool
) -> PulledOne:
    stream = standing_stream(store)
    if stream is None:
        # Quarantine names the stream it came by; without one only what can be read is kept.
        stream = Stream(tenant_id=store.tenant_id, authorization=store.authorization, store=store)
        batch.unreadable.clear()
    with transaction.atomic():
        landed = landing.land(batch, stream=stream, now=now)
        written = bool(landed.created or landed.updated)
        if written or batch.unreadable:
            _record(store, number, user, now, on_behalf=on_behalf)
    if not batch.parsed:
        return PulledOne(unreadable=bool(batch.unreadable))
    return PulledOne(order=_find(store, batch.parsed[0].order.number), landed=written)


def _record(
    store: Store,
    number: str,
    user: User | None,
    now: datetime,
    *,
    on_behalf: bool,
    outcome: Outcome = Outcome.DONE,
) -> None:
    record_event(
        tenant=store.tenant, verb=VERB, actor=user, now=now, target=store, outcome=outcome,
        on_behalf=on_behalf, detail={"number": for_trail(clean_number(number))},
    )  # fmt: skip


def _failed_too_often(user: User | None, now: datetime) -> bool:
    """Somebody tries numbers out."""
    failed = Event.objects.filter(
        actor=user, verb=VERB, outcome=Outcome.FAILED, at__gt=now - timedelta(hours=1)
    )
    return user is not None and failed.count() >= FAILED_AN_HOUR


def _find(store: Store, number: str) -> Order | None:
    rows = Order.objects.select_related("store__tenant")
    found: Order | None = rows.filter(store=store, number__in=spellings(number)).first()
    return found
