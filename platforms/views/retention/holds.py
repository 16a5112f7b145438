"""Legal holds: placed and released by owners and admins, each time with a reason."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from platforms.access import get_hold
from platforms.flows.manage_retention import NoSuchOrder, place_hold, release_hold
from platforms.views.retention.forms import HoldForm, ReasonForm
from tenants.access import WorkspaceRequest, manager_required


@manager_required
@require_http_methods(["GET", "POST"])
def place(request: WorkspaceRequest) -> HttpResponse:
    form = HoldForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        store, number = form.held
        try:
            place_hold(
                tenant=request.tenant, store=store, number=number,
                reason=form.cleaned_data["reason"], actor=request.user, now=timezone.now(),
            )  # fmt: skip
        except NoSuchOrder:
            form.add_error(
                "number",
                _(
                    "There is no order of that number here. Check it letter by letter; to keep an"
                    " order that has not arrived yet, hold its store."
                ),
            )
        else:
            text = _("The hold is in force. Nothing it covers is removed until you release it.")
            messages.success(request, text)
            return redirect("retention")
    return render(request, "platforms/retention/hold_place.html", {"form": form})


@manager_required
@require_http_methods(["GET", "POST"])
def release(request: WorkspaceRequest, public_id: UUID) -> HttpResponse:
    hold = get_hold(public_id)
    if hold.released_at is not None:  # by a colleague, or in another tab
        messages.info(request, _("The hold had been released before."))
        return redirect("retention")
    form = ReasonForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        reason = form.cleaned_data["reason"]
        if release_hold(hold=hold, reason=reason, actor=request.user, now=timezone.now()):
            text = _("The hold is released. What it kept beyond its time goes within the hour.")
            messages.success(request, text)
        else:
            messages.info(request, _("The hold had been released before."))
        return redirect("retention")
    return render(request, "platforms/retention/hold_release.html", {"form": form, "hold": hold})
