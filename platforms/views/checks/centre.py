"""The data check centre: how every store stands, and the checks of one store. Nightly counts are
shown by day, on the pages of completeness."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.core.paginator import Page
from django.db.models import Exists, OuterRef, QuerySet, Subquery
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from platforms import registry
from platforms.data_checks.nightly import NIGHTLY
from platforms.data_checks.words import Verdict, verdict_of
from platforms.models import DataCheck
from platforms.views.checks.access import checkable_stores
from platforms.views.checks.begin import begin_check
from platforms.views.checks.forms import CountsForm, StressForm
from platforms.views.checks.lists import Filters, page_of
from tenants.access import WorkspaceRequest, get_store_to_work_on, member_required
from tenants.models import Store
from tenants.scope import TenantQuerySet
from tenants.views.paging import neighbours

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
    filters = Filters.read(request.GET.dict())
    found = filters.narrowed(stores)
    if filters.which in FILTERS:
        found = _filtered(found, filters.which)
    page = page_of(request, found.order_by("platform", "account_name", "site"))
    return render(
        request,
        "platforms/checks/centre.html",
        {
            "lines": _lines(page),
            "page": page,
            **neighbours(request, page),
            "everything": stores.exists(),
            "unchecked": _filtered(stores, "unchecked").count(),
            "new_unchecked": _filtered(_filtered(stores, "unchecked"), "new").count(),
            "platforms": registry.all_adapters(),
            "chosen": filters,
        },
    )


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
    store = get_store_to_work_on(request.workspace, public_id)
    kind = request.POST.get("kind", "")
    stress = StressForm(request.POST if kind == "stress" else None, prefix="stress")
    counts = CountsForm(request.POST if kind == "counts" else None, prefix="counts", store=store)
    forms: dict[str, StressForm | CountsForm] = {"stress": stress, "counts": counts}
    form = forms.get(kind)
    if form is not None and form.is_valid():
        return begin_check(request, store, kind=kind, asked=form.asked, back="store_checks")
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
