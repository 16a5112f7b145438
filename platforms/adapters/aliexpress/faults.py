"""What AliExpress's refusals mean. Fact sheet: docs/platforms/aliexpress.md, "Errors"."""

from __future__ import annotations

import msgspec

from platforms import reading
from platforms.adapters import iop
from platforms.adapters.unlisted import in_between
from platforms.errors import Fault, PlatformError
from platforms.spec import Answer

# fact sheet §6; the numbers are those of the older error form
CODES = {
    **iop.CODES,
    "7": Fault.RATE_LIMITED,
    "11": Fault.INSUFFICIENT_SCOPE,
    "25": Fault.BAD_CREDENTIALS,
    "26": Fault.INVALID_REQUEST,  # our call brought no token: a new one would not help
    "27": Fault.TOKEN_EXPIRED,
    "29": Fault.BAD_CREDENTIALS,
    "31": Fault.CLOCK_SKEW,
    "40": Fault.INVALID_REQUEST,
    "41": Fault.INVALID_REQUEST,
}


def read_fault(answer: Answer) -> PlatformError | None:
    complaint = iop.complaint_of(answer.body)
    if complaint is not None:
        return iop.refusal(answer, complaint, CODES)
    if 200 <= answer.status < 300 and _is_the_gateways(answer.body):
        return None
    return in_between(answer)


def _is_the_gateways(body: bytes) -> bool:
    """Whether an answer without a complaint is a success: an object, and not that of the guard
    against robots, which says `ret` and means that we shall come back later."""
    fields = reading.try_decode(body, dict[str, msgspec.Raw])
    return fields is not None and "ret" not in fields
