"""Token buckets: the arithmetic against a plain model, and racing takers."""

from __future__ import annotations

import random
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from platforms import ratelimit
from platforms.models.traffic import RateBucket
from platforms.spec import Account, AppKeys, Limit, Room
from tests.support.together import together

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
FIVE_A_SECOND = Limit(rate=5, burst=3)
NOW = timedelta(0)


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def take(seconds: float, *, key: str = "k", limit: Limit = FIVE_A_SECOND) -> float:
    """How long to wait, in seconds; 0 where a call was taken."""
    return ratelimit.take(key, limit, now=at(seconds)).total_seconds()


@pytest.mark.django_db
def test_a_burst_then_the_rate():
    assert [take(0), take(0), take(0)] == [0, 0, 0]
    assert take(0) == pytest.approx(0.2)
    assert take(0.1) == pytest.approx(0.1)
    assert take(0.2) == 0
    assert take(0.2) == pytest.approx(0.2)


@pytest.mark.django_db
def test_being_told_to_wait_takes_nothing():
    for _ in range(50):
        take(0)
    assert take(0.2) == 0


@pytest.mark.django_db
def test_a_long_rest_fills_the_bucket_and_no_further():
    assert [take(3600) for _ in range(4)] == [0, 0, 0, pytest.approx(0.2)]


@pytest.mark.django_db
def test_one_call_of_amazons_slow_limit_comes_back_after_three_minutes():
    slow = Limit(rate=0.0056, burst=20)
    assert [take(0, limit=slow) for _ in range(20)] == [0] * 20
    assert take(0, limit=slow) == pytest.approx(1 / 0.0056)
    assert take(179, limit=slow) == 0


@pytest.mark.django_db
def test_buckets_do_not_mix():
    for _ in range(3):
        take(0, key="a")
    assert take(0, key="a") > 0
    assert take(0, key="b") == 0


@pytest.mark.django_db
@pytest.mark.parametrize("seed", range(8))
def test_against_a_plain_model(seed):
    """The textbook bucket: tokens flow in at the rate, up to the burst; a call takes one."""
    dice = random.Random(seed)
    limit = Limit(rate=dice.choice([0.01, 0.5, 3, 10, 50]), burst=dice.choice([1, 2, 7, 20]))
    tokens, last, clock = float(limit.burst), 0.0, 0.0
    for _ in range(150):
        clock = round(clock + dice.choice([0, 0, 0.3, 1, 4]) / limit.rate * dice.random(), 4)
        tokens = min(limit.burst, tokens + (clock - last) * limit.rate)
        last = clock
        wait = take(clock, limit=limit)
        # Microseconds are all a row can tell: within them both answers are right.
        if abs(tokens - 1) > 1e-3:
            assert (wait == 0) == (tokens > 1), (clock, tokens, wait)
        if wait == 0:
            tokens -= 1
        else:
            assert wait == pytest.approx((1 - tokens) / limit.rate, abs=0.001 / limit.rate + 1e-3)


@pytest.mark.django_db
@pytest.mark.parametrize("seed", range(4))
def test_no_stretch_of_time_ever_sees_more_than_burst_and_rate(seed):
    dice = random.Random(seed)
    clock, taken = 0.0, []
    for _ in range(300):
        clock += dice.choice([0, 0, 0.01, 0.1, 1.5])
        if take(clock) == 0:
            taken.append(clock)
    for i, start in enumerate(taken):
        for n, end in enumerate(taken[i:], start=1):
            assert n <= FIVE_A_SECOND.burst + (end - start) * FIVE_A_SECOND.rate + 1e-3


# --- the platform said stop


@pytest.mark.django_db
@pytest.mark.parametrize("before", [0, 2, 3])
def test_a_held_bucket_gives_one_call_when_the_time_is_over_and_no_burst(before):
    for _ in range(before):
        take(0)
    ratelimit.hold("k", FIVE_A_SECOND, until=at(60))
    assert take(1) == pytest.approx(59)
    assert take(60) == 0
    assert take(60) == pytest.approx(0.2)


