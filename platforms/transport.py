"""The one door out: declared hosts only, TLS verified, no redirects, bounded, limited, counted.

`Channel` is the `Call` that adapters are given. `use_wire` swaps the network below it.
"""

from __future__ import annotations

import http.client
import io
import logging
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http.cookiejar import DefaultCookiePolicy
from typing import Any, Protocol, Self
from urllib.parse import urlencode, urlsplit

import certifi
import requests
from django.conf import settings
from django.utils import timezone
from requests.adapters import HTTPAdapter
from requests.utils import default_headers
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ReadTimeoutError

from platforms import ratelimit
from platforms.adapter import Adapter
from platforms.errors import THROTTLES, Fault, OwnLimit, PlatformError, platform_error
from platforms.spec import Account, Answer, Limit, Request
from platforms.traffic import CallCounter, note_clock

logger = logging.getLogger(__name__)
# It writes whole addresses, and some platforms want their tokens in the query.
logging.getLogger("urllib3").setLevel(logging.ERROR)

CONNECT_TIMEOUT_S = 10.0
READ_TIMEOUT_S = 60.0
TOTAL_TIMEOUT_S = 75.0
MAX_BODY_BYTES = 32 * 1024 * 1024
USER_AGENT = "Storelink/1.0 (Language=Python/3.11)"
PATIENCE = timedelta(seconds=2)  # a worker waits this long for its turn; longer goes to due_at


