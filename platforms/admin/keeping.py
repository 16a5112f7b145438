"""Retention, to look at: rules, legal holds and what was removed. Tenants decide on theirs."""

from __future__ import annotations

from types import MappingProxyType

from django.contrib import admin
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext, pgettext_lazy

from platforms.admin import health_parts
from platforms.admin.filters import ChosenStore, PlatformFilter
from platforms.keeping.rules import demanded_days
from platforms.models import LegalHold, RetentionRule, Scrub
from tenants.support import ChosenTenant, DeskAdmin


@admin.register(RetentionRule)
class RetentionRuleAdmin(DeskAdmin):
    list_display = ("platform", "tenant", "buyer_days", "raw_days", "demanded", "changed_at")
    list_filter = (ChosenTenant, PlatformFilter)
    list_select_related = ("tenant",)
    search_fields = ("tenant__slug", "tenant__name")
    fields = (
        "tenant", "platform", "buyer_days", "raw_days", "demanded", "changed_by", "changed_at",
    )  # fmt: skip
    readonly_fields = ("demanded",)

    @admin.display(description=gettext_lazy("days the marketplace allows"))
    def demanded(self, row: RetentionRule) -> str:
        days = demanded_days(row.platform)
        return "-" if days is None else str(days)


@admin.register(LegalHold)
class LegalHoldAdmin(DeskAdmin):
    column_names = MappingProxyType({
        "placed_at": pgettext_lazy("legal hold", "placed"),
        "placed_by": gettext_lazy("placed by"),
        "released_at": pgettext_lazy("legal hold", "Released"),
        "released_by": gettext_lazy("released by"),
    })  # fmt: skip
    list_display = ("placed", "tenant", "store_page", "number", "state", "reason")
    list_filter = (
        ChosenTenant, ChosenStore, ("released_at", admin.EmptyFieldListFilter),
    )  # fmt: skip
    list_select_related = ("tenant", "store__tenant")
    search_fields = ("number", "tenant__slug", "tenant__name", "store__account_name")
    fields = (
        "tenant", "store_page", "number", "reason", "state", "placed_by", "placed_at",
        "released_by", "released_at", "public_id",
    )  # fmt: skip
    readonly_fields = ("store_page", "state", "public_id")

    @admin.display(description=pgettext_lazy("legal hold", "placed"), ordering="placed_at")
    def placed(self, row: LegalHold) -> str:
        return f"{timezone.localtime(row.placed_at):%Y-%m-%d %H:%M}"

    @admin.display(description=gettext_lazy("store"))
    def store_page(self, row: LegalHold) -> str | SafeString:
        return health_parts.store_link(row.store) if row.store else _("all of them")

    @admin.display(description=gettext_lazy("state"))
    def state(self, row: LegalHold) -> SafeString:
        if row.released_at is None:
            return health_parts.tag(_("In force"), "warn")
        return health_parts.tag(pgettext("legal hold", "Released"), "neutral")


@admin.register(Scrub)
class ScrubAdmin(DeskAdmin):
    column_names = MappingProxyType({
        "buyer_days": gettext_lazy("Days buyer data is kept"),
        "raw_days": gettext_lazy("Days raw data is kept"),
        "orders": gettext_lazy("Orders"),
        "raws": gettext_lazy("Raw payloads"),
        "records": gettext_lazy("Quarantined records"),
        "held": gettext_lazy("Kept by a legal hold"),
        "oldest": gettext_lazy("Oldest order"),
        "newest": gettext_lazy("Newest order"),
    })  # fmt: skip
    list_display = (
        "when", "tenant", "platform", "store_page", "orders", "raws", "records", "held",
    )  # fmt: skip
    list_filter = (ChosenTenant, ChosenStore, PlatformFilter)
    list_select_related = ("tenant", "store__tenant")
    search_fields = ("tenant__slug", "tenant__name", "store__account_name")
    fields = (
        "tenant", "store_page", "platform", "at", "buyer_days", "raw_days", "orders", "raws",
        "records", "held", "oldest", "newest", "public_id",
    )  # fmt: skip
    readonly_fields = ("store_page", "public_id")

    @admin.display(description=gettext_lazy("time"), ordering="at")
    def when(self, row: Scrub) -> str:
        return f"{timezone.localtime(row.at):%Y-%m-%d %H:%M}"

    @admin.display(description=gettext_lazy("store"))
    def store_page(self, row: Scrub) -> str | SafeString:
        return health_parts.store_link(row.store)
