"""Records that could not be read: look at them, read them again, or put them aside."""

from __future__ import annotations

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from platforms import landing, masking
from platforms.admin.filters import ChosenStore, PlatformFilter
from platforms.flows.dismiss_quarantined import dismiss_quarantined
from platforms.flows.release_quarantined import release_quarantined
from platforms.models import Quarantined, QuarantineState, Stream
from tenants.scope import tenant_scope
from tenants.support import (
    Button,
    ChosenTenant,
    DeskAdmin,
    chosen,
    note,
    page_address,
    page_link,
)

CHANGE = "platforms.change_quarantined"


class NoteForm(forms.Form):
    """Why a record is put aside; whoever asks later reads this."""

    note = forms.CharField(
        label=gettext_lazy("Why is it put aside?"),
        max_length=300,
        widget=forms.TextInput(attrs={"class": "vTextField"}),
    )


@admin.register(Quarantined)
class QuarantinedAdmin(DeskAdmin):
    list_display = ("label", "tenant", "platform", "store", "reason", "state", "created_at")
    list_filter = (
        "state", ChosenTenant, ChosenStore, chosen(Stream, "stream", gettext_lazy("stream")),
        PlatformFilter,
    )  # fmt: skip
    list_select_related = ("tenant", "store")
    search_fields = ("number", "reason", "store__account_name", "tenant__slug")
    actions = ("release_selected", "dismiss_selected")
    fields = (
        "number", "tenant", "store_page", "stream_page", "platform", "record_kind", "reason",
        "state", "created_at", "settled_at", "settled_note", "raw_sha256", "public_id",
    )  # fmt: skip
    readonly_fields = ("store_page", "stream_page", "public_id")
    buttons = (
        Button(name="release", label=gettext_lazy("Read again and release"), permission=CHANGE),
        Button(name="dismiss", label=gettext_lazy("Dismiss"), permission=CHANGE, posts=False),
        Button(
            name="look",
            label=gettext_lazy("Show, buyer data masked"),
            permission="platforms.view_quarantined",
            posts=False,
        ),
        Button(
            name="show",
            label=gettext_lazy("Show as received"),
            permission="platforms.view_orderraw",
        ),
    )

    @admin.display(description=gettext_lazy("order number"), ordering="number")
    def label(self, row: Quarantined) -> str:
        return row.number or _("unknown")

    @admin.display(description=gettext_lazy("store"))
    def store_page(self, row: Quarantined) -> str | SafeString:
        return page_link(row.store)

    @admin.display(description=gettext_lazy("stream"))
    def stream_page(self, row: Quarantined) -> str | SafeString:
        return page_link(row.stream)

    def has_settle_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(CHANGE)

    def offers(self, request: HttpRequest, row: Quarantined, button: Button) -> bool:
        return button.permission != CHANGE or row.state == QuarantineState.WAITING

    # --- looking

    def do_look(self, request: HttpRequest, row: Quarantined) -> HttpResponse:
        return self._raw_page(request, row, is_masked=True)

    def do_show(self, request: HttpRequest, row: Quarantined) -> HttpResponse:
        note(request, "quarantine.raw_viewed", tenant=row.tenant, target=row)
        return self._raw_page(request, row, is_masked=False)

    def _raw_page(self, request: HttpRequest, row: Quarantined, *, is_masked: bool) -> HttpResponse:
        body = landing.decompress(row.raw)
        context = self.page_context(request, row, _("As received")) | {
            "text": masking.masked(body) if is_masked else masking.pretty(body),
            "is_masked": is_masked,
        }
        return TemplateResponse(request, "admin/support/raw.html", context)

    # --- settling

    def do_release(self, request: HttpRequest, row: Quarantined) -> None:
        self._release(request, [row])

    @admin.action(description=gettext_lazy("Read again and release"), permissions=["settle"])
    def release_selected(self, request: HttpRequest, queryset: QuerySet[Quarantined]) -> None:
        self._release(request, list(queryset.select_related("tenant")))

    def _release(self, request: HttpRequest, rows: list[Quarantined]) -> None:
        now = timezone.now()
        released = 0
        for row in rows:
            with tenant_scope(row.tenant):
                result = release_quarantined(
                    record=row,
                    user=request.user,  # type: ignore[arg-type]
                    now=now,
                    on_behalf=True,
                )
            names = {"record": str(row), "reason": result.unreadable}
            if result.landed is not None:
                released += 1
            elif result.unreadable:
                messages.error(
                    request, _("%(record)s still cannot be read: %(reason)s") % names
                )  # fmt: skip
            else:
                messages.warning(request, _("%(record)s was settled before.") % names)
        if released:
            messages.success(
                request,
                ngettext(
                    "%(count)s record is released and is an order now.",
                    "%(count)s records are released and are orders now.",
                    released,
                )
                % {"count": released},
            )

    def do_dismiss(self, request: HttpRequest, row: Quarantined) -> HttpResponse | None:
        return self._dismiss(request, [row], asked=request.method == "POST")

    @admin.action(description=gettext_lazy("Dismiss with a note"), permissions=["settle"])
    def dismiss_selected(
        self, request: HttpRequest, queryset: QuerySet[Quarantined]
    ) -> HttpResponse | None:
        rows = list(queryset.select_related("tenant"))
        return self._dismiss(request, rows, asked="note" in request.POST)

    def _dismiss(
        self, request: HttpRequest, rows: list[Quarantined], *, asked: bool
    ) -> HttpResponse | None:
        """Ask for the note first; then settle and go back to where one came from."""
        form = NoteForm(request.POST if asked else None)
        if not form.is_valid():
            single = rows[0] if len(rows) == 1 else None
            context = self.page_context(request, single, _("Dismiss")) if single else {}
            context |= self.admin_site.each_context(request) | {
                "opts": self.opts,
                "title": _("Dismiss"),
                "form": form,
                "rows": rows,
                "action": request.POST.get("action", ""),
                "checkbox": ACTION_CHECKBOX_NAME,
            }
            return TemplateResponse(request, "admin/support/dismiss.html", context)
        dismissed = 0
        for row in rows:
            with tenant_scope(row.tenant):
                dismissed += dismiss_quarantined(
                    record=row,
                    user=request.user,  # type: ignore[arg-type]
                    note=form.cleaned_data["note"],
                    now=timezone.now(),
                    on_behalf=True,
                )
        messages.success(
            request,
            ngettext(
                "%(count)s record is dismissed.", "%(count)s records are dismissed.", dismissed
            )
            % {"count": dismissed},
        )
        if "action" in request.POST:
            return None
        return redirect(page_address(rows[0]))
