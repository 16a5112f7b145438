from __future__ import annotations

from django.urls import URLPattern, path

from platforms.views.expiries import feed, pages

urlpatterns: list[URLPattern] = [
    path("expiries/", pages.expiry_calendar, name="expiries"),
    path("expiries/feed/", pages.make_calendar_feed, name="calendar_feed_make"),
    path("expiries/feed/end/", pages.end_calendar_feed, name="calendar_feed_end"),
    path("expiries/apps/<uuid:public_id>/", pages.secret_until, name="secret_until"),
    path("calendar/<str:token>.ics", feed.calendar_file, name="calendar_file"),
]
