"""A company that is deleted while our workers are busy with it."""

from __future__ import annotations

import threading
import time

import pytest
from django.db import connection, transaction
from django.utils import timezone

from platforms import answers
from platforms.flows.refresh import recover_answers
from platforms.flows.support import delete_tenant
from platforms.models import CallStat, Order, OrderLine, OrderRaw, Stream, TimelineEntry
from platforms.spec import Grant
from platforms.traffic import CallBook, CallCounter
from tenants.scope import all_tenants, tenant_scope
from tests.support.factories import make_authorization, make_order, make_store, make_stream


@pytest.mark.django_db(transaction=True)
def test_its_counts_cost_no_other_company_theirs(world):
    gone, stays = make_authorization(world.maple), make_authorization(world.lotus)
    now, book = timezone.now(), CallBook()
    for row in (gone, stays):
        counter = CallCounter(tenant_id=row.tenant_id, authorization_id=row.pk, book=book)
        counter.add("", 150, now=now)
        counter.save()
        book.refreshed(row)
    delete_tenant(tenant=world.maple, user=world.sam)

    book.flush(now=now)

    with all_tenants("looking"):
        assert [row.authorization_id for row in CallStat.objects.all()] == [stays.pk]
        assert [row.authorization_id for row in TimelineEntry.objects.all()] == [stays.pk]


@pytest.mark.django_db(transaction=True)
def test_an_answer_of_it_that_is_still_on_disk_is_thrown_away(world, settings, tmp_path):
    settings.ANSWERS_DIR = tmp_path
    row = make_authorization(world.maple)
    with tenant_scope(world.maple):
        answers.keep(row, {"refresh_token": "spent"}, Grant(access_token="new"))
    delete_tenant(tenant=world.maple, user=world.sam)
    assert recover_answers() == 0
    assert list(tmp_path.iterdir()) == []


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_lines_written_at_that_very_moment_go_with_their_order(world):
    """No foreign key holds lines and payloads: the order of deletion does."""
    store = make_store(world.maple)
    make_stream(make_authorization(world.maple), store)
    with tenant_scope(world.maple):
        order = make_order(store)
    written, begun = threading.Event(), threading.Event()
    worker = threading.Thread(target=_write_a_line, args=(world.maple, order.pk, written, begun))
    worker.start()
    assert written.wait(10)
    begun.set()
    delete_tenant(tenant=world.maple, user=world.sam)
    worker.join()

    with all_tenants("looking"):
        for model in (Order, OrderLine, OrderRaw, Stream):
            assert not model.objects.filter(tenant_id=order.tenant_id).exists()


def _write_a_line(tenant, order_pk, written: threading.Event, begun: threading.Event) -> None:
    """As landing does: under the lock of the order's row, and without the stream's, which the
    release of a quarantined record does not take."""
    try:
        with tenant_scope(tenant), transaction.atomic():
            order = Order.objects.select_for_update().get(pk=order_pk)
            OrderLine.objects.create(
                tenant=tenant, order=order, position=7, number="7", title="x", quantity=1
            )
            written.set()
            assert begun.wait(10)
            _wait_until_somebody_waits_for_us()
    finally:
        connection.close()


def _wait_until_somebody_waits_for_us() -> None:
    waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"
    give_up = time.monotonic() + 10
    with connection.cursor() as cursor:
        while time.monotonic() < give_up:
            cursor.execute(waiting)
            if cursor.fetchone()[0]:
                return
            time.sleep(0.02)
    raise AssertionError("the deletion does not wait")
