"""What the counts found, by store and day."""

from __future__ import annotations

from types import MappingProxyType

from django.contrib import admin
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy

from platforms.admin import health_parts
from platforms.admin.conditions import (
    Condition,
    Conditions,
    SearchedByPath,
    by_condition,
    by_platform,
)
from platforms.admin.filters import ChosenStore
from platforms.completeness import DIFFERS
from platforms.models import DayCount
from tenants.support import ChosenTenant, DeskAdmin, page_link

DAYS: Conditions = {
    "yes": Condition(label=gettext_lazy("Differences left"), rows=lambda now: DIFFERS),
    "no": Condition(label=gettext_lazy("None"), rows=lambda now: ~DIFFERS),
}


@admin.register(DayCount)
class DayCountAdmin(SearchedByPath, DeskAdmin):
    """The newest comparison of each day. Counted anew by a data check of the store."""

    column_names = MappingProxyType({
        "day": gettext_lazy("Day"),
        "platform_count": gettext_lazy("At the platform"),
        "our_count": gettext_lazy("Here before"),
        "missing": gettext_lazy("Missing"),
        "different": gettext_lazy("Out of date"),
        "extra": gettext_lazy("Only here"),
        "unreadable": gettext_lazy("Unreadable"),
        "healed": gettext_lazy("Put right"),
        "counted_at": gettext_lazy("Counted"),
    })  # fmt: skip
    list_display = (
        "day", "store_page", "platform_count", "our_count", "missing", "different", "extra",
        "unreadable", "healed", "counted_at",
    )  # fmt: skip
    list_filter = (
        by_condition(DAYS, "differs", gettext_lazy("differences")), ChosenTenant, ChosenStore,
        by_platform("store__platform"),
    )  # fmt: skip
    list_select_related = ("tenant", "store__tenant")
    search_fields = (
        "store__account_name", "store__display_name", "tenant__slug", "tenant__name",
    )  # fmt: skip
    fields = (
        "tenant", "store_page", "day", "platform_count", "our_count", "missing", "different",
        "extra", "unreadable", "healed", "counted_at", "check_page",
    )  # fmt: skip
    readonly_fields = ("store_page", "check_page")

    @admin.display(description=gettext_lazy("store"), ordering="store__account_name")
    def store_page(self, row: DayCount) -> str | SafeString:
        return health_parts.store_link(row.store)

    @admin.display(description=gettext_lazy("data check"))
    def check_page(self, row: DayCount) -> str | SafeString:
        return page_link(row.data_check)
