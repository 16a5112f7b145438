"""Getting one order from its platform now, whatever the streams are about to do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from accounts.models import User
from platforms import landing, vault
from platforms.errors import Fault, platform_error
from platforms.flows.pull_store import standing_stream
from platforms.models import Order, Stream
from platforms.order_finder import asking
from platforms.order_finder.asking import Unit
from platforms.order_finder.numbers import spellings
from platforms.spec import Page
from tenants.flows.record_event import record_event
from tenants.models import Store

VERB = "order.pulled"


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

    Raises PlatformError where the platform cannot be asked.
    """
    here = _find(store, number)
    if here is not None:
        return PulledOne(order=here)
    unit = next(iter(asking.units_for([store], number)), None)
    if unit is None:
        return PulledOne()
    try:
        page = asking.fetch(unit)
    except vault.Unopenable:
        raise platform_error(Fault.UNKNOWN, "the credential does not open") from None
    if page is None or not page.records:
        return PulledOne()
    return _land(store, unit, page, user=user, now=now, on_behalf=on_behalf)


def _land(
    store: Store, unit: Unit, page: Page, *, user: User | None, now: datetime, on_behalf: bool
) -> PulledOne:
    batch = asking.read(unit, page)
    stream = standing_stream(store) or Stream(
        tenant_id=store.tenant_id, authorization=unit.authorization, store=store
    )
    if stream.pk is None:
        # Quarantine names the stream it came by; without one only what can be read is kept.
        batch.unreadable.clear()
    with transaction.atomic():
        landed = landing.land(batch, stream=stream, now=now)
        written = bool(landed.created or landed.updated)
        if written:
            record_event(
                tenant=store.tenant, verb=VERB, actor=user, now=now, target=store,
                on_behalf=on_behalf, detail={"number": unit.number},
            )  # fmt: skip
    if not batch.parsed:
        return PulledOne(unreadable=bool(batch.unreadable))
    parsed = batch.parsed[0]
    order = Order.objects.select_related("store__tenant").get(
        store=parsed.store, number=parsed.order.number
    )
    return PulledOne(order=order, landed=written)


def _find(store: Store, number: str) -> Order | None:
    rows = Order.objects.select_related("store__tenant")
    found: Order | None = rows.filter(store=store, number__in=spellings(number)).first()
    return found
