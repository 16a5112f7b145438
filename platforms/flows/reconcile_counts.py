"""Count reconciliation: what the platform has in a window, order by order, and what we have.

The window is read through the ordinary channel and compared with our rows by the rule by which
it would land. What is missing or different is then pulled by the ordinary way, as a back-fill of
that window, and compared once more. Nothing is ever deleted.

A platform's limit may be far below what a window takes (a page every three minutes), and a worker
belongs to others too: a check works in turns and keeps what it has gathered in between.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Min, Q
from django.utils import timezone

from platforms import landing, registry, tasks
from platforms.adapter import Adapter
from platforms.data_checks.budget import Budget
from platforms.data_checks.comparison import comparison, report_of, span_of
from platforms.data_checks.counts import Counts
from platforms.data_checks.day_counts import note_days
from platforms.data_checks.hold import Hold, Stopped
from platforms.errors import Fault, NeedsSeller, NeedsSupport, TryLater
from platforms.flows.pull_store import standing_stream, window_streams
from platforms.flows.refresh import open_channel
from platforms.flows.tell_differences import tell_differences
from platforms.landing import Router
from platforms.models import Authorization, DataCheck, Stream
from platforms.spec import Answer, Request, Window
from platforms.transport import Channel
from tenants.models import Store

logger = logging.getLogger(__name__)

DEFAULT_WINDOW = timedelta(days=7)
LONGEST_WINDOW = timedelta(days=31)
MOST_ORDERS = 100_000
MOST_SINGLE = 200  # orders asked for one by one
TURN_S = 60.0
SHORT_WAIT_S = 3.0  # for a limit; longer ones are waited for without a worker
TRIES = 6  # in a row
AT_MOST = timedelta(hours=6)
LOOK_AGAIN_AFTER = timedelta(seconds=5)
NOT_WORTH_A_CALL = timedelta(seconds=5)


class TooMany(Exception):
    """The window holds more orders than one check compares."""


class _PatientCall:
    """The channel, for no more than half of the shared limits."""

    def __init__(self, channel: Channel, budget: Budget) -> None:
        self.channel = channel
        self.account = channel.account
        self._budget = budget

    def __call__(self, request: Request) -> Answer:
        while wait_s := self._budget.ask(request, now=timezone.now()):
            if wait_s > SHORT_WAIT_S:
                wait = timedelta(seconds=wait_s)
                raise TryLater(Fault.RATE_LIMITED, "our share of the limit", retry_after=wait)
            time.sleep(wait_s)
        try:
            return self.channel(request)
        finally:
            self.account = self.channel.account


def plan(store: Store, asked: Mapping[str, Any], *, now: datetime) -> list[Window]:
    """The windows to ask for, none where the platform does not reach back that far.

    Ends where our own pulls have come to, if they are up to date: what changed since is on its
    way and nobody's mistake.
    """
    adapter = registry.get(store.platform)
    since = max(datetime.fromisoformat(asked["since"]), now - adapter.back_fill)
    until = min(datetime.fromisoformat(asked["until"]), now - adapter.lag)
    stream = standing_stream(store)
    if stream is not None and now - stream.watermark < adapter.lag + 3 * adapter.poll_every:
        until = min(until, stream.watermark)
    return _pieces(since, until, adapter)


def asked_since(store: Store) -> datetime | None:
    """From when on our pulls have asked for the store's orders; None before it is linked. What
    is older is not missing by mistake: a count of it pulls it for the first time."""
    streams = Stream.objects.filter(authorization=store.authorization)
    streams = streams.filter(Q(store=store) | Q(store=None))
    asked = streams.exclude(ends_at__isnull=False, finished_at=None)
    earliest: datetime | None = asked.aggregate(Min("starts_at"))["starts_at__min"]
    return earliest


def run(check: DataCheck, hold: Hold, *, patience_s: float = 20.0) -> None:
    """One turn of the leased `check`: it ends it, or lets go of it until it can go on. Call in
    the tenant's scope. Waits up to `patience_s` for what is pulled.

    Raises PlatformError and TooMany with what was found so far in `check.report`, LostLease.
    """
    store = Store.objects.select_related("tenant").get(pk=check.store_id)
    now = timezone.now()
    if check.report:
        counts = Counts.from_json(check.report)
    else:
        counts = Counts(windows=plan(store, check.asked, now=now))
    turn = _Turn(check, hold, store, counts)
    try:
        turn.work(patience_s)
    except Stopped:
        hold.finish(
            DataCheck.State.STOPPED, turn.report("stopped"), now=timezone.now()
        )  # fmt: skip
    except TryLater as exc:
        turn.put_off(exc)


class _Turn:
    """What one worker does on a check before it lets go of it."""

    def __init__(self, check: DataCheck, hold: Hold, store: Store, counts: Counts) -> None:
        self.check, self.hold, self.store, self.counts = check, hold, store, counts
        self.adapter: Adapter = registry.get(store.platform)
        self.ends = time.monotonic() + TURN_S
        self.healing = ""

    def work(self, patience_s: float) -> None:
        counts = self.counts
        if counts.phase == "read":
            if not self._read(counts.windows):
                return
            self._begin_again()
        if counts.phase == "again":
            if not self._read(counts.later) or not self._ask_singly():
                return
            self._begin_healing()
        if counts.streams and not self._healed(patience_s):
            return
        counts.look_again(self.store)
        self._end()

    def _end(self) -> None:
        now = timezone.now()
        with transaction.atomic():
            self.hold.finish(DataCheck.State.DONE, self.report("done"), now=now)
            note_days(self.check, now=now)
            tell_differences(check=self.check, now=now)

    def report(self, ended: str) -> dict[str, object]:
        began = self.check.started_at or timezone.now()
        seconds = (timezone.now() - began).total_seconds()
        return report_of(
            self.counts, self.store, ended=ended, healing=self.healing or "not_needed",
            seconds=seconds,
        )  # fmt: skip

    # --- reading

    def _read(self, windows: list[Window]) -> bool:
        """Page by page; False if the turn was over before the end and the check let go of."""
        counts = self.counts
        if counts.at >= len(windows):
            return True
        with self._open_channel() as channel:
            call = _PatientCall(channel, Budget(self.adapter, channel.account))
            while counts.at < len(windows):
                self.tell()
                self._read_page(call, windows[counts.at])
                counts.failures = 0
                if self._turn_is_over():
                    return False
        return True

    def _open_channel(self) -> Channel:
        authorization = Authorization.objects.select_related("app").get(
            pk=self.store.authorization_id
        )
        shops = (self.store.external_id,)
        return open_channel(authorization, now=timezone.now(), shop_ids=shops)

    def _turn_is_over(self) -> bool:
        """If so, the check is let go of."""
        over = time.monotonic() > self.ends
        if over:
            self.let_go(until=timezone.now())
        return over

    def _read_page(self, call: _PatientCall, window: Window) -> None:
        counts, before = self.counts, call.channel.calls
        try:
            page = self.adapter.fetch_orders(
                call, window=window, cursor=counts.cursor or None, now=timezone.now()
            )
        finally:
            counts.calls += call.channel.calls - before
        batch = landing.read_records(
            self.adapter, page.records, kind=page.kind, router=Router([self.store])
        )
        if counts.phase == "again":
            counts.forget_moved(batch)
        else:
            counts.take(batch, store=self.store)
        counts.pages += 1
        counts.cursor = page.cursor or ""
        if page.cursor is None:
            counts.at += 1
        if len(counts.seen) > MOST_ORDERS:
            raise TooMany

    # --- comparing once more

    def _begin_again(self) -> None:
        counts = self.counts
        counts.look_again(self.store)
        counts.suspects = set(counts.unreported(self.store))
        counts.phase, counts.at, counts.cursor = "again", 0, ""
        if counts.windows and (counts.missing or counts.different or counts.suspects):
            until = timezone.now() - self.adapter.lag
            counts.later = _pieces(counts.windows[-1].until, until, self.adapter)

    def _ask_singly(self) -> bool:
        """Ask for the orders themselves that no list has given, those changed last first; False
        if the turn was over before the end. What changed within the adapter's lag before now is
        in no list: some platforms refuse a window that ends later, others answer it with holes.
        """
        counts = self.counts
        ours = counts.unreported(self.store)  # without those of `later`
        asked = [number for number in ours if number in counts.suspects and not ours[number][1]]
        asked.sort(key=lambda number: ours[number][0], reverse=True)
        asked = asked[: max(0, MOST_SINGLE - counts.singles)]
        if not asked:
            return True
        with self._open_channel() as channel:
            call = _PatientCall(channel, Budget(self.adapter, channel.account))
            for number in asked:
                self.tell()
                if self._is_there(call, number):
                    counts.moved.add(number)
                counts.suspects.discard(number)
                counts.singles += 1
                counts.failures = 0
                if self._turn_is_over():
                    return False
        return True

    def _is_there(self, call: _PatientCall, number: str) -> bool:
        """Whether the platform has the order; it may be one that we cannot read."""
        before = call.channel.calls
        try:
            page = self.adapter.fetch_order(call, number=number, now=timezone.now())
        except NeedsSupport:  # it does not say: what the lists said of this order holds
            logger.warning("counts.not_told", extra={"store_id": self.store.pk}, exc_info=True)
            return False
        finally:
            self.counts.calls += call.channel.calls - before
        if page is None:
            return False
        batch = landing.read_records(
            self.adapter, page.records, kind=page.kind, router=Router([self.store])
        )
        return bool(batch.parsed or batch.unreadable)

    # --- healing

    def _begin_healing(self) -> None:
        """The windows of which something is missing become due like any back-fill."""
        counts = self.counts
        counts.phase = "heal"
        counts.before = comparison(counts, self.store)
        troubled = sorted(
            {each.window for each in [*counts.missing.values(), *counts.different.values()]}
        )
        for index in troubled:
            window = counts.windows[index]
            streams = window_streams([self.store], since=window.since, until=window.until)
            counts.streams += [stream.pk for stream in streams]
        Stream.objects.filter(pk__in=counts.streams).update(due_at=timezone.now(), reread=True)
        if counts.streams:
            tasks.kick()

    def _healed(self, patience_s: float) -> bool:
        """Wait for the pulls; False if the check was let go of until they are further."""
        counts, give_up = self.counts, time.monotonic() + patience_s
        while True:
            self.tell()
            streams = Stream.objects.filter(pk__in=counts.streams, finished_at=None)
            waiting = list(streams)
            if not waiting:
                self.healing = "done"
                return True
            if any(stream.failures for stream in waiting) or self._is_old():
                self.healing = "unfinished"  # the pulls go on by themselves
                return True
            if time.monotonic() >= give_up:
                self.let_go(until=timezone.now() + LOOK_AGAIN_AFTER)
                return False
            time.sleep(0.3)

    # --- between turns

    def put_off(self, exc: TryLater) -> None:
        """Go on when the platform, or our share of its limit, allows it. Raises the failure
        itself where it lasts."""
        limited = exc.fault == Fault.RATE_LIMITED
        self.counts.failures += 0 if limited else 1
        if self.counts.failures >= TRIES or self._is_old() or exc.fault == Fault.QUOTA_EXHAUSTED:
            raise exc
        wait = exc.retry_after or timedelta(seconds=5 * 2**self.counts.failures)
        self.let_go(until=timezone.now() + min(wait, timedelta(minutes=15)), waits_for=exc.fault)

    def let_go(self, *, until: datetime, waits_for: str = "") -> None:
        progress = self.progress() | {"waits_for": waits_for, "goes_on_at": until.isoformat()}
        self.hold.pause(self.counts.as_json(), progress, until=until)

    def tell(self) -> None:
        self.hold.tell(self.progress(), now=timezone.now())

    def progress(self) -> dict[str, object]:
        """How far it is; if the worker dies, this is all that is left."""
        counts = self.counts
        span = span_of(counts.windows)
        return {
            "phase": counts.phase,
            "part": counts.at,
            "parts": len(counts.windows),
            "pages": counts.pages,
            "platform": len(counts.seen),
            "missing": len(counts.missing),
            "different": len(counts.different),
            "window": [span.since.isoformat(), span.until.isoformat()] if span else None,
        }

    def _is_old(self) -> bool:
        began = self.check.started_at
        return began is not None and timezone.now() - began > AT_MOST


def failed_report(check: DataCheck, exc: Exception) -> dict[str, object]:
    """What is left of a check that could not go on: the counts of its last progress."""
    ended = "too_many" if isinstance(exc, TooMany) else "failing"
    if isinstance(exc, NeedsSeller):
        ended = "refused"
    return {"ended": ended, "verdict": ended, "so_far": check.progress}


def _pieces(since: datetime, until: datetime, adapter: Adapter) -> list[Window]:
    """[since, until) in parts that the platform takes."""
    windows = []
    while until - since > NOT_WORTH_A_CALL:
        end = min(until, since + adapter.max_window)
        windows.append(Window(since=since, until=end))
        since = end
    return windows
