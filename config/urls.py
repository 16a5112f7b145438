"""Where everything is reached."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path

from accounts.views import demo_mail

urlpatterns = [
    path("", include("platforms.urls")),
    path("", include("tenants.urls")),
    path("api/v1/", include("platforms.api_urls")),
    path("accounts/", include("allauth.urls")),
    path("account/", include("accounts.urls")),
    path("support/", admin.site.urls),
    path("demo/mail/", demo_mail, name="demo_mail"),
    path("demo/mail/<str:mail_id>/", demo_mail, name="demo_mail"),
]
