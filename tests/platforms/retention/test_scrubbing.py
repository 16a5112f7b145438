"""The hourly run: what is due goes, everything else stays."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta

import pytest

from platforms import landing, tasks
from platforms.flows import scrub_buyers as flow
from platforms.flows.release_quarantined import release_quarantined
from platforms.models import Delivery, Order, OrderRaw, Quarantined, Scrub
from tenants.models import Event, Tenant
from tenants.scope import all_tenants, tenant_scope
from tests.platforms.commands.run import run
from tests.platforms.retention.conftest import Shelf, ago, scrub
from tests.support.factories import NOON, make_authorization, make_store, make_stream


def counts(done):
    return tuple(asdict(done).values())  # orders, raws, records, held


def test_what_is_due_goes_and_what_is_not_stays(shelf):
    due = [shelf.order(), shelf.order(status="cancelled"), shelf.order(status="shipped", days=61)]
    late = {"landed_at": ago(1)}  # the raw payload's own days are not over
    not_yet = [shelf.order(days=29, **late), shelf.order(status="shipped", **late)]
    not_yet += [shelf.order(status="unpaid", **late)]

    assert counts(scrub(shelf.tenant)) == (3, 3, 0, 0)

    assert [shelf.has_buyer(order) for order in due] == [False] * 3
    assert [shelf.has_buyer(order) for order in not_yet] == [True] * 3


def test_figures_lines_and_the_content_hash_stay(shelf):
    order = shelf.order(total="10.50")
    scrub(shelf.tenant)
    with tenant_scope(shelf.tenant):
        after = Order.objects.get(pk=order.pk)
        assert after.lines.count() == 1
    assert (str(after.total), after.number, after.status) == ("10.50", order.number, "delivered")
    assert bytes(after.content_hash) == order.content_hash


def test_doing_it_again_changes_nothing(shelf):
    shelf.order()
    shelf.record()
    assert counts(scrub(shelf.tenant)) == (1, 1, 1, 0)
    later = NOON + timedelta(hours=1)

    assert counts(scrub(shelf.tenant, at=later)) == (0, 0, 0, 0)

    with tenant_scope(shelf.tenant):
        assert Order.objects.get().scrubbed_at == NOON
        assert Scrub.objects.count() == 1


def test_stores_with_nothing_due_cost_no_statement_of_their_own(
    shelf, django_assert_max_num_queries
):
    order = shelf.order()
    for n in range(50):
        make_store(shelf.tenant, platform="amazon", external_id=f"quiet{n}")

    with django_assert_max_num_queries(40):
        assert counts(scrub(shelf.tenant)) == (1, 1, 0, 0)

    assert not shelf.has_buyer(order)


def test_other_tenants_and_platforms_are_left_alone(world, shelf):
    theirs, elsewhere = Shelf(world.syrup), Shelf(world.rice)
    kept = [theirs.order(days=5000), elsewhere.order(days=5000)]
    records = [theirs.record(days=5000), elsewhere.record(days=5000)]
    scrub(world.lotus)
    scrub(world.maple)
    assert theirs.has_buyer(kept[0])
    assert elsewhere.has_buyer(kept[1])
    assert (
        theirs.raw_of(records[0])
        == elsewhere.raw_of(records[1])
        == ("waiting", b'{"name": "Anna"}')
    )


def test_many_go_in_batches_with_one_line_in_the_report(shelf, monkeypatch):
    monkeypatch.setattr(flow, "BATCH", 4)
    monkeypatch.setattr(flow, "RECORDS", 4)
    # As many of one moment as do not fit in a batch, too.
    orders = [shelf.order(days=40) for _n in range(9)] + [shelf.order() for _n in range(4)]
    for n in range(9):
        shelf.record(raw=b"{%d" % n)

    assert counts(scrub(shelf.tenant)) == (13, 13, 9, 0)

    assert not any(shelf.has_buyer(order) for order in orders)
    with tenant_scope(shelf.tenant):
        (row,) = Scrub.objects.all()
        (event,) = Event.objects.filter(verb="retention.scrubbed")
    assert (row.store, row.orders, row.raws, row.records) == (shelf.store, 13, 13, 9)
    assert (row.oldest, row.newest, row.buyer_days) == (ago(40), ago(31), 30)
    assert event.detail == {"orders": 13, "raws": 13, "records": 9, "held": 0}


def test_a_run_that_is_broken_off_is_finished_by_the_next(shelf, monkeypatch):
    monkeypatch.setattr(flow, "BATCH", 2)
    for _n in range(5):
        shelf.order()
    first = flow.scrub_buyers(
        tenant=shelf.tenant, now=NOON,
        go_on=lambda: Order.objects.exclude(scrubbed_at=None).count() < 2,
    )  # fmt: skip
    second = scrub(shelf.tenant)
    assert (first.orders, second.orders) == (2, 3)


def test_raw_payloads_go_after_their_own_days(world, shelf):
    shelf.rule(None, 10)
    old, young = shelf.order(days=11), shelf.order(days=9)

    assert counts(scrub(shelf.tenant)) == (0, 1, 0, 0)

    with tenant_scope(shelf.tenant):
        assert set(OrderRaw.objects.values_list("order", flat=True)) == {young.pk}
        assert Order.objects.get(pk=old.pk).buyer_name == "Anna Schmidt"


def test_a_company_that_keeps_longer_now_loses_nothing_early(world, shelf):
    shelf.rule(None, 30)
    young = shelf.order(days=1)
    world.lotus.retention_days = 365  # what is written on the payload was 90
    world.lotus.save()
    assert counts(scrub(world.lotus)) == (0, 0, 0, 0)
    with tenant_scope(world.lotus):
        assert OrderRaw.objects.get().order_id == young.pk


def test_quarantine_is_emptied_whatever_became_of_the_record(shelf):
    waiting, young = shelf.record(), shelf.record(days=29, raw=b"{young")
    released = shelf.record(raw=b"{a", state="released")
    dismissed = shelf.record(raw=b"{b", state="dismissed", settled_note="a test order")

    assert counts(scrub(shelf.tenant)) == (0, 0, 3, 0)

    assert shelf.raw_of(waiting) == ("expired", b"")
    assert shelf.raw_of(released) == ("released", b"")
    assert shelf.raw_of(dismissed) == ("expired", b"")
    assert shelf.raw_of(young) == ("waiting", b"{young")
    with tenant_scope(shelf.tenant):
        notes = set(Quarantined.objects.values_list("settled_note", flat=True))
    assert notes == {"", "retention", "a test order"}


def test_a_record_whose_store_nobody_knows_goes_with_its_platform(shelf):
    record = shelf.record(store=None)
    assert counts(scrub(shelf.tenant)) == (0, 0, 1, 0)
    assert shelf.raw_of(record) == ("expired", b"")
    with tenant_scope(shelf.tenant):
        assert Scrub.objects.get().store is None


def test_pushes_are_kept_no_longer_than_the_rule(world, shelf):
    shelf.rule(2)
    world.tea.authorization = make_authorization(world.lotus)
    with tenant_scope(world.lotus):
        world.tea.save()
    for n, days in enumerate((1, 3)):
        Delivery.objects.create(
            platform="ebay", authorization=world.tea.authorization, key=str(n), address="/push/",
            received_at=ago(days), body=landing.compress(b"Anna"), headers={"x": "y"},
        )  # fmt: skip
    scrub(world.lotus)
    assert list(Delivery.objects.order_by("key").values_list("body", flat=True))[1] is None
    assert Delivery.objects.filter(body=None).count() == 1


def test_without_a_rule_nothing_ever_goes(world):
    shelf = Shelf(world.rice)
    order, record = shelf.order(days=3000), shelf.record(days=3000)
    assert counts(scrub(world.lotus)) == (0, 0, 0, 0)
    assert shelf.has_buyer(order)
    assert shelf.raw_of(record)[0] == "waiting"


def test_amazons_rule_needs_no_choice(world):
    shelf = Shelf(world.silk)
    order = shelf.order()
    assert counts(scrub(world.lotus)) == (1, 1, 0, 0)
    assert not shelf.has_buyer(order)


def test_the_hourly_pump_does_it_for_all_tenants(world, shelf):
    theirs = Shelf(world.syrup)
    theirs.rule(1)
    orders = [shelf.order(days=400), theirs.order(days=400)]
    tasks.pump_retention()
    assert not shelf.has_buyer(orders[0])
    assert not theirs.has_buyer(orders[1])


def test_one_tenant_that_trips_does_not_stop_the_others(world, shelf, monkeypatch):
    order = shelf.order(days=400)
    real = tasks.scrub_buyers

    def trips(*, tenant: Tenant, **more: object) -> object:
        if tenant == world.maple:
            raise RuntimeError("a mistake of ours")
        return real(tenant=tenant, **more)

    monkeypatch.setattr(tasks, "scrub_buyers", trips)
    with pytest.raises(ExceptionGroup):
        tasks.pump_retention()
    assert not shelf.has_buyer(order)


def test_the_command_counts_first_and_removes_then(world, shelf):
    order = shelf.order(days=400)
    held = shelf.order(days=400)
    shelf.record(days=400)
    shelf.hold(number=held.number)
    with all_tenants("the other company, too"):
        assert Order.objects.count() == 2

    dry = run("scrub_buyers", "--dry-run", "--json")
    assert shelf.has_buyer(order)
    done = run("scrub_buyers", "--tenant", "lotus", "--json")

    assert dry.json == done.json == {"orders": 1, "raws": 1, "records": 1, "held": 1}
    assert (shelf.has_buyer(order), shelf.has_buyer(held)) == (False, True)
    assert run("scrub_buyers", "--tenant", "nobody", "--json").code == 2


def test_an_emptied_record_cannot_be_released_any_more(world, shelf):
    stream = make_stream(make_authorization(world.lotus), world.tea)
    record = shelf.record(stream=stream)
    scrub(shelf.tenant)
    with tenant_scope(shelf.tenant):
        result = release_quarantined(record=record, user=world.bo, now=NOON)
    assert (result.landed, result.unreadable) == (None, "")
