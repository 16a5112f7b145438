"""What Ozon's refusals mean. Fact sheet: docs/platforms/ozon.md, "Errors"."""

from __future__ import annotations

import msgspec

from platforms import reading
from platforms.errors import Fault, PlatformError, platform_error
from platforms.spec import Answer

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
    401: Fault.BAD_CREDENTIALS,
    403: Fault.INSUFFICIENT_SCOPE,
    404: Fault.INVALID_REQUEST,
    409: Fault.INVALID_REQUEST,
    410: Fault.INVALID_REQUEST,
    429: Fault.RATE_LIMITED,
}


class _Inner(msgspec.Struct):
    code: int | str | None = None
    message: str | None = None


class _Complaint(msgspec.Struct):
    code: int | str | None = None
    message: str | None = None
    error: _Inner | str | None = None  # older methods wrap it


def read_fault(answer: Answer) -> PlatformError | None:
    code, message = _said(answer)
    if answer.status == 429:
        return platform_error(Fault.RATE_LIMITED, message)
    if not (code or message):
        return _bare_fault(answer)
    detail = reading.short(f"{code} {message}".strip())
    said = message.lower()
    for words, fault in MESSAGES:
        if words in said:
            return platform_error(fault, detail)
    if answer.status >= 500:
        return platform_error(Fault.PLATFORM_DOWN, detail)
    fault = CODES.get(code) or STATUSES.get(answer.status, Fault.UNKNOWN)
    return platform_error(fault, detail)


def _said(answer: Answer) -> tuple[str, str]:
    """Code and message, also out of a 200; "" and "" where nothing is complained about."""
    complaint = reading.try_decode(answer.body, _Complaint)
    if complaint is None:
        return "", ""
    if isinstance(complaint.error, _Inner):
        return str(complaint.error.code or ""), complaint.error.message or ""
    code = "" if complaint.code in (None, 0, "", "0") else str(complaint.code)
    return code, complaint.message or complaint.error or ""


def _bare_fault(answer: Answer) -> PlatformError | None:
    """No error form: a success, or HTML or nothing from the gateway."""
    if 200 <= answer.status < 300:
        if reading.is_json(answer):
            return None
        return platform_error(Fault.BAD_RESPONSE, "the answer is not JSON")
    detail = f"HTTP {answer.status} without an explanation"
    if answer.status >= 500 or answer.status in (302, 307, 403):
        return platform_error(Fault.PLATFORM_DOWN, detail)
    return platform_error(STATUSES.get(answer.status, Fault.BAD_RESPONSE), detail)
