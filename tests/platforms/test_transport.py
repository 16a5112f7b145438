"""What the network does to us, over real sockets: every fault told by its name, no worker held."""

from __future__ import annotations

import gzip
import json
import logging
import socket
import ssl
import threading
import time
import traceback
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from platforms import reading, transport
from platforms.errors import Fault, PlatformError, TryLater
from platforms.transport import RequestsWire

SECRET = "s3cret"
OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


def whole(body: bytes, *headers: str) -> bytes:
    more = "".join(f"{header}\r\n" for header in headers).encode()
    return OK + more + b"Content-Length: %d\r\n\r\n" % len(body) + body


class ByteServer:
    """Sends `pieces` (bytes, or seconds to wait) down every connection, then hangs up."""

    def __init__(self, *pieces: bytes | float, tls: ssl.SSLContext | None = None) -> None:
        self.pieces, self.tls = pieces, tls
        self.asked: list[bytes] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def _accept(self) -> None:
        with suppress(OSError):
            while not self._over.is_set():
                connection, _ = self._listener.accept()
                thread = threading.Thread(target=self._serve, args=[connection])
                self._threads.append(thread)
                thread.start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            if self.tls:
                connection = self.tls.wrap_socket(connection, server_side=True)
            self.asked.append(connection.recv(65536))
            for piece in self.pieces:
                if isinstance(piece, bytes):
                    connection.sendall(piece)
                elif self._over.wait(piece):
                    break
            if self.tls:
                connection.close()

    def close(self) -> None:
        self._over.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(5)


@pytest.fixture
def serve():
    servers = []

    def start(*pieces: bytes | float, tls: ssl.SSLContext | None = None) -> ByteServer:
        servers.append(ByteServer(*pieces, tls=tls))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


def get(url: str, **headers: str):
    return RequestsWire().send("GET", url, headers, b"")


@contextmanager
def refused_as(fault: Fault, detail: str = "", *, within_s: float = 5.0):
    started = time.monotonic()
    with pytest.raises(PlatformError) as caught:
        yield caught
    assert (caught.value.fault, time.monotonic() - started < within_s) == (fault, True)
    assert detail in caught.value.detail


# --- what arrives


def test_an_answer_arrives_whole_with_its_headers_in_lower_case(serve):
    server = serve(whole(b'{"a":1}', "X-Request-ID: 7"))

    answer = get(f"{server.url}/orders?q=1", **{"x-token": "t"})

    assert (answer.status, answer.body) == (200, b'{"a":1}')
    assert answer.headers["x-request-id"] == "7"
    assert server.asked[0].startswith(b"GET /orders?q=1 HTTP/1.1")
    assert b"x-token: t" in server.asked[0]


def test_a_packed_answer_is_unpacked(serve):
    server = serve(whole(gzip.compress(b"[]"), "Content-Encoding: gzip"))
    assert get(server.url).body == b"[]"


def test_redirects_are_not_followed(serve):
    elsewhere = serve(whole(b"{}"))
    server = serve(
        f"HTTP/1.1 302 Found\r\nLocation: {elsewhere.url}/\r\nContent-Length: 0\r\n\r\n".encode()
    )

    assert get(server.url).status == 302
    assert elsewhere.asked == []


def test_a_cookie_of_one_seller_does_not_go_out_with_anothers_call(serve):
    server = serve(whole(b"{}", "Set-Cookie: session=seller-1; Path=/", "Connection: close"))
    wire = RequestsWire()
    for _ in range(2):
        wire.send("GET", server.url, {}, b"")
    assert b"cookie" not in server.asked[1].lower()


def test_the_environment_sends_nothing_through_a_proxy(serve, monkeypatch):
    server = serve(whole(b"{}"))
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere")
    assert get(server.url).status == 200


# --- what is cut off, too large or too slow


@pytest.mark.parametrize(
    "sent",
    [
        OK + b"Content-Length: 100\r\n\r\n{",
        OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhel",
        OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n",
        OK + b"Content-Encoding: gzip\r\nContent-Length: 9\r\n\r\nnot a zip",
    ],
    ids=["short", "chunk", "chunk size", "no gzip"],
)
def test_a_body_that_is_cut_off_or_broken_is_never_taken_for_an_answer(serve, sent):
    with refused_as(Fault.BAD_RESPONSE):
        get(serve(sent).url)


def test_half_a_packed_body_is_not_taken_for_a_whole_answer(serve):
    half = gzip.compress(json.dumps(["orders"] * 9).encode())[:-12]
    with refused_as(Fault.BAD_RESPONSE):
        reading.decode(get(serve(whole(half, "Content-Encoding: gzip")).url), list)


def test_an_answer_larger_than_the_cap_is_refused(serve, monkeypatch):
    monkeypatch.setattr(transport, "MAX_BODY_BYTES", 100_000)
    with refused_as(Fault.BAD_RESPONSE, "too large"):
        get(serve(whole(b" " * 100_001)).url)
    assert len(get(serve(whole(b" " * 100_000)).url).body) == 100_000


def test_a_small_answer_that_unpacks_to_a_huge_one_is_refused(serve, monkeypatch):
    monkeypatch.setattr(transport, "MAX_BODY_BYTES", 1_000_000)
    bomb = gzip.compress(bytes(200_000_000), 1)
    with refused_as(Fault.BAD_RESPONSE, "too large"):
        get(serve(whole(bomb, "Content-Encoding: gzip")).url)


