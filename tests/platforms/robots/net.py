"""A server that stands at every address, and names that mean what a test says."""

from __future__ import annotations

import re
import socket
import ssl
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from platforms.robots.outbound import GuardedWire
from tests.platforms.test_transport import ByteServer

HOST = "hooks.example.com"
PUBLIC = "93.184.216.34"


def certified(path: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's context with a certificate for HOST, and a client's that trusts it alone."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(HOST)]), False)
        .sign(key, hashes.SHA256())
    )
    encoding, private = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    path.write_bytes(
        made.public_bytes(encoding)
        + key.private_bytes(encoding, private, serialization.NoEncryption())
    )
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(path)
    return server, ssl.create_default_context(cafile=str(path))


class Server(ByteServer):
    """Waits for a whole request before it answers."""

    def _serve(self, connection: socket.socket) -> None:
        with suppress(OSError), closing(connection):
            if self.tls:
                connection = self.tls.wrap_socket(connection, server_side=True)
            with closing(connection):
                self.asked.append(self._read(connection))
                for piece in self.pieces:
                    if isinstance(piece, bytes):
                        connection.sendall(piece)
                    elif self._over.wait(piece):
                        break

    def _read(self, connection: socket.socket) -> bytes:
        asked = b""
        while self.tls and (part := connection.recv(65536)):
            asked += part
            head, _, body = asked.partition(b"\r\n\r\n")
            length = re.search(rb"Content-Length: (\d+)", head)
            if length and len(body) == int(length[1]):
                break
        return asked


class Net:
    """Names that mean what a test says, and a server that stands at every address."""

    def __init__(self, contexts: tuple[ssl.SSLContext, ssl.SSLContext]) -> None:
        self.tls, trusting = contexts
        self.names: list[list[str]] = []  # answers in order; the last one stays
        self.looked_up: list[str] = []
        self.connected: list[tuple[str, int]] = []
        self.unreachable: set[str] = set()
        self.server: Server | None = None
        self.wire = GuardedWire(look_up=self.look_up, connect=self.connect, context=trusting)

    def serve(self, *pieces: bytes | float, tls: bool = True) -> Server:
        self.server = Server(*pieces, tls=self.tls if tls else None)
        return self.server

    def look_up(self, host: str, port: int) -> list[str]:
        self.looked_up.append(host)
        return self.names.pop(0) if len(self.names) > 1 else self.names[0]

    def connect(self, address: tuple[str, int], timeout_s: float) -> socket.socket:
        self.connected.append(address)
        if address[0] in self.unreachable:
            raise TimeoutError
        assert self.server is not None
        return socket.create_connection(("127.0.0.1", self.server.port), timeout_s)
