"""The counted days as CSV, safe to open in a spreadsheet."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import islice

from django.http import StreamingHttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _

from platforms import completeness as facts
from platforms.completeness import Day, StoreDays
from platforms.completeness_words import STATE_WORDS
from platforms.orders_csv import BOM, Cell, write_rows
from platforms.templatetags.storelink import platform_name, site_name
from tenants.models import Store, Tenant
from tenants.scope import tenant_scope


def days_csv(
    stores: Sequence[Store], *, tenant: Tenant, name: str, now: datetime
) -> StreamingHttpResponse:
    """A row for each store and day. `name` is of the file, plain ASCII."""
    response = StreamingHttpResponse(
        _csv(stores, tenant=tenant, now=now), content_type="text/csv; charset=utf-8"
    )
    day = timezone.localtime(now).strftime("%Y-%m-%d")
    response["Content-Disposition"] = f'attachment; filename="{name}-{day}.csv"'
    response["Cache-Control"] = "no-store"
    return response


def _csv(stores: Sequence[Store], *, tenant: Tenant, now: datetime) -> Iterator[str]:
    """The file in pieces. The request's tenant scope is gone when these are asked for."""
    yield BOM + write_rows([_headings()])
    left = iter(stores)
    while some := list(islice(left, facts.AT_ONCE)):
        with tenant_scope(tenant):
            rows = facts.of_stores(some, now=now)
        yield write_rows(
            _row(row, day)
            for row in rows
            for day in (*row.days, *([row.today] if row.today.count else []))
        )


def _headings() -> list[str]:
    return [
        _("Store"), _("Platform"), _("Site"), _("Day"), _("Time zone"), _("State"),
        _("At the platform"), _("Here before"), _("Missing"), _("Out of date"), _("Only here"),
        _("Unreadable"), _("Put right"), _("Counted (UTC)"),
    ]  # fmt: skip


def _row(row: StoreDays, day: Day) -> list[Cell]:
    store, count = row.store, day.count
    about: list[Cell] = [
        store.name, platform_name(store.platform), site_name(store), day.day.isoformat(),
        store.zone.key, str(STATE_WORDS[day.state]),
    ]  # fmt: skip
    if count is None:
        return [*about, *[None] * 8]
    return [
        *about, count.platform_count, count.our_count, count.missing, count.different,
        count.extra, count.unreadable, count.healed, f"{count.counted_at:%Y-%m-%d %H:%M:%S}",
    ]  # fmt: skip
