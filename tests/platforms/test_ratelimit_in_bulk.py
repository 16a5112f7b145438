"""Calls taken for many streams at once, or several ahead by one long pull: never more than there
are."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest
from django.utils import timezone

from platforms import ratelimit
from platforms.models.traffic import RateBucket
from platforms.ratelimit import Turns
from platforms.spec import Limit
from tests.support.together import together

SMALL = Limit(rate=1, burst=20)
ROOMY = Limit(rate=1, burst=100)
NOW = timezone.now()


def left(key, limit):
    return ratelimit.headroom(RateBucket.objects.filter(pk=key).first(), limit, now=NOW)


@pytest.mark.django_db
def test_many_streams_of_one_application_share_its_bucket():
    wanted = [("app", SMALL)] * 15 + [("store", SMALL)] + [("app", SMALL)] * 15
    had = ratelimit.take_many(wanted, now=NOW)
    assert (sum(had), had[15]) == (21, True)
    assert (left("app", SMALL), left("store", SMALL)) == (0, 19)
    assert ratelimit.take_many([("app", SMALL), ("other", SMALL)], now=NOW) == [False, True]


@pytest.mark.django_db(transaction=True)
def test_takers_in_bulk_never_take_more_than_there_is():
    wanted = [(f"k{n}", SMALL) for n in range(5)] * 4
    had = Counter()

    def take():
        for (key, _limit), ok in zip(wanted, ratelimit.take_many(wanted, now=NOW), strict=True):
            had[key] += ok

    together(take, times=8)
    assert {key: 20 - left(key, SMALL) for key in had} == had
    assert max(had.values()) <= 20
    assert sum(had.values()) > 0


@pytest.mark.django_db
def test_a_long_pull_takes_several_and_gives_back_what_it_did_not_use():
    turns = Turns()
    for _ in range(5):
        assert turns.take("k", ROOMY, cost=1.0, now=NOW) == timedelta(0)
    assert left("k", ROOMY) == 100 - 2 - Turns.AT_ONCE
    turns.give_back(now=NOW)
    assert left("k", ROOMY) == 100 - 5


@pytest.mark.django_db
def test_of_a_small_bucket_each_call_counts():
    turns = Turns()
    waits = [turns.take("k", SMALL, cost=1.0, now=NOW) for _ in range(21)]
    assert waits[:20] == [timedelta(0)] * 20
    assert waits[20] > timedelta(0)


@pytest.mark.django_db
def test_all_the_calls_of_a_bucket_can_be_had_one_by_one_at_its_end():
    turns = Turns()
    waits = [turns.take("k", ROOMY, cost=1.0, now=NOW) for _ in range(101)]
    assert (waits.count(timedelta(0)), left("k", ROOMY)) == (100, 0)


@pytest.mark.django_db
def test_what_was_taken_ahead_is_worth_nothing_once_the_platform_says_stop():
    turns = Turns({"k": ROOMY})
    turns.forget()
    ratelimit.hold("k", ROOMY, until=NOW + timedelta(minutes=5))
    assert turns.take("k", ROOMY, cost=1.0, now=NOW) > timedelta(minutes=4)


@pytest.mark.django_db
def test_a_call_taken_at_the_claim_is_given_back_where_it_was_not_made():
    assert ratelimit.take_many([("k", SMALL)], now=NOW) == [True]
    Turns({"k": SMALL}).give_back(now=NOW)
    assert left("k", SMALL) == 20
