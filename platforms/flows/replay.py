"""Replays: doing again what was done with a store's orders of a window.

Asked for by people, worked on by the pumps in bounded turns. A replay is claimed with a lease and
a fence; one whose worker died goes on from its position. All of it is safe to repeat.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

from django.db import IntegrityError, InterfaceError, OperationalError, connection, transaction
from django.db.models import F, Q
from django.utils import timezone

from accounts.models import User
from platforms import registry, tasks
from platforms.errors import Fault
from platforms.flows import replay_pull, replay_pushes, replay_read
from platforms.flows.pull_store import reach
from platforms.flows.start_streams import earliest
from platforms.models import Replay
from platforms.replays.hold import COUNTS, LEASE, Ended, Hold, LostLease, Stopped, Turn
from tenants.flows.record_event import record_event
from tenants.models import Outcome, Store, StoreState, Tenant
from tenants.scope import all_tenants, tenant_scope

logger = logging.getLogger(__name__)

LONGEST_DAYS = 366
TURN_S = 30.0
TAKES_NEW_FOR_S = 60.0  # with the last turn still below Q_CLUSTER's timeout
OPEN = (Replay.State.WAITING, Replay.State.RUNNING)
# Begun, and now waiting for the pumps that do the work: no worker is at it.
_RESTING = Q(kind=Replay.Kind.PULL, stream__isnull=False) | Q(
    kind=Replay.Kind.PUSHES, position=replay_pushes.ALL_DUE
)

_RUNS: Mapping[str, Callable[..., Ended | datetime]] = {
    Replay.Kind.PULL: replay_pull.run,
    Replay.Kind.READ: replay_read.run,
    Replay.Kind.PUSHES: replay_pushes.run,
}


class NotReplayable(Exception):
    """The store is not active, or its platform sends no pushes."""


class BadWindow(ValueError):
    """`reason`: empty, future, too_long, out_of_reach or too_fresh."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class AlreadyReplaying(Exception):
    """A replay of this store and kind waits or runs; it is `running`."""

    def __init__(self, running: Replay | None) -> None:
        super().__init__(str(running))
        self.running = running


def kinds_for(store: Store) -> list[Replay.Kind]:
    """What can be done again for `store` as it is now. What was received can always be read."""
    kinds = []
    if store.state == StoreState.ACTIVE and store.authorization_id is not None:
        kinds.append(Replay.Kind.PULL)
        if registry.get(store.platform).webhooks is not None:
            kinds.append(Replay.Kind.PUSHES)
    return [kind for kind in Replay.Kind if kind in kinds or kind == Replay.Kind.READ]


def start_replay(
    *, store: Store, kind: str, since: datetime, until: datetime, user: User | None,
    now: datetime, on_behalf: bool = False,
) -> Replay:  # fmt: skip
    """Ask for what happened in `since <= t < until` (aware) to be done again. `on_behalf`: by
    support. Raises NotReplayable, BadWindow, AlreadyReplaying."""
    if kind not in kinds_for(store):
        raise NotReplayable
    until = _checked(store, kind, since, until, now=now)
    with transaction.atomic():
        try:
            with transaction.atomic():
                replay = Replay.objects.create(
                    tenant_id=store.tenant_id, store=store, kind=kind, since=since, until=until,
                    asked_by=user, on_behalf=on_behalf, asked_at=now,
                )  # fmt: skip
        except IntegrityError:
            running = Replay.objects.filter(store=store, kind=kind, state__in=OPEN).first()
            raise AlreadyReplaying(running) from None
        _record("replay.started", replay, user, now=now, on_behalf=on_behalf, counted=False)
    transaction.on_commit(tasks.kick_replays)
    return replay


