"""The counted days as CSV, safe to open in a spreadsheet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice

from django.http import StreamingHttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _

from platforms import completeness as facts
from platforms.completeness import Day, DayState, StoreDays
from platforms.completeness_words import STATE_WORDS
from platforms.orders_csv import BOM, Cell, write_rows
from platforms.templatetags.storelink import platform_name, site_name
from platforms.views.headers import as_file
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
    return as_file(response, f"{name}-{day}.csv")


def _csv(stores: Sequence[Store], *, tenant: Tenant, now: datetime) -> Iterator[str]:
    """The file in pieces. The request's tenant scope is gone when these are asked for."""
    yield BOM + write_rows([_headings()])
    left = iter(stores)
    while some := list(islice(left, facts.AT_ONCE)):
        with tenant_scope(tenant):
            rows = facts.of_stores(some, now=now)
        words = {state: str(said) for state, said in STATE_WORDS.items()}
        yield write_rows(line for row in rows for line in _lines(row, words))


def _headings() -> list[str]:
    return [
        _("Store"), _("Platform"), _("Site"), _("Day"), _("Time zone"), _("State"),
        _("At the platform"), _("Here before"), _("Missing"), _("Out of date"), _("Only here"),
        _("Unreadable"), _("Put right"), _("Counted (UTC)"),
    ]  # fmt: skip


def _lines(row: StoreDays, words: Mapping[DayState, str]) -> Iterator[list[Cell]]:
    store = row.store
    where: list[Cell] = [store.name, platform_name(store.platform), site_name(store)]
    zone = store.zone.key
    for day in (*row.days, *([row.today] if row.today.count else [])):
        yield [*where, day.day.isoformat(), zone, words[day.state], *_figures(day)]


def _figures(day: Day) -> list[Cell]:
    count = day.count
    if count is None:
        return [None] * 8
    return [
        count.platform_count, count.our_count, count.missing, count.different, count.extra,
        count.unreadable, count.healed, f"{count.counted_at:%Y-%m-%d %H:%M:%S}",
    ]  # fmt: skip
