"""What people type while linking a store. Flows decide; these keep what was typed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from platforms.adapter import Adapter, clean_value
from platforms.models import App
from platforms.spec import Field, Mode, Site, Text
from tenants.models import Store
from tenants.models.store import clean_account_name

LONGEST_VALUE = 10_000  # a pasted page is answered with a sentence, not with a stack trace


class NameForm(forms.Form):
    """The store's names, and where it sells if the mode must know that beforehand."""

    account_name = forms.CharField(
        label=_("Account name"),
        required=False,
        max_length=200,
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}
        ),
        help_text=_(
            "Letters, digits and underscores. Programs and exports know the store by this name;"
            " it cannot be changed later."
        ),
    )
    display_name = forms.CharField(
        label=_("Display name"),
        required=False,
        max_length=100,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        help_text=_("Shown to your colleagues, in any language. You can change it at any time."),
    )
    site = forms.CharField(required=False, max_length=20)
    region = forms.CharField(required=False, max_length=10)

    def __init__(self, *args: Any, adapter: Adapter, mode: Mode, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.adapter = adapter
        self.asks_site = mode.needs_site
        # Where the region is one of the keys' own fields it is asked for there.
        in_fields = any(field.name == "region" for field in mode.fields)
        self.asks_region = mode.needs_region and not in_fields

    def sites_by_region(self) -> list[tuple[Text, list[Site]]]:
        """Region names with their sites; one nameless group where there are no regions."""
        names = dict(self.adapter.regions) or {"": ""}
        return [
            (name, [site for site in self.adapter.sites if site.region == region])
            for region, name in names.items()
        ]


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a value is found, and whether the page has forgotten it (a secret)."""

    path: Text
    optional: bool
    lost: bool
    of_app: bool = False  # belongs to an application that the tenant brings along


class KeysForm(forms.Form):
    """The fields of a mode. Secrets are never written back into the page."""

    def __init__(self, *args: Any, mode: Mode, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.mode = mode
        for field in mode.fields:
            self.fields[field.name] = _form_field(field)

    def with_places(self) -> Iterator[tuple[forms.BoundField, Place]]:
        for field in self.mode.fields:
            lost = self.is_bound and field.secret and bool(self.data.get(field.name))
            yield (
                self[field.name],
                Place(
                    path=field.where,
                    optional=not field.required,
                    lost=lost,
                    of_app=bool(field.app),
                ),
            )

    def show_cleaned(self) -> None:
        """Write the values back as they were tried, without the blanks that were taken out."""
        self.data = {
            name: clean_value(str(value))[0] if name in self.fields else value
            for name, value in self.data.items()
        }

    def values(self) -> dict[str, str]:
        return {field.name: self.cleaned_data.get(field.name, "") for field in self.mode.fields}

    def unusual(self) -> list[Text]:
        """Labels of values that may be right but do not look as they usually do."""
        found: list[Text] = []
        for field in self.mode.fields:
            value = clean_value(self.data.get(field.name, ""))[0]
            if value and field.usual and not re.fullmatch(field.usual, value):
                found.append(field.label)
        return found


class PrepareForm(KeysForm):
    """What a consent needs first; of an application entered before nothing is typed again."""

    def __init__(self, *args: Any, mode: Mode, apps: Sequence[App] = (), **kwargs: Any) -> None:
        super().__init__(*args, mode=mode, **kwargs)
        self.apps = list(apps)
        if self.apps:
            choices = [(str(app.public_id), f"{app.name} …{app.secret_hint}") for app in self.apps]
            self.fields["known_app"] = forms.CharField(
                label=_("Application"),
                required=False,
                widget=forms.Select(choices=[*choices, ("", _("Another one"))]),
            )

    @property
    def known_app(self) -> str:
        """The public id of the application that was chosen, "" for another one."""
        return str(self.cleaned_data.get("known_app", ""))

    def values(self) -> dict[str, str]:
        values = super().values()
        if self.known_app:
            for field in self.mode.fields:
                if field.app:
                    del values[field.name]
        return values


class PasteForm(forms.Form):
    address = forms.CharField(
        label=_("Address you were sent to"),
        required=False,
        max_length=LONGEST_VALUE,
        widget=forms.Textarea(
            attrs={"rows": 3, "spellcheck": "false", "autocomplete": "off", "class": "code-input"}
        ),
    )


class HandOverForm(forms.Form):
    minutes = forms.TypedChoiceField(
        label=_("The link works for"),
        coerce=int,
        choices=[
            (30, _("30 minutes")),
            (2 * 60, _("2 hours")),
            (24 * 60, _("1 day")),
            (3 * 24 * 60, _("3 days")),
            (7 * 24 * 60, _("7 days")),
        ],
        initial=24 * 60,
    )


def _form_field(field: Field) -> forms.Field:
    help_text = str(field.help)
    if field.choices:
        choices = [("", _("Choose…")), *[choice for choice in field.choices if choice[0]]]
        # Not a ChoiceField: the flow knows the choices, and takes them in any case.
        return forms.CharField(
            label=str(field.label),
            required=False,
            help_text=help_text,
            widget=forms.Select(choices=choices),
        )
    attrs = {
        "autocomplete": "off",
        "autocapitalize": "none",
        "spellcheck": "false",
        "class": "code-input",
        "data-1p-ignore": "",
    }
    if field.placeholder:
        attrs["placeholder"] = field.placeholder
    if field.required:
        attrs["aria-required"] = "true"
    widget: forms.Widget
    if field.secret:
        # No browser shall offer to keep it as a password of this site.
        attrs |= {"autocomplete": "new-password", "data-reveal": str(_("Show or hide"))}
        widget = forms.PasswordInput(attrs=attrs, render_value=False)
    else:
        widget = forms.TextInput(attrs=attrs)
    return forms.CharField(
        label=str(field.label),
        required=False,
        strip=False,  # the flow cleans, and tells the person what it took away
        max_length=LONGEST_VALUE,
        help_text=help_text,
        widget=widget,
    )


def suggest_account_name(platform: str, typed: str) -> str:
    """A free account name near to what was typed; within the tenant's scope."""
    stem = clean_account_name(typed)[:60] or f"{platform}_1"
    taken = set(
        Store.objects.filter(platform=platform)
        .exclude(state="unlinked")
        .values_list("account_name", flat=True)
    )
    return _first_free(stem, taken)


def _first_free(stem: str, taken: Iterable[str]) -> str:
    taken = set(taken)
    name, count = stem, 2
    base = re.sub(r"_\d+\Z", "", stem) or stem
    while name in taken:
        name = f"{base}_{count}"
        count += 1
    return name
