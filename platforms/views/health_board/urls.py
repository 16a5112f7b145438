from __future__ import annotations

from django.urls import path

from platforms.views.health_board import board, store

urlpatterns = [
    path("health/", board.health_page, name="health"),
    path("stores/<uuid:public_id>/health/", store.store_health, name="store_health"),
    path("stores/<uuid:public_id>/timeline/", store.store_timeline, name="store_timeline"),
    path("stores/<uuid:public_id>/release/", store.store_release, name="store_release"),
]
