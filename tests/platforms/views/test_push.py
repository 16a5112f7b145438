"""Pushes come in by the address that was registered, and only genuine ones do anything."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from django.utils import timezone

from platforms import registry, tasks
from platforms.flows.register_pushes import claim_due
from platforms.flows.work_deliveries import replay
from platforms.models import (
    Authorization,
    Delivery,
    DeliveryState,
    Order,
    OrderRaw,
    PushState,
    Stream,
)
from platforms.push_addresses import address_of
from tenants.models import Event, Store, StoreState
from tenants.scope import all_tenants, tenant_scope
from tests.support.linking import link_store
from tests.support.wire import emulated

SHOP = "shopify-marble"
pytestmark = pytest.mark.django_db


@pytest.fixture
def market(world):
    with emulated() as market:
        yield market


@pytest.fixture
def linked(world, market):
    """A shop linked, pulled and registered for pushes, as the worker does it."""
    from platforms.emulator.accounts import of_platform

    account = of_platform("shopify")[0].key
    with tenant_scope(world.lotus):
        link_store(market, world.lotus, account, mode="client_credentials")
    tasks.pump_orders()
    tasks.pump_deliveries()
    market.account = account
    with all_tenants("the test looks"):
        return Authorization.objects.get(platform="shopify")


def deliver(market, client, *, change=lambda push: push) -> list[int]:
    """Carry what the emulator sent to the product's own door."""
    outbox = market.emulator.state.outbox
    statuses = []
    while outbox:
        push = outbox.popleft()
        answer = client.generic(
            push.method,
            urlsplit(push.url).path,
            change(push.body),
            content_type=push.headers.get("Content-Type", "application/json"),
            headers=push.headers,
        )
        statuses.append(answer.status_code)
    return statuses


def stream() -> Stream:
    with all_tenants("the test looks"):
        return Stream.objects.get(authorization__platform="shopify")


def test_linking_registers_our_address(linked):
    assert linked.pushes == PushState.ON
    assert linked.webhooks


def test_two_workers_do_not_register_the_same_authorization(linked):
    with all_tenants("the test plays two workers"):
        Authorization.objects.update(pushes=PushState.DUE, pushes_at=None)
        now = timezone.now()
        assert [row.pk for row in claim_due(now)] == [linked.pk]
        assert claim_due(now + timedelta(minutes=1)) == []
        assert [row.pk for row in claim_due(now + timedelta(minutes=20))] == [linked.pk]


def test_news_of_orders_make_the_stream_due_and_the_order_arrives(market, linked, client):
    number = market.control("orders/add", account=market.account, n=1, ago_seconds=120)["numbers"]
    hour = timedelta(hours=1)
    with all_tenants("the test looks"):
        Stream.objects.update(due_at=timezone.now() + hour)

    assert set(deliver(market, client)) == {200}
    tasks.pump_deliveries()

    lag = registry.get("shopify").lag
    assert stream().due_at <= timezone.now() + lag
    with all_tenants("time passes"):
        Stream.objects.update(due_at=timezone.now(), watermark=timezone.now() - hour)
    tasks.pump_orders()
    with all_tenants("the test looks"):
        assert Order.objects.filter(number=number[0]).exists()


def test_the_same_news_again_are_acknowledged_and_change_nothing(market, linked, client):
    market.control("orders/add", account=market.account, n=1)
    twice = list(market.emulator.state.outbox) * 2
    market.emulator.state.outbox.clear()
    market.emulator.state.outbox.extend(twice)

    assert set(deliver(market, client)) == {200}

    assert Delivery.objects.count() == len(twice) // 2


def test_a_body_that_was_changed_on_its_way_is_refused_and_not_kept(market, linked, client):
    market.control("orders/add", account=market.account, n=1)

    statuses = deliver(market, client, change=lambda body: body + b" ")

    assert set(statuses) == {401}
    kept = Delivery.objects.get()
    assert (kept.state, kept.body) == (DeliveryState.REFUSED, None)
    assert tasks.pump_deliveries() == 0


def test_an_address_that_nobody_was_told_does_not_exist(linked, client):
    told = urlsplit(address_of(linked)).path
    for wrong in (told[:-3] + "AA/", told.replace("shopify", "ebay"), told.replace("push", "pusb")):
        assert client.post(wrong, b"{}", content_type="application/json").status_code == 404
    assert Delivery.objects.count() == 0


def test_removed_access_breaks_the_store_at_once_and_an_old_message_does_not(
    world, market, linked, client
):
    market.emulator.state.platforms["shopify"].access_ended(market.account)
    old = list(market.emulator.state.outbox)
    deliver(market, client)
    tasks.pump_deliveries()
    with all_tenants("the test looks"):
        assert Store.objects.get(platform="shopify").state == StoreState.NEEDS_RELINK

    with tenant_scope(world.lotus):
        from platforms.flows import link
        from platforms.flows.confirm_link import confirm
        from tests.support.linking import attempt_for, keys_of  # linked again after that

        attempt = attempt_for(
            world.lotus, market.account, mode="client_credentials",
            relinks=Authorization.objects.get(platform="shopify"),
        )  # fmt: skip
        link.submit_keys(
            attempt=attempt, values=keys_of(market.account, "client_credentials"), ip=None,
            now=timezone.now(),
        )  # fmt: skip
        confirm(attempt=attempt, user=None, now=timezone.now())
    Delivery.objects.all().delete()
    market.emulator.state.outbox.extend(old)
    deliver(market, client)
    tasks.pump_deliveries()
    with all_tenants("the test looks"):
        assert Store.objects.get(platform="shopify").state == StoreState.ACTIVE


def test_a_buyer_who_must_be_forgotten_is_gone_from_columns_and_payloads(market, linked, client):
    assert market.control("push", account=market.account, topic="shop/redact")

    assert set(deliver(market, client)) == {200}
    tasks.pump_deliveries()

    with all_tenants("the test looks"):
        assert not Order.objects.exclude(buyer_name=None, ship_line1=None).exists()
        assert not OrderRaw.objects.exists()
        assert Order.objects.exists()
        assert Event.objects.filter(verb="buyer.erased").exists()


def test_a_push_can_be_worked_on_again(market, linked, client):
    market.control("orders/add", account=market.account, n=1)
    deliver(market, client)
    tasks.pump_deliveries()
    one = Delivery.objects.filter(state=DeliveryState.DONE).first()

    replay(delivery=one, now=timezone.now())
    tasks.pump_deliveries()

    one.refresh_from_db()
    assert one.state == DeliveryState.IGNORED  # the stream is due already
    assert one.tries == 2


def test_a_page_that_is_too_large_is_not_read(linked, client):
    path = urlsplit(address_of(linked)).path
    big = b"x" * (1024 * 1024 + 1)
    assert client.post(path, big, content_type="application/json").status_code == 413
