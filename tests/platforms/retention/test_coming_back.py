"""Buyers' data that was removed stays removed, whatever lands later or at the same time."""

from __future__ import annotations

import json
import threading
from datetime import datetime, timedelta

import msgspec
import pytest
from django.db import connection, transaction

from platforms import landing
from platforms.flows.erase_buyer import erase_buyer
from platforms.landing import Router
from platforms.models import Order, OrderRaw
from platforms.news import News, Notice
from tenants.scope import tenant_scope
from tests.platforms.retention.conftest import Shelf, ago, scrub
from tests.platforms.test_landing import Bazaar
from tests.support.factories import NOON, make_authorization, make_stream


class Dated(Bazaar):
    """Says itself when the order changed."""

    def __init__(self, changed_at: datetime) -> None:
        self.changed_at = changed_at

    def parse_order(self, raw, *, kind=""):
        order = super().parse_order(raw, kind=kind)
        return msgspec.structs.replace(order, changed_at=self.changed_at)


def land(shelf: Shelf, number: str, *, changed_at: datetime, status: str = "delivered") -> None:
    """A version of the order comes, with all of its buyer. In a transaction of its own."""
    with tenant_scope(shelf.tenant):
        stream = make_stream(make_authorization(shelf.tenant), shelf.store)
        record = {"number": number, "total": 12, "status": status}
        batch = landing.read_records(
            Dated(changed_at), [msgspec.Raw(json.dumps(record).encode())], kind="k",
            router=Router([shelf.store]),
        )  # fmt: skip
        with transaction.atomic():
            landing.land(batch, stream=stream, now=NOON)


def look(shelf: Shelf, order: Order) -> tuple[str | None, str | None, int, str]:
    with tenant_scope(shelf.tenant):
        row = Order.objects.get(pk=order.pk)
        raws = OrderRaw.objects.filter(order=order).count()
    return row.buyer_name, row.ship_city, raws, row.status


def test_a_newer_version_of_a_scrubbed_order_brings_no_buyer(shelf):
    order = shelf.order(number="N-1")
    scrub(shelf.tenant)

    land(shelf, "N-1", changed_at=NOON, status="refunded")

    assert look(shelf, order) == (None, None, 0, "refunded")


def test_an_erased_buyer_does_not_come_back_with_a_later_pull(shelf):
    order = shelf.order(number="N-1", days=3)
    notice = Notice(news=News.ERASE_BUYER, key="k", number="N-1")
    erase_buyer(platform="ebay", notice=notice, now=NOON, authorizations=None)

    land(shelf, "N-1", changed_at=NOON, status="refunded")

    assert look(shelf, order) == (None, None, 0, "refunded")


def test_a_back_fill_of_old_orders_is_scrubbed_by_the_next_run(shelf):
    land(shelf, "OLD", changed_at=ago(80))
    with tenant_scope(shelf.tenant):
        order = Order.objects.get(number="OLD")
    scrub(shelf.tenant)
    assert look(shelf, order)[:3] == (None, None, 0)


class _Between:
    """Runs something in another thread, with a connection of its own, between two statements."""

    def __init__(self, work) -> None:
        self.work, self.error = work, None
        self.thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        try:
            self.work()
        except BaseException as exc:  # noqa: BLE001 - the test raises it
            self.error = exc
        finally:
            connection.close()

    def start(self, wait_s: float) -> None:
        self.thread.start()
        self.thread.join(wait_s)

    def end(self) -> None:
        self.thread.join(20)
        assert not self.thread.is_alive()
        if self.error:
            raise self.error


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("changed_days", [0, 31])
def test_a_version_that_lands_while_its_order_is_scrubbed_brings_no_buyer(shelf, changed_days):
    order = shelf.order(number="N-1", days=40)
    other = _Between(lambda: land(shelf, "N-1", changed_at=ago(changed_days), status="refunded"))

    def gate(execute, sql, params, many, context):
        answer = execute(sql, params, many, context)
        if "scrubbed_at" in sql and sql.startswith("UPDATE") and not other.thread.ident:
            other.start(wait_s=0.5)
            assert other.thread.is_alive()  # it waits for the row
        return answer

    with connection.execute_wrapper(gate):
        done = scrub(shelf.tenant)
    other.end()

    assert (done.orders, done.raws) == (1, 1)
    assert look(shelf, order) == (None, None, 0, "refunded")


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_an_order_that_is_landing_is_left_to_the_next_run(shelf):
    order, free = shelf.order(number="N-1", days=40), shelf.order(number="N-2", days=40)
    found = []
    other = _Between(lambda: found.append(scrub(shelf.tenant)))

    def gate(execute, sql, params, many, context):
        answer = execute(sql, params, many, context)
        if "INSERT INTO platforms_order " in sql and not other.thread.ident:
            other.start(wait_s=10)  # it must not wait for us
        return answer

    with connection.execute_wrapper(gate):
        land(shelf, "N-1", changed_at=ago(31), status="refunded")
    other.end()

    assert found[0].orders == 1
    assert look(shelf, free)[:3] == (None, None, 0)
    assert look(shelf, order)[2:] == (1, "refunded")
    assert scrub(shelf.tenant, at=NOON + timedelta(hours=1)).orders == 1
    assert look(shelf, order)[:3] == (None, None, 0)


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_two_workers_share_the_work_and_count_nothing_twice(shelf):
    for _n in range(40):
        shelf.order()
    found = []
    other = _Between(lambda: found.append(scrub(shelf.tenant)))
    other.thread.start()
    found.append(scrub(shelf.tenant))
    other.end()
    found.append(scrub(shelf.tenant))
    assert sum(done.orders for done in found) == 40
    assert sum(done.raws for done in found) == 40
