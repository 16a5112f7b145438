"""Pump jobs and kick(): with platforms/worker.py the only module that imports django_q.

The due table is the truth. A pump works through what is due; the queue only wakes pumps, so a
lost job costs at most a minute, and a doubled one finds nothing to do.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

from django.conf import settings
from django.db import DatabaseError, close_old_connections, connection, connections
from django.utils import timezone
from django_q.brokers import get_broker
from django_q.models import Schedule
from django_q.tasks import async_task, schedule
from redis import RedisError

from platforms import pull_engine, worker
from platforms.flows import count_nightly as counting
from platforms.flows import register_pushes as registering
from platforms.flows import replay as replaying
from platforms.flows import send_notices as sending
from platforms.flows import watch as watching
from platforms.flows import work_checks as checking
from platforms.flows import work_deliveries as delivering
from platforms.flows.retention import expire
from platforms.flows.scrub_buyers import scrub_buyers
from platforms.models import Authorization, Delivery
from platforms.refresh_engine import Engine
from tenants.models import Tenant
from tenants.scope import all_tenants, tenant_scope

logger = logging.getLogger(__name__)

THREADS = 8
PUMP_FOR_S = 120  # with the last batch's turns still below Q_CLUSTER's timeout
# Then the pumps that wait have their turn; refreshing tokens among them.
ORDERS_FOR_S = 30
QUEUE_FULL = 2 * settings.Q_CLUSTER["workers"]  # more that wait would find nothing to do

T = TypeVar("T")


def kick() -> None:
    """Wake the pumps now, because something has just become due. Never fails its caller."""
    _wake(pump_orders)


def _wake(pump: Callable[..., int]) -> None:
    try:
        broker = get_broker()
        if broker.queue_size() < QUEUE_FULL:
            async_task(pump, broker=broker)  # without it, another connection is made
    except (RedisError, DatabaseError, OSError) as exc:
        # The queue is away; the schedule comes within a minute once it is back.
        logger.warning("queue.unreachable", extra={"reason": type(exc).__name__})


def kick_deliveries() -> None:
    """Wake the pump of pushes. Never fails its caller."""
    _wake(pump_deliveries)


def kick_counts() -> None:
    """Wake the pump of nightly counts. Never fails its caller."""
    _wake(pump_counts)


def kick_checks() -> None:
    """Wake the pump of data checks. Never fails its caller."""
    _wake(pump_checks)


def kick_replays() -> None:
    """Wake the pump of replays. Never fails its caller."""
    _wake(pump_replays)


def ensure_schedules() -> None:
    """One schedule each, never one per store. Safe to repeat."""
    for name, func, minutes in (
        ("orders", "platforms.tasks.pump_orders", 1),
        ("refresh", "platforms.tasks.pump_refresh", 1),
        ("deliveries", "platforms.tasks.pump_deliveries", 1),
        ("retention", "platforms.tasks.pump_retention", 60),
        ("watch", "platforms.tasks.pump_watch", 1),
        ("checks", "platforms.tasks.pump_checks", 1),
        ("notices", "platforms.tasks.pump_notices", 1),
        ("replays", "platforms.tasks.pump_replays", 1),
        ("counts", "platforms.tasks.pump_counts", 10),
    ):
        if not Schedule.objects.filter(name=name).exists():
            schedule(func, name=name, schedule_type=Schedule.MINUTES, minutes=minutes)


def pump_orders(*, seconds: float = ORDERS_FOR_S, **_later: object) -> int:
    """Work through the streams that are due, and come again if there are more than that. Any
    number of workers may run this at once."""
    engine = pull_engine.Engine(
        threads=settings.PULL_THREADS, go_on=lambda: not worker.is_stopping()
    )
    done = engine.run(seconds=seconds)
    if not engine.is_done and not connection.in_atomic_block and not worker.is_stopping():
        kick()
    _tell(engine.bugs)
    return done


def pump_refresh(*, seconds: float = PUMP_FOR_S, **_later: object) -> int:
    """Refresh the tokens that are due. Any number of workers may run this at once."""
    engine = Engine(threads=settings.REFRESH_THREADS)
    done = engine.run(seconds=seconds)
    _tell(engine.bugs)
    return done.total()


def pump_deliveries(*, limit: int = 200, **_later: object) -> int:
    """Work on the pushes that came in, and ask marketplaces for pushes."""
    bugs: list[Exception] = []
    now = timezone.now()
    rows = delivering.claim_due(limit=limit, now=now)
    _work_through(work_on_one, rows, bugs)
    with all_tenants("claiming registrations that are due"):
        asked = registering.claim_due(now)
    _work_through(register_one, asked, bugs)
    _tell(bugs)
    return len(rows) + len(asked)


def work_on_one(delivery: Delivery) -> None:
    try:
        delivering.work_on(delivery=delivery, now=timezone.now())
    except Exception:
        delivering.give_up(delivery=delivery, now=timezone.now())
        raise


def register_one(authorization: Authorization) -> None:
    with tenant_scope(authorization.tenant_id):
        registering.register_pushes(authorization=authorization, now=timezone.now())


def pump_retention(**_later: object) -> int:
    """Forget raw payloads and attempts whose time is over, then buyers' data by each tenant's
    rules. What a turn does not reach is done by the next."""
    with all_tenants("retention is the same rule for every tenant"):
        gone = expire(now=timezone.now())
    ends = time.monotonic() + PUMP_FOR_S
    bugs: list[Exception] = []
    tenants = list(Tenant.objects.order_by("?"))  # so that none is always the last
    for tenant in tenants:
        _attempt(partial(scrub_one, ends), bugs, tenant)
    _tell(bugs)
    return gone


def scrub_one(ends: float, tenant: Tenant) -> None:
    if time.monotonic() < ends:
        scrub_buyers(
            tenant=tenant, now=timezone.now(), go_on=lambda: time.monotonic() < ends
        )  # fmt: skip


def pump_watch(*, limit: int = 500, **_later: object) -> int:
    """Tell what broke, what works again and what ends soon."""
    done, ends = 0, time.monotonic() + PUMP_FOR_S / 2  # a round may take half of it
    while True:
        told = watching.work(now=timezone.now(), limit=limit)
        done += told
        if told < limit or time.monotonic() > ends:
            return done


def pump_checks(*, patience_s: float = 20.0, **_later: object) -> int:
    """Work on the data checks that people asked for and on the nightly counts: one job at a
    time, so that the other workers stay with the pulls."""
    return checking.work(patience_s=patience_s)


def pump_counts(**_later: object) -> int:
    """Ask for the counts of the stores whose night has come."""
    return counting.ask_tonight(now=timezone.now())


def pump_replays(*, patience_s: float = 5.0, **_later: object) -> int:
    """Do again what people asked for, in turns."""
    return replaying.work(patience_s=patience_s)


def pump_notices(*, limit: int = 50, **_later: object) -> int:
    """Send the notices that are due, for `limit` recipients at a time."""
    done, ends = 0, time.monotonic() + PUMP_FOR_S
    bugs: list[Exception] = []
    while time.monotonic() < ends:
        batches = sending.claim_due(limit=limit, now=timezone.now())
        if not batches:
            break
        _work_through(send_one, batches, bugs)
        done += len(batches)
    _tell(bugs)
    return done


def send_one(batch: sending.Batch) -> None:
    sending.send_batch(batch=batch, now=timezone.now())


def _work_through(work: Callable[[T], object], rows: Sequence[T], bugs: list[Exception]) -> None:
    """Do `work` on every row; what it raises goes to `bugs`, so that one row that trips over a
    mistake of ours does not hold up the others. Its lease ends by itself."""
    if connection.in_atomic_block or len(rows) <= 1:
        for row in rows:  # inside a test's transaction other threads would see nothing
            _attempt(work, bugs, row)
        return
    with ThreadPoolExecutor(max_workers=min(THREADS, len(rows))) as pool:
        list(pool.map(partial(_and_hang_up, work, bugs), rows))


def _and_hang_up(work: Callable[[T], object], bugs: list[Exception], row: T) -> None:
    close_old_connections()
    try:
        _attempt(work, bugs, row)
    finally:
        connections.close_all()


def _attempt(work: Callable[[T], object], bugs: list[Exception], row: T) -> None:
    try:
        work(row)
    except Exception as exc:
        logger.exception("pump.tripped")
        bugs.append(exc)


def _tell(bugs: list[Exception]) -> None:
    """Let the queue mark the job as failed, after all the work is done."""
    if bugs:
        raise ExceptionGroup("some rows failed", bugs)
