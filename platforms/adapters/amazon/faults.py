"""What Amazon's refusals mean. Fact sheet: docs/platforms/amazon.md, "Errors"."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from platforms import reading
from platforms.errors import Fault, PlatformError, platform_error
from platforms.spec import Answer, Request


@dataclass(frozen=True)
class _Rule:
    """`says` is looked for in the message and the details, in lower case."""

    statuses: tuple[int, ...]
    says: str
    fault: Fault


# fact sheet §6, first match wins. The order matters: the secret's expiry is told in nearly
# the same words as the token's.
RULES = (
    _Rule((401, 403), "lwa secret token you provided has expired", Fault.BAD_CREDENTIALS),
    _Rule((401, 403), "has expired", Fault.TOKEN_EXPIRED),
    # Also said of a token that has just ended: a refresh decides (Adapter.after_refresh).
    _Rule((401, 403), "revoked, malformed or invalid", Fault.TOKEN_EXPIRED),
    _Rule((401, 403), "access token is missing", Fault.INVALID_REQUEST),
    _Rule((400, 403), "not valid for region", Fault.INVALID_REQUEST),
    _Rule((400, 403), "does not have access to one or more", Fault.INSUFFICIENT_SCOPE),
    _Rule((401,), "", Fault.TOKEN_EXPIRED),
    # Ambiguous: a missing role, another region, a deactivated account (fact sheet §6).
    _Rule((403,), "", Fault.INSUFFICIENT_SCOPE),
)
CODES = {
    "QuotaExceeded": Fault.RATE_LIMITED,
    "InternalFailure": Fault.PLATFORM_DOWN,
    "InternalError": Fault.PLATFORM_DOWN,
    "ServiceUnavailable": Fault.PLATFORM_DOWN,
    "InvalidInput": Fault.INVALID_REQUEST,
    "NotFound": Fault.INVALID_REQUEST,
}
OAUTH_FAULTS = {
    "invalid_grant": Fault.TOKEN_REVOKED,
    "invalid_client": Fault.BAD_CREDENTIALS,
    "unauthorized_client": Fault.INVALID_REQUEST,
    "unsupported_grant_type": Fault.INVALID_REQUEST,
    "invalid_request": Fault.INVALID_REQUEST,
    "invalid_scope": Fault.INVALID_REQUEST,
    "server_error": Fault.PLATFORM_DOWN,
    "temporarily_unavailable": Fault.PLATFORM_DOWN,
}


class _Error(msgspec.Struct):
    code: str | None = None
    message: str | None = None
    details: str | None = None


class _Complaint(msgspec.Struct):
    errors: list[_Error] | None = None
    error: str | None = None


def read_fault(request: Request, answer: Answer) -> PlatformError | None:
    complaint = reading.try_decode(answer.body, _Complaint)
    if answer.status == 429:
        return platform_error(Fault.RATE_LIMITED, _detail(complaint))
    if answer.status >= 500:
        return platform_error(Fault.PLATFORM_DOWN, f"HTTP {answer.status}")
    if complaint and complaint.error:
        return _oauth_fault(request, complaint.error)
    if complaint and complaint.errors:
        return _api_fault(answer.status, complaint)
    if 200 <= answer.status < 300:
        if answer.status == 204 or reading.is_json(answer):
            return None
        return platform_error(Fault.BAD_RESPONSE, "the answer is not JSON")
    return _bare_fault(answer)


def _detail(complaint: _Complaint | None) -> str:
    errors = (complaint.errors or []) if complaint else []
    said = ("; ".join(filter(None, (e.code, e.message, e.details))) for e in errors[:2])
    return reading.short(" / ".join(said))


def _oauth_fault(request: Request, error: str) -> PlatformError:
    fault = reading.oauth_fault(request, error, OAUTH_FAULTS)
    return platform_error(fault, reading.short(error))


def _api_fault(status: int, complaint: _Complaint) -> PlatformError:
    detail = _detail(complaint)
    for error in complaint.errors or ():
        said = f"{error.message or ''} {error.details or ''}".lower()
        for rule in RULES:
            if status in rule.statuses and rule.says in said:
                return platform_error(rule.fault, detail)
        if error.code in CODES:
            return platform_error(CODES[error.code], detail)
    return platform_error(Fault.INVALID_REQUEST, detail)


def _bare_fault(answer: Answer) -> PlatformError:
    """A refusal without Amazon's error form: empty, or a page of the network's edge."""
    detail = f"HTTP {answer.status} without an explanation"
    if answer.status == 401:
        return platform_error(Fault.TOKEN_EXPIRED, detail)
    if answer.status in (400, 404, 410, 413, 415):
        return platform_error(Fault.INVALID_REQUEST, detail)
    if answer.status == 403:
        return platform_error(Fault.PLATFORM_DOWN, detail)
    return platform_error(Fault.BAD_RESPONSE, detail)
