"""The first page, the stores, and what is done to one of them."""

from __future__ import annotations

import zoneinfo
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from django import forms
from django.contrib import messages
from django.db.models import Count, QuerySet
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from platforms import health, registry
from platforms.access import get_stream
from platforms.flows import manage_store
from platforms.flows.start_streams import OutOfReach, back_fill, earliest
from platforms.health import board as health_board
from platforms.models import Consent, LinkAttempt, Order, PullRun, Step, Stream
from platforms.outages import open_outages
from platforms.quarantine.query import may_work, waiting_records
from tenants.access import (
    WorkspaceRequest,
    get_store,
    get_store_to_work_on,
    manager_required,
    member_required,
    visible_stores,
)
from tenants.flows.record_event import record_event
from tenants.models import Binding, Duty, Store, StoreState
from tenants.scope import TenantQuerySet


class StoreForm(forms.ModelForm[Store]):
    class Meta:
        model = Store
        fields = ["display_name", "time_zone"]
        help_texts = {
            "time_zone": gettext_lazy(
                "Decides where a day begins for this store, for example Asia/Shanghai. "
                "Empty: the company's time zone."
            ),
        }

    def clean_time_zone(self) -> str:
        zone: str = self.cleaned_data["time_zone"].strip()
        if zone and zone not in zoneinfo.available_timezones():
            raise forms.ValidationError(
                _("There is no time zone %(zone)s. Write it like Asia/Shanghai.") % {"zone": zone}
            )
        return zone


class BackFillForm(forms.Form):
    since = forms.DateField(
        label=gettext_lazy("Pull orders changed since"),
        widget=forms.DateInput(attrs={"type": "date"}),
    )


@require_safe
@member_required
def home(request: WorkspaceRequest) -> HttpResponse:
    """What needs attention, and how the orders of the reader's stores stand."""
    work = request.workspace
    now = timezone.now()
    stores = visible_stores(work)
    outages = open_outages()
    operated = work.store_ids(Duty.OPERATOR)
    since = manage_store.start_of_day(now, request.tenant.zone)
    orders = Order.objects.filter(store_id__in=operated)
    return render(
        request,
        "platforms/home.html",
        {
            "stores": stores.count(),
            "problems": health_board.problems(stores, outages=outages, now=now),
            "outages": health_board.concerning(stores, outages),
            "unseen": list(Store.objects.nobody_bound()) if work.can_manage else [],
            "attempts": _open_attempts(request) if work.can_manage else [],
            "today": orders.filter(placed_at__gte=since).count() if operated else 0,
            "to_ship": orders.filter(status="awaiting_shipment")[:1000].count() if operated else 0,
            "latest": orders.select_related("store").order_by("-placed_at", "-id")[:8],
            "quarantined": waiting_records(work)[:1000].count() if may_work(work) else 0,
        },
    )


def _open_attempts(request: WorkspaceRequest) -> QuerySet[LinkAttempt]:
    return LinkAttempt.objects.exclude(step__in=[Step.DONE, Step.CANCELLED]).order_by(
        "-changed_at"
    )[:3]


@require_safe
@member_required
def stores(request: WorkspaceRequest) -> HttpResponse:
    """All stores the reader may know of, by platform, state and words in their names."""
    found: TenantQuerySet[Store] = visible_stores(request.workspace)
    everything = found.count()
    platform, state = request.GET.get("platform", ""), request.GET.get("state", "")
    text = request.GET.get("q", "").strip()
    if platform in registry.codes():
        found = found.filter(platform=platform)
    if state in StoreState.values:
        found = found.filter(state=state)
    elif not state:
        found = found.exclude(state=StoreState.UNLINKED)
    if text:
        found = found.search(text)  # type: ignore[attr-defined]
    rows = list(found.order_by("platform", "account_name", "site")[:500])
    operators = Binding.objects.current().filter(
        duty=Duty.OPERATOR, store__in=[row.pk for row in rows], membership__left_at=None
    )
    counts = dict(operators.values_list("store").annotate(Count("pk")))
    for row in rows:
        row.operators = counts.get(row.pk, 0)  # type: ignore[attr-defined]
    return render(
        request,
        "platforms/stores/list.html",
        {
            "stores": rows,
            "everything": everything,
            "platforms": registry.all_adapters(),
            "states": StoreState.choices,
            "chosen": {"platform": platform, "state": state, "q": text},
        },
    )


@member_required
def store(request: WorkspaceRequest, public_id: UUID) -> HttpResponse:
    """How the store is, what may be read, who sees it, what was pulled. POST saves settings."""
    row = get_store(request.workspace, public_id)
    form = StoreForm(request.POST or None, instance=row)
    if request.method == "POST":
        if not request.workspace.can_manage:
            return redirect("store", public_id)
        if form.is_valid():
            form.save()
            record_event(
                tenant=request.tenant, verb="store.changed", actor=request.user,
                now=timezone.now(), target=row,
            )  # fmt: skip
            messages.success(request, _("The settings of %(store)s are saved.") % {"store": row})
            return redirect("store", public_id)
    return render(request, "platforms/stores/detail.html", _facts(request, row) | {"form": form})


