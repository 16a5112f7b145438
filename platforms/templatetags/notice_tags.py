"""The bell on every page, and how a notice looks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import template
from django.template.context import Context
from django.utils.translation import get_language

from platforms.robots.spec import Level
from platforms.views.notices.centre import bell_facts
from tenants.middleware import Workspace

register = template.Library()

TONES: dict[Level, str] = {"good": "good", "warning": "warn", "danger": "bad"}
ICONS: dict[Level, str] = {"good": "success", "warning": "alert", "danger": "error"}


@register.inclusion_tag("platforms/notices/_bell.html", takes_context=True)
def bell(context: Context) -> dict[str, Any]:
    """The way to the notices and how many are unread; counted once for a page."""
    work: Workspace = context["workspace"]
    facts = getattr(work, "bell", None)
    if facts is None:
        facts = work.bell = bell_facts(work)  # type: ignore[attr-defined]
    return facts


@register.filter
def tone_of(level: Level) -> str:
    """The class of a level: `tone-…` in app.css."""
    return TONES[level]


@register.filter
def icon_of(level: Level) -> str:
    return ICONS[level]


@register.filter
def in_a_row(sentences: Sequence[str]) -> str:
    """Sentences one after the other, with blanks only where the language writes them."""
    return ("" if (get_language() or "").startswith("zh") else " ").join(sentences)
