"""One order by its number, asked of the emulator by what a seller's linked store may call."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.utils import timezone

from platforms.errors import Fault, PlatformError
from tests.platforms.adapters.one_order import HOSTILE, asked, calling, one_of_each, pulled
from tests.support.linking import link_store

ACCOUNTS = (
    "aliexpress-harbor", "aliexpress-meadow", "lazada-orchid", "lazada-banyan", "shopee-mango",
    "shopee-lychee", "tiktok_shop-lumen", "tiktok_shop-jasmin", "tiktok_shop-basil",
)  # fmt: skip
ONE_EACH = ("aliexpress-harbor", "lazada-orchid", "shopee-mango", "tiktok_shop-lumen")
TWO_SHOPS = ("lazada-orchid", "shopee-lychee", "tiktok_shop-jasmin")
NEVER_GIVEN = {
    "aliexpress": "3039999999999999", "lazada": "79999999999", "shopee": "201214JAJXU6G7",
    "tiktok_shop": "576461413038785752",
}  # fmt: skip
SCOPES = {
    "aliexpress": ["orders"], "lazada": ["Order"], "shopee": ["Order"],
    "tiktok_shop": ["seller.order.info"],
}  # fmt: skip


@pytest.fixture
def link(market, world):
    return lambda account: link_store(market, world.lotus, account, name="shop").stores


@pytest.mark.parametrize("account", ACCOUNTS)
def test_an_order_of_every_status_comes_as_a_pull_gives_it(link, account):
    for store in link(account):
        with calling(store) as (adapter, call):
            found = pulled(adapter, call)
            chosen = one_of_each(adapter, found)
            assert len(chosen) > 2
            for number in chosen.values():
                assert asked(adapter, call, number) == [found[number]]


@pytest.mark.parametrize("account", ONE_EACH)
def test_an_order_that_nobody_has_is_none(link, account):
    with calling(link(account)[0]) as (adapter, call):
        assert asked(adapter, call, NEVER_GIVEN[adapter.code]) is None
        assert call.calls == 1


@pytest.mark.parametrize("account", TWO_SHOPS)
def test_an_order_of_the_sellers_other_shop_is_none(link, account):
    here, there = link(account)[:2]
    with calling(there) as (adapter, call):
        numbers = list(pulled(adapter, call))
    with calling(here) as (adapter, call):
        assert all(asked(adapter, call, number) is None for number in numbers[:3])


def test_an_order_of_another_seller_is_none(market, world, link):
    with calling(link("aliexpress-meadow")[0]) as (adapter, call):
        theirs = next(iter(pulled(adapter, call)))
    other = link_store(market, world.lotus, "aliexpress-harbor", name="other").stores[0]
    with calling(other) as (adapter, call):
        assert asked(adapter, call, theirs) is None


@pytest.mark.parametrize("account", ONE_EACH)
def test_what_cannot_be_a_number_is_not_asked_for(market, link, account):
    with calling(link(account)[0]) as (adapter, call):
        before = len(market.wire.calls)
        assert all(asked(adapter, call, text) is None for text in HOSTILE)
        assert len(market.wire.calls) == before


@pytest.mark.parametrize("account", ONE_EACH)
@pytest.mark.parametrize(
    ("knob", "fault"),
    [
        ("down", Fault.PLATFORM_DOWN),
        ("drop_scopes", Fault.INSUFFICIENT_SCOPE),
        ("block_ip", Fault.IP_NOT_WHITELISTED),
    ],
)
def test_a_refusal_is_no_missing_order(market, link, account, knob, fault):
    with calling(link(account)[0]) as (adapter, call):
        number = next(iter(pulled(adapter, call)))
        value = SCOPES[adapter.code] if knob == "drop_scopes" else True
        market.control("knobs", where=account, set={knob: value})
        for each in (number, NEVER_GIVEN[adapter.code]):
            with pytest.raises(PlatformError) as refused:
                asked(adapter, call, each)
            assert refused.value.fault is fault


@pytest.mark.parametrize("account", ONE_EACH)
def test_the_signature_is_checked(link, account):
    with calling(link(account)[0]) as (adapter, call):
        app = replace(call.account.app, client_secret="0" * 32)
        call.account = replace(call.account, app=app)
        with pytest.raises(PlatformError) as refused:
            asked(adapter, call, NEVER_GIVEN[adapter.code])
        assert refused.value.fault is Fault.BAD_CREDENTIALS


@pytest.mark.parametrize("account", ONE_EACH)
def test_a_token_that_expired_is_renewed_on_the_way(market, link, account):
    with calling(link(account)[0]) as (adapter, call):
        found = pulled(adapter, call)
        number = next(iter(found))
        market.control("expire", account=account)
        assert asked(adapter, call, number) == [found[number]]


@pytest.mark.parametrize("account", ONE_EACH)
def test_an_order_changed_meanwhile_comes_in_its_new_state(market, link, account):
    with calling(link(account)[0]) as (adapter, call):
        found = pulled(adapter, call)
        market.control("orders/change", account=account, n=200, stage="cancelled")
        number = next(iter(found))
        assert asked(adapter, call, number) not in (None, [found[number]])


@pytest.mark.parametrize("account", ONE_EACH)
def test_the_same_order_asked_for_twice_is_the_same(link, account):
    with calling(link(account)[0]) as (adapter, call):
        number = next(iter(pulled(adapter, call)))
        first = adapter.fetch_order(call, number=number, now=timezone.now())
        assert first == adapter.fetch_order(call, number=number, now=timezone.now())
