from __future__ import annotations

from django.urls import URLPattern, path

from platforms.views.retention import holds, pages

urlpatterns: list[URLPattern] = [
    path("retention/", pages.retention, name="retention"),
    path("retention/report/", pages.report, name="retention_report"),
    path("retention/holds/add/", holds.place, name="hold_place"),
    path("retention/holds/<uuid:public_id>/release/", holds.release, name="hold_release"),
    path("retention/rules/<str:platform>/", pages.rule, name="retention_rule"),
]
