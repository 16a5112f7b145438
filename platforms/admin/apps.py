"""Developer applications at marketplaces. Their secrets go in and never come out."""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from platforms import credentials, registry
from platforms.adapter import Adapter, clean_value
from platforms.admin.app_secrets import DatedSecrets, SecretDay, keep_day
from platforms.admin.conditions import APPS, by_condition
from platforms.admin.filters import PlatformFilter
from platforms.flows.prepare_link import callback_address
from platforms.models import App
from platforms.push_addresses import address_of
from platforms.spec import Environment, Field
from tenants.support import CappedPaginator, ChosenTenant
from tenants.support_labels import name_columns

ENVIRONMENTS = (
    (Environment.PRODUCTION.value, gettext_lazy("Production")),
    (Environment.SANDBOX.value, gettext_lazy("Sandbox")),
)
EXTRA = "extra_"


class AppForm(SecretDay, forms.ModelForm[App]):
    """The form of one platform: its `app_fields` become fields, kept in `App.extra`."""

    platform_code = ""  # set by form_for

    environment = forms.ChoiceField(label=gettext_lazy("Environment"), choices=ENVIRONMENTS)
    region = forms.ChoiceField(
        label=gettext_lazy("Region"),
        required=False,
        help_text=gettext_lazy(
            "Only where the marketplace has a portal of its own for a region: then each has its"
            " own application."
        ),
    )
    secret = forms.CharField(
        label=gettext_lazy("Secret"),
        required=False,
        max_length=2000,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password", "class": "vTextField"}),
    )

    class Meta:
        model = App
        fields = ("name", "environment", "region", "client_id", "secret", "redirect_uri", "active")
        widgets = {
            name: forms.TextInput(attrs={"class": "vTextField"})
            for name in ("name", "client_id", "redirect_uri")
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.adapter: Adapter = registry.get(self.platform_code)
        regions = [(code, name) for code, name in self.adapter.regions]
        self.fields["region"].choices = [("", _("All regions")), *regions]  # type: ignore[attr-defined]
        self.fields["secret"].required = not self.instance.pk
        self.fields["secret"].help_text = self._about_secret()
        self.fields["redirect_uri"].help_text = _(
            "Register this address there: %(address)s. Write here what the marketplace wants"
            " to be told: the address itself, or the name it was given there (eBay's RuName)."
        ) % {"address": callback_address(self.platform_code)}
        for field in self.adapter.app_fields:
            if EXTRA + field.name in self.fields:
                self.fields[EXTRA + field.name].initial = (self.instance.extra or {}).get(
                    field.name
                )
        if not self.instance.pk:
            self.fields["redirect_uri"].initial = callback_address(self.platform_code)

    def _about_secret(self) -> str:
        if not self.instance.pk:
            return _("It is sealed at once; nobody can read it back here.")
        return _("Stored, ends in %(hint)s. Leave this empty to keep it.") % {
            "hint": f"…{self.instance.secret_hint}" if self.instance.secret_hint else "…"
        }

    def clean_client_id(self) -> str:
        return clean_value(self.cleaned_data["client_id"])[0]

    def clean_secret(self) -> str:
        secret = clean_value(self.cleaned_data["secret"])[0]
        if not secret and not self.instance.pk:
            raise ValidationError(_("A new application needs its secret."))
        return secret

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        for field in self.adapter.app_fields:
            value = clean_value(data.get(EXTRA + field.name) or "")[0]
            if value and field.pattern and not re.fullmatch(field.pattern, value):
                self.add_error(EXTRA + field.name, _wrong(field))
            data[EXTRA + field.name] = value
        if data.get("active") and self._another(
            data.get("environment", ""), data.get("region") or ""
        ):
            self.add_error(
                "active",
                _(
                    "There is an active application for this platform and environment already."
                    " Take “active” from that one first."
                ),
            )
        return data

    def _another(self, environment: str, region: str) -> bool:
        rows = App.objects.filter(
            platform=self.platform_code,
            environment=environment,
            region=region,
            active=True,
            tenant=self.instance.tenant,
        )
        return rows.exclude(pk=self.instance.pk).exists()

    def save(self, commit: bool = True) -> App:
        app = self.instance
        app.platform = app.platform or self.platform_code
        names = [field.name for field in self.adapter.app_fields]
        typed = {name: self.cleaned_data[EXTRA + name] for name in names}
        app.extra = {k: v for k, v in (app.extra or {}).items() if k not in names}
        app.extra |= {name: value for name, value in typed.items() if value}
        if self.cleaned_data["secret"]:
            credentials.seal_app_secret(app, self.cleaned_data["secret"])
        keep_day(app, self.cleaned_data["secret_until"])
        return super().save(commit)


def form_for(adapter: Adapter) -> type[AppForm]:
    """AppForm with the platform's own fields."""
    extra = {EXTRA + field.name: _form_field(field) for field in adapter.app_fields}
    return type("AppForm", (AppForm,), {"platform_code": adapter.code, **extra})


def _form_field(field: Field) -> forms.Field:
    hints = [str(text) for text in (field.help, field.where) if text]
    if field.choices:
        return forms.ChoiceField(
            label=field.label,
            choices=field.choices,
            required=field.required,
            help_text=" ".join(hints),
        )
    return forms.CharField(
        label=field.label,
        required=field.required,
        max_length=300,
        help_text=" ".join(hints),
        widget=forms.TextInput(
            attrs={"class": "vTextField", "placeholder": field.placeholder or ""}
        ),
    )


def _wrong(field: Field) -> str:
    return _("This does not look like a %(field)s. Copy it again from: %(where)s.") % {
        "field": field.label,
        "where": field.where or "-",
    }


@admin.register(App)
class AppAdmin(DatedSecrets):
    """The one form of the desk: without an application nobody can consent."""

    list_display = (
        "name", "platform", "environment", "region", "tenant", "client_id", "ends_in",
        "secret_expires_at", "active",
    )  # fmt: skip
    list_filter = (
        PlatformFilter, "environment", "active", ChosenTenant,
        by_condition(APPS, "ends", gettext_lazy("secret ends")),
    )  # fmt: skip
    list_select_related = ("tenant",)
    search_fields = ("name", "client_id", "tenant__slug")
    ordering = ("platform", "environment", "pk")
    paginator = CappedPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    readonly_fields = (
        "platform", "tenant", "ends_in", "redirect_to", "push_to", "public_id", "created_at",
    )  # fmt: skip

    def __init__(self, model: type[App], admin_site: admin.AdminSite) -> None:
        super().__init__(model, admin_site)
        name_columns(model)

    @admin.display(description=gettext_lazy("secret ends in"))
    def ends_in(self, app: App) -> str:
        return f"…{app.secret_hint}" if app.secret_hint else "…"

    @admin.display(description=gettext_lazy("sellers come back to"))
    def redirect_to(self, app: App) -> str:
        return callback_address(app.platform)

    @admin.display(description=gettext_lazy("pushes for the whole application go to"))
    def push_to(self, app: App) -> str:
        """What is entered in the application's own settings, e.g. for Shopify's privacy topics."""
        known = app.platform in registry.codes()
        return address_of(app) if known and registry.get(app.platform).webhooks else "–"

    def get_form(
        self, request: HttpRequest, obj: App | None = None, change: bool = False, **kwargs: Any
    ) -> type[forms.ModelForm[App]]:
        """Where nothing may be typed, stock admin's own form without any of our fields."""
        if not self._may_type(request, obj):
            return super().get_form(request, obj, change=change, **(kwargs | {"fields": ()}))
        code = obj.platform if obj else request.GET.get("platform", "")
        return form_for(registry.get(code))

    def get_fieldsets(self, request: HttpRequest, obj: App | None = None) -> Any:
        facts = self.readonly_fields
        if not self._may_type(request, obj):
            stored = (
                "name", "environment", "region", "client_id", "secret_expires_at", "redirect_uri",
                "active",
            )  # fmt: skip
            return [(None, {"fields": stored}), (_("Facts"), {"fields": facts})]
        code = obj.platform if obj else request.GET.get("platform", "")
        adapter = registry.get(code)
        typed = ["name", "environment"]
        typed += ["region"] if adapter.regions else []
        typed += ["client_id", "secret", "secret_until"]
        typed += [EXTRA + field.name for field in adapter.app_fields]
        own = [(adapter.name, {"fields": [*typed, "redirect_uri", "active"]})]
        return [*own, (_("Facts"), {"fields": facts})] if obj else own

    def _may_type(self, request: HttpRequest, obj: App | None) -> bool:
        if obj is None:
            return self.has_add_permission(request)
        # A platform that was taken out of the registry leaves rows behind.
        return self.has_change_permission(request, obj) and obj.platform in registry.codes()

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """First choose the platform: it decides what the form asks for."""
        if request.GET.get("platform", "") in registry.codes() or not self.has_add_permission(
            request
        ):
            return super().add_view(request, form_url, extra_context)
        context = self.admin_site.each_context(request) | {
            "opts": self.opts,
            "title": _("Which marketplace is the application for?"),
            "adapters": [each for each in registry.all_adapters() if each.needs_app],
            "back_url": "",
        }
        return TemplateResponse(request, "admin/support/choose_platform.html", context)
