"""The way from the support pages into the linking wizard, on a tenant's behalf."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from platforms.flows.support import grant_to_renew
from tenants.access import SUPPORT_TENANT
from tenants.models import Store, Tenant
from tenants.support import note


def open_wizard(
    request: HttpRequest, *, tenant: Tenant, store: Store | None = None
) -> HttpResponse:
    """Act for `tenant` from here on: link `store` again, or a new one."""
    request.session[SUPPORT_TENANT] = str(tenant.public_id)
    note(request, "support.wizard_opened", tenant=tenant, target=store or tenant)
    if store is not None and grant_to_renew(store) is not None:
        return redirect("relink", store.public_id)
    return redirect("link_start")
