"""Random schedules of pulls against a marketplace that never holds still: bench/schedule.py says
what happens in them and what must hold, bench/drifting.py what the marketplace may do.

`SCHEDULES=20000` plays more of them; `python -m bench.schedules` plays many without pytest.
"""

from __future__ import annotations

import os
from collections import Counter

import pytest

from bench.schedule import Schedule, make_place

pytestmark = [pytest.mark.slow, pytest.mark.django_db]

SCHEDULES, BATCHES = int(os.environ.get("SCHEDULES", "80")), 4
COMMON = ("overtaken", "back-fills", "shown late", "turns that failed")
RARE = ("circles noticed", "death: in a transaction", "pages written together",
        "pages with nothing in them", "old versions once more")  # fmt: skip


@pytest.mark.parametrize("batch", range(BATCHES))
def test_every_order_is_here_once_and_as_it_is_there(batch):
    place, happened = make_place(), Counter()

    for seed in range(batch, SCHEDULES, BATCHES):
        happened.update(Schedule(seed, place).play())

    for trouble in (*COMMON, *(RARE if SCHEDULES // BATCHES >= 50 else ())):
        assert happened[trouble], f"no schedule had any: {trouble}"


def test_a_seed_tells_the_same_story_again():
    place = make_place()

    assert Schedule(7, place).play() == Schedule(7, place).play()
