"""Two pumps at the same moment ask for one count of a store."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from platforms.flows import count_nightly
from platforms.models import DataCheck
from tenants.scope import all_tenants, tenant_scope
from tests.support.factories import make_authorization, make_store, make_stream
from tests.support.together import together

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

LATE = datetime(2026, 11, 21, 23, 0, tzinfo=UTC)


def plenty(tenant, count):
    for _ in range(count):
        authorization = make_authorization(tenant)
        ago = LATE - timedelta(days=40)
        store = make_store(
            tenant, authorization=authorization, linked_at=ago, time_zone="UTC"
        )  # fmt: skip
        make_stream(
            authorization, store, starts_at=ago, watermark=LATE, last_success_at=LATE
        )  # fmt: skip


def test_two_pumps_ask_once(world):
    plenty(world.lotus, 6)
    plenty(world.maple, 6)
    together(lambda: count_nightly.ask_tonight(now=LATE), times=4)
    with all_tenants("looking"):
        stores = list(DataCheck.objects.values_list("store_id", flat=True))
    assert len(stores) == len(set(stores)) == 12


@pytest.mark.postgresql
def test_a_pump_that_comes_late_finds_what_another_has_finished(world):
    """It chose the stores before the other one asked, and waits for its turn meanwhile."""
    plenty(world.lotus, 6)

    def ask_and_finish():
        count_nightly.ask_tonight(now=LATE)
        with tenant_scope(world.lotus):
            DataCheck.objects.update(state="done", finished_at=LATE)

    together(ask_and_finish, times=6)
    with all_tenants("looking"):
        assert DataCheck.objects.count() == 6
