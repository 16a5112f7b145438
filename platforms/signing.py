"""Strings to sign and HMAC variants that several marketplaces share. Pure functions."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping


def hmac_hex(key: str, message: bytes | str) -> str:
    """HMAC-SHA256, lower-case hex."""
    return _hmac(key, message).hex()


def hmac_base64(key: str, message: bytes | str) -> str:
    """HMAC-SHA256, standard base64 with padding."""
    return base64.b64encode(_hmac(key, message)).decode()


def same(given: str, wanted: str) -> bool:
    """Whether two signatures are equal, in constant time, whatever characters `given` has."""
    return hmac.compare_digest(given.encode("utf-8", "replace"), wanted.encode())


def sorted_pairs(params: Mapping[str, str]) -> str:
    """`namevalue` of every parameter, by name in byte order, nothing in between."""
    return "".join(f"{name}{params[name]}" for name in sorted(params))


def iop_signature(app_secret: str, path: str, params: Mapping[str, str]) -> str:
    """The signature of the AliExpress and Lazada gateways (fact sheet aliexpress §2).

    `path` is what follows `/rest`, "" for calls to `/sync`; `params` are all parameters, system
    ones included, but for `sign` itself. Upper-case hex.
    """
    signed = {name: value for name, value in params.items() if name != "sign"}
    return hmac_hex(app_secret, path + sorted_pairs(signed)).upper()


def _hmac(key: str, message: bytes | str) -> bytes:
    raw = message.encode() if isinstance(message, str) else message
    return hmac.new(key.encode(), raw, hashlib.sha256).digest()
