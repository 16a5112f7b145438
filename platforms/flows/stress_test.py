"""The sync stress test: how fast and how steadily a store's orders can be read.

It only reads: pages of a recent window are fetched through the ordinary channel and its shared
limits, parsed, and thrown away. It takes at most half of what the limits leave, so that ordinary
pulls go on, adds threads only while the platform does not slow us down, and ends when it does
so again and again.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from datetime import timedelta

from django.db import close_old_connections, connection, connections
from django.utils import timezone

from platforms import landing, registry
from platforms.adapter import Adapter
from platforms.credentials import account_of
from platforms.data_checks.budget import Budget
from platforms.data_checks.hold import Hold, LostLease, Stopped
from platforms.data_checks.tally import Tally, figures, stress_verdict
from platforms.errors import THROTTLES, Fault, NeedsSeller, PlatformError
from platforms.flows.refresh import open_channel
from platforms.landing import Router
from platforms.models import Authorization, DataCheck
from platforms.spec import Answer, Request, Window
from platforms.transport import Channel
from tenants.models import Store
from tenants.scope import tenant_scope

logger = logging.getLogger(__name__)

WINDOW = timedelta(days=7)
MOST_THREADS = 8
SECONDS = (10, 120)
CALLS = (10, 2000)
TELL_EVERY_S = 1.5
RAMP_S = 4.0  # at most this long until the next thread joins
THROTTLES_TO_END = 3
FAILURES_TO_END = 8  # in a row
PAUSE_S = 1.0  # after a failure
NEARLY_OVER_S = 1.0


class Over(Exception):
    """The test has ended; its threads stop."""


class StressTest:
    """One run. `end` says why it ended: time, calls, room, throttled, failing, refused, stopped."""

    def __init__(
        self, check: DataCheck, store: Store, hold: Hold, authorization: Authorization
    ) -> None:
        asked = check.asked
        self.store, self.hold, self.authorization = store, hold, authorization
        self.adapter: Adapter = registry.get(store.platform)
        self.threads = min(int(asked["concurrency"]), MOST_THREADS)
        self.seconds = min(int(asked["seconds"]), SECONDS[1])
        self.most_calls = min(int(asked["calls"]), CALLS[1])
        until = timezone.now() - self.adapter.lag
        self.window = Window(since=until - min(WINDOW, self.adapter.max_window), until=until)
        shops = (store.external_id,)
        self.budget = Budget(self.adapter, account_of(authorization, shop_ids=shops))
        self.tally = Tally()
        self.started = time.monotonic()
        self.failures = 0
        self.workers = 0
        self.ended = ""
        self.fault = ""
        self._asked = 0
        self._told = 0.0
        self._over = threading.Event()
        self._lock = threading.Lock()

    @property
    def elapsed_s(self) -> float:
        return time.monotonic() - self.started

    def end(self, why: str, *, fault: str = "") -> None:
        """The first reason counts."""
        with self._lock:
            if not self.ended:
                self.ended, self.fault = why, fault
        self._over.set()

    def check_on(self) -> None:
        """Raises Over once it has ended, or its time is up."""
        if self.elapsed_s >= self.seconds:
            self.end("time")
        if self._over.is_set():
            raise Over

    def wait(self, seconds: float) -> None:
        """Raises Over when the test ends meanwhile."""
        self._over.wait(min(seconds, max(0.0, self.seconds - self.elapsed_s)))
        self.check_on()

    def take_turn(self, request: Request) -> None:
        """Wait until the call fits into the test's share of the limits. Raises Over."""
        self.check_on()
        with self._lock:
            self._asked += 1
            spent = self._asked > self.most_calls
        if spent:
            self.end("calls")
            raise Over
        while wait_s := self.budget.ask(request, now=timezone.now()):
            left_s = self.seconds - self.elapsed_s
            if wait_s > left_s:
                spent_why = "throttled" if self.tally.throttles else "room"
                self.end("time" if left_s < NEARLY_OVER_S else spent_why)
                raise Over
            started = time.monotonic()
            try:
                self.wait(min(wait_s, 1.0))
            finally:
                self.tally.add_wait(time.monotonic() - started)

    def note(self, exc: PlatformError, *, reached: bool) -> None:
        """What a failed call means for the test. Raises Over."""
        if isinstance(exc, NeedsSeller):
            self.end("refused", fault=exc.fault)
        elif exc.fault in THROTTLES:
            if self.tally.throttles >= THROTTLES_TO_END or exc.fault == Fault.QUOTA_EXHAUSTED:
                self.end("throttled", fault=exc.fault if reached else "")
            pause = (exc.retry_after or timedelta(seconds=PAUSE_S)).total_seconds()
            if not reached:
                self.tally.add_wait(min(pause, self.seconds - self.elapsed_s))
            self.wait(pause)
        else:
            self.failures += 1
            if self.failures >= FAILURES_TO_END:
                self.end("failing", fault=exc.fault)
            self.wait(PAUSE_S)
        self.check_on()

    def count_page(self, batch: landing.Batch) -> None:
        self.failures = 0
        self.tally.add_page(batch.seen, unreadable=len(batch.unreadable))

    def tell(self, *, even_if_fresh: bool = False) -> None:
        """Progress and lease, every second or two. Raises LostLease."""
        if not even_if_fresh and time.monotonic() - self._told < TELL_EVERY_S:
            return
        self._told = time.monotonic()
        try:
            self.hold.tell({"so_far": self.report()}, now=timezone.now())
        except Stopped:
            self.end("stopped")
        except LostLease:
            self.end("died")
            raise

    def report(self) -> dict[str, object]:
        now = timezone.now()
        found = figures(self.tally, self.budget.shares.values(), elapsed_s=self.elapsed_s)
        fresh = Authorization.objects.get(pk=self.authorization.pk)
        expires_at = fresh.access_expires_at
        found |= {
            "ended": self.ended,
            "fault": self.fault,
            "most_at_once": self.workers,
            "window": [self.window.since.isoformat(), self.window.until.isoformat()],
            "room": self.budget.left(now=now),
            "token": {
                "refreshes": fresh.generation - self.authorization.generation,
                "refused": self.tally.refused_tokens,
                "expires_at": expires_at.isoformat() if expires_at else None,
                "usable": fresh.is_usable,
            },
        }
        return found


