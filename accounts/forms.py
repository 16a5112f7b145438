from __future__ import annotations

import zoneinfo
from datetime import UTC, datetime
from typing import Any

from allauth.account.forms import SignupForm as AllauthSignupForm
from allauth.core import context
from django import forms
from django.conf import settings
from django.http import HttpRequest
from django.utils import translation
from django.utils.translation import gettext_lazy as _

from accounts.models import User

DEFAULT_TIME_ZONE = "Asia/Shanghai"
# Where the page of an invitation leaves its token; whoever has one joins that company.
INVITATION_SESSION_KEY = "invitation"


def time_zone_choices() -> list[tuple[str, str]]:
    """Zones named after a place, with their offset today."""
    now = datetime.now(UTC)
    names = sorted(n for n in zoneinfo.available_timezones() if "/" in n and n[:4] != "Etc/")
    return [("UTC", "UTC")] + [(name, _zone_label(name, now)) for name in names]


def _zone_label(name: str, now: datetime) -> str:
    offset = now.astimezone(zoneinfo.ZoneInfo(name)).strftime("%z")
    return f"{name.replace('_', ' ')} (UTC{offset[:3]}:{offset[3:5]})"


class SignupForm(AllauthSignupForm):
    """E-mail, password and the company's name; the latter not for those who were invited.

    The name reaches whoever listens to `user_signed_up` as `user.signup_company`, "" for the
    invited.
    """

    company = forms.CharField(
        label=_("Company name"),
        max_length=100,
        widget=forms.TextInput(attrs={"autocomplete": "organization"}),
    )
    time_zone = forms.CharField(required=False, widget=forms.HiddenInput)
    field_order = ("company", "email", "password1", "time_zone")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["time_zone"].initial = DEFAULT_TIME_ZONE
        self.fields["time_zone"].widget.attrs["data-time-zone"] = ""
        if context.request.session.get(INVITATION_SESSION_KEY):
            del self.fields["company"]

    def clean_time_zone(self) -> str:
        # Guessed by the browser, not typed: a wrong guess must not stop anyone.
        zone: str = self.cleaned_data["time_zone"]
        return zone if zone in zoneinfo.available_timezones() else DEFAULT_TIME_ZONE

    def signup(self, request: HttpRequest, user: User) -> None:
        user.language = translation.get_language() or settings.LANGUAGE_CODE
        user.time_zone = self.cleaned_data["time_zone"]
        user.save(update_fields=["language", "time_zone"])
        user.signup_company = self.cleaned_data.get("company", "")


class ProfileForm(forms.ModelForm[User]):
    time_zone = forms.ChoiceField(
        label=_("Time zone"),
        choices=time_zone_choices,
        help_text=_("Times on all pages are shown in this zone."),
    )

    class Meta:
        model = User
        fields = ("name", "language", "time_zone")
        labels = {"name": _("Your name"), "language": _("Language")}
        help_texts = {"name": _("Shown to your colleagues.")}
        widgets = {"name": forms.TextInput(attrs={"autocomplete": "name"})}


class LanguageForm(forms.Form):
    language = forms.ChoiceField(choices=settings.LANGUAGES)
