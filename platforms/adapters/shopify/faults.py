"""What Shopify's refusals mean. Fact sheet: docs/platforms/shopify.md, "Refusals"."""

from __future__ import annotations

import re
from datetime import timedelta

import msgspec

from platforms import reading
from platforms.errors import Fault, PlatformError, platform_error
from platforms.spec import Answer, Request

# fact sheet §6; what the token endpoint says
OAUTH_FAULTS = {
    "invalid_grant": Fault.TOKEN_REVOKED,
    "invalid_client": Fault.BAD_CREDENTIALS,
    "application_cannot_be_found": Fault.BAD_CREDENTIALS,
    "shop_not_permitted": Fault.BAD_CREDENTIALS,
    "invalid_scope": Fault.INSUFFICIENT_SCOPE,
}
GRAPHQL_FAULTS = {
    "THROTTLED": Fault.RATE_LIMITED,
    "ACCESS_DENIED": Fault.INSUFFICIENT_SCOPE,
    "SHOP_INACTIVE": Fault.ACCOUNT_SUSPENDED,
    "MAX_COST_EXCEEDED": Fault.INVALID_REQUEST,
    "INTERNAL_SERVER_ERROR": Fault.PLATFORM_DOWN,
}
STATUSES = {
    401: Fault.TOKEN_EXPIRED,
    402: Fault.ACCOUNT_SUSPENDED,
    403: Fault.INSUFFICIENT_SCOPE,
    423: Fault.ACCOUNT_SUSPENDED,
    429: Fault.RATE_LIMITED,
    430: Fault.RATE_LIMITED,
}
TOO_DEAR = "MAX_COST_EXCEEDED"
_SECURITY_PAUSE = timedelta(minutes=10)
# The token endpoint also answers in plain text or on a page.
_OAUTH_TEXT = re.compile(rb"oauth error ([a-z_]{3,40})", re.IGNORECASE)


class Throttle(msgspec.Struct):
    maximumAvailable: float
    currentlyAvailable: float
    restoreRate: float


class Cost(msgspec.Struct):
    requestedQueryCost: float | None = None
    throttleStatus: Throttle | None = None


class Extensions(msgspec.Struct):
    cost: Cost | None = None


class Costly(msgspec.Struct):
    extensions: Extensions | None = None


class _Code(msgspec.Struct):
    code: str | None = None


class _Error(msgspec.Struct):
    message: str | None = None
    extensions: _Code | None = None


class _Complaint(msgspec.Struct):
    errors: object = None  # a text, an object, or GraphQL's list
    error: str | None = None
    error_description: str | None = None
    data: dict[str, msgspec.Raw] | None = None


def read_cost(answer: Answer) -> Cost:
    """What the answer says about points; an empty `Cost` where it says nothing."""
    found = reading.try_decode(answer.body, Costly)
    return found.extensions.cost or Cost() if found and found.extensions else Cost()


def read_fault(request: Request, answer: Answer) -> PlatformError | None:
    if answer.status >= 500:
        return platform_error(Fault.PLATFORM_DOWN, f"HTTP {answer.status}")
    said = reading.try_decode(answer.body, _Complaint)
    if said and said.error:
        return _oauth_fault(request, said.error)
    if said and isinstance(said.errors, list) and said.errors:
        return _graphql_fault(answer, said)
    if said and said.errors:
        return _http_fault(answer.status, reading.short(str(said.errors)))
    if not request.signed and (found := _OAUTH_TEXT.search(answer.body[:5000])):
        return _oauth_fault(request, found[1].decode().lower())
    if 200 <= answer.status < 300:
        if answer.status == 204 or reading.is_json(answer):
            return None
        return platform_error(Fault.BAD_RESPONSE, "the answer is not JSON")
    return _bare_fault(answer.status)


def _oauth_fault(request: Request, error: str) -> PlatformError:
    return platform_error(reading.oauth_fault(request, error, OAUTH_FAULTS), reading.short(error))


def _graphql_fault(answer: Answer, said: _Complaint) -> PlatformError | None:
    errors = reading.try_decode(msgspec.json.encode(said.errors), list[_Error]) or []
    codes = [(each.extensions.code if each.extensions else None) or "" for each in errors]
    told = ", ".join(
        f"{code} {each.message or ''}".strip() for code, each in zip(codes, errors, strict=True)
    )
    detail = reading.short(told)
    if codes and set(codes) == {"ACCESS_DENIED"} and _has_data(said):
        # Buyer data that the app is not approved for is left out: the rest is as good as ever.
        return None
    for code, fault in GRAPHQL_FAULTS.items():
        if code in codes:
            after = _until_room(answer) if fault is Fault.RATE_LIMITED else None
            return platform_error(fault, detail, retry_after=after)
    return platform_error(STATUSES.get(answer.status, Fault.INVALID_REQUEST), detail)


def _has_data(said: _Complaint) -> bool:
    return any(bytes(value) != b"null" for value in (said.data or {}).values())


def _until_room(answer: Answer) -> timedelta:
    """How long until the refused query would be let in, by Shopify's own count."""
    cost = read_cost(answer)
    status = cost.throttleStatus
    if status is None or status.restoreRate <= 0:
        return timedelta(seconds=1)
    lacking = (cost.requestedQueryCost or 0) - status.currentlyAvailable
    return timedelta(seconds=min(max(1.0, lacking / status.restoreRate), 600))


def _http_fault(status: int, detail: str) -> PlatformError:
    words = detail.lower()
    if "non-expiring access tokens" in words:  # code that treats only 401 as a bad token misses it
        return platform_error(Fault.TOKEN_EXPIRED, detail)
    after = _SECURITY_PAUSE if status == 430 else None
    fault = STATUSES.get(status, Fault.INVALID_REQUEST)
    return platform_error(fault, detail, retry_after=after)


def _bare_fault(status: int) -> PlatformError:
    """A refusal without Shopify's error form: empty, or a page of something in between."""
    detail = f"HTTP {status} without an explanation"
    if status == 403:
        return platform_error(Fault.PLATFORM_DOWN, detail)
    if status in STATUSES:
        return _http_fault(status, detail)
    if status in (400, 404, 410, 422):
        return platform_error(Fault.INVALID_REQUEST, detail)
    return platform_error(Fault.BAD_RESPONSE, detail)
