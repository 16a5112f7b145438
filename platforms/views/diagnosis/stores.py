"""Finding the cause: the page of a store's diagnosis, and what to hand to support."""

from __future__ import annotations

import json
from uuid import UUID

from django.contrib import messages
from django.core.cache import cache
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from platforms.diagnosis.bundle import as_text, bundle_of
from platforms.diagnosis.report import platform_page, report_of
from platforms.flows.diagnose import NotLinked, diagnose_store
from platforms.models import Diagnosis
from platforms.views.headers import as_file, not_stored
from tenants.access import WorkspaceRequest, get_store, member_required
from tenants.models import Store, StoreState

# Each check calls the marketplace a few times; two people at one store need not both.
ONE_AT_A_TIME_S = 40


@require_http_methods(["GET", "HEAD", "POST"])
@member_required
@not_stored
def diagnosis(request: WorkspaceRequest, public_id: UUID) -> HttpResponse:
    """The newest diagnosis of the store; POST makes a new one, which takes up to half a minute."""
    row = get_store(request.workspace, public_id)
    if request.method == "POST":
        _diagnose(request, row)
        return redirect("store_diagnosis", public_id)
    newest = find_newest(row)
    return render(
        request,
        "platforms/diagnosis/store.html",
        {
            "store": row,
            "can_check": row.authorization_id and row.state != StoreState.UNLINKED,
            "report": report_of(newest) if newest else None,
            "platform_page": platform_page(newest) if newest else "",
            "bundle": as_text(bundle_of(newest, now=timezone.now())) if newest else "",
        },
    )


def _diagnose(request: WorkspaceRequest, row: Store) -> None:
    key = f"diagnosis:{row.pk}"
    if not cache.add(key, 1, ONE_AT_A_TIME_S):
        messages.info(request, _("This store is being checked right now; reload in a moment."))
        return
    try:
        diagnose_store(store=row, user=request.user, now=timezone.now())
    except NotLinked:
        messages.error(request, _("The store is not linked, so there is nothing to check."))
    finally:
        cache.delete(key)


@require_safe
@member_required
@not_stored
def bundle(request: WorkspaceRequest, public_id: UUID) -> HttpResponse:
    """The newest diagnosis with what belongs to it, as a file: ?form=json or text."""
    row = get_store(request.workspace, public_id)
    newest = find_newest(row)
    if newest is None:
        return redirect("store_diagnosis", public_id)
    told = bundle_of(newest, now=timezone.now())
    as_json = request.GET.get("form") == "json"
    text = json.dumps(told, ensure_ascii=False, indent=1) if as_json else as_text(told)
    kind = "application/json" if as_json else "text/plain; charset=utf-8"
    name = f"storelink-{row.platform}-{row.account_name}-{newest.at:%Y%m%d-%H%M}"
    ending = "json" if as_json else "txt"
    return as_file(HttpResponse(text, content_type=kind), f"{name}.{ending}")


def find_newest(store: Store) -> Diagnosis | None:
    """The newest diagnosis of a store; in its tenant's scope."""
    rows = Diagnosis.objects.select_related("store__authorization__app", "attempt", "asked_by")
    found: Diagnosis | None = rows.filter(store=store).order_by("-at", "-pk").first()
    return found
