from __future__ import annotations

from datetime import timedelta

import pytest

from platforms import ratelimit
from tenants.scope import tenant_scope
from tests.platforms.behaviour.seller import WAYS, Seller
from tests.support.wire import emulated


@pytest.fixture(params=WAYS, ids=str)
def way(request):
    """A marketplace and a mode of linking it."""
    return request.param


@pytest.fixture
def open_shop(world, way):
    """Makes the seller of a fresh emulator; `orders`: how many they begin with."""
    opened = []

    def make(**options):
        if "orders" in options:
            options["orders"] = {way.account: options["orders"]}
        entered = emulated(**options)
        seller = Seller(world=entered.__enter__(), tenant=world.lotus, way=way)
        opened.append(entered)
        return seller

    with tenant_scope(world.lotus):
        yield make
    for entered in opened:
        entered.__exit__(None, None, None)


@pytest.fixture
def seller(open_shop):
    return open_shop()


@pytest.fixture(autouse=True)
def _our_own_limits_hold_nobody_up(monkeypatch):
    monkeypatch.setattr(ratelimit, "take", lambda *args, **more: timedelta(0))
