"""Data checks, worked on by one job at a time, a few side by side: those that people asked for
first, then the nightly counts (platforms/flows/count_nightly.py), which never take all places.

A check is claimed with a lease and a fence. A run whose worker died is ended as failed by the
next one, with what was measured; it never runs twice at once.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from datetime import datetime

from django.db import (
    IntegrityError,
    close_old_connections,
    connection,
    connections,
    transaction,
)
from django.db.models import Case, F, Q, When
from django.utils import timezone

from accounts.models import User
from platforms import tasks, vault
from platforms.data_checks.hold import LEASE, Hold, LostLease, is_paused
from platforms.data_checks.nightly import NIGHTLY, UNDER_WAY, is_nightly
from platforms.errors import Fault, PlatformError
from platforms.flows import reconcile_counts, stress_test
from platforms.models import DataCheck
from tenants.flows.record_event import record_event
from tenants.models import Store, StoreState, Tenant
from tenants.scope import all_tenants, tenant_scope

logger = logging.getLogger(__name__)

AT_ONCE = 6  # in one job; each stress test has threads of its own
NIGHTLY_AT_ONCE = 3
A_TENANT = 2
TAKES_NEW_FOR_S = 60.0  # with the longest test after it still below Q_CLUSTER's timeout

State = DataCheck.State


class NotCheckable(Exception):
    """The store is not active: there is nothing to ask the platform with."""


class AlreadyChecking(Exception):
    """A check of this store waits or runs; one at a time."""


def start_check(
    *, store: Store, kind: str, asked: Mapping[str, object], user: User | None, now: datetime
) -> DataCheck:
    """Ask for a check. `asked` of a stress test: concurrency, seconds, calls; of a count
    reconciliation: since and until, ISO times. Raises NotCheckable, AlreadyChecking."""
    if store.state != StoreState.ACTIVE or store.authorization is None:
        raise NotCheckable
    with transaction.atomic():
        _make_way(store, now=now)
        try:
            with transaction.atomic():
                check = DataCheck.objects.create(
                    tenant_id=store.tenant_id, store=store, kind=kind, asked=dict(asked),
                    asked_by=user, created_at=now,
                )  # fmt: skip
        except IntegrityError:
            raise AlreadyChecking from None
        record_event(
            tenant=store.tenant, verb="check.started", actor=user, now=now, target=store,
            detail={"kind": kind, **asked},
        )  # fmt: skip
    transaction.on_commit(tasks.kick_checks)
    return check


def _make_way(store: Store, *, now: datetime) -> None:
    """End the store's nightly count if nobody works on it just now: it is asked for again later
    in the night."""
    # Nobody claims it meanwhile, see claim_due.
    Tenant.objects.select_for_update(no_key=True).get(pk=store.tenant_id)
    for check in DataCheck.objects.filter(UNDER_WAY, NIGHTLY, store=store):
        if check.state == State.WAITING or is_paused(check):
            DataCheck.objects.filter(pk=check.pk).update(
                state=State.STOPPED, finished_at=now, leased_until=None, fence=F("fence") + 1
            )


def stop_check(*, check: DataCheck, user: User | None, now: datetime) -> bool:
    """End it at its next step, or at once if nobody works on it; False if it is over already."""
    with transaction.atomic():
        row = DataCheck.objects.select_for_update().select_related("store__tenant").get(pk=check.pk)
        if row.state not in (State.WAITING, State.RUNNING) or row.stop_asked:
            return False
        changes: dict[str, object] = {"stop_asked": True}
        if row.state == State.WAITING:
            changes |= {"state": State.STOPPED, "finished_at": now}
        elif is_paused(row):
            changes["leased_until"] = now
        DataCheck.objects.filter(pk=row.pk).update(**changes)
        record_event(
            tenant=row.store.tenant, verb="check.stopped", actor=user, now=now, target=row.store,
            detail={"kind": row.kind},
        )  # fmt: skip
    transaction.on_commit(tasks.kick_checks)
    return True


def work(*, limit: int = AT_ONCE, patience_s: float = 20.0) -> int:
    """Work on what waits until nothing does, up to `limit` side by side; how many turns were
    taken. Does nothing while another job is at it: pulls need the other workers."""
    if _another_job_works(timezone.now()):
        return 0
    if connection.in_atomic_block:  # inside a test's transaction other threads would see nothing
        turns = 0
        while due := claim_due(limit=1, now=timezone.now()):
            work_on(due[0], patience_s=patience_s)
            turns += 1
        return turns
    turns, nightly, ends = 0, 0, time.monotonic() + TAKES_NEW_FOR_S
    under_way: set[Future[None]] = set()
    with ThreadPoolExecutor(max_workers=limit) as pool:
        while True:
            free = limit - len(under_way)
            if free and time.monotonic() < ends:
                for check in claim_due(limit=free, now=timezone.now()):
                    under_way.add(pool.submit(_in_thread, check, patience_s))
                    turns += 1
                    nightly += is_nightly(check)
            if not under_way:
                if nightly:
                    tasks.kick_counts()  # there is room for more
                return turns
            finished, under_way = wait(under_way, timeout=0.5, return_when=FIRST_COMPLETED)
            for each in finished:
                each.result()


def claim_due(*, limit: int, now: datetime) -> list[DataCheck]:
    """Lease up to `limit` checks that wait, can go on, or have lost their worker; nightly ones
    last. Of one tenant no more than two are under way at once, and no nightly one counts when
    people's are chosen."""
    free = Q(leased_until=None) | Q(leased_until__lte=now)
    with all_tenants("claiming data checks"), transaction.atomic():
        waiting = DataCheck.objects.filter(UNDER_WAY).filter(free)
        tenants = set(waiting.values_list("tenant_id", flat=True)[:500])
        if not tenants:
            return []
        # One claimer at a time for each tenant, or two would count the same free places.
        list(Tenant.objects.select_for_update(no_key=True).filter(pk__in=tenants).order_by("pk"))
        places = _Places(free)
        claimed: list[DataCheck] = []
        for check in waiting.filter(tenant__in=tenants).order_by(*_TURNS)[:500]:
            if len(claimed) < limit and places.take(check):
                claimed.append(_claim(check, now=now))
    return claimed


