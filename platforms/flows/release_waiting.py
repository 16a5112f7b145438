"""Reading again everything of a store that waits in quarantine."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from accounts.models import User
from platforms.flows.release_quarantined import release_quarantined
from platforms.models import Quarantined, QuarantineState
from tenants.models import Store

# A request of a person waits for this; what is left is read with the next press.
AT_ONCE = 200


@dataclass(frozen=True, kw_only=True)
class ReadAgain:
    """How many records landed, and how many still cannot be read."""

    landed: int = 0
    unreadable: int = 0


def release_waiting(*, store: Store, user: User, now: datetime) -> ReadAgain:
    """Release the oldest AT_ONCE waiting records of `store`, those of its authorization whose
    store is unknown included. Safe to repeat."""
    mine = Q(store=store)
    if store.authorization_id is not None:
        mine |= Q(store=None, stream__authorization_id=store.authorization_id)
    waiting = Quarantined.objects.filter(mine, state=QuarantineState.WAITING).order_by("pk")
    landed = unreadable = 0
    for record in waiting[:AT_ONCE]:
        released = release_quarantined(record=record, user=user, now=now)
        landed += released.landed is not None
        unreadable += bool(released.unreadable)
    return ReadAgain(landed=landed, unreadable=unreadable)
