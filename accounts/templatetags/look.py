"""What the shared templates need to know: which entry is open, how a state looks, how a
form's widget is dressed."""

from __future__ import annotations

from typing import Any, NamedTuple

from django import template
from django.conf import settings
from django.forms import BoundField
from django.forms.widgets import (
    CheckboxInput,
    CheckboxSelectMultiple,
    FileInput,
    RadioSelect,
    Select,
)
from django.template.context import Context
from django.urls import NoReverseMatch, reverse
from django.utils.functional import Promise
from django.utils.safestring import SafeString
from django.utils.translation import pgettext_lazy

register = template.Library()


class Look(NamedTuple):
    """`tone` is one of good, warn, bad, info, neutral: a class `tone-…` in app.css."""

    tone: str
    label: str | Promise


STATES: dict[str, Look] = {
    # stores and authorizations
    "linking": Look("info", pgettext_lazy("state", "Linking")),
    "active": Look("good", pgettext_lazy("state", "Active")),
    "needs_relink": Look("bad", pgettext_lazy("state", "Needs relinking")),
    "paused": Look("neutral", pgettext_lazy("state", "Paused")),
    "unlinked": Look("neutral", pgettext_lazy("state", "Unlinked")),
    "ended": Look("neutral", pgettext_lazy("state", "Ended")),
    # orders
    "pending": Look("info", pgettext_lazy("state", "Pending")),
    "unpaid": Look("warn", pgettext_lazy("state", "Unpaid")),
    "awaiting_shipment": Look("warn", pgettext_lazy("state", "Awaiting shipment")),
    "partially_shipped": Look("info", pgettext_lazy("state", "Partially shipped")),
    "shipped": Look("good", pgettext_lazy("state", "Shipped")),
    "delivered": Look("good", pgettext_lazy("state", "Delivered")),
    "cancelled": Look("neutral", pgettext_lazy("state", "Cancelled")),
    "refunded": Look("neutral", pgettext_lazy("state", "Refunded")),
    "partially_refunded": Look("neutral", pgettext_lazy("state", "Partially refunded")),
    "on_hold": Look("warn", pgettext_lazy("state", "On hold")),
    "unknown": Look("neutral", pgettext_lazy("state", "Unknown")),
    # results of checks, runs, attempts and events
    "ok": Look("good", pgettext_lazy("state", "OK")),
    "pass": Look("good", pgettext_lazy("state", "Passed")),
    "done": Look("good", pgettext_lazy("state", "Done")),
    "warn": Look("warn", pgettext_lazy("state", "Attention")),
    "running": Look("info", pgettext_lazy("state", "Running")),
    "waiting": Look("info", pgettext_lazy("state", "Waiting")),
    "unconfirmed": Look("warn", pgettext_lazy("state", "Unconfirmed")),
    "fail": Look("bad", pgettext_lazy("state", "Failed")),
    "failed": Look("bad", pgettext_lazy("state", "Failed")),
    "denied": Look("bad", pgettext_lazy("state", "Denied")),
    "skip": Look("neutral", pgettext_lazy("state", "Skipped")),
    # invitations and tokens
    "accepted": Look("good", pgettext_lazy("state", "Accepted")),
    "expired": Look("neutral", pgettext_lazy("state", "Expired")),
    "expiring": Look("warn", pgettext_lazy("state", "Expires soon")),
    "revoked": Look("neutral", pgettext_lazy("state", "Revoked")),
    # roles and duties
    "owner": Look("info", pgettext_lazy("role", "Owner")),
    "admin": Look("info", pgettext_lazy("role", "Admin")),
    "member": Look("neutral", pgettext_lazy("role", "Member")),
    "operator": Look("info", pgettext_lazy("duty", "Operator")),
    "customer_service": Look("info", pgettext_lazy("duty", "Customer service")),
}


@register.filter
def look_of(state: object) -> Look:
    """How a state is shown; an unlisted one in grey with its own name."""
    return STATES.get(str(state), Look("neutral", str(state).replace("_", " ")))


@register.inclusion_tag("_nav_item.html", takes_context=True)
def nav_item(
    context: Context, name: str, *, label: str, icon: str, also: str = ""
) -> dict[str, Any]:
    """An entry of a menu; nothing where this installation has no such page. It is also the open
    one on the pages beneath the page named `also`."""
    entry = _entry(context, name)
    if also and _entry(context, also).get("is_open"):
        entry["is_open"] = True
    return entry | {"label": label, "icon": icon}


@register.inclusion_tag("accounts/_tab.html", takes_context=True)
def tab_item(context: Context, name: str, *, label: str) -> dict[str, Any]:
    return _entry(context, name) | {"label": label}


def _entry(context: Context, name: str) -> dict[str, Any]:
    try:
        href = reverse(name)
    except NoReverseMatch:
        return {"href": ""}
    path = context["request"].path
    is_open = path == href or (href != "/" and path.startswith(href))
    return {"href": href, "is_page": path == href, "is_open": is_open}


@register.filter
def dressed(field: BoundField) -> SafeString:
    """The widget with Bootstrap's classes; Django itself adds the aria attributes."""
    widget = field.field.widget
    classes = [widget.attrs.get("class", ""), _bootstrap_class(widget)]
    if field.errors:
        classes.append("is-invalid")
    return field.as_widget(attrs={"class": " ".join(filter(None, classes))})


def _bootstrap_class(widget: object) -> str:
    if isinstance(widget, RadioSelect | CheckboxSelectMultiple):
        return "choices"
    if isinstance(widget, CheckboxInput):
        return "form-check-input"
    if isinstance(widget, Select):
        return "form-select"
    return "form-control form-control-file" if isinstance(widget, FileInput) else "form-control"


@register.filter
def is_checkbox(field: BoundField) -> bool:
    return isinstance(field.field.widget, CheckboxInput)


# Whoever claims to be an earlier one also claims to be the later ones, so order matters.
BROWSERS = (
    ("MicroMessenger", "WeChat"),
    ("Edg", "Edge"),
    ("OPR", "Opera"),
    ("Firefox", "Firefox"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
)
SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)


@register.filter
def browser_name(user_agent: str) -> str:
    """ "Firefox · Windows", or what the browser said where it is none we know."""
    found = [
        next((name for mark, name in known if mark in user_agent), "")
        for known in (BROWSERS, SYSTEMS)
    ]
    return " · ".join(filter(None, found)) or user_agent[:60]


@register.simple_tag
def is_demo() -> bool:
    return bool(settings.DEMO)
