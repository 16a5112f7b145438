"""What Amazon's refusals mean. Fact sheet: docs/platforms/amazon.md, "Errors"."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from platforms import reading
from platforms.errors import Fault, PlatformError, platform_error
from platforms.spec import Answer, Request

# fact sheet §6: what is looked for in the message and the details; the first that is found counts.
# The order matters: the secret's expiry is told in nearly the same words as the token's.
RULES = (
    (r"\blwa\b.*\bsecret\b.*\bexpired\b", Fault.BAD_CREDENTIALS),
    (r"\baccess token\b.*\b(expired|no longer valid)\b", Fault.TOKEN_EXPIRED),
    # Also said of a token that has just ended: a refresh decides (Adapter.after_refresh).
    (r"revoked, malformed or invalid", Fault.TOKEN_EXPIRED),
    (r"\baccess token is missing\b", Fault.INVALID_REQUEST),
    (r"\bnot valid for (the )?region\b", Fault.INVALID_REQUEST),
    (r"\baccount (is|was|has been) (deactivated|suspended)\b", Fault.ACCOUNT_SUSPENDED),
    (r"does not have (access to one or more|the required role)", Fault.INSUFFICIENT_SCOPE),
    (r"\brate exceeded\b|\btoo many requests\b", Fault.RATE_LIMITED),
)
CODES = {
    "quotaexceeded": Fault.RATE_LIMITED,
    "internalfailure": Fault.PLATFORM_DOWN,
    "internalerror": Fault.PLATFORM_DOWN,
    "serviceunavailable": Fault.PLATFORM_DOWN,
    "invalidinput": Fault.INVALID_REQUEST,
    "notfound": Fault.INVALID_REQUEST,
}
# Ambiguous where nothing more is said, and the words of one code only: a missing role, another
# region, a deactivated account (fact sheet §6).
DENIED = r"\bunauthorized\b|access to (the )?requested resource is denied"
ORDERS_PATH = "/orders/2026-01-01/orders"
OAUTH_FAULTS = {
    "invalid_grant": Fault.TOKEN_REVOKED,
    "invalid_client": Fault.BAD_CREDENTIALS,
    "invalid_token": Fault.TOKEN_EXPIRED,
    "unauthorized_client": Fault.INVALID_REQUEST,
    "unsupported_grant_type": Fault.INVALID_REQUEST,
    "invalid_request": Fault.INVALID_REQUEST,
    "invalid_scope": Fault.INVALID_REQUEST,
    "server_error": Fault.PLATFORM_DOWN,
    "temporarily_unavailable": Fault.PLATFORM_DOWN,
}


def is_missing(request: Request, answer: Answer) -> bool:
    """Whether the answer says that the seller has no order of the number asked for."""
    if not request.path.startswith(f"{ORDERS_PATH}/") or answer.status != 404:
        return False
    said = reading.complaints(answer, top=("errors",))
    return any(re.search(r"not_?found", str(each.get("code", "")).lower()) for each in said)


def read_fault(request: Request, answer: Answer) -> PlatformError | None:
    if is_missing(request, answer):
        return None
    said = reading.complaints(answer, top=("errors", "error"))
    errors = [each for each in said if "code" in each]
    if answer.status == 429:
        return platform_error(Fault.RATE_LIMITED, _told(errors))
    if answer.status >= 500:
        return platform_error(Fault.PLATFORM_DOWN, f"HTTP {answer.status}")
    if error := reading.oauth_error(said, OAUTH_FAULTS):
        return platform_error(
            reading.oauth_fault(request, error, OAUTH_FAULTS), reading.short(error)
        )
    if errors:
        meaning = reading.mildest(_meaning(answer.status, each) for each in errors)
        return platform_error(meaning or _by_status(answer.status), _told(errors))
    if 200 <= answer.status < 300:
        if answer.status == 204 or reading.is_json(answer):
            return None
        return platform_error(Fault.BAD_RESPONSE, "the answer is not JSON")
    return reading.unexplained(answer)


def _meaning(status: int, error: Mapping[str, Any]) -> Fault | None:
    code, details = str(error["code"]).lower(), error.get("details") or ""
    said = f"{error.get('message') or ''} {details}"
    meant = reading.first_match(said, RULES) or CODES.get(code)
    if meant is None and not details and re.search(DENIED, f"{code} {said.lower()}"):
        return Fault.TOKEN_EXPIRED if status == 401 else Fault.INSUFFICIENT_SCOPE
    return meant


def _by_status(status: int) -> Fault:
    """Of an error that says nothing we know. A 403 without a word of roles ends nothing."""
    return {401: Fault.TOKEN_EXPIRED, 403: Fault.UNKNOWN}.get(status, Fault.INVALID_REQUEST)


def _told(errors: Sequence[Mapping[str, Any]]) -> str:
    names = ("code", "message", "details")
    said = ("; ".join(str(e[name]) for name in names if e.get(name)) for e in errors[:2])
    return reading.short(" / ".join(said))
