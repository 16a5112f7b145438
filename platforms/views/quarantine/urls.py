from __future__ import annotations

from django.urls import path

from platforms.views.quarantine import acts, pages

urlpatterns = [
    path("quarantine/", pages.overview, name="quarantine"),
    path("quarantine/records/", pages.records, name="quarantine_records"),
    path("quarantine/read-again/", acts.release, name="quarantine_release"),
    path("quarantine/put-aside/", acts.dismiss, name="quarantine_dismiss"),
    path("quarantine/put-back/", acts.put_back, name="quarantine_put_back"),
    path("quarantine/<uuid:public_id>/", pages.record, name="quarantine_record"),
]
