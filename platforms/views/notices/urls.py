from __future__ import annotations

from django.urls import URLPattern, path

from platforms.views.notices import centre, choices, robots

urlpatterns: list[URLPattern] = [
    path("notices/", centre.notices, name="notices"),
    path("notices/bell/", centre.bell, name="notices_bell"),
    path("notices/read/", centre.read_all, name="notices_read_all"),
    path("notices/settings/", choices.notice_settings, name="notice_settings"),
    path("notices/<uuid:public_id>/go/", centre.go, name="notice_go"),
    path("notices/<uuid:public_id>/read/", centre.read, name="notice_read"),
    path("robots/", robots.robots, name="robots"),
    path("robots/add/", robots.choose, name="robot_choose"),
    path("robots/add/<slug:kind>/", robots.add, name="robot_add"),
    path("robots/<uuid:public_id>/", robots.edit, name="robot"),
    path("robots/<uuid:public_id>/try/", robots.try_out, name="robot_try"),
    path("robots/<uuid:public_id>/switch/", robots.switch, name="robot_switch"),
    path("robots/<uuid:public_id>/remove/", robots.remove, name="robot_remove"),
]
