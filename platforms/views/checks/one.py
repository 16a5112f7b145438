"""One check: live while it runs, then its report on the page, as PDF and as CSV."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from platforms.data_checks.hold import is_paused
from platforms.data_checks.report import file_name, sheet_of
from platforms.data_checks.report_csv import as_csv
from platforms.data_checks.report_pdf import as_pdf
from platforms.data_checks.sheet import Sheet, moment
from platforms.data_checks.words import milliseconds, percent
from platforms.flows.work_checks import stop_check
from platforms.models import DataCheck
from platforms.views.checks.access import get_check, reads_numbers
from platforms.views.headers import as_file
from tenants.access import WorkspaceRequest, member_required


@require_safe
@member_required
def check(request: WorkspaceRequest, public_id: UUID) -> HttpResponse:
    row = get_check(request.workspace, public_id)
    context: dict[str, object] = {"check": row, "store": row.store}
    if row.finished_at is not None:
        context["sheet"] = _sheet(request, row)
    else:
        context["live"] = live(row)
    return render(request, "platforms/checks/one.html", context)


@require_safe
@member_required
def progress(request: WorkspaceRequest, public_id: UUID) -> HttpResponse:
    """The live part alone, for htmx; the whole page again once the check is over."""
    row = get_check(request.workspace, public_id)
    if row.finished_at is not None:
        response = HttpResponse(status=200)
        response["HX-Refresh"] = "true"
        return response
    return render(request, "platforms/checks/_live.html", {"check": row, "live": live(row)})


@require_POST
@member_required
def stop(request: WorkspaceRequest, public_id: UUID) -> HttpResponse:
    row = get_check(request.workspace, public_id)
    if stop_check(check=row, user=request.user, now=timezone.now()):
        messages.success(request, _("The check stops at its next step."))
    return redirect("check", public_id)


@require_safe
@member_required
def report_pdf(request: WorkspaceRequest, public_id: UUID) -> HttpResponse:
    row = get_check(request.workspace, public_id)
    if row.finished_at is None:
        return redirect("check", public_id)
    return _download(row, as_pdf(_sheet(request, row)), "application/pdf", "pdf")


@require_safe
@member_required
def report_csv(request: WorkspaceRequest, public_id: UUID) -> HttpResponse:
    row = get_check(request.workspace, public_id)
    if row.finished_at is None:
        return redirect("check", public_id)
    return _download(row, as_csv(_sheet(request, row)), "text/csv; charset=utf-8", "csv")


def _download(row: DataCheck, content: bytes | str, kind: str, ending: str) -> HttpResponse:
    return as_file(HttpResponse(content, content_type=kind), file_name(row, ending))


def _sheet(request: WorkspaceRequest, row: DataCheck) -> Sheet:
    return sheet_of(row, with_numbers=reads_numbers(request.workspace, row.store))


def live(row: DataCheck) -> dict[str, object]:
    """What the page shows of a check under way; `percent` None where nobody can tell."""
    told = row.progress
    if row.kind == DataCheck.Kind.STRESS:
        return _live_stress(row, told.get("so_far") or {})
    waits = is_paused(row) and bool(told.get("waits_for"))
    parts = int(told.get("parts") or 0)
    done = int(told.get("part") or 0)
    return {
        "percent": int(100 * done / parts) if parts > 1 and told.get("phase") == "read" else None,
        "phase": told.get("phase", ""),
        "waits_until": moment(told.get("goes_on_at")) if waits else "",
        "figures": [
            (_("Orders counted at the platform"), told.get("platform", 0)),
            (_("Pages read"), told.get("pages", 0)),
            (_("Missing here"), told.get("missing", 0)),
            (_("Out of date here"), told.get("different", 0)),
        ],
    }


def _live_stress(row: DataCheck, so_far: dict[str, object]) -> dict[str, object]:
    seconds = so_far.get("seconds") or 0
    calls = so_far.get("calls") or 0
    assert isinstance(seconds, int | float)
    assert isinstance(calls, int)
    latency = so_far.get("latency_ms")
    share = max(seconds / row.asked["seconds"], calls / row.asked["calls"])
    success = so_far.get("success")
    return {
        "percent": min(100, int(100 * share)),
        "phase": "stress",
        "waits_until": "",
        "figures": [
            (_("Calls"), calls),
            (_("Calls that succeeded"), percent(success if isinstance(success, float) else None)),
            (
                _("95 % of the calls within"),
                milliseconds(latency["p95"] if isinstance(latency, dict) else None),
            ),
            (_("Slowed down by the platform"), so_far.get("throttles", 0)),
        ],
    }
