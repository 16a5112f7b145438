"""All stores the reader may check, with their last 30 days."""

from __future__ import annotations

from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from platforms import completeness as facts
from platforms import registry
from platforms.views.checks.access import checkable_stores
from platforms.views.checks.lists import Filters, page_of
from platforms.views.completeness.days_csv import days_csv
from tenants.access import WorkspaceRequest, member_required
from tenants.views.paging import neighbours

WHICH = {"differing": facts.differing, "uncounted": facts.uncounted}


@require_safe
@member_required
def completeness(request: WorkspaceRequest) -> HttpResponse:
    """A page of stores, those with differences first, and the totals of all of them."""
    now = timezone.now()
    stores = checkable_stores(request.workspace)
    filters = Filters.read(request.GET.dict())
    found = filters.narrowed(stores)
    if filters.which in WHICH:
        found = WHICH[filters.which](found, now=now)
    page = page_of(request, facts.worst_first(found, now=now))
    totals = facts.totals(stores, now=now)
    context = {
        "rows": facts.of_stores(page, now=now),
        "page": page,
        **neighbours(request, page),
        "totals": totals,
        "never": totals.stores - totals.counted,
        "platforms": registry.all_adapters(),
        "chosen": filters,
        "narrow": filters.is_narrow,
    }
    return render(request, "platforms/completeness/board.html", context)


@require_safe
@member_required  # type: ignore[arg-type]  # a streamed answer is no HttpResponse
def completeness_csv(request: WorkspaceRequest) -> HttpResponse | StreamingHttpResponse:
    """Every day of every store."""
    stores = checkable_stores(request.workspace).order_by("platform", "account_name", "site")
    return days_csv(
        list(stores), tenant=request.tenant, name="completeness", now=timezone.now()
    )  # fmt: skip
