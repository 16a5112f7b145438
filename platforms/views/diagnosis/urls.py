from __future__ import annotations

from django.urls import path

from platforms.views.diagnosis import attempts, stores

urlpatterns = [
    path("stores/<uuid:public_id>/diagnosis/", stores.diagnosis, name="store_diagnosis"),
    path(
        "stores/<uuid:public_id>/diagnosis/bundle/",
        stores.bundle,
        name="store_diagnosis_bundle",
    ),
    path("link/attempts/<uuid:public_id>/check/", attempts.check, name="link_check"),
]
