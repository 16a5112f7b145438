from __future__ import annotations

from django.urls import path

from tenants import api

urlpatterns = [
    path("members/", api.MembersView.as_view(), name="api_members"),
    path("bindings/", api.BindingsView.as_view(), name="api_bindings"),
    path(
        "bindings/<uuid:store>/<uuid:member>/<str:duty>/",
        api.BindingView.as_view(),
        name="api_binding",
    ),
]
