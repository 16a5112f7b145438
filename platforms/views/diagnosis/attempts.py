"""Check before you link: what can be known before anything is sent to the marketplace."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from platforms import registry
from platforms.access import get_attempt
from platforms.diagnosis.report import report_of
from platforms.flows import link, prepare_link
from platforms.flows.diagnose import diagnose_attempt
from platforms.forms import PrepareForm
from platforms.models import Diagnosis, LinkAttempt
from platforms.views.headers import not_stored
from tenants.access import ManagerRequest, manager_or_support_required


@require_http_methods(["GET", "HEAD", "POST"])
@manager_or_support_required
@not_stored
def check(request: ManagerRequest, public_id: UUID) -> HttpResponse:
    """The newest check of an attempt; POST makes one, of what is typed on the page so far. htmx
    gets the result alone, so that nothing of what was typed is lost."""
    attempt = get_attempt(public_id)
    if not attempt.is_open:
        return redirect("link_attempt", public_id)
    if request.method == "POST":
        newest: Diagnosis | None = _check(request, attempt)
        if not request.htmx:  # type: ignore[attr-defined]
            return redirect("link_check", public_id)
    else:
        rows = Diagnosis.objects.select_related("attempt", "store", "asked_by")
        newest = rows.filter(attempt=attempt).order_by("-at", "-pk").first()
    context = {
        "attempt": attempt,
        "adapter": registry.get(attempt.platform),
        "report": report_of(newest) if newest else None,
        "folded": bool(request.htmx),  # type: ignore[attr-defined]
    }
    alone = request.htmx  # type: ignore[attr-defined]
    template = (
        "platforms/diagnosis/_attempt_result.html" if alone else "platforms/diagnosis/attempt.html"
    )
    return render(request, template, context)


def _check(request: ManagerRequest, attempt: LinkAttempt) -> Diagnosis:
    mode = link.mode_of(attempt)
    form = PrepareForm(request.POST, mode=mode, apps=prepare_link.own_apps(attempt))
    values, app_id = None, ""
    typed = any(request.POST.get(field.name) for field in mode.fields)
    # Nothing typed yet, or no JavaScript to send it along: then it is not judged.
    if form.is_valid() and (typed or form.known_app):
        values, app_id = form.values(), form.known_app
    return diagnose_attempt(
        attempt=attempt, user=request.user, now=timezone.now(), values=values, app_id=app_id
    )
