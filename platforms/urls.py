from __future__ import annotations

from django.urls import path

from platforms.views import (
    callback,
    hand_over,
    link,
    link_attempt,
    link_done,
    link_from_there,
    orders,
    stores,
)
from platforms.views import push as push_view

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
    path("stores/<uuid:public_id>/relink/", link.relink, name="relink"),
    path("link/", link.start, name="link_start"),
    path("link/support/end/", link.support_end, name="link_support_end"),
    path("link/start/<str:platform>/", link_from_there.from_platform, name="link_from_platform"),
    path("link/claim/<str:platform>/", link_from_there.claim, name="link_claim"),
    path("link/callback/<str:platform>/", callback.callback, name="callback"),
    path("link/declined/<str:platform>/", callback.declined, name="declined"),
    path("link/attempts/<uuid:public_id>/", link_attempt.attempt, name="link_attempt"),
    path("link/attempts/<uuid:public_id>/go/", link_attempt.go, name="link_go"),
    path("link/attempts/<uuid:public_id>/address/", link_attempt.address, name="link_address"),
    path("link/attempts/<uuid:public_id>/paste/", link_attempt.paste, name="link_paste"),
    path("link/attempts/<uuid:public_id>/keys/", link_attempt.keys, name="link_keys"),
    path("link/attempts/<uuid:public_id>/prepare/", link_attempt.prepare, name="link_prepare"),
    path("link/attempts/<uuid:public_id>/confirm/", link_attempt.confirm, name="link_confirm"),
    path("link/attempts/<uuid:public_id>/again/", link_attempt.again, name="link_again"),
    path("link/attempts/<uuid:public_id>/cancel/", link_attempt.cancel, name="link_cancel"),
    path(
        "link/attempts/<uuid:public_id>/watch/<slug:since>/", link_attempt.watch, name="link_watch"
    ),
    path("link/attempts/<uuid:public_id>/hand-over/", hand_over.make, name="hand_over_make"),
    path(
        "link/attempts/<uuid:public_id>/hand-over/revoke/",
        hand_over.revoke,
        name="hand_over_revoke",
    ),
    path("link/attempts/<uuid:public_id>/done/", link_done.done, name="link_done"),
    path("link/attempts/<uuid:public_id>/progress/", link_done.progress, name="link_progress"),
    path("link/attempts/<uuid:public_id>/access/", link_done.access, name="link_access"),
    path("link/<str:platform>/", link.choose_mode, name="link_mode"),
    path("link/<str:platform>/<str:mode>/", link.name, name="link_name"),
    path("link/<str:platform>/<str:mode>/suggest/", link.suggest, name="link_suggest"),
    path("push/<str:platform>/<uuid:public_id>/<str:mark>/", push_view.push, name="push"),
    path("h/", hand_over.page, name="hand_over_page"),
    path("h/go/", hand_over.go, name="hand_over_go"),
    path("h/paste/", hand_over.paste, name="hand_over_paste"),
    path("h/<str:token>/", hand_over.open_link, name="hand_over"),
]
