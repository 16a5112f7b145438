"""Where everything is reached."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from accounts.views import demo_mail

urlpatterns = [
    path("", include("platforms.urls")),
    path("", include("tenants.urls")),
    path("api/v1/", include("platforms.api_urls")),
    path("accounts/", include("allauth.urls")),
    path("account/", include("accounts.urls")),
    # Support signs in as everybody does, second factor included, and changes passwords there too.
    path("support/password_change/", RedirectView.as_view(pattern_name="account_change_password")),
    path("support/", admin.site.urls),
    path("demo/mail/", demo_mail, name="demo_mail"),
    path("demo/mail/<str:mail_id>/", demo_mail, name="demo_mail"),
]
