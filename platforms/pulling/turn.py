"""One turn of one leased stream: it asks page by page, and says what each page changes.

The stream in memory is ahead of its row while a page waits to be written: its cursor is the one
after the last page fetched, the row's the one after the last page landed.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.utils import timezone

from platforms import landing, registry
from platforms.errors import Fault, TryLater
from platforms.landing import Known, Landed, Prepared, Router
from platforms.models import Lane, PullRun, Stream
from platforms.models.pulling import LEASE
from platforms.patience import patiently
from platforms.pulling.interval import jittered, next_interval
from platforms.spec import Page, Window
from platforms.transport import Channel
from tenants.models import Store

# Then others have the worker; far below the time after which the queue would kill the job.
PAGES_AT_ONCE = 200
TIME_AT_ONCE_S = 60.0
# A back-fill lets others in sooner: it has time.
BACK_FILL_AT_ONCE_S = 15.0
# A window finished by a resumed pull ends moments before now; its rest comes with the next one.
NOT_WORTH_A_CALL = timedelta(seconds=5)
# A page at a time: there is one interpreter, which threads would only take from each other.
_reading = threading.Lock()
MET_AT_MOST = 3  # the same cursor, or the same page, in one window
EMPTY_AT_MOST = 1_000  # pages in a row that hold nothing
# What a page may change on the stream's row, besides `due_at` and `orders_seen`.
ADVANCING = (
    "cursor", "window_until", "leased_until", "watermark", "failures", "failing_since", "fault",
    "fault_detail", "last_success_at", "lane", "finished_at", "interval_s",
)  # fmt: skip


@dataclass(kw_only=True)
class Pulled(Landed):
    """Sums over the pages of one pull."""

    pages: int = 0
    calls: int = 0
    spent_s: float = 0.0  # in these calls
    finished: bool = False  # everything up to now has landed


@dataclass(kw_only=True)
class Run:
    """A window under way, and the row that tells of it, once there is one."""

    window: Window
    started_at: datetime
    calls: int = 0
    row: PullRun | None = None

    def new_row(self, stream: Stream) -> PullRun:
        return PullRun(
            tenant_id=stream.tenant_id, stream=stream, started_at=self.started_at,
            since=self.window.since, until=self.window.until,
        )  # fmt: skip


@dataclass(kw_only=True)
class Fetched:
    """A page on its way to our tables. `after` is the stream's row as it will be then."""

    turn: Turn
    run: Run
    prepared: Prepared
    after: dict[str, object]
    calls: int  # of the run, up to this page
    is_last: bool = False  # of its window
    is_full: bool = False  # fetched under `Turn.paging`
    takes_room: bool = False  # on its way, of a few pages' that there is
    landed: threading.Event = field(default_factory=threading.Event)  # or lost


class Loop(TryLater):
    """The marketplace's pages lead nowhere: the window is to begin again."""