@pytest.mark.parametrize("where", ["headers", "body", "chunks"])
@pytest.mark.parametrize("secure", [False, True])
def test_a_slow_drip_ends_at_the_total_time_out(serve, monkeypatch, where, secure, certified):
    monkeypatch.setattr(transport, "TOTAL_TIMEOUT_S", 0.6)
    start = {
        "headers": OK,
        "body": OK + b"Content-Length: 1000\r\n\r\n",
        "chunks": OK + b"Transfer-Encoding: chunked\r\n\r\n3E8\r\n",
    }[where]
    drip = [piece for _ in range(100) for piece in (b"x", 0.1)]
    server = serve(start, *drip, tls=certified if secure else None)
    with refused_as(Fault.PLATFORM_DOWN, "in time" if where == "headers" else "too long"):
        get(server.url)


@pytest.mark.parametrize("start", [b"", OK, OK + b"Content-Length: 9\r\n\r\n{"])
def test_silence_ends_at_the_read_time_out(serve, monkeypatch, start):
    monkeypatch.setattr(transport, "READ_TIMEOUT_S", 0.3)
    with refused_as(Fault.PLATFORM_DOWN):
        get(serve(start, 30.0).url)


# --- what cannot be reached


def test_a_refused_connection():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with refused_as(Fault.NETWORK_UNREACHABLE, "ConnectionRefusedError") as caught:
        get(f"http://127.0.0.1:{port}/")
    assert isinstance(caught.value, TryLater)


def test_a_host_name_that_nobody_knows_is_said_in_words():
    with refused_as(Fault.NETWORK_UNREACHABLE, "the host name was not found", within_s=60):
        get("http://nobody-has-this-name.invalid/")


@pytest.mark.parametrize(
    "sent", [b"", b"garbage\r\n\r\n", b"HTTP/1.1 200 OK\r\nX: " + b"y" * 70_000]
)
def test_what_is_no_http_at_all(serve, sent):
    with refused_as(Fault.NETWORK_UNREACHABLE):
        get(serve(sent).url)


# --- TLS


def certificate(tmp_path):
    """A self-signed certificate for 127.0.0.1, and its file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), False
        )
        .sign(key, hashes.SHA256())
    )
    path = tmp_path / "server.pem"
    path.write_bytes(
        signed.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return path


@pytest.fixture
def self_signed(tmp_path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate(tmp_path))
    return context


@pytest.fixture
def certified(tmp_path, self_signed, monkeypatch) -> ssl.SSLContext:
    """The same certificate, trusted by us for once."""
    trusting = ssl.create_default_context(cafile=str(tmp_path / "server.pem"))
    monkeypatch.setattr(transport._WireAdapter, "context", trusting)
    return self_signed


def test_a_certificate_nobody_vouches_for_is_refused(serve, self_signed):
    server = serve(whole(b"{}"), tls=self_signed)
    with refused_as(Fault.TLS_FAILED, "SSLCertVerificationError"):
        get(server.url)
    assert server.asked == []


def test_a_certificate_for_another_name_is_refused(serve, certified):
    server = serve(whole(b"{}"), tls=certified)
    with refused_as(Fault.TLS_FAILED):
        get(server.url.replace("127.0.0.1", "localhost"))


def test_a_trusted_certificate_is_accepted(serve, certified):
    assert get(serve(whole(b"{}"), tls=certified).url).body == b"{}"


def test_https_to_a_port_that_speaks_http(serve):
    with refused_as(Fault.TLS_FAILED):
        get(serve(whole(b"{}")).url.replace("http:", "https:"))


def test_all_threads_and_hosts_share_one_verifying_context():
    contexts = set()

    def look() -> None:
        pools = RequestsWire()._session().get_adapter("https://api.ebay.com").poolmanager
        for host in ("api.ebay.com", "api.amazon.com"):
            contexts.add(pools.connection_from_host(host, 443, "https").conn_kw["ssl_context"])

    threads = [threading.Thread(target=look) for _ in range(3)]
    for thread in threads:
        thread.start()
        thread.join()
    (context,) = contexts
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)


# --- what may not leak


@pytest.mark.parametrize("secret", ["s3cret\r\nx: y", "s3cret-ключ", "s3cret-密钥"])
def test_a_header_that_cannot_be_sent_is_refused_without_quoting_it(serve, secret):
    server = serve(whole(b"{}"))
    with refused_as(Fault.INVALID_REQUEST) as caught:
        get(server.url, authorization=f"Bearer {secret}")
    told = "".join(traceback.format_exception(caught.value))
    assert SECRET not in told
    assert server.asked == []


@pytest.mark.parametrize(
    "sent",
    [
        whole(b"{}"),
        b"",
        OK + b"broken header\r\nContent-Length: 2\r\n\r\n{}",
        OK + b"Content-Length: 9\r\n\r\n{",
        b"HTTP/1.1 302 Found\r\nLocation: /s3cret\r\nContent-Length: 0\r\n\r\n",
    ],
)
def test_neither_logs_nor_errors_tell_query_token_or_body(serve, caplog, sent):
    caplog.set_level(logging.DEBUG)
    url = f"{serve(sent).url}/orders?access_token={SECRET}"
    told = ""
    try:
        RequestsWire().send("POST", url, {"authorization": SECRET}, SECRET.encode())
    except PlatformError as exc:
        told = "".join(traceback.format_exception(exc))
    told += caplog.text + "".join(str(vars(record)) for record in caplog.records)
    assert SECRET not in told
