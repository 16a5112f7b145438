"""How amounts, times and names are written on pages."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from types import SimpleNamespace

import pytest
from django.utils import timezone, translation

from platforms.templatetags import storelink as tags


@pytest.fixture(autouse=True)
def _english():
    with translation.override("en"):
        yield


@pytest.mark.parametrize(
    ("amount", "currency", "shown"),
    [
        (Decimal("1234.50"), "USD", "USD\u00a01,234.50"),
        (Decimal("3000"), "JPY", "JPY\u00a03,000"),
        (Decimal("0.125"), "KWD", "KWD\u00a00.125"),
        (Decimal("46.9"), "EUR", "EUR\u00a046.90"),
        (Decimal("7"), "GBP", "GBP\u00a07.00"),
        (Decimal("5.00"), None, "5.00"),
        (None, "USD", ""),
    ],
)
def test_money_is_shown_exactly_as_stated(amount, currency, shown):
    assert tags.money(amount, currency) == shown


@pytest.mark.parametrize(
    ("length", "shown"),
    [
        (30, "less than a minute"),
        (60, "1 minute"),
        (timedelta(hours=3, minutes=20), "3 hours"),
        (timedelta(days=3), "3 days"),
    ],
)
def test_a_length_is_shown_in_its_largest_unit(length, shown):
    assert tags.duration(length) == shown


def test_a_countdown_counts_whole_units():
    now = timezone.now()

    assert tags.countdown(now + timedelta(days=3)) == "in 3 days"
    assert tags.countdown(now - timedelta(hours=2)) == "2 hours ago"
    assert tags.countdown(None) == ""


def test_what_we_no_longer_know_is_shown_as_it_is():
    assert tags.platform_name("bazaar") == "bazaar"
    assert tags.site_label("amazon", "XX") == "XX"
    assert tags.site_label("amazon", "DE") == "Germany"
    assert tags.mode_name(SimpleNamespace(platform="ebay", mode="old")) == "old"
    assert tags.scope_words("x", "bazaar") == "x"
    assert tags.fault_words("nonsense") == "Unknown failure"
