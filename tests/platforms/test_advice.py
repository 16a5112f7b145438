"""Whatever fails, there are words for it: what happened, and what to do."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.utils import translation

from platforms import advice, registry
from platforms.errors import Fault
from platforms.flows.link import NotPossible

SOURCES = ("platforms/flows", "platforms/views")


def reasons_in_use() -> set[str]:
    """Every reason that a flow or a view names."""
    named: set[str] = set()
    for folder in SOURCES:
        for path in Path(settings.BASE_DIR, folder).glob("*.py"):
            code = path.read_text()
            named |= set(re.findall(r'(?:NotPossible|StateMismatch)\(\s*"(\w+)"', code))
            named |= set(re.findall(r'reason="(\w+)"', code))
    return named


@pytest.mark.parametrize("fault", list(Fault))
def test_every_fault_has_advice_and_short_words(fault):
    found = advice.advice_for(fault, platform="ebay")

    assert found.title.endswith(".")
    assert len(found.text) > 40
    assert "%(" not in str(found)
    assert fault in advice.FAULTS
    assert advice.fault_words(fault) == advice.SHORT[fault]


def test_every_reason_in_use_has_advice():
    in_use = reasons_in_use()

    assert in_use <= set(advice.REASONS)
    assert "already_linked" in in_use


def test_no_advice_is_for_a_reason_that_nobody_names():
    assert set(advice.REASONS) == reasons_in_use()


@pytest.mark.parametrize("adapter", registry.all_adapters(), ids=lambda each: each.code)
def test_adapters_refine_only_what_exists(adapter):
    assert set(adapter.advice) <= {*Fault, *advice.REASONS}
    for word in adapter.advice:
        found = advice.advice_for(word, reason=word, platform=adapter.code)
        assert found.text == str(adapter.advice[word])


def test_a_reason_says_more_than_its_fault():
    found = advice.advice_for(Fault.SHOP_MISMATCH, reason="already_linked", platform="ebay")

    assert found.title == "This shop is linked already."


def test_a_marketplace_says_where_in_its_own_menus():
    found = advice.advice_for(Fault.BAD_CREDENTIALS, platform="ozon")

    assert "Settings > Seller API" in found.text


def test_our_addresses_come_along_where_they_are_needed(settings):
    settings.OUTGOING_ADDRESSES = ["203.0.113.80"]

    assert advice.advice_for(Fault.IP_NOT_WHITELISTED, platform="ozon").values == ("203.0.113.80",)
    assert advice.advice_for(Fault.BAD_CREDENTIALS, platform="ozon").values == ()


@pytest.mark.parametrize(("fault", "platform"), [("nonsense", ""), ("", "bazaar")])
def test_words_nobody_knows_get_the_general_advice(fault, platform):
    found = advice.advice_for(fault, reason="nonsense", platform=platform)

    assert found.title == str(advice.FAULTS[Fault.UNKNOWN].title)


def test_advice_is_said_in_the_language_of_the_moment():
    with translation.override("zh-hans"):
        assert advice.advice_for("", reason="hand_over_expired").title


def test_a_reason_is_what_not_possible_carries():
    assert NotPossible("no_shops").reason == "no_shops"
