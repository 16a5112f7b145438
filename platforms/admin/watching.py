"""Troubles of stores, outages of platforms, and the lines of timelines."""

from __future__ import annotations

from django.contrib import admin
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from platforms.admin import health_parts
from platforms.admin.conditions import (
    OPEN,
    FaultFilter,
    SearchedByPath,
    by_condition,
    by_platform,
)
from platforms.admin.filters import ChosenAuthorization, ChosenStore, PlatformFilter
from platforms.advice import advice_for
from platforms.health.timeline import Line
from platforms.health.words import outage_sentence
from platforms.models import Moment, Outage, TimelineEntry, Trouble
from platforms.templatetags.storelink import duration, platform_name
from tenants.support import ChosenTenant, DeskAdmin, links, list_address, page_link

BY_STORE = (
    "store__account_name", "store__display_name", "store__external_name", "tenant__slug",
    "tenant__name",
)  # fmt: skip


@admin.register(Trouble)
class TroubleAdmin(SearchedByPath, DeskAdmin):
    list_display = ("began", "store_page", "what", "lasts", "ended", "detail")
    list_filter = (
        by_condition(OPEN, "open", gettext_lazy("state")), ChosenTenant, ChosenStore,
        by_platform("store__platform"), FaultFilter,
    )  # fmt: skip
    list_select_related = ("tenant", "store__tenant")
    search_fields = BY_STORE
    fields = (
        "tenant", "store_page", "authorization_page", "what", "told", "detail", "began_at",
        "ended_at", "lasts", "public_id", "more",
    )  # fmt: skip
    readonly_fields = (
        "store_page", "authorization_page", "what", "told", "lasts", "public_id", "more",
    )  # fmt: skip

    @admin.display(description=gettext_lazy("began"), ordering="began_at")
    def began(self, row: Trouble) -> str:
        return f"{timezone.localtime(row.began_at):%Y-%m-%d %H:%M}"

    @admin.display(description=gettext_lazy("store"), ordering="store__account_name")
    def store_page(self, row: Trouble) -> str | SafeString:
        return health_parts.store_link(row.store)

    @admin.display(description=gettext_lazy("authorization"))
    def authorization_page(self, row: Trouble) -> str | SafeString:
        return page_link(row.authorization)

    @admin.display(description=gettext_lazy("fault"), ordering="fault")
    def what(self, row: Trouble) -> str | SafeString:
        return health_parts.fault_in_words(row.fault)

    @admin.display(description=gettext_lazy("what the tenant is told"))
    def told(self, row: Trouble) -> str:
        return str(advice_for(row.fault, platform=row.store.platform))

    @admin.display(description=gettext_lazy("lasts"))
    def lasts(self, row: Trouble) -> str:
        return duration((row.ended_at or timezone.now()) - row.began_at)

    @admin.display(description=gettext_lazy("ended"), ordering="ended_at")
    def ended(self, row: Trouble) -> str | SafeString:
        if row.ended_at is None:
            return health_parts.tag(_("Goes on"), "bad")
        return f"{timezone.localtime(row.ended_at):%m-%d %H:%M}"

    @admin.display(description=gettext_lazy("lists"))
    def more(self, row: Trouble) -> SafeString:
        here = {"tenant": row.tenant_id, "store": row.store_id}
        return links(
            [
                (list_address("platforms_trouble", **here), _("Troubles")),
                (list_address("platforms_notice", **here), _("Notices")),
                (list_address("platforms_diagnosis", **here), _("Diagnoses")),
            ]
        )


@admin.register(Outage)
class OutageAdmin(DeskAdmin):
    """Few rows: one for each platform and way to fail."""

    list_display = (
        "since", "where", "what", "stores", "of_stores", "tenants", "lasts", "ended_at",
    )  # fmt: skip
    list_filter = (
        by_condition(OPEN, "open", gettext_lazy("state")), PlatformFilter, FaultFilter,
    )  # fmt: skip
    fields = (
        "where", "what", "since", "ended_at", "lasts", "stores", "of_stores", "tenants", "told",
        "more",
    )  # fmt: skip
    readonly_fields = ("where", "what", "lasts", "told", "more")

    @admin.display(description=gettext_lazy("platform"), ordering="platform")
    def where(self, row: Outage) -> str:
        return platform_name(row.platform)

    @admin.display(description=gettext_lazy("fault"), ordering="fault")
    def what(self, row: Outage) -> str | SafeString:
        return health_parts.fault_in_words(row.fault)

    @admin.display(description=gettext_lazy("lasts"))
    def lasts(self, row: Outage) -> str:
        return duration((row.ended_at or timezone.now()) - row.since)

    @admin.display(description=gettext_lazy("what the tenants are told"))
    def told(self, row: Outage) -> str:
        return outage_sentence(row)

    @admin.display(description=gettext_lazy("lists"))
    def more(self, row: Outage) -> SafeString:
        here = {"platform": row.platform, "fault": row.fault, "open": "yes"}
        return links([(list_address("platforms_trouble", **here), _("Troubles"))])


@admin.register(TimelineEntry)
class TimelineEntryAdmin(SearchedByPath, DeskAdmin):
    """Newest first, by index, also inside one authorization."""

    list_display = ("last", "authorization_page", "store_page", "tenant", "words", "count", "first")
    list_filter = (
        ChosenTenant, ChosenAuthorization, ChosenStore, by_platform("authorization__platform"),
        "moment", FaultFilter,
    )  # fmt: skip
    list_select_related = ("tenant", "authorization", "store__tenant")
    ordering = ("-last_at",)
    sortable_by = ()
    path_prefix = "authorization__stores__"
    path_repeats = True
    search_fields = (
        "authorization__account_name", "authorization__stores__account_name", "tenant__slug",
        "tenant__name",
    )  # fmt: skip
    fields = (
        "tenant", "authorization_page", "store_page", "words", "fault", "detail", "count",
        "first_at", "last_at",
    )  # fmt: skip
    readonly_fields = ("authorization_page", "store_page", "words")

    @admin.display(description=gettext_lazy("last"))
    def last(self, row: TimelineEntry) -> str:
        return f"{timezone.localtime(row.last_at):%Y-%m-%d %H:%M:%S}"

    @admin.display(description=gettext_lazy("first"))
    def first(self, row: TimelineEntry) -> str:
        return f"{timezone.localtime(row.first_at):%m-%d %H:%M}"

    @admin.display(description=gettext_lazy("authorization"))
    def authorization_page(self, row: TimelineEntry) -> str | SafeString:
        return page_link(row.authorization)

    @admin.display(description=gettext_lazy("store"))
    def store_page(self, row: TimelineEntry) -> str | SafeString:
        return _("all of them") if row.store is None else health_parts.store_link(row.store)

    @admin.display(description=gettext_lazy("what happened"))
    def words(self, row: TimelineEntry) -> str:
        line = Line(
            at=row.last_at, first_at=row.first_at, moment=Moment(row.moment), source=0, pk=row.pk,
            count=row.count, fault=row.fault,
        )  # fmt: skip
        return line.words
