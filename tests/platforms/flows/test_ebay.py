"""eBay from consent to pushes, against its emulator."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from django.utils import timezone

from platforms import registry
from platforms.emulator.accounts import ACCOUNTS
from platforms.flows.refresh import open_channel
from platforms.models import Authorization
from platforms.news import News, Push
from tenants.scope import tenant_scope
from tests.support.linking import link_store
from tests.support.wire import emulated

pytestmark = pytest.mark.django_db

ADDRESS = "http://127.0.0.1:8000/webhooks/ebay/"
SHOP = "ebay-lantern"
hooks = registry.get("ebay").webhooks


@pytest.fixture
def market(world):
    with emulated(orders={SHOP: 3}) as market, tenant_scope(world.lotus):
        yield market


@pytest.fixture
def authorization(market, world):
    linked = link_store(market, world.lotus, SHOP).authorization
    return Authorization.objects.select_related("app", "tenant").get(pk=linked.pk)


@pytest.fixture
def call(market, authorization):
    with open_channel(authorization, now=timezone.now()) as channel:
        yield channel


def pushes(market):
    """What waits in the emulator, as our address would receive it."""
    waiting = list(market.emulator.state.outbox)
    market.emulator.state.outbox.clear()
    return [
        Push(
            method=each.method,
            address=ADDRESS,
            query={k: v[0] for k, v in parse_qs(urlsplit(each.url).query).items()},
            headers={name.lower(): value for name, value in each.headers.items()},
            body=each.body,
        )
        for each in waiting
    ]


def register(call):
    return hooks.register(call, address=ADDRESS, now=timezone.now())


def test_every_topic_is_subscribed_to_once_and_the_address_proves_itself(market, call):
    ids = register(call)
    asked = pushes(market)[0]

    assert set(ids) == set(hooks.topics)
    assert register(call) == ids
    assert json.loads(hooks.challenge(asked, call.account.app).body)["challengeResponse"]


def test_orders_revocations_and_deletions_arrive_and_are_genuine(market, call):
    register(call)
    pushes(market)
    market.control("orders/add", account=SHOP, n=1, stage="new")
    ordered = pushes(market)
    market.control("push", account=SHOP, topic="MARKETPLACE_ACCOUNT_DELETION")
    (deleted,) = pushes(market)
    market.control("revoke", account=SHOP)
    (revoked,) = pushes(market)

    for push in [*ordered, deleted, revoked]:
        assert hooks.is_genuine(push, call.account, call)
        assert not hooks.is_genuine(replace(push, body=push.body + b"x"), call.account, call)
    assert {notice.news for push in ordered for notice in hooks.read(push)} == {News.ORDERS}
    (erase,), (end,) = hooks.read(deleted), hooks.read(revoked)
    assert (erase.news, len(erase.buyers)) == (News.ERASE_BUYER, 3)
    assert (end.account_id, end.reason) == (ACCOUNTS[SHOP].account_id, "REVOKED_BY_USER")


def test_the_key_is_asked_for_once_an_hour(market, call):
    register(call)
    pushes(market)
    market.control("orders/add", account=SHOP, n=3, stage="new")
    waiting = pushes(market)
    before = len(market.wire.calls)

    assert all(hooks.is_genuine(push, call.account, call) for push in waiting)
    assert len(market.wire.calls) - before == 2  # a token of the application, and the key


def test_an_unlinked_store_ends_its_own_subscriptions_only(market, call):
    ids = register(call)
    hooks.unregister(call, ids)
    pushes(market)
    market.control("orders/add", account=SHOP, n=1, stage="new")

    assert pushes(market) == []
    market.control("push", account=SHOP, topic="AUTHORIZATION_REVOCATION")
    assert len(pushes(market)) == 1


def test_a_store_is_linked_for_eighteen_months(authorization):
    assert authorization.account_id == ACCOUNTS[SHOP].account_id
    left = authorization.consent_expires_at - timezone.now()
    assert timedelta(days=546) < left < timedelta(days=548)
