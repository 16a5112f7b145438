"""Authorizations, consents and attempts: facts only, never a secret."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from platforms import health
from platforms.admin import health_parts
from platforms.admin.conditions import REFRESHES, SearchedByPath, by_condition
from platforms.admin.filters import ChosenAuthorization, PlatformFilter
from platforms.health import strip as health_strip
from platforms.health import words as health_words
from platforms.models import App, Authorization, Consent, LinkAttempt
from tenants.models import Store
from tenants.support import (
    ChosenTenant,
    DeskAdmin,
    chosen,
    links,
    list_address,
    page_link,
    table,
    words,
)


@admin.register(Authorization)
class AuthorizationAdmin(SearchedByPath, DeskAdmin):
    path_prefix = "stores__"
    path_repeats = True
    list_display = (
        "__str__", "tenant", "mode", "state", "fault", "access_expires_at", "refresh_expires_at",
        "consent_expires_at",
    )  # fmt: skip
    list_filter = (
        by_condition(REFRESHES, "standing", gettext_lazy("standing")), ChosenTenant,
        PlatformFilter, "state", "pushes", "fault", chosen(App, "app", gettext_lazy("application")),
    )  # fmt: skip
    list_select_related = ("tenant",)
    search_fields = (
        "account_name", "account_id", "stores__account_name", "tenant__slug", "tenant__name",
    )  # fmt: skip
    fieldsets = (
        (
            None,
            {
                "fields": (
                    "tenant", "platform", "mode", "region", "environment", "account_id",
                    "account_name", "application", "stores_opened", "public_id", "created_at",
                )
            },
        ),
        (
            gettext_lazy("State"),
            {
                "fields": (
                    "state", "hours", "fault", "fault_detail", "fault_at", "troubles", "diagnosed",
                )
            },
        ),
        (
            gettext_lazy("Credential"),
            {
                "description": gettext_lazy(
                    "Nobody can read it back, we neither. The last characters and the"
                    " fingerprint tell two of them apart."
                ),
                "fields": ("ends_in", "fingerprint", "generation"),
            },
        ),
        (
            gettext_lazy("Three clocks"),
            {
                "fields": (
                    "access_expires_at", "refresh_expires_at", "consent_expires_at",
                    "refreshed_at", "refresh_due_at", "refresh_failures", "failing_since",
                    "leased_until", "in_flight_since",
                )
            },
        ),
        (
            gettext_lazy("Scopes"),
            {"fields": ("asked", "granted", "missing")},
        ),
        (gettext_lazy("More"), {"fields": ("more",)}),
    )  # fmt: skip
    readonly_fields = (
        "application", "stores_opened", "public_id", "ends_in", "asked", "granted", "missing",
        "more", "hours", "troubles", "diagnosed",
    )  # fmt: skip

    @admin.display(description=gettext_lazy("application"))
    def application(self, row: Authorization) -> str | SafeString:
        return page_link(row.app)

    @admin.display(description=gettext_lazy("stores"))
    def stores_opened(self, row: Authorization) -> str | SafeString:
        stores = list(_stores_of(row))
        known = health.of_stores(stores, now=timezone.now())
        return table(
            [_("Store"), _("Site"), _("State"), _("How it is"), _("Shop at the platform")],
            [
                [
                    page_link(each.store), each.store.site or "-", each.store.get_state_display(),
                    health_parts.tag(health_words.state_words(each), health_words.tone_of(each)),
                    each.store.external_name or "-",
                ]
                for each in known
            ],
        )  # fmt: skip

    @admin.display(description=gettext_lazy("calls in 24 h"))
    def hours(self, row: Authorization) -> SafeString:
        return health_parts.strip(health_strip.last_hours([row.pk], now=timezone.now())[row.pk])

    @admin.display(description=gettext_lazy("open troubles"))
    def troubles(self, row: Authorization) -> str | SafeString:
        return health_parts.troubles(health_parts.open_troubles(_stores_of(row)))

    @admin.display(description=gettext_lazy("newest diagnosis"))
    def diagnosed(self, row: Authorization) -> str | SafeString:
        return health_parts.newest_diagnosis(list(_stores_of(row)))

    @admin.display(description=gettext_lazy("ends in"))
    def ends_in(self, row: Authorization) -> str:
        return f"…{row.hint}" if row.hint else "-"

    @admin.display(description=gettext_lazy("asked"))
    def asked(self, row: Authorization) -> str | SafeString:
        return words(row.scopes_asked)

    @admin.display(description=gettext_lazy("granted"))
    def granted(self, row: Authorization) -> str | SafeString:
        if row.scopes_granted is None:
            return _("The platform does not say.")
        return words(row.scopes_granted)

    @admin.display(description=gettext_lazy("missing"))
    def missing(self, row: Authorization) -> str | SafeString:
        return words(row.scopes_missing)

    @admin.display(description=gettext_lazy("lists"))
    def more(self, row: Authorization) -> SafeString:
        here = {"tenant": row.tenant_id, "authorization": row.pk}
        return links(
            [
                (list_address("platforms_consent", **here), _("Consents")),
                (list_address("platforms_linkattempt", **here), _("Link attempts")),
                (list_address("platforms_stream", **here), _("Streams")),
                (list_address("platforms_timelineentry", **here), _("Timeline")),
            ]
        )


def _stores_of(row: Authorization) -> QuerySet[Store]:
    stores: QuerySet[Store] = Store.objects.filter(authorization=row)
    return stores.select_related("tenant", "authorization__app").order_by("site", "account_name")


@admin.register(Consent)
class ConsentAdmin(DeskAdmin):
    list_display = ("at", "authorization", "tenant", "by_name", "mode", "handed_over", "ended_at")
    list_filter = (ChosenTenant, ChosenAuthorization)
    list_select_related = ("authorization", "tenant")
    search_fields = ("by_name", "authorization__account_name", "tenant__slug")
    fields = (
        "tenant", "authorization_page", "at", "by_name", "ip", "handed_over", "mode",
        "application", "asked", "granted", "shops_seen", "ended_at", "ended_why",
    )  # fmt: skip
    readonly_fields = ("authorization_page", "application", "asked", "granted", "shops_seen")

    @admin.display(description=gettext_lazy("authorization"))
    def authorization_page(self, row: Consent) -> str | SafeString:
        return page_link(row.authorization)

    @admin.display(description=gettext_lazy("application"))
    def application(self, row: Consent) -> str | SafeString:
        return page_link(row.app)

    @admin.display(description=gettext_lazy("scopes asked"))
    def asked(self, row: Consent) -> str | SafeString:
        return words(row.scopes_asked)

    @admin.display(description=gettext_lazy("scopes granted"))
    def granted(self, row: Consent) -> str | SafeString:
        if row.scopes_granted is None:
            return _("The platform does not say.")
        return words(row.scopes_granted)

    @admin.display(description=gettext_lazy("shops"))
    def shops_seen(self, row: Consent) -> str | SafeString:
        return table([_("Shop id"), _("Name"), _("Site")], row.shops)


@admin.register(LinkAttempt)
class LinkAttemptAdmin(DeskAdmin):
    """Without state, verifier and hand-over link: those prove who one is."""

    list_display = ("created_at", "__str__", "tenant", "step", "fault", "reason", "started_by")
    list_filter = (ChosenTenant, ChosenAuthorization, PlatformFilter, "step", "fault")
    list_select_related = ("tenant", "started_by")
    search_fields = ("account_name", "tenant__slug", "started_by__email")
    fields = (
        "tenant", "platform", "mode", "environment", "region", "site", "account_name",
        "display_name", "step", "fault", "reason", "fault_detail", "started_by", "on_behalf",
        "relinked", "opened", "shops_found", "unconfirmed", "handed_over", "handover_expires_at",
        "handover_used_at", "state_expires_at", "completed_ip", "created_at", "changed_at",
        "finished_at", "public_id",
    )  # fmt: skip
    readonly_fields = ("reason", "relinked", "opened", "shops_found", "public_id", "changed_at")

    @admin.display(description=gettext_lazy("reason"), ordering="fault_reason")
    def reason(self, row: LinkAttempt) -> str:
        return row.fault_reason or "-"

    @admin.display(description=gettext_lazy("links again"))
    def relinked(self, row: LinkAttempt) -> str | SafeString:
        return page_link(row.relinks)

    @admin.display(description=gettext_lazy("authorization"))
    def opened(self, row: LinkAttempt) -> str | SafeString:
        return page_link(row.authorization)

    @admin.display(description=gettext_lazy("shops found"))
    def shops_found(self, row: LinkAttempt) -> str | SafeString:
        shops = (row.found or {}).get("shops", [])
        return table(
            [_("Shop id"), _("Name"), _("Site"), _("Linked already")],
            [
                [s["external_id"], s["name"], s["site"] or "-", _("Yes") if s["taken"] else _("No")]
                for s in shops
            ],
        )
