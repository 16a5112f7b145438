"""Refreshing all that is due: many threads, no platform or tenant holds up the others.

Any number of processes may run an engine at once. Each claims a few rows whenever threads are
free (models.Authorization.claim_due takes turns between tenants and platforms), and a thread
makes one refresh at a time.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta

from django.db import close_old_connections, connection, connections
from django.utils import timezone

from platforms import vault
from platforms.flows.refresh import OUTAGES, Outcome, recover_answers, refresh_leased
from platforms.models import Authorization
from platforms.pacing import Pace
from platforms.traffic import CallBook
from tenants.scope import all_tenants, tenant_scope

logger = logging.getLogger(__name__)

GIVEN_BACK_FOR = timedelta(seconds=5)  # while a platform is down
LOOK_AGAIN_S = 0.05  # when a claim has brought nothing
WRITE_AT = 200  # counts of calls are written when there are so many


@dataclass(kw_only=True)
class Engine:
    """One run of many refreshes in this process. So that no thread has to wait for a claim, as
    many rows as there are threads may be claimed ahead, of platforms that answer quickly."""

    threads: int
    bugs: list[Exception] = field(default_factory=list)
    outcomes: Counter[str] = field(default_factory=Counter)
    _paces: dict[str, Pace] = field(default_factory=dict)
    _busy: Counter[str] = field(default_factory=Counter)  # platform -> rows at hand
    _book: CallBook = field(default_factory=CallBook)
    _keys: dict[int, bytes] = field(default_factory=dict)  # of the tenants claimed last
    _todo: queue.SimpleQueue[tuple[Authorization, dict[int, bytes]] | None] = field(
        default_factory=queue.SimpleQueue
    )
    _done: queue.SimpleQueue[str] = field(default_factory=queue.SimpleQueue)
    _started: list[threading.Thread] = field(default_factory=list)

    @property
    def _at_once(self) -> int:
        """Rows that are being refreshed, or wait for a thread."""
        return self.threads * 2

    def run(self, *, seconds: float) -> Counter[str]:
        """Refresh what is due until nothing is, or for about `seconds`; counts by outcome.
        What a mistake of ours raised is in `bugs`, and its row is due again in a while."""
        recover_answers()
        if connection.in_atomic_block:  # inside a test's transaction threads would see nothing
            self._run_here()
            return self.outcomes
        ends = time.monotonic() + seconds
        try:
            while True:
                rows = self._claim() if time.monotonic() < ends else []
                for row in rows:
                    self._hand_out(row)
                if rows:
                    # A claim is worth its price when there is room for a good few rows.
                    self._wait_for(free=max(1, self.threads // 2))
                elif self._busy.total():
                    self._wait_for(free=self._at_once - self._busy.total() + 1)
                    self._let_pass(LOOK_AGAIN_S)
                else:
                    return self.outcomes
        finally:
            for _thread in self._started:
                self._todo.put(None)
            for thread in self._started:
                thread.join()
            self._book.flush(now=timezone.now())

    def _run_here(self) -> None:
        while rows := self._claim():
            for row in rows:
                self._refresh(row, self._keys)
        self._book.flush(now=timezone.now())

    def _claim(self) -> list[Authorization]:
        now = timezone.now()
        left = {p: self._allowance(pace) - self._busy[p] for p, pace in self._paces.items()}
        with all_tenants("claiming due authorizations"):
            rows = Authorization.claim_due(
                limit=self._at_once - self._busy.total(), now=now,
                skip_platforms=[platform for platform, n in left.items() if n <= 0],
            )  # fmt: skip
            mine: list[Authorization] = []
            too_many: list[Authorization] = []
            for row in rows:
                room = left.setdefault(row.platform, self._allowance(Pace()))
                left[row.platform] -= 1
                (mine if room > 0 else too_many).append(row)
            down = [row for row in too_many if self._pace(row.platform).is_down]
            Authorization.give_back(down, not_before=now + GIVEN_BACK_FOR)
            Authorization.give_back([row for row in too_many if row not in down])
        self._keys = vault.read_keys({row.tenant_id for row in mine})
        return mine

    def _allowance(self, pace: Pace) -> int:
        """Rows of a platform: what may have all threads may also wait for one."""
        allowed = pace.allowance(self.threads)
        return allowed if allowed < self.threads else self._at_once

    def _wait_for(self, *, free: int) -> None:
        """Until there is room for that many rows."""
        if len(self._book) >= WRITE_AT:
            self._book.flush(now=timezone.now())
        while self._at_once - self._busy.total() < free:
            self._busy[self._done.get()] -= 1

    def _let_pass(self, seconds: float) -> None:
        """Or less, when nothing is at hand any more."""
        ends = time.monotonic() + seconds
        while self._busy.total() and (left_s := ends - time.monotonic()) > 0:
            with suppress(queue.Empty):
                self._busy[self._done.get(timeout=left_s)] -= 1

    def _hand_out(self, row: Authorization) -> None:
        self._busy[row.platform] += 1
        if len(self._started) < min(self.threads, self._busy.total()):
            thread = threading.Thread(target=self._work, daemon=True)
            thread.start()
            self._started.append(thread)
        self._todo.put((row, self._keys))

    def _work(self) -> None:
        close_old_connections()
        try:
            while (job := self._todo.get()) is not None:
                self._refresh(*job)
                self._done.put(job[0].platform)
        finally:
            connections.close_all()

    def _refresh(self, row: Authorization, keys: Mapping[int, bytes]) -> None:
        started = time.monotonic()
        try:
            with tenant_scope(row.tenant_id), vault.holding(keys):
                result = refresh_leased(
                    authorization=row, successor=row.in_flight_since is not None, book=self._book
                )
        except Exception as exc:
            logger.exception("pump.tripped")
            self.bugs.append(exc)
            return
        self.outcomes[result.outcome] += 1
        failed = result.outcome == Outcome.FAILED and result.fault in OUTAGES
        self._pace(row.platform).note(failed=failed, took_s=time.monotonic() - started)

    def _pace(self, platform: str) -> Pace:
        return self._paces.setdefault(platform, Pace())
