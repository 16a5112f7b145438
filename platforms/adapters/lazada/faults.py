"""What Lazada's refusals mean. Fact sheet: docs/platforms/lazada.md, "Errors"."""

from __future__ import annotations

import msgspec

from platforms import reading
from platforms.adapters import iop
from platforms.adapters.unlisted import in_between
from platforms.errors import Fault, PlatformError
from platforms.spec import Answer, Request

CODES = {
    **iop.CODES,
    "appnotsubscribed": Fault.INSUFFICIENT_SCOPE,
    # The token of an application from the Service Marketplace lasts as long as its subscription.
    "authtypeunsupported": Fault.INVALID_REQUEST,
}
NO_SUCH_ORDER = "16"  # E016: "Invalid Order ID"


class _Success(msgspec.Struct):
    code: str | int


def read_fault(request: Request, answer: Answer) -> PlatformError | None:
    """Refusals come with status 200: success is the code "0" and nothing else."""
    complaint = iop.complaint_of(answer.body)
    if complaint is not None:
        # A number is a business method's word for what it did not like about the question.
        others = Fault.INVALID_REQUEST if complaint.code.isdecimal() else Fault.UNKNOWN
        return iop.refusal(answer, complaint, CODES, others=others)
    success = reading.try_decode(answer.body, _Success)
    if success is not None and str(success.code) == "0" and 200 <= answer.status < 300:
        return None
    return in_between(answer)


def is_no_such_order(error: PlatformError) -> bool:
    code = error.detail.partition(" ")[0]
    return error.fault is Fault.INVALID_REQUEST and code == NO_SUCH_ORDER
