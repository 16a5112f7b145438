"""Every refusal of the corpus gets its right verdict, and none sends a seller the wrong way."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from functools import cache

import pytest

from platforms import registry
from platforms.errors import Fault
from tests.refusals import corpus
from tests.refusals.accounts import account_for

pytestmark = pytest.mark.django_db

CASES = corpus.load()
LEAST = 300  # refusals of marketplaces, those of the network apart
RIGHT_SHARE = 0.95
LONG_TOKEN = re.compile(r"[\w|^#+=~-]{30,}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@cache
def verdict_on(place: int) -> corpus.Verdict:
    """Each case is played once, whichever test asks first."""
    return corpus.play(CASES[place])


def as_param(place: int):
    case = CASES[place]
    marks = [pytest.mark.xfail(reason=case.miss, strict=True)] if case.miss else []
    return pytest.param(place, id=f"{case.platform}-{case.id}", marks=marks)


@pytest.mark.parametrize("place", [as_param(place) for place in range(len(CASES))])
def test_a_refusal_gets_its_verdict(place):
    verdict = verdict_on(place)

    assert verdict.right, str(verdict)


def test_enough_are_right_and_nobody_is_sent_to_recreate_what_works():
    verdicts = [verdict_on(place) for place in range(len(CASES))]
    wrong = [str(each) for each in verdicts if not each.right]
    harmful = [str(each) for each in verdicts if each.harmful]

    assert harmful == []
    assert len(wrong) <= (1 - RIGHT_SHARE) * len(CASES), wrong


def test_what_is_kept_of_a_refusal_repeats_no_token():
    kept = {verdict_on(place).detail for place in range(len(CASES))}

    assert not [detail for detail in kept if LONG_TOKEN.search(detail) or len(detail) > 500]


def test_the_corpus_covers_every_marketplace_and_is_large_enough():
    of_platforms = [case for case in CASES if not case.source.startswith(corpus.NETWORK)]
    per_platform = Counter(case.platform for case in of_platforms)

    assert set(per_platform) == set(registry.codes())
    assert len(of_platforms) >= LEAST


@pytest.mark.parametrize(
    ("expected", "got", "harmful"),
    [
        (Fault.PLATFORM_DOWN, Fault.TOKEN_REVOKED, True),
        (Fault.TOKEN_REVOKED, Fault.BAD_CREDENTIALS, True),
        (Fault.TOKEN_REVOKED, Fault.TOKEN_REVOKED, False),
        (Fault.TOKEN_REVOKED, Fault.PLATFORM_DOWN, False),
        (Fault.PLATFORM_DOWN, Fault.TOKEN_EXPIRED, False),  # a refresh costs nothing
    ],
)
def test_only_a_wrong_verdict_that_costs_work_is_harmful(expected, got, harmful):
    case = replace(CASES[0], expected=expected)

    assert corpus.Verdict(case=case, got=got).harmful is harmful


def test_to_call_keys_expired_that_nothing_refreshes_is_harmful():
    case = next(each for each in CASES if is_fixed(each) and each.expected == Fault.BAD_RESPONSE)

    assert corpus.Verdict(case=case, got=Fault.TOKEN_EXPIRED).harmful


def is_fixed(case):
    account = account_for(case.platform, case.mode)
    return not registry.get(case.platform).can_refresh(account)
