"""What Lazada's refusals mean. Fact sheet: docs/platforms/lazada.md, "Errors"."""

from __future__ import annotations

import re
from datetime import timedelta

import msgspec

from platforms import reading
from platforms.errors import Fault, PlatformError, platform_error
from platforms.spec import Answer, Request

FAULTS = {
    "IllegalAccessToken": Fault.TOKEN_EXPIRED,
    "IllegalRefreshToken": Fault.TOKEN_REVOKED,
    "IncompleteSignature": Fault.BAD_CREDENTIALS,
    "InvalidAppKey": Fault.BAD_CREDENTIALS,
    "InsufficientPermission": Fault.INSUFFICIENT_SCOPE,
    "AppNotSubscribed": Fault.INSUFFICIENT_SCOPE,
    "AppWhiteIpLimit": Fault.IP_NOT_WHITELISTED,
    "IllegalTimestamp": Fault.CLOCK_SKEW,
    "ApiCallLimit": Fault.RATE_LIMITED,
    "AppCallLimit": Fault.QUOTA_EXHAUSTED,
    "SystemError": Fault.PLATFORM_DOWN,
    "ServiceTimeout": Fault.PLATFORM_DOWN,
    "ServiceUnavailable": Fault.PLATFORM_DOWN,
    "ISP": Fault.PLATFORM_DOWN,
    "MissingParameter": Fault.INVALID_REQUEST,
    "MissingPartner": Fault.INVALID_REQUEST,
    "InvalidApi": Fault.INVALID_REQUEST,
    "InvalidApiPath": Fault.INVALID_REQUEST,
}
BAN = re.compile(r"ban will last (\d{1,6}) second")


class _Complaint(msgspec.Struct):
    code: str | int
    type: str | None = None
    message: str | None = None


def read_fault(request: Request, answer: Answer) -> PlatformError | None:
    """Refusals come with status 200: success is the code "0" and nothing else."""
    if answer.status == 429:
        return platform_error(Fault.RATE_LIMITED, "HTTP 429")
    if answer.status >= 500:
        return platform_error(Fault.PLATFORM_DOWN, f"HTTP {answer.status}")
    complaint = reading.try_decode(answer.body, _Complaint)
    if complaint is None:
        return platform_error(Fault.BAD_RESPONSE, f"HTTP {answer.status} without a code")
    code, message = str(complaint.code), complaint.message or ""
    if code == "0":
        if answer.status < 300:
            return None
        return platform_error(Fault.BAD_RESPONSE, f"HTTP {answer.status} with success inside")
    others = Fault.PLATFORM_DOWN if complaint.type == "ISP" else Fault.INVALID_REQUEST
    ban = BAN.search(message)
    return platform_error(
        FAULTS.get(code, others),
        reading.short(f"{code} {message}"),
        retry_after=timedelta(seconds=int(ban[1])) if ban else None,
    )