@pytest.mark.django_db
def test_a_shorter_hold_does_not_let_a_longer_one_go():
    ratelimit.hold("k", FIVE_A_SECOND, until=at(3600))
    ratelimit.hold("k", FIVE_A_SECOND, until=at(1))
    assert take(2) > 3500


@pytest.mark.django_db
def test_headroom_counts_the_calls_that_are_left():
    for left in (3, 2, 1, 0):
        bucket = RateBucket.objects.filter(pk="k").first()
        assert ratelimit.headroom(bucket, FIVE_A_SECOND, now=NOON) == left
        take(0)


# --- the platform said how much is left


@pytest.mark.django_db
def test_what_the_platform_says_is_left_counts_more_than_what_we_reckoned():
    ratelimit.note("k", FIVE_A_SECOND, Room(left=1.0), now=at(0))
    assert take(0) == 0
    assert take(0) == pytest.approx(0.2)


@pytest.mark.django_db
def test_a_limit_that_the_platform_states_replaces_the_declared_one():
    ratelimit.note("k", FIVE_A_SECOND, Room(left=10.0, rate=50.0, burst=1000.0), now=at(0))
    bucket = RateBucket.objects.get(pk="k")
    assert ratelimit.headroom(bucket, FIVE_A_SECOND, now=at(0)) == 10
    assert ratelimit.headroom(bucket, FIVE_A_SECOND, now=at(1)) == 60
    wait = ratelimit.take("k", FIVE_A_SECOND, cost=110, now=at(0))
    assert wait.total_seconds() == pytest.approx(2)


@pytest.mark.django_db
def test_a_count_that_starts_anew_at_once_lets_nothing_through_before():
    ratelimit.note("k", FIVE_A_SECOND, Room(left=0, until=at(30)), now=at(0))
    assert take(1) == pytest.approx(29)
    assert take(30) == 0


@pytest.mark.django_db
def test_a_call_dearer_than_the_whole_bucket_waits_until_it_is_full():
    assert ratelimit.take("k", FIVE_A_SECOND, cost=99, now=at(0)) == timedelta(0)
    assert take(0) > 0


# --- whose bucket


def key(account: Account, *, per_app: bool = False) -> str:
    return ratelimit.key("ebay", "orders", account, Limit(rate=1, burst=1, per_app=per_app))


def test_a_store_has_its_own_bucket_and_an_application_one_for_all_its_stores():
    app = AppKeys(client_id="c", client_secret="s")
    one, two = (Account(mode="m", account_id=name, app=app) for name in ("1", "2"))
    assert key(one) != key(two)
    assert key(one, per_app=True) == key(two, per_app=True) != key(one)
    assert key(Account(mode="m", account_id="1", region="NA")) != key(one)


def test_a_key_fits_its_column_and_holds_no_secret():
    unnamed = Account(mode="m", secrets={"refresh_token": "rt-s3cret" * 20})
    assert "s3cret" not in key(unnamed)
    assert key(unnamed) != key(Account(mode="m", secrets={"refresh_token": "rt-other"}))
    assert len(key(Account(mode="m", account_id="x" * 200))) <= 150


# --- races


@pytest.mark.django_db(transaction=True)
def test_racing_takers_never_get_more_than_the_burst():
    limit = Limit(rate=0.001, burst=5)
    waits: Counter[bool] = Counter()

    def race() -> None:
        for _ in range(3):
            waits[ratelimit.take("k", limit, now=NOON) == NOW] += 1

    together(race, times=6)
    assert waits == {True: 5, False: 13}


@pytest.mark.django_db(transaction=True)
def test_a_hold_while_others_take_is_not_lost():
    limit = Limit(rate=100, burst=50)
    jobs = iter(range(6))

    def race() -> None:
        if next(jobs) == 3:
            ratelimit.hold("k", limit, until=at(600))
        else:
            for _ in range(5):
                ratelimit.take("k", limit, now=NOON)

    together(race, times=6)
    assert ratelimit.take("k", limit, now=at(1)) > timedelta(seconds=590)
