"""The data check centre: how every store stands, and the checks of one store. Nightly counts are
shown by day, on the pages of completeness."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Page, Paginator
from django.db.models import Exists, OuterRef, QuerySet, Subquery
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from platforms import registry
from platforms.data_checks.nightly import NIGHTLY
from platforms.data_checks.words import Verdict, verdict_of
from platforms.flows.work_checks import AlreadyChecking, NotCheckable, start_check
from platforms.models import DataCheck
from platforms.views.checks.access import checkable_stores, get_store_to_check
from platforms.views.checks.forms import CountsForm, StressForm
from tenants.access import WorkspaceRequest, member_required
from tenants.models import Store
from tenants.scope import TenantQuerySet

A_PAGE = 50
HISTORY = 20
NEW_FOR = timedelta(hours=24)

FILTERS = ("unchecked", "new", "running", "attention")
ATTENTION = ("failing", "refused", "throttled", "slow", "incomplete", "unreadable", "extra")


@dataclass(frozen=True, kw_only=True)
class Line:
    """A store with its last check of either kind; None where there was none."""

    store: Store
    stress: Checked | None
    counts: Checked | None

    @property
    def is_unchecked(self) -> bool:
        return self.stress is None and self.counts is None


@dataclass(frozen=True, kw_only=True)
class Checked:
    check: DataCheck
    verdict: Verdict | None  # None while it waits or runs


@require_safe
@member_required
def centre(request: WorkspaceRequest) -> HttpResponse:
    """The stores the reader may check, a page at a time, with their last checks."""
    stores = checkable_stores(request.workspace)
    platform, which = request.GET.get("platform", ""), request.GET.get("which", "")
    text = request.GET.get("q", "").strip()[:100]
    found = stores
    if platform in registry.codes():
        found = found.filter(platform=platform)
    if text:
        found = found.search(text)  # type: ignore[attr-defined]
    if which in FILTERS:
        found = _filtered(found, which)
    page = Paginator(found.order_by("platform", "account_name", "site"), A_PAGE).get_page(
        request.GET.get("page")
    )
    return render(
        request,
        "platforms/checks/centre.html",
        {
            "lines": _lines(page),
            "page": page,
            "previous_url": _page_url(request, page.previous_page_number())
            if page.has_previous()
            else "",
            "next_url": _page_url(request, page.next_page_number()) if page.has_next() else "",
            "everything": stores.exists(),
            "unchecked": _filtered(stores, "unchecked").count(),
            "new_unchecked": _filtered(_filtered(stores, "unchecked"), "new").count(),
            "platforms": registry.all_adapters(),
            "chosen": {"platform": platform, "which": which, "q": text},
        },
    )


def _page_url(request: WorkspaceRequest, number: int) -> str:
    query = request.GET.copy()
    query["page"] = str(number)
    return f"?{query.urlencode()}"


def _filtered(stores: TenantQuerySet[Store], which: str) -> TenantQuerySet[Store]:
    checks = DataCheck.objects.filter(store=OuterRef("pk")).exclude(NIGHTLY)
    if which == "unchecked":
        return stores.filter(~Exists(checks))
    if which == "new":
        return stores.filter(linked_at__gte=timezone.now() - NEW_FOR)
    if which == "running":
        return stores.filter(Exists(checks.filter(finished_at=None)))
    found: TenantQuerySet[Store] = stores.filter(
        Exists(checks.filter(pk=_newest(finished_at__isnull=False), report__verdict__in=ATTENTION))
    )
    return found


def _newest(**which: object) -> Subquery:
    """The last check of the same store and kind, for a filter by `pk`."""
    same = DataCheck.objects.filter(store=OuterRef("store_id"), kind=OuterRef("kind"), **which)
    same = same.exclude(NIGHTLY)
    return Subquery(same.order_by("-created_at", "-pk").values("pk")[:1])


def _lines(page: Page[Store]) -> list[Line]:
    stores = list(page)
    stress = _last(stores, DataCheck.Kind.STRESS)
    counts = _last(stores, DataCheck.Kind.COUNTS)
    return [
        Line(store=store, stress=stress.get(store.pk), counts=counts.get(store.pk))
        for store in stores
    ]


def _last(stores: Iterable[Store], kind: str) -> Mapping[int, Checked]:
    by_pk = {store.pk: store for store in stores}
    rows = DataCheck.objects.filter(store__in=by_pk, kind=kind, pk=_newest())
    found = {}
    for row in rows:
        row.store = by_pk[row.store_id]
        found[row.store_id] = Checked(check=row, verdict=verdict_of(row))
    return found


@require_http_methods(["GET", "HEAD", "POST"])
@member_required
def of_store(request: WorkspaceRequest, public_id: UUID) -> HttpResponse:
    """Start a check of the store, and see the earlier ones."""
    store = get_store_to_check(request.workspace, public_id)
    kind = request.POST.get("kind", "")
    stress = StressForm(request.POST if kind == "stress" else None, prefix="stress")
    counts = CountsForm(request.POST if kind == "counts" else None, prefix="counts", store=store)
    forms: dict[str, StressForm | CountsForm] = {"stress": stress, "counts": counts}
    form = forms.get(kind)
    if form is not None and form.is_valid():
        answer = _start(request, store, kind, form.asked)
        if answer is not None:
            return answer
    history = DataCheck.objects.filter(store=store).exclude(NIGHTLY).select_related("asked_by")
    rows: QuerySet[DataCheck] = history.order_by("-created_at", "-pk")[:HISTORY]
    for row in rows:
        row.store = store
    return render(
        request,
        "platforms/checks/store.html",
        {
            "store": store,
            "adapter": registry.get(store.platform),
            "stress": stress,
            "counts": counts,
            "history": [Checked(check=row, verdict=verdict_of(row)) for row in rows],
            "under_way": next((row for row in rows if row.finished_at is None), None),
            "zone": store.zone.key,
        },
        status=400 if form is not None and form.errors else 200,
    )


def _start(
    request: WorkspaceRequest, store: Store, kind: str, asked: Mapping[str, object]
) -> HttpResponse | None:
    try:
        check = start_check(
            store=store, kind=kind, asked=asked, user=request.user, now=timezone.now()
        )
    except AlreadyChecking:
        messages.error(request, _("A check of this store is under way. Wait for it, or stop it."))
        return redirect("store_checks", store.public_id)
    except NotCheckable:
        messages.error(
            request, _("Only an active store can be checked. Relink or resume it first.")
        )
        return redirect("store_checks", store.public_id)
    return redirect("check", check.public_id)
