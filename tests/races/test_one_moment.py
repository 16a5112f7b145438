"""Thousands of orders of one single moment, and a worker that dies in the middle of them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from bench.one_moment import CODE, Moment, MomentShop, make_stream
from platforms import registry, tasks, transport
from platforms.models import Order, Quarantined, Stream
from tenants.scope import tenant_scope
from tests.support.interleaving import Died

pytestmark = [pytest.mark.slow, pytest.mark.django_db]

ORDERS, PAGE = 6_000, 100


class Deadly(Moment):
    """Its caller dies after so many pages."""

    def send(self, *request):
        if self.calls == 25:
            raise Died
        return super().send(*request)


def test_it_passes_and_goes_on_where_it_stopped(monkeypatch):
    monkeypatch.setitem(registry._BY_CODE, CODE, MomentShop())
    stream = make_stream()
    with transport.use_wire(Deadly(ORDERS, PAGE)), pytest.raises(Died):
        tasks.pump_orders()
    with tenant_scope(stream.tenant_id):
        assert Order.objects.count() == 25 * PAGE
        past = timezone.now() - timedelta(seconds=1)
        Stream.objects.update(leased_until=past, due_at=past)  # three minutes later

    market = Moment(ORDERS, PAGE)
    with transport.use_wire(market):
        tasks.pump_orders()

    assert market.calls == (ORDERS - 25 * PAGE) / PAGE
    with tenant_scope(stream.tenant_id):
        numbers = list(Order.objects.values_list("number", flat=True))
        assert len(numbers) == ORDERS
        assert set(numbers) == {str(number) for number in range(ORDERS)}
        assert not Quarantined.objects.exists()
        assert Stream.objects.get().watermark > timezone.now() - timedelta(minutes=5)
