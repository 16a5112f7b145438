from __future__ import annotations

from django.urls import path

from platforms.views.order_finder import finder

urlpatterns = [
    path("orders/find/", finder.find, name="find_order"),
    path("stores/<uuid:public_id>/find-order/", finder.fix, name="store_order_fix"),
]
