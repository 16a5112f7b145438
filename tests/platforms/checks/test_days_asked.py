"""The days that people choose, for counts and for replays alike."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone, translation

from accounts.models import User
from platforms.replays.forms import ReplayForm
from platforms.views.checks.forms import CountsForm
from tenants.models import Store
from tests.platforms.checks.conftest import ask_counts


@pytest.fixture
def today(shop):
    Store.objects.filter(pk=shop.pk).update(time_zone="Pacific/Kiritimati")  # far ahead of UTC
    shop.refresh_from_db()
    return timezone.localtime(timezone=shop.zone).date()


def counts(store, since, until):
    return CountsForm({"since": since, "until": until}, store=store)


def replay(store, since, until):
    data = {"kind": "pull", "since": since, "until": until}
    return ReplayForm(data, store=store, now=timezone.now())


FORMS = pytest.mark.parametrize("form", [counts, replay])


@FORMS
@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_browsers_are_given_days_as_they_take_them(shop, today, form, language):
    with translation.override(language):
        asked = form(shop, today, today)
        assert asked.is_valid(), asked.errors
        for name in ("since", "until"):
            html = asked[name].as_widget()
            assert f'value="{today.isoformat()}"' in html
            assert f'max="{today.isoformat()}"' in html


@pytest.mark.parametrize("name", ["store_checks", "store_replays"])
def test_the_first_page_has_days_in_it_in_chinese_too(world, shop, name):
    User.objects.filter(pk=world.anna.pk).update(language="zh-hans")
    page = world.client(world.anna).get(reverse(name, args=[shop.public_id])).content.decode()
    assert 'lang="zh-Hans"' in page
    inputs = re.findall(r"<input[^>]+type=\"date\"[^>]*>", page)
    assert len(inputs) == 2
    for each in inputs:
        assert re.search(r'value="\d{4}-\d\d-\d\d"', each), each


def test_days_that_were_refused_stay_as_they_were_typed(world, shop, today):
    User.objects.filter(pk=world.anna.pk).update(language="zh-hans")
    given = {"kind": "counts", "counts-since": today, "counts-until": today - timedelta(days=2)}
    page = world.client(world.anna).post(reverse("store_checks", args=[shop.public_id]), given)
    assert page.status_code == 400
    assert f'value="{today - timedelta(days=2)}"' in page.content.decode()


@FORMS
def test_today_is_that_of_the_store(shop, today, form):
    assert form(shop, today, today).is_valid()
    tomorrow = form(shop, today, today + timedelta(days=1))
    assert "until" in tomorrow.errors


@FORMS
def test_the_first_day_comes_first(shop, today, form):
    asked = form(shop, today, today - timedelta(days=1))
    assert "The first day is after the last. Swap them." in asked.non_field_errors()


@FORMS
def test_no_more_days_than_are_done_at_once(shop, today, form):
    longest = form(shop, today, today).longest
    long_ago = today - timedelta(days=longest - 1)
    sentences = form(shop, long_ago, today).non_field_errors()
    assert not any("at most" in each for each in sentences)
    sentences = form(shop, long_ago - timedelta(days=1), today).non_field_errors()
    assert any(f"{longest} days at most" in each for each in sentences)


@FORMS
def test_days_beyond_the_platforms_reach_are_said_so(shop, today, form):
    asked = form(shop, today - timedelta(days=3000), today - timedelta(days=2999))
    assert "answers back to" in asked.errors["since"][0]


def test_a_count_begins_and_ends_at_midnights_of_the_store(shop, today):
    asked = counts(shop, today - timedelta(days=1), today)
    assert asked.is_valid()
    check = ask_counts(shop)
    assert set(asked.asked) == set(check.asked)
    assert all(value.endswith("T10:00:00+00:00") for value in asked.asked.values())
