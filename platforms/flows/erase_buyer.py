"""Buyers' data that a marketplace wants gone: scrubbed from orders, payloads and quarantine."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import Q, QuerySet

from platforms import landing
from platforms.models import Authorization, Order, OrderRaw, Quarantined, QuarantineState
from platforms.spec import Notice
from tenants.flows.record_event import record_event
from tenants.models import Store
from tenants.scope import all_tenants, tenant_scope

# The country alone names nobody, and taxes are reckoned by it.
PERSONAL = [column for column in landing.PERSONAL_COLUMNS if column != "ship_country"]


def erase_buyer(
    *,
    platform: str,
    notice: Notice,
    now: datetime,
    authorizations: Sequence[Authorization] | None,
) -> str:
    """Erase the buyers that `notice` names, by order number or by id, name and e-mail address;
    figures stay. `authorizations` None: in all tenants. Safe to repeat."""
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
            found += _erase(theirs, _of_buyer(notice), notice.buyers, now=now)
    return "erased" if found else "nothing stored"


def erase_shop(*, authorization: Authorization, shop_id: str, now: datetime) -> str:
    """Erase the data of all buyers of a shop. Call in the tenant's scope. Safe to repeat."""
    stores = Store.objects.filter(authorization=authorization).select_related("tenant")
    if shop_id:
        stores = stores.filter(external_id=shop_id)
    with transaction.atomic():
        found = _erase(list(stores), Q(), None, now=now)
    return "erased" if found else "nothing stored"


def _of_buyer(notice: Notice) -> Q:
    if notice.number:
        return Q(number=notice.number)
    named = Q(pk=None)
    for column in ("buyer_id", "buyer_name", "buyer_email"):
        named |= Q(**{f"{column}__in": notice.buyers})
    return named


def _erase(stores: list[Store], which: Q, marks: Sequence[str] | None, *, now: datetime) -> int:
    """`marks` None: everything waiting in quarantine goes, else what holds one of them."""
    erased = 0
    for store in stores:
        orders: QuerySet[Order] = Order.objects.filter(which, store=store)
        pks = list(orders.values_list("pk", flat=True))
        Order.objects.filter(pk__in=pks).update(**dict.fromkeys(PERSONAL))
        OrderRaw.objects.filter(order__in=pks).delete()
        records = _empty_quarantine(store, marks, now=now)
        if pks or records:
            record_event(
                tenant=store.tenant, verb="buyer.erased", actor=None, now=now, target=store,
                detail={"orders": len(pks), "records": records},
            )  # fmt: skip
        erased += len(pks) + records
    return erased


def _empty_quarantine(store: Store, marks: Sequence[str] | None, *, now: datetime) -> int:
    held = Quarantined.objects.filter(
        Q(store=store) | Q(store=None, stream__authorization=store.authorization_id),
        state=QuarantineState.WAITING,
    )
    wanted = [mark.encode() for mark in marks or () if len(mark) >= 3]
    gone = [
        record.pk
        for record in held.iterator(chunk_size=200)
        if marks is None or any(mark in landing.decompress(record.raw) for mark in wanted)
    ]
    Quarantined.objects.filter(pk__in=gone).update(
        state=QuarantineState.DISMISSED, raw=landing.compress(b""), settled_at=now,
        settled_note="erased at the marketplace's order",
    )  # fmt: skip
    return len(gone)
