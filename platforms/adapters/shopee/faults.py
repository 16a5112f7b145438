"""What Shopee's refusals mean. Fact sheet: docs/platforms/shopee.md, "Errors"."""

from __future__ import annotations

import msgspec

from platforms import reading
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
    "shop_no_linked": Fault.TOKEN_REVOKED,
    "partner_shop_no_link": Fault.TOKEN_REVOKED,
    "merchant_no_linked": Fault.TOKEN_REVOKED,
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
    "order_list_invalid_time": Fault.INVALID_REQUEST,
    "api_suspended": Fault.INVALID_REQUEST,
}
# `error_auth` and `error_param` say many things: (error, part of the message in small letters).
BY_MESSAGE = (
    ("error_auth", "access_token", Fault.TOKEN_EXPIRED),
    ("error_auth", "no permission", Fault.INSUFFICIENT_SCOPE),
    ("error_auth", "partner_id", Fault.BAD_CREDENTIALS),
    ("error_auth", "app is deleted", Fault.ACCOUNT_SUSPENDED),
    ("error_auth", "restricted", Fault.ACCOUNT_SUSPENDED),
    ("error_param", "timestamp is expired", Fault.CLOCK_SKEW),
    ("error_param", "invalid partner_id", Fault.BAD_CREDENTIALS),
    ("", "system error", Fault.PLATFORM_DOWN),
)


class _Complaint(msgspec.Struct):
    error: str = ""
    message: str | None = None


def read_fault(request: Request, answer: Answer) -> PlatformError | None:
    """Refusals come with 200 or 4xx and a word in `error`; success has it empty."""
    if answer.status == 429:
        return platform_error(Fault.RATE_LIMITED, "HTTP 429")
    if answer.status >= 500:
        return platform_error(Fault.PLATFORM_DOWN, f"HTTP {answer.status}")
    complaint = reading.try_decode(answer.body, _Complaint)
    if complaint and complaint.error:
        message = complaint.message or ""
        detail = reading.short(f"{complaint.error} {message}")
        return platform_error(_fault(complaint.error, message.lower()), detail)
    if complaint and 200 <= answer.status < 300:
        return None
    return platform_error(Fault.BAD_RESPONSE, f"HTTP {answer.status} without an explanation")


def _fault(error: str, message: str) -> Fault:
    code = error.rpartition(".")[2]  # some carry the module: order.order_list_invalid_time
    for name, part, fault in BY_MESSAGE:
        if name in ("", code) and part in message:
            return fault
    return FAULTS.get(code, Fault.INVALID_REQUEST)
