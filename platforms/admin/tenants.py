"""Tenants, with what they have at marketplaces."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from platforms.admin.store_actions import ACT
from platforms.admin.wizard import open_wizard
from platforms.flows.support import delete_tenant
from platforms.models import Authorization
from tenants.admin import TenantAdmin
from tenants.models import Membership, Store, Tenant
from tenants.support import Button, links, list_address


@admin.register(Tenant)
class TenantWithStoresAdmin(TenantAdmin):
    fields = (*TenantAdmin.fields, "at_platforms")
    readonly_fields = (*TenantAdmin.readonly_fields, "at_platforms")
    buttons = (
        Button(
            name="link_store",
            label=gettext_lazy("Link a new store for this tenant"),
            permission=ACT,
        ),
        *TenantAdmin.buttons,
    )

    @admin.display(description=gettext_lazy("at marketplaces"))
    def at_platforms(self, tenant: Tenant) -> SafeString:
        here = {"tenant": tenant.pk}
        return links(
            [
                (list_address("tenants_store", **here), _("Stores")),
                (list_address("platforms_authorization", **here), _("Authorizations")),
                (list_address("platforms_consent", **here), _("Consents")),
                (list_address("platforms_linkattempt", **here), _("Link attempts")),
                (list_address("platforms_stream", **here), _("Streams")),
                (list_address("platforms_pullrun", **here), _("Pulls")),
                (list_address("platforms_quarantined", **here), _("Quarantine")),
                (list_address("platforms_order", **here), _("Orders")),
                (list_address("platforms_trouble", **here), _("Troubles")),
                (list_address("platforms_timelineentry", **here), _("Timeline")),
                (list_address("platforms_notice", **here), _("Notices")),
                (list_address("platforms_sending", **here), _("Sendings")),
                (list_address("platforms_chatrobot", **here), _("Chat robots")),
                (list_address("platforms_diagnosis", **here), _("Diagnoses")),
                (list_address("platforms_datacheck", **here), _("Data checks")),
                (
                    list_address("platforms_authorization", **here, standing="ends"),
                    _("Permissions that end soon"),
                ),
            ]
        )

    def do_link_store(self, request: HttpRequest, tenant: Tenant) -> HttpResponse:
        return open_wizard(request, tenant=tenant)

    # --- deleting: for superusers, one at a time

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return obj is not None and bool(request.user.is_superuser)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Counts: listing every row would read all there is, and show order numbers."""
        [tenant] = objs
        stores = Store.objects.filter(tenant=tenant).count()
        grants = Authorization.objects.filter(tenant=tenant).count()
        people = Membership.objects.current().filter(tenant=tenant).count()
        lost = [
            _("The key of this tenant's credentials; they can never be opened again."),
            ngettext("%(n)s store with its orders", "%(n)s stores with their orders", stores)
            % {"n": stores},
            ngettext("%(n)s authorization", "%(n)s authorizations", grants) % {"n": grants},
            ngettext("%(n)s member's access", "%(n)s members' access", people) % {"n": people},
            _("The audit trail."),
        ]
        return [str(tenant), lost], {}, set(), []

    def delete_model(self, request: HttpRequest, obj: Tenant) -> None:
        delete_tenant(tenant=obj, user=request.user)  # type: ignore[arg-type]
