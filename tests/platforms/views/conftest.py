"""The wizard as a person meets it: their browser, and the marketplaces of the emulator."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from platforms.models import LinkAttempt
from tenants.models import Tenant
from tenants.scope import all_tenants, tenant_scope
from tests.conftest import World
from tests.support.linking import find_or_make_app
from tests.support.wire import World as Market
from tests.support.wire import emulated


@pytest.fixture
def market(db) -> Iterator[Market]:
    with emulated() as market:
        yield market


@pytest.fixture
def lotus(world: World) -> Iterator[Tenant]:
    with tenant_scope(world.lotus):
        yield world.lotus


@dataclass
class Seller:
    """Somebody's browser, walking through the wizard."""

    market: Market
    world: World
    client: Client

    def begin(self, platform: str, mode: str, **typed: str) -> LinkAttempt:
        """Name the store; the attempt that comes of it."""
        data = {"account_name": "lantern", **typed}
        answer = self.client.post(reverse("link_name", args=[platform, mode]), data)
        assert answer.status_code == 302, answer.content.decode()
        with all_tenants("looking from outside"):
            return LinkAttempt.objects.get(public_id=answer.url.split("/")[3])

    def begin_ebay(self, **typed: str) -> LinkAttempt:
        find_or_make_app("ebay")
        return self.begin("ebay", "authorization_code", **typed)

    def page(self, attempt: LinkAttempt, name: str = "link_attempt") -> Any:
        return self.client.get(reverse(name, args=[attempt.public_id]))

    def post(self, attempt: LinkAttempt, name: str, **data: Any) -> Any:
        return self.client.post(reverse(name, args=[attempt.public_id]), data)

    def agree(self, attempt: LinkAttempt, account: str, decision: str = "agree") -> str:
        """Go to the marketplace and decide there; the address one is sent back to."""
        url = self.page(attempt, "link_go").url
        return self.market.consent(url, account=account, decision=decision)

    def come_back(self, attempt: LinkAttempt, account: str = "ebay-lantern") -> Any:
        return self.client.get(self.agree(attempt, account))

    def link_ebay(self, account: str = "ebay-lantern", **typed: str) -> LinkAttempt:
        """The whole way."""
        attempt = self.begin_ebay(**typed)
        self.come_back(attempt, account)
        self.post(attempt, "link_confirm", bind_self="on")
        return fresh(attempt)


def fresh(attempt: LinkAttempt) -> LinkAttempt:
    """The row as it is now."""
    with tenant_scope(attempt.tenant_id):
        return LinkAttempt.objects.select_related("tenant", "authorization").get(pk=attempt.pk)


def text(answer: Any) -> str:
    """What can be read on a page, blanks folded."""
    return re.sub(r"\s+", " ", answer.content.decode())


@pytest.fixture
def anna(market: Market, world: World) -> Seller:
    """The owner of Lotus, at her usual browser. Her tests use shops that nobody has linked."""
    return Seller(market=market, world=world, client=world.client(world.anna))
