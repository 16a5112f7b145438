"""A year in a minute: grants of all platforms through outages, crashes and refusals by mistake.

bench/year.py runs the same with thousands of grants.
"""

from __future__ import annotations

from collections import Counter

import pytest

from bench.market import CAST, Rates
from bench.simulation import AFTER_OUTAGE, BY_MISTAKE, OURS, SELLERS, UNSURVIVABLE, Simulation
from bench.weather import DAY
from platforms.flows.refresh import LONGEST_WITHOUT_TOKEN, SECOND_LOOKS

pytestmark = [pytest.mark.slow, pytest.mark.django_db]

GRANTS, DAYS = 18, 31


@pytest.fixture(autouse=True)
def _a_disk_of_our_own(settings, tmp_path):
    settings.ANSWERS_DIR = tmp_path / "answers"


def simulate(**more):
    given = {"grants": GRANTS, "days": DAYS, "seed": 3, "access_hours": 72, "pump_s": 300}
    return Simulation(**{**given, **more})


def test_tokens_stay_usable_and_no_grant_dies_by_our_fault():
    simulation = simulate(rates=Rates(crash=0.1, early=0.0, lost=0.0))
    books = simulation.run()

    assert books.destroyed() == 0
    # In weeks with ten times as many outages as a year has, as in a year: nothing is lost but the
    # wait for the next try after an outage, and for the second look after a mistake.
    turn_s = simulation.pump_s * 2
    lost: Counter[str] = Counter()
    for (code, why), seconds in books.bad_s.items():
        if why == AFTER_OUTAGE:
            outages = len(simulation.outages[code].all)
            seconds /= outages * books.grants[code]
        if why == BY_MISTAKE:
            seconds /= books.happened[code, BY_MISTAKE]
        lost[why] = max(lost[why], int(seconds))
    assert {why for why in lost if why not in SELLERS} <= {AFTER_OUTAGE, BY_MISTAKE, "late"}
    # A worker that dies at the last moment: its lease, and the pump's next turns.
    assert lost["late"] <= 2 * turn_s
    assert lost[AFTER_OUTAGE] <= LONGEST_WITHOUT_TOKEN.total_seconds() * 1.25 + turn_s
    assert lost[BY_MISTAKE] <= SECOND_LOOKS[0].total_seconds() + turn_s
    assert books.share() >= 0.9995
    # It was a rough time, and the product lived through all of it.
    assert set(books.grants) == set(CAST)
    assert min(books.refreshed[code] for code in CAST) >= 2 * GRANTS / len(CAST)
    crashes = sum(
        n for (code, what), n in books.happened.items()
        if what == "crashes between answer and commit" and simulation.market.single_use[code]
    )  # fmt: skip
    assert crashes >= 3
    assert books.happened.total() > 100
    assert max(each.until - each.since for each in every_outage(simulation)) == 3 * DAY


def test_what_nobody_can_survive_is_asked_for_once_and_is_not_called_ours():
    simulation = simulate(
        grants=12, days=12, rates=Rates(crash=0.2, early=0.5, lost=0.05), codes=("shopee", "ebay")
    )
    books = simulation.run()

    lost = sum(books.relinks["shopee", why] for why in UNSURVIVABLE)
    assert lost >= 3
    assert books.relinks["shopee", OURS] == 0
    # A token that may be sent again survives the same.
    assert sum(books.happened["ebay", why] for why in UNSURVIVABLE) >= 3
    assert {why for code, why in books.relinks if code == "ebay"} <= {
        BY_MISTAKE, "healed before the seller came", "the seller took it back",
    }  # fmt: skip


def test_the_books_tell_when_the_product_fails(settings, monkeypatch):
    """With answers not kept, a crash ends a single-use grant; the books must call that ours."""
    monkeypatch.setattr("platforms.answers._write", no_space_left)
    books = simulate(
        grants=6, days=12, rates=Rates(crash=0.2, early=0.0, lost=0.0), codes=("shopee",)
    ).run()
    assert books.destroyed() >= 1


def no_space_left(*_args):
    raise OSError(28, "No space left on device")


def every_outage(simulation):
    return [each for outages in simulation.outages.values() for each in outages.all]
