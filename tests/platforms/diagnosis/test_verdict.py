"""One cause out of many findings."""

from __future__ import annotations

import itertools
import random

import pytest

from platforms.diagnosis.run import NAMES
from platforms.diagnosis.spec import Outcome, Result
from platforms.diagnosis.verdict import OK, RECREATE, judge
from platforms.errors import Fault

# What each check may say when it fails.
FAULTS = {
    "dns": ("network_unreachable",),
    "connection": ("network_unreachable",),
    "tls": ("tls_failed",),
    "clock": ("clock_skew",),
    "outgoing_address": ("ip_not_whitelisted",),
    "outage": tuple(Fault),
    "key_format": ("bad_credentials", "wrong_environment", "unknown"),
    "application": tuple(Fault),
    "credentials": tuple(Fault),
    "right_shop": ("shop_mismatch", "account_suspended"),
    "scopes": ("insufficient_scope",),
    "orders": tuple(Fault),
    "key_expiry": ("token_revoked", "app_rejected"),
    "token_state": tuple(Fault),
    "rate_limit": ("rate_limited", "quota_exhausted"),
    "callback": ("tls_failed", "network_unreachable", "app_rejected"),
    "webhook": ("tls_failed", "network_unreachable", "bad_response"),
}
LOWER = ("dns", "connection", "tls", "clock", "outage")


def outcome(name: str, result: str = "pass", fault: str = "") -> Outcome:
    return Outcome(name=name, result=Result(result), facts={"fault": fault} if fault else {})


def failing(**faults: str) -> list[Outcome]:
    return [outcome(name, "fail", fault) for name, fault in faults.items()]


def worlds(count: int):
    """Any mixture of results, each failing check with one of its own faults."""
    dice = random.Random(4)
    for _n in range(count):
        found = []
        for name in NAMES:
            result = dice.choice(["pass", "pass", "warn", "fail", "skip"])
            fault = dice.choice(FAULTS.get(name, ("unknown",))) if result == "fail" else ""
            found.append(outcome(name, result, str(fault)))
        yield found


@pytest.mark.parametrize("linking", [False, True])
def test_the_verdict_is_a_fault_or_ok_and_made_by_a_check_that_failed(linking):
    for found in worlds(4_000):
        judged = judge(found, linking=linking)
        assert judged.verdict == OK or Fault(judged.verdict)
        because = [each for each in found if each.name == judged.because]
        assert (judged.verdict == OK) == (because == [])
        assert all(each.result is Result.FAIL for each in because)


@pytest.mark.parametrize("linking", [False, True])
def test_nothing_is_made_anew_while_a_lower_cause_stands(linking):
    seen = 0
    for found in worlds(4_000):
        if any(each.name in LOWER and each.result is Result.FAIL for each in found):
            seen += 1
            assert judge(found, linking=linking).verdict not in {str(each) for each in RECREATE}
    assert seen > 1_000


def test_the_order_of_findings_does_not_matter():
    found = failing(clock="clock_skew", credentials="bad_credentials", token_state="token_revoked")
    verdicts = {judge(each).verdict for each in itertools.permutations(found)}
    assert verdicts == {"clock_skew"}


@pytest.mark.parametrize(
    ("faults", "verdict", "because"),
    [
        ({}, "ok", ""),
        ({"webhook": "bad_response"}, "ok", ""),
        ({"callback": "tls_failed"}, "ok", ""),
        ({"dns": "network_unreachable", "clock": "clock_skew"}, "network_unreachable", "dns"),
        ({"tls": "tls_failed", "credentials": "unknown"}, "tls_failed", "tls"),
        ({"clock": "clock_skew", "credentials": "invalid_request"}, "clock_skew", "clock"),
        (
            {"outage": "rate_limited", "credentials": "token_revoked"}, "rate_limited", "outage",
        ),
        (
            {"outage": "bad_credentials", "credentials": "bad_credentials"},
            "platform_down", "outage",
        ),
        (
            {"key_format": "wrong_environment", "credentials": "bad_credentials"},
            "wrong_environment", "key_format",
        ),
        (
            {"key_format": "wrong_environment", "credentials": "platform_down"},
            "platform_down", "credentials",
        ),
        (
            {"credentials": "ip_not_whitelisted", "outgoing_address": "ip_not_whitelisted"},
            "ip_not_whitelisted", "outgoing_address",
        ),
        ({"credentials": "token_revoked", "token_state": "token_revoked"},
         "token_revoked", "credentials"),
        ({"right_shop": "shop_mismatch"}, "shop_mismatch", "right_shop"),
        ({"scopes": "insufficient_scope", "orders": "insufficient_scope"},
         "insufficient_scope", "scopes"),
        ({"orders": "bad_response"}, "bad_response", "orders"),
        ({"rate_limit": "quota_exhausted"}, "quota_exhausted", "rate_limit"),
    ],
)  # fmt: skip
def test_the_deepest_cause_wins(faults, verdict, because):
    judged = judge(failing(**faults))
    assert (judged.verdict, judged.because) == (verdict, because)


def test_before_linking_the_way_back_counts_too():
    judged = judge(failing(callback="tls_failed"), linking=True)
    assert (judged.verdict, judged.because) == ("tls_failed", "callback")


def test_an_outcome_survives_being_kept():
    before = Outcome(
        name="clock", result=Result.WARN, code="off", facts={"seconds": 7.5}, took_ms=12
    )
    assert Outcome.of(before.as_dict()) == before
