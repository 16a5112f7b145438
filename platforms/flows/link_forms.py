"""Checking what a person typed while linking; shared by wizard, command, API and admin."""

from __future__ import annotations

import re
from collections.abc import Container, Mapping

from django.utils.translation import gettext as _

from platforms import registry
from platforms.adapter import Adapter, clean_value
from platforms.spec import Mode, ModeKind, Text
from tenants.models import Store
from tenants.models.store import ACCOUNT_NAME, clean_account_name


class BadInput(ValueError):
    """What is wrong, by field ("" for the whole), in words for the person who typed it."""

    def __init__(self, errors: Mapping[str, Text]) -> None:
        super().__init__("; ".join(str(text) for text in errors.values()))
        self.errors = {name: str(text) for name, text in errors.items()}


def check_mode(platform: str, mode: str) -> tuple[Adapter, Mode]:
    """Raises BadInput listing what exists."""
    try:
        adapter = registry.get(platform)
    except KeyError:
        known = ", ".join(registry.codes())
        raise BadInput(
            {"platform": _("There is no platform %(code)s. There are: %(known)s.")
             % {"code": platform, "known": known}}
        ) from None  # fmt: skip
    usable = [each.code for each in adapter.modes if each.kind != ModeKind.REFUSED]
    try:
        declared = adapter.mode(mode)
    except KeyError:
        raise BadInput(
            {"mode": _("%(platform)s has no mode %(code)s. There are: %(known)s.")
             % {"platform": adapter.name, "code": mode, "known": ", ".join(usable)}}
        ) from None  # fmt: skip
    if declared.kind == ModeKind.REFUSED:
        raise BadInput({"mode": declared.refused_why})
    return adapter, declared


def check_place(adapter: Adapter, mode: Mode, *, site: str, region: str) -> tuple[str, str]:
    """The site and region in their declared spelling. Raises BadInput listing what exists."""
    site, region = site.strip(), region.strip().lower()
    sites = {each.code.lower(): each.code for each in adapter.sites}
    if site and site.lower() not in sites:
        raise BadInput(
            {"site": _("%(platform)s has no site %(code)s. There are: %(known)s.")
             % {"platform": adapter.name, "code": site,
                "known": ", ".join(sites.values()) or _("none, leave it out")}}
        )  # fmt: skip
    regions = {code.lower(): code for code, _name in adapter.regions}
    if region and region not in regions:
        raise BadInput(
            {"region": _("%(platform)s has no region %(code)s. There are: %(known)s.")
             % {"platform": adapter.name, "code": region, "known": ", ".join(regions.values())}}
        )  # fmt: skip
    if mode.needs_site and not site:
        raise BadInput({"site": _("Choose the site your seller account belongs to.")})
    return sites.get(site.lower(), ""), regions.get(region, "")


def check_account_name(name: str) -> str:
    """Raises BadInput with a suggestion."""
    name = name.strip()
    if re.fullmatch(ACCOUNT_NAME, name):
        return name
    suggestion = clean_account_name(name)
    if not name:
        text = _("Give the store an account name.")
    elif suggestion:
        text = _(
            "An account name has only letters, digits and underscores. How about %(name)s?"
        ) % {"name": suggestion}
    else:
        text = _("An account name has only letters, digits and underscores.")
    raise BadInput({"account_name": text})


def check_name_is_free(platform: str, site: str, account_name: str) -> None:
    """Call in the tenant's scope. Raises BadInput."""
    taken = Store.objects.filter(platform=platform, site=site, account_name=account_name)
    if taken.exclude(state="unlinked").exists():
        raise BadInput(
            {"account_name": _("You already have a store called %(name)s there. Choose another.")
             % {"name": account_name}}
        )  # fmt: skip


def check_values(
    adapter: Adapter, mode: Mode, values: Mapping[str, str], *, without: Container[str] = ()
) -> dict[str, str]:
    """Pasted values, cleaned of blanks and invisible characters, in their one spelling.

    Fields in `without` are not asked for. Raises BadInput by field.
    """
    known = {field.name for field in mode.fields}
    errors: dict[str, Text] = {
        name: _("There is no field %(name)s here. There are: %(known)s.")
        % {"name": name, "known": ", ".join(field.name for field in mode.fields)}
        for name in values
        if name not in known
    }
    cleaned: dict[str, str] = {}
    for field in mode.fields:
        if field.name in without:
            continue
        value, _changed = clean_value(values.get(field.name, ""))
        value = adapter.tidy_value(mode, field, value)
        choices = {code.lower(): code for code, _label in field.choices}
        if not value:
            if field.required:
                errors[field.name] = _("%(field)s is missing.") % {"field": field.label}
        elif choices and value.lower() not in choices:
            errors[field.name] = _("Choose one of: %(known)s.") % {
                "known": ", ".join(choices.values())
            }
        elif hint := adapter.explain_value(mode, field, value):
            errors[field.name] = hint
        elif field.pattern and not re.fullmatch(field.pattern, value):
            errors[field.name] = _wrong_format(field.label, field.where)
        else:
            cleaned[field.name] = choices.get(value.lower(), value)
    if errors:
        raise BadInput(errors)
    return cleaned


def was_cleaned(mode: Mode, values: Mapping[str, str]) -> list[Text]:
    """Labels of the fields that were pasted with characters we took away: the user is told."""
    return [
        field.label
        for field in mode.fields
        if values.get(field.name) and clean_value(values[field.name])[1]
    ]


def _wrong_format(label: Text, where: Text) -> str:
    if where:
        return _("This does not look like a %(field)s. Copy it again from: %(where)s.") % {
            "field": label,
            "where": where,
        }
    return _("This does not look like a %(field)s. Copy it again, whole.") % {"field": label}
