"""Raw records on screen: as received, or with everything masked that may be a buyer's."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec

MASK = "•••"
MOST = 200_000  # characters on one page
UNREADABLE = "[%d bytes that are not JSON]"

# Below a key with one of these words everything is masked.
_PERSONAL = {
    "account", "address", "addressee", "apartment", "birth", "birthday", "building", "buyer",
    "card", "city", "cnpj", "comment", "consignee", "contact", "county", "cpf", "customer",
    "district", "doc", "document", "door", "email", "entrance", "fiscal", "flat",
    "fullname", "gift", "house", "iban", "identity", "inn", "instructions", "ip", "lat",
    "latitude", "lng", "login", "longitude", "mail", "message", "mobile", "name", "national",
    "nick", "nickname", "note", "passport", "patronymic", "person", "phone", "pickup", "postal",
    "postcode", "province", "qq", "receiver", "recipient", "region", "rut", "ship", "skype",
    "ssn", "street", "surname", "taxpayer", "tel", "telephone", "user", "username", "vat",
    "wechat", "whatsapp", "zip", "zipcode",
}  # fmt: skip
# Elsewhere values are shown under keys that end in one of these words only; the rest is masked.
_SHOWN = {
    "amount", "at", "channel", "code", "count", "country", "created", "currency", "date",
    "discount", "fee", "flag", "id", "kind", "length", "limit", "method", "number", "offset",
    "page", "payment", "price", "program", "qty", "quantity", "sku", "state", "status",
    "step", "substatus", "tax", "time", "timestamp", "total", "type", "updated", "version",
    "weight",
}  # fmt: skip
# What else the keys of an address are made of; other keys below a personal one may be data.
_ADDRESS = {
    "area", "data", "detail", "details", "family", "first", "full", "given", "info",
    "information", "last", "line", "middle", "one", "place", "registration", "shipping", "tail",
    "town", "two", "value",
}  # fmt: skip
_KNOWN = _PERSONAL | _SHOWN | _ADDRESS
_DECIMAL = re.compile(r"-?\d{1,15}\.\d{1,6}")
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
# A name of a field: no address, no number, no login, no word of a person's language.
_KEY = re.compile(r"(?!.*\d\d)@?[A-Za-z_$][\w$-]{0,63}", re.ASCII)
# A code, an amount or a moment. No sentence, no e-mail address, no phone number as it is written.
_CODE = re.compile(
    r"-?[A-Za-z0-9][\w.:/#=-]{0,99}|\d{4}-\d\d-\d\d \d\d:\d\d(:\d\d)?(\.\d+)?( [+-]\d{4})?",
    re.ASCII,
)

Path = tuple[str | int, ...]


@dataclass(frozen=True, kw_only=True)
class Line:
    """A line of a record and which of its values begins there; () for the record itself."""

    text: str
    path: Path


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
    lines = masked_lines(raw)
    if lines is None:
        return UNREADABLE % len(raw)
    return "\n".join(line.text for line in lines)[:MOST]


def masked_lines(raw: bytes) -> list[Line] | None:
    """As `masked`, line by line up to MOST characters; None where it is not JSON."""
    try:
        value = json.loads(raw, parse_float=_Number, parse_int=_Number, parse_constant=_Number)
        lines: list[Line] = []
        length = 0
        for line in _write(value, path=(), shown=False, personal=False, before="", after=""):
            length += len(line.text) + 1
            if length > MOST:
                break
            lines.append(line)
    except (ValueError, RecursionError):
        return None
    return lines


def _write(
    value: Any, *, path: Path, shown: bool, personal: bool, before: str, after: str
) -> Iterator[Line]:
    """`before`: indent and key; `after`: the comma."""
    if not isinstance(value, dict | list) or not value:
        text = _leaf(value, shown=shown and not personal, personal=personal)
        yield Line(text=f"{before}{text}{after}", path=path)
        return
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    indent = before[: len(before) - len(before.lstrip(" "))]
    yield Line(text=before + opening, path=path)
    last = len(value) - 1
    for place, item in enumerate(value.items() if isinstance(value, dict) else value):
        comma = "," if place < last else ""
        if isinstance(value, dict):
            key, inner = item
            name, reading = _read_key(key, personal=personal)
            yield from _write(
                inner, path=(*path, key), before=f"{indent}  {name}: ", after=comma, **reading
            )
        else:
            yield from _write(
                item, path=(*path, place), shown=shown, personal=personal, before=f"{indent}  ",
                after=comma,
            )  # fmt: skip
    yield Line(text=indent + closing + after, path=(*path, ""))


def _read_key(key: str, *, personal: bool) -> tuple[str, dict[str, bool]]:
    """How the key is written, and how its value is read."""
    words = [word.lower() for word in _WORD.findall(key)]
    singles = {word.removesuffix(end) for word in words for end in ("", "s", "es")}
    known = not _KNOWN.isdisjoint(singles) if personal else True
    name = json.dumps(key if known and _KEY.fullmatch(key) else MASK, ensure_ascii=False)
    # A tax is an amount, but the number a person pays it under is theirs.
    is_tax_number = "tax" in words and words[-1] in ("id", "number", "code")
    personal = personal or is_tax_number or not _PERSONAL.isdisjoint(singles)
    return name, {"personal": personal, "shown": bool(words) and words[-1] in _SHOWN}


def _leaf(value: Any, *, shown: bool, personal: bool) -> str:
    if value is None or isinstance(value, bool | dict | list):  # those two are empty here
        return json.dumps(value)
    harmless = not personal and _DECIMAL.fullmatch(value) is not None
    harmless = harmless or (shown and _CODE.fullmatch(value) is not None)
    if isinstance(value, _Number):
        return value if harmless else MASK
    return json.dumps(value if harmless else MASK, ensure_ascii=False)
