"""Who calls the API, and what they may do.

Apart from the views, because the framework imports this while it loads its own views.
"""

from __future__ import annotations

from typing import Any

from allauth.mfa.utils import is_mfa_enabled
from django.utils.translation import gettext_lazy as _
from rest_framework import exceptions
from rest_framework.authentication import BaseAuthentication
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from accounts.models import User
from tenants.access import record_refusal
from tenants.middleware import Workspace
from tenants.models import ApiToken


def workspace_of(request: Request) -> Workspace:
    """What TenantMiddleware found for the bearer token; an empty one without."""
    work: Workspace = request._request.workspace  # type: ignore[attr-defined]
    return work


class TokenAuthentication(BaseAuthentication):
    """`Authorization: Bearer slk_…`. TenantMiddleware has looked the token up already, so that
    its tenant's scope is active around the whole view; this only says so to the framework."""

    keyword = "Bearer"

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        if "Authorization" not in request.headers:
            return None
        work = workspace_of(request)
        if work.api_token is None:
            raise exceptions.AuthenticationFailed(
                _("This token is not valid, or was revoked. Send “Authorization: Bearer slk_…”.")
            )
        return work.api_token.membership.user, work.api_token

    def authenticate_header(self, request: Request) -> str:
        return self.keyword


class InWorkspace(BasePermission):
    """What a member may do in the workspace at this moment, a program of theirs may do."""

    message = _("Your company requires two-step sign-in. Set it up first, then the token works.")

    def has_permission(self, request: Request, view: Any) -> bool:
        work = workspace_of(request)
        if work.tenant is None or work.membership is None:
            raise exceptions.NotAuthenticated
        return not work.tenant.require_mfa or is_mfa_enabled(work.membership.user)


class ManagesToWrite(BasePermission):
    """Reading is for every member; writing for owners and admins. Refusals are on the trail."""

    message = _("Only owners and admins of the company may do this.")

    def has_permission(self, request: Request, view: Any) -> bool:
        work = workspace_of(request)
        if request.method in ("GET", "HEAD", "OPTIONS") or work.can_manage:
            return True
        record_refusal(request._request)
        return False
