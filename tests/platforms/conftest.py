"""What most tests of this app begin with: the emulator, and who looks."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, timedelta

import pytest
from django.test import Client
from django.utils import timezone

from platforms.adapters import amazon, ozon
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
def no_look_further_back(monkeypatch):
    """At some hours Amazon and Ozon are asked for older orders too, of which some would come."""
    now = timezone.now()
    hour = now.astimezone(UTC).hour
    monkeypatch.setattr(amazon, "SWEEP_AT", timedelta(hours=(hour + 12) % 24))
    monkeypatch.setattr(ozon, "_EPOCH", now - ozon.DEEP_EVERY / 2)


@pytest.fixture
def anna(world: World) -> Client:
    """The browser of the owner, who reads no orders."""
    return world.client(world.anna)


@pytest.fixture
def operator(world: World, shop: Store) -> Client:
    """Bo operates the shop, Anna manages the company without that duty."""
    bind(world.member(world.bo), shop, Duty.OPERATOR)
    return world.client(world.bo)
