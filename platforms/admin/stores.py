"""Stores in the support pages: how they are."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.http import HttpRequest
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from platforms import health
from platforms.admin import health_parts
from platforms.admin.conditions import STORES, WHOSE, SearchedByPath, by_condition
from platforms.admin.filters import ChosenAuthorization, PlatformFilter
from platforms.admin.find_order import finder_address
from platforms.admin.store_actions import StoreActions
from platforms.health import StoreHealth
from platforms.models import App, Stream, Trouble
from tenants.admin import bindings_table, when
from tenants.models import Binding, Store
from tenants.support import ChosenTenant, chosen, links, list_address, page_link, table


def health_of(store: Store) -> StoreHealth:
    """What the list has put on the row, else asked for once."""
    if not hasattr(store, "health"):
        found = health.of_store(store, now=timezone.now(), strips=True)
        store.health = found  # type: ignore[attr-defined]
    known: StoreHealth = store.health  # type: ignore[attr-defined]
    return known


class HealthList(ChangeList):
    """Puts each store's health on its row, in a fixed number of queries."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.result_list = list(self.result_list)
        for each in health.of_stores(self.result_list, now=timezone.now()):
            each.store.health = each  # type: ignore[attr-defined]


@admin.register(Store)
class StoreAdmin(SearchedByPath, StoreActions):
    path_prefix = ""
    list_display = (
        "called",
        "tenant",
        "where",
        "state",
        "fault",
        "succeeded",
        "waiting",
    )
    list_filter = (
        ChosenTenant, ChosenAuthorization, PlatformFilter, "state",
        by_condition(STORES, "trouble", gettext_lazy("open trouble")),
        by_condition(WHOSE, "whose", gettext_lazy("whose application")),
        chosen(App, "authorization__app", gettext_lazy("application")),
    )  # fmt: skip
    list_select_related = ("tenant", "authorization__app")
    search_fields = (
        "account_name", "display_name", "external_id", "external_name", "tenant__slug",
        "tenant__name",
    )  # fmt: skip
    fieldsets = (
        (
            None,
            {
                "fields": (
                    "tenant_page", "platform", "site", "account_name", "display_name", "state",
                    "external_id", "external_name", "environment", "time_zone", "public_id",
                    "created_at", "linked_at",
                )
            },
        ),
        (
            gettext_lazy("Health"),
            {
                "fields": (
                    "how", "hours", "authorization_page", "fault", "clocks", "last_success", "lag",
                    "success", "waiting", "diagnosed",
                )
            },
        ),
        (gettext_lazy("Troubles"), {"fields": ("troubles",)}),
        (gettext_lazy("Timeline"), {"fields": ("timeline",)}),
        (gettext_lazy("Streams"), {"fields": ("streams",)}),
        (gettext_lazy("People"), {"fields": ("people",)}),
        (gettext_lazy("More"), {"fields": ("more",)}),
    )  # fmt: skip
    readonly_fields = (
        "tenant_page", "public_id", "how", "hours", "authorization_page", "fault", "clocks",
        "last_success", "lag", "success", "waiting", "diagnosed", "troubles", "timeline",
        "streams", "people", "more",
    )  # fmt: skip

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return HealthList

    @admin.display(description=gettext_lazy("store"), ordering="account_name")
    def called(self, store: Store) -> str:
        return store.name

    @admin.display(description=gettext_lazy("tenant"))
    def tenant_page(self, store: Store) -> str | SafeString:
        return page_link(store.tenant)

    @admin.display(description=gettext_lazy("authorization"))
    def authorization_page(self, store: Store) -> str | SafeString:
        return page_link(store.authorization)

    @admin.display(description=gettext_lazy("platform"), ordering="platform")
    def where(self, store: Store) -> str:
        return f"{store.platform} {store.site}".strip()

    @admin.display(description=gettext_lazy("fault"))
    def fault(self, store: Store) -> str:
        return health_of(store).fault or "-"

    @admin.display(description=gettext_lazy("how it is"))
    def how(self, store: Store) -> SafeString:
        return health_parts.state_sentence(health_of(store))

    @admin.display(description=gettext_lazy("calls in 24 h"))
    def hours(self, store: Store) -> SafeString:
        return health_parts.strip(health_of(store).strip)

    @admin.display(description=gettext_lazy("three clocks"))
    def clocks(self, store: Store) -> str | SafeString:
        return health_parts.clocks(store)

    @admin.display(description=gettext_lazy("newest diagnosis"))
    def diagnosed(self, store: Store) -> str | SafeString:
        return health_parts.newest_diagnosis([store])

    @admin.display(description=gettext_lazy("troubles"))
    def troubles(self, store: Store) -> str | SafeString:
        newest = Trouble.objects.filter(store=store).select_related("store__tenant")
        return health_parts.troubles(newest.order_by("-began_at", "-pk")[:10])

    @admin.display(description=gettext_lazy("timeline"))
    def timeline(self, store: Store) -> str | SafeString:
        return health_parts.timeline(store)

    @admin.display(description=gettext_lazy("last success"))
    def last_success(self, store: Store) -> str:
        return when(health_of(store).last_success_at)

    @admin.display(description=gettext_lazy("last success"))
    def succeeded(self, store: Store) -> str:
        """As in `last_success`, short enough for the list."""
        at = health_of(store).last_success_at
        return f"{timezone.localtime(at):%m-%d %H:%M}" if at else "-"

    @admin.display(description=gettext_lazy("behind by"))
    def lag(self, store: Store) -> str:
        behind = health_of(store).lag
        return "-" if behind is None else str(behind)

    @admin.display(description=gettext_lazy("good calls in 24 h"))
    def success(self, store: Store) -> str:
        each = health_of(store)
        if each.success_percent is None:
            return "-"
        return _("%(percent)s %% of %(calls)s") % {
            "percent": each.success_percent,
            "calls": each.calls,
        }

    @admin.display(description=gettext_lazy("in quarantine"))
    def waiting(self, store: Store) -> int:
        return health_of(store).quarantined

    @admin.display(description=gettext_lazy("streams"))
    def streams(self, store: Store) -> str | SafeString:
        every = Stream.objects.filter(authorization=store.authorization).select_related(
            "authorization"
        )
        mine = (every.filter(store=store) | every.filter(store=None)).order_by("-pk")[:20]
        return table(
            [_("Stream"), _("Lane"), _("Watermark"), _("Due"), _("Failures"), _("Fault"),
             _("Pulls")],
            [
                [
                    page_link(each, each.get_kind_display()),
                    each.get_lane_display(),
                    when(each.watermark),
                    when(each.due_at),
                    each.failures,
                    each.fault or "-",
                    links(
                        [
                            (
                                list_address(
                                    "platforms_pullrun", tenant=store.tenant_id, stream=each.pk
                                ),
                                _("Pulls"),
                            )
                        ]
                    ),
                ]
                for each in mine
            ]
            if store.authorization_id
            else [],
        )  # fmt: skip

    @admin.display(description=gettext_lazy("people"))
    def people(self, store: Store) -> str | SafeString:
        return bindings_table(Binding.objects.filter(store=store), by_person=True)

    @admin.display(description=gettext_lazy("lists"))
    def more(self, store: Store) -> SafeString:
        tenant = store.tenant_id
        pairs = [
            (list_address("platforms_order", tenant=tenant, store=store.pk), _("Orders")),
            (list_address("platforms_quarantined", tenant=tenant, store=store.pk), _("Quarantine")),
            (list_address("platforms_trouble", tenant=tenant, store=store.pk), _("Troubles")),
            (list_address("platforms_notice", tenant=tenant, store=store.pk), _("Notices")),
            (list_address("platforms_diagnosis", tenant=tenant, store=store.pk), _("Diagnoses")),
            (list_address("platforms_datacheck", tenant=tenant, store=store.pk), _("Data checks")),
            (list_address("platforms_replay", tenant=tenant, store=store.pk), _("Replays")),
            (finder_address(store), _("Find an order")),
        ]
        if store.authorization_id:
            here = {"tenant": tenant, "authorization": store.authorization_id}
            pairs += [
                (list_address("platforms_linkattempt", **here), _("Link attempts")),
                (list_address("platforms_consent", **here), _("Consents")),
                (list_address("platforms_stream", **here), _("Streams")),
                (list_address("platforms_timelineentry", **here), _("Timeline")),
            ]
        return links(pairs)
