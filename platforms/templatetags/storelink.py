"""How marketplaces, modes, faults, money and times are written on a page."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django import template
from django.http import HttpRequest
from django.template.context import Context
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from platforms import advice, registry
from tenants.models import Store

register = template.Library()

WITHOUT_CENTS = {"CLP", "ISK", "JPY", "KRW", "PYG", "UGX", "VND", "XAF", "XOF", "XPF"}


# --- marketplaces


@register.filter
def platform_name(code: str) -> str:
    """The marketplace's name; the code itself where we no longer have it."""
    return str(registry.get(code).name) if code in registry.codes() else code


@register.filter
def site_label(platform: str, site: str) -> str:
    """A country marketplace's name, "" for none: platform|site_label:site."""
    if not site or platform not in registry.codes():
        return site
    try:
        return str(registry.get(platform).site(site).name)
    except KeyError:
        return site


@register.filter
def site_name(store: Store) -> str:
    return site_label(store.platform, store.site)


@register.filter
def region_label(platform: str, region: str) -> str:
    """platform|region_label:region"""
    if platform not in registry.codes():
        return region
    return str(dict(registry.get(platform).regions).get(region, region))


@register.filter
def mode_name(row: Any) -> str:
    """The mode of an authorization, attempt or consent, by its `platform` and `mode`."""
    try:
        return str(registry.get(row.platform).mode(row.mode).name)
    except KeyError:
        return str(row.mode)


@register.filter
def scope_words(scope: str, platform: str) -> str:
    """What a scope allows, in plain words: scope|scope_words:platform."""
    words = registry.get(platform).scopes if platform in registry.codes() else {}
    return str(words.get(scope, scope))


@register.filter
def menu_path(where: str) -> list[str]:
    """The menus to go through one by one: "Admin > Settings" is Admin, then Settings."""
    return [part.strip() for part in str(where).split(" > ") if part.strip()]


# --- faults


@register.filter
def fault_words(fault: str) -> str:
    """A fault in a few words; "" for none."""
    return advice.fault_words(fault)


@register.filter
def advice_on(row: Any, platform: str = "") -> advice.Advice | None:
    """The advice for the fault written on a row (attempt, stream, authorization, run), None
    while there is none: stream|advice_on:store.platform."""
    if not row.fault:
        return None
    platform = platform or getattr(row, "platform", "")
    return advice.advice_for(row.fault, reason=getattr(row, "fault_reason", ""), platform=platform)


# --- money and time


@register.filter
def money(amount: Decimal | None, currency: str | None = "") -> str:
    """An amount with its ISO code: "USD 1,234.50"; "" where there is none.

    Platforms state 46.90 as 46.9 or 46.9000: zeros are shown up to the cent, nothing is rounded.
    """
    if amount is None:
        return ""
    stated = max(0, -int(amount.as_tuple().exponent))
    if stated > 2:  # 46.9000 is 46.90, 1.235 is 1.235
        stated = max(2, -int(amount.normalize().as_tuple().exponent))
    least = 0 if not currency or currency in WITHOUT_CENTS else 2
    number = number_format(amount, max(stated, least), use_l10n=True, force_grouping=True)
    return f"{currency}\u00a0{number}" if currency else number


@register.filter
def duration(length: timedelta | int | float | None) -> str:
    """A length in its largest unit: "3 days". Numbers are seconds."""
    if length is None:
        return ""
    seconds = length.total_seconds() if isinstance(length, timedelta) else float(length)
    minutes = int(abs(seconds)) // 60
    if minutes < 1:
        return _("less than a minute")
    if minutes < 60:
        return ngettext("%(count)s minute", "%(count)s minutes", minutes) % {"count": minutes}
    hours = minutes // 60
    if hours < 48:
        return ngettext("%(count)s hour", "%(count)s hours", hours) % {"count": hours}
    days = hours // 24
    return ngettext("%(count)s day", "%(count)s days", days) % {"count": days}


@register.filter
def countdown(at: datetime | None) -> str:
    """How far away a moment is: "in 3 days", "2 hours ago"; "" for none."""
    if at is None:
        return ""
    left = at - timezone.now()
    # Half a minute more: what ends in 24 hours less a second ends in a day.
    words = {"duration": duration(abs(left) + timedelta(seconds=30))}
    return _("in %(duration)s") % words if left >= timedelta(0) else _("%(duration)s ago") % words


# --- support


@register.inclusion_tag("platforms/link/_on_behalf.html", takes_context=True)
def on_behalf_banner(context: Context) -> dict[str, Any]:
    """Says for whom support acts; nothing for anybody else."""
    request: HttpRequest = context["request"]
    tenant = getattr(request, "tenant", None) if getattr(request, "on_behalf", False) else None
    return {"tenant": tenant, "csrf_token": context.get("csrf_token")}
