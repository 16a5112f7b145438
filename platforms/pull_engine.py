"""Pulling all that is due: many threads ask, one writer lands what they bring.

Any number of processes may run an engine at once. A thread takes one stream through its turn
(platforms/pulling/turn.py) and hands over page after page; the thread that runs the engine claims
streams, writes the pages of many of them in one transaction, and claims again when threads are
free. Threads wait while too many pages are on their way, so memory stays flat.
"""

from __future__ import annotations

import logging
import queue
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import (
    DatabaseError,
    InterfaceError,
    OperationalError,
    close_old_connections,
    connection,
    connections,
)
from django.utils import timezone

from platforms import ratelimit, vault
from platforms.errors import Fault, PlatformError, platform_error
from platforms.flows import pull_orders as pulling
from platforms.flows.refresh import OUTAGES, open_channel
from platforms.models import Authorization, Lane, Stream
from platforms.pacing import Pace
from platforms.patience import patiently
from platforms.pulling.turn import Fetched, Turn
from platforms.pulling.write import write_pages
from platforms.ratelimit import Turns
from platforms.spec import Account, AppKeys, Limit
from platforms.traffic import CallBook
from tenants.models import Store, StoreState
from tenants.scope import all_tenants, tenant_scope

logger = logging.getLogger(__name__)

PAGES_ON_THE_WAY = 4
FULL_PAGES = 6  # being fetched and read at a time; each takes a few megabytes
ROWS_AT_ONCE = 1_000  # of one transaction
STREAMS_AT_ONCE = 100
LOOK_AGAIN_S = 1.0
COUNT_AT = 200  # counts of calls are written when there are so many
# While rows are written, the others give way sooner than after Python's own five milliseconds: the
# one thread that writes needs the interpreter again after each answer of the database.
SWITCH_INTERVAL_S = 0.001
BACK_FILL_SHARE = 4  # a quarter of the threads at most
# A stream as far behind as this brings full pages, of which few are read at a time: what more of
# them one process claimed would wait there, while another has nothing to do.
FAR_BEHIND = timedelta(hours=6)
MOST_FAR_BEHIND = 8


@dataclass(frozen=True, kw_only=True)
class Job:
    """A claimed stream with all that its turn needs, so that a quiet store costs its thread no
    statement at all."""

    turn: Turn
    keys: Mapping[int, bytes]
    held: dict[str, Limit] = field(default_factory=dict)  # buckets a call was taken from
    is_far_behind: bool = False

    @property
    def platform(self) -> str:
        return self.turn.stream.authorization.platform

    @property
    def lane(self) -> int:
        return self.turn.stream.lane


class _FullPage:
    """Entered before a full page is asked for: there must be room for it on its way. The room is
    given back by whoever writes the page."""

    def __init__(self, at_once: int, room: threading.Semaphore) -> None:
        self._permits, self._room = threading.Semaphore(at_once), room

    def __enter__(self) -> None:
        self._permits.acquire()
        self._room.acquire()

    def __exit__(self, kind: object, *_exc: object) -> None:
        self._permits.release()
        if kind is not None:
            self._room.release()


