from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from django.utils import timezone

from platforms.diagnosis.probes import use_probes
from platforms.diagnosis.spec import Outcome
from platforms.flows.diagnose import diagnose_store
from platforms.models import Diagnosis
from tenants.models import Store
from tenants.scope import tenant_scope
from tests.conftest import World
from tests.platforms.diagnosis.network import Net
from tests.support.linking import link_store
from tests.support.wire import World as Market
from tests.support.wire import emulated

Link = Callable[..., Store]
Diagnose = Callable[[Store], Diagnosis]


@pytest.fixture
def market(world: World) -> Iterator[Market]:
    with emulated() as market:
        yield market


@pytest.fixture
def net(market: Market) -> Iterator[Net]:
    net = Net(market)
    with use_probes(net):
        yield net


@pytest.fixture
def link(world: World, market: Market) -> Link:
    """Links a shop of the emulator for Lotus; its first store."""

    def linked(account: str, *, mode: str = "") -> Store:
        with tenant_scope(world.lotus):
            return link_store(market, world.lotus, account, mode=mode).stores[0]

    return linked


@pytest.fixture
def diagnose(net: Net) -> Diagnose:
    def diagnosed(store: Store) -> Diagnosis:
        with tenant_scope(store.tenant_id):
            fresh = Store.objects.select_related("tenant", "authorization").get(pk=store.pk)
        return diagnose_store(store=fresh, user=None, now=timezone.now())

    return diagnosed


def check(diagnosis: Diagnosis, name: str) -> Outcome:
    return next(Outcome.of(each) for each in diagnosis.checks if each["name"] == name)


def results(diagnosis: Diagnosis) -> dict[str, str]:
    return {each["name"]: each["result"] for each in diagnosis.checks}