class _MeasuredCall:
    """The channel of one thread, with a place in the queue before and a stopwatch around it."""

    def __init__(self, test: StressTest, channel: Channel, between: Callable[[], None]) -> None:
        self.test = test
        self.channel = channel
        self.account = channel.account
        self.reached = False
        self._between = between

    def __call__(self, request: Request) -> Answer:
        self._between()
        self.test.take_turn(request)
        calls, started = self.channel.calls, time.monotonic()
        fault = ""
        try:
            return self.channel(request)
        except PlatformError as exc:
            fault = exc.fault
            raise
        finally:
            self.account = self.channel.account
            attempts = self.channel.calls - calls
            self.reached = attempts > 0  # otherwise our own limit held it back
            if self.reached:
                self.test.tally.add_call(
                    at_s=self.test.elapsed_s, fault=fault, attempts=attempts,
                    elapsed_ms=int((time.monotonic() - started) * 1000),
                )  # fmt: skip


def run(check: DataCheck, hold: Hold) -> None:
    """Test the leased `check`'s store and write the report. Call in the tenant's scope.

    Raises LostLease; what the platform does is in the report.
    """
    store = Store.objects.select_related("tenant").get(pk=check.store_id)
    authorization = Authorization.objects.select_related("app").get(pk=store.authorization_id)
    test = StressTest(check, store, hold, authorization)
    test.tell()
    if connection.in_atomic_block:
        # Other threads would not see what an open transaction has written: all in this one.
        test.workers = 1
        _read_pages(test, test.tell)
    else:
        _with_threads(test, check)
    report = test.report()
    report["verdict"] = stress_verdict(report)
    stopped = test.ended == "stopped"
    hold.finish(
        DataCheck.State.STOPPED if stopped else DataCheck.State.DONE, report, now=timezone.now(),
        fault=test.fault,
    )  # fmt: skip


def _with_threads(test: StressTest, check: DataCheck) -> None:
    """One thread more every few seconds, until the platform slows us down."""
    step_s = min(RAMP_S, test.seconds / (2 * test.threads))
    threads: list[threading.Thread] = []
    try:
        while not test.ended:
            due = test.elapsed_s >= step_s * len(threads)
            if due and len(threads) < test.threads and not test.tally.throttles:
                test.workers += 1
                thread = threading.Thread(target=_thread, args=(test, check.tenant_id))
                thread.start()
                threads.append(thread)
            test.tell()
            try:
                test.wait(0.1)
            except Over:
                break
    finally:
        test.end("died")
        while alive := [thread for thread in threads if thread.is_alive()]:
            alive[0].join(0.2)
            _keep_lease(test)


def _keep_lease(test: StressTest) -> None:
    """While the last answers come in; a lost lease was told already, or will be at the end."""
    try:
        test.tell()
    except LostLease:
        time.sleep(0.2)


def _thread(test: StressTest, tenant_id: int) -> None:
    close_old_connections()
    try:
        with tenant_scope(tenant_id):
            _read_pages(test, lambda: None)
    except Exception:
        logger.exception("check.tripped")  # the test has been ended as failing
    finally:
        connections.close_all()


def _read_pages(test: StressTest, between: Callable[[], None]) -> None:
    """Read the window page by page, over and over, until the test ends."""
    shops = (test.store.external_id,)
    try:
        while True:
            try:
                with open_channel(
                    test.authorization, now=timezone.now(), shop_ids=shops
                ) as channel:
                    _read_window(test, _MeasuredCall(test, channel, between))
            except PlatformError as exc:  # of opening: there was no token to be had
                test.note(exc, reached=True)
    except Over:
        pass
    except Exception:
        test.end("failing", fault=Fault.UNKNOWN)
        raise


def _read_window(test: StressTest, call: _MeasuredCall) -> None:
    router = Router([test.store])
    cursor: str | None = None
    while True:
        try:
            page = test.adapter.fetch_orders(
                call, window=test.window, cursor=cursor, now=timezone.now()
            )
        except PlatformError as exc:
            test.note(exc, reached=call.reached)
            if exc.fault == Fault.INVALID_REQUEST:
                cursor = None  # the platform may have forgotten it
            continue
        batch = landing.read_records(test.adapter, page.records, kind=page.kind, router=router)
        test.count_page(batch)
        cursor = page.cursor
