from __future__ import annotations

from django.urls import path

from platforms.views import orders, stores

urlpatterns = [
    path("", stores.home, name="home"),
    path("health/", stores.store_health, name="health"),
    path("orders/", orders.orders, name="orders"),
    path("orders/export/", orders.orders_export, name="orders_export"),
    path("orders/<uuid:public_id>/", orders.order, name="order"),
    path("stores/", stores.stores, name="stores"),
    path("stores/<uuid:public_id>/", stores.store, name="store"),
    path("stores/<uuid:public_id>/pull/", stores.pull_now, name="store_pull"),
    path("stores/<uuid:public_id>/pause/", stores.pause, name="store_pause"),
    path("stores/<uuid:public_id>/resume/", stores.resume, name="store_resume"),
    path("stores/<uuid:public_id>/unlink/", stores.unlink, name="store_unlink"),
    path("stores/<uuid:public_id>/back-fill/", stores.ask_back_fill, name="store_back_fill"),
    path("back-fills/<uuid:public_id>/", stores.back_fill_progress, name="back_fill"),
]
