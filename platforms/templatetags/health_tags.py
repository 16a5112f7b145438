"""How a store's health is said and drawn."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django import template
from django.template.context import Context
from django.urls import reverse
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from platforms import advice
from platforms.health import StoreHealth
from platforms.health import words as health_words
from platforms.health.strip import Hour, Strip, badness
from platforms.health.words import Next
from platforms.models import Outage
from tenants.models import Duty

register = template.Library()

# Of the drawing, in its own units: a bar with its gap, the bar, the height, the least one sees.
STEP, BAR, HEIGHT, LEAST = 5, 4, 20, 3

_PAGES = {
    Next.RELINK: "relink",
    Next.RENEW: "relink",
    Next.RESUME: "store_resume",
    Next.DIAGNOSE: "store_diagnosis",
    Next.RELEASE: "store_release",
    Next.CHECK: "store_checks",
    Next.COMPARE: "store_completeness",
}
_POSTED = (Next.RESUME, Next.RELEASE)


# --- words


@register.filter
def state_words(health: StoreHealth) -> str:
    return health_words.state_words(health)


@register.filter
def state_tone(health: StoreHealth) -> str:
    return health_words.tone_of(health)


@register.filter
def outage_sentence(outage: Outage) -> str:
    return health_words.outage_sentence(outage)


@register.filter
def moment_words(at: datetime) -> str:
    """A time of today by its hour, an earlier one with its day: "since 14:05"."""
    return health_words.moment(at)


@register.filter
def milliseconds(length: int | None) -> str:
    """A latency: "320 ms", "2.1 s"; "" for none."""
    if length is None:
        return ""
    if length < 1000:
        return _("%(count)s ms") % {"count": length}
    return _("%(count)s s") % {"count": number_format(length / 1000, 1)}


@register.inclusion_tag("platforms/health/_next.html", takes_context=True)
def next_step(context: Context, health: StoreHealth, *, small: bool = False) -> dict[str, Any]:
    """The one button of a store, or the words in its place."""
    work = context["workspace"]
    # Who manages may do all of it: their bindings need not be asked for.
    operates = not work.can_manage and health.store.pk in work.store_ids(Duty.OPERATOR)
    step = health_words.next_step(health, manages=work.can_manage, operates=operates)
    return {
        "step": step,
        "url": _address(step.next, health) if step.has_button else "",
        "is_post": step.next in _POSTED,
        "is_urgent": health_words.tone_of(health) == "bad",
        "store": health.store,
        "small": small,
        "csrf_token": context.get("csrf_token"),
    }


def _address(step: Next, health: StoreHealth) -> str:
    return reverse(_PAGES[step], args=[health.store.public_id])


# --- drawings


@register.inclusion_tag("platforms/health/_strip.html")
def hour_strip(strip: Strip | None, *, told: bool = False) -> dict[str, Any]:
    """Hours as bars: what succeeded from below, what failed from above. `told` adds the words of
    each hour for a pointer."""
    hours = strip.hours if strip else ()
    return {
        "width": max(1, len(hours) * STEP - (STEP - BAR)),
        "height": HEIGHT,
        "paths": _paths(hours),
        "words": strip_words(strip),
        "hours": [(n * STEP, hour_words(hour)) for n, hour in enumerate(hours)] if told else (),
        "bar": BAR,
    }


@register.filter
def strip_words(strip: Strip | None) -> str:
    """The whole strip in words, for those who do not see it."""
    if strip is None or not strip.calls:
        return _("No calls in this time.")
    calls = ngettext("%(percent)s %% of %(calls)s call succeeded.",
                     "%(percent)s %% of %(calls)s calls succeeded.", strip.calls)  # fmt: skip
    said = calls % {"percent": strip.percent, "calls": number_format(strip.calls)}
    if strip.worst is None:
        return said
    return _("%(summary)s The worst hour: %(hour)s") % {
        "summary": said,
        "hour": hour_words(strip.worst),
    }


def hour_words(hour: Hour) -> str:
    """ "14:00, 20 calls, 60 % succeeded: slowed down by the platform" """
    holes = {"time": health_words.moment(hour.at), "calls": hour.calls, "percent": hour.percent}
    if not hour.calls:
        return _("%(time)s, no calls") % holes
    if not hour.fault:
        return ngettext(
            "%(time)s, %(calls)s call, it succeeded",
            "%(time)s, %(calls)s calls, all succeeded",
            hour.calls,
        ) % holes  # fmt: skip
    holes["fault"] = health_words.inside(advice.fault_words(hour.fault))
    return ngettext(
        "%(time)s, %(calls)s call, it failed: %(fault)s",
        "%(time)s, %(calls)s calls, %(percent)s %% succeeded: %(fault)s",
        hour.calls,
    ) % holes  # fmt: skip


def _paths(hours: Iterable[Hour]) -> dict[str, str]:
    """One path for each tone: a few elements for a page of fifty strips instead of thousands."""
    drawn: dict[str, list[str]] = {"none": [], "good": [], "warn": [], "bad": []}
    for number, hour in enumerate(hours):
        if not hour.calls:
            drawn["none"].append(_bar(number, HEIGHT - 2, 2))
            continue
        failed = round(HEIGHT * hour.bad / hour.calls)
        # One failure in a thousand is seen, and one success as well.
        failed = min(max(failed, LEAST), HEIGHT - LEAST if hour.good else HEIGHT) if hour.bad else 0
        if failed:
            drawn["bad" if badness(hour.fault) == 2 else "warn"].append(_bar(number, 0, failed))
        if failed < HEIGHT:
            drawn["good"].append(_bar(number, failed, HEIGHT - failed))
    return {tone: "".join(bars) for tone, bars in drawn.items() if bars}


def _bar(number: int, top: int, height: int) -> str:
    return f"M{number * STEP} {top}h{BAR}v{height}h-{BAR}z"


@register.filter
def latency_words(health: StoreHealth) -> str:
    """ "320 ms, at most 2.1 s"; "" without calls."""
    if health.latency_ms is None:
        return ""
    return _("%(mean)s on average, %(slowest)s at most") % {
        "mean": milliseconds(health.latency_ms),
        "slowest": milliseconds(health.slowest_ms),
    }
