"""The one way out to robots' addresses, which sellers type.

A typed address could name a machine inside our own network. So the host is looked up once, what
is not public is refused, and the connection goes to the very IP address that was looked at,
with the certificate checked against the host name: a name that means something else a moment
later changes nothing. Redirects, cookies and proxies do not exist here.
"""

from __future__ import annotations

import http.client
import io
import logging
import queue
import socket
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from django.conf import settings

from platforms import transport
from platforms.errors import Fault, NeedsSeller, PlatformError, platform_error
from platforms.robots.addresses import is_public
from platforms.robots.kinds.webhook import ADDRESS
from platforms.robots.spec import Kind, Message, Outcome, Post, Verdict, later, refused
from platforms.robots.words import Reason
from platforms.spec import Answer

logger = logging.getLogger(__name__)

TOTAL_TIMEOUT_S = 10.0
CONNECT_TIMEOUT_S = 4.0  # for each of a host's addresses
MAX_BODY_BYTES = 64 * 1024
PORTS = (443, 8443)
USER_AGENT = "Storelink/1.0"


@dataclass(frozen=True, kw_only=True)
class Sent:
    """What came of sending. Without the address and the secret; safe to store and to show.

    `code` is the product's own word or number; `retry_after` is set where `outcome` is later.
    """

    kind: Kind
    verdict: Verdict
    ms: int = 0

    @property
    def ok(self) -> bool:
        return self.verdict.outcome == Outcome.OK

    @property
    def advice(self) -> str:
        """What to do about it, in the active language; "" if it went well."""
        return self.kind.explain(self.verdict.reason)

    @property
    def values(self) -> tuple[str, ...]:
        """For copying along with the advice: our addresses, where the robot wants to know them."""
        wanted = self.verdict.reason in (Reason.IP_NOT_ALLOWED, Reason.SECURITY)
        return tuple(settings.OUTGOING_ADDRESSES) if wanted else ()


class NotPublic(NeedsSeller):
    """The host has no address that may be called."""

    def __init__(self) -> None:
        super().__init__(Fault.INVALID_REQUEST, "the host is not on the public internet")


def send(kind: Kind, message: Message, address: str, secret: str, now: datetime) -> Sent:
    """Say `message` through the robot at `address`; `secret` is "" where it has none.

    Never raises for what the network or the robot does. Calls no more than once and keeps no
    limits: the caller repeats, and asks `platforms.ratelimit` with `kind.limits` first. Sending
    again is safe for programs (the webhook's id is made from `message.key`); people see it twice.
    """
    started = time.monotonic()
    verdict = _send(kind, message, address, secret, now)
    ms = int((time.monotonic() - started) * 1000)
    logger.info(
        "robot.called",
        extra={
            "robot": kind.code,
            "outcome": str(verdict.outcome),
            "reason": str(verdict.reason) or "ok",
            "code": verdict.code,
            "ms": ms,
        },
    )
    return Sent(kind=kind, verdict=verdict, ms=ms)


def _send(kind: Kind, message: Message, address: str, secret: str, now: datetime) -> Verdict:
    if kind.check_address(address) is not None:
        return refused(Reason.BAD_ADDRESS)
    if kind.check_secret(secret) is not None:
        return refused(Reason.BAD_SECRET)
    post = kind.build(message, address, secret, now)
    wire, url = _way(kind, post)
    headers = {"user-agent": USER_AGENT, "accept": "application/json, */*", **post.headers}
    try:
        answer = wire.send("POST", url, headers, post.body)
    except NotPublic:
        return refused(Reason.NOT_PUBLIC)
    except PlatformError as exc:
        return later(_REASONS.get(exc.fault, Reason.UNKNOWN), code=str(exc.fault))
    verdict = kind.read_answer(answer.status, answer.body)
    return _waiting_as_told(verdict, answer, now)


_REASONS = {
    Fault.TLS_FAILED: Reason.TLS_FAILED,
    Fault.NETWORK_UNREACHABLE: Reason.UNREACHABLE,
    Fault.PLATFORM_DOWN: Reason.DOWN,
    Fault.BAD_RESPONSE: Reason.BAD_ANSWER,
}


def _way(kind: Kind, post: Post) -> tuple[transport.Wire, str]:
    """What carries a post, and to where: the demo and the tests have robots of their own, which
    may be on this machine and without TLS."""
    base = settings.ROBOT_ENDPOINTS.get(kind.code) if settings.ALLOW_ENDPOINT_OVERRIDES else None
    if not base:
        return transport.wire(GUARDED), post.url
    found = ADDRESS.fullmatch(post.url)
    return transport.wire(), base.rstrip("/") + (found["target"] if found else "/")


