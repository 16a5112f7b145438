from __future__ import annotations

from django.urls import path

from platforms.views.replays import pages

urlpatterns = [
    path("stores/<uuid:public_id>/replays/", pages.of_store, name="store_replays"),
    path("replays/<uuid:public_id>/progress/", pages.progress, name="replay_progress"),
    path("replays/<uuid:public_id>/stop/", pages.stop, name="replay_stop"),
]
