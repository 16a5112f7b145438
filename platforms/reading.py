"""Reading what marketplaces answer: strict about shape, careful about what it repeats."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TypeVar

import msgspec

from platforms.errors import Fault, platform_error
from platforms.redaction import mask
from platforms.spec import Answer, LineData, Request

T = TypeVar("T")

# Above this a number of seconds is a point in time, not a duration (design §3 "Three clocks").
ABSOLUTE_FROM = 10**9
_LATEST_EPOCH = 32_503_680_000  # year 3000
MAX_AMOUNT = Decimal(10) ** 12
MAX_DECIMALS = 8
MAX_QUANTITY = 10**7
MAX_NUMBER_LENGTH = 64

_LONG_TOKEN = re.compile(r"[\w|^#.+/=~-]{32,}")
_CONTROL_BYTE = re.compile(rb"[\x00-\x1f]")
# Every escape is read whole, so that the "\\u" of an escaped backslash is none.
_ESCAPE = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    rb"|(?P<half>u[dD][89a-fA-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def decode(answer: Answer, kind: type[T], *, strict: bool = True) -> T:
    """The body as `kind`. Raises BAD_RESPONSE where it is anything else."""
    try:
        return _forgiving(answer.body, kind, strict=strict)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as exc:
        raise platform_error(Fault.BAD_RESPONSE, short(str(exc))) from None


def _forgiving(body: bytes, kind: type[T], *, strict: bool = True) -> T:
    """Half a surrogate pair (a title cut in the middle of an emoji) or a bare control character
    in one record makes the whole page malformed: they are replaced rather than stop the pull."""
    try:
        return msgspec.json.decode(body, type=kind, strict=strict)
    except msgspec.ValidationError:
        raise
    except msgspec.DecodeError:
        return msgspec.json.decode(_mended(body), type=kind, strict=strict)


def _mended(body: bytes) -> bytes:
    """Outside of strings control characters are blanks anyway."""
    return _ESCAPE.sub(_without_half_pair, _CONTROL_BYTE.sub(b" ", body))


def _without_half_pair(found: re.Match[bytes]) -> bytes:
    return rb"\ufffd" if found["half"] else found[0]


def try_decode(body: bytes, kind: type[T]) -> T | None:
    """The body as `kind`, None where it is anything else: HTML, nothing, half an answer."""
    try:
        return _forgiving(body, kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def read(raw: msgspec.Raw, kind: type[T]) -> T:
    """One record as `kind`. Raises msgspec.ValidationError or ValueError, nothing else."""
    try:
        return msgspec.json.decode(raw, type=kind)
    except msgspec.ValidationError:
        raise
    except (msgspec.MsgspecError, RecursionError) as exc:
        raise ValueError(f"not readable: {exc}") from None


def is_json(answer: Answer) -> bool:
    return try_decode(answer.body, msgspec.Raw) is not None


def short(message: str) -> str:
    """A platform's message fit for `PlatformError.detail`: short, tokens and people masked."""
    beginning = _CONTROL.sub(" ", message[:2000])  # a whole page may come as the message
    return _LONG_TOKEN.sub("[masked]", mask(beginning))[:200].strip()


def expires_at(seconds: int | None, *, now: datetime) -> datetime | None:
    """When something ends that was told to last `seconds`, or to end at that Unix time."""
    if seconds is None or not 0 <= seconds < _LATEST_EPOCH:
        return None
    if seconds > ABSOLUTE_FROM:
        return datetime.fromtimestamp(seconds, tz=UTC)
    return now + timedelta(seconds=seconds)


# --- values of a record; all raise ValueError on what cannot be true


def amount(value: Decimal | None) -> Decimal | None:
    if value is None:
        return None
    if not value.is_finite() or abs(value) >= MAX_AMOUNT:
        raise ValueError("an amount is not a possible number")
    exponent = value.as_tuple().exponent
    if isinstance(exponent, int) and exponent < -MAX_DECIMALS:
        raise ValueError("an amount has too many decimals")
    return value


def total(amounts: Iterable[Decimal | None]) -> Decimal | None:
    """The sum of what is stated, None where nothing is. Amounts of one currency only."""
    stated = [value for value in amounts if value is not None]
    return amount(sum(stated[1:], stated[0])) if stated else None


def moment(value: datetime) -> datetime:
    """Aware UTC. The platforms state UTC where they leave the zone out."""
    aware = value if value.tzinfo else value.replace(tzinfo=UTC)
    if not 1995 <= aware.year < 2100:
        raise ValueError("a time is not a possible one")
    return aware.astimezone(UTC)


def text(value: str | None, *, limit: int = 500) -> str | None:
    """Trimmed and without characters that databases refuse; None where nothing is left."""
    if value is None:
        return None
    return _CONTROL.sub("", value).strip()[:limit] or None


def number(value: str) -> str:
    """An order's number, by which it is kept: never altered, so refused if it cannot be kept."""
    if not value or len(value) > MAX_NUMBER_LENGTH or value != value.strip():
        raise ValueError("the order number is empty, too long or padded")
    if _CONTROL.search(value):
        raise ValueError("the order number holds control characters")
    return value


def quantity(value: int) -> int:
    if not 0 <= value <= MAX_QUANTITY:
        raise ValueError("a quantity is not a possible number")
    return value


def per_unit(total: Decimal | None, count: int) -> Decimal | None:
    """`total` by `count` where that comes out even; never a rounded price."""
    if total is None or count <= 0:
        return None
    each = total / count
    return each if each * count == total and _decimals(each) <= 4 else None


def _decimals(value: Decimal) -> int:
    exponent = value.normalize().as_tuple().exponent
    return -exponent if isinstance(exponent, int) and exponent < 0 else 0


def joined(*parts: str | None) -> str | None:
    return ", ".join(part for part in map(text, parts) if part) or None


def distinct_lines(lines: Iterable[LineData]) -> tuple[LineData, ...]:
    """The same lines, with a running suffix where a platform repeats a line's number."""
    seen: dict[str, int] = {}
    result = []
    for line in lines:
        count = seen[line.number] = seen.get(line.number, 0) + 1
        result.append(replace(line, number=f"{line.number}-{count}") if count > 1 else line)
    return tuple(result)


def oauth_fault(request: Request, error: str, faults: Mapping[str, Fault]) -> Fault:
    """What the `error` of a token endpoint means. Only a refused refresh means a dead grant: a
    refused code was used twice or is too old."""
    if error == "invalid_grant" and (request.form or {}).get("grant_type") != "refresh_token":
        return Fault.INVALID_REQUEST
    return faults.get(error, Fault.INVALID_REQUEST)
