from __future__ import annotations

from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView

from platforms import api, api_quarantine
from platforms.views.api_docs import api_docs


class SchemaView(SpectacularAPIView):
    """The OpenAPI description; it tells nothing about anybody, so it needs no token."""

    access = "public"


urlpatterns = [
    path("", include("tenants.api_urls")),
    path("stores/", api.StoresView.as_view(), name="api_stores"),
    path("stores/<uuid:public_id>/", api.StoreView.as_view(), name="api_store"),
    path("health/", api.HealthView.as_view(), name="api_health"),
    path("orders/", api.OrdersView.as_view(), name="api_orders"),
    path("orders/<uuid:public_id>/", api.OrderView.as_view(), name="api_order"),
    path("quarantine/", api_quarantine.QuarantineView.as_view(), name="api_quarantine"),
    path("schema/", SchemaView.as_view(), name="api_schema"),
    path("docs/", api_docs, name="api_docs"),
]
