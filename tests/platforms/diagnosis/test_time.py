"""A diagnosis ends in time, whoever does not answer."""

from __future__ import annotations

import threading
import time

import pytest
from django.utils import timezone

from platforms import transport
from platforms.diagnosis.probes import use_probes
from platforms.diagnosis.run import OF_STORE, run_checks
from platforms.diagnosis.spec import Budget
from platforms.diagnosis.verdict import judge
from platforms.flows import diagnose as flow
from platforms.models import Authorization
from tenants.models import Store
from tenants.scope import tenant_scope
from tests.platforms.diagnosis.network import Net
from tests.support.linking import link_store
from tests.support.wire import emulated

pytestmark = pytest.mark.django_db(transaction=True)


class Silent:
    """Answers nothing until it is let go."""

    def __init__(self) -> None:
        self.goes_on = threading.Event()
        self.asked = 0

    def send(self, *_request: object) -> object:
        self.asked += 1
        self.goes_on.wait(20)
        raise AssertionError("nobody waits for this any more")

    def look(self, _url: str, *, method: str = "HEAD") -> object:
        self.goes_on.wait(20)
        raise AssertionError(f"nobody waits for this {method} any more")


@pytest.fixture
def silent():
    silent = Silent()
    yield silent
    silent.goes_on.set()
    wait_for_threads()


def case_of(world, market):
    with tenant_scope(world.lotus):
        store = link_store(market, world.lotus, "ozon-zarya").stores[0]
        store = Store.objects.select_related("tenant", "authorization").get(pk=store.pk)
        grant = Authorization.objects.select_related("app").get(pk=store.authorization_id)
        return flow._case_of_store(store, grant, now=timezone.now())


def checked(world, case, budget_s: float):
    started = time.monotonic()
    with tenant_scope(world.lotus):
        outcomes = run_checks(case, OF_STORE, budget=Budget(budget_s))
    return {each.name: each for each in outcomes}, time.monotonic() - started


def test_a_platform_that_says_nothing_costs_no_more_than_the_time_there_is(world, silent):
    with emulated() as market, use_probes(Net(market)):
        case = case_of(world, market)
        with transport.use_wire(silent):
            found, took_s = checked(world, case, 3.0)
            silent.goes_on.set()
            wait_for_threads()
    assert took_s < 10
    assert silent.asked == 1
    assert found["credentials"].code == "no_time"
    assert judge(found.values()).verdict == "platform_down"
    assert found["outage"].result == "pass"


def test_a_name_server_that_says_nothing_is_the_cause(world, silent):
    with emulated() as market:
        case = case_of(world, market)
        with use_probes(silent):
            found, took_s = checked(world, case, 3.0)
    assert took_s < 10
    assert (found["dns"].result, found["dns"].code) == ("fail", "timeout")
    assert judge(found.values()).verdict == "network_unreachable"


def test_in_a_thread_of_its_own_the_call_sees_the_tenants_rows(world):
    with emulated() as market, use_probes(Net(market)):
        found, _took = checked(world, case_of(world, market), 20.0)
    assert {found[name].result for name in ("credentials", "right_shop", "orders")} == {"pass"}


def wait_for_threads() -> None:
    for thread in threading.enumerate():
        if thread.name.startswith("diagnosis"):
            thread.join(10)
