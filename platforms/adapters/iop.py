"""Refusals of the gateway that AliExpress and Lazada share; the forms and the lettered codes.

Nearly every refusal comes with HTTP 200, in one of three forms: of `/rest`, of `/sync`, and of
a business method inside an answer that says it succeeded. Fact sheets of both, "Errors".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

import msgspec

from platforms import reading
from platforms.adapters.unlisted import by_words, despite_status
from platforms.errors import THROTTLES, Fault, PlatformError, platform_error
from platforms.spec import Answer


def letters(code: str) -> str:
    """A code in its one spelling; case and separators vary."""
    return re.sub(r"[\W_]", "", code).lower()


CODES: Mapping[str, Fault] = {
    letters(code): fault
    for code, fault in {
        "IncompleteSignature": Fault.BAD_CREDENTIALS,
        "InvalidAppKey": Fault.BAD_CREDENTIALS,
        "InvalidCode": Fault.INVALID_REQUEST,
        "IllegalAccessToken": Fault.TOKEN_EXPIRED,
        "IllegalRefreshToken": Fault.TOKEN_REVOKED,
        "InsufficientPermission": Fault.INSUFFICIENT_SCOPE,
        "AppWhiteIpLimit": Fault.IP_NOT_WHITELISTED,
        "IllegalTimestamp": Fault.CLOCK_SKEW,
        "ApiCallLimit": Fault.RATE_LIMITED,
        "AppCallLimit": Fault.QUOTA_EXHAUSTED,
        "ServiceTimeout": Fault.PLATFORM_DOWN,
        "ServiceUnavailable": Fault.PLATFORM_DOWN,
        "ServerError": Fault.PLATFORM_DOWN,
        "SystemError": Fault.PLATFORM_DOWN,
        "SYSTEM": Fault.PLATFORM_DOWN,
        "ISP": Fault.PLATFORM_DOWN,
        "InvalidParameter": Fault.INVALID_REQUEST,
        "InvalidApiPath": Fault.INVALID_REQUEST,
        "InvalidApi": Fault.INVALID_REQUEST,
    }.items()
}
_BAN = re.compile(r"ban will last (?:for )?([0-9]{1,6})")
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
    """What an answer complains about, in any of the three forms; None for anything else."""
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
        kind=(said.type or "").upper(),
    )


def refusal(
    answer: Answer,
    complaint: Complaint,
    codes: Mapping[str, Fault],
    *,
    others: Fault = Fault.UNKNOWN,
) -> PlatformError:
    """The error of a complaint. `codes` are those of the marketplace, by their `letters`;
    `others` is what a code means of which nothing at all is known."""
    said = filter(None, (complaint.code, complaint.sub_code, complaint.message))
    fault = despite_status(_fault(complaint, codes, others), answer.status)
    pause = None
    if fault is Fault.RATE_LIMITED:
        pause = _ban(complaint.message)
    elif fault is Fault.QUOTA_EXHAUSTED:
        pause = QUOTA_PAUSE
    return platform_error(fault, reading.short(" ".join(said)), retry_after=pause)


def _fault(complaint: Complaint, codes: Mapping[str, Fault], others: Fault) -> Fault:
    said = by_words(f"{complaint.code} {complaint.message}")
    if complaint.business:
        return said or Fault.INVALID_REQUEST
    if (known := codes.get(letters(complaint.code))) is not None:
        return known
    if letters(complaint.code).startswith("missing"):  # from our call, whatever it is
        return Fault.INVALID_REQUEST
    if complaint.sub_code.startswith("isv.permission-api"):
        return Fault.INSUFFICIENT_SCOPE
    theirs = complaint.sub_code.startswith("isp.") or complaint.kind in ("ISP", "SYSTEM")
    if theirs and said not in THROTTLES:
        return Fault.PLATFORM_DOWN
    if said is not None:
        return said
    return Fault.INVALID_REQUEST if complaint.sub_code.startswith("isv.") else others


def _ban(message: str) -> timedelta:
    found = _BAN.search(message)
    return min(timedelta(seconds=int(found[1])), LONGEST_BAN) if found else SHORT_BAN
