"""Stores, their health and their orders, for programs. The same rights as in the workspace."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import User
from platforms import health, orders_query, registry
from platforms.flows.note_reading import note_reading
from platforms.models import Order
from platforms.normalized import normalized
from platforms.orders_found import PAGE_SIZE, BadCursor
from platforms.orders_query import OrderFilterForm
from platforms.serializers import (
    HealthSerializer,
    OrderPageSerializer,
    OrderSerializer,
    StoreSerializer,
)
from platforms.spec import OrderStatus
from tenants.access import get_store, visible_stores
from tenants.api import ErrorSerializer, WorkspaceAPIView
from tenants.models import Duty, Store, StoreState, Tenant
from tenants.scope import TenantQuerySet

MOST_PER_PAGE = 200
_REFUSALS = {400: ErrorSerializer, 401: ErrorSerializer}

_FILTERS = [
    OpenApiParameter("platform", str, enum=list(registry.codes())),
    OpenApiParameter("store", str, description="Id or path of a store."),
    OpenApiParameter("status", str, enum=[status.value for status in OrderStatus]),
    OpenApiParameter(
        "from", str,
        description="Placed at or after: a day in the time zone of the token's member, or a "
        "moment with its offset.",
    ),
    OpenApiParameter(
        "to", str, description="Placed on or before this day, or before this moment."
    ),
    OpenApiParameter(
        "q", str, description="Beginning of the order number or of the buyer's name, or a SKU."
    ),
    OpenApiParameter("cursor", str, description="From `next` or `previous`."),
    OpenApiParameter("limit", OpenApiTypes.INT, description=f"1 to {MOST_PER_PAGE}, usually 50."),
]  # fmt: skip


class TenantAPIView(WorkspaceAPIView):
    """A view whose caller is a member of a tenant: the permissions have seen to it."""

    @property
    def tenant(self) -> Tenant:
        tenant = self.workspace.tenant
        assert tenant is not None
        return tenant

    @property
    def user(self) -> User:
        membership = self.workspace.membership
        assert membership is not None
        return membership.user

    def stores(self) -> TenantQuerySet[Store]:
        """Those this member may know of: managers all, others those they are bound to."""
        stores: TenantQuerySet[Store] = visible_stores(self.workspace)
        return stores.order_by("platform", "account_name", "site")

    @property
    def serializer_context(self) -> dict[str, Any]:
        return {"operated": set(self.workspace.store_ids(Duty.OPERATOR))}


class StoresView(TenantAPIView):
    @extend_schema(
        operation_id="stores_list", responses={200: StoreSerializer(many=True)} | _REFUSALS
    )
    def get(self, request: Request) -> Response:
        """The stores you manage or are bound to, unlinked ones included."""
        serializer = StoreSerializer(
            list(self.stores()), many=True, context=self.serializer_context
        )
        return Response(serializer.data)


class StoreView(TenantAPIView):
    @extend_schema(
        operation_id="stores_read",
        responses={200: StoreSerializer, 404: ErrorSerializer} | _REFUSALS,
    )
    def get(self, request: Request, public_id: UUID) -> Response:
        """One store. 404 also for stores that exist but are none of yours."""
        store = get_store(self.workspace, public_id)
        return Response(StoreSerializer(store, context=self.serializer_context).data)


class HealthView(TenantAPIView):
    @extend_schema(
        operation_id="health_list", responses={200: HealthSerializer(many=True)} | _REFUSALS
    )
    def get(self, request: Request) -> Response:
        """How each linked store you manage or are bound to is."""
        linked = self.stores().exclude(state=StoreState.UNLINKED)
        stores = list(linked.select_related("tenant", "authorization__app"))
        return Response([each.as_dict() for each in health.of_stores(stores, now=timezone.now())])


class OrdersView(TenantAPIView):
    @extend_schema(
        operation_id="orders_list",
        parameters=_FILTERS,
        responses={200: OrderPageSerializer} | _REFUSALS,
    )
    def get(self, request: Request) -> Response:
        """Orders of the stores you operate, newest first; follow `next` for older ones."""
        stores = orders_query.operated_stores(self.workspace)
        # A bare day means the day of the person behind the token, as on their screen.
        zone = ZoneInfo(self.user.time_zone)
        form = OrderFilterForm(request.query_params, stores=stores, zone=zone)
        if not form.is_valid():
            raise ValidationError(
                {name: [str(text) for text in texts] for name, texts in form.errors.items()}
            )
        found = orders_query.find_orders(form.filters, stores)
        try:
            page = found.page(
                cursor=request.query_params.get("cursor", ""),
                size=self._limit(request),
                shape=orders_query.with_lines,
            )
        except BadCursor:
            raise ValidationError(
                {"cursor": [_("This cursor is not one of ours. Start again without it.")]}
            ) from None
        self._give_stores(page.orders, stores)
        return Response(
            {
                "next": self._link(request, page.next),
                "previous": self._link(request, page.previous),
                "results": [_order(order) for order in page.orders],
            }
        )

    def _limit(self, request: Request) -> int:
        text = request.query_params.get("limit", "") or str(PAGE_SIZE)
        if not (text.isascii() and text.isdecimal() and 1 <= int(text[:9]) <= MOST_PER_PAGE):
            raise ValidationError(
                {"limit": [_("Write a number from 1 to %(most)s.") % {"most": MOST_PER_PAGE}]}
            )
        return int(text[:9])

    def _give_stores(self, orders: Sequence[Order], stores: Sequence[Store]) -> None:
        by_id = {store.pk: store for store in stores}
        for order in orders:
            order.store = by_id[order.store_id]
        read = {order.store_id: order.store for order in orders}
        note_reading(
            tenant=self.tenant, user=self.user, targets=list(read.values()), verb="orders.read",
            now=timezone.now(),
        )  # fmt: skip

    def _link(self, request: Request, cursor: str) -> str | None:
        if not cursor:
            return None
        query = request._request.GET.copy()
        query["cursor"] = cursor
        return request.build_absolute_uri(f"{request.path}?{query.urlencode()}")


class OrderView(TenantAPIView):
    @extend_schema(
        operation_id="orders_read",
        responses={200: OrderSerializer, 404: ErrorSerializer} | _REFUSALS,
    )
    def get(self, request: Request, public_id: UUID) -> Response:
        """One order. 404 also for orders of stores you do not operate."""
        order = orders_query.get_order(self.workspace, public_id)
        note_reading(
            tenant=self.tenant, user=self.user, targets=[order], verb="order.viewed",
            now=timezone.now(),
        )  # fmt: skip
        return Response(_order(order))


def _order(order: Order) -> dict[str, Any]:
    ours = {"id": str(order.public_id), "store_id": str(order.store.public_id)}
    return ours | dict(normalized(order))
