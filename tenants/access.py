"""The only doors that turn an id from outside into a row this person may touch, or 404.

Never 403 for a row: a stranger must not learn that it exists. A view's kind of visitor is
declared by decorator, and tests/test_permissions.py checks that every URL has one.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any
from uuid import UUID

from allauth.mfa.utils import is_mfa_enabled
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect

from accounts.http import SignedIn
from tenants.middleware import Workspace
from tenants.models import ApiToken, Duty, Invitation, Membership, Store, Tenant

View = Callable[..., HttpResponse]


class WorkspaceRequest(SignedIn):
    """A request of a member, inside the scope of `workspace.tenant`."""

    workspace: Workspace
    tenant: Tenant
    membership: Membership


def member_required(view: View) -> View:
    """Signed in and in a tenant. Who has no tenant is told how to get into one."""

    @wraps(view)
    def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not request.user.is_authenticated:
            return redirect_to_login(request.get_full_path())
        work: Workspace = request.workspace  # type: ignore[attr-defined]
        if work.tenant is None:
            return redirect("no_tenant")
        if work.tenant.require_mfa and not is_mfa_enabled(request.user):
            return redirect("mfa_index")
        request.tenant = work.tenant  # type: ignore[attr-defined]
        request.membership = work.membership  # type: ignore[attr-defined]
        return view(request, *args, **kwargs)

    checked.access = "member"  # type: ignore[attr-defined]
    return checked


def manager_required(view: View) -> View:
    """An owner or admin of the tenant. Members are told so: the page itself is no secret."""

    @wraps(view)
    def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not request.workspace.can_manage:  # type: ignore[attr-defined]
            raise PermissionDenied
        return view(request, *args, **kwargs)

    guarded = member_required(checked)
    guarded.access = "manager"  # type: ignore[attr-defined]
    return guarded


def public(view: View) -> View:
    """On purpose for everybody, signed in or not."""
    view.access = "public"  # type: ignore[attr-defined]
    return view


def get_store(work: Workspace, public_id: UUID | str, *, duty: Duty | None = None) -> Store:
    """The store if this person may touch it: with `duty`, whoever holds it; without, whoever
    manages the tenant or holds any duty on the store. Otherwise 404."""
    stores = Store.objects.select_related("authorization", "tenant")
    if duty is not None:
        stores = stores.filter(pk__in=work.store_ids(duty))
    elif not work.can_manage:
        bound = {pk for each in Duty for pk in work.store_ids(each)}
        stores = stores.filter(pk__in=bound)
    return _get(stores, public_id)


def visible_stores(work: Workspace) -> Any:
    """Stores this person may know of: all of them for managers, else those they are bound to."""
    stores = Store.objects.select_related("authorization", "tenant")
    if work.can_manage:
        return stores
    return stores.filter(pk__in={pk for each in Duty for pk in work.store_ids(each)})


def get_member(work: Workspace, public_id: UUID | str) -> Membership:
    return _get(Membership.objects.current().select_related("user"), public_id)


def get_invitation(work: Workspace, public_id: UUID | str) -> Invitation:
    return _get(Invitation.objects.all(), public_id)


def get_own_api_token(work: Workspace, public_id: UUID | str) -> ApiToken:
    return _get(ApiToken.objects.filter(membership=work.membership), public_id)


def _get(queryset: Any, public_id: UUID | str) -> Any:
    try:
        return queryset.get(public_id=UUID(str(public_id)))
    except (ValueError, queryset.model.DoesNotExist):
        raise Http404 from None
