"""What Wish's refusals mean. Fact sheet: docs/platforms/wish.md, "Refusals"."""

from __future__ import annotations

import re

import msgspec

from platforms import reading
from platforms.errors import Fault, PlatformError, platform_error
from platforms.spec import Answer, Request

EXCHANGE_PATH = "/api/v3/oauth/access_token"
REFRESH_PATH = "/api/v3/oauth/refresh_token"

# fact sheet §6; Wish states the same codes as numbers and as strings
CODES = {
    "1001": Fault.INVALID_REQUEST,
    "1002": Fault.ACCOUNT_SUSPENDED,
    "1006": Fault.INSUFFICIENT_SCOPE,
    "1007": Fault.TOKEN_EXPIRED,
    "1008": Fault.TOKEN_REVOKED,
    "1012": Fault.BAD_CREDENTIALS,
    "10001": Fault.BAD_CREDENTIALS,
    "10002": Fault.INVALID_REQUEST,
    "10004": Fault.INVALID_REQUEST,
    "10008": Fault.INVALID_REQUEST,
    "90001": Fault.INVALID_REQUEST,
    "429": Fault.RATE_LIMITED,
}
# Said of a refresh token they mean that the grant is gone: there is nothing left to refresh.
DEAD_GRANT = {"1007", "1008", "10002", "10004", "10008"}
CLOSED = "Wish may be closed"


class _Envelope(msgspec.Struct):
    code: int | str | None = None
    message: str | None = None


def read_fault(request: Request, answer: Answer) -> PlatformError | None:
    said = reading.try_decode(answer.body, _Envelope) or _Envelope()
    code = "" if said.code is None else str(said.code).strip()
    detail = _detail(code, said.message, answer)
    if answer.status == 429:
        return platform_error(Fault.RATE_LIMITED, detail)
    if answer.status >= 500:
        return platform_error(Fault.PLATFORM_DOWN, detail)
    if code not in ("", "0"):
        return platform_error(_meaning(request, code), detail)
    if 200 <= answer.status < 300:
        if answer.status == 204 or reading.is_json(answer):
            return None
        return platform_error(Fault.BAD_RESPONSE, "the answer is not JSON")
    return _bare_fault(answer)


def _meaning(request: Request, code: str) -> Fault:
    if request.path == REFRESH_PATH and code in DEAD_GRANT:
        return Fault.TOKEN_REVOKED
    return CODES.get(code, Fault.INVALID_REQUEST)


def _detail(code: str, message: str | None, answer: Answer) -> str:
    """With the number of the request, by which Wish's support finds it."""
    number = re.sub(r"[^\w-]", "", answer.headers.get("wish-request-id", ""))[:64]
    words = f"{code} {message or ''}".strip() or f"HTTP {answer.status}"
    return reading.short(f"{words} (request {number})" if number else words)


def _bare_fault(answer: Answer) -> PlatformError:
    """A refusal without Wish's form: only its own codes may end a grant."""
    detail = f"HTTP {answer.status} without an explanation"
    if answer.status in (404, 410):
        return platform_error(Fault.PLATFORM_DOWN, f"{detail}: {CLOSED}")
    if answer.status == 403 or 300 <= answer.status < 400:
        return platform_error(Fault.PLATFORM_DOWN, detail)
    return platform_error(
        Fault.INVALID_REQUEST if answer.status == 400 else Fault.BAD_RESPONSE, detail
    )
