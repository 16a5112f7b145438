"""What healing does not put right: tried again night by night, and told in the second one."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.utils import timezone

from platforms import tasks
from platforms.flows import count_nightly
from platforms.models import DataCheck, DayCount, Notice, Occasion, Order, Stream
from tenants.scope import all_tenants
from tests.platforms.completeness.conftest import count_tonight, lose, yesterday
from tests.platforms.completeness.test_nightly import LATE, plenty

DAY = timedelta(days=1)


def count_in_vain() -> DataCheck:
    """A night in which what is missing cannot be pulled, however long the count waits for it."""
    assert tasks.pump_counts() == 1
    check = DataCheck.objects.latest("pk")
    tasks.pump_checks(patience_s=0)
    DataCheck.objects.filter(pk=check.pk).update(
        started_at=timezone.now() - timedelta(hours=7), leased_until=timezone.now()
    )
    tasks.pump_checks(patience_s=0)
    check.refresh_from_db()
    assert (check.report["verdict"], check.report["healing"]) == ("incomplete", "unfinished")
    Stream.objects.exclude(ends_at=None).delete()
    return check


def a_night_passes(check: DataCheck) -> None:
    DataCheck.objects.filter(pk=check.pk).update(created_at=timezone.now() - DAY)


def test_what_stays_is_told_in_the_second_night_and_so_is_its_end(shop):
    gone = lose(shop, 2)
    a_night_passes(count_in_vain())
    assert not Notice.objects.exists()

    second = count_in_vain()

    notice = Notice.objects.get()
    assert (notice.occasion, notice.store) == (Occasion.BROKE, shop)
    assert notice.data["open"] == 2
    assert notice.data["dates"] == [yesterday(shop).day.isoformat()]

    a_night_passes(second)
    assert count_tonight().report["verdict"] == "healed"
    assert Notice.objects.latest("pk").occasion == Occasion.HEALED
    assert Order.objects.filter(number__in=gone).count() == 2
    tasks.pump_checks(patience_s=0)
    assert Notice.objects.count() == 2


def test_a_night_that_heals_tells_nobody(shop):
    for _night in range(2):
        lose(shop, 2)
        a_night_passes(count_tonight())
    assert not Notice.objects.exists()


# --- tried again


@pytest.fixture
def store(world):
    """Not one whose fortnight is counted tonight."""
    stores = plenty(world.lotus, 2, time_zone="UTC")
    night = LATE.date().toordinal()
    return next(each for each in stores if (night + each.pk) % 7)


def make_day(store, days_ago, **fields):
    with all_tenants("a day was counted"):
        DayCount.objects.create(
            tenant_id=store.tenant_id, store=store, day=LATE.date() - days_ago * DAY,
            counted_at=LATE - DAY, **fields,
        )  # fmt: skip


def asked_days(store, *, now=LATE) -> int:
    """How many days tonight's count of the store goes back."""
    assert count_nightly.ask_tonight(now=now) > 0
    with all_tenants("looking"):
        asked = DataCheck.objects.filter(store=store).latest("pk").asked
    return (LATE.date() - date.fromisoformat(asked["since"][:10])).days


def test_a_day_that_stays_different_is_counted_every_night(store):
    make_day(store, 9, missing=3, healed=1)
    assert asked_days(store) == 9


@pytest.mark.parametrize(
    ("days_ago", "fields"),
    [
        (9, {"missing": 3, "healed": 3}),
        (9, {"extra": 2}),
        (9, {"unreadable": 1}),
        (15, {"missing": 3}),
        (1, {"missing": 3}),
    ],
)
def test_others_are_not(store, days_ago, fields):
    make_day(store, days_ago, **fields)
    assert asked_days(store) == count_nightly.DAYS


def test_the_days_of_another_store_do_not_matter(world, store):
    make_day(world.tea, 9, missing=3)
    assert asked_days(store) == count_nightly.DAYS


def test_what_many_days_were_too_much_for_is_tried_with_few(store):
    """A fortnight may be more than one count compares."""
    make_day(store, 9, missing=3)
    early = LATE - timedelta(hours=5)
    assert asked_days(store, now=early) == 9
    with all_tenants("it fails"):
        DataCheck.objects.update(state="failed", finished_at=early)
    assert asked_days(store) == count_nightly.DAYS
