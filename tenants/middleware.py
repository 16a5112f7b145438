"""Chooses the tenant scope of a request and remembers where the request came from."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from uuid_utils.compat import uuid7

from tenants.flows.api_token import find_api_token
from tenants.flows.record_event import Origin, origin
from tenants.models import ApiToken, Duty, Membership, Store, Tenant
from tenants.scope import all_tenants, tenant_scope

GetResponse = Callable[[HttpRequest], HttpResponse]

SESSION_KEY = "tenant"


class RequestIdMiddleware:
    """Gives each request an id that answers, logs and the audit trail share."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        given = request.headers.get("X-Request-Id", "")
        request_id = given if re.fullmatch(r"[\w-]{8,40}", given) else uuid7().hex
        token = origin.set(Origin(ip=client_address(request), request_id=request_id))
        try:
            response = self.get_response(request)
        finally:
            origin.reset(token)
        response["X-Request-Id"] = request_id
        return response


def client_address(request: HttpRequest) -> str | None:
    """The caller's address; X-Forwarded-For counts only as far as our own proxies wrote it."""
    hops = [hop.strip() for hop in request.headers.get("X-Forwarded-For", "").split(",")]
    proxies = settings.TRUSTED_PROXIES
    if proxies and len(hops) >= proxies and hops[-proxies]:
        return hops[-proxies]
    return request.META.get("REMOTE_ADDR") or None


@dataclass
class Workspace:
    """The tenant a signed-in person works in, as templates and views see it."""

    tenant: Tenant | None = None
    membership: Membership | None = None
    memberships: list[Membership] = field(default_factory=list)
    bound_store_ids: dict[Duty, list[int]] = field(default_factory=dict)
    api_token: ApiToken | None = None  # set where a program asks in the member's name

    @property
    def can_manage(self) -> bool:
        return self.membership is not None and self.membership.can_manage

    @property
    def may_read_orders(self) -> bool:
        return bool(self.store_ids(Duty.OPERATOR))

    def store_ids(self, duty: Duty) -> list[int]:
        """The stores on which this person holds `duty` now; asked for once a request."""
        if self.membership is None:
            return []
        if duty not in self.bound_store_ids:
            bound = Store.objects.bound_to(self.membership.user, duty)
            self.bound_store_ids[duty] = list(bound.values_list("pk", flat=True))
        return self.bound_store_ids[duty]


class TenantMiddleware:
    """Puts `request.workspace` in place and the rest of the request in its tenant's scope."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        # The API knows tokens and no sessions, so that no page elsewhere can write through it.
        is_api = request.path.startswith("/api/")
        work = workspace_of_program(request) if is_api else workspace_of(request)
        request.workspace = work  # type: ignore[attr-defined]
        # Support's pages read across tenants on purpose; staff is checked by the admin site.
        if request.path.startswith("/support/") and request.user.is_staff:
            scope = all_tenants("support works for every tenant")
        elif work.tenant:
            scope = tenant_scope(work.tenant)
        else:
            scope = nullcontext()  # type: ignore[assignment]
        with scope:
            return self.get_response(request)


def workspace_of(request: HttpRequest) -> Workspace:
    user = request.user
    if not user.is_authenticated:
        return Workspace()
    with all_tenants("a person may belong to several tenants"):
        memberships = list(
            Membership.objects.current()
            .filter(user=user)
            .select_related("tenant", "user")
            .order_by("joined_at")
        )
    chosen = request.session.get(SESSION_KEY)
    membership = next((m for m in memberships if str(m.tenant.public_id) == chosen), None)
    membership = membership or (memberships[0] if memberships else None)
    return Workspace(
        tenant=membership.tenant if membership else None,
        membership=membership,
        memberships=memberships,
    )


def workspace_of_program(request: HttpRequest) -> Workspace:
    """The one tenant that a bearer token opens, with the rights its member has right now."""
    scheme, _space, secret = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        return Workspace()
    token = find_api_token(secret=secret.strip(), now=timezone.now())
    if token is None:
        return Workspace()
    return Workspace(
        tenant=token.tenant,
        membership=token.membership,
        memberships=[token.membership],
        api_token=token,
    )


def workspace(request: HttpRequest) -> dict[str, Workspace]:
    """Context processor; error pages may come before the middleware ran."""
    return {"workspace": getattr(request, "workspace", None) or Workspace()}
