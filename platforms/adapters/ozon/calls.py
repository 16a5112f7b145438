"""Calls to Ozon, and what a refusal means for the kind of credential that was sent."""

from __future__ import annotations

from platforms import reading
from platforms.adapter import Call
from platforms.errors import Fault, NeedsSeller, PlatformError, platform_error
from platforms.spec import Answer, Request


def ask(call: Call, request: Request) -> Answer:
    """`call`, with refusals put right that mean another thing for keys than for tokens."""
    try:
        return call(request)
    except NeedsSeller as exc:
        by_key = call.account.mode == "api_key"
        if by_key and exc.fault is Fault.TOKEN_EXPIRED:
            # Keys are refused in words of their own: nobody is to make a new one without them.
            silent = reading.UNEXPLAINED in exc.detail
            fault = Fault.BAD_RESPONSE if silent else Fault.UNKNOWN
            raise platform_error(fault, exc.detail) from None
        if not by_key and wants_keys(exc):
            raise platform_error(Fault.TOKEN_EXPIRED, exc.detail) from None
        raise


def wants_keys(error: PlatformError) -> bool:
    """A token that Ozon does not take may be answered as if there were no credentials at all."""
    return "headers are required" in error.detail
