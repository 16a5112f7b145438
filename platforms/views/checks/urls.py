from __future__ import annotations

from django.urls import path

from platforms.views.checks import centre, one

urlpatterns = [
    path("checks/", centre.centre, name="checks"),
    path("stores/<uuid:public_id>/checks/", centre.of_store, name="store_checks"),
    path("checks/<uuid:public_id>/", one.check, name="check"),
    path("checks/<uuid:public_id>/progress/", one.progress, name="check_progress"),
    path("checks/<uuid:public_id>/stop/", one.stop, name="check_stop"),
    path("checks/<uuid:public_id>/report.pdf", one.report_pdf, name="check_pdf"),
    path("checks/<uuid:public_id>/report.csv", one.report_csv, name="check_csv"),
]
