"""The overview, the stores and what is done to one of them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from platforms import tasks
from platforms.models import Authorization, Order, Stream
from tenants.models import Duty, Event, Store
from tenants.scope import tenant_scope
from tests.conftest import bind
from tests.support.linking import link_store
from tests.support.wire import emulated


@pytest.fixture
def market(world):
    with emulated() as market, tenant_scope(world.lotus):
        yield market


@pytest.fixture
def store(market, world):
    """A linked eBay store with its first orders."""
    linked = link_store(market, world.lotus, "ebay-lantern", name="lantern")
    tasks.pump_orders()
    return linked.stores[0]


def page(client, name, *args):
    return client.get(reverse(name, args=args)).content.decode()


def press(world, name, store, data=None):
    return world.client(world.anna).post(reverse(name, args=[store.public_id]), data or {})


def break_it(market, store):
    market.control("revoke", account="ebay-lantern")
    an_hour_ago = timezone.now() - timedelta(hours=1)
    Stream.objects.update(due_at=timezone.now(), watermark=an_hour_ago)
    tasks.pump_orders()
    return Store.objects.get(pk=store.pk)


def test_a_broken_store_says_why_and_what_to_do(market, world, store):
    broken = break_it(market, store)
    assert broken.state == "needs_relink"
    text = page(world.client(world.anna), "store", store.public_id)
    assert reverse("relink", args=[store.public_id]) in text
    assert "password" in text  # eBay's own reasons: 18 months, password changed, app removed
    assert "no longer authorized" in page(world.client(world.anna), "home")


def test_a_store_nobody_is_bound_to_is_pointed_out_to_managers_only(world, store):
    for other in Store.objects.exclude(pk=store.pk):
        bind(world.member(world.ada), other, Duty.OPERATOR)
    assert "lantern is linked, but nobody sees" in page(world.client(world.anna), "home")
    bind(world.member(world.cai), store, Duty.OPERATOR)
    assert "nobody sees" not in page(world.client(world.anna), "home")
    assert "nobody sees" not in page(world.client(world.bo), "home")


def test_a_member_sees_the_orders_of_bound_stores_only(world, store):
    bind(world.member(world.cai), store, Duty.OPERATOR)
    number = Order.objects.filter(store=store).order_by("-placed_at").first().number
    assert number in page(world.client(world.cai), "home")
    assert number not in page(world.client(world.anna), "home")


def test_pausing_stops_the_pull_and_resuming_goes_on_from_there(market, world, store):
    press(world, "store_pause", store)
    watermark = Stream.objects.get().watermark
    market.control("orders/add", account="ebay-lantern", n=3, ago_seconds=100)
    Stream.objects.update(due_at=timezone.now())
    before = Order.objects.count()
    tasks.pump_orders()
    assert (Order.objects.count(), Stream.objects.get().watermark) == (before, watermark)

    press(world, "store_resume", store)
    Stream.objects.update(watermark=timezone.now() - timedelta(hours=1))
    tasks.pump_orders()
    assert Order.objects.count() == before + 3
    assert Event.objects.filter(verb__in=["store.paused", "store.resumed"]).count() == 2


def test_unlinking_destroys_the_credential_and_keeps_the_orders(world, store):
    press(world, "store_unlink", store)
    row = Authorization.objects.get(pk=store.authorization_id)
    assert (row.state, bytes(row.sealed_credential), row.hint) == ("ended", b"", "")
    assert Store.objects.get(pk=store.pk).state == "unlinked"
    assert Order.objects.filter(store=store).exists()
    assert not Stream.objects.exclude(due_at=None).exists()


def test_an_unlinked_store_comes_back_with_its_history(market, world, store):
    orders = Order.objects.count()
    press(world, "store_unlink", store)
    missed = market.control("orders/add", account="ebay-lantern", n=2, ago_seconds=70)["numbers"]
    Stream.objects.update(watermark=timezone.now() - timedelta(hours=1))
    again = link_store(market, world.lotus, "ebay-lantern", name="lantern").stores[0]
    assert again.pk == store.pk
    tasks.pump_orders()
    assert Order.objects.filter(number__in=missed).count() == 2
    assert Order.objects.count() == orders + 2
    assert Authorization.objects.count() == 1


def test_what_was_ordered_while_one_site_of_several_was_paused_is_caught_up(market, world):
    sites = link_store(market, world.lotus, "amazon-aurora-eu").stores
    tasks.pump_orders()
    paused = next(site for site in sites if site.site == "DE")
    press(world, "store_pause", paused)
    market.control("orders/add", account="amazon-aurora-eu", n=12, ago_seconds=240)
    Stream.objects.update(due_at=timezone.now(), watermark=timezone.now() - timedelta(hours=1))
    tasks.pump_orders()
    landed = Order.objects.filter(store=paused).count()
    others = Order.objects.exclude(store=paused).count()

    Store.objects.filter(pk=paused.pk).update(paused_at=timezone.now() - timedelta(minutes=30))
    press(world, "store_resume", paused)
    tasks.pump_orders()

    assert Order.objects.filter(store=paused).count() > landed
    assert Order.objects.exclude(store=paused).count() == others


def test_a_back_fill_shows_its_progress_until_it_is_done(world, store):
    since = (timezone.now() - timedelta(days=30)).date()
    press(world, "store_back_fill", store, {"since": since.isoformat()})
    stream = Stream.objects.exclude(ends_at=None).get()
    running = page(world.client(world.anna), "back_fill", stream.public_id)
    assert "hx-get" in running
    tasks.pump_orders()
    assert "hx-get" not in page(world.client(world.anna), "back_fill", stream.public_id)
    assert Order.objects.count() == 64


@pytest.mark.parametrize("since", ["", "yesterday", "2999-01-01", "0001-01-01"])
def test_a_senseless_back_fill_is_explained_or_cut_to_what_the_platform_has(world, store, since):
    answer = press(world, "store_back_fill", store, {"since": since})
    assert answer.status_code == 302
    made = Stream.objects.exclude(ends_at=None)
    assert made.count() == (1 if since == "0001-01-01" else 0)


def test_the_health_page_costs_the_same_for_many_stores(
    world, store, django_assert_max_num_queries
):
    from tests.support.factories import make_authorization, make_store

    for _ in range(30):
        made = make_store(world.lotus)
        made.authorization = make_authorization(world.lotus)
        made.save()
    client = world.client(world.anna)
    with django_assert_max_num_queries(26):
        assert client.get(reverse("health")).status_code == 200


def test_the_time_zone_of_a_store_must_exist(world, store):
    client = world.client(world.anna)
    answer = client.post(reverse("store", args=[store.public_id]), {"time_zone": "Moon/Base"})
    assert "There is no time zone Moon/Base" in answer.content.decode()
    client.post(reverse("store", args=[store.public_id]), {"time_zone": "Asia/Tokyo"})
    assert Store.objects.get(pk=store.pk).time_zone == "Asia/Tokyo"


@pytest.mark.parametrize("name", ["stores", "checks", "notice_settings", "health"])
def test_a_search_for_what_no_database_takes_is_answered(world, name):
    answer = world.client(world.anna).get(reverse(name), {"q": "te\0a"})
    assert (answer.status_code, b"Tea House" in answer.content) == (200, True)
