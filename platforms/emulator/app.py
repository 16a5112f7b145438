"""The emulator as a WSGI application: every marketplace under one address.

Adapters reach it through PLATFORM_ENDPOINTS (see `endpoints`). It is written from the fact
sheets and contracts alone and imports nothing of the product, so it shares no mistakes with it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import TYPE_CHECKING, Protocol

from werkzeug.http import http_date
from werkzeug.wrappers import Request, Response

from platforms.emulator import cast, control, pages, robots
from platforms.emulator.book import Record
from platforms.emulator.knobs import GARBLES, Knobs
from platforms.emulator.limits import REAL
from platforms.emulator.state import State
from platforms.emulator.wire import Refused, garbled, html_answer

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment


class Platform(Protocol):
    """One marketplace. `operation` is "" for a path the marketplace does not have."""

    code: str
    endpoints: Mapping[str, str]  # key of PLATFORM_ENDPOINTS -> path under the emulator
    real_limits: Mapping[str, tuple[float, float]]  # operation -> calls a second, burst
    scopes: tuple[str, ...]  # scopes or roles that can be taken away
    unused_knobs: frozenset[str]  # knobs that turn nothing here

    def __init__(self, state: State) -> None: ...

    def operation(self, request: Request) -> str: ...

    def account(self, request: Request, operation: str) -> str | None:
        """The account a call is about as far as can be told before checking anything."""

    def failure(self, kind: str, request: Request, retry_after: int | None) -> Response:
        """The platform's own form of: down, throttle, block_ip."""

    def handle(self, request: Request, operation: str, knobs: Knobs) -> Response:
        """Raises Refused."""

    def orders_changed(self, account: str, records: list[Record]) -> None:
        """Orders came or changed: push what is subscribed to."""

    def access_ended(self, account: str) -> None:
        """The seller removed our access: push what is subscribed to."""

    def push(self, account: str, topic: str) -> bool:
        """Push `topic` now, whatever the reason; False for one that does not exist."""


def endpoints(base_url: str) -> dict[str, dict[str, str]]:
    """PLATFORM_ENDPOINTS for an emulator at `base_url`."""
    base = base_url.rstrip("/")
    return {
        code: {key: base + path for key, path in found.endpoints.items()}
        for code, found in _PLATFORMS.items()
    }


def _found() -> dict[str, type[Platform]]:
    """The marketplaces, by the names in `cast`; eBay, Amazon and Ozon were there before it."""
    codes = ("ebay", "amazon", "ozon", *(found.name for found in iter_modules(cast.__path__)))
    return {code: import_module(f"{__package__}.{code}").PLATFORM for code in codes}


_PLATFORMS = _found()
for _platform in _PLATFORMS.values():
    REAL.update(_platform.real_limits)


class Emulator:
    """WSGI. All state is inside; one lock; with `state_path` it survives a restart.

    `orders` sets how many orders an account starts with, by account key. `clock` gives Unix
    seconds. A delay knob sleeps outside the lock and after the call took effect.
    """

    def __init__(
        self,
        *,
        state_path: Path | str | None = None,
        callback_base: str | None = None,
        seed: int = 1,
        orders: Mapping[str, int] | None = None,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.lock = threading.RLock()
        self.sleep = sleep
        self.state = State(
            clock=clock,
            seed=seed,
            callback_base=callback_base,
            path=Path(state_path) if state_path else None,
            orders=dict(orders or {}),
        )
        self.platforms = {code: found(self.state) for code, found in _PLATFORMS.items()}
        self.state.platforms = self.platforms

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        response, delay = self.answer(Request(environ))
        if delay > 0:
            self.sleep(delay)
        return response(environ, start_response)

    def answer(self, request: Request) -> tuple[Response, float]:
        """The answer, and how many seconds it is held back."""
        platform = self.platforms.get(request.path.split("/")[1])
        if platform is None:
            response = self._own_pages(request)
            response.headers["Date"] = http_date(self.state.clock())
            return response, 0.0
        request.get_data(cache=True)
        with self.lock:
            operation = platform.operation(request)
            account = platform.account(request, operation)
            knobs = self.state.knobs(platform.code, account)
            try:
                gated = self._gate(platform, request, operation, account, knobs)
                note = "by a knob" if gated else ""
                response = gated or platform.handle(request, operation, knobs)
            except Refused as refused:
                response, note = refused.response, refused.note
            response = self._damage(operation, account, response, knobs)
            self._record(request, operation, account, response, note)
            response.headers["Date"] = http_date(self.state.now(platform.code))
            self.state.save()
        return response, knobs.token_delay if operation.endswith(".token") else knobs.delay

    def _gate(
        self,
        platform: Platform,
        request: Request,
        operation: str,
        account: str | None,
        knobs: Knobs,
    ) -> Response | None:
        """What stops a call before the platform looks at it."""
        token_call = operation.endswith(".token")
        planned = self._planned(operation, account, ("down", "throttle", "block_ip"))
        if knobs.block_ip or planned == "block_ip":
            return platform.failure("block_ip", request, None)
        if knobs.down or (knobs.token_down and token_call) or planned == "down":
            return platform.failure("down", request, None)
        consent = operation.endswith(".consent")
        if planned == "throttle" or (knobs.throttle and not consent):
            return platform.failure("throttle", request, knobs.retry_after)
        wait = self.state.limits.wait(
            operation=operation, who=account or "", knobs=knobs, now=self.state.clock()
        )
        if wait > 0:
            return platform.failure("throttle", request, knobs.retry_after)
        return None

    def _planned(self, operation: str, account: str | None, kinds: tuple[str, ...]) -> str:
        """The failure of these kinds that the control page asked for this call, used up; or ""."""
        for plan in self.state.fail_next:
            calls = not operation.endswith(".consent") and plan["operation"] == "*"
            fits = calls or plan["operation"] == operation
            if fits and plan["kind"] in kinds and plan["account"] in ("", account):
                plan["count"] -= 1
                if plan["count"] <= 0:
                    self.state.fail_next.remove(plan)
                return str(plan["kind"])
        return ""

    def _damage(
        self, operation: str, account: str | None, response: Response, knobs: Knobs
    ) -> Response:
        if operation.endswith(".consent"):
            return response
        how = knobs.token_garble if operation.endswith(".token") else knobs.garble
        how = how or self._planned(operation, account, GARBLES[1:])
        return garbled(response, how) if how else response

    def _record(
        self, request: Request, operation: str, account: str | None, response: Response, note: str
    ) -> None:
        """Counts the call. Kept without query, headers and body: no secrets, no buyer data."""
        state = self.state
        state.counters[operation or "unknown"] += 1
        if account:
            state.account_calls[account] += 1
            if operation.endswith(".token"):
                state.token_calls[account] += 1
        state.requests.append(
            {
                "at": state.clock(),
                "method": request.method,
                "path": request.path,
                "operation": operation,
                "account": account or "",
                "status": response.status_code,
                "note": note,
            }
        )

    def _own_pages(self, request: Request) -> Response:
        if request.path == "/static/emulator.css":
            return pages.stylesheet()
        if request.path == "/favicon.ico":  # browsers ask; a 404 would show in their console
            return Response(status=204)
        if request.path == "/":
            return pages.redirect("/control/", 302)
        if request.path.startswith(("/control/", "/robots/")):
            pages_of = control if request.path.startswith("/control/") else robots
            with self.lock:
                response = pages_of.handle(self.state, request)
                self.state.save()
            return response
        return html_answer("<h1>404</h1>", 404)
