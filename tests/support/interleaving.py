"""Workers that take turns as the dice say, each up to its next look at the database or the
platform; and a platform whose refresh tokens work once."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from unittest.mock import patch
from urllib.parse import parse_qs

from django.db import connection, connections

from platforms.errors import Fault, platform_error
from platforms.models.linking import REFRESH_LEASE
from platforms.spec import Answer

TABLE = "platforms_authorization"
TAKES = "fence = fence + 1", f'"fence" = ("{TABLE}"."fence" +'  # claims and leases, nothing else


class Died(BaseException):
    """The process is gone."""


class Worker(threading.Thread):
    """Runs `work` from pause to pause; whoever moves it waits until the next pause."""

    def __init__(self, name: str, machine: str, work: Callable[[], object]) -> None:
        super().__init__(name=name, daemon=True)
        self.machine, self.work = machine, work
        self.leased_until: float | None = None  # by its newest lease, in simulated seconds
        self.took = False  # or tried to, in its last move
        self.at = "start"
        self.error: BaseException | None = None
        self._go, self._paused = threading.Semaphore(0), threading.Semaphore(0)
        self._dies = False
        self._connection = connections["default"]
        self._connection.inc_thread_sharing()

    def run(self) -> None:
        connections["default"] = self._connection
        try:
            self._wait()
            self.work()
        except Died:
            pass
        except BaseException as exc:  # noqa: BLE001 - the test raises it
            self.error = exc
        finally:
            self.at = "end"
            self._paused.release()

    def pause(self, at: str) -> None:
        self.at = at
        self._paused.release()
        self._wait()

    def _wait(self) -> None:
        self._go.acquire()
        if self._dies:
            raise Died

    def move(self) -> str:
        """Let it go on to its next pause; where it stood before."""
        before = self.at
        self._go.release()
        assert self._paused.acquire(timeout=30), f"{self.name} is stuck after {before}"
        if self.error:
            raise self.error
        return before

    def kill(self) -> None:
        self._dies = True
        self.move()

    @property
    def ended(self) -> bool:
        return self.at == "end"


class Disks:
    """settings.ANSWERS_DIR: each machine has its own; the main thread looks at `shown`."""

    def __init__(self, base: Path) -> None:
        self.base, self.shown = base, "one"

    def __fspath__(self) -> str:
        here = threading.current_thread()
        machine = here.machine if isinstance(here, Worker) else self.shown
        return str(self.base / machine)


class OneUse:
    """A wire to eBay whose refresh tokens work once. `fate` says what becomes of a call:
    answered, lost (after it took effect), down, or refused by mistake."""

    def __init__(self, fate: Callable[[], str]) -> None:
        self.fate = fate
        self.chain, self.number = 0, 0
        self.known = True  # whether a worker that lives has, or had, the newest token in hand
        self.holder: Worker | None = None  # who has just been answered and may still die
        self.sent: list[tuple[str, float, float]] = []  # token, when, until when it was leased
        self.now: Callable[[], float] = lambda: 0.0

    @property
    def token(self) -> str:
        return f"r-{self.chain}-{self.number}"

    def consent(self) -> str:
        self.chain, self.number, self.known, self.holder = self.chain + 1, 0, True, None
        return self.token

    def send(self, method: str, url: str, headers: object, body: bytes) -> Answer:
        worker = threading.current_thread()
        given = parse_qs(body.decode())["refresh_token"][0]
        if isinstance(worker, Worker):
            worker.pause("call")
        fate = self.fate()
        if fate == "down":
            raise platform_error(Fault.PLATFORM_DOWN, "down")
        leased_until = getattr(worker, "leased_until", None)
        if leased_until is None:  # the test's own, which moves at once
            leased_until = self.now() + REFRESH_LEASE.total_seconds()
        if fate != "mistake":
            self._at_most_once(given, fate, leased_until)
        if given != self.token or fate == "mistake":
            return Answer(status=400, body=b'{"error":"invalid_grant","error_description":"x"}')
        self.number += 1
        self.known = fate != "lost"
        if fate == "lost":
            raise platform_error(Fault.PLATFORM_DOWN, "no answer in time")
        answer = {
            "access_token": f"a-{self.token}", "expires_in": 7200, "refresh_token": self.token,
            "token_type": "User Access Token", "refresh_token_expires_in": 47_304_000,
        }  # fmt: skip
        if isinstance(worker, Worker):
            self.holder = worker
            worker.pause("answer")
            if self.holder is worker:
                self.holder = None
        return Answer(status=200, body=json.dumps(answer).encode())

    def _at_most_once(self, given: str, fate: str, leased_until: float) -> None:
        if self.now() >= leased_until:
            return  # it fell asleep between its lease and its call
        for token, at, until in self.sent:
            assert token != given or self.now() >= until, (
                f"{given} was sent at {at} under a lease until {until}, and again at {self.now()}"
            )
        if fate == "answered":
            self.sent.append((given, self.now(), leased_until))

    def died(self, worker: Worker) -> None:
        """Whoever dies with the answer in hand, and not yet on disk, takes it along."""
        if self.holder is worker and worker.at == "answer":
            self.known, self.holder = False, None


@contextmanager
def pausing(sleep: Callable[[float], None]):
    """Workers pause before each statement on authorizations that is not inside a transaction
    of the product's own, and when they sleep."""
    depth = len(connection.savepoint_ids)

    def gate(execute, sql, params, many, context):
        worker = threading.current_thread()
        if isinstance(worker, Worker) and TABLE in sql and "callstat" not in sql:
            if len(connection.savepoint_ids) == depth:
                worker.pause("statement")
            if any(words in sql for words in TAKES):
                worker.took = True
        return execute(sql, params, many, context)

    def doze(seconds: float) -> None:
        worker = threading.current_thread()
        if isinstance(worker, Worker):
            worker.pause("sleep")
        else:
            sleep(seconds)

    with connection.execute_wrapper(gate), patch("time.sleep", doze):
        yield


LEASE_AND_A_BIT = REFRESH_LEASE + timedelta(seconds=1)
