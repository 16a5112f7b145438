"""One store's last 30 days, and counting one of them now."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from platforms import completeness as facts
from platforms import registry
from platforms.completeness_numbers import MOST_SHOWN, numbers_of
from platforms.data_checks.nightly import NIGHTLY, UNDER_WAY
from platforms.models import DataCheck
from platforms.views.checks.access import reads_numbers
from platforms.views.checks.begin import begin_check
from platforms.views.checks.forms import CountsForm
from platforms.views.completeness.days_csv import days_csv
from tenants.access import WorkspaceRequest, get_store_to_work_on, member_required


@require_safe
@member_required
def store_completeness(request: WorkspaceRequest, public_id: UUID) -> HttpResponse:
    """The days, the newest first; the numbers of orders that differed for who may read them."""
    now = timezone.now()
    store = get_store_to_work_on(request.workspace, public_id)
    (row,) = facts.of_stores([store], now=now)
    days = [row.today, *reversed(row.days)]
    reads = reads_numbers(request.workspace, store)
    counts = [day.count for day in days if day.count is not None]
    numbers = numbers_of(store, counts) if reads else []
    unreadable = sum(day.count.unreadable for day in row.days if day.count)
    context = {
        "store": store,
        "adapter": registry.get(store.platform),
        "row": row,
        "days": days,
        # What can be done is not the same for both, so they are told apart.
        "unreadable": unreadable,
        "late": row.open - unreadable,
        "zone": store.zone.key,
        "numbers": numbers,
        "most_shown": MOST_SHOWN,
        "hidden": not reads and any(count.missing or count.different for count in counts),
        "may_count": store.state == "active",
        "under_way": DataCheck.objects.filter(UNDER_WAY, store=store).exclude(NIGHTLY).first(),
    }
    return render(request, "platforms/completeness/store.html", context)


@require_POST
@member_required
def store_completeness_count(request: WorkspaceRequest, public_id: UUID) -> HttpResponse:
    """Count one day now, by the clock of the store."""
    store = get_store_to_work_on(request.workspace, public_id)
    day = request.POST.get("day", "")
    form = CountsForm({"since": day, "until": day}, store=store)
    if not form.is_valid():
        sentences = [str(error) for errors in form.errors.values() for error in errors]
        messages.error(request, sentences[0])
        return redirect("store_completeness", public_id)
    return begin_check(
        request, store, kind=DataCheck.Kind.COUNTS, asked=form.asked, back="store_completeness"
    )


@require_safe
@member_required  # type: ignore[arg-type]  # a streamed answer is no HttpResponse
def store_completeness_csv(
    request: WorkspaceRequest, public_id: UUID
) -> HttpResponse | StreamingHttpResponse:
    store = get_store_to_work_on(request.workspace, public_id)
    name = f"completeness-{store.platform}-{store.account_name}"
    return days_csv([store], tenant=request.tenant, name=name, now=timezone.now())