def _checked(
    store: Store, kind: str, since: datetime, until: datetime, *, now: datetime
) -> datetime:  # fmt: skip
    """The end of the window, at most what the platform answers for by now."""
    if since >= until:
        raise BadWindow("empty")
    if until > now:
        raise BadWindow("future")
    # Days of a year with the clock put back are an hour longer.
    if until - since > timedelta(days=LONGEST_DAYS, hours=2):
        raise BadWindow("too_long")
    if kind == Replay.Kind.PULL:
        if since < earliest(store, now):
            raise BadWindow("out_of_reach")
        until = reach(store, until=until, now=now)
        if since >= until:
            raise BadWindow("too_fresh")
    return until


def stop_replay(
    *, replay: Replay, user: User | None, now: datetime, on_behalf: bool = False
) -> bool:
    """End it: at once where no worker is at it, else at its next step. False if it is over, or
    was asked to stop before."""
    with transaction.atomic():
        row = Replay.objects.select_for_update(of=("self",)).select_related("store__tenant").get(
            pk=replay.pk
        )  # fmt: skip
        if row.state not in OPEN or row.stop_asked:
            return False
        row.stop_asked = True
        resting = Replay.objects.filter(_RESTING, pk=row.pk).exists()
        if resting or row.leased_until is None or row.leased_until <= now:
            # The fence first: whoever still looks after it writes nothing any more.
            row.fence, row.state = row.fence + 1, Replay.State.STOPPED
            row.finished_at, row.leased_until = now, None
            _end_pull(row, now=now)
            row.refresh_from_db(fields=COUNTS)
        row.save(update_fields=["stop_asked", "fence", "state", "finished_at", "leased_until"])
        _record("replay.stopped", row, user, now=now, on_behalf=on_behalf)
    return True


def _end_pull(replay: Replay, *, now: datetime) -> None:
    if replay.kind == Replay.Kind.PULL and replay.stream_id is not None:
        replay_pull.end_pull(replay, now=now)
        Replay.objects.filter(pk=replay.pk).update(**replay_pull.sums(replay))


def look_again(replay: Replay) -> None:
    """Wake the pump if what the replay waits for is over; its next look may be a minute away."""
    stream = replay.stream
    if replay.state == Replay.State.RUNNING and stream is not None and stream.finished_at:
        tasks.kick_replays()


def work(*, patience_s: float = 5.0) -> int:
    """Work on what is due, in turns; how many were taken. Waits up to `patience_s` for replays
    whose pulls or pushes others are at. Any number of workers may do this at once."""
    turns, began = 0, time.monotonic()
    if connection.in_atomic_block:  # inside a test's transaction nobody else works
        patience_s = 0.0
    while time.monotonic() - began < TAKES_NEW_FOR_S:
        replay = claim(now=timezone.now())
        if replay is not None:
            work_on(replay)
            turns += 1
        elif time.monotonic() - began >= patience_s or not _waits_for_others():
            return turns
        else:
            time.sleep(0.5)
    if _due(timezone.now()):
        tasks.kick_replays()
    return turns


def claim(*, now: datetime) -> Replay | None:
    """Lease one that waits, can go on, or has lost its worker: first who had no turn yet, then
    who had it the longest ago. Of one tenant one at a time."""
    with all_tenants("claiming replays"), transaction.atomic():
        due = Replay.objects.filter(_free(now), state__in=OPEN)
        tenants = set(due.values_list("tenant_id", flat=True)[:500])
        if not tenants:
            return None
        # One claimer at a time for each tenant, or two would take two of the same.
        list(Tenant.objects.select_for_update(no_key=True).filter(pk__in=tenants).order_by("pk"))
        busy = Replay.objects.filter(tenant__in=tenants, state=Replay.State.RUNNING)
        busy = busy.exclude(_free(now)).exclude(_RESTING)
        order = (F("leased_until").asc(nulls_first=True), "asked_at", "pk")
        free = due.filter(tenant__in=tenants).exclude(tenant__in=busy.values("tenant"))
        if connection.features.has_select_for_update_skip_locked:
            # A holder whose lease ran out may be writing how far it is; who stops or ends a
            # replay locks its row before the tenant's.
            free = free.select_for_update(of=("self",), skip_locked=True)
        replay = free.order_by(*order).first()
        return _lease(replay, now=now) if replay is not None else None


