"""A new order of every marketplace is found by its number and is here one press later."""

from __future__ import annotations

import re

import pytest

from platforms import registry
from platforms.models import Order
from tenants.models import Duty
from tests.conftest import bind
from tests.platforms.order_finder.conftest import add_order, fix_of, linked, look_for, reason_of

ACCOUNTS = {
    "aliexpress": "aliexpress-harbor",
    "amazon": "amazon-aurora-eu",
    "ebay": "ebay-willow",
    "lazada": "lazada-orchid",
    "ozon": "ozon-zarya",
    "shopee": "shopee-mango",
    "shopify": "shopify-lantern",
    "tiktok_shop": "tiktok_shop-lumen",
    "wish": "wish-coral",
}


def test_none_is_forgotten():
    assert sorted(ACCOUNTS) == sorted(registry.codes())


@pytest.mark.parametrize("platform", sorted(ACCOUNTS))
def test_a_new_order_is_found_and_got(market, world, platform):
    anna = world.client(world.anna)
    linked(market, world, ACCOUNTS[platform], name="shop")
    number = add_order(market, ACCOUNTS[platform], ago_seconds=5, stage="new")
    answer = look_for(anna, number)
    assert (reason_of(answer), fix_of(answer)) == ("not_yet_due", "get")
    button = re.search(r'action="(/stores/[^"]+/find-order/)"', answer.content.decode())
    anna.post(button[1], {"number": number, "fix": "get"})
    order = Order.objects.get(number=number)
    bind(world.member(world.anna), order.store, Duty.OPERATOR)
    assert reason_of(look_for(anna, number)) == "here"
    assert reason_of(look_for(anna, f"{number}x")) in ("other_channel", "not_at_platform")
