"""A replay of pushes: those that are still kept become due again, and their pump works on them.

Pushes from before the last consent are left out: they tell of a permission that is no more, and
would end the one of today, or erase what it brought.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Count, Max, QuerySet

from platforms import tasks
from platforms.models import Consent, Delivery, DeliveryState, Replay
from platforms.replays.hold import Ended, Hold, Turn
from tenants.models import Store, StoreState

BATCH = 500
LOOK_AGAIN = timedelta(seconds=2)
ALL_DUE = "due"  # the position when there is no more to be made due


def run(hold: Hold, turn: Turn, *, now: datetime) -> Ended | datetime:
    """Make them due, then wait until all have been worked on. The end, or when to go on.
    Raises LostLease, Stopped."""
    replay = hold.replay
    store = Store.objects.select_related("authorization", "tenant").get(pk=replay.store_id)
    while replay.position != ALL_DUE:
        hold.look_for_stop()
        if store.state != StoreState.ACTIVE:
            return Ended(state=Replay.State.FAILED)
        _make_due(hold, now=now)
        if turn.is_over:
            return now
    hold.look_for_stop()
    states = _count(replay)
    hold.keep(now=now, **_told(states))
    if states.get(DeliveryState.WAITING):
        return now + LOOK_AGAIN
    return Ended(state=Replay.State.DONE)


def deliveries_of(replay: Replay) -> QuerySet[Delivery]:
    """The pushes of the window that are still kept and belong to the permission of today."""
    authorization = replay.store.authorization_id
    consents = Consent.objects.filter(authorization=authorization)
    since = max(replay.since, consents.aggregate(last=Max("at"))["last"] or replay.since)
    return Delivery.objects.filter(
        authorization=authorization, received_at__gte=since, received_at__lt=replay.until,
        body__isnull=False,
    )  # fmt: skip


def _make_due(hold: Hold, *, now: datetime) -> None:
    replay = hold.replay
    with transaction.atomic():
        hold.keep(now=now)
        left = deliveries_of(replay).filter(pk__gt=int(replay.position or 0)).order_by("pk")
        rows = list(left.values_list("pk", flat=True)[:BATCH])
        Delivery.objects.filter(pk__in=rows).exclude(state=DeliveryState.WAITING).update(
            state=DeliveryState.WAITING, due_at=now, tries=0
        )
        hold.count(now=now, position=str(rows[-1]) if rows else ALL_DUE, seen=len(rows))
        transaction.on_commit(tasks.kick_deliveries)


def _count(replay: Replay) -> dict[str, int]:
    return dict(
        deliveries_of(replay).values_list("state").annotate(Count("pk")).values_list(
            "state", "pk__count"
        )
    )  # fmt: skip


def _told(states: dict[str, int]) -> dict[str, int]:
    """Which of them brought something about, did not, and could not be worked on."""
    return {
        "updated": states.get(DeliveryState.DONE, 0),
        "unchanged": states.get(DeliveryState.IGNORED, 0),
        "quarantined": states.get(DeliveryState.FAILED, 0),
    }
