"""Raw records on screen: as received, or with everything masked that may be a buyer's."""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec

MASK = "•••"
MOST = 200_000  # characters on one page
UNREADABLE = "[%d bytes that are not JSON]"

# Below a key with one of these words everything is masked.
_PERSONAL = {
    "address", "addressee", "apartment", "birth", "birthday", "building", "buyer", "city",
    "comment", "consignee", "contact", "customer", "district", "doc", "document", "email",
    "gift", "house", "inn", "instructions", "lat", "latitude", "lng",
    "longitude", "mail", "message", "mobile", "name", "note", "passport", "person", "phone",
    "pickup", "postal", "postcode", "province", "receiver", "recipient", "region", "ship",
    "street", "tel", "telephone", "user", "username", "zip", "zipcode",
}  # fmt: skip
# Elsewhere values are shown under keys that end in one of these words only; the rest is masked.
_SHOWN = {
    "amount", "at", "channel", "code", "count", "country", "created", "currency", "date",
    "discount", "fee", "flag", "id", "kind", "length", "limit", "method", "number", "offset",
    "page", "payment", "price", "program", "qty", "quantity", "sku", "state", "status",
    "step", "substatus", "tax", "time", "timestamp", "total", "type", "updated", "version",
    "weight",
}  # fmt: skip
_DECIMAL = re.compile(r"-?\d{1,15}\.\d{1,6}")
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")


class _Number(str):
    """A JSON number with the digits it came with."""


def pretty(raw: bytes) -> str:
    """Indented; digits and texts exactly as received."""
    try:
        text = msgspec.json.format(raw, indent=2).decode("utf-8", "replace")
    except (msgspec.MsgspecError, RecursionError):
        text = raw.decode("utf-8", "replace")
    return text[:MOST]


def masked(raw: bytes) -> str:
    """The record's shape, with the values shown that say nothing about a person. What is not
    known to be harmless is masked, and so is all of a record that is not JSON."""
    try:
        value = json.loads(raw, parse_float=_Number, parse_int=_Number, parse_constant=_Number)
        lines = _write(value, shown=False, personal=False, indent="")
    except (ValueError, RecursionError):
        return UNREADABLE % len(raw)
    return lines[:MOST]


def _write(value: Any, *, shown: bool, personal: bool, indent: str) -> str:
    inner = indent + "  "
    if isinstance(value, dict):
        rows = [
            f"{inner}{json.dumps(key, ensure_ascii=False)}: "
            + _write(item, indent=inner, **_reading(key, personal=personal))
            for key, item in value.items()
        ]
        return "{\n" + ",\n".join(rows) + f"\n{indent}}}" if rows else "{}"
    if isinstance(value, list):
        rows = [
            inner + _write(item, shown=shown, personal=personal, indent=inner) for item in value
        ]
        return "[\n" + ",\n".join(rows) + f"\n{indent}]" if rows else "[]"
    return _leaf(value, shown=shown and not personal, personal=personal)


def _reading(key: str, *, personal: bool) -> dict[str, bool]:
    parts = [word.lower() for word in _WORD.findall(key)]
    personal = personal or not _PERSONAL.isdisjoint(parts)
    return {"personal": personal, "shown": bool(parts) and parts[-1] in _SHOWN}


def _leaf(value: Any, *, shown: bool, personal: bool) -> str:
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    harmless = shown or (not personal and _DECIMAL.fullmatch(value) is not None)
    if isinstance(value, _Number):
        return value if harmless else MASK
    return json.dumps(value if harmless else MASK, ensure_ascii=False)
