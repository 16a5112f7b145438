"""What eBay's refusals mean. Fact sheet: docs/platforms/ebay.md, "Errors"."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Self
from zoneinfo import ZoneInfo

from platforms import reading
from platforms.errors import Fault, NeedsSupport, PlatformError, platform_error
from platforms.spec import Answer, Request

# fact sheet §6; what the token endpoint says
OAUTH_FAULTS = {
    "invalid_grant": Fault.TOKEN_REVOKED,
    "invalid_client": Fault.BAD_CREDENTIALS,
    "invalid_scope": Fault.INSUFFICIENT_SCOPE,
    "invalid_token": Fault.TOKEN_EXPIRED,
    "unauthorized_client": Fault.INVALID_REQUEST,
    "invalid_request": Fault.INVALID_REQUEST,
    "unsupported_grant_type": Fault.INVALID_REQUEST,
    "server_error": Fault.PLATFORM_DOWN,
    "temporarily_unavailable": Fault.PLATFORM_DOWN,
}
# The keyset is ours, so what is wrong with it is for us to mend, not for the seller.
_OURS = {Fault.BAD_CREDENTIALS, Fault.INSUFFICIENT_SCOPE}

# fact sheet §6; errorId, for REST and the Trading codes that still appear
ERROR_FAULTS: dict[range, Fault] = {
    range(1001, 1002): Fault.TOKEN_EXPIRED,
    range(1002, 1004): Fault.INVALID_REQUEST,  # no token, or one of another kind
    range(1100, 1101): Fault.INSUFFICIENT_SCOPE,
    range(2001, 2002): Fault.RATE_LIMITED,
    range(930, 931): Fault.INVALID_REQUEST,
    range(931, 933): Fault.TOKEN_REVOKED,
    range(16110, 16111): Fault.TOKEN_REVOKED,
    range(17470, 17471): Fault.TOKEN_REVOKED,
    range(21916984, 21916985): Fault.TOKEN_EXPIRED,
    range(21917053, 21917054): Fault.TOKEN_EXPIRED,
    range(30500, 30501): Fault.PLATFORM_DOWN,
    range(30700, 30701): Fault.INVALID_REQUEST,
    range(30850, 30851): Fault.CLOCK_SKEW,  # "can't be in the future": our clock is ahead
    range(30800, 30851): Fault.INVALID_REQUEST,
    range(30900, 30901): Fault.INVALID_REQUEST,
    range(31000, 31001): Fault.INVALID_REQUEST,
    range(31100, 31101): Fault.INVALID_REQUEST,
    range(32100, 32101): Fault.INVALID_REQUEST,
    range(32800, 32801): Fault.INVALID_REQUEST,
    range(140000, 140001): Fault.PLATFORM_DOWN,
    range(215113, 215115): Fault.CLOCK_SKEW,
    range(215000, 215123): Fault.INVALID_REQUEST,
}
# All production calls are refused while our account-deletion address is not valid.
NOT_COMPLIANT = r"\bcompl(iance|iant|y)\b"
# Of a number that is not in the table.
WORDS = (
    (r"\b(expired|invalid)\b.*\btoken\b|\btoken\b.*\b(expired|invalid)\b", Fault.TOKEN_EXPIRED),
    (r"insufficient permission|(missing|insufficient) scope", Fault.INSUFFICIENT_SCOPE),
)
# Of neither. A 403 that does not speak of permissions is no reason to consent anew.
STATUSES = {401: Fault.TOKEN_EXPIRED, 403: Fault.UNKNOWN}
ITS_OWN_FAILURE = "APPLICATION"  # eBay's category for what is no fault of the request
ORDER_PATH = "/sell/fulfillment/v1/order"
NO_SUCH_ORDER = 32100

# A 429 looks the same whether calls came too fast or the day's are used up (fact sheet §5), unless
# it says so in words or asks for a pause that only the end of a day explains.
_DAILY = re.compile(r"\b(daily|per day|24 hours)\b", re.IGNORECASE)
_LONG = timedelta(minutes=30)
_DAY_BEGINS = ZoneInfo("America/Los_Angeles")


@dataclass(frozen=True, kw_only=True)
class _Error:
    number: int | None
    said: str
    category: str

    @classmethod
    def read(cls, raw: Mapping[str, Any]) -> Self:
        number = str(raw["errorId"]).strip()
        return cls(
            number=int(number) if re.fullmatch(r"[0-9]{1,12}", number) else None,
            said=" ".join(str(raw[name]) for name in ("message", "longMessage") if raw.get(name)),
            category=str(raw.get("category", "")),
        )

    def meaning(self, status: int) -> Fault | None:
        if status in (401, 403) and re.search(NOT_COMPLIANT, self.said.lower()):
            return Fault.APP_REJECTED
        for numbers, fault in ERROR_FAULTS.items():
            if self.number in numbers:
                return fault
        if self.category.upper() == ITS_OWN_FAILURE:
            return Fault.PLATFORM_DOWN
        return reading.first_match(self.said, WORDS)


def is_missing(request: Request, answer: Answer) -> bool:
    """Whether the answer says that the seller has no order of the number asked for."""
    if not request.path.startswith(f"{ORDER_PATH}/") or answer.status not in (400, 404):
        return False
    return any(error.number == NO_SUCH_ORDER for error in _errors(answer))


def read_fault(request: Request, answer: Answer) -> PlatformError | None:
    if is_missing(request, answer):
        return None
    said = reading.complaints(answer, top=("errors", "error"))
    errors = _errors(answer)
    if answer.status == 429:
        return _too_many(answer, errors)
    if answer.status >= 500:
        return platform_error(Fault.PLATFORM_DOWN, f"HTTP {answer.status}")
    if errors:
        return _api_fault(answer.status, errors)
    if error := reading.oauth_error(said, OAUTH_FAULTS):
        return _oauth_fault(request, error)
    if 200 <= answer.status < 300:
        made = answer.status == 201 and not answer.body.strip()  # its address is in a header
        if answer.status == 204 or made or reading.is_json(answer):
            return None
        return platform_error(Fault.BAD_RESPONSE, "the answer is not JSON")
    return reading.unexplained(answer)


def _errors(answer: Answer) -> list[_Error]:
    said = reading.complaints(answer, top=("errors", "error"))
    return [_Error.read(each) for each in said if "errorId" in each]


def _too_many(answer: Answer, errors: Sequence[_Error]) -> PlatformError:
    asked = answer.headers.get("retry-after", "").strip()
    pause = int(asked) if re.fullmatch(r"[0-9]{1,6}", asked) else 0
    if pause >= _LONG.total_seconds():
        return platform_error(Fault.QUOTA_EXHAUSTED, _told(errors))
    if not pause and any(_DAILY.search(error.said) for error in errors):
        rest = _rest_of_the_day(answer)
        return platform_error(Fault.QUOTA_EXHAUSTED, _told(errors), retry_after=rest)
    return platform_error(Fault.RATE_LIMITED, _told(errors))


def _rest_of_the_day(answer: Answer) -> timedelta | None:
    """Until eBay's next midnight, by the clock of the answer itself."""
    try:
        now = parsedate_to_datetime(answer.headers.get("date", "")).astimezone(_DAY_BEGINS)
    except (TypeError, ValueError, OverflowError):
        return None
    midnight = datetime.combine(now.date() + timedelta(days=1), time(), _DAY_BEGINS)
    return midnight.astimezone(UTC) - now.astimezone(UTC)


def _told(errors: Sequence[_Error]) -> str:
    return reading.short(", ".join(f"{e.number} {e.said}".strip() for e in errors[:3]))


def _oauth_fault(request: Request, error: str) -> PlatformError:
    fault = reading.oauth_fault(request, error, OAUTH_FAULTS)
    detail = reading.short(error)
    return NeedsSupport(fault, detail) if fault in _OURS else platform_error(fault, detail)


def _api_fault(status: int, errors: Sequence[_Error]) -> PlatformError:
    meaning = reading.mildest(error.meaning(status) for error in errors)
    fault = meaning or STATUSES.get(status, Fault.INVALID_REQUEST)
    return platform_error(fault, _told(errors))