def claim_this(replay: Replay, *, now: datetime) -> Replay | None:
    """Lease this one, out of turn; None while another worker has it."""
    with transaction.atomic():
        rows = Replay.objects.select_for_update().filter(pk=replay.pk, state__in=OPEN)
        row = rows.filter(_free(now) | _RESTING).first()
        return _lease(row, now=now) if row is not None else None


def _lease(replay: Replay, *, now: datetime) -> Replay:
    replay.state, replay.fence = Replay.State.RUNNING, replay.fence + 1
    replay.leased_until, replay.started_at = now + LEASE, replay.started_at or now
    replay.save(update_fields=["state", "fence", "leased_until", "started_at"])
    return replay


def work_on(replay: Replay, *, seconds: float = TURN_S) -> None:
    """One turn of a claimed replay. A mistake of ours ends it as failed; where the database is
    away, the lease ends by itself and another worker goes on."""
    with tenant_scope(replay.tenant_id):
        hold = Hold(replay)
        try:
            ended = _run(hold, seconds)
            if isinstance(ended, Ended):
                _finish(hold, ended)
            else:
                hold.let_go(until=ended)
        except LostLease:
            logger.warning("replay.lost_lease", extra={"replay_id": replay.pk})
        except (OperationalError, InterfaceError):
            logger.exception("replay.tripped", extra={"replay_id": replay.pk})


def _run(hold: Hold, seconds: float) -> Ended | datetime:
    try:
        return _RUNS[hold.replay.kind](hold, Turn(seconds), now=timezone.now())
    except Stopped:
        return Ended(state=Replay.State.STOPPED)
    except (LostLease, OperationalError, InterfaceError):
        raise
    except Exception:
        logger.exception("replay.tripped", extra={"replay_id": hold.replay.pk})
        return Ended(state=Replay.State.FAILED, fault=Fault.UNKNOWN)


def fail(replay: Replay, *, fault: str, now: datetime) -> None:
    """End a claimed replay with what the platform said. Raises LostLease."""
    _finish(Hold(replay), Ended(state=Replay.State.FAILED, fault=fault), now=now)


def _finish(hold: Hold, ended: Ended, *, now: datetime | None = None) -> None:
    now = now or timezone.now()
    with transaction.atomic():
        hold.finish(ended, now=now)
        row = Replay.objects.select_related("store__tenant", "asked_by").get(pk=hold.replay.pk)
        _end_pull(row, now=now)
        if ended.state == Replay.State.STOPPED:
            return  # the trail has it since it was asked for
        row.refresh_from_db(fields=COUNTS)
        outcome = Outcome.DONE if ended.state == Replay.State.DONE else Outcome.FAILED
        _record(
            "replay.finished", row, row.asked_by, now=now, on_behalf=row.on_behalf, outcome=outcome
        )


def _free(now: datetime) -> Q:
    return Q(leased_until=None) | Q(leased_until__lte=now)


def _due(now: datetime) -> bool:
    with all_tenants("looking for more to do"):
        return Replay.objects.filter(_free(now), state__in=OPEN).exists()


def _waits_for_others() -> bool:
    with all_tenants("looking for more to do"):
        return Replay.objects.filter(_RESTING, state=Replay.State.RUNNING).exists()


def _record(
    verb: str, replay: Replay, user: User | None, *, now: datetime, on_behalf: bool,
    outcome: Outcome = Outcome.DONE, counted: bool = True,
) -> None:  # fmt: skip
    detail: dict[str, object] = {
        "kind": str(replay.kind),
        "since": replay.since.astimezone(UTC).isoformat(timespec="seconds"),
        "until": replay.until.astimezone(UTC).isoformat(timespec="seconds"),
    }
    if counted:
        detail |= {name: getattr(replay, name) for name in COUNTS}
    record_event(
        tenant=replay.store.tenant, verb=verb, actor=user, now=now, target=replay.store,
        outcome=outcome, on_behalf=on_behalf, detail=detail,
    )  # fmt: skip
