"""All stores the reader may check, with their last 30 days."""

from __future__ import annotations

from django.core.paginator import Paginator
from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from platforms import completeness as facts
from platforms import registry
from platforms.views.checks.access import checkable_stores
from platforms.views.completeness.days_csv import days_csv
from tenants.access import WorkspaceRequest, member_required

A_PAGE = 50
WHICH = {"differing": facts.differing, "uncounted": facts.uncounted}


@require_safe
@member_required
def completeness(request: WorkspaceRequest) -> HttpResponse:
    """A page of stores, those with differences first, and the totals of all of them."""
    now = timezone.now()
    stores = checkable_stores(request.workspace)
    platform, which = request.GET.get("platform", ""), request.GET.get("which", "")
    text = request.GET.get("q", "").strip()[:100]
    found = stores
    if platform in registry.codes():
        found = found.filter(platform=platform)
    if text:
        found = found.search(text)  # type: ignore[attr-defined]
    if which in WHICH:
        found = WHICH[which](found, now=now)
    page = Paginator(facts.worst_first(found, now=now), A_PAGE).get_page(request.GET.get("page"))
    totals = facts.totals(stores, now=now)
    context = {
        "rows": facts.of_stores(page, now=now),
        "page": page,
        "previous_url": _page_url(request, page.number - 1) if page.has_previous() else "",
        "next_url": _page_url(request, page.number + 1) if page.has_next() else "",
        "totals": totals,
        "never": totals.stores - totals.counted,
        "platforms": registry.all_adapters(),
        "chosen": {"platform": platform, "which": which, "q": text},
        "narrow": bool(platform or which or text),
    }
    return render(request, "platforms/completeness/board.html", context)


def _page_url(request: WorkspaceRequest, number: int) -> str:
    query = request.GET.copy()
    query["page"] = str(number)
    return f"?{query.urlencode()}"


@require_safe
@member_required  # type: ignore[arg-type]  # a streamed answer is no HttpResponse
def completeness_csv(request: WorkspaceRequest) -> HttpResponse | StreamingHttpResponse:
    """Every day of every store."""
    stores = checkable_stores(request.workspace).order_by("platform", "account_name", "site")
    return days_csv(
        list(stores), tenant=request.tenant, name="completeness", now=timezone.now()
    )  # fmt: skip
