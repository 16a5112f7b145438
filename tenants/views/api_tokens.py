"""A member's own tokens for programs."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from tenants.access import WorkspaceRequest, get_own_api_token, member_required
from tenants.flows.api_token import issue_api_token, revoke_api_token
from tenants.forms import ApiTokenForm
from tenants.models import ApiToken


@member_required
@never_cache
@require_http_methods(["GET", "POST"])
def api_tokens(request: WorkspaceRequest) -> HttpResponse:
    """The list, and the form for a new one. The answer to the form is the only page that ever
    shows the token, so this one does not redirect."""
    form = ApiTokenForm(request.POST or None)
    secret = ""
    if request.method == "POST" and form.is_valid():
        _token, secret = issue_api_token(
            membership=request.membership, name=form.cleaned_data["name"], now=timezone.now()
        )
        form = ApiTokenForm()
    tokens = ApiToken.objects.filter(membership=request.membership, revoked_at=None)
    context = {"form": form, "secret": secret, "tokens": tokens.order_by("-created_at")}
    return render(request, "tenants/api_tokens.html", context)


@member_required
@require_POST
def api_token_revoke(request: WorkspaceRequest, public_id: UUID) -> HttpResponse:
    token = get_own_api_token(request.workspace, public_id)
    revoke_api_token(token=token, actor=request.membership, now=timezone.now())
    text = _("The token %(name)s no longer works.") % {"name": token.name}
    messages.success(request, text)
    return redirect("api_tokens")
