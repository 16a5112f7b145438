"""Calls hour by hour: no hour missing or doubled, in any zone, and drawn as they were."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from platforms.health import strip as health_strip
from platforms.health.strip import Hour, Strip
from platforms.templatetags.health_tags import HEIGHT, hour_strip, hour_words, strip_words
from tenants.scope import tenant_scope
from tests.platforms.health_board.scenes import count_calls, linked

NOW = datetime(2026, 11, 21, 12, 40, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def store(world):
    with tenant_scope(world.lotus):
        yield linked(world.lotus, now=NOW)


def last_hours(store) -> Strip:
    return health_strip.last_hours([store.authorization_id], now=NOW)[store.authorization_id]


def last_days(store, zone: str, now: datetime = NOW):
    return health_strip.last_days(
        store.authorization_id, days=7, zone=ZoneInfo(zone), now=now
    )  # fmt: skip


def at(hour: int, day: int = 21) -> datetime:
    return datetime(2026, 11, day, hour, tzinfo=UTC)


def test_the_strip_has_24_hours_without_a_gap_and_ends_with_this_one(store):
    hours = last_hours(store).hours
    assert [hour.at for hour in hours] == [at(13, 20) + HOUR * n for n in range(24)]


def test_an_hour_counts_its_calls_and_those_of_no_other(store):
    count_calls(store, at(12), good=6, rate_limited=2)
    count_calls(store, at(11), good=1)
    count_calls(store, at(12, 20), good=99)  # 24 hours and 40 minutes ago
    hours = last_hours(store).hours
    assert (hours[-1].calls, hours[-1].good, hours[-1].percent) == (8, 6, 75)
    assert (hours[-2].calls, hours[0].calls) == (1, 0)
    assert last_hours(store).calls == 9


@pytest.mark.parametrize(
    ("faults", "worst"),
    [
        ({"rate_limited": 90, "token_revoked": 1}, "token_revoked"),
        ({"rate_limited": 90, "clock_skew": 1}, "clock_skew"),
        ({"rate_limited": 3, "platform_down": 4}, "platform_down"),
    ],
)
def test_the_worst_fault_is_the_sellers_then_ours_then_the_most_frequent(store, faults, worst):
    count_calls(store, at(12), good=5, **faults)
    assert last_hours(store).hours[-1].fault == worst


def test_calls_of_another_authorization_are_not_counted(world, store):
    other = linked(world.lotus, now=NOW)
    count_calls(other, at(12), good=5)
    assert last_hours(store).calls == 0


@pytest.mark.parametrize("zone", ["UTC", "Asia/Shanghai", "America/New_York", "Asia/Kolkata"])
def test_the_days_are_the_readers_and_hold_each_hour_once(store, zone):
    for hours in range(24 * 9):
        count_calls(store, at(12) - HOUR * hours, good=1)
    days = last_days(store, zone)
    assert [day.day for day in days] == [
        NOW.astimezone(ZoneInfo(zone)).date() - timedelta(days=n) for n in range(6, -1, -1)
    ]
    hours = [hour.at for day in days for hour in day.strip.hours]
    assert hours == sorted(set(hours))
    assert hours[-1] == at(12)
    assert {len(day.strip.hours) for day in days[:-1]} == {24}
    for day in days:
        assert {hour.at.astimezone(ZoneInfo(zone)).date() for hour in day.strip.hours} == {day.day}


def test_a_call_before_midnight_belongs_to_the_day_before(store):
    count_calls(store, at(15, 20), good=3)  # 23:00 in Shanghai
    count_calls(store, at(16, 20), good=5)  # midnight
    by_day = {day.day.day: day.strip.calls for day in last_days(store, "Asia/Shanghai")}
    assert (by_day[20], by_day[21]) == (3, 5)


def test_the_day_on_which_clocks_change_has_its_25_hours(store):
    after = datetime(2026, 11, 3, 12, 0, tzinfo=UTC)  # New York turned back on the 1st
    days = last_days(store, "America/New_York", after)
    assert {day.day.day: len(day.strip.hours) for day in days}[1] == 25


def strip(*hours: tuple[int, int, str]) -> Strip:
    return Strip(hours=tuple(
        Hour(at=at(n), calls=calls, good=good, fault=fault)
        for n, (calls, good, fault) in enumerate(hours)
    ))  # fmt: skip


def heights(path: str) -> list[int]:
    return [int(height) for height in re.findall(r"v(\d+)", path)]


def test_bars_are_as_high_as_what_they_count():
    paths = hour_strip(strip((10, 5, "rate_limited"), (10, 10, ""), (0, 0, "")))["paths"]
    assert heights(paths["warn"]) == [HEIGHT // 2]
    assert heights(paths["good"]) == [HEIGHT // 2, HEIGHT]
    assert heights(paths["none"]) == [2]


@pytest.mark.parametrize(("good", "calls"), [(999, 1000), (1, 1000)])
def test_the_smallest_share_is_seen(good, calls):
    paths = hour_strip(strip((calls, good, "token_revoked")))["paths"]
    assert min(heights(paths["bad"]) + heights(paths["good"])) == 3


def test_a_strip_is_said_for_those_who_do_not_see_it():
    timezone.activate("Asia/Shanghai")
    said = strip_words(strip((10, 10, ""), (20, 12, "rate_limited"), (4, 3, "platform_down")))
    assert said.startswith("73 % of 34 calls succeeded. The worst hour: ")
    assert said.endswith("09:00, 20 calls, 60 % succeeded: slowed down by the platform")
    assert strip_words(strip((0, 0, ""))) == "No calls in this time."
    assert strip_words(None) == "No calls in this time."


@pytest.mark.parametrize(("zone", "shown"), [("Asia/Kolkata", "08:30"), ("UTC", "03:00")])
def test_an_hour_is_said_in_the_readers_time(zone, shown):
    timezone.activate(zone)
    assert hour_words(Hour(at=at(3), calls=1, good=1)).endswith(f"{shown}, 1 call, it succeeded")
