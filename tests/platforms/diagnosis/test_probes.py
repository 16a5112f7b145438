"""Looking at hosts: real sockets and real certificates on this machine."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from platforms.diagnosis.probes import NetworkProbes, clock_ahead

NOW = datetime.now(tz=UTC)


class Issued:
    """A certificate with its key, and how to issue others with it."""

    def __init__(
        self, name: str, *, by: Issued | None = None, ends: timedelta = timedelta(days=90),
        authority: bool = False, names: tuple[str, ...] = ("localhost",),
    ) -> None:  # fmt: skip
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        issuer, key = (by.subject, by.key) if by else (self.subject, self.key)
        builder = (
            x509.CertificateBuilder()
            .subject_name(self.subject)
            .issuer_name(issuer)
            .public_key(self.key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(NOW - timedelta(days=100))
            .not_valid_after(NOW + ends)
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        )
        if not authority:
            told = [x509.DNSName(each) for each in names]
            builder = builder.add_extension(x509.SubjectAlternativeName(told), critical=False)
        self.certificate = builder.sign(key, hashes.SHA256())

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def key_pem(self) -> bytes:
        return self.key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )


@contextmanager
def served(context: ssl.SSLContext | None, answer: bytes) -> Iterator[int]:
    """A server on a port of its own that answers every connection; its port."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(0.1)
    stop = threading.Event()

    def serve() -> None:
        while not stop.is_set():
            try:
                sock, _from = listener.accept()
            except TimeoutError:
                continue
            with sock:
                sock.settimeout(5)
                try:
                    with context.wrap_socket(sock, server_side=True) if context else sock as one:
                        one.recv(4096)
                        one.sendall(answer)
                except OSError:
                    continue  # whoever looked did not like the certificate

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        stop.set()
        thread.join()
        listener.close()


ANSWER = b"HTTP/1.1 204 No Content\r\nDate: %s\r\nConnection: close\r\n\r\n" % (
    NOW.strftime("%a, %d %b %Y %H:%M:%S GMT").encode()
)


class Authority:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.root = Issued("Root of tests", authority=True)
        self.middle = Issued("Intermediate of tests", by=self.root, authority=True)
        self.roots = folder / "roots.pem"
        self.roots.write_bytes(self.root.pem)

    def context(self, leaf: Issued, *more: Issued) -> ssl.SSLContext:
        chain, key = self.folder / "chain.pem", self.folder / "key.pem"
        chain.write_bytes(b"".join(each.pem for each in (leaf, *more)))
        key.write_bytes(leaf.key_pem)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(chain, key)
        return context

    @property
    def probes(self) -> NetworkProbes:
        return NetworkProbes(roots=str(self.roots))


@pytest.fixture
def authority(tmp_path) -> Authority:
    return Authority(tmp_path)


def test_a_good_host_tells_all_of_itself(authority):
    leaf = Issued("shop", by=authority.middle, ends=timedelta(days=40))
    with served(authority.context(leaf, authority.middle), ANSWER) as port:
        looked = authority.probes.look(f"https://localhost:{port}/x")

    assert (looked.failed, looked.why, looked.status) == ("", "", 204)
    assert looked.addresses
    assert looked.protocol.startswith("TLSv1.")
    assert looked.certificate.names == ("localhost",)
    assert looked.certificate.issuer == "Intermediate of tests"
    assert looked.certificate.chain == 2
    assert (looked.certificate.ends_at - NOW).days in (39, 40)
    passed_s = (datetime.now(tz=UTC) - NOW).total_seconds()
    assert looked.ahead_s == pytest.approx(passed_s, abs=10)
    assert None not in (looked.dns_ms, looked.tcp_ms, looked.tls_ms, looked.http_ms)


def refused(authority: Authority, leaf: Issued, *more: Issued) -> str:
    with served(authority.context(leaf, *more), ANSWER) as port:
        looked = authority.probes.look(f"https://localhost:{port}/")
    assert looked.failed == "tls"
    assert looked.certificate is not None
    return looked.why


def test_a_missing_intermediate_is_told_from_an_unknown_authority(authority):
    leaf = Issued("shop", by=authority.middle)
    assert refused(authority, leaf) == "chain_incomplete"

    stranger = Issued("Stranger", authority=True)
    middle = Issued("Stranger's intermediate", by=stranger, authority=True)
    assert refused(authority, Issued("shop", by=middle), middle, stranger) == "unknown_issuer"


def test_a_certificate_by_itself_is_self_signed(authority):
    assert refused(authority, Issued("shop")) == "self_signed"


def test_a_certificate_that_is_over_is_expired(authority):
    leaf = Issued("shop", by=authority.root, ends=-timedelta(days=1))
    assert refused(authority, leaf) == "expired"


def test_a_certificate_for_another_name_is_named(authority):
    leaf = Issued("shop", by=authority.root, names=("other.example",))
    with served(authority.context(leaf), ANSWER) as port:
        looked = authority.probes.look(f"https://localhost:{port}/")
    assert (looked.failed, looked.why) == ("tls", "other_name")
    assert looked.certificate.names == ("other.example",)


def test_plain_text_where_encryption_is_expected_fails_the_handshake(authority):
    with served(None, b"hello there, this is not TLS\r\n") as port:
        looked = authority.probes.look(f"https://localhost:{port}/")
    assert (looked.failed, looked.why) == ("tls", "handshake")


def test_without_encryption_the_answer_is_all_there_is(authority):
    with served(None, ANSWER) as port:
        looked = authority.probes.look(f"http://127.0.0.1:{port}/")
    assert (looked.failed, looked.status, looked.certificate) == ("", 204, None)


def test_nonsense_for_an_answer_is_cut_off(authority):
    with served(None, b"\x00\x01\x02") as port:
        looked = authority.probes.look(f"http://127.0.0.1:{port}/")
    assert (looked.failed, looked.why) == ("http", "cut_off")


def test_a_closed_port_refuses(authority):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    looked = authority.probes.look(f"http://127.0.0.1:{port}/")
    assert (looked.failed, looked.why) == ("tcp", "refused")
    assert looked.addresses == ("127.0.0.1",)


@pytest.mark.parametrize("host", ["a" * 70 + ".example", "-..", ""])
def test_a_name_nobody_knows_is_not_found(authority, host):
    looked = authority.probes.look(f"https://{host}/")
    assert (looked.failed, looked.why) == ("dns", "not_found")


@pytest.mark.parametrize(
    ("date", "ahead"),
    [
        ("Sun, 22 Nov 2026 12:00:00 GMT", 9.5),
        ("Sun, 22 Nov 2026 12:00:10 GMT", -0.5),
        ("Sun, 22 Nov 2026 13:00:00 +0100", 9.5),
        ("yesterday", None),
        ("", None),
    ],
)
def test_how_far_our_clock_is_ahead(date, ahead):
    ours = datetime(2026, 11, 22, 12, 0, 10, tzinfo=UTC).timestamp()
    assert clock_ahead(date, ours) == ahead
