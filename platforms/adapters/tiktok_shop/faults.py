"""What TikTok Shop's refusals mean. Fact sheet: docs/platforms/tiktok_shop.md, "Errors"."""

from __future__ import annotations

import msgspec

from platforms import reading
from platforms.errors import Fault, NeedsSupport, PlatformError, platform_error
from platforms.spec import Answer, Request

REFRESH_PATH = "/api/v2/token/refresh"
# The key of the shop does not fit, or was not sent: loaded anew, the call may pass.
CIPHER_CODES = (101000, 106013)

# fact sheet §6, by `code`; the HTTP status says nothing certain
CODES: dict[int, Fault] = {
    101000: Fault.BAD_CREDENTIALS,
    105002: Fault.TOKEN_EXPIRED,
    105005: Fault.INSUFFICIENT_SCOPE,
    106001: Fault.BAD_CREDENTIALS,
    106013: Fault.INVALID_REQUEST,
    21008111: Fault.INVALID_REQUEST,
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
_BAD_SIGN = 106001


class _Answer(msgspec.Struct):
    code: int
    message: str | None = None


def read_fault(request: Request, answer: Answer) -> PlatformError | None:
    said = reading.try_decode(answer.body, _Answer)
    if answer.status == 429:
        return platform_error(Fault.RATE_LIMITED, _detail(said) or "HTTP 429")
    if said is not None and said.code != 0:
        return _by_code(request, answer.status, said)
    if answer.status >= 500:
        return platform_error(Fault.PLATFORM_DOWN, f"HTTP {answer.status}")
    if 200 <= answer.status < 300:
        if said is not None:
            return None
        return platform_error(Fault.BAD_RESPONSE, "the answer has no code")
    return _bare_fault(answer.status)


def is_about_cipher(error: PlatformError) -> bool:
    return error.detail.partition(" ")[0] in map(str, CIPHER_CODES)


def _detail(said: _Answer | None) -> str:
    return reading.short(f"{said.code} {said.message or ''}") if said else ""


def _by_code(request: Request, status: int, said: _Answer) -> PlatformError:
    detail = _detail(said)
    if said.code in GRANT_OVER:
        over = request.path == REFRESH_PATH
        return platform_error(Fault.TOKEN_REVOKED if over else Fault.INVALID_REQUEST, detail)
    if said.code == INVALID_PARAMETER:
        return _invalid_parameter(said.message or "", detail)
    if said.code == _BAD_SIGN:
        # The secret is wrong, or our signature: no seller can mend that by authorizing again.
        return NeedsSupport(Fault.BAD_CREDENTIALS, detail)
    if said.code in CODES:
        return platform_error(CODES[said.code], detail)
    if status >= 500:
        return platform_error(Fault.PLATFORM_DOWN, detail)
    if _is_about_token(said) or status == 401:
        return platform_error(Fault.TOKEN_EXPIRED, detail)
    return platform_error(Fault.INVALID_REQUEST, detail)


def _invalid_parameter(message: str, detail: str) -> PlatformError:
    text = message.lower()
    if "earlier than 5 minutes" in text or "more than 30 seconds" in text:
        return platform_error(Fault.CLOCK_SKEW, detail)
    if "invalid app_key" in text:
        return NeedsSupport(Fault.BAD_CREDENTIALS, detail)
    return platform_error(Fault.INVALID_REQUEST, detail)


def _is_about_token(said: _Answer) -> bool:
    """Several codes say that the access token does not hold; only their text is alike."""
    group = str(said.code)[:3]
    text = (said.message or "").lower().replace(" ", "_")
    return group in ("105", "360") and "access_token" in text


def _bare_fault(status: int) -> PlatformError:
    """A refusal without TikTok's form: empty, or a page of something in between."""
    detail = f"HTTP {status} without an explanation"
    if status == 401:
        return platform_error(Fault.TOKEN_EXPIRED, detail)
    if status in (400, 404, 405, 410):
        return platform_error(Fault.INVALID_REQUEST, detail)
    if status == 403:
        return platform_error(Fault.PLATFORM_DOWN, detail)
    return platform_error(Fault.BAD_RESPONSE, detail)
