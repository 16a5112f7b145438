"""Watching with real processes: killed before each of its statements, and many at once."""

from __future__ import annotations

import json
import multiprocessing

import pytest
from django.db import connection

from platforms.models import Notice, Sending, TimelineEntry, Trouble
from tenants.models import Event
from tenants.scope import all_tenants
from tests.support import processes
from tests.support.watchers import watch_and_die, watch_in_rounds
from tests.support.watching import fail, linked, minutes, work_again

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

RACERS = 6
STORES = 2
STEP = 3  # statements from one kill to the next: every kind of them, in one store or another


@pytest.fixture
def shops(world):
    return [linked(world.lotus) for _ in range(STORES)]


def happened() -> dict[str, object]:
    """Everything that watching writes, but for ids."""
    with all_tenants("looking"):
        return {
            "troubles": sorted(Trouble.objects.values_list("store", "fault", "began_at")),
            "open": Trouble.objects.filter(ended_at=None).count(),
            "notices": sorted(Notice.objects.values_list("store", "occasion")),
            "lines": sorted(TimelineEntry.objects.values_list("store", "moment", "count")),
            "events": sorted(Event.objects.values_list("verb", "target_id")),
            "to_break": Sending.objects.filter(notice__occasion="broke").count(),
        }


def forget() -> None:
    with all_tenants("from scratch"):
        for model in (Sending, Notice, TimelineEntry, Trouble, Event):
            model.objects.all().delete()


def test_a_watcher_killed_before_any_statement_leaves_nothing_half_told(shops):
    parent, child = multiprocessing.get_context("spawn").Pipe()
    worker = processes.spawn(watch_and_die, processes.database_url(), child)

    def watch(at: float, die_before: int) -> dict[str, object]:
        parent.send((at, die_before))
        assert parent.poll(processes.PATIENCE_S)
        answer: dict[str, object] = json.loads(parent.recv())
        return answer

    def break_all() -> None:
        forget()
        for shop in shops:
            work_again(shop, at=minutes(-5))
            fail(shop, "ip_not_whitelisted")

    def heal_all() -> None:
        for shop in shops:
            work_again(shop, at=minutes(30))

    break_all()
    to_break = watch(1, 0)["statements"]
    broken = happened()
    assert (broken["open"], len(broken["notices"])) == (STORES, STORES)
    heal_all()
    to_heal = watch(31, 0)["statements"]
    healed = happened()
    assert (healed["open"], len(healed["notices"])) == (0, 2 * STORES)
    assert 30 < to_break < 255
    assert 30 < to_heal < 255

    for point in range(1, to_break + 1, STEP):
        break_all()
        assert watch(1, point)["killed"], point
        assert not watch(1, 0)["killed"]
        assert happened() == broken, f"killed before statement {point}"
    for point in range(1, to_heal + 1, STEP):
        break_all()
        watch(1, 0)
        heal_all()
        assert watch(31, point)["killed"], point
        assert not watch(31, 0)["killed"]
        assert happened() == healed, f"killed before statement {point}"
    parent.send(None)
    worker.join(10)


@pytest.mark.postgresql
def test_six_watchers_at_the_same_moment_tell_each_thing_once(shops):
    assert connection.vendor == "postgresql"
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(RACERS + 1)
    rounds = 12
    racers = [
        processes.spawn(watch_in_rounds, processes.database_url(), rounds, barrier)
        for _ in range(RACERS)
    ]
    for number in range(rounds):
        for shop in shops:
            if number % 2 == 0:
                fail(shop, "ip_not_whitelisted", since=minutes(60 * number))
            else:
                work_again(shop, at=minutes(60 * number))
        barrier.wait(processes.PATIENCE_S)
        barrier.wait(processes.PATIENCE_S)
        occasions = [occasion for _, occasion in happened()["notices"]]
        assert occasions.count("broke") == STORES * (number // 2 + 1)
        assert occasions.count("healed") == STORES * ((number + 1) // 2)
    for racer in racers:
        racer.join(30)
    assert [racer.exitcode for racer in racers] == [0] * RACERS
    assert len(happened()["troubles"]) == STORES * rounds // 2
