"""The orders of the stores one operates: list, detail and export."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from uuid import UUID

from django.http import HttpResponse, QueryDict, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from platforms import orders_csv, orders_query, registry
from platforms.flows.note_reading import note_reading
from platforms.models import STATUS_LABELS, Order
from platforms.orders_found import COUNT_CAP, BadCursor, FoundOrders, OrderPage
from platforms.orders_query import OrderFilterForm, reader_zone
from platforms.views.headers import as_file
from tenants.access import WorkspaceRequest, member_required
from tenants.flows.record_event import record_event
from tenants.models import Store, Tenant
from tenants.scope import TenantQuerySet, tenant_scope

EXPORT_BATCH = 500


@require_safe
@member_required
def orders(request: WorkspaceRequest) -> HttpResponse:
    """What the filters in the address find, newest first; the table alone for htmx."""
    stores = orders_query.operated_stores(request.workspace)
    if not stores:
        return _nothing_to_read(request)
    form = OrderFilterForm(request.GET, stores=stores, zone=reader_zone())
    context: dict[str, object] = {
        "form": form,
        "zone": reader_zone().key,
        "stores": stores,
        "platforms": [registry.get(code) for code in dict.fromkeys(s.platform for s in stores)],
        "statuses": STATUS_LABELS.items(),
        "query": _query(request.GET),
    }
    status = 200
    if form.is_valid():
        found = orders_query.find_orders(form.filters, stores)
        try:
            page = _page(found, request.GET.get("at", ""), stores)
        except BadCursor:
            # An address cut short on its way: what it filtered by still holds.
            return redirect(_list_url(request.GET))
        context |= _shown(request, page) | {
            "count": found.count(),
            "cap": COUNT_CAP,
            "filtered": not form.filters.is_empty,
        }
    else:
        status = 400
    # htmx takes a page of status 400 for a failure and shows nothing.
    only_table = request.htmx and not request.htmx.history_restore_request  # type: ignore[attr-defined]
    template = "platforms/orders/_results.html" if only_table else "platforms/orders/list.html"
    response = render(request, template, context, status=200 if only_table else status)
    if only_table:
        address = _list_url(request.GET)
        # Leaving the search field asks for the same once more: that is no step to go back to.
        is_new = address != request.htmx.current_url_abs_path  # type: ignore[attr-defined]
        response["HX-Push-Url"] = address if is_new else "false"
    patch_vary_headers(response, ["HX-Request"])
    return response


def _nothing_to_read(request: WorkspaceRequest) -> HttpResponse:
    """No binding as operator: say who can help, or how to begin."""
    return render(
        request, "platforms/orders/none.html", {"any_store": Store.objects.linked().exists()}
    )


def _page(found: FoundOrders, cursor: str, stores: Sequence[Store]) -> OrderPage:
    page = found.page(cursor=cursor, shape=orders_query.with_summary)
    by_id = {store.pk: store for store in stores}
    for order in page.orders:
        order.store = by_id[order.store_id]  # they are all here already: no join, no query
    return page


def _shown(request: WorkspaceRequest, page: OrderPage) -> dict[str, object]:
    return {
        "orders": page.orders,
        "reached": page.reached,
        "previous_url": _list_url(request.GET, at=page.previous) if page.previous else "",
        "next_url": _list_url(request.GET, at=page.next) if page.next else "",
    }


def _query(params: QueryDict, **extra: str) -> str:
    """The filters that are set, for an address; not the place in the list."""
    query = QueryDict(mutable=True)
    for name in ("platform", "store", "status", "from", "to", "q"):
        if value := params.get(name, "").strip():
            query[name] = value
    query.update(extra)
    return query.urlencode()


def _list_url(params: QueryDict, **extra: str) -> str:
    query = _query(params, **extra)
    return reverse("orders") + (f"?{query}" if query else "")


@require_safe
@member_required
def order(request: WorkspaceRequest, public_id: UUID) -> HttpResponse:
    """One order. Opening it leaves an event once per person and day."""
    row = orders_query.get_order(request.workspace, public_id)
    note_reading(
        tenant=request.tenant, user=request.user, targets=[row], verb="order.viewed",
        now=timezone.now(),
    )  # fmt: skip
    return render(
        request,
        "platforms/orders/detail.html",
        {
            "order": row,
            "lines": row.lines.order_by("position"),
            "address": _address_lines(row),
            "zone": reader_zone().key,
            # Said only where it is another one than the reader's.
            "store_zone": row.store.zone if row.store.zone != reader_zone() else None,
            "same_group": _same_group(row),
        },
    )


def _address_lines(row: Order) -> list[str]:
    town = " ".join(filter(None, (row.ship_city, row.ship_region, row.ship_postcode)))
    lines = (row.ship_name, row.ship_line1, row.ship_line2, town, row.ship_country)
    return [line for line in lines if line]


def _same_group(row: Order) -> TenantQuerySet[Order] | None:
    """Other packages of what the buyer ordered at once."""
    if not row.group_number:
        return None
    others = Order.objects.filter(store_id=row.store_id, group_number=row.group_number)
    near: TenantQuerySet[Order] = others.exclude(pk=row.pk).order_by("-placed_at", "-id")[:20]
    return near


@require_safe
@member_required  # type: ignore[arg-type]  # a streamed answer is no HttpResponse
def orders_export(request: WorkspaceRequest) -> HttpResponse | StreamingHttpResponse:
    """What the filters find as CSV, one row per line, streamed."""
    stores = orders_query.operated_stores(request.workspace)
    form = OrderFilterForm(request.GET, stores=stores, zone=reader_zone())
    if not stores or not form.is_valid():
        return redirect(_list_url(request.GET))
    filters = form.filters
    now = timezone.now()
    record_event(
        tenant=request.tenant, verb="orders.exported", actor=request.user, now=now,
        detail=filters.for_trail() | {"stores": len(stores)},
    )  # fmt: skip
    columns = orders_csv.columns_for(reader_zone())
    found = orders_query.find_orders(filters, stores)
    response = StreamingHttpResponse(
        _csv(found, stores, columns, request.tenant), content_type="text/csv; charset=utf-8"
    )
    day = timezone.localtime(now).strftime("%Y-%m-%d")
    name = _("orders-%(day)s.csv") % {"day": day}
    return as_file(response, name)


def _csv(
    found: FoundOrders,
    stores: Sequence[Store],
    columns: Sequence[orders_csv.Column],
    tenant: Tenant,
) -> Iterator[str]:
    """The file in pieces. The request's tenant scope is gone when these are asked for, and no
    transaction is held open between two of them."""
    by_id = {store.pk: store for store in stores}
    yield orders_csv.BOM + orders_csv.write_rows([[heading for heading, _value in columns]])
    cursor = ""
    while True:
        with tenant_scope(tenant):
            page = found.page(cursor=cursor, size=EXPORT_BATCH, shape=orders_query.with_lines)
            rows: list[list[orders_csv.Cell]] = []
            for each in page.orders:
                each.store = by_id[each.store_id]
                rows.extend(orders_csv.rows_for(each, columns))
            text = orders_csv.write_rows(rows)
        yield text
        cursor = page.next
        if not cursor:
            return
