"""What Wish's refusals mean. Fact sheet: docs/platforms/wish.md, "Refusals"."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from platforms import reading
from platforms.errors import Fault, PlatformError, platform_error
from platforms.spec import Answer, Request

EXCHANGE_PATH = "/api/v3/oauth/access_token"
REFRESH_PATH = "/api/v3/oauth/refresh_token"

ORDERS_PATH = "/api/v3/orders"
# fact sheet §6; Wish states the same codes as numbers and as strings
CODES = {
    "1001": Fault.INVALID_REQUEST,
    "1002": Fault.ACCOUNT_SUSPENDED,
    "1006": Fault.INSUFFICIENT_SCOPE,
    "1007": Fault.TOKEN_EXPIRED,
    "1008": Fault.TOKEN_REVOKED,
    "1012": Fault.INVALID_REQUEST,  # no token was seen; there always is one, so it is for us
    "10001": Fault.BAD_CREDENTIALS,
    "10002": Fault.INVALID_REQUEST,
    "10004": Fault.INVALID_REQUEST,
    "10008": Fault.INVALID_REQUEST,
    "90001": Fault.INVALID_REQUEST,
    "429": Fault.RATE_LIMITED,
}
# Said of a refresh token they mean that the grant is gone: there is nothing left to refresh.
DEAD_GRANT = {"1007", "1008", "10002", "10004", "10008"}
# Of a code that is not in the table, or where none is stated.
WORDS = (
    (r"\brate limit|\btoo many requests\b", Fault.RATE_LIMITED),
    (r"\binternal (server )?error\b|\bunavailable\b", Fault.PLATFORM_DOWN),
    (r"\btoken\b.*\bexpired\b|\bexpired\b.*\btoken\b", Fault.TOKEN_EXPIRED),
    (r"\btoken\b.*\brevoked\b|\brevoked\b.*\btoken\b", Fault.TOKEN_REVOKED),
    (r"\b(account|merchant) (is |was |has been )?(disabled|suspended)\b", Fault.ACCOUNT_SUSPENDED),
)
# Wish has an OpenID provider too, which says it in the words of OAuth itself.
OAUTH_FAULTS = {
    "invalid_grant": Fault.TOKEN_REVOKED,
    "invalid_client": Fault.BAD_CREDENTIALS,
}
# Of one order the number is the only parameter. The words are those of Wish's own example.
INVALID_PARAMETER = "1001"
NOT_FOUND = r"\b(could not|cannot|can't) find an? order\b|\border\b.*\bnot (found|exist)"
CLOSED = "Wish may be closed"
BARE_STATUSES = {401: Fault.BAD_RESPONSE} | dict.fromkeys(
    (404, 410, *range(300, 400)), Fault.PLATFORM_DOWN
)


def is_missing(request: Request, answer: Answer) -> bool:
    """Whether the answer says that the merchant has no order of the number asked for."""
    if not request.path.startswith(f"{ORDERS_PATH}/") or answer.status not in (200, 400, 404):
        return False
    told = map(_told, reading.complaints(answer, top=("code", "message", "error")))
    return any(
        code == INVALID_PARAMETER
        or (code not in ("", "0", *CODES) and re.search(NOT_FOUND, message.lower()))
        for code, message in told
    )


def read_fault(request: Request, answer: Answer) -> PlatformError | None:
    if is_missing(request, answer):
        return None
    said = reading.complaints(answer, top=("code", "message", "error"))
    told = [_told(each) for each in said if _complains(answer, *_told(each))]
    detail = _detail(told, answer)
    if answer.status == 429:
        return platform_error(Fault.RATE_LIMITED, detail)
    if answer.status >= 500:
        return platform_error(Fault.PLATFORM_DOWN, detail)
    if told:
        meaning = reading.mildest(_meaning(request, *each) for each in told)
        return platform_error(meaning or Fault.INVALID_REQUEST, detail)
    if error := reading.oauth_error(said, OAUTH_FAULTS):
        return platform_error(reading.oauth_fault(request, error, OAUTH_FAULTS), detail)
    if _fine(answer):
        if answer.status == 204 or reading.is_json(answer):
            return None
        return platform_error(Fault.BAD_RESPONSE, "the answer is not JSON")
    return _bare_fault(answer)


def _complains(answer: Answer, code: str, message: str) -> bool:
    """0 is a success, and a number of HTTP a gateway's. Without a code the words must be known."""
    if not code:
        return not _fine(answer) and reading.first_match(message, WORDS) is not None
    return code not in ("0", str(answer.status))


def _fine(answer: Answer) -> bool:
    return 200 <= answer.status < 300


def _told(each: Mapping[str, Any]) -> tuple[str, str]:
    """Code and message; Wish states the same codes as numbers and as strings."""
    code = each.get("code")
    return "" if code is None else str(code).strip(), str(each.get("message") or "")


def _meaning(request: Request, code: str, message: str) -> Fault | None:
    refreshing = request.path == REFRESH_PATH
    if re.fullmatch(r"5[0-9]{2}", code):
        return Fault.PLATFORM_DOWN
    known = CODES.get(code) or reading.first_match(message, WORDS)
    if refreshing and (code in DEAD_GRANT or known is Fault.TOKEN_EXPIRED):
        return Fault.TOKEN_REVOKED
    return known


def _detail(told: Sequence[tuple[str, str]], answer: Answer) -> str:
    """With the number of the request, by which Wish's support finds it."""
    number = re.sub(r"[^\w-]", "", answer.headers.get("wish-request-id", ""))[:64]
    words = ", ".join(f"{code} {message}".strip() for code, message in told[:3])
    words = words or f"HTTP {answer.status}"
    return reading.short(f"{words} (request {number})" if number else words)


def _bare_fault(answer: Answer) -> PlatformError:
    """A refusal without Wish's form: only its own codes may end a grant."""
    error = reading.unexplained(answer, BARE_STATUSES)
    if answer.status in (404, 410):
        return platform_error(error.fault, f"{error.detail}: {CLOSED}")
    return error
