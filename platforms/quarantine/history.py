"""Who settled a record, and what else was done to it, from the audit trail."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q
from django.utils.translation import gettext as _

from platforms.models import Quarantined, QuarantineState
from tenants.models import Event
from tenants.verbs import sentence

# An act on many leaves one event, of the very moment at which its records were settled.
_OF_MANY = ("quarantine.many_released", "quarantine.many_dismissed")
_SETTLING = ("quarantine.released", "quarantine.dismissed", *_OF_MANY)
LONGEST = 20


@dataclass(frozen=True, kw_only=True)
class Entry:
    at: datetime
    who: str
    what: str


def settled_by(records: Iterable[Quarantined]) -> dict[int, str]:
    """Who settled which record, by pk; those that nobody did are not there. One query."""
    settled = {row.pk: row for row in records if row.settled_at is not None}
    if not settled:
        return {}
    moments = {row.settled_at for row in settled.values()}
    events = Event.objects.filter(at__in=moments, verb__in=_SETTLING)
    names: dict[tuple[datetime, str], str] = {}
    for at, verb, target_id, name in events.values_list("at", "verb", "target_id", "actor_name"):
        names[at, "" if verb in _OF_MANY else target_id] = name
    found = {}
    for pk, row in settled.items():
        assert row.settled_at is not None
        own = names.get((row.settled_at, str(row.public_id)))
        name = own or names.get((row.settled_at, ""))
        if name:
            found[pk] = name
    return found


def history(record: Quarantined) -> list[Entry]:
    """What became of the record, newest first."""
    mine = Q(target_id=str(record.public_id), target_type="quarantined")
    if record.settled_at is not None:
        mine |= Q(at=record.settled_at, verb__in=_OF_MANY)
    events = Event.objects.filter(mine, verb__startswith="quarantine.", at__gte=record.created_at)
    entries = [
        Entry(at=event.at, who=event.actor_name, what=sentence(event))
        for event in events.order_by("-at", "-sequence")[:LONGEST]
    ]
    if record.state == QuarantineState.EXPIRED and record.settled_at is not None:
        entries.insert(0, Entry(at=record.settled_at, who="", what=_("Emptied by retention.")))
    return [
        *entries,
        Entry(at=record.created_at, who="", what=_("Came from the platform; kept whole.")),
    ]


def note_words(note: str) -> str:
    """The note of whoever settled it; what we settle by ourselves is noted in our words."""
    if note == "retention":
        return _("The time for which the data may be kept was over.")
    if note == "erased at the marketplace's order":
        return _("The marketplace asked us to erase this buyer's data.")
    return note
