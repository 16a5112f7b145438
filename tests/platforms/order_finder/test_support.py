"""Support finds orders too, on a tenant's behalf and without any buyer."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import Group
from django.urls import reverse

from platforms.admin.group import GROUP, make_support_group
from platforms.models import Order
from tenants.models import Event
from tenants.scope import all_tenants
from tests.platforms.order_finder.conftest import add_order, fix_of, reason_of

ADDRESS = "admin:find_order"


@pytest.fixture
def sam(world):
    make_support_group()
    world.sam.groups.add(Group.objects.get(name=GROUP))
    return world.client(world.sam)


def ask(client, **data):
    return client.post(reverse(ADDRESS), {"tenant": "lotus", "store": "", **data})


def test_support_gets_the_reason_and_presses_the_button(shop, market, world, sam):
    number = add_order(market)
    answer = ask(sam, number=number)
    assert (reason_of(answer), fix_of(answer)) == ("not_yet_due", "get")
    for _tab in range(2):
        answer = ask(sam, number=number, store=shop.path, fix="get")
    assert reason_of(answer) == "here"
    landed = Order.objects.get(number=number)
    page = answer.content.decode()
    assert landed.ship_name
    for value in (landed.ship_name, landed.buyer_id, landed.ship_line1):
        assert value not in page
    with all_tenants("the trail of a test"):
        events = Event.objects.filter(actor=world.sam)
        assert set(events.values_list("on_behalf", flat=True)) == {True}
        assert events.filter(verb="order.pulled").count() == 1


@pytest.mark.parametrize(
    "data",
    [
        {"number": ""},
        {"number": "1" * 99},
        {"number": "1", "tenant": "nobody"},
        {"number": "1", "store": "maple/ebay/syrup"},
        {"number": "1", "store": "\0"},
    ],
)
def test_bad_input_is_explained(world, sam, data):
    answer = ask(sam, **data)
    assert answer.status_code == 200
    assert re.search("errorlist", answer.content.decode())
    assert "data-reason" not in answer.content.decode()


def test_others_are_kept_out(world):
    for user in (world.anna, world.bo, world.sam, None):
        assert world.client(user).get(reverse(ADDRESS)).status_code in (302, 403)


def test_the_page_of_a_store_leads_to_it(shop, sam):
    page = sam.get(reverse("admin:tenants_store_change", args=[shop.pk])).content.decode()
    found = re.search(rf'href="({reverse(ADDRESS)}\?[^"]+)"', page)
    assert found
    form = sam.get(found[1].replace("&amp;", "&")).content.decode()
    assert f'value="{shop.path}"' in form
    assert f'value="{shop.tenant.slug}"' in form
