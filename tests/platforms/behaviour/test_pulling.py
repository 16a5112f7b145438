"""Orders come whole and once, however many there are and whatever is among them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from platforms.models import Order, Quarantined, Stream
from tests.platforms.behaviour.seller import numbers


def test_a_shop_without_orders_is_up_to_date(open_shop):
    seller = open_shop(orders=0)
    seller.link()

    pull = seller.pull()

    assert (pull.faults, pull.seen, Order.objects.count()) == ([], 0, 0)
    assert not Stream.objects.filter(last_success_at=None).exists()


def test_a_single_page_lands_whole(open_shop):
    seller = open_shop(orders=0)
    seller.sell(6, over_hours=2)
    seller.link()

    assert seller.pull().faults == []

    assert numbers() == seller.changed()


def test_many_pages_land_whole(open_shop):
    seller = open_shop(orders=0)
    seller.sell(330, over_hours=10)
    seller.link()

    pull = seller.pull()

    assert pull.faults == []
    assert pull.pages > pull.streams
    assert numbers() == seller.changed()
    assert Order.objects.count() == 330


def test_no_order_is_lost_while_pages_shift(open_shop):
    seller = open_shop(orders=0)
    if seller.ignores("drift"):
        pytest.skip("pages do not shift here")
    seller.sell(330, over_hours=10)
    seller.link()
    seller.turn(drift=True)
    assert seller.pull().faults == []
    seller.turn_back()

    # What changed past the end of the window is for the next pull.
    assert seller.pull(later=timedelta(minutes=10)).faults == []

    assert numbers() == seller.changed()


def test_an_unreadable_record_is_put_aside_and_the_rest_lands(open_shop):
    seller = open_shop(orders=0)
    seller.sell(12, over_hours=3)
    seller.link()
    seller.turn(bad_record=True)

    pull = seller.pull()

    assert pull.faults == []
    assert pull.quarantined >= 1
    aside = Quarantined.objects.all()
    assert all(each.reason and each.raw for each in aside)
    assert pull.created > 0
    # One that is met again in another list may be readable there.
    assert numbers() <= seller.changed()
    assert len(numbers()) + aside.count() >= 12


def test_a_status_nobody_knows_is_kept_in_its_own_words(open_shop):
    seller = open_shop(orders=0)
    seller.sell(12, over_hours=3)
    seller.link()
    seller.turn(unknown_status=True)

    assert seller.pull().faults == []

    assert numbers() == seller.changed()
    odd = Order.objects.filter(status="unknown")
    assert odd.exists()
    assert all(order.platform_status for order in odd)