def _facts(request: WorkspaceRequest, row: Store) -> dict[str, object]:
    adapter = registry.get(row.platform)
    authorization = row.authorization
    streams = Stream.objects.filter(authorization=authorization) if authorization else None
    mine = streams.filter(store=row) | streams.filter(store=None) if streams is not None else None
    runs = PullRun.objects.filter(stream__in=mine) if mine is not None else PullRun.objects.none()
    now = timezone.now()
    return {
        "store": row,
        "adapter": adapter,
        "authorization": authorization,
        "health": health.of_store(row, now=now, strips=True),
        "mode": adapter.mode(authorization.mode) if authorization else None,
        "scopes": _scopes(row),
        "back_fills": mine.exclude(ends_at=None).order_by("-created_at")[:3] if mine else [],
        "runs": runs.order_by("-started_at")[:8],
        "consents": Consent.objects.filter(authorization=authorization).order_by("-at")[:5],
        "bindings": Binding.objects.current()
        .filter(store=row, membership__left_at=None)
        .select_related("membership__user")
        .order_by("duty", "given_at"),
        "duties": Duty.choices,
        "reads_orders": row.pk in request.workspace.store_ids(Duty.OPERATOR),
        "back_fill_form": BackFillForm(),
        "earliest": earliest(row, now),
    }


def _scopes(row: Store) -> list[tuple[str, str, bool]]:
    """(scope, what it allows, granted) for each scope asked for."""
    authorization = row.authorization
    if authorization is None:
        return []
    words = registry.get(row.platform).scopes
    granted = authorization.scopes_granted
    asked = dict.fromkeys([*authorization.scopes_asked, *(granted or [])])
    missing = set(authorization.scopes_missing)
    return [
        (
            scope,
            str(words.get(scope, "")),
            scope not in missing and (granted is None or scope in granted),
        )
        for scope in [*asked, *(missing - set(asked))]
    ]


@require_POST
@member_required
def pull_now(request: WorkspaceRequest, public_id: UUID) -> HttpResponse:
    """For managers and for the store's operators."""
    row = get_store_to_work_on(request.workspace, public_id)
    if row.state != StoreState.ACTIVE:
        messages.error(request, _("Only an active store can be pulled. Relink or resume it first."))
    else:
        manage_store.pull_now(store=row, user=request.user, now=timezone.now())
        messages.success(request, _("The pull starts now; new orders appear in a moment."))
    return redirect("store", public_id)


@require_POST
@manager_required
def pause(request: WorkspaceRequest, public_id: UUID) -> HttpResponse:
    row = get_store(request.workspace, public_id)
    manage_store.pause_store(store=row, user=request.user, now=timezone.now())
    messages.success(request, _("%(store)s is paused: no orders are pulled.") % {"store": row})
    return redirect("store", public_id)


@require_POST
@manager_required
def resume(request: WorkspaceRequest, public_id: UUID) -> HttpResponse:
    row = get_store(request.workspace, public_id)
    manage_store.resume_store(store=row, user=request.user, now=timezone.now())
    messages.success(request, _("%(store)s goes on where it was paused.") % {"store": row})
    return redirect("store", public_id)


@require_POST
@manager_required
def unlink(request: WorkspaceRequest, public_id: UUID) -> HttpResponse:
    row = get_store(request.workspace, public_id)
    manage_store.unlink_store(store=row, user=request.user, now=timezone.now())
    messages.success(
        request,
        _("%(store)s is unlinked and its credential destroyed. Its orders stay.") % {"store": row},
    )
    return redirect("stores")


@require_POST
@manager_required
def ask_back_fill(request: WorkspaceRequest, public_id: UUID) -> HttpResponse:
    """Pull further back, up to what the platform allows; the store page shows how far it is."""
    row = get_store(request.workspace, public_id)
    form = BackFillForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("Choose the day from which on orders are to be pulled."))
        return redirect("store", public_id)
    now = timezone.now()
    try:
        back_fill(store=row, since=_midnight(form.cleaned_data["since"], row), now=now)
    except OutOfReach:
        messages.error(request, _("Choose a day before today."))
        return redirect("store", public_id)
    manage_store.pull_now(store=row, user=request.user, now=now)
    messages.success(request, _("The back-fill has started; its progress is on this page."))
    return redirect("store", public_id)


@require_safe
@member_required
def back_fill_progress(request: WorkspaceRequest, public_id: UUID) -> HttpResponse:
    """The progress bar of one back-fill, for htmx."""
    stream = get_stream(request.workspace, public_id)
    return render(request, "platforms/stores/_back_fill.html", {"stream": stream})


def _midnight(day: date, row: Store) -> datetime:
    # A year-1 date is valid input, but has no UTC equivalent west of Greenwich.
    day = max(day, timezone.now().date() - timedelta(days=3650))
    return datetime(day.year, day.month, day.day, tzinfo=row.zone).astimezone(UTC)
