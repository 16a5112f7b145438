"""What most tests of this app begin with: the emulator, and who looks."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.test import Client

from tenants.models import Duty, Store
from tenants.scope import tenant_scope
from tests.conftest import World, bind
from tests.support.wire import World as Market
from tests.support.wire import emulated


@pytest.fixture
def market(world: World) -> Iterator[Market]:
    """The emulator's marketplaces; everything happens in Lotus."""
    with emulated() as market, tenant_scope(world.lotus):
        yield market


@pytest.fixture
def anna(world: World) -> Client:
    """The browser of the owner, who reads no orders."""
    return world.client(world.anna)


@pytest.fixture
def operator(world: World, shop: Store) -> Client:
    """Bo operates the shop, Anna manages the company without that duty."""
    bind(world.member(world.bo), shop, Duty.OPERATOR)
    return world.client(world.bo)
