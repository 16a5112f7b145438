"""Until when an application's secret works: a day that somebody reads off the marketplace's
portal. Support writes it down for our own applications; tenants do so for theirs."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from platforms.admin.store_actions import ACT
from platforms.expiries import DAYS
from platforms.models import App
from tenants.support import Button, button_address, page_address

BUTTON = Button(
    name="secret_until", label=gettext_lazy("Write until when the secret works"),
    permission=ACT, posts=False,
)  # fmt: skip


class SecretDay(forms.Form):
    secret_until = forms.DateField(
        label=gettext_lazy("The secret works until"),
        required=False,
        validators=DAYS,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text=gettext_lazy(
            "As the marketplace's portal states it, in your time zone. Leave it empty where no day"
            " is stated. Write the new day whenever the secret is changed."
        ),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        app = getattr(self, "instance", None)
        if app is not None:
            self.fields["secret_until"].initial = day_of(app)


def day_of(app: App) -> date | None:
    at = app.secret_expires_at
    return timezone.localtime(at).date() if at else None


def keep_day(app: App, day: date | None) -> bool:
    """Set the moment on `app` unless it is of this day already; whether it changed."""
    if day == day_of(app):
        return False
    midnight = datetime(day.year, day.month, day.day) if day else None
    app.secret_expires_at = timezone.make_aware(midnight) if midnight else None
    return True


class DatedSecrets(admin.ModelAdmin):
    """The page of an application with the button for its day."""

    change_form_template = "admin/support/form.html"

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.secret_until_view)
        own = path(
            "<path:object_id>/secret_until/", view, name="platforms_app_secret_until"
        )  # fmt: skip
        return [own, *super().get_urls()]

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        app = self.get_object(request, unquote(object_id))
        shown = []
        if app is not None and _may_date(request, app):
            shown = [{"button": BUTTON, "url": button_address(app, BUTTON.name)}]
        context = {"desk_buttons": shown} | (extra_context or {})
        return super().change_view(request, object_id, form_url, context)

    def secret_until_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        app = self.get_object(request, unquote(object_id))
        if app is None or not self.has_view_permission(request, app):
            raise Http404
        if not _may_date(request, app):
            raise PermissionDenied
        form = SecretDay(request.POST or None, initial={"secret_until": day_of(app)})
        if request.method == "POST" and form.is_valid():
            if keep_day(app, form.cleaned_data["secret_until"]):
                app.save(update_fields=["secret_expires_at"])
                self.log_change(request, app, [{"changed": {"fields": ["secret_expires_at"]}}])
            messages.success(request, _("The day is saved."))
            return redirect(page_address(app))
        context = self.admin_site.each_context(request) | {
            "opts": self.opts,
            "original": app,
            "title": BUTTON.label,
            "back_url": page_address(app),
            "form": form,
        }
        return TemplateResponse(request, "admin/support/secret_until.html", context)


def _may_date(request: HttpRequest, app: App) -> bool:
    """Ours only: until when a tenant's own secret works, the tenant knows."""
    return app.tenant_id is None and request.user.has_perm(BUTTON.permission)
