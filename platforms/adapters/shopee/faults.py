"""What Shopee's refusals mean. Fact sheet: docs/platforms/shopee.md, "Errors"."""

from __future__ import annotations

import re

import msgspec

from platforms import reading
from platforms.adapters.unlisted import by_words, despite_status, in_between, plain
from platforms.errors import Fault, PlatformError, platform_error
from platforms.spec import Answer, Request

FAULTS = {
    "error_sign": Fault.BAD_CREDENTIALS,
    "error_partner_key_expired": Fault.BAD_CREDENTIALS,
    "invalid_partner_id": Fault.BAD_CREDENTIALS,
    "invalid_acceess_token": Fault.TOKEN_EXPIRED,  # Shopee's own spelling
    "invalid_access_token": Fault.TOKEN_EXPIRED,
    "refresh_token_expired": Fault.TOKEN_REVOKED,
    "error_shop_refresh_token": Fault.TOKEN_REVOKED,
    "error_merchant_refresh_token": Fault.TOKEN_REVOKED,
    "shop_access_expired": Fault.TOKEN_REVOKED,
    "merchant_access_expired": Fault.TOKEN_REVOKED,
    "supplier_access_expired": Fault.TOKEN_REVOKED,
    "shop_no_linked": Fault.TOKEN_REVOKED,
    "partner_shop_no_link": Fault.TOKEN_REVOKED,
    "merchant_no_linked": Fault.TOKEN_REVOKED,
    "supplier_no_linked": Fault.TOKEN_REVOKED,
    "error_permission": Fault.INSUFFICIENT_SCOPE,
    "error_api_permission": Fault.INSUFFICIENT_SCOPE,
    "error_ashop_api_permission": Fault.INSUFFICIENT_SCOPE,  # an affiliate shop
    "error_kyc_auth": Fault.INSUFFICIENT_SCOPE,
    "invalid_code": Fault.INVALID_REQUEST,
    "invalid_shop_id": Fault.INVALID_REQUEST,
    "invalid_main_acount_id": Fault.INVALID_REQUEST,
    "source_ip_undeclared": Fault.IP_NOT_WHITELISTED,
    "error_limit": Fault.QUOTA_EXHAUSTED,
    "error_rate_limit": Fault.RATE_LIMITED,
    "shop_banned": Fault.ACCOUNT_SUSPENDED,
    "error_api_call_restricted": Fault.ACCOUNT_SUSPENDED,
    "error_server": Fault.PLATFORM_DOWN,
    "error_network": Fault.PLATFORM_DOWN,
    "error_data": Fault.PLATFORM_DOWN,
    "error_param": Fault.INVALID_REQUEST,
    "error_not_found": Fault.INVALID_REQUEST,
    "error_shop": Fault.INVALID_REQUEST,  # e.g. asked at another region's address
    "order_list_invalid_time": Fault.INVALID_REQUEST,
    "api_suspended": Fault.INVALID_REQUEST,
}
# What says many things, told apart by a part of the message, in this order: (error, part).
BY_MESSAGE = (
    ("error_param", "timestamp is expired", Fault.CLOCK_SKEW),
    ("error_param", "invalid partner id", Fault.BAD_CREDENTIALS),
    ("error_param", "partner id is invalid", Fault.BAD_CREDENTIALS),
    ("error_auth", "no permission", Fault.INSUFFICIENT_SCOPE),
    ("error_auth", "app is deleted", Fault.ACCOUNT_SUSPENDED),
    ("error_auth", "have been restricted", Fault.ACCOUNT_SUSPENDED),
    ("error_auth", "invalid sign", Fault.BAD_CREDENTIALS),
    ("error_auth", "invalid code", Fault.INVALID_REQUEST),
    ("error_auth", "access token", Fault.TOKEN_EXPIRED),
    ("error_auth", "partner id or shop", Fault.UNKNOWN),  # one of the two, for any reason
    ("error_auth", "invalid partner id", Fault.BAD_CREDENTIALS),
    ("error_auth", "partner id is invalid", Fault.BAD_CREDENTIALS),
    ("error_auth", "your access to", Fault.TOKEN_REVOKED),
    ("error_auth", "has no linked", Fault.TOKEN_REVOKED),
)
# What one asks for an order that the shop does not have is answered with: (error, part of it).
NO_SUCH_ORDER = (
    ("error_not_found", "order is not found"),
    ("error_param", "information you queried is not found"),
)
NO_ERROR = "-"  # so in the vendor's own samples; otherwise empty or null
# Words of HTTP in `error` come from what stands in between.
_SHOPEES_OWN = re.compile(r"[\w.]*_[\w.]*")


class _Complaint(msgspec.Struct):
    error: str | None = None
    message: str | None = None
    msg: str | None = None  # its older name


def read_fault(request: Request, answer: Answer) -> PlatformError | None:
    """Refusals come with 200 or 4xx and a word in `error`; success has it empty."""
    complaint = reading.try_decode(answer.body, _Complaint)
    if complaint is None:
        return in_between(answer)
    error, message = complaint.error or NO_ERROR, complaint.message or complaint.msg or ""
    if error == NO_ERROR and 200 <= answer.status < 300:
        return None
    if not _SHOPEES_OWN.fullmatch(error):
        return in_between(answer)
    fault = despite_status(_fault(error, message), answer.status)
    return platform_error(fault, reading.short(f"{error} {message}"))


def is_no_such_order(error: PlatformError) -> bool:
    code, _, message = error.detail.partition(" ")
    if error.fault is not Fault.INVALID_REQUEST:
        return False
    said = plain(message)
    return any(code.endswith(name) and part in said for name, part in NO_SUCH_ORDER)


def _fault(error: str, message: str) -> Fault:
    code = error.rpartition(".")[2].lower()  # some carry the module: order.order_list_invalid_time
    if code in FAULTS and code != "error_param":
        return FAULTS[code]
    if code not in FAULTS and (told := by_words(f"{code} {message}")) is not None:
        return told
    said = plain(message)
    for name, part, fault in BY_MESSAGE:
        if name == code and part in said:
            return fault
    return FAULTS.get(code, Fault.UNKNOWN)
