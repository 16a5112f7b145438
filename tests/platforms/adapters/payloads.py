"""The payloads beside the tests; where each comes from stands in the README.md next to it."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec

HERE = Path(__file__).parent


def payload(platform: str, name: str) -> msgspec.Raw:
    return msgspec.Raw((HERE / platform / "payloads" / f"{name}.json").read_bytes())


def changed(raw: msgspec.Raw, **fields: object) -> msgspec.Raw:
    """The payload with some top-level fields replaced."""
    return msgspec.Raw(json.dumps(json.loads(bytes(raw)) | fields).encode())
