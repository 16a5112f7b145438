"""Buyers' data that a marketplace wants gone: scrubbed from orders, payloads and quarantine.

The law stands behind such an order: no legal hold stops it, and the trail says which was in force.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import Q

from platforms import landing
from platforms.keeping.holds import holds_on
from platforms.keeping.removal import EMPTIED, empty_orders, empty_records, lock_in_order
from platforms.models import Authorization, Order, Quarantined, QuarantineState
from platforms.news import Notice
from platforms.quarantine.query import belonging_to
from tenants.flows.record_event import record_event
from tenants.models import Store
from tenants.scope import all_tenants, tenant_scope


def erase_buyer(
    *,
    platform: str,
    notice: Notice,
    now: datetime,
    authorizations: Sequence[Authorization] | None,
) -> str:
    """Erase the buyers that `notice` names, by order number or by id, name and e-mail address;
    figures stay, and no later pull brings the data back. `authorizations` None: in all tenants.
    Safe to repeat."""
    if authorizations is None:
        with all_tenants("a marketplace's order to erase a person holds for every tenant"):
            stores = list(Store.objects.filter(platform=platform).select_related("tenant"))
    else:
        with all_tenants("the delivery says whose they are"):
            stores = list(
                Store.objects.filter(authorization__in=authorizations).select_related("tenant")
            )
    by_tenant: dict[int, list[Store]] = {}
    for store in stores:
        by_tenant.setdefault(store.tenant_id, []).append(store)
    found = 0
    for tenant_id, theirs in by_tenant.items():
        with tenant_scope(tenant_id), transaction.atomic():
            found += _erase(theirs, _of_buyer(notice), notice.buyers, for_good=True, now=now)
    return "erased" if found else "nothing stored"


def erase_shop(*, authorization: Authorization, shop_id: str, now: datetime) -> str:
    """Erase the data of all buyers of a shop. Call in the tenant's scope. Safe to repeat.

    A seller who links the shop again is given it anew by the marketplace."""
    stores = Store.objects.filter(authorization=authorization).select_related("tenant")
    if shop_id:
        stores = stores.filter(external_id=shop_id)
    with transaction.atomic():
        found = _erase(list(stores), Q(), None, for_good=False, now=now)
    return "erased" if found else "nothing stored"


def _of_buyer(notice: Notice) -> Q:
    if notice.number:
        return Q(number=notice.number)
    named = Q(pk=None)
    for column in ("buyer_id", "buyer_name", "buyer_email"):
        named |= Q(**{f"{column}__in": notice.buyers})
    return named


def _erase(
    stores: list[Store], which: Q, marks: Sequence[str] | None, *, for_good: bool, now: datetime
) -> int:
    """`marks` None: everything in quarantine goes, else what holds one of them."""
    found: dict[int, dict[int, str]] = {store.pk: {} for store in stores}
    locked = lock_in_order(Order.objects.filter(which, store__in=stores))
    for pk, store_id, number in locked.values_list("pk", "store_id", "number"):
        found[store_id][pk] = number
    erased = 0
    for store in stores:
        orders = found[store.pk]
        empty_orders(list(orders), for_good_at=now if for_good else None)
        records = _empty_quarantine(store, marks, now=now)
        if orders or records:
            _record(store, set(orders.values()), records, now=now)
        erased += len(orders) + records
    return erased


def _record(store: Store, numbers: set[str], records: int, *, now: datetime) -> None:
    record_event(
        tenant=store.tenant, verb="buyer.erased", actor=None, now=now, target=store,
        detail={"orders": len(numbers), "records": records},
    )  # fmt: skip
    for hold in holds_on(store, numbers):
        record_event(
            tenant=store.tenant, verb="hold.overruled", actor=None, now=now, target=hold,
            detail={"hold": str(hold.public_id)},
        )  # fmt: skip


def _empty_quarantine(store: Store, marks: Sequence[str] | None, *, now: datetime) -> int:
    kept = Quarantined.objects.filter(belonging_to(store)).exclude(raw__in=EMPTIED)
    wanted = [mark.encode() for mark in marks or () if len(mark) >= 3]
    gone = [
        record.pk
        for record in kept.iterator(chunk_size=200)
        if marks is None or any(mark in landing.decompress(record.raw) for mark in wanted)
    ]
    return empty_records(
        gone, state=QuarantineState.DISMISSED, note="erased at the marketplace's order", now=now
    )
