"""What AliExpress's refusals mean. Fact sheet: docs/platforms/aliexpress.md, "Errors".

Nearly every refusal comes with HTTP 200, in one of three forms: of `/rest`, of `/sync`, and of
the business method inside an answer that says it succeeded.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta

import msgspec

from platforms import reading
from platforms.errors import Fault, PlatformError, platform_error
from platforms.spec import Answer

# fact sheet §6; the numbers are those of the older error form
CODES = {
    "IncompleteSignature": Fault.BAD_CREDENTIALS,
    "25": Fault.BAD_CREDENTIALS,
    "InvalidAppKey": Fault.BAD_CREDENTIALS,
    "29": Fault.BAD_CREDENTIALS,
    "InvalidCode": Fault.INVALID_REQUEST,
    "IllegalAccessToken": Fault.TOKEN_EXPIRED,
    "26": Fault.TOKEN_EXPIRED,
    "27": Fault.TOKEN_EXPIRED,
    "IllegalRefreshToken": Fault.TOKEN_REVOKED,
    "InsufficientPermission": Fault.INSUFFICIENT_SCOPE,
    "11": Fault.INSUFFICIENT_SCOPE,
    "AppWhiteIpLimit": Fault.IP_NOT_WHITELISTED,
    "IllegalTimestamp": Fault.CLOCK_SKEW,
    "ApiCallLimit": Fault.RATE_LIMITED,
    "7": Fault.RATE_LIMITED,
    "AppCallLimit": Fault.QUOTA_EXHAUSTED,
    "ServiceTimeout": Fault.PLATFORM_DOWN,
    "ServiceUnavailable": Fault.PLATFORM_DOWN,
    "ServerError": Fault.PLATFORM_DOWN,
    "SYSTEM": Fault.PLATFORM_DOWN,
    "MissingParameter": Fault.INVALID_REQUEST,
    "InvalidParameter": Fault.INVALID_REQUEST,
    "InvalidApiPath": Fault.INVALID_REQUEST,
    "InvalidApi": Fault.INVALID_REQUEST,
    "40": Fault.INVALID_REQUEST,
    "41": Fault.INVALID_REQUEST,
}
SUSPENDED = re.compile(
    r"app(lication)? (is |has been |was )?(offline|disabled|frozen)"
    r"|(seller|shop|store|account)( account)? (is |has been |was )?(closed|frozen|suspended)"
)
BAN = re.compile(r"ban will last (?:for )?([0-9]{1,6})")
SHORT_BAN = timedelta(seconds=5)
LONGEST_BAN = timedelta(seconds=300)
# The daily quota starts anew in a time zone nobody states: look again now and then.
QUOTA_PAUSE = timedelta(hours=1)
NOTHING = msgspec.Raw(b"null")


@dataclass(frozen=True, kw_only=True)
class Complaint:
    code: str
    message: str = ""
    sub_code: str = ""
    kind: str = ""  # ISV: the caller; ISP and SYSTEM: the platform
    business: bool = False


class _Said(msgspec.Struct):
    code: int | str | None = None
    type: str | None = None
    message: str | None = None
    msg: str | None = None
    sub_code: str | None = None
    sub_msg: str | None = None
    error_response: msgspec.Raw = NOTHING
    result: msgspec.Raw = NOTHING
    success: bool | str | None = None
    error_code: int | str | None = None
    error_message: str | None = None


def read_fault(answer: Answer) -> PlatformError | None:
    complaint = complaint_of(answer.body)
    if complaint is None:
        return _bare_fault(answer)
    detail = reading.short(
        " ".join(filter(None, (complaint.code, complaint.sub_code, complaint.message)))
    )
    fault = _fault(complaint)
    if fault is Fault.RATE_LIMITED:
        return _banned(complaint.message, detail)
    if fault is Fault.QUOTA_EXHAUSTED:
        return platform_error(fault, detail, retry_after=QUOTA_PAUSE)
    if answer.status >= 500:
        fault = Fault.PLATFORM_DOWN
    return platform_error(fault, detail)


def unwrapped(body: bytes) -> msgspec.Raw | None:
    """The answer without what some hosts and methods wrap it in; None where it is no object."""
    fields = reading.try_decode(body, dict[str, msgspec.Raw])
    if fields is None:
        return None
    inner = fields.get("gopResponseBody")
    if inner is not None:
        text = reading.try_decode(bytes(inner), str)
        return msgspec.Raw(text.encode()) if text is not None else msgspec.Raw(inner)
    wrappers = [name for name in fields if name.endswith("_response")]
    if len(wrappers) == 1 and wrappers[0] != "error_response":
        return msgspec.Raw(fields[wrappers[0]])
    succeeded = bytes(fields.get("code", b"0")).strip(b'" ') in (b"0", b"null")
    if "data" in fields and succeeded and not {"result", "access_token"} & set(fields):
        return msgspec.Raw(fields["data"])
    return msgspec.Raw(body)


def is_stated(raw: msgspec.Raw) -> bool:
    return bytes(raw).strip() not in (b"", b"null")


def complaint_of(body: bytes) -> Complaint | None:
    """What an answer complains about, in any of the three forms; None for a success."""
    inside = unwrapped(body)
    said = reading.try_decode(bytes(inside), _Said) if inside is not None else None
    if said is None:
        return None
    if is_stated(said.error_response):
        said = reading.try_decode(bytes(said.error_response), _Said) or _Said(code="unreadable")
        return _spoken(said)
    if said.code not in (None, "", 0, "0"):
        return _spoken(said)
    result = reading.try_decode(bytes(said.result), _Said) if is_stated(said.result) else None
    for each in (said, result):
        if each is not None and each.success in (False, "false"):
            return Complaint(
                code=str(each.error_code or ""), message=each.error_message or "", business=True
            )
    return None


def _spoken(said: _Said) -> Complaint:
    return Complaint(
        code=str(said.code or ""),
        message=" ".join(filter(None, (said.message, said.msg, said.sub_msg))),
        sub_code=said.sub_code or "",
        kind=said.type or "",
    )


def _fault(complaint: Complaint) -> Fault:
    said = complaint.message.lower()
    if SUSPENDED.search(said):
        return Fault.ACCOUNT_SUSPENDED
    if complaint.business:
        return Fault.INVALID_REQUEST
    if complaint.code in CODES:
        return CODES[complaint.code]
    if complaint.sub_code.startswith("isv.permission-api"):
        return Fault.INSUFFICIENT_SCOPE
    if complaint.sub_code.startswith("isp.") or complaint.kind in ("ISP", "SYSTEM"):
        return Fault.PLATFORM_DOWN
    if complaint.sub_code.startswith("isv."):
        return Fault.INVALID_REQUEST
    return Fault.UNKNOWN


def _banned(message: str, detail: str) -> PlatformError:
    found = BAN.search(message)
    pause = timedelta(seconds=int(found[1])) if found else SHORT_BAN
    return platform_error(Fault.RATE_LIMITED, detail, retry_after=min(pause, LONGEST_BAN))


def _bare_fault(answer: Answer) -> PlatformError | None:
    """No error form: a success, or HTML or nothing from the gateway."""
    detail = f"HTTP {answer.status} without an explanation"
    if answer.status == 429:
        return platform_error(Fault.RATE_LIMITED, detail)
    if 200 <= answer.status < 300:
        if reading.is_json(answer):
            return None
        return platform_error(Fault.BAD_RESPONSE, "the answer is not JSON")
    if answer.status >= 500 or answer.status in (301, 302, 307, 403):
        return platform_error(Fault.PLATFORM_DOWN, detail)
    if answer.status in (400, 404):
        return platform_error(Fault.INVALID_REQUEST, detail)
    return platform_error(Fault.BAD_RESPONSE, detail)
