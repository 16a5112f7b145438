"""Reading again everything of a store that waits in quarantine."""

from __future__ import annotations

from datetime import datetime

from accounts.models import User
from platforms.flows.release_quarantined import ReadAgain, release_records
from platforms.models import Quarantined, QuarantineState
from platforms.quarantine.query import belonging_to
from tenants.models import Store

# A request of a person waits for this; what is left is read with the next press.
AT_ONCE = 200


def release_waiting(*, store: Store, user: User, now: datetime) -> ReadAgain:
    """Release the oldest AT_ONCE waiting records of `store`, those of its authorization whose
    store is unknown included. Safe to repeat."""
    waiting = Quarantined.objects.filter(belonging_to(store), state=QuarantineState.WAITING)
    pks = list(waiting.order_by("pk").values_list("pk", flat=True)[:AT_ONCE])
    return release_records(pks=pks, user=user, now=now)
