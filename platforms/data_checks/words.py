"""What a data check came to, in the reader's language: a verdict, and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from platforms import advice
from platforms.models import DataCheck
from platforms.spec import Text
from platforms.templatetags.storelink import platform_name


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """`tone` is one of good, warn, bad, info, neutral; `short` fits a badge."""

    tone: str
    short: str
    text: str
    to_do: str


@dataclass(frozen=True)
class _Entry:
    tone: str
    short: Text
    text: Text
    to_do: Text = ""


_NOTHING = gettext_lazy("There is nothing to do.")

# Holes: platform, and the figures of the report.
STRESS: dict[str, _Entry] = {
    "good": _Entry(
        "good",
        gettext_lazy("Steady"),
        gettext_lazy(
            "Orders can be read steadily: %(success)s of the calls succeeded and %(platform)s"
            " never slowed us down."
        ),
        _NOTHING,
    ),
    "slow": _Entry(
        "warn",
        gettext_lazy("Slow"),
        gettext_lazy(
            "%(platform)s answers everything, but slowly: one call in twenty takes"
            " longer than %(p95)s."
        ),
        gettext_lazy(
            "Orders still arrive, only later at busy hours. Test again at another time of day; if"
            " it stays slow, ask %(platform)s."
        ),
    ),
    "throttled": _Entry(
        "warn",
        gettext_lazy("Slowed down"),
        gettext_lazy(
            "%(platform)s slowed us down although the test kept to half of the known limit."
        ),
        gettext_lazy(
            "Most likely another program reads this shop with the same keys. Look at %(platform)s"
            " which applications have access, and take it from those that are no longer used."
        ),
    ),
    "failing": _Entry(
        "bad",
        gettext_lazy("Fails"),
        gettext_lazy("Too many calls failed: %(success)s succeeded."),
        gettext_lazy("Test again in some minutes. If it fails again, open the diagnosis."),
    ),
    "no_room": _Entry(
        "neutral",
        gettext_lazy("No room"),
        gettext_lazy(
            "The limit of %(platform)s was used up, so the test made no call: ordinary pulls go"
            " first."
        ),
        gettext_lazy("Test again in an hour, when the limit has filled up."),
    ),
}

COUNTS: dict[str, _Entry] = {
    "complete": _Entry(
        "good",
        gettext_lazy("Complete"),
        gettext_lazy("Every order that %(platform)s has in this window is here, and up to date."),
        _NOTHING,
    ),
    "healed": _Entry(
        "good",
        gettext_lazy("Put right"),
        gettext_lazy(
            "%(found)s were missing or out of date. They have been pulled, and a second count"
            " agrees with %(platform)s."
        ),
        gettext_lazy("There is nothing to do. If it happens again, tell support."),
    ),
    "incomplete": _Entry(
        "bad",
        gettext_lazy("Incomplete"),
        gettext_lazy("%(left)s are still missing or out of date."),
        gettext_lazy(
            "They are being pulled in the background. Count again in half an hour; if they are"
            " still missing then, open the diagnosis of the store."
        ),
    ),
    "extra": _Entry(
        "warn",
        gettext_lazy("More than there"),
        gettext_lazy(
            "Nothing is missing, but %(extra)s are here that %(platform)s did not give for this"
            " window."
        ),
        gettext_lazy(
            "Mostly %(platform)s has archived, merged or deleted them. Compare one of them there."
            " We keep them: nothing is deleted here."
        ),
    ),
    "unreadable": _Entry(
        "warn",
        gettext_lazy("Unreadable records"),
        gettext_lazy("%(unreadable)s of this window cannot be read; all others are here."),
        gettext_lazy(
            "They are kept whole and land by themselves once we can read them. Tell support if"
            " you miss one of them."
        ),
    ),
    "no_window": _Entry(
        "neutral",
        gettext_lazy("Out of reach"),
        gettext_lazy("%(platform)s does not answer for orders of this window."),
        gettext_lazy("Choose a later window."),
    ),
    "too_many": _Entry(
        "neutral",
        gettext_lazy("Too many orders"),
        gettext_lazy("This window holds more orders than one count compares."),
        gettext_lazy("Count a shorter window, for example a day."),
    ),
}

EITHER: dict[str, _Entry] = {
    "stopped": _Entry(
        "neutral",
        gettext_lazy("Stopped"),
        gettext_lazy("The check was stopped before its end; the figures are those until then."),
        gettext_lazy("Start it again if you need the whole picture."),
    ),
    "died": _Entry(
        "neutral",
        gettext_lazy("Interrupted"),
        gettext_lazy(
            "The check was interrupted on our side; the figures are those until then. It says"
            " nothing about the store."
        ),
        gettext_lazy("Start it again."),
    ),
    "unlinked": _Entry(
        "neutral",
        gettext_lazy("Not checked"),
        gettext_lazy("The store was paused or unlinked before the check began."),
        gettext_lazy("Resume or relink the store, then start the check again."),
    ),
    "failing": _Entry(
        "bad",
        gettext_lazy("Failed"),
        gettext_lazy("The check could not be finished."),
        gettext_lazy("Start it again in some minutes. If it fails again, open the diagnosis."),
    ),
    "refused": _Entry("bad", gettext_lazy("Refused"), "", ""),
}


def verdict_of(check: DataCheck) -> Verdict | None:
    """None while it waits or runs."""
    report = check.report
    if check.finished_at is None:
        return None
    if report is None:  # stopped before it began
        report = {"verdict": "stopped"}
    code = str(report.get("verdict", "failing"))
    own = STRESS if check.kind == DataCheck.Kind.STRESS else COUNTS
    entry = own.get(code) or EITHER.get(code) or EITHER["failing"]
    if check.fault and code in ("refused", "failing"):
        told = advice.advice_for(check.fault, platform=check.store.platform)
        return Verdict(
            tone=entry.tone, short=advice.fault_words(check.fault), text=told.title,
            to_do=told.text,
        )  # fmt: skip
    holes = _holes(check, report)
    return Verdict(
        tone=entry.tone, short=str(entry.short), text=str(entry.text) % holes,
        to_do=str(entry.to_do) % holes,
    )  # fmt: skip


def _holes(check: DataCheck, report: Mapping[str, Any]) -> dict[str, object]:
    before, after = report.get("before") or {}, report.get("after") or {}
    latency = report.get("latency_ms") or {}
    return {
        "platform": platform_name(check.store.platform),
        "success": percent(report.get("success")),
        "p95": milliseconds(latency.get("p95")),
        "found": orders(before.get("missing", 0) + before.get("different", 0)),
        "left": orders(after.get("missing", 0) + after.get("different", 0)),
        "extra": orders(after.get("extra", 0)),
        "unreadable": ngettext("%(count)s record", "%(count)s records", report.get("unreadable", 0))
        % {"count": report.get("unreadable", 0)},
    }


def orders(count: int) -> str:
    return ngettext("%(count)s order", "%(count)s orders", count) % {"count": count}


def percent(share: float | None) -> str:
    """Rounded down: 100 % is said only where nothing failed."""
    return "–" if share is None else f"{int(share * 1000) / 10:g} %"


def milliseconds(value: int | None) -> str:
    if value is None:
        return "–"
    return _("%(count)s ms") % {"count": value} if value < 1000 else seconds(value / 1000)


def seconds(value: float | None) -> str:
    return "–" if value is None else _("%(count)s s") % {"count": f"{value:.1f}"}
