"""The key ring and the one way to seal a value at rest.

`VAULT_KEYS` lists keys as `id:base64-of-32-bytes`, newest first: the first one seals, all of
them open. A key is retired by putting a newer one in front, re-sealing what it sealed, and
only then taking it off the list.

A sealed value is: version (1 byte), length of the key id (1 byte), key id, nonce (12 bytes),
AES-256-GCM ciphertext with tag. Everything before the nonce is authenticated too.
"""

from __future__ import annotations

import base64
import binascii
import os
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

VERSION = 1
KEY_BYTES = 32
NONCE_BYTES = 12
TAG_BYTES = 16
KEY_ID = re.compile(r"[A-Za-z0-9_.-]{1,32}")


class Unopenable(Exception):
    """A sealed value does not open: its key is missing, or it was changed or moved."""


def seal(plain: bytes, *, aad: bytes) -> bytes:
    """`plain` sealed with the newest key. It opens only with the same `aad`, which should
    name the place it is kept (table, row, field), so that a copy elsewhere is worthless."""
    key_id = newest_key_id()
    header = _header(key_id)
    nonce = os.urandom(NONCE_BYTES)
    return header + nonce + key_ring()[key_id].encrypt(nonce, plain, header + aad)


def unseal(blob: bytes | memoryview, *, aad: bytes) -> bytes:
    """What was sealed. Raises Unopenable; never says more than which key was asked for."""
    blob = bytes(blob)
    key_id = key_id_of(blob)
    key = key_ring().get(key_id)
    if key is None:
        raise Unopenable(f"The key {key_id} is not in VAULT_KEYS.")
    header = _header(key_id)
    nonce = blob[len(header) : len(header) + NONCE_BYTES]
    try:
        return key.decrypt(nonce, blob[len(header) + NONCE_BYTES :], header + aad)
    except InvalidTag:
        raise Unopenable(
            f"The value does not open with the key {key_id}: it was changed or moved, "
            "or the key has another value than when it was sealed."
        ) from None


def newest_key_id() -> str:
    return next(iter(key_ring()))


def key_id_of(blob: bytes | memoryview) -> str:
    """The id of the key that sealed `blob`. Raises Unopenable if `blob` is not a sealed value."""
    blob = bytes(blob)
    if len(blob) < 2 or blob[0] != VERSION:
        raise Unopenable("This is not a sealed value.")
    end = 2 + blob[1]
    key_id = blob[2:end].decode("ascii", errors="replace")
    if len(blob) < end + NONCE_BYTES + TAG_BYTES or not KEY_ID.fullmatch(key_id):
        raise Unopenable("This is not a sealed value.")
    return key_id


def key_ring() -> Mapping[str, AESGCM]:
    """Key id -> cipher, newest first. Raises ImproperlyConfigured where a key is malformed."""
    return _read_keys(tuple(settings.VAULT_KEYS))


def _header(key_id: str) -> bytes:
    return bytes([VERSION, len(key_id)]) + key_id.encode("ascii")


@lru_cache(maxsize=4)
def _read_keys(entries: Sequence[str]) -> Mapping[str, AESGCM]:
    ring: dict[str, AESGCM] = {}
    for position, entry in enumerate(entries, start=1):
        key_id, colon, encoded = entry.strip().partition(":")
        # The entry itself must not be quoted: it is a secret.
        where = f"VAULT_KEYS, entry {position}"
        if not colon or not KEY_ID.fullmatch(key_id):
            raise ImproperlyConfigured(
                f"{where}: write id:base64, the id being 1 to 32 letters, digits, '_', '.' or '-'."
            )
        if key_id in ring:
            raise ImproperlyConfigured(f"{where}: the id {key_id} is used twice.")
        try:
            key = base64.b64decode(encoded.translate({45: "+", 95: "/"}), validate=True)
        except (binascii.Error, ValueError):
            raise ImproperlyConfigured(f"{where}: what follows {key_id}: is not base64.") from None
        if len(key) != KEY_BYTES:
            raise ImproperlyConfigured(
                f"{where}: the key {key_id} has {len(key)} bytes, it needs {KEY_BYTES}."
            )
        ring[key_id] = AESGCM(key)
    if not ring:
        raise ImproperlyConfigured(
            "VAULT_KEYS is empty: credentials could not be sealed. Write id:base64-of-32-bytes."
        )
    return ring
