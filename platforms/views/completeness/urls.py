from __future__ import annotations

from django.urls import path

from platforms.views.completeness import board, store

urlpatterns = [
    path("completeness/", board.completeness, name="completeness"),
    path("completeness/days.csv", board.completeness_csv, name="completeness_csv"),
    path(
        "stores/<uuid:public_id>/completeness/", store.store_completeness, name="store_completeness"
    ),
    path(
        "stores/<uuid:public_id>/completeness/days.csv",
        store.store_completeness_csv,
        name="store_completeness_csv",
    ),
    path(
        "stores/<uuid:public_id>/completeness/count/",
        store.store_completeness_count,
        name="store_completeness_count",
    ),
]
