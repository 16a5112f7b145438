"""Which orders the counts of a store found to differ."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.utils.translation import gettext_lazy, pgettext_lazy

from platforms.models import DataCheck, DayCount, Order
from platforms.spec import Text
from tenants.models import Store

MOST_SHOWN = 200

_WHAT: Mapping[str, Text] = {
    "missing": gettext_lazy("missing"),
    "different": gettext_lazy("out of date"),
    "extra": gettext_lazy("only here"),
}
_NOW: Mapping[str, Text] = {
    "open": gettext_lazy("still open"),
    "since": gettext_lazy("here by now"),
    "healed": gettext_lazy("put right"),
    "kept": pgettext_lazy("an order", "kept"),
}


@dataclass(frozen=True, kw_only=True)
class Differing:
    """An order that differed when its day was counted last. `public_id` is of our row, if any."""

    number: str
    day: str
    kind: str  # missing, different, extra
    state: str  # open, since, healed, kept
    public_id: UUID | None
    check: DataCheck

    @property
    def what(self) -> str:
        return str(_WHAT[self.kind])

    @property
    def now(self) -> str:
        return str(_NOW[self.state])

    @property
    def tone(self) -> str:
        return {"open": "bad", "kept": "neutral"}.get(self.state, "good")


def numbers_of(store: Store, counts: Iterable[DayCount]) -> list[Differing]:
    """The orders that differ on these days, open ones first, then by day, the newest first; at
    most MOST_SHOWN. Numbers are for operators of the store only. Two queries."""
    days: dict[int, set[str]] = {}
    for count in counts:
        if count.data_check_id and (count.missing or count.different or count.extra):
            days.setdefault(count.data_check_id, set()).add(count.day.isoformat())
    found = [
        line
        for check in DataCheck.objects.filter(pk__in=days)
        for line in _lines(check, check.report or {}, days[check.pk])
    ]
    found.sort(key=lambda line: line.number)
    found.sort(key=lambda line: line.day, reverse=True)
    found.sort(key=lambda line: line.state != "open")
    found = found[:MOST_SHOWN]
    ours = dict(
        Order.objects.filter(store=store, number__in=[line.number for line in found])
        .values_list("number", "public_id")
    )  # fmt: skip
    return [_with_ours(line, ours.get(line.number)) for line in found]


def _lines(check: DataCheck, report: Mapping[str, Any], days: set[str]) -> Iterable[Differing]:
    numbers = report.get("numbers") or {}
    day_of = report.get("day_of") or {}
    still = set(numbers.get("still", ()))
    for kind in _WHAT:
        for number in numbers.get(kind, ()):
            if day_of.get(number) not in days:
                continue  # counted anew since
            state = "kept" if kind == "extra" else "open" if number in still else "healed"
            yield Differing(
                number=number, day=day_of[number], kind=kind, state=state, public_id=None,
                check=check,
            )  # fmt: skip


def _with_ours(line: Differing, public_id: UUID | None) -> Differing:
    came = line.kind == "missing" and line.state == "open" and public_id is not None
    return Differing(
        number=line.number, day=line.day, kind=line.kind, state="since" if came else line.state,
        public_id=public_id, check=line.check,
    )  # fmt: skip
