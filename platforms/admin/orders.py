"""Orders, to look at. Whoever opens one is in the tenant's trail: it holds a buyer's data."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.functional import cached_property
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from platforms import landing, masking
from platforms.admin.filters import ChosenStore
from platforms.models import Order, OrderRaw
from tenants.models import Store, Tenant
from tenants.support import (
    Button,
    CappedPaginator,
    ChosenTenant,
    DeskAdmin,
    note,
    page_link,
    table,
)


class WalkedPaginator(CappedPaginator):
    """Counts in the order of the list, by the same index: without one the planner may read
    through the orders of every company."""

    @cached_property
    def count(self) -> int:
        rows = self.object_list
        assert isinstance(rows, QuerySet)
        return rows.values("pk")[: self.MOST].count()


@admin.register(Order)
class OrderAdmin(DeskAdmin):
    """Walked by primary key, or inside one tenant or store by the time of the order, both by
    index. Not by platform: no index has all orders of one."""

    list_display = ("number", "tenant", "where", "status", "placed_at", "amount")
    list_filter = (ChosenTenant, ChosenStore)
    paginator = WalkedPaginator
    list_select_related = ()  # joined, the planner sorts all orders to show fifty
    search_fields = ("number",)
    search_help_text = gettext_lazy("A whole order number.")
    sortable_by = ()
    fieldsets = (
        (
            None,
            {
                "fields": (
                    "number", "group_number", "tenant", "store_page", "platform", "status",
                    "platform_status", "fulfilment", "placed_at", "paid_at", "changed_at",
                )
            },
        ),
        (
            gettext_lazy("Amounts"),
            {"fields": ("currency", "total", "items_total", "shipping", "tax", "discount")},
        ),
        (gettext_lazy("Lines"), {"fields": ("lines",)}),
        (
            gettext_lazy("Buyer and address"),
            {
                "fields": (
                    "buyer_name", "buyer_email", "buyer_id", "ship_name", "ship_phone",
                    "ship_line1", "ship_line2", "ship_city", "ship_region", "ship_postcode",
                    "ship_country",
                )
            },
        ),
        (
            gettext_lazy("Facts"),
            {"fields": ("public_id", "raw_sha256", "first_seen_at", "landed_at")},
        ),
    )  # fmt: skip
    readonly_fields = ("store_page", "lines", "public_id")
    buttons = (
        Button(
            name="raw",
            label=gettext_lazy("Show as received"),
            permission="platforms.view_orderraw",
        ),
    )

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        by_time = request.GET.get("tenant") or request.GET.get("store")
        return ("-placed_at", "-pk") if by_time else ("-pk",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Order]:
        orders = super().get_queryset(request).prefetch_related("store", "tenant")
        store = request.GET.get("store", "")
        if store.isdecimal() and not request.GET.get("tenant"):
            # The index of a store's orders begins with the tenant.
            owner = Store.objects.filter(pk=store).values_list("tenant_id", flat=True).first()
            orders = orders.filter(tenant_id=owner)
        return orders

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Order], search_term: str
    ) -> tuple[QuerySet[Order], bool]:
        number = search_term.strip()
        if number and not request.GET.get("tenant"):
            # The index begins with the tenant, so it is asked tenant by tenant.
            queryset = queryset.filter(tenant__in=Tenant.objects.values("pk"))
        return (queryset.filter(number=number) if number else queryset), False

    @admin.display(description=gettext_lazy("store"))
    def where(self, order: Order) -> str:
        return f"{order.store} ({order.platform})"

    @admin.display(description=gettext_lazy("total"))
    def amount(self, order: Order) -> str:
        return "-" if order.total is None else f"{order.total} {order.currency}"

    @admin.display(description=gettext_lazy("store"))
    def store_page(self, order: Order) -> str | SafeString:
        return page_link(order.store)

    @admin.display(description=gettext_lazy("lines"))
    def lines(self, order: Order) -> str | SafeString:
        return table(
            [
                _("Line"), _("SKU"), _("Goods"), _("Quantity"), _("Unit price"), _("Total"),
                _("Status at the platform"),
            ],
            [
                [
                    line.number,
                    line.sku or "-",
                    line.title,
                    line.quantity,
                    "-" if line.unit_price is None else f"{line.unit_price} {line.currency}",
                    "-" if line.total is None else f"{line.total} {line.currency}",
                    line.platform_status or "-",
                ]
                for line in order.lines.order_by("position")[:500]
            ],
        )  # fmt: skip

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        response = super().change_view(request, object_id, form_url, extra_context)
        order = self.get_object(request, object_id) if response.status_code == 200 else None
        if order is not None:
            note(request, "order.viewed", tenant=order.tenant, target=order)
        return response

    def do_raw(self, request: HttpRequest, order: Order) -> HttpResponse:
        note(request, "order.raw_viewed", tenant=order.tenant, target=order)
        kept = OrderRaw.objects.filter(order=order).first()
        context = self.page_context(request, order, _("As received")) | {
            "text": masking.pretty(landing.decompress(kept.body)) if kept else "",
            "is_masked": False,
            "expires_at": kept.expires_at if kept else None,
        }
        return TemplateResponse(request, "admin/support/raw.html", context)
