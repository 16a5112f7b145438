"""What AliExpress's refusals mean. Fact sheet: docs/platforms/aliexpress.md, "Errors"."""

from __future__ import annotations

import re

import msgspec

from platforms import reading
from platforms.adapters import iop
from platforms.adapters.unlisted import in_between, plain
from platforms.errors import Fault, PlatformError
from platforms.spec import Answer

# fact sheet §6; the numbers are those of the older error form
NUMBERS = {
    Fault.RATE_LIMITED: ("4", "5", "6", "7", "8"),
    Fault.PLATFORM_DOWN: ("10",),
    Fault.INSUFFICIENT_SCOPE: ("11", "12", "13"),
    Fault.BAD_CREDENTIALS: ("25", "29"),
    Fault.TOKEN_EXPIRED: ("27",),
    Fault.CLOCK_SKEW: ("31",),
    # Something is missing or malformed in our call; of 26 the token, which a new one cannot mend.
    Fault.INVALID_REQUEST: ("21", "22", "23", "24", "26", "28", "30", "32", "33", "40", "41"),
}
# No code of it is written down anywhere: the words must do.
_NO_SUCH_ORDER = re.compile(r"\border\b.{0,40} not (?:exist|found)\b|\bno such order\b|订单不存在")
CODES = {**iop.CODES, **{code: fault for fault, codes in NUMBERS.items() for code in codes}}


def read_fault(answer: Answer) -> PlatformError | None:
    complaint = iop.complaint_of(answer.body)
    if complaint is not None:
        return iop.refusal(answer, complaint, CODES)
    if 200 <= answer.status < 300 and _is_the_gateways(answer.body):
        return None
    return in_between(answer)


def is_no_such_order(error: PlatformError) -> bool:
    """Whether the refusal of a detail says that this seller has no order of that number."""
    said = plain(error.detail)
    return error.fault is Fault.INVALID_REQUEST and bool(_NO_SUCH_ORDER.search(said))


def _is_the_gateways(body: bytes) -> bool:
    """Whether an answer without a complaint is a success: an object, and not that of the guard
    against robots, whose `ret` means that we shall come back later."""
    fields = reading.try_decode(body, dict[str, msgspec.Raw])
    return fields is not None and "ret" not in fields