@dataclass(kw_only=True)
class Turn:
    """`stream` is leased by us and has its authorization and tenant; `stores` are those it
    answers for, none of them paused or unlinked."""

    stream: Stream
    stores: Sequence[Store]
    pulled: Pulled = field(default_factory=Pulled)
    run: Run | None = None  # of the window under way
    keep_empty: bool = True  # leave a PullRun also where nothing was seen
    lost: bool = False  # another worker holds the stream: nothing more is written
    # Full pages take memory: whoever runs many turns lets only a few have one at a time.
    paging: AbstractContextManager[object] = field(default_factory=nullcontext)

    def __post_init__(self) -> None:
        self.adapter = registry.get(self.stream.authorization.platform)
        self._router = Router(self.stores)
        self._known = None if self.stream.reread else Known(self.adapter, self._router)
        is_back_fill = self.stream.lane == Lane.BACK_FILL
        self._seconds = BACK_FILL_AT_ONCE_S if is_back_fill else TIME_AT_ONCE_S
        self._fetched = 0
        self._news = 0
        self._met: Counter[int] = Counter()  # hashes of the window's cursors and pages
        self._empty = 0
        self._began = self._stands

    @property
    def _stands(self) -> tuple[datetime, str]:
        return self.stream.watermark, self.stream.cursor

    def pages(self, call: Channel, *, now: datetime) -> Iterator[Fetched]:
        """Everything up to `now`, or as much as one turn takes. The last page gives up the lease.

        Raises PlatformError; `run` is then the pull that failed.
        """
        ends = time.monotonic() + self._seconds
        window = self._window(now)
        if window is None:
            self.pulled.finished = True
            return
        while window is not None:
            run = self.run = Run(window=window, started_at=timezone.now())
            self._met.clear()
            while True:
                is_full = self._is_full(window)
                with self.paging if is_full else nullcontext():
                    fetched = self._fetch(call, window, run)
                fetched.is_full = is_full
                following = self._window(now) if fetched.is_last else window
                is_over = self._fetched >= PAGES_AT_ONCE or time.monotonic() > ends
                if is_over and following is not None and self._stands == self._began:
                    # A short turn may end before the same cursor has come too often.
                    raise Loop(Fault.BAD_RESPONSE, "a whole turn led nowhere")
                if following is None or is_over:
                    self._give_up_lease(fetched, done=following is None)
                yield fetched
                if self.lost or following is None or is_over:
                    return
                if fetched.is_last:
                    break
            window = following

    # --- windows

    def _window(self, now: datetime) -> Window | None:
        """The window under way, or the next one; None when all has been fetched."""
        stream, adapter = self.stream, self.adapter
        if stream.finished_at is not None:
            return None
        target = now - adapter.lag
        if stream.ends_at is not None:
            target = min(target, stream.ends_at)
        sliver = timedelta(microseconds=1) if stream.ends_at else NOT_WORTH_A_CALL
        if stream.window_until is None and target - stream.watermark < sliver:
            return None
        # The same on every call until the watermark moves, so a killed pull resumes its own window.
        since = max(stream.starts_at, stream.watermark - adapter.overlap)
        if stream.window_until is None:
            stream.window_until = min(target, since + adapter.max_window)
        return Window(since=since, until=stream.window_until)

    def _is_full(self, window: Window) -> bool:
        """Whether a page of many orders is to be expected."""
        usual = timedelta(minutes=2 * self.stream.authorization.tenant.freshness_minutes)
        return self._fetched > 0 or window.until - window.since > usual + self.adapter.overlap

    # --- pages

    def _fetch(self, call: Channel, window: Window, run: Run) -> Fetched:
        stream, before = self.stream, call.calls
        try:
            page = self.adapter.fetch_orders(
                call, window=window, cursor=stream.cursor or None, now=timezone.now()
            )
        finally:
            run.calls += call.calls - before
        self._guard(page)
        known = self._look_up(page)
        with _reading:
            batch = landing.read_records(
                self.adapter, page.records, kind=page.kind, router=self._router, known=known
            )
        prepared = landing.prepare(batch, stream=stream, now=timezone.now())
        self._fetched += 1
        self._news += len(batch.parsed)
        now = timezone.now()
        changes: dict[str, object] = {
            "cursor": page.cursor or "",
            "window_until": window.until,
            "leased_until": now + LEASE,
        }
        if page.cursor is None:
            changes |= self._window_done(window, now=now)
        for name, value in changes.items():
            setattr(stream, name, value)
        return Fetched(
            turn=self, run=run, prepared=prepared, calls=run.calls, is_last=page.cursor is None,
            after={name: getattr(stream, name) for name in ADVANCING},
        )  # fmt: skip

    def _look_up(self, page: Page) -> Sequence[Collection[str]]:
        known = self._known
        if known is None or not page.records:
            return ()
        return patiently(lambda: known.of(page.records))

    def _window_done(self, window: Window, *, now: datetime) -> dict[str, object]:
        stream = self.stream
        changes: dict[str, object] = {
            "watermark": window.until,
            "window_until": None,
            "failures": 0,
            "failing_since": None,
            "fault": "",
            "fault_detail": "",
            "last_success_at": now,
        }
        if stream.ends_at is None:
            changes["lane"] = Lane.FRESH
        elif window.until >= stream.ends_at:
            changes["finished_at"] = now
        return changes

    def _give_up_lease(self, fetched: Fetched, *, done: bool) -> None:
        stream, now = self.stream, timezone.now()
        due_at: datetime | None = now
        if done:
            self.pulled.finished = True
            interval = next_interval(
                stream.interval_s, self.adapter, stream.authorization.tenant,
                is_busy=self._news > 0,
            )  # fmt: skip
            due_at = now + jittered(interval) if stream.finished_at is None else None
            if stream.ends_at is None:
                fetched.after["interval_s"] = int(interval.total_seconds())
        fetched.after |= {"leased_until": None, "due_at": due_at}

    def _guard(self, page: Page) -> None:
        """The same cursor or the same records again and again are a loop, not a long list."""
        if page.cursor is None:
            return
        marks = [hash(page.cursor)]
        if page.records:
            marks.append(hash((bytes(page.records[0]), bytes(page.records[-1]))))
        self._met.update(marks)
        self._empty = 0 if page.records else self._empty + 1
        if self._empty > EMPTY_AT_MOST or max(self._met[mark] for mark in marks) > MET_AT_MOST:
            raise Loop(Fault.BAD_RESPONSE, "the pages lead nowhere")
