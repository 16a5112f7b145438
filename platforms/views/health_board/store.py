"""The health of one store, its timeline, and reading again what could not be read."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from platforms import health, registry
from platforms.flows.release_waiting import release_waiting
from platforms.health import detail as health_detail
from platforms.health.timeline import BadCursor, Timeline, timeline
from platforms.orders_query import reader_zone
from tenants.access import WorkspaceRequest, get_store, get_store_to_work_on, member_required
from tenants.models import Store


@require_safe
@member_required
def store_health(request: WorkspaceRequest, public_id: UUID) -> HttpResponse:
    """Clocks, calls, streams, troubles and the timeline of a store the reader may know of."""
    row = get_store(request.workspace, public_id)
    now = timezone.now()
    zone = reader_zone()
    return render(
        request,
        "platforms/health/store.html",
        {
            "store": row,
            "adapter": registry.get(row.platform),
            "authorization": row.authorization,
            "health": health.of_store(row, now=now, strips=True),
            "clocks": health_detail.clocks(row),
            "days": health_detail.days(row, zone=zone, now=now),
            "faults": health_detail.calls_by_fault(row, now=now),
            "streams": health_detail.streams(row, now=now),
            "troubles": health_detail.troubles(row),
            "timeline": _timeline(request, row),
            "zone": zone.key,
        },
    )


@require_safe
@member_required
def store_timeline(request: WorkspaceRequest, public_id: UUID) -> HttpResponse:
    """Older lines for htmx, to put in the place of the button; the page of them without."""
    row = get_store(request.workspace, public_id)
    context = {"store": row, "timeline": _timeline(request, row)}
    only_lines = request.htmx and not request.htmx.history_restore_request  # type: ignore[attr-defined]
    template = "_timeline_lines" if only_lines else "timeline"
    return render(request, f"platforms/health/{template}.html", context)


def _timeline(request: WorkspaceRequest, row: Store) -> Timeline:
    try:
        return timeline(row, cursor=request.GET.get("before", ""))
    except BadCursor:
        # An address cut short on its way: the newest lines are better than none.
        return timeline(row)


@require_POST
@member_required
def store_release(request: WorkspaceRequest, public_id: UUID) -> HttpResponse:
    """Read again what waits in quarantine. For managers and for the store's operators."""
    row = get_store_to_work_on(request.workspace, public_id)
    done = release_waiting(store=row, user=request.user, now=timezone.now())
    if done.landed:
        messages.success(
            request,
            ngettext(
                "%(count)s record could be read now; its order is here.",
                "%(count)s records could be read now; their orders are here.",
                done.landed,
            )
            % {"count": done.landed},
        )  # fmt: skip
    if done.unreadable:
        messages.warning(
            request,
            ngettext(
                "%(count)s record still cannot be read. It is kept whole, and support sees it.",
                "%(count)s records still cannot be read. They are kept whole, and support sees"
                " them.",
                done.unreadable,
            )
            % {"count": done.unreadable},
        )  # fmt: skip
    if not done.landed and not done.unreadable:
        messages.info(request, _("Nothing was waiting to be read again."))
    return redirect("store_health", public_id)
