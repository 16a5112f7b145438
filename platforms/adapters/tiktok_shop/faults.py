"""What TikTok Shop's refusals mean. Fact sheet: docs/platforms/tiktok_shop.md, "Errors"."""

from __future__ import annotations

import re

import msgspec

from platforms import reading
from platforms.adapters.unlisted import by_words, in_between, plain
from platforms.errors import Fault, NeedsSupport, PlatformError, platform_error
from platforms.spec import Answer, Request

REFRESH_PATH = "/api/v2/token/refresh"
# The key of the shop does not fit, or was not sent: loaded anew, the call may pass.
CIPHER_CODES = (101000, 106013)
BAD_SIGN = 106001
NO_SUCH_ORDER = 21008111  # "does not belong to the current seller"

# fact sheet §6, by `code`; the HTTP status says nothing certain
CODES: dict[int, Fault] = {
    101000: Fault.BAD_CREDENTIALS,
    105002: Fault.TOKEN_EXPIRED,
    105005: Fault.INSUFFICIENT_SCOPE,
    BAD_SIGN: Fault.BAD_CREDENTIALS,
    106013: Fault.INVALID_REQUEST,
    NO_SUCH_ORDER: Fault.INVALID_REQUEST,
    36004004: Fault.INVALID_REQUEST,
    36009002: Fault.RATE_LIMITED,
    36009003: Fault.PLATFORM_DOWN,
    36009007: Fault.PLATFORM_DOWN,
    36009009: Fault.INVALID_REQUEST,
    36009010: Fault.INVALID_REQUEST,
    36009014: Fault.INVALID_REQUEST,
    36009033: Fault.IP_NOT_WHITELISTED,
    36009043: Fault.ACCOUNT_SUSPENDED,
    36009044: Fault.ACCOUNT_SUSPENDED,
}
# Only where a refresh is answered so has the grant ended; a code that is refused is just old.
GRANT_OVER = (36004001, 36004005)
INVALID_PARAMETER = 36009004
# What 36009004 is about, by a part of its message.
PARAMETERS = (
    ("earlier than 5 minutes", Fault.CLOCK_SKEW),
    ("more than 30 seconds", Fault.CLOCK_SKEW),
    ("timestamp is expired", Fault.CLOCK_SKEW),
    ("access token header is invalid", Fault.TOKEN_EXPIRED),
    ("invalid app key", Fault.BAD_CREDENTIALS),
    ("app key is invalid", Fault.BAD_CREDENTIALS),
    ("app secret is invalid", Fault.BAD_CREDENTIALS),
)
# Several codes of these groups say that the access token does not hold; only their text is alike.
TOKEN_GROUPS = ("105", "360")
BARE_401 = "HTTP 401 without a word"


class _Answer(msgspec.Struct):
    code: int | str
    message: str | None = None


def read_fault(request: Request, answer: Answer) -> PlatformError | None:
    said = reading.try_decode(answer.body, _Answer)
    code, message = _said(said)
    if code is None:
        return _without_code(request, answer)
    if code == 0:
        return None if 200 <= answer.status < 300 else in_between(answer)
    fault = _fault(request, answer.status, code, message)
    if answer.status == 429:
        fault = Fault.RATE_LIMITED
    detail = reading.short(f"{code} {message}")
    if code in (BAD_SIGN, INVALID_PARAMETER) and fault is Fault.BAD_CREDENTIALS:
        # The secret is wrong, or our signature: no seller can mend that by authorizing again.
        return NeedsSupport(fault, detail)
    return platform_error(fault, detail)


def is_about_cipher(error: PlatformError) -> bool:
    return error.detail.partition(" ")[0] in map(str, CIPHER_CODES)


def is_no_such_order(error: PlatformError) -> bool:
    code = error.detail.partition(" ")[0]
    return error.fault is Fault.INVALID_REQUEST and code == str(NO_SUCH_ORDER)


def after_refresh(error: PlatformError) -> PlatformError | None:
    """Of a refusal that comes back with a brand-new token: what it is if nobody said that the
    token is at fault. None of all others."""
    return platform_error(Fault.BAD_RESPONSE, BARE_401) if error.detail == BARE_401 else None


def _said(said: _Answer | None) -> tuple[int | None, str]:
    if said is None or not re.fullmatch(r"[0-9]{1,12}", str(said.code)):
        return None, ""
    return int(said.code), said.message or ""


def _fault(request: Request, status: int, code: int, message: str) -> Fault:
    """By the code, whatever the status (fact sheet §6); only what is not listed by the words."""
    if code in GRANT_OVER:
        over = request.path == REFRESH_PATH
        return Fault.TOKEN_REVOKED if over else Fault.INVALID_REQUEST
    said = plain(message)
    if code == INVALID_PARAMETER:
        return next((fault for part, fault in PARAMETERS if part in said), Fault.INVALID_REQUEST)
    if code in CODES:
        return CODES[code]
    if status >= 500:
        return Fault.PLATFORM_DOWN
    if (told := by_words(message)) is not None:
        return told
    of_token = str(code).startswith(TOKEN_GROUPS) and "access token" in said
    return Fault.TOKEN_EXPIRED if of_token or status == 401 else Fault.INVALID_REQUEST


def _without_code(request: Request, answer: Answer) -> PlatformError:
    """Empty, or of something in between. Only a signed call has a token that 401 may mean."""
    if answer.status == 401 and request.signed and not answer.body:
        return platform_error(Fault.TOKEN_EXPIRED, BARE_401)
    return in_between(answer)
