"""What Shopify's refusals mean. Fact sheet: docs/platforms/shopify.md, "Refusals"."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

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
    "server_error": Fault.PLATFORM_DOWN,
    "temporarily_unavailable": Fault.PLATFORM_DOWN,
}
GRAPHQL_FAULTS = {
    "THROTTLED": Fault.RATE_LIMITED,
    "ACCESS_DENIED": Fault.INSUFFICIENT_SCOPE,
    "SHOP_INACTIVE": Fault.ACCOUNT_SUSPENDED,
    "MAX_COST_EXCEEDED": Fault.INVALID_REQUEST,
    "INTERNAL_SERVER_ERROR": Fault.PLATFORM_DOWN,
}
# These say it all, whatever else is said.
PLAIN_STATUSES = {
    402: Fault.ACCOUNT_SUSPENDED,
    423: Fault.ACCOUNT_SUSPENDED,
    429: Fault.RATE_LIMITED,
    430: Fault.RATE_LIMITED,
}
# Shopify tells much in words only: before codes came, and over HTTP to this day.
WORDS = (
    (r"\bnon-expiring access tokens\b", Fault.TOKEN_EXPIRED),
    (r"\bthrottled\b|\breduce request rates\b|\brate limit", Fault.RATE_LIMITED),
    (
        r"\binternal error\b|\btimed out\b|\bwent wrong on our end\b|\btemporarily (un|over)",
        Fault.PLATFORM_DOWN,
    ),
    (r"\bunavailable shop\b|\bshop is (inactive|frozen|locked)\b", Fault.ACCOUNT_SUSPENDED),
    (
        r"\brequires merchant approval\b|\bnot approved to access\b"
        r"|\baccess denied for \S+ field\b",
        Fault.INSUFFICIENT_SCOPE,
    ),
)
# Of words nobody knows. A 403 that speaks of no scope is no reason to install the app anew.
STATUSES = {401: Fault.TOKEN_EXPIRED, 403: Fault.UNKNOWN}
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


class _Data(msgspec.Struct):
    data: dict[str, msgspec.Raw] | None = None


@dataclass(frozen=True)
class _Problem:
    code: str
    message: str

    @property
    def meaning(self) -> Fault | None:
        return GRAPHQL_FAULTS.get(self.code) or reading.first_match(self.message, WORDS)


def read_cost(answer: Answer) -> Cost:
    """What the answer says about points; an empty `Cost` where it says nothing."""
    found = reading.try_decode(answer.body, Costly)
    return found.extensions.cost or Cost() if found and found.extensions else Cost()


def read_fault(request: Request, answer: Answer) -> PlatformError | None:
    if answer.status >= 500:
        return platform_error(Fault.PLATFORM_DOWN, f"HTTP {answer.status}")
    said = reading.complaints(answer, top=("errors", "error"))
    if problems := _problems(said):
        return _fault(answer, problems)
    if error := reading.oauth_error(said, OAUTH_FAULTS):
        return _oauth_fault(request, error)
    if not request.signed and (found := _OAUTH_TEXT.search(answer.body[:5000])):
        return _oauth_fault(request, found[1].decode())
    if 200 <= answer.status < 300:
        if answer.status == 204 or reading.is_json(answer):
            return None
        return platform_error(Fault.BAD_RESPONSE, "the answer is not JSON")
    after = _SECURITY_PAUSE if answer.status == 430 else None
    bare = reading.unexplained(answer, PLAIN_STATUSES)
    return platform_error(bare.fault, bare.detail, retry_after=after)


def _oauth_fault(request: Request, error: str) -> PlatformError:
    return platform_error(reading.oauth_fault(request, error, OAUTH_FAULTS), reading.short(error))


def _problems(said: Iterable[Mapping[str, Any]]) -> list[_Problem]:
    """What stands in `errors`: a text, an object, or a list of either, GraphQL's among them."""
    told: object = next((each["errors"] for each in said if each.get("errors")), [])
    return [_problem(each) for each in (told if isinstance(told, list) else [told])]


def _problem(told: object) -> _Problem:
    if isinstance(told, dict) and "message" in told:
        extensions = told.get("extensions")
        code = extensions.get("code") if isinstance(extensions, dict) else None
        return _Problem(str(code or "").upper(), str(told["message"] or ""))
    return _Problem("", str(told))


def _fault(answer: Answer, problems: Sequence[_Problem]) -> PlatformError | None:
    detail = reading.short(", ".join(f"{p.code} {p.message}".strip() for p in problems))
    if {problem.code for problem in problems} == {"ACCESS_DENIED"} and _has_data(answer):
        # Buyer data that the app is not approved for is left out: the rest is as good as ever.
        return None
    fault = PLAIN_STATUSES.get(answer.status) or reading.mildest(p.meaning for p in problems)
    fault = fault or STATUSES.get(answer.status, Fault.INVALID_REQUEST)
    after = _SECURITY_PAUSE if answer.status == 430 else None
    if answer.status < 300 and fault is Fault.RATE_LIMITED:
        after = _until_room(answer)
    return platform_error(fault, detail, retry_after=after)


def _has_data(answer: Answer) -> bool:
    found = reading.try_decode(answer.body, _Data) or _Data()
    return any(bytes(value) != b"null" for value in (found.data or {}).values())


def _until_room(answer: Answer) -> timedelta:
    """How long until the refused query would be let in, by Shopify's own count."""
    cost = read_cost(answer)
    status = cost.throttleStatus
    if status is None or status.restoreRate <= 0:
        return timedelta(seconds=1)
    lacking = (cost.requestedQueryCost or 0) - status.currentlyAvailable
    return timedelta(seconds=min(max(1.0, lacking / status.restoreRate), 600))
