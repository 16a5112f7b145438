"""The only words for why something failed, and what the caller can do about it."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum


class Fault(StrEnum):
    """Normalized reasons; stored, exported and shown by these very words."""

    TOKEN_EXPIRED = "token_expired"
    TOKEN_REVOKED = "token_revoked"
    INSUFFICIENT_SCOPE = "insufficient_scope"
    BAD_CREDENTIALS = "bad_credentials"
    WRONG_ENVIRONMENT = "wrong_environment"
    IP_NOT_WHITELISTED = "ip_not_whitelisted"
    CLOCK_SKEW = "clock_skew"
    RATE_LIMITED = "rate_limited"
    QUOTA_EXHAUSTED = "quota_exhausted"
    PLATFORM_DOWN = "platform_down"
    NETWORK_UNREACHABLE = "network_unreachable"
    TLS_FAILED = "tls_failed"
    BAD_RESPONSE = "bad_response"
    INVALID_REQUEST = "invalid_request"
    ACCOUNT_SUSPENDED = "account_suspended"
    APP_REJECTED = "app_rejected"
    CONSENT_DENIED = "consent_denied"
    SHOP_MISMATCH = "shop_mismatch"
    UNKNOWN = "unknown"


# Only about how often we called.
THROTTLES = frozenset({Fault.RATE_LIMITED, Fault.QUOTA_EXHAUSTED})


class PlatformError(Exception):
    """A marketplace refused, or could not be reached.

    `detail` is safe to store and show to support: never a secret, never buyer data.
    `retry_after` is the least time to wait, where the platform said one.
    Catch the subclass by what you will do; store `fault` for what happened.
    """

    def __init__(
        self, fault: Fault, detail: str = "", *, retry_after: timedelta | None = None
    ) -> None:
        super().__init__(f"{fault}: {detail}" if detail else str(fault))
        self.fault = fault
        self.detail = detail
        self.retry_after = retry_after


class NeedsSeller(PlatformError):
    """Stop until the seller acts; show advice."""


class NeedsSupport(PlatformError):
    """Stop and alert us: our application, code or clock is wrong."""


class TryLater(PlatformError):
    """Nobody's fault; again, not before `retry_after`."""


class OwnLimit(TryLater):
    """By our own reckoning it is not our turn yet. Nothing was sent."""


_KIND: dict[Fault, type[PlatformError]] = {
    Fault.TOKEN_EXPIRED: NeedsSeller,
    Fault.TOKEN_REVOKED: NeedsSeller,
    Fault.INSUFFICIENT_SCOPE: NeedsSeller,
    Fault.BAD_CREDENTIALS: NeedsSeller,
    Fault.WRONG_ENVIRONMENT: NeedsSeller,
    Fault.IP_NOT_WHITELISTED: NeedsSeller,
    Fault.ACCOUNT_SUSPENDED: NeedsSeller,
    Fault.CONSENT_DENIED: NeedsSeller,
    Fault.SHOP_MISMATCH: NeedsSeller,
    Fault.CLOCK_SKEW: NeedsSupport,
    Fault.INVALID_REQUEST: NeedsSupport,
    Fault.APP_REJECTED: NeedsSupport,
    Fault.UNKNOWN: NeedsSupport,
    Fault.RATE_LIMITED: TryLater,
    Fault.QUOTA_EXHAUSTED: TryLater,
    Fault.PLATFORM_DOWN: TryLater,
    Fault.NETWORK_UNREACHABLE: TryLater,
    Fault.TLS_FAILED: TryLater,
    Fault.BAD_RESPONSE: TryLater,
}


def platform_error(
    fault: Fault, detail: str = "", *, retry_after: timedelta | None = None
) -> PlatformError:
    """The exception of the right class for `fault`, ready to raise."""
    return _KIND[fault](fault, detail, retry_after=retry_after)
