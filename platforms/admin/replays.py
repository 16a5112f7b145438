"""Replays of every tenant, and asking for one on a tenant's behalf."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from platforms import registry
from platforms.admin import health_parts
from platforms.admin.conditions import FaultFilter, SearchedByPath, by_platform
from platforms.admin.filters import ChosenStore
from platforms.flows.replay import (
    AlreadyReplaying,
    BadWindow,
    NotReplayable,
    start_replay,
    stop_replay,
)
from platforms.models import Replay
from platforms.replays.forms import ReplayForm
from platforms.replays.words import WINDOW_FAULTS, days_of, result
from tenants.models import Store
from tenants.scope import tenant_scope
from tenants.support import Button, ChosenTenant, DeskAdmin, page_address

ACT = "tenants.change_store"


@admin.register(Replay)
class ReplayAdmin(SearchedByPath, DeskAdmin):
    """Newest first; a new one is asked for on the store's page."""

    list_display = (
        "asked_at", "store_page", "kind", "window", "state", "result_words", "asked_by",
    )  # fmt: skip
    list_filter = (
        ChosenTenant, ChosenStore, by_platform("store__platform"), "kind", "state", FaultFilter,
    )  # fmt: skip
    list_select_related = ("tenant", "store__tenant", "asked_by")
    search_fields = (
        "store__account_name", "store__display_name", "tenant__slug", "tenant__name",
    )  # fmt: skip
    fields = (
        "tenant", "store_page", "kind", "window", "state", "result_words", "fault_words",
        "asked_by", "on_behalf", "asked_at", "started_at", "finished_at", "leased_until",
        "stop_asked", "seen", "created", "updated", "unchanged", "quarantined",
        "public_id",
    )  # fmt: skip
    readonly_fields = ("store_page", "window", "result_words", "fault_words", "public_id")
    buttons = (Button(name="stop", label=gettext_lazy("Stop"), permission=ACT),)

    def offers(self, request: HttpRequest, row: Replay, button: Button) -> bool:
        return row.finished_at is None and not row.stop_asked

    @admin.display(description=gettext_lazy("store"))
    def store_page(self, row: Replay) -> str | SafeString:
        return health_parts.store_link(row.store)

    @admin.display(description=gettext_lazy("Days"), ordering="since")
    def window(self, row: Replay) -> str:
        return days_of(row)

    @admin.display(description=gettext_lazy("result"))
    def result_words(self, row: Replay) -> str:
        return result(row) or "-"

    @admin.display(description=gettext_lazy("fault"), ordering="fault")
    def fault_words(self, row: Replay) -> str | SafeString:
        return health_parts.fault_in_words(row.fault)

    def do_stop(self, request: HttpRequest, row: Replay) -> None:
        with tenant_scope(row.tenant_id):
            stopped = stop_replay(
                replay=row,
                user=request.user,  # type: ignore[arg-type]
                now=timezone.now(),
                on_behalf=True,
            )
        if stopped:
            messages.success(request, _("It stops at its next step; what was done stays."))
        else:
            messages.info(request, _("It is over already, or was asked to stop before."))


def ask(request: HttpRequest, store: Store, context: dict[str, Any]) -> HttpResponse:
    """The page below a store's on which one is asked for on its tenant's behalf."""
    if store.platform not in registry.codes():
        messages.error(request, _("There is no such platform any more."))
        return redirect(page_address(store))
    with tenant_scope(store.tenant_id):
        form = ReplayForm(request.POST or None, store=store, now=timezone.now())
        if request.method == "POST" and form.is_valid():
            replay = _start(request, store, form)
            if replay is not None:
                return redirect(page_address(replay))
    context["form"] = form
    return TemplateResponse(request, "admin/support/replay.html", context)


def _start(request: HttpRequest, store: Store, form: ReplayForm) -> Replay | None:
    since, until = form.window
    try:
        replay = start_replay(
            store=store, kind=form.cleaned_data["kind"], since=since, until=until,
            user=request.user,  # type: ignore[arg-type]
            now=form.now, on_behalf=True,
        )  # fmt: skip
    except AlreadyReplaying as exc:
        messages.warning(request, _("This is being done again already."))
        return exc.running
    except BadWindow as exc:
        form.add_error(None, str(WINDOW_FAULTS[exc.reason]))
    except NotReplayable:
        form.add_error(None, _("Only an active store can do this. Relink or resume it first."))
    else:
        messages.success(request, _("It begins within a minute; you may leave this page."))
        return replay
    return None
