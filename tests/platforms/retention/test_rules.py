"""Which rule is in force, and when the time of an order is over."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import pytest

from platforms.keeping import rules
from platforms.models import Order
from platforms.spec import OrderStatus
from tenants.scope import tenant_scope
from tests.support.factories import NOON, make_order

DAYS = 30
# status -> days after its last change
KEPT = {
    OrderStatus.DELIVERED: 30,
    OrderStatus.CANCELLED: 30,
    OrderStatus.REFUNDED: 30,
    OrderStatus.PARTIALLY_REFUNDED: 30,
    OrderStatus.SHIPPED: 60,
    OrderStatus.PENDING: 365,
    OrderStatus.UNPAID: 365,
    OrderStatus.AWAITING_SHIPMENT: 365,
    OrderStatus.PARTIALLY_SHIPPED: 365,
    OrderStatus.ON_HOLD: 365,
    OrderStatus.UNKNOWN: 365,
}


@dataclass
class Choice:
    buyer_days: int | None = None
    raw_days: int | None = None


def in_force(demanded, *chosen, retention_days=90):
    rule = rules.in_force(
        demanded=demanded, chosen=Choice(*chosen) if chosen else None, retention_days=retention_days
    )
    return rule.buyer_days, rule.raw_days, rule.chosen


def test_every_status_has_its_day():
    assert set(KEPT) == set(OrderStatus)


@pytest.mark.parametrize("status", OrderStatus)
def test_an_order_is_due_on_its_day_and_not_a_second_before(world, status):
    changed = NOON - timedelta(days=KEPT[status])
    due_at = rules.due_at(status=status, changed_at=changed, buyer_days=DAYS)
    order = make_order(world.tea, status=status, changed_at=changed)
    with tenant_scope(world.lotus):
        found = {
            late: Order.objects.filter(
                rules.due(buyer_days=DAYS, now=NOON + timedelta(seconds=late)), pk=order.pk
            ).exists()
            for late in (-1, 0)
        }

    assert (due_at, found) == (NOON, {-1: False, 0: True})


def test_what_was_never_shipped_is_kept_no_shorter_than_what_was():
    for days in (1, 30, 365, 3650):
        kept = [rules.kept_after(status, days) for status in ("delivered", "shipped", "unpaid")]
        assert kept == sorted(kept)


@pytest.mark.parametrize(
    ("demanded", "chosen", "expected"),
    [
        (None, (), (None, 90, False)),
        (30, (), (30, 30, False)),
        (30, (7, None), (7, 7, True)),
        (30, (30, None), (30, 30, False)),
        (None, (400, None), (400, 90, True)),
        (30, (None, 5), (30, 5, False)),
        (None, (20, 60), (20, 20, True)),
        (None, (None, 400), (None, 400, False)),
        # The marketplace became stricter after the tenant had chosen.
        (30, (60, 60), (30, 30, False)),
    ],
)
def test_the_stricter_of_tenant_and_marketplace_is_in_force(demanded, chosen, expected):
    assert in_force(demanded, *chosen) == expected
