"""Whether a notification is eBay's. Fact sheet: docs/platforms/ebay.md, "Notifications"."""

from __future__ import annotations

import json
import re
from base64 import b64decode

import msgspec
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_der_public_key

# A key id becomes part of an address: nothing but a UUID may.
KEY_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
MAX_HEADER = 4096
# SHA-1 because eBay signs with it; that a forger finds no second body for a signature holds still.
HASHES: dict[str, type[hashes.HashAlgorithm]] = {"SHA1": hashes.SHA1, "SHA256": hashes.SHA256}


class Signature(msgspec.Struct):
    """What the header x-ebay-signature holds."""

    kid: str
    signature: str
    alg: str = "ecdsa"


class PublicKey(msgspec.Struct):
    """eBay's answer for a key id; `key` is a PEM on one line."""

    key: str
    algorithm: str = "ECDSA"
    digest: str = "SHA1"


def read_header(value: str) -> Signature | None:
    """None for whatever eBay does not send."""
    if not value or len(value) > MAX_HEADER:
        return None
    try:
        found = msgspec.json.decode(b64decode(value, validate=True), type=Signature)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    if found.alg.lower() != "ecdsa" or not KEY_ID.fullmatch(found.kid):
        return None
    return found


def fits(signature: Signature, body: bytes, told: PublicKey) -> bool:
    """Over the body as received, else over the same JSON without blanks, which is what eBay's own
    kit signs."""
    key = _load(told.key)
    hash_ = HASHES.get(told.digest.upper().replace("-", ""))
    if key is None or hash_ is None or told.algorithm.upper() != "ECDSA":
        return False
    try:
        der = b64decode(signature.signature, validate=True)
    except ValueError:
        return False
    return _verifies(key, der, body, hash_()) or _verifies(key, der, _compact(body), hash_())


def _verifies(
    key: ec.EllipticCurvePublicKey, der: bytes, message: bytes | None, hash_: hashes.HashAlgorithm
) -> bool:
    if message is None:
        return False
    try:
        key.verify(der, message, ec.ECDSA(hash_))
    except InvalidSignature:
        return False
    return True


def _compact(body: bytes) -> bytes | None:
    try:
        return json.dumps(json.loads(body), ensure_ascii=False, separators=(",", ":")).encode()
    except (ValueError, RecursionError):
        return None


def _load(pem: str) -> ec.EllipticCurvePublicKey | None:
    """The key between the PEM's first and last line, wherever its line breaks went."""
    between = re.sub(r"-----[A-Z ]+-----|\s|\\n", "", pem)
    try:
        key = load_der_public_key(b64decode(between, validate=True))
    except (ValueError, UnsupportedAlgorithm):
        return None
    if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1):
        return key
    return None
