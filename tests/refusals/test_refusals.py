"""Every refusal of the corpus gets its right verdict, and none sends a seller the wrong way."""

from __future__ import annotations

from collections import Counter

import pytest

from platforms import registry
from platforms.errors import Fault
from tests.refusals import corpus

pytestmark = pytest.mark.django_db

CASES = corpus.load()
LEAST = 300  # refusals of marketplaces, those of the network apart
RIGHT_SHARE = 0.95


def as_param(case: corpus.Case):
    marks = [pytest.mark.xfail(reason=case.miss, strict=True)] if case.miss else []
    return pytest.param(case, id=f"{case.platform}-{case.id}", marks=marks)


@pytest.mark.parametrize("case", [as_param(case) for case in CASES])
def test_a_refusal_gets_its_verdict(case):
    verdict = corpus.play(case)

    assert verdict.right, str(verdict)


def test_enough_are_right_and_nobody_is_sent_to_recreate_what_works():
    verdicts = [corpus.play(case) for case in CASES]
    wrong = [str(each) for each in verdicts if not each.right]
    harmful = [str(each) for each in verdicts if each.harmful]

    assert harmful == []
    assert len(wrong) <= (1 - RIGHT_SHARE) * len(CASES), wrong


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
    ],
)
def test_only_a_wrong_drastic_verdict_is_harmful(expected, got, harmful):
    case = corpus.Case(
        id="x", platform=CASES[0].platform, mode=CASES[0].mode, call="orders", answers=(),
        expected=expected, source="",
    )  # fmt: skip

    assert corpus.Verdict(case=case, got=got).harmful is harmful
