"""What was removed, by day and store, on a page and as CSV."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import Max, Min, Sum
from django.db.models.functions import TruncDate
from django.utils.translation import gettext as _

from platforms.models import Scrub
from platforms.orders_csv import BOM, Cell, write_rows
from tenants.models import Store, Tenant

MOST = 100_000


@dataclass(frozen=True, kw_only=True)
class Line:
    """One day and store; `store` None for records whose store nobody knows, or that is gone."""

    day: date
    platform: str
    store: Store | None
    buyer_days: int | None
    raw_days: int | None
    orders: int
    raws: int
    records: int
    held: int
    oldest: datetime | None
    newest: datetime | None


def by_day(tenant: Tenant, *, since: datetime) -> list[Line]:
    """Newest first, by the tenant's clock. Call in the tenant's scope."""
    rows = (
        Scrub.objects.filter(at__gte=since)
        .annotate(day=TruncDate("at", tzinfo=tenant.zone))
        .values("day", "platform", "store_id", "buyer_days", "raw_days")
        .annotate(
            orders=Sum("orders"), raws=Sum("raws"), records=Sum("records"), held=Max("held"),
            oldest=Min("oldest"), newest=Max("newest"),
        )
        .order_by("-day", "platform", "store_id")
    )  # fmt: skip
    found = list(rows[:MOST])
    stores = Store.objects.select_related("tenant").in_bulk({row["store_id"] for row in found})
    return [Line(store=stores.get(row.pop("store_id")), **row) for row in found]


def as_csv(lines: Iterable[Line]) -> str:
    return BOM + write_rows(_rows(lines))


def _rows(lines: Iterable[Line]) -> Iterator[Sequence[Cell]]:
    yield [
        _("Day"), _("Store"), _("Platform"), _("Days buyer data is kept"),
        _("Days raw data is kept"), _("Orders"), _("Raw payloads"), _("Quarantined records"),
        _("Kept by a legal hold"), _("Oldest order"), _("Newest order"),
    ]  # fmt: skip
    for line in lines:
        yield [
            line.day.isoformat(), line.store.path if line.store else "", line.platform,
            line.buyer_days, line.raw_days, line.orders, line.raws, line.records, line.held,
            line.oldest.isoformat() if line.oldest else None,
            line.newest.isoformat() if line.newest else None,
        ]  # fmt: skip
