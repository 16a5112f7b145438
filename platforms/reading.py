"""Reading what marketplaces answer: strict about shape, careful about what it repeats."""

from __future__ import annotations

import re
from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, TypeVar

import msgspec

from platforms.errors import Fault, PlatformError, platform_error
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

# In the detail of a refusal that came without the platform's own words.
UNEXPLAINED = "without an explanation"
# What a refusal means by its status alone. 403 is what proxies and their like answer.
STATUSES = {
    401: Fault.TOKEN_EXPIRED,
    403: Fault.PLATFORM_DOWN,
    429: Fault.RATE_LIMITED,
} | dict.fromkeys((400, 404, 410, 413, 414, 415, 422, 431), Fault.INVALID_REQUEST)
# Of several complaints the one that passes, or cures itself, is told first: it explains the rest.
MILDEST_FIRST = (
    Fault.PLATFORM_DOWN,
    Fault.RATE_LIMITED,
    Fault.QUOTA_EXHAUSTED,
    Fault.CLOCK_SKEW,
    Fault.TOKEN_EXPIRED,
    Fault.INVALID_REQUEST,
    Fault.IP_NOT_WHITELISTED,
)
_DEEPEST, _MOST_OBJECTS = 6, 100

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
    """Outside of strings control characters are blanks anyway, and so is a byte-order mark."""
    return _ESCAPE.sub(_without_half_pair, _CONTROL_BYTE.sub(b" ", body.removeprefix(BOM_UTF8)))


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
    text = str(value)
    if len(text) <= _FEW_DIGITS and "E" not in text and value.is_finite():
        return value  # as nearly all are: quicker than to reckon
    if not value.is_finite() or abs(value) >= MAX_AMOUNT:
        raise ValueError("an amount is not a possible number")
    exponent = value.as_tuple().exponent
    if isinstance(exponent, int) and exponent < -MAX_DECIMALS:
        raise ValueError("an amount has too many decimals")
    return value


_FEW_DIGITS = 2 + MAX_DECIMALS  # written out, neither too many decimals nor too large a number


def total(amounts: Iterable[Decimal | None]) -> Decimal | None:
    """The sum of what is stated, None where nothing is. Amounts of one currency only."""
    stated = [value for value in amounts if value is not None]
    return amount(sum(stated[1:], stated[0])) if stated else None


def moment(value: datetime) -> datetime:
    """Aware UTC. The platforms state UTC where they leave the zone out."""
    aware = value if value.tzinfo else value.replace(tzinfo=UTC)
    if not 1995 <= aware.year < 2100:
        raise ValueError("a time is not a possible one")
    return aware if aware.tzinfo is UTC else aware.astimezone(UTC)


def text(value: str | None, *, limit: int = 500) -> str | None:
    """Trimmed and without characters that databases refuse; None where nothing is left."""
    if value is None:
        return None
    plain = value.strip()
    if plain.isprintable() and len(plain) <= limit:
        return plain or None
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
        named = (
            msgspec.structs.replace(line, number=f"{line.number}-{count}") if count > 1 else line
        )
        result.append(named)
    return tuple(result)


# --- refusals


def complaints(answer: Answer, *, top: tuple[str, ...]) -> list[dict[str, Any]]:
    """Every object in a refusal, outermost first: gateways and older services wrap errors into
    lists and envelopes. Of a success only what its fields `top` hold, for orders have codes and
    messages of their own. Empty where the body is not JSON."""
    found: Any
    if 200 <= answer.status < 300:
        whole = try_decode(answer.body, dict[str, msgspec.Raw]) or {}
        found = {name: msgspec.json.decode(whole[name]) for name in top if name in whole}
    else:
        found = try_decode(answer.body, object)
    return [each for each, _n in zip(_objects(found, 0), range(_MOST_OBJECTS), strict=False)]


def _objects(value: Any, depth: int) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
    inner = value.values() if isinstance(value, dict) else value
    if depth < _DEEPEST and isinstance(value, dict | list):
        for each in inner:
            yield from _objects(each, depth + 1)


def unexplained(answer: Answer, faults: Mapping[int, Fault] | None = None) -> PlatformError:
    """A refusal without the platform's error form: nothing, or a page of something in between.

    `faults` are the statuses that mean something else on this platform.
    """
    fault = {**STATUSES, **(faults or {})}.get(answer.status, Fault.BAD_RESPONSE)
    if answer.status >= 500:
        fault = Fault.PLATFORM_DOWN
    if fault is Fault.TOKEN_EXPIRED and answer.body.lstrip().startswith(b"<"):
        fault = Fault.BAD_RESPONSE  # a proxy wants to be signed in at
    return platform_error(fault, f"HTTP {answer.status} {UNEXPLAINED}")


def mildest(faults: Iterable[Fault | None]) -> Fault | None:
    """Of what several complaints mean, the one to act on; None if none means anything."""
    known = [fault for fault in faults if fault]
    return next((fault for fault in MILDEST_FIRST if fault in known), known[0] if known else None)


def first_match(message: str, rules: Iterable[tuple[str, Fault]]) -> Fault | None:
    """What the first rule (pattern in lower case, fault) says that is found in a message."""
    said = message.lower()
    return next((fault for pattern, fault in rules if re.search(pattern, said)), None)


def oauth_error(said: Iterable[Mapping[str, Any]], faults: Mapping[str, Fault]) -> str:
    """The word by which a token endpoint refuses, "" where it says none; also out of a wrapping,
    where it may be called `code`."""
    words = [each[name] for each in said for name in ("error", "code") if name in each]
    texts = [word for word in words if isinstance(word, str)]
    plain = [each["error"] for each in said if isinstance(each.get("error"), str)]
    return next((word for word in texts if word.lower() in faults), next(iter(plain), ""))


def oauth_fault(request: Request, error: str, faults: Mapping[str, Fault]) -> Fault:
    """What the `error` of a token endpoint means. Only a refused refresh means a dead grant: a
    refused code was used twice or is too old."""
    asked = request.form or request.params
    if error.lower() == "invalid_grant" and asked.get("grant_type") != "refresh_token":
        return Fault.INVALID_REQUEST
    return faults.get(error.lower(), Fault.INVALID_REQUEST)