# People's before nightly ones, and of those the ones first that have not had a turn: a count that
# takes hours at its platform's pace must not hold up the others.
_TURNS = (
    Case(When(NIGHTLY, then=1), default=0),
    Case(When(NIGHTLY, then=F("leased_until"))).asc(nulls_first=True),
    "created_at",
    "pk",
)


class _Places:
    """Who has how many checks under way. Paused ones take up no worker."""

    def __init__(self, free: Q) -> None:
        running = list(
            DataCheck.objects.filter(state=State.RUNNING)
            .exclude(free)
            .only("tenant_id", "asked", "progress")
        )
        by_night = [each.tenant_id for each in running if is_nightly(each) and not is_paused(each)]
        self.asked_for = Counter(check.tenant_id for check in running if not is_nightly(check))
        self.all = self.asked_for + Counter(by_night)
        self.nightly = len(by_night)

    def take(self, check: DataCheck) -> bool:
        """Whether there is a place for `check`, which then has it."""
        tenant = check.tenant_id
        if is_nightly(check):
            if self.nightly >= NIGHTLY_AT_ONCE or self.all[tenant] >= A_TENANT:
                return False
            self.nightly += 1
        elif self.asked_for[tenant] >= A_TENANT:
            return False
        else:
            self.asked_for[tenant] += 1
        self.all[tenant] += 1
        return True


def _claim(check: DataCheck, *, now: datetime) -> DataCheck:
    check.died = check.state == State.RUNNING and not is_paused(check)  # type: ignore[attr-defined]
    DataCheck.objects.filter(pk=check.pk).update(
        state=State.RUNNING, fence=F("fence") + 1, leased_until=now + LEASE,
        started_at=check.started_at or now,
    )  # fmt: skip
    check.state, check.fence, check.started_at = State.RUNNING, check.fence + 1, (
        check.started_at or now
    )  # fmt: skip
    return check


def work_on(check: DataCheck, *, patience_s: float = 20.0) -> None:
    """One turn of a claimed check. What the platform does is written into it; a mistake of ours
    ends it as failed and is raised."""
    with tenant_scope(check.tenant_id):
        hold = Hold(check)
        try:
            if getattr(check, "died", False):
                _bury(check, hold)
            elif not _is_checkable(check):
                _fail(check, hold, ended="unlinked")
            elif check.kind == DataCheck.Kind.STRESS:
                stress_test.run(check, hold)
            else:
                reconcile_counts.run(check, hold, patience_s=patience_s)
        except LostLease:
            logger.warning("check.lost_lease", extra={"check_id": check.pk})
        except (PlatformError, reconcile_counts.TooMany) as exc:
            report = reconcile_counts.failed_report(check, exc)
            fault = exc.fault if isinstance(exc, PlatformError) else ""
            hold.finish(State.FAILED, report, now=timezone.now(), fault=fault)
        except vault.Unopenable:
            _fail(check, hold, ended="failing", fault=Fault.UNKNOWN)
        except Exception:
            _fail(check, hold, ended="failing", fault=Fault.UNKNOWN)
            raise


def _bury(check: DataCheck, hold: Hold) -> None:
    """Its worker is gone: keep what it had told."""
    logger.warning("check.died", extra={"check_id": check.pk})
    report = {**_measured(check), "ended": "died", "verdict": "died"}
    hold.finish(State.FAILED, report, now=timezone.now())


def _fail(check: DataCheck, hold: Hold, *, ended: str, fault: str = "") -> None:
    report = {**_measured(check), "ended": ended, "verdict": ended}
    hold.finish(State.FAILED, report, now=timezone.now(), fault=fault)


def _measured(check: DataCheck) -> dict[str, object]:
    """What the check had told before it ended: a stress test its figures, a count how far."""
    told = check.progress.get("so_far")
    return told if isinstance(told, dict) else {"so_far": check.progress}


def _is_checkable(check: DataCheck) -> bool:
    store = Store.objects.filter(pk=check.store_id, state=StoreState.ACTIVE)
    return store.exclude(authorization=None).exists()


def _another_job_works(now: datetime) -> bool:
    with all_tenants("one job at a time for all tenants"):
        leased = DataCheck.objects.filter(state=State.RUNNING, leased_until__gt=now)
        return any(not is_paused(check) for check in leased.only("progress")[:200])


def _in_thread(check: DataCheck, patience_s: float) -> None:
    close_old_connections()
    try:
        work_on(check, patience_s=patience_s)
    except Exception:
        logger.exception("check.tripped")
    finally:
        connections.close_all()
