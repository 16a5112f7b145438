"""Tokens end, sellers take permissions back, marketplaces are busy or down."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from platforms.errors import Fault
from platforms.flows.refresh import Outcome, refresh
from platforms.models import Authorization, Order, Stream
from tests.platforms.behaviour.seller import states

ACTIVE = {("active", "active")}


def test_an_access_token_that_ended_is_renewed_by_the_next_pull(seller, way):
    linked = seller.link()
    if not seller.can_refresh(linked.authorization):
        pytest.skip("there is no token that ends")
    before = dict(Authorization.objects.values_list("pk", "generation"))
    assert seller.world.control("expire", platform=way.platform)["expired"]

    assert seller.pull().faults == []

    assert Order.objects.exists()
    after = dict(Authorization.objects.values_list("pk", "generation"))
    assert after == {pk: generation + 1 for pk, generation in before.items()}
    assert states(linked) == ACTIVE


def test_a_refreshed_token_is_as_good_as_the_first(seller):
    linked = seller.link()
    grant = linked.authorization
    for _ in range(2):
        used = Authorization.objects.get(pk=grant.pk).generation
        done = refresh(authorization=grant, now=timezone.now(), used_generation=used)
        assert done.fault is None
        assert (done.outcome is Outcome.REFRESHED) == seller.can_refresh(grant)

    assert seller.pull().faults == []
    assert Order.objects.exists()


def test_a_permission_that_was_taken_back_needs_the_seller(seller, way):
    linked = seller.link()
    seller.pull()
    seller.world.control("revoke", account=way.account)

    assert seller.pull(later=timedelta(minutes=10)).faults

    assert states(linked) == {("needs_relink", "needs_relink")}
    assert not Stream.objects.exclude(due_at=None).exists()


@pytest.mark.parametrize(
    ("knob", "fault"), [("throttle", Fault.RATE_LIMITED), ("down", Fault.PLATFORM_DOWN)]
)
def test_a_marketplace_that_is_busy_or_down_delays_orders_and_ends_nothing(seller, knob, fault):
    linked = seller.link()
    seller.turn(**{knob: True})

    assert set(seller.pull().faults) == {fault}

    assert states(linked) == ACTIVE
    assert not Order.objects.exists()
    assert not Stream.objects.filter(due_at=None).exists()
    seller.turn_back()
    assert seller.pull().faults == []
    assert Order.objects.exists()