class Wire(Protocol):
    """Carries bytes. Raises PlatformError for what the network does."""

    def send(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Answer: ...


class OnTime(io.RawIOBase):
    """Reads a socket, but not past the deadline of the whole answer: with a time-out for each
    read alone, a server that sends a byte a minute holds a worker for ever."""

    def __init__(self, raw: io.RawIOBase, sock: socket.socket, total_s: float) -> None:
        self._raw = raw
        self._sock = sock
        self._deadline = time.monotonic() + total_s

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int | None:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._sock.settimeout(min(left, READ_TIMEOUT_S))
        return self._raw.readinto(buffer)

    def close(self) -> None:
        super().close()
        self._raw.close()


class _Answer(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        # Both kinds of socket give an unbuffered reader here; closing it lets go of the socket.
        raw: Any = self.fp.detach()
        self.fp = io.BufferedReader(OnTime(raw, sock, TOTAL_TIMEOUT_S))


class _Connection(HTTPConnection):
    response_class = _Answer


class _SecureConnection(HTTPSConnection):
    response_class = _Answer


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


class _WireAdapter(HTTPAdapter):
    """One SSLContext for all hosts: loading the CA bundle costs 15 ms a new host otherwise."""

    context = ssl.create_default_context(cafile=certifi.where())

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, ssl_context=self.context, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}

    def cert_verify(self, *args: Any, **kwargs: Any) -> None:
        """The context verifies; requests would load the bundle again."""


_USUAL = dict(default_headers())


class RequestsWire:
    """The real network. One session per thread: requests' sessions are not thread safe."""

    def __init__(self) -> None:
        self._local = threading.local()

    def send(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        try:
            # The session's own defaults would be merged anew for every call.
            asked = requests.Request(method, url, {**_USUAL, **headers}, data=body or None)
            with self._session().send(
                asked.prepare(),
                timeout=(CONNECT_TIMEOUT_S, READ_TIMEOUT_S),
                allow_redirects=False,
                stream=True,
                proxies={},
            ) as response:
                content = _read(response)
        except requests.exceptions.SSLError as exc:
            raise platform_error(Fault.TLS_FAILED, _cause(exc)) from None
        except requests.exceptions.ConnectTimeout:
            raise platform_error(Fault.NETWORK_UNREACHABLE, "no connection in time") from None
        except requests.exceptions.ReadTimeout:
            raise platform_error(Fault.PLATFORM_DOWN, "no answer in time") from None
        except requests.exceptions.ChunkedEncodingError:
            raise platform_error(Fault.BAD_RESPONSE, "the answer was cut off") from None
        except requests.exceptions.ContentDecodingError:
            raise platform_error(Fault.BAD_RESPONSE, "the answer could not be unpacked") from None
        except requests.exceptions.ConnectionError as exc:
            if exc.args and isinstance(exc.args[0], ReadTimeoutError):
                raise platform_error(Fault.PLATFORM_DOWN, "the answer took too long") from None
            raise platform_error(Fault.NETWORK_UNREACHABLE, _cause(exc)) from None
        except (requests.exceptions.RequestException, UnicodeError) as exc:
            # A header or address that cannot be sent; the message would quote it, secrets and all.
            raise platform_error(Fault.INVALID_REQUEST, type(exc).__name__) from None
        return Answer(
            status=response.status_code,
            headers={k.lower(): v for k, v in response.headers.items()},
            body=content,
        )

    def _session(self) -> requests.Session:
        session: requests.Session | None = getattr(self._local, "session", None)
        if session is None:
            session = requests.Session()
            session.trust_env = False  # no proxy or CA bundle from the environment
            # A cookie that came with one seller's answer must not go out with another's call.
            session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
            for scheme in ("https://", "http://"):
                session.mount(scheme, _WireAdapter(pool_maxsize=4))
            self._local.session = session
        return session


def _read(response: requests.Response) -> bytes:
    """In one piece where the platform says how long it is: pieces are copied twice. Packed answers
    are never unpacked further than is asked for."""
    chunks, size = [], 0
    for chunk in response.iter_content(MAX_BODY_BYTES + 1):
        chunks.append(chunk)
        size += len(chunk)
        if size > MAX_BODY_BYTES:
            raise platform_error(Fault.BAD_RESPONSE, "the answer is too large")
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def _cause(exc: BaseException) -> str:
    """The innermost reason, without the URL that requests puts into its messages."""
    reason = exc
    for _deeper in range(10):
        inner = (getattr(reason, "reason", None), *reason.args, reason.__cause__)
        deeper = next((each for each in inner if isinstance(each, BaseException)), None)
        if deeper is None:
            break
        reason = deeper
    if isinstance(reason, socket.gaierror):
        return "the host name was not found"
    return type(reason).__name__


_NETWORK: Wire = RequestsWire()
_wire: Wire = _NETWORK


def tls_context() -> ssl.SSLContext:
    """Verifies certificates and host names."""
    return _WireAdapter.context


def wire(network: Wire = _NETWORK) -> Wire:
    """What carries bytes now: `network`, unless it was swapped. One swap closes every way out."""
    return network if _wire is _NETWORK else _wire


@contextmanager
def use_wire(wire: Wire) -> Iterator[None]:
    """Swap the network for every thread of this process; for tests."""
    global _wire
    before, _wire = _wire, wire
    try:
        yield
    finally:
        _wire = before


def base_address(adapter: Adapter, key: str, *, region: str = "", environment: str = "") -> str:
    """Where an endpoint of `adapter` is, overrides honoured where settings allow them."""
    if settings.ALLOW_ENDPOINT_OVERRIDES:
        declared = settings.PLATFORM_ENDPOINTS.get(adapter.code, {})
        overrides = {name.lower(): base for name, base in declared.items()}
        # A key that is not overridden goes to the overridden "api": no call leaves by accident.
        for name in (f"{key}.{region}".lower(), key, "api", next(iter(overrides), "")):
            if name in overrides:
                return str(overrides[name]).rstrip("/")
    return adapter.endpoint(key, region=region, environment=environment or "production")


class Channel:
    """Calls for one account; a context manager that writes its call counts at the end.

    `renew`, if given, is asked for a fresh account when the platform says the access token
    has expired; the call is then repeated once.
    """

    def __init__(
        self,
        adapter: Adapter,
        account: Account,
        *,
        counter: CallCounter | None = None,
        renew: Callable[[], Account] | None = None,
        turns: ratelimit.Turns | None = None,
    ) -> None:
        self.adapter = adapter
        self.account = account
        self.calls = 0
        self.spent_s = 0.0  # in calls, not in waiting for our turn
        self._counter = counter
        self._renew = renew
        self._turns = turns or ratelimit.Turns()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self._turns.give_back(now=timezone.now())
        if self._counter:
            self._counter.save()

    def __call__(self, request: Request) -> Answer:
        try:
            return self._attempt(request)
        except PlatformError as exc:
            hopeful = request.signed and self.adapter.worth_refreshing(exc)
            if self._renew is None or not hopeful:
                raise
        self.account = self._renew()
        try:
            return self._attempt(request)
        except PlatformError as exc:
            # Refused with a brand-new token: it was not the token that was old.
            raise self.adapter.after_refresh(exc) from None

    def _attempt(self, request: Request) -> Answer:
        self._wait_for_turn(request)
        now = timezone.now()
        prepared = self._on_the_wire(request, now)
        started = time.monotonic()
        fault = ""
        try:
            answer = _wire.send(*prepared)
            # The platform looked at its clock somewhere between our two looks at ours.
            note_clock(self.adapter.code, answer, now=now + (timezone.now() - now) / 2)
            self._note_room(request, answer, now)
            error = self.adapter.read_fault(request, answer)
            if error is not None:
                raise self._with_retry_after(request, error, answer, now)
            return answer
        except PlatformError as exc:
            fault = exc.fault
            raise
        finally:
            self.calls += 1
            elapsed_s = time.monotonic() - started
            self.spent_s += elapsed_s
            elapsed_ms = int(elapsed_s * 1000)
            if self._counter:
                self._counter.add(fault, elapsed_ms, now=now)
            logger.info(
                "platform.called",
                extra={
                    "platform": self.adapter.code,
                    "operation": request.operation,
                    "fault": fault or "ok",
                    "ms": elapsed_ms,
                },
            )

    def _on_the_wire(
        self, request: Request, now: datetime
    ) -> tuple[str, str, dict[str, str], bytes]:
        base = base_address(
            self.adapter,
            request.endpoint,
            region=self.account.region,
            environment=self.account.environment,
        )
        base = self.adapter.base_of(base, self.account)
        if request.signed:
            request = self.adapter.sign(request, self.account, now=now)
        url = base + request.path
        if request.params:
            url += "?" + urlencode(request.params)
        if urlsplit(url).netloc != urlsplit(base).netloc:
            raise platform_error(Fault.INVALID_REQUEST, "the address left the declared host")
        headers = {"user-agent": USER_AGENT, "accept": "application/json", **request.headers}
        if request.form is not None:
            headers["content-type"] = "application/x-www-form-urlencoded"
        elif request.json is not None:
            headers["content-type"] = "application/json"
        return request.method, url, headers, request.body()

    # --- limits

    def _buckets(self, request: Request) -> list[tuple[str, Limit]]:
        return ratelimit.buckets(self.adapter, request.operation, self.account)

    def _wait_for_turn(self, request: Request) -> None:
        for key, limit in self._buckets(request):
            while wait := self._turns.take(key, limit, cost=request.cost, now=timezone.now()):
                if wait > PATIENCE:
                    raise OwnLimit(
                        Fault.RATE_LIMITED, "our own limit for this call", retry_after=wait
                    )
                time.sleep(wait.total_seconds())

    def _note_room(self, request: Request, answer: Answer, now: datetime) -> None:
        """What the platform itself says is left counts more than what we reckoned."""
        told = {room.name: room for room in self.adapter.read_room(request, answer, now=now)}
        for key, limit in self._buckets(request) if told else ():
            if limit.name in told:
                ratelimit.note(key, limit, told[limit.name], now=now)

    def _with_retry_after(
        self, request: Request, error: PlatformError, answer: Answer, now: datetime
    ) -> PlatformError:
        if error.retry_after is None:
            error.retry_after = read_retry_after(answer, now=now)
        buckets = self._buckets(request)
        if error.fault == Fault.RATE_LIMITED and buckets:
            slowest = min(limit.rate for _key, limit in buckets)
            error.retry_after = error.retry_after or timedelta(seconds=max(1.0, 1 / slowest))
        if error.fault in THROTTLES and error.retry_after:
            self._turns.forget()
            for key, limit in buckets:
                ratelimit.hold(key, limit, until=now + error.retry_after)
        return error


def read_retry_after(answer: Answer, *, now: datetime) -> timedelta | None:
    """Seconds or an HTTP date; None where absent or senseless. Never more than a day."""
    value = answer.headers.get("retry-after", "").strip()
    if value.isdecimal() and value.isascii():
        seconds = float(value)
    else:
        try:
            at = parsedate_to_datetime(value)
        except (TypeError, ValueError):
            return None
        if at.tzinfo is None:
            at = at.replace(tzinfo=UTC)
        seconds = (at - now).total_seconds()
    return timedelta(seconds=min(max(seconds, 0), 86_400))
