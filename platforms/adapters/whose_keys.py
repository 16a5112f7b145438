"""Whose keys were refused: those of an application of ours are for us to mend, and no grant that
was made through it is over; those of an application of their own are for the sellers."""

from __future__ import annotations

from platforms.adapter import Call
from platforms.errors import Fault, NeedsSupport, PlatformError
from platforms.spec import Answer, Request

OWN_APP = "own_app"  # the mode in which the tenant brings the application along


def ask(call: Call, request: Request) -> Answer:
    """The answer to `request`. Raises what `call` does, of our own keys as NeedsSupport."""
    try:
        return call(request)
    except PlatformError as exc:
        if exc.fault is not Fault.BAD_CREDENTIALS or call.account.mode == OWN_APP:
            raise
        raise NeedsSupport(exc.fault, exc.detail, retry_after=exc.retry_after) from None
