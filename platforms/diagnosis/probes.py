"""Looking at a host from below: its name, a connection, its certificate, one answer.

Only for hosts that an adapter declares and for our own address; no credential goes out. Calls
to a marketplace that carry one go through the transport. `use_probes` swaps the network.
"""

from __future__ import annotations

import http.client
import socket
import ssl
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Protocol
from urllib.parse import urlsplit

import certifi
from cryptography import x509

from platforms.transport import USER_AGENT

CONNECT_TIMEOUT_S = 5.0
ANSWER_TIMEOUT_S = 6.0
# OpenSSL's numbers of what was wrong with a chain (x509_vfy.h)
_NOT_YET_VALID, _EXPIRED, _SELF_SIGNED = 9, 10, 18
_NO_ISSUER = (2, 20, 21)  # the issuer of one of the certificates is not there
_OTHER_NAME = (62, 64)  # host name, IP address


@dataclass(frozen=True, kw_only=True)
class Certificate:
    """What a server showed of itself. `chain`: how many certificates it sent."""

    names: tuple[str, ...]
    issuer: str
    ends_at: datetime
    self_signed: bool
    chain: int


@dataclass(frozen=True, kw_only=True)
class Looked:
    """How far we got: name, connection, certificate, answer; times in milliseconds.

    `failed` is the stage that stopped us ("dns", "tcp", "tls", "http") or "", `why` one word
    about it. `ahead_s`: how far our clock is ahead of the server's, by its Date header.
    """

    scheme: str
    host: str
    port: int
    addresses: tuple[str, ...] = ()
    failed: str = ""
    why: str = ""
    dns_ms: int | None = None
    tcp_ms: int | None = None
    tls_ms: int | None = None
    http_ms: int | None = None
    protocol: str = ""  # e.g. TLSv1.3
    certificate: Certificate | None = None
    status: int | None = None
    ahead_s: float | None = None


class Probes(Protocol):
    def look(self, url: str, *, method: str = "HEAD") -> Looked:
        """Never raises for what the network does."""


