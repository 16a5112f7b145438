"""What a report is made of, and how figures are written on it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from django.utils import timezone
from django.utils.formats import date_format, number_format

from platforms.data_checks.charts import Chart
from platforms.data_checks.words import Verdict


@dataclass(frozen=True, kw_only=True)
class Figure:
    label: str
    value: str
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Table:
    """The first column is a text; the others are figures, or texts where not `is_numeric`."""

    title: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str | int, ...], ...]
    note: str = ""
    is_numeric: bool = True


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """Everything in the reader's language and time zone."""

    title: str
    company: str
    store: str
    platform: str
    made: str  # when, with the zone
    about: tuple[Figure, ...]  # what was asked
    verdict: Verdict
    figures: tuple[Figure, ...]  # the few that matter
    details: tuple[Figure, ...]
    charts: tuple[Chart, ...]
    tables: tuple[Table, ...]
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Parts:
    """What the figures of one kind of check come to; see Sheet."""

    figures: tuple[Figure, ...] = ()
    details: tuple[Figure, ...] = ()
    charts: tuple[Chart, ...] = ()
    tables: tuple[Table, ...] = ()


def moment(at: datetime | str | None, zone: ZoneInfo | None = None, *, bare: bool = False) -> str:
    """A date and time with the name of its zone, the reader's by default; "–" for none. `bare`
    leaves the name out."""
    if not at:
        return "–"
    parsed = datetime.fromisoformat(at) if isinstance(at, str) else at
    local = timezone.localtime(parsed, zone) if zone else timezone.localtime(parsed)
    words = date_format(local, "DATETIME_FORMAT")
    return words if bare else f"{words} ({local.tzinfo})"


def whole(value: float | None) -> str:
    return "–" if value is None else number_format(int(value), use_l10n=True, force_grouping=True)
