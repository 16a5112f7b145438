"""Streams and what each pull of them did."""

from __future__ import annotations

from django.contrib import admin
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from platforms.admin.conditions import STREAMS, by_condition
from platforms.admin.filters import ChosenAuthorization, ChosenStore
from platforms.models import PullRun, Stream
from tenants.support import ChosenTenant, DeskAdmin, chosen, links, list_address, page_link


@admin.register(Stream)
class StreamAdmin(DeskAdmin):
    list_display = (
        "authorization", "store", "tenant", "kind", "lane", "watermark", "due_at", "failures",
        "fault", "last_success_at", "how_far",
    )  # fmt: skip
    list_filter = (
        ChosenTenant, ChosenAuthorization, ChosenStore, "lane", "fault",
        ("finished_at", admin.EmptyFieldListFilter),
        by_condition(STREAMS, "standing", gettext_lazy("standing")),
    )  # fmt: skip
    list_select_related = ("tenant", "authorization", "store")
    search_fields = (
        "store__account_name", "authorization__account_name", "authorization__stores__account_name",
        "tenant__slug",
    )  # fmt: skip
    fields = (
        "tenant", "authorization_page", "store_page", "kind", "lane", "starts_at", "watermark",
        "window_until", "page_under_way", "ends_at", "how_far", "finished_at", "due_at",
        "leased_until", "failures", "failing_since", "fault", "fault_detail",
        "last_success_at", "orders_seen", "created_at", "public_id", "more",
    )  # fmt: skip
    readonly_fields = (
        "authorization_page", "store_page", "page_under_way", "how_far", "public_id", "more",
    )  # fmt: skip

    @admin.display(description=gettext_lazy("authorization"))
    def authorization_page(self, row: Stream) -> str | SafeString:
        return page_link(row.authorization)

    @admin.display(description=gettext_lazy("store"))
    def store_page(self, row: Stream) -> str | SafeString:
        if row.store is None:
            return _("All stores of the authorization")
        return page_link(row.store)

    @admin.display(description=gettext_lazy("inside a window"), boolean=True)
    def page_under_way(self, row: Stream) -> bool:
        return bool(row.cursor)

    @admin.display(description=gettext_lazy("progress"))
    def how_far(self, row: Stream) -> str:
        return "-" if row.ends_at is None else f"{row.progress} %"

    @admin.display(description=gettext_lazy("lists"))
    def more(self, row: Stream) -> SafeString:
        here = {"tenant": row.tenant_id, "stream": row.pk}
        return links(
            [
                (list_address("platforms_pullrun", **here), _("Pulls")),
                (list_address("platforms_quarantined", **here), _("Quarantine")),
            ]
        )


@admin.register(PullRun)
class PullRunAdmin(DeskAdmin):
    """Newest first. A store's pulls are reached from its streams, by index."""

    list_display = (
        "started_at", "stream", "tenant", "since", "until", "pages", "calls", "seen", "created",
        "updated", "unchanged", "quarantined", "fault",
    )  # fmt: skip
    list_filter = (ChosenTenant, chosen(Stream, "stream", gettext_lazy("stream")))
    list_select_related = ("tenant", "stream__authorization", "stream__store")
    sortable_by = ()
    fields = (
        "tenant", "stream_page", "started_at", "finished_at", "since", "until", "pages", "calls",
        "seen", "created", "updated", "unchanged", "quarantined", "fault", "fault_detail",
    )  # fmt: skip
    readonly_fields = ("stream_page",)

    @admin.display(description=gettext_lazy("stream"))
    def stream_page(self, row: PullRun) -> str | SafeString:
        return page_link(row.stream)
