"""What a counted day says, in words: for titles, tags, and files."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext_lazy

from platforms.completeness import Day, DayState, StoreDays
from platforms.spec import Text

STATE_WORDS: Mapping[DayState, Text] = {
    DayState.COMPLETE: pgettext_lazy("a day's orders", "complete"),
    DayState.HEALED: pgettext_lazy("a day's orders", "put right"),
    DayState.DIFFERS: pgettext_lazy("a day's orders", "differences left"),
    DayState.UNCOUNTED: pgettext_lazy("a day's orders", "not counted"),
    DayState.UNASKED: gettext_lazy("the platform could not be asked"),
}
STATE_TONES: Mapping[DayState, str] = {
    DayState.COMPLETE: "good",
    DayState.HEALED: "good",
    DayState.DIFFERS: "bad",
    DayState.UNCOUNTED: "neutral",
    DayState.UNASKED: "warn",
}


def day_words(day: Day) -> str:
    """For a square: "2026-11-20: complete, 12 orders"."""
    words = [str(STATE_WORDS[day.state])]
    if day.count is not None:
        words.append(
            ngettext("%(count)s order", "%(count)s orders", day.at_platform)
            % {"count": day.at_platform}
        )
    if day.open:
        words.append(ngettext("%(count)s open", "%(count)s open", day.open) % {"count": day.open})
    return f"{day.day}: {_(', ').join(words)}"


def row_words(row: StoreDays) -> str:
    """All squares of a store, for those who do not see them."""
    states = row.states
    return _(
        "Of %(days)s days: %(complete)s complete, %(healed)s put right, %(differs)s with"
        " differences left, %(uncounted)s not counted, on %(unasked)s the platform could not be"
        " asked."
    ) % {"days": len(row.days), **{str(state): states[state] for state in DayState}}
