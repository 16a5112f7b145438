"""The only doors that turn an id from outside into a row this person may touch, or 404.

Never 403 for a row: a stranger must not learn that it exists. A view's kind of visitor is
declared by decorator, and tests/test_permissions.py checks that every URL has one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any
from uuid import UUID

from allauth.mfa.utils import is_mfa_enabled
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from accounts.http import SignedIn
from tenants.flows.record_event import record_event
from tenants.middleware import Workspace
from tenants.models import ApiToken, Duty, Invitation, Membership, Outcome, Store, Tenant
from tenants.scope import tenant_scope

View = Callable[..., HttpResponse]


class WorkspaceRequest(SignedIn):
    """A request of a member, inside the scope of `workspace.tenant`."""

    workspace: Workspace
    tenant: Tenant
    membership: Membership


def _to_login(request: HttpRequest) -> HttpResponse:
    """A part that a page asks for by itself would put the form in its own place: the page is
    asked for again instead, which leads to the form and back to the page."""
    if request.headers.get("HX-Request"):
        return HttpResponse(headers={"HX-Refresh": "true"})
    return redirect_to_login(request.get_full_path())


def member_required(view: View) -> View:
    """Signed in and in a tenant. Who has no tenant is told how to get into one."""

    @wraps(view)
    def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not request.user.is_authenticated:
            return _to_login(request)
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
            if request.method == "POST":
                record_refusal(request)
            raise PermissionDenied
        return view(request, *args, **kwargs)

    guarded = member_required(checked)
    guarded.access = "manager"  # type: ignore[attr-defined]
    return guarded


# In the session of a support agent: the public id of the tenant they act for.
SUPPORT_TENANT = "support_tenant"


class ManagerRequest(SignedIn):
    """A request of a manager, or of support acting for the tenant (`on_behalf`), inside the
    scope of `tenant`. Support has no membership."""

    workspace: Workspace
    tenant: Tenant
    membership: Membership | None
    on_behalf: bool


def manager_or_support_required(view: View) -> View:
    """An owner or admin of the tenant, or a support agent who began to act for one: they see
    these pages only, as if of that tenant, and everything is recorded as done on its behalf."""

    @wraps(view)
    def managed(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        request.on_behalf = False  # type: ignore[attr-defined]
        return view(request, *args, **kwargs)

    as_manager = manager_required(managed)

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        tenant = acted_for(request)
        if tenant is None:
            return as_manager(request, *args, **kwargs)
        request.on_behalf = True  # type: ignore[attr-defined]
        request.tenant = tenant  # type: ignore[attr-defined]
        request.membership = None  # type: ignore[attr-defined]
        with tenant_scope(tenant):
            return view(request, *args, **kwargs)

    guarded.access = "manager_or_support"  # type: ignore[attr-defined]
    return guarded


def acted_for(request: HttpRequest) -> Tenant | None:
    """The tenant that a support agent acts for in this session."""
    public_id = request.session.get(SUPPORT_TENANT)
    # Asked each time: whoever loses the right stops acting at once.
    if not public_id or not request.user.has_perm("tenants.change_store"):
        return None
    if not request.user.is_staff:
        return None
    return Tenant.objects.filter(public_id=public_id).first()


def record_refusal(request: HttpRequest) -> None:
    """Somebody of the tenant tried to change what only managers may: the trail says so."""
    work: Workspace = request.workspace  # type: ignore[attr-defined]
    assert work.tenant is not None
    assert work.membership is not None
    record_event(
        tenant=work.tenant,
        verb="manager.needed",
        actor=work.membership.user,
        now=timezone.now(),
        outcome=Outcome.DENIED,
        detail={"page": request.path[:200]},
    )


def signed_in(view: View) -> View:
    """Signed in, in a tenant or not."""

    @wraps(view)
    def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not request.user.is_authenticated:
            return _to_login(request)
        return view(request, *args, **kwargs)

    checked.access = "signed_in"  # type: ignore[attr-defined]
    return checked


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


def get_store_to_work_on(work: Workspace, public_id: UUID | str) -> Store:
    """For what operators do with their store, and managers with all of them; otherwise 404."""
    return get_store(work, public_id, duty=None if work.can_manage else Duty.OPERATOR)


def stores_to_work_on(work: Workspace) -> Any:
    """Those that `get_store_to_work_on` gives."""
    stores = Store.objects.select_related("authorization", "tenant")
    return stores if work.can_manage else stores.filter(pk__in=work.store_ids(Duty.OPERATOR))


def get_stores(work: Workspace, public_ids: Iterable[UUID | str]) -> list[Store]:
    """All of these stores of a manager's tenant, in a few queries; 404 if one is not there."""
    wanted = {_uuid(each) for each in public_ids}
    stores = visible_stores(work).filter(public_id__in=wanted)
    found = list(stores)
    if len(found) != len(wanted):
        raise Http404
    return found


def get_member(work: Workspace, public_id: UUID | str) -> Membership:
    return _get(Membership.objects.current().select_related("user", "tenant"), public_id)


def get_invitation(work: Workspace, public_id: UUID | str) -> Invitation:
    return _get(Invitation.objects.select_related("invited_by"), public_id)


def get_own_api_token(work: Workspace, public_id: UUID | str) -> ApiToken:
    return _get(ApiToken.objects.filter(membership=work.membership), public_id)


def _get(queryset: Any, public_id: UUID | str) -> Any:
    try:
        return queryset.get(public_id=_uuid(public_id))
    except queryset.model.DoesNotExist:
        raise Http404 from None


def _uuid(text: UUID | str) -> UUID:
    try:
        return UUID(str(text))
    except ValueError:
        raise Http404 from None
