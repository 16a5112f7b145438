"""What a replay does and what came of it, in the reader's language."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.formats import date_format, number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from platforms import advice, registry
from platforms.flows.retention import PUSH_BODIES_KEPT
from platforms.models import Replay
from platforms.spec import Text

WINDOW_FAULTS: dict[str, Text] = {
    "empty": gettext_lazy("The first day is after the last. Swap them."),
    "future": gettext_lazy("This window is not over yet. Choose today at the latest."),
    "too_long": gettext_lazy("A year at most is done again at once. Choose a shorter window."),
    "out_of_reach": gettext_lazy(
        "The platform does not answer for orders that old. Choose a later first day."
    ),
    "too_fresh": gettext_lazy(
        "The platform does not answer for the last minutes yet. Choose an earlier first day, or"
        " try again in a few minutes."
    ),
}


@dataclass(frozen=True, kw_only=True)
class Told:
    """A replay for a page. `why` is what keeps it from going on, or what ended it."""

    replay: Replay
    days: str
    result: str
    why: str = ""
    to_do: str = ""


def tell(replay: Replay) -> Told:
    """`replay` with its store; days are those of the store's time zone."""
    why, to_do = "", ""
    if replay.fault:
        known = advice.advice_for(replay.fault, platform=replay.store.platform)
        why, to_do = known.title, known.text
    elif replay.state == Replay.State.FAILED:
        why = _("The store was paused or unlinked meanwhile.")
        to_do = _("Once it is active again, start anew; what was done already does no harm.")
    return Told(
        replay=replay, days=days_of(replay), result=result(replay), why=why, to_do=to_do
    )  # fmt: skip


def days_of(replay: Replay) -> str:
    """The first and the last day of the window."""
    zone = replay.store.zone
    first = replay.since.astimezone(zone)
    last = (replay.until - timedelta(microseconds=1)).astimezone(zone)
    if first.date() == last.date():
        return _day(first)
    return _("%(first)s to %(last)s") % {"first": _day(first), "last": _day(last)}


def result(replay: Replay) -> str:
    """What came of it, or what came of it so far; "" before it has begun."""
    if replay.started_at is None:
        return ""
    if not replay.seen:
        return "" if replay.finished_at is None else _nothing(replay)
    return " ".join(filter(None, [_sum(replay), *_besides(replay)]))


def explain(kind: str, platform: str) -> str:
    """What a kind of replay does, before it is started."""
    sentences = {
        Replay.Kind.PULL: _(
            "Asks %(platform)s for all orders that changed on these days, and reads every one"
            " anew. Use it if orders look wrong or out of date."
        ),
        Replay.Kind.READ: _(
            "Reads what we received of the orders placed on these days once more, and what came"
            " into quarantine on them. %(platform)s is not asked. Use it after we have learned to"
            " read something better."
        ),
        Replay.Kind.PUSHES: _(
            "Works again on what %(platform)s reported on these days. Reports are kept for"
            " %(days)s days; those from before the last consent are left out."
        ),
    }
    known = {adapter.code: adapter.name for adapter in registry.all_adapters()}
    holes = {"platform": known.get(platform, platform), "days": PUSH_BODIES_KEPT.days}
    return sentences[Replay.Kind(kind)] % holes


def _day(moment: datetime) -> str:
    return date_format(moment, "SHORT_DATE_FORMAT")


def _nothing(replay: Replay) -> str:
    if replay.kind == Replay.Kind.PUSHES:
        return _("Nothing that was reported on these days is kept.")
    if replay.kind == Replay.Kind.READ:
        return _("Nothing that was received of these days is kept.")
    if replay.state == Replay.State.DONE:
        return _("The platform has no orders that changed on these days.")
    return ""


def _sum(replay: Replay) -> str:
    holes = {name: _number(getattr(replay, name)) for name in ("seen", "updated", "unchanged")}
    if replay.kind == Replay.Kind.PUSHES:
        sentence = ngettext(
            "%(seen)s report worked on again: %(updated)s brought something about,"
            " %(unchanged)s did not.",
            "%(seen)s reports worked on again: %(updated)s brought something about,"
            " %(unchanged)s did not.",
            replay.seen,
        )
    elif replay.kind == Replay.Kind.READ:
        sentence = ngettext(
            "%(seen)s order read again: %(updated)s changed, %(unchanged)s as before.",
            "%(seen)s orders read again: %(updated)s changed, %(unchanged)s as before.",
            replay.seen,
        )
    else:
        sentence = ngettext(
            "%(seen)s order pulled again: %(updated)s changed, %(unchanged)s as before.",
            "%(seen)s orders pulled again: %(updated)s changed, %(unchanged)s as before.",
            replay.seen,
        )
    return sentence % holes


def _besides(replay: Replay) -> list[str]:
    said = []
    if replay.created:
        new = ngettext("%(n)s was missing and is here now.", "%(n)s were missing and are here now.",
                       replay.created)  # fmt: skip
        said.append(new % {"n": _number(replay.created)})
    if replay.quarantined and replay.kind == Replay.Kind.PUSHES:
        left = ngettext("%(n)s could not be worked on.", "%(n)s could not be worked on.",
                        replay.quarantined)  # fmt: skip
        said.append(left % {"n": _number(replay.quarantined)})
    elif replay.quarantined:
        left = ngettext("%(n)s cannot be read and waits in quarantine.",
                        "%(n)s cannot be read and wait in quarantine.",
                        replay.quarantined)  # fmt: skip
        said.append(left % {"n": _number(replay.quarantined)})
    return said


def _number(value: int) -> str:
    return number_format(value, use_l10n=True, force_grouping=True)
