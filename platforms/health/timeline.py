"""What happened to one store, newest first: notes, troubles and consents in one list."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import chain

from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, npgettext

from platforms import advice
from platforms.health.words import inside
from platforms.models import Consent, Moment, TimelineEntry, Trouble
from platforms.spec import Text
from platforms.templatetags.storelink import duration
from tenants.models import Store

PAGE_SIZE = 30
# A note and the trouble or consent that it is about are written within one step, or by a pump
# that comes every minute.
SAME_THING = timedelta(minutes=5)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Line:
    """One thing that happened at `at`, or the same thing `count` times since `first_at`."""

    at: datetime
    first_at: datetime
    moment: Moment
    source: int  # which of the tables; breaks ties the same way every time
    pk: int
    count: int = 1
    fault: str = ""
    who: str = ""
    handed_over: bool = False
    lasted: timedelta | None = None  # of what healed

    @property
    def tone(self) -> str:
        return _TONES.get(self.moment, "neutral")

    @property
    def words(self) -> str:
        return _words(self)


@dataclass(frozen=True, kw_only=True)
class Timeline:
    lines: list[Line]
    older: str  # the cursor of what comes after the last line, "" at the end


class BadCursor(ValueError):
    """Not one of ours, or cut short on its way."""


def timeline(store: Store, *, cursor: str = "", size: int = PAGE_SIZE) -> Timeline:
    """The lines of `store` before `cursor`, the newest without one. Raises BadCursor.

    A fixed number of queries. A page may be shorter than `size`, because what two tables tell
    is told once.
    """
    until, skip = _read(cursor)
    most = size + skip + 1
    every = sorted(
        chain(*_lines(store, until=until, most=most)),
        key=lambda line: (line.at, line.source, line.pk),
        reverse=True,
    )[skip:]
    page, more = every[:size], len(every) > size
    if not more:
        return Timeline(lines=_once(store, page), older="")
    last = page[-1].at
    told = sum(line.at == last for line in page) + (skip if last == until else 0)
    return Timeline(lines=_once(store, page), older=_write(last, told))


def _lines(store: Store, *, until: datetime | None, most: int) -> tuple[list[Line], ...]:
    """The newest of each table up to `until`, `most` of each."""
    notes = TimelineEntry.objects.filter(authorization=store.authorization_id).filter(
        Q(store=None) | Q(store=store)
    )
    troubles = Trouble.objects.filter(store=store)
    consents = Consent.objects.filter(authorization=store.authorization_id)
    if until is not None:
        notes, consents = notes.filter(last_at__lte=until), consents.filter(at__lte=until)
    began = troubles if until is None else troubles.filter(began_at__lte=until)
    ended = troubles.exclude(ended_at=None)
    ended = ended if until is None else ended.filter(ended_at__lte=until)
    return (
        [_of_note(row) for row in notes.order_by("-last_at", "-pk")[:most]],
        [_of_breaking(row) for row in began.order_by("-began_at", "-pk")[:most]],
        [_of_healing(row) for row in ended.order_by("-ended_at", "-pk")[:most]],
        [_of_consent(row) for row in consents.order_by("-at", "-pk")[:most]],
    )


def _of_note(row: TimelineEntry) -> Line:
    return Line(
        at=row.last_at, first_at=row.first_at, moment=Moment(row.moment), source=0, pk=row.pk,
        count=row.count, fault=row.fault,
    )  # fmt: skip


def _of_breaking(row: Trouble) -> Line:
    return Line(
        at=row.began_at, first_at=row.began_at, moment=Moment.BROKE, source=1, pk=row.pk,
        fault=row.fault,
    )  # fmt: skip


def _of_healing(row: Trouble) -> Line:
    assert row.ended_at is not None
    return Line(
        at=row.ended_at, first_at=row.ended_at, moment=Moment.HEALED, source=2, pk=row.pk,
        lasted=row.ended_at - row.began_at,
    )  # fmt: skip


def _of_consent(row: Consent) -> Line:
    return Line(
        at=row.at, first_at=row.at, moment=Moment.LINKED, source=3, pk=row.pk, who=row.by_name,
        handed_over=row.handed_over,
    )  # fmt: skip


def _once(store: Store, lines: Sequence[Line]) -> list[Line]:
    """Without the notes that a trouble or a consent tells better; the first consent links, the
    later ones link again."""
    if not lines:
        return []
    oldest, newest = lines[-1].at - SAME_THING, lines[0].at + SAME_THING
    troubles = list(
        Trouble.objects.filter(store=store, began_at__lte=newest).filter(
            Q(ended_at=None) | Q(ended_at__gte=oldest)
        )
    )
    of_it = Consent.objects.filter(authorization=store.authorization_id).order_by("at")
    moments = list(of_it.values_list("at", flat=True))
    kept: list[Line] = []
    for line in lines:
        if line.source == 0 and _told_elsewhere(line, troubles, moments):
            continue
        if line.source == 3 and line.at > moments[0]:
            line = Line(**{**vars(line), "moment": Moment.RELINKED})
        kept.append(line)
    return kept


def _told_elsewhere(line: Line, troubles: Sequence[Trouble], consents: Sequence[datetime]) -> bool:
    if line.moment in (Moment.LINKED, Moment.RELINKED):
        return any(abs(line.first_at - at) <= SAME_THING for at in consents)
    if line.moment == Moment.BROKE:
        return any(
            each.began_at - SAME_THING <= line.first_at
            and (each.ended_at is None or line.first_at <= each.ended_at)
            for each in troubles
        )
    if line.moment == Moment.HEALED:
        return any(
            each.ended_at is not None and abs(line.first_at - each.ended_at) <= SAME_THING
            for each in troubles
        )
    return False


# --- words

_TONES = {
    Moment.LINKED: "good",
    Moment.RELINKED: "good",
    Moment.HEALED: "good",
    Moment.BROKE: "bad",
    Moment.NOT_REFRESHED: "warn",
    Moment.REFUSED: "warn",
    Moment.THROTTLED: "warn",
}
_PLAIN: dict[Moment, Text] = {
    Moment.LINKED: gettext_lazy("Linked"),
    Moment.RELINKED: gettext_lazy("Linked again"),
    Moment.BROKE: gettext_lazy("Stopped working"),
    Moment.HEALED: gettext_lazy("Works again"),
    Moment.PAUSED: gettext_lazy("Paused"),
    Moment.RESUMED: gettext_lazy("Resumed"),
    Moment.UNLINKED: gettext_lazy("Unlinked"),
}


def _words(line: Line) -> str:
    if line.moment in (Moment.LINKED, Moment.RELINKED) and line.who:
        return _linked_by(line)
    what = str(_PLAIN[line.moment]) if line.moment in _PLAIN else _counted(line)
    if line.moment == Moment.HEALED and line.lasted is not None:
        return _("Works again, after %(length)s") % {"length": duration(line.lasted)}
    if line.fault:
        holes = {"what": what, "fault": inside(advice.fault_words(line.fault))}
        return _("%(what)s: %(fault)s") % holes
    return what


def _linked_by(line: Line) -> str:
    again = line.moment == Moment.RELINKED
    if line.handed_over:
        sentence = (
            _("Linked again by a link that %(person)s handed over")
            if again
            else _("Linked by a link that %(person)s handed over")
        )
    else:
        sentence = _("Linked again by %(person)s") if again else _("Linked by %(person)s")
    return sentence % {"person": line.who}


def _counted(line: Line) -> str:
    count = {"count": line.count}
    if line.moment == Moment.REFRESHED:
        words = npgettext(
            "timeline", "Token refreshed", "Token refreshed %(count)s times", line.count
        )
    elif line.moment == Moment.NOT_REFRESHED:
        words = npgettext(
            "timeline", "Token could not be refreshed",
            "Token could not be refreshed, %(count)s tries", line.count,
        )  # fmt: skip
    elif line.moment == Moment.THROTTLED:
        words = npgettext("timeline", "Slowed down", "Slowed down %(count)s times", line.count)
    else:
        words = npgettext("timeline", "Pull refused", "Pull refused %(count)s times", line.count)
    return words % count


# --- cursors


def _write(at: datetime, told: int) -> str:
    return f"{(at - _EPOCH) // timedelta(microseconds=1):x}.{told:x}"


def _read(cursor: str) -> tuple[datetime | None, int]:
    """The moment to go on at, and how many lines of that very moment have been told."""
    if not cursor:
        return None, 0
    match = re.fullmatch(r"([0-9a-f]{1,13})\.([0-9a-f]{1,4})", cursor)
    if match is None:
        raise BadCursor(cursor[:40])
    return _EPOCH + timedelta(microseconds=int(match[1], 16)), int(match[2], 16)
