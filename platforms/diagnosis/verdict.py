"""One cause out of many findings.

What lies deeper explains what lies above it: without a network every call fails, with a wrong
clock every signature is refused, in an outage nobody is let in. A seller is told to make keys or
a permission anew only when nothing below speaks against it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from platforms.diagnosis.spec import Outcome, Result
from platforms.errors import Fault

OK = "ok"

# These make a seller link again, or make keys or an application anew.
RECREATE = {
    Fault.TOKEN_EXPIRED,
    Fault.TOKEN_REVOKED,
    Fault.BAD_CREDENTIALS,
    Fault.WRONG_ENVIRONMENT,
    Fault.INSUFFICIENT_SCOPE,
    Fault.SHOP_MISMATCH,
    Fault.CONSENT_DENIED,
}
# From the bottom up. A check that is not here is worth knowing but stops no order.
_BOTTOM = ("dns", "connection", "tls", "clock", "outgoing_address", "outage")
_ABOVE = (
    "application",
    "credentials",
    "right_shop",
    "scopes",
    "key_expiry",
    "token_state",
    "orders",
    "rate_limit",
)
# What a refusal may really mean when the very form of the keys is wrong.
_OF_KEYS = {Fault.BAD_CREDENTIALS, Fault.INVALID_REQUEST, Fault.TOKEN_REVOKED, Fault.UNKNOWN}


@dataclass(frozen=True, kw_only=True)
class Judged:
    """`verdict` is a Fault or "ok"; `because` the check that decided it, "" for "ok"."""

    verdict: str
    because: str = ""


def judge(outcomes: Iterable[Outcome], *, linking: bool = False) -> Judged:
    """The one cause. With `linking` also what keeps a seller from coming back to us."""
    found = {each.name: each for each in outcomes}
    failing = {name: each for name, each in found.items() if each.result is Result.FAIL}
    for name in _BOTTOM:
        if name in failing:
            return _of(failing[name], outage=name == "outage")
    if "key_format" in failing and (linking or _keys_refused(failing)):
        return _of(failing["key_format"])
    for name in _ABOVE:
        if name in failing:
            return _of(failing[name])
    if "key_format" in failing:
        return _of(failing["key_format"])
    if linking and "callback" in failing:
        return _of(failing["callback"])
    return Judged(verdict=OK)


def _keys_refused(failing: dict[str, Outcome]) -> bool:
    refused = failing.get("credentials") or failing.get("application")
    return refused is None or refused.fault in _OF_KEYS | {Fault.WRONG_ENVIRONMENT}


def _of(outcome: Outcome, *, outage: bool = False) -> Judged:
    fault = outcome.fault or Fault.UNKNOWN
    if outage and fault in RECREATE:
        # Many stores at once: it is not this seller's permission that is wrong.
        fault = Fault.PLATFORM_DOWN
    return Judged(verdict=str(fault), because=outcome.name)
