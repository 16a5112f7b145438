"""What Ozon's refusals mean. Fact sheet: docs/platforms/ozon.md, "Errors"."""

from __future__ import annotations

import msgspec

from platforms import reading
from platforms.adapters.ozon.oauth import is_cookie_test
from platforms.errors import Fault, PlatformError, platform_error
from platforms.spec import Answer, Request

# fact sheet §6: Ozon uses its codes inconsistently, so the words decide, in this order.
MESSAGES: tuple[tuple[str, Fault], ...] = (
    ("request rate limit", Fault.RATE_LIMITED),
    ("headers are required", Fault.BAD_CREDENTIALS),
    ("client-id should be positive integer", Fault.BAD_CREDENTIALS),
    ("invalid api-key", Fault.BAD_CREDENTIALS),
    ("api-key is deactivated", Fault.TOKEN_REVOKED),
    ("missing a required role", Fault.INSUFFICIENT_SCOPE),
    ("required role", Fault.INSUFFICIENT_SCOPE),
    ("restricted to specific ip", Fault.IP_NOT_WHITELISTED),
    ("offer not signed", Fault.ACCOUNT_SUSPENDED),
    ("company is blocked", Fault.ACCOUNT_SUSPENDED),
    ("existing subscription", Fault.INSUFFICIENT_SCOPE),
    ("no access to this method", Fault.INSUFFICIENT_SCOPE),
    ("circle is open", Fault.PLATFORM_DOWN),
    ("internal error", Fault.PLATFORM_DOWN),
    ("period_is_too_long", Fault.INVALID_REQUEST),
    ("obsolete method", Fault.INVALID_REQUEST),
)
CODES = {
    "8": Fault.RATE_LIMITED,
    "16": Fault.BAD_CREDENTIALS,
    "ACCESS_DENIED": Fault.INSUFFICIENT_SCOPE,
}
STATUSES = {
    400: Fault.INVALID_REQUEST,
    401: Fault.TOKEN_EXPIRED,  # keys are refused with words of their own
    403: Fault.INSUFFICIENT_SCOPE,
    404: Fault.INVALID_REQUEST,
    409: Fault.INVALID_REQUEST,
    410: Fault.INVALID_REQUEST,
    429: Fault.RATE_LIMITED,
}
# What the token endpoint says; the words are OAuth's own.
OAUTH_FAULTS = {
    "invalid_grant": Fault.INVALID_REQUEST,  # a code: used twice, or too old
    "invalid_client": Fault.BAD_CREDENTIALS,
    "unauthorized_client": Fault.APP_REJECTED,
    "invalid_scope": Fault.INVALID_REQUEST,
    "invalid_request": Fault.INVALID_REQUEST,
    "unsupported_grant_type": Fault.INVALID_REQUEST,
    "access_denied": Fault.INSUFFICIENT_SCOPE,
    "server_error": Fault.PLATFORM_DOWN,
    "temporarily_unavailable": Fault.PLATFORM_DOWN,
}


class _Inner(msgspec.Struct):
    code: int | str | None = None
    message: str | None = None


class _Complaint(msgspec.Struct):
    code: int | str | None = None
    message: str | None = None
    error: _Inner | str | None = None  # older methods wrap it; a word at the token endpoint
    error_description: str | None = None


def read_fault(request: Request, answer: Answer) -> PlatformError | None:
    if is_cookie_test(request, answer):
        return None
    if _is_bare_success(request, answer):
        return None
    code, message = _said(answer)
    if answer.status == 429:
        return platform_error(Fault.RATE_LIMITED, message)
    if not (code or message):
        return _bare_fault(request, answer)
    detail = reading.short(f"{code} {message}".strip())
    said = detail.lower()
    for words, fault in MESSAGES:
        if words in said:
            return platform_error(fault, detail)
    if answer.status >= 500:
        return platform_error(Fault.PLATFORM_DOWN, detail)
    if request.endpoint == "auth":
        return platform_error(_token_fault(request, answer.status, code), detail)
    if answer.status == 401:
        return platform_error(STATUSES[401], detail)
    named = CODES.get(code) or STATUSES.get(answer.status, Fault.UNKNOWN)
    return platform_error(named, detail)


def _is_bare_success(request: Request, answer: Answer) -> bool:
    """The notification methods are said to answer with nothing at all."""
    quiet = request.path.startswith("/v1/notification/") and not request.path.endswith("/list")
    return quiet and 200 <= answer.status < 300 and not answer.body.strip()


def _token_fault(request: Request, status: int, error: str) -> Fault:
    """A refused refresh that does not blame the application is the end of the grant: the seller
    has removed it in the cabinet, and Ozon's words for that are not published."""
    body = request.json if isinstance(request.json, dict) else {}
    known = OAUTH_FAULTS.get(error)
    refreshing = body.get("grant_type") == "refresh_token" and status in (400, 401)
    if refreshing and (known is None or error == "invalid_grant"):
        return Fault.TOKEN_REVOKED
    if known is not None:
        return known
    return Fault.BAD_CREDENTIALS if status == 401 else STATUSES.get(status, Fault.UNKNOWN)


def _said(answer: Answer) -> tuple[str, str]:
    """Code and message, also out of a 200; "" and "" where nothing is complained about."""
    complaint = reading.try_decode(answer.body, _Complaint)
    if complaint is None:
        return "", ""
    if isinstance(complaint.error, _Inner):
        return str(complaint.error.code or ""), complaint.error.message or ""
    if complaint.error:
        return complaint.error, complaint.message or complaint.error_description or ""
    code = "" if complaint.code in (None, 0, "", "0") else str(complaint.code)
    return code, complaint.message or ""


def _bare_fault(request: Request, answer: Answer) -> PlatformError | None:
    """No error form: a success, or HTML or nothing from the gateway."""
    if 200 <= answer.status < 300:
        if reading.is_json(answer):
            return None
        return platform_error(Fault.BAD_RESPONSE, "the answer is not JSON")
    detail = f"HTTP {answer.status} without an explanation"
    if request.endpoint == "auth" and answer.status == 401:
        return platform_error(Fault.BAD_RESPONSE, detail)  # without Ozon's words: not the token
    if answer.status >= 500 or answer.status in (302, 307, 403):
        return platform_error(Fault.PLATFORM_DOWN, detail)
    return platform_error(STATUSES.get(answer.status, Fault.BAD_RESPONSE), detail)