def _waiting_as_told(verdict: Verdict, answer: Answer, now: datetime) -> Verdict:
    """Longer, if the answer asks for it."""
    told = transport.read_retry_after(answer, now=now)
    if verdict.outcome != Outcome.LATER or not told:
        return verdict
    wait = max(told, verdict.retry_after) if answer.status != 429 and verdict.retry_after else told
    return later(verdict.reason, code=verdict.code, wait=wait)


# --- the wire


def _look_up(host: str, port: int) -> list[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_rest, address in found))


def _connect(address: tuple[str, int], timeout_s: float) -> socket.socket:
    return socket.create_connection(address, timeout_s)


class GuardedWire:
    """Carries to public hosts only, over TLS, within `TOTAL_TIMEOUT_S` for everything together.

    `look_up` gives the IP addresses of a host, `connect` opens a socket to one of them,
    `context` verifies. Raises NotPublic and PlatformError; no message of theirs quotes anything
    that was sent.
    """

    def __init__(
        self,
        *,
        look_up: Callable[[str, int], list[str]] = _look_up,
        connect: Callable[[tuple[str, int], float], socket.socket] = _connect,
        context: ssl.SSLContext | None = None,
    ) -> None:
        self._look_up = look_up
        self._connect = connect
        self._context = context

    def send(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        try:
            return self._send(method, url, headers, body)
        except ssl.SSLError as exc:
            raise platform_error(Fault.TLS_FAILED, type(exc).__name__) from None
        except socket.gaierror:
            raise platform_error(Fault.NETWORK_UNREACHABLE, "the host name was not found") from None
        except TimeoutError:
            raise platform_error(Fault.PLATFORM_DOWN, "no answer in time") from None
        except http.client.HTTPException as exc:
            raise platform_error(Fault.BAD_RESPONSE, type(exc).__name__) from None
        except OSError as exc:
            raise platform_error(Fault.NETWORK_UNREACHABLE, type(exc).__name__) from None
        except ValueError as exc:
            # A header that cannot be sent; the message would quote it.
            raise platform_error(Fault.INVALID_REQUEST, type(exc).__name__) from None

    def _send(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        clock = _Clock()
        found = ADDRESS.fullmatch(url)
        if found is None or int(found["port"] or 443) not in PORTS:
            raise NotPublic
        host, port = found["host"], int(found["port"] or 443)
        addresses = [a for a in self._in_time(host, port, clock) if is_public(a)]
        if not addresses:
            raise NotPublic
        context = self._context or transport.tls_context()
        with (
            self._first_open(addresses, port, clock) as plain,
            context.wrap_socket(plain, server_hostname=host, do_handshake_on_connect=False) as tls,
        ):
            tls.settimeout(clock.left())
            tls.do_handshake()
            connection = http.client.HTTPSConnection(host, port, context=context)
            connection.auto_open = 0  # never a second look-up
            connection.sock = tls
            connection.response_class = partial(_TimedResponse, clock=clock)  # type: ignore[assignment]
            target = found["target"]
            tls.settimeout(clock.left())
            connection.request(
                method, target if target.startswith("/") else f"/{target}", body, dict(headers)
            )
            return _read(connection)

    def _in_time(self, host: str, port: int, clock: _Clock) -> list[str]:
        """The look-up has no time-out of its own, and a slow name server is somebody's server."""
        results: queue.SimpleQueue[list[str] | OSError] = queue.SimpleQueue()

        def look_up() -> None:
            try:
                results.put(self._look_up(host, port))
            except (OSError, UnicodeError) as exc:
                results.put(exc if isinstance(exc, OSError) else socket.gaierror())

        threading.Thread(target=look_up, name="robot-look-up", daemon=True).start()
        try:
            result = results.get(timeout=clock.left())
        except queue.Empty:
            raise TimeoutError from None
        if isinstance(result, OSError):
            raise result
        return result

    def _first_open(self, addresses: list[str], port: int, clock: _Clock) -> socket.socket:
        failed: OSError = ConnectionError()
        for address in addresses:
            try:
                return self._connect((address, port), min(clock.left(), CONNECT_TIMEOUT_S))
            except OSError as exc:
                failed = exc
        raise ConnectionError(type(failed).__name__)


class _Clock:
    def __init__(self) -> None:
        self._deadline = time.monotonic() + TOTAL_TIMEOUT_S

    def left(self) -> float:
        """Seconds; raises TimeoutError when none are left."""
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left


class _TimedResponse(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, clock: _Clock, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        raw: Any = self.fp.detach()
        self.fp = io.BufferedReader(transport.OnTime(raw, sock, clock.left()))


def _read(connection: http.client.HTTPConnection) -> Answer:
    with connection.getresponse() as response:
        content = response.read(MAX_BODY_BYTES + 1)
        if len(content) > MAX_BODY_BYTES:
            raise platform_error(Fault.BAD_RESPONSE, "the answer is too large")
        return Answer(
            status=response.status,
            headers={name.lower(): value for name, value in response.getheaders()},
            body=content,
        )


GUARDED = GuardedWire()
