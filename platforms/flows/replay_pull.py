"""A replay that asks the platform again: a closed window like a back-fill's, read anew."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Sum

from platforms import tasks
from platforms.flows.pull_store import window_streams
from platforms.models import PullRun, Replay, Stream
from platforms.replays.hold import COUNTS, Ended, Hold, Turn
from tenants.models import Store, StoreState

LOOK_AGAIN = timedelta(seconds=2)


def run(hold: Hold, turn: Turn, *, now: datetime) -> Ended | datetime:
    """Begin the pull, or look how far it is: the pumps of the pulls do the work. The end, or
    when to look again. Raises LostLease, Stopped."""
    replay = hold.replay
    store = Store.objects.select_related("authorization", "tenant").get(pk=replay.store_id)
    hold.look_for_stop()
    if replay.stream_id is None and store.state == StoreState.ACTIVE:
        _begin(hold, store, now=now)
    stream = Stream.objects.filter(pk=replay.stream_id).first()
    if stream is not None:
        hold.keep(now=now, fault=stream.fault, **sums(replay))
        if stream.finished_at is not None:
            return _ended(stream)
    if store.state != StoreState.ACTIVE or stream is None:
        end_pull(replay, now=now)
        grant = store.authorization
        return Ended(
            state=Replay.State.FAILED, fault=replay.fault or (grant.fault if grant else "")
        )
    # One that stood still while its store was away goes on with it.
    Stream.objects.filter(pk=stream.pk, due_at=None, finished_at=None).update(due_at=now)
    return now + LOOK_AGAIN


def sums(replay: Replay) -> Mapping[str, int]:
    """What the pulls of this replay came to so far."""
    runs = PullRun.objects.filter(stream_id=replay.stream_id, started_at__gte=replay.started_at)
    found = runs.aggregate(**{name: Sum(name) for name in COUNTS})
    return {name: found[name] or 0 for name in COUNTS}


def end_pull(replay: Replay, *, now: datetime) -> None:
    """No further page is asked for; a worker that is at it writes nothing any more."""
    Stream.objects.filter(pk=replay.stream_id, finished_at=None).update(
        finished_at=now, due_at=None, leased_until=None, fence=F("fence") + 1
    )


def _begin(hold: Hold, store: Store, *, now: datetime) -> None:
    replay = hold.replay
    with transaction.atomic():
        (stream,) = window_streams([store], since=replay.since, until=replay.until)
        # The same window may be under way for another reason: it begins anew.
        Stream.objects.filter(pk=stream.pk, reread=False).update(
            reread=True, watermark=F("starts_at"), window_until=None, cursor="",
            fence=F("fence") + 1, leased_until=None,
        )  # fmt: skip
        Stream.objects.filter(pk=stream.pk).update(due_at=now)
        hold.keep(now=now, stream=stream)
        transaction.on_commit(tasks.kick)


def _ended(stream: Stream) -> Ended:
    """A stream is also finished when its store is unlinked."""
    assert stream.ends_at is not None
    whole = stream.watermark >= stream.ends_at
    return Ended(state=Replay.State.DONE if whole else Replay.State.FAILED)