class NetworkProbes:
    """The real network. `roots`: a bundle of authorities in place of the usual one."""

    def __init__(self, *, roots: str = "") -> None:
        self._context = ssl.create_default_context(cafile=roots or certifi.where())

    def look(self, url: str, *, method: str = "HEAD") -> Looked:
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        looked = Looked(scheme=parts.scheme, host=parts.hostname or "", port=port)
        started = time.monotonic()
        try:
            found = socket.getaddrinfo(looked.host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            return replace(looked, failed="dns", why="not_found", dns_ms=_since(started))
        addresses = tuple(dict.fromkeys(str(each[4][0]) for each in found))
        looked = replace(looked, addresses=addresses, dns_ms=_since(started))
        started = time.monotonic()
        try:
            sock = _connect(addresses, port)
        except OSError as exc:
            return replace(looked, failed="tcp", why=_why(exc), tcp_ms=_since(started))
        looked = replace(looked, tcp_ms=_since(started))
        with sock:
            if looked.scheme == "https":
                return self._secured(looked, sock, parts.path or "/", method)
            return _asked(looked, sock, parts.path or "/", method)

    def _secured(self, looked: Looked, sock: socket.socket, path: str, method: str) -> Looked:
        started = time.monotonic()
        try:
            with self._context.wrap_socket(sock, server_hostname=looked.host) as secure:
                der = secure.getpeercert(binary_form=True)
                looked = replace(
                    looked,
                    tls_ms=_since(started),
                    protocol=secure.version() or "",
                    certificate=_certificate(der, _sent(secure)) if der else None,
                )
                return _asked(looked, secure, path, method)
        except ssl.SSLCertVerificationError as exc:
            certificate = _shown(looked)
            why = _certificate_fault(exc.verify_code, certificate)
            return replace(
                looked, failed="tls", why=why, tls_ms=_since(started), certificate=certificate
            )
        except (ssl.SSLError, OSError) as exc:
            why = "timeout" if isinstance(exc, TimeoutError) else "handshake"
            return replace(looked, failed="tls", why=why, tls_ms=_since(started))


def _connect(addresses: Sequence[str], port: int) -> socket.socket:
    """To the first address that answers within the time for all of them."""
    ends = time.monotonic() + CONNECT_TIMEOUT_S
    for address in addresses[:4]:
        left = ends - time.monotonic()
        if left <= 0:
            raise TimeoutError
        try:
            sock = socket.create_connection((address, port), timeout=left)
        except OSError as exc:
            problem = exc
        else:
            sock.settimeout(ANSWER_TIMEOUT_S)
            return sock
    raise problem


def _asked(looked: Looked, sock: socket.socket, path: str, method: str) -> Looked:
    """One request without a credential; whatever is answered will do."""
    host = looked.host if looked.port in (80, 443) else f"{looked.host}:{looked.port}"
    lines = [
        f"{method} {path} HTTP/1.1", f"Host: {host}", f"User-Agent: {USER_AGENT}",
        "Connection: close", "Content-Length: 0", "", "",
    ]  # fmt: skip
    before, started = time.time(), time.monotonic()
    try:
        sock.sendall("\r\n".join(lines).encode("ascii"))
        response = http.client.HTTPResponse(sock, method=method)
        response.begin()
        after = time.time()
        response.close()
    except (OSError, http.client.HTTPException) as exc:
        why = "timeout" if isinstance(exc, TimeoutError) else "cut_off"
        return replace(looked, failed="http", why=why, http_ms=_since(started))
    return replace(
        looked,
        http_ms=_since(started),
        status=response.status,
        ahead_s=clock_ahead(response.getheader("Date") or "", (before + after) / 2),
    )


def clock_ahead(date: str, ours: float) -> float | None:
    """How far a clock of ours (Unix seconds) is ahead of a Date header; None if unreadable."""
    try:
        theirs = parsedate_to_datetime(date)
    except (TypeError, ValueError):
        return None
    # The header has whole seconds, cut off: on average it is half a second late.
    return round(ours - theirs.replace(tzinfo=theirs.tzinfo or UTC).timestamp() - 0.5, 1)


def not_in_time(url: str) -> Looked:
    """What is known of a host whose look did not end in time: a name server that is silent, as
    everything after it has a time-out of its own."""
    parts = urlsplit(url)
    return Looked(
        scheme=parts.scheme, host=parts.hostname or "", port=parts.port or 0, failed="dns",
        why="timeout",
    )  # fmt: skip


# --- certificates


def _certificate_fault(code: int, shown: Certificate | None) -> str:
    if code in _OTHER_NAME:
        return "other_name"
    if code == _EXPIRED:
        return "expired"
    if code == _NOT_YET_VALID:
        return "not_yet_valid"
    if code == _SELF_SIGNED or (shown and shown.self_signed):
        return "self_signed"
    if code in _NO_ISSUER and shown and shown.chain == 1:
        # Browsers fetch what is missing by themselves, so nobody notices; marketplaces do not.
        return "chain_incomplete"
    return "unknown_issuer"


def _shown(looked: Looked) -> Certificate | None:
    """The certificate that was refused: asked for once more, without checking it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        with (
            _connect(looked.addresses, looked.port) as sock,
            context.wrap_socket(sock, server_hostname=looked.host) as secure,
        ):
            der = secure.getpeercert(binary_form=True)
            return _certificate(der, _sent(secure)) if der else None
    except OSError:
        return None


def _sent(secure: ssl.SSLSocket) -> int:
    """How many certificates the server sent. Public from Python 3.13 on only; 3.10 to 3.12 have
    it on the inner object."""
    inner: Any = secure if hasattr(secure, "get_unverified_chain") else secure._sslobj  # type: ignore[attr-defined]
    return len(inner.get_unverified_chain() or ())


def _certificate(der: bytes, chain: int) -> Certificate:
    read = x509.load_der_x509_certificate(der)
    try:
        names = read.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        told = [str(name.value) for name in names]
    except x509.ExtensionNotFound:
        told = []
    issuer = read.issuer.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    return Certificate(
        names=tuple(told[:10]),
        issuer=str(issuer[0].value)[:100] if issuer else "",
        ends_at=read.not_valid_after_utc,
        self_signed=read.issuer == read.subject,
        chain=chain,
    )


def _why(exc: OSError) -> str:
    if isinstance(exc, TimeoutError):
        return "timeout"
    return "refused" if isinstance(exc, ConnectionRefusedError) else "unreachable"


def _since(started: float) -> int:
    return int((time.monotonic() - started) * 1000)


# --- the seam

_probes: Probes = NetworkProbes()


def look(url: str, *, method: str = "HEAD") -> Looked:
    return _probes.look(url, method=method)


@contextmanager
def use_probes(probes: Probes) -> Iterator[None]:
    """Swap the network below for every thread of this process; for tests."""
    global _probes
    before, _probes = _probes, probes
    try:
        yield
    finally:
        _probes = before