@dataclass(kw_only=True)
class Engine:
    """One run of many pulls in this process."""

    threads: int
    go_on: Callable[[], bool] = lambda: True  # asked before each claim
    bugs: list[Exception] = field(default_factory=list)
    done: int = 0
    is_done: bool = False  # nothing was due any more
    seen: int = 0  # records
    _paces: dict[str, Pace] = field(default_factory=dict)
    _busy: Counter[str] = field(default_factory=Counter)  # platform -> threads at work
    _back_fills: int = 0
    _far_behind: int = 0
    _book: CallBook = field(default_factory=CallBook)
    _todo: queue.SimpleQueue[Job | None] = field(default_factory=queue.SimpleQueue)
    _on_the_way: queue.Queue[Fetched | Job] = field(default_factory=queue.Queue)
    _room: threading.Semaphore = field(
        default_factory=lambda: threading.Semaphore(PAGES_ON_THE_WAY)
    )
    _started: list[threading.Thread] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._paging = _FullPage(FULL_PAGES, self._room)
        # A back-fill of a thousand stores must not stand between the others and the processor.
        self._back_paging = _FullPage(1, self._room)

    def run(self, *, seconds: float) -> int:
        """Pull what is due until nothing is, or for about `seconds`; how many turns were taken.
        What a mistake of ours raised is in `bugs`; the lease of its stream ends by itself."""
        if connection.in_atomic_block:  # inside a test's transaction threads would see nothing
            return self._run_here()
        ends = time.monotonic() + seconds
        try:
            while True:
                jobs = self._claim() if time.monotonic() < ends and self.go_on() else []
                for job in jobs:
                    self._hand_out(job)
                if not jobs and not self._busy.total():
                    self.is_done = time.monotonic() < ends
                    return self.done
                self._write_until(free=self._enough(claimed=bool(jobs)))
        finally:
            for _thread in self._started:
                self._todo.put(None)
            self._write_rest()
            for thread in self._started:
                thread.join()
            self._book.flush(now=timezone.now())

    def _run_here(self) -> int:
        while jobs := self._claim():
            for job in jobs:
                job.turn.paging = nullcontext()  # one page at a time anyway
                self._work_on(job, write_at_once=True)
                self.done += 1
        self._book.flush(now=timezone.now())
        return self.done

    def _enough(self, *, claimed: bool) -> int:
        """How many threads must be free before a claim is worth its price."""
        free = self.threads - self._busy.total()
        return min(self.threads, max(1, self.threads // 4, 0 if claimed else free + 1))

    # --- claiming

    def _claim(self) -> list[Job]:
        free = self.threads - self._busy.total()
        if free <= 0:
            return []
        left = {p: pace.allowance(self.threads) - self._busy[p] for p, pace in self._paces.items()}
        now = timezone.now()
        with all_tenants("claiming due streams"):
            streams = patiently(
                lambda: Stream.claim_due(
                    kind=Stream.Kind.ORDERS, limit=free, now=now,
                    most_back_fills=max(1, self.threads // BACK_FILL_SHARE) - self._back_fills,
                    skip_platforms=[platform for platform, n in left.items() if n <= 0],
                    far_behind=now - FAR_BEHIND, most_far_behind=MOST_FAR_BEHIND - self._far_behind,
                )
            )  # fmt: skip
            jobs = jobs_of(streams, now=now)
            mine: list[Job] = []
            too_many: list[Job] = []
            for job in jobs:
                room = left.setdefault(job.platform, self.threads)
                left[job.platform] -= 1
                (mine if room > 0 else too_many).append(job)
            Stream.give_back([job.turn.stream for job in too_many], now=now)
        for job in mine:
            is_back_fill = job.lane == Lane.BACK_FILL
            job.turn.paging = self._back_paging if is_back_fill else self._paging
            job.turn.keep_empty = False
        return mine

    def _hand_out(self, job: Job) -> None:
        self._busy[job.platform] += 1
        self._back_fills += job.lane == Lane.BACK_FILL
        self._far_behind += job.is_far_behind
        if len(self._started) < self._busy.total():
            thread = threading.Thread(target=self._work, daemon=True)
            thread.start()
            self._started.append(thread)
        self._todo.put(job)

    # --- fetching, on threads

    def _work(self) -> None:
        close_old_connections()
        try:
            while (job := self._todo.get()) is not None:
                self._work_on(job)
                self._on_the_way.put(job)
        finally:
            connections.close_all()

    def _work_on(self, job: Job, *, write_at_once: bool = False) -> None:
        turn, stream = job.turn, job.turn.stream
        fault = None
        try:
            with tenant_scope(stream.tenant_id), vault.holding(job.keys):
                fault = self._take_turn(job, write_at_once=write_at_once)
        except (DatabaseError, InterfaceError) as exc:
            # It has been away for longer than we wait: the lease ends, and somebody goes on.
            logger.warning("orders.put_off", extra={"reason": type(exc).__name__})
            connections.close_all()
        except Exception as exc:
            logger.exception("pump.tripped")
            self.bugs.append(exc)
        took_s = turn.pulled.spent_s / max(1, turn.pulled.calls)
        pace = self._paces.setdefault(job.platform, Pace(average_s=0.0))
        pace.note(failed=fault in OUTAGES, took_s=took_s)

    def _take_turn(self, job: Job, *, write_at_once: bool) -> Fault | None:
        turn, stream = job.turn, job.turn.stream
        if not turn.stores:
            pulling.give_up_lease(stream, due_at=None)
            return None
        now = timezone.now()
        shop_ids = tuple(store.external_id for store in turn.stores)
        last: Fetched | None = None
        error: PlatformError | None = None
        try:
            with open_channel(
                stream.authorization, now=now, shop_ids=shop_ids, book=self._book,
                turns=Turns(job.held),
            ) as call:  # fmt: skip
                try:
                    for last in turn.pages(call, now=now):
                        if write_at_once:
                            write_pages([last], now=timezone.now())
                            last.landed.set()
                        else:
                            self._hand_in(last)
                        if turn.lost:
                            break
                finally:
                    pulling.note_turn(turn, call)
        except PlatformError as exc:
            error = exc
        except vault.Unopenable as exc:
            error = platform_error(Fault.UNKNOWN, f"the credential does not open: {exc}")
        if last is not None:
            last.landed.wait()  # or the row would be told of a failure before its pages
        if turn.lost:
            return None
        if error is not None:
            pulling.write_failure(turn, error, now=timezone.now())
            return error.fault
        pulling.end_turn(turn, now=now)
        return None

    def _hand_in(self, page: Fetched) -> None:
        """A page without rows takes no room: whoever writes takes many such pages at once."""
        page.takes_room = bool(page.prepared.rows)
        if page.is_full and not page.takes_room:
            self._room.release()
        elif page.takes_room and not page.is_full:
            self._room.acquire()
        self._on_the_way.put(page)

    # --- writing, on the engine's own thread

    def _write_until(self, *, free: int) -> None:
        """Write what comes in until that many threads have nothing to do, or it is time to look
        whether something has become due for those that have nothing to do already."""
        look_at = time.monotonic() + LOOK_AGAIN_S
        while (idle := self.threads - self._busy.total()) < free:
            left_s = look_at - time.monotonic() if idle else None
            if left_s is not None and left_s <= 0:
                break
            try:
                self._take_in(self._on_the_way.get(timeout=left_s))
            except queue.Empty:
                break
        if len(self._book) >= COUNT_AT:
            self._book.flush(now=timezone.now())

    def _write_rest(self) -> None:
        while self._busy.total():
            self._take_in(self._on_the_way.get())

    def _take_in(self, first: Fetched | Job) -> None:
        """What is there by now, in one transaction."""
        pages: list[Fetched] = []
        rows, item = 0, first
        while True:
            if isinstance(item, Job):
                self._busy[item.platform] -= 1
                self._back_fills -= item.lane == Lane.BACK_FILL
                self._far_behind -= item.is_far_behind
                self.done += 1
                self.seen += item.turn.pulled.seen
            else:
                pages.append(item)
                if item.takes_room:
                    self._room.release()
                rows += len(item.prepared.rows)
            if rows >= ROWS_AT_ONCE or len(pages) >= STREAMS_AT_ONCE:
                break
            try:
                item = self._on_the_way.get_nowait()
            except queue.Empty:
                break
        if pages:
            self._write(pages)

    def _write(self, pages: Sequence[Fetched]) -> None:
        try:
            with all_tenants("landing pages of many tenants"), _giving_way(pages):
                patiently(lambda: write_pages(pages, now=timezone.now()))
        except (OperationalError, InterfaceError) as exc:
            logger.warning("orders.put_off", extra={"reason": type(exc).__name__})
            for page in pages:  # the leases end, and somebody goes on
                page.turn.lost = True
        except Exception as exc:
            if len(pages) > 1:  # one that cannot be written does not hold up the others
                for page in pages:
                    self._write([page])
                return
            logger.exception("pump.tripped")
            self.bugs.append(exc)
            pages[0].turn.lost = True
        finally:
            for page in pages:
                page.landed.set()


@contextmanager
def _giving_way(pages: Sequence[Fetched]) -> Iterator[None]:
    before = sys.getswitchinterval()
    if any(page.prepared.rows for page in pages):
        sys.setswitchinterval(SWITCH_INTERVAL_S)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


def jobs_of(streams: Sequence[Stream], *, now: datetime) -> list[Job]:
    """What the turns of claimed streams need, in a handful of queries for all of them. Call in a
    scope that covers their tenants."""
    if not streams:
        return []
    authorizations = Authorization.objects.select_related("app", "tenant").in_bulk(
        {stream.authorization_id for stream in streams}
    )
    stores: dict[int, list[Store]] = {}
    active = Store.objects.filter(authorization__in=authorizations, state=StoreState.ACTIVE)
    for store in active:
        owner = authorizations[store.authorization_id]
        store.tenant = owner.tenant
        stores.setdefault(owner.pk, []).append(store)
    keys = vault.read_keys({stream.tenant_id for stream in streams})
    jobs = []
    for stream in streams:
        if stream.authorization_id not in authorizations:
            continue  # its company was deleted this very moment
        stream.authorization = authorizations[stream.authorization_id]
        theirs = stores.get(stream.authorization_id, [])
        mine = [each for each in theirs if stream.store_id in (None, each.pk)]
        key = {pk: keys[pk] for pk in (stream.tenant_id,) if pk in keys}
        turn = Turn(stream=stream, stores=mine)
        jobs.append(Job(turn=turn, keys=key, is_far_behind=stream.is_far_behind(now - FAR_BEHIND)))
    _take_turns(jobs)
    return jobs


def _take_turns(jobs: Sequence[Job]) -> None:
    """The first call of each, from the shared limits. A job that gets none asks for itself."""
    wanted = [(job, key, limit) for job in jobs for key, limit in _first_buckets(job.turn)]
    had = patiently(
        lambda: ratelimit.take_many(
            [(key, limit) for _job, key, limit in wanted], now=timezone.now()
        )
    )
    for (job, key, limit), ok in zip(wanted, had, strict=True):
        if ok:
            job.held[key] = limit


def _first_buckets(turn: Turn) -> list[tuple[str, Limit]]:
    row, adapter = turn.stream.authorization, turn.adapter
    if not row.account_id or not turn.stores:
        return []
    app = AppKeys(client_id=row.app.client_id, client_secret="") if row.app else None
    account = Account(
        mode=row.mode, secrets={}, region=row.region, account_id=row.account_id, app=app
    )
    return ratelimit.buckets(adapter, adapter.orders_operation, account)
