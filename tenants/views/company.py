"""The tenant as a whole: founding, switching, settings, leaving."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts.forms import INVITATION_SESSION_KEY
from accounts.http import SignedIn
from tenants.access import WorkspaceRequest, manager_required, member_required, signed_in
from tenants.flows.change_role import LastOwner
from tenants.flows.create_tenant import create_tenant
from tenants.flows.remove_member import leave
from tenants.flows.update_tenant import update_tenant
from tenants.forms import CompanyForm, TenantForm
from tenants.middleware import SESSION_KEY, Workspace
from tenants.models import Tenant


@signed_in
@require_http_methods(["GET", "POST"])
def no_tenant(request: SignedIn) -> HttpResponse:
    """For those who belong to no company (any more): found one, or wait for an invitation."""
    work: Workspace = request.workspace  # type: ignore[attr-defined]
    if work.tenant is not None:
        return redirect(settings.LOGIN_REDIRECT_URL)
    form = CompanyForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        create_tenant(
            name=form.cleaned_data["name"],
            founder=request.user,
            time_zone=request.user.time_zone,
            now=timezone.now(),
        )
        return redirect(settings.LOGIN_REDIRECT_URL)
    invited = bool(request.session.get(INVITATION_SESSION_KEY))
    return render(request, "tenants/no_tenant.html", {"form": form, "invited": invited})


@signed_in
@require_POST
def switch_tenant(request: SignedIn) -> HttpResponse:
    work: Workspace = request.workspace  # type: ignore[attr-defined]
    chosen = request.POST.get("tenant", "")
    if not any(str(each.tenant.public_id) == chosen for each in work.memberships):
        raise Http404
    request.session[SESSION_KEY] = chosen
    return redirect(settings.LOGIN_REDIRECT_URL)


@manager_required
@require_http_methods(["GET", "POST"])
def tenant_settings(request: WorkspaceRequest) -> HttpResponse:
    # A copy: a form writes what was typed into its instance, even where that is not valid.
    form = TenantForm(request.POST or None, instance=Tenant.objects.get(pk=request.tenant.pk))
    if request.method == "POST" and form.is_valid():
        update_tenant(tenant=form.instance, actor=request.user, now=timezone.now())
        messages.success(request, _("The settings are saved."))
        return redirect("tenant_settings")
    return render(request, "tenants/settings.html", {"form": form})


@member_required
@require_http_methods(["GET", "POST"])
def leave_tenant(request: WorkspaceRequest) -> HttpResponse:
    if request.method == "POST":
        try:
            leave(membership=request.membership, now=timezone.now())
        except LastOwner:
            messages.error(
                request,
                _("You are the only owner. Make somebody else an owner first, then you can leave."),
            )
            return redirect("leave_tenant")
        request.session.pop(SESSION_KEY, None)
        text = _("You have left %(company)s.") % {"company": request.tenant.name}
        messages.success(request, text)
        return redirect(settings.LOGIN_REDIRECT_URL)
    return render(request, "tenants/leave.html")
