"""What our own rows say about an order number: certain, and free."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db.models import Q

from platforms import registry
from platforms.flows.pull_store import standing_stream
from platforms.models import Order, Quarantined, QuarantineState, Stream
from platforms.order_finder.numbers import spellings
from platforms.order_finder.reasons import Finding, Fix, Reason, Seeker
from platforms.orders_query import OrderFilters
from tenants.models import Store, StoreState

MOST_ROWS = 50


def look(
    number: str, *, seeker: Seeker, named: Store | None, filters: OrderFilters
) -> Finding | None:
    """The reason, if our rows know it: the order, the record in quarantine, the store's state."""
    return (
        among_orders(number, seeker, named, filters)
        or _in_quarantine(number, seeker, named)
        or (state_of(number, named, seeker) if named else None)
    )


def among_orders(
    number: str, seeker: Seeker, named: Store | None, filters: OrderFilters
) -> Finding | None:
    """As `look`, of the orders alone."""
    rows = _rows(number)
    mine = [row for row in rows if seeker.reads(row.store_id)]
    if not mine:
        return not_bound(number, rows[0].store, seeker, named) if rows else None
    best = min(mine, key=lambda row: (_elsewhere(row, named), len(_hiding(row, filters))))
    hidden_by = _hiding(best, filters)
    if best.platform_status == "deleted":
        reason = Reason.DELETED_AT_PLATFORM
    elif _elsewhere(best, named):
        reason = Reason.WRONG_STORE
    else:
        reason = Reason.HIDDEN_BY_FILTER if hidden_by else Reason.HERE
    return Finding(
        number=best.number, reason=reason, fix=None if seeker.desk else Fix.SHOW,
        store=best.store, named=named, order=best, hidden_by=hidden_by,
        placed_at=best.placed_at, changed_at=best.changed_at,
    )  # fmt: skip


def _rows(number: str) -> list[Order]:
    """Orders of that number; else the packages of what the buyer ordered under it."""
    orders = Order.objects.select_related("store__tenant").order_by("-pk")
    rows = list(orders.filter(number__in=spellings(number))[:MOST_ROWS])
    return rows or list(orders.filter(number__startswith=f"{number}-")[:MOST_ROWS])


def not_bound(number: str, store: Store, seeker: Seeker, named: Store | None) -> Finding:
    """It is here, but not for them; which store is for those who may give access to it."""
    known = seeker.manages
    return Finding(
        number=number, reason=Reason.NOT_BOUND, fix=Fix.BIND if known else None,
        store=store if known else None, named=named,
    )  # fmt: skip


def _elsewhere(row: Order, named: Store | None) -> bool:
    return named is not None and row.store_id != named.pk


def _hiding(row: Order, filters: OrderFilters) -> tuple[str, ...]:
    """The filters under which the list does not show the order."""
    hides = {
        "platform": filters.platform not in ("", row.platform),
        "status": filters.status not in ("", row.status),
        "from": filters.since is not None and row.placed_at < filters.since,
        "to": filters.until is not None and row.placed_at >= filters.until,
    }
    return tuple(name for name, hidden in hides.items() if hidden)


def _in_quarantine(number: str, seeker: Seeker, named: Store | None) -> Finding | None:
    waiting = Quarantined.objects.filter(
        number__in=spellings(number), state=QuarantineState.WAITING
    ).select_related("store__tenant", "stream")
    for record in waiting.order_by("-pk")[:MOST_ROWS]:
        stores = _stores_of(record)
        known = next((each for each in stores if seeker.knows(each.pk)), None)
        if known is not None:
            return Finding(
                number=record.number, reason=Reason.IN_QUARANTINE, fix=Fix.READ_AGAIN,
                store=known, named=named, quarantined=record,
            )  # fmt: skip
        if stores:
            return not_bound(number, stores[0], seeker, named)
    return None


def _stores_of(record: Quarantined) -> list[Store]:
    if record.store is not None:
        return [record.store]
    if record.stream is None:
        return []
    stores = Store.objects.select_related("tenant").exclude(state=StoreState.UNLINKED)
    return list(stores.filter(authorization_id=record.stream.authorization_id).order_by("pk"))


def state_of(number: str, store: Store, seeker: Seeker) -> Finding | None:
    """Why nothing can come from `store`; None if it is pulled."""
    authorization = store.authorization
    if not store.is_linked or authorization is None:
        reason, fix = Reason.STORE_NOT_LINKED, Fix.LINK
    elif store.state == StoreState.PAUSED:
        reason, fix = Reason.PAUSED, Fix.RESUME
    elif store.state == StoreState.NEEDS_RELINK or not authorization.is_usable:
        reason, fix = Reason.NEEDS_RELINK, Fix.RELINK
    else:
        return None
    return Finding(
        number=number, reason=reason, store=store, named=store,
        fix=fix if seeker.may(fix, store) else None,
    )  # fmt: skip


def late_stream(store: Store, *, now: datetime) -> Stream | None:
    """The stream of an active store, if it fails or is behind."""
    stream = standing_stream(store)
    if stream is None:
        return None
    adapter = registry.get(store.platform)
    every = max(adapter.poll_every.total_seconds(), stream.interval_s)
    behind = (now - stream.watermark - adapter.lag).total_seconds()
    return stream if stream.fault or stream.failures or behind > 3 * every else None


def filling_stream(store: Store, changed_at: datetime) -> Stream | None:
    """A back-fill under way that will still come to what changed then."""
    return (
        Stream.objects.filter(authorization=store.authorization, finished_at=None)
        .filter(Q(store=store) | Q(store=None))
        .filter(starts_at__lte=changed_at, watermark__lte=changed_at, ends_at__gt=changed_at)
        .first()
    )


def readable_stores(seeker: Seeker) -> Sequence[Store]:
    """The stores the seeker may know of, unlinked ones included."""
    stores = Store.objects.select_related("tenant", "authorization__app")
    if not (seeker.manages or seeker.desk):
        stores = stores.filter(pk__in=seeker.operated)
    return list(stores.order_by("platform", "account_name", "site", "pk"))
