"""Legal holds: what they cover stays, and nothing else does."""

from __future__ import annotations

from datetime import timedelta

import pytest

from platforms.flows.erase_buyer import erase_buyer
from platforms.flows.retention import expire
from platforms.models import LegalHold, OrderRaw, Scrub
from platforms.news import News, Notice
from tenants.models import Event
from tenants.scope import all_tenants, tenant_scope
from tests.conftest import make_store
from tests.platforms.retention.conftest import Shelf, scrub
from tests.support.factories import NOON, make_authorization, make_stream


@pytest.fixture
def second(world) -> Shelf:
    """Another eBay store of Lotus."""
    with tenant_scope(world.lotus):
        return Shelf(make_store(world.lotus, "ebay", "cups", site="DE"))


def test_a_hold_on_the_company_keeps_everything(shelf, second):
    orders, record = [shelf.order(), second.order()], shelf.record()
    shelf.hold()
    done = scrub(shelf.tenant)
    assert (done.orders, done.raws, done.records, done.held) == (0, 0, 0, 3)
    assert all(shelf.has_buyer(order) for order in orders)
    assert shelf.raw_of(record)[0] == "waiting"


def test_a_hold_on_a_store_keeps_that_store(shelf, second):
    kept, gone = shelf.order(), second.order()
    records = shelf.record(), second.record(raw=b"{b")
    shelf.hold(store=shelf.store)
    scrub(shelf.tenant)
    assert (shelf.has_buyer(kept), second.has_buyer(gone)) == (True, False)
    assert [shelf.raw_of(record)[0] for record in records] == ["waiting", "expired"]


def test_a_hold_on_an_order_keeps_that_order(shelf, second):
    kept, gone = shelf.order(number="A-1"), shelf.order(number="A-2")
    twin = second.order(number="A-1")
    shelf.hold(store=shelf.store, number="A-1")
    scrub(shelf.tenant)
    assert (shelf.has_buyer(kept), shelf.has_buyer(gone), second.has_buyer(twin)) == (
        True, False, False,
    )  # fmt: skip


def test_a_hold_on_a_number_keeps_it_in_every_store(shelf, second):
    kept = [shelf.order(number="A-1"), second.order(number="A-1")]
    shelf.hold(number="A-1")
    scrub(shelf.tenant)
    assert all(shelf.has_buyer(order) for order in kept)


def test_an_unreadable_record_that_may_be_the_held_order_stays(shelf):
    by_number = shelf.record(number="A-1", raw=b"{x")
    inside = shelf.record(raw=b'{"id": "A-1", oops')
    other = shelf.record(number="B-2", raw=b"{y")
    shelf.hold(number="A-1")
    done = scrub(shelf.tenant)
    assert (done.records, done.held) == (1, 2)
    states = [shelf.raw_of(record)[0] for record in (by_number, inside, other)]
    assert states == ["waiting", "waiting", "expired"]


def test_a_record_of_unknown_store_stays_where_it_may_be_of_the_held_one(world, shelf, second):
    for store in (shelf.store, second.store):
        store.authorization = make_authorization(world.lotus)
        with tenant_scope(world.lotus):
            store.save()
    streams = [make_stream(s.authorization, None) for s in (shelf.store, second.store)]
    mine = shelf.record(store=None, stream=streams[0], raw=b"{a")
    not_mine = shelf.record(store=None, stream=streams[1], raw=b"{b")
    anybodys = shelf.record(store=None, raw=b"{c")
    shelf.hold(store=shelf.store)
    scrub(shelf.tenant)
    states = [shelf.raw_of(record)[0] for record in (mine, not_mine, anybodys)]
    assert states == ["waiting", "expired", "waiting"]


def test_the_expiry_of_raw_payloads_heeds_holds(world, shelf, second):
    kept, gone = shelf.order(days=100), second.order(days=100)
    theirs = Shelf(world.syrup).order(days=100)
    shelf.hold(store=shelf.store)
    with all_tenants("as the pump does"):
        expire(now=NOON)
        assert set(OrderRaw.objects.values_list("order", flat=True)) == {kept.pk}
    assert gone.pk != theirs.pk


def test_another_tenants_hold_keeps_nothing_of_ours(world, shelf):
    order = shelf.order()
    Shelf(world.syrup).hold()
    scrub(shelf.tenant)
    assert not shelf.has_buyer(order)


def test_what_a_released_hold_kept_goes_with_the_next_run(world, shelf):
    order = shelf.order()
    hold = shelf.hold(number=order.number)
    scrub(shelf.tenant)
    with tenant_scope(shelf.tenant):
        LegalHold.objects.filter(pk=hold.pk).update(released_at=NOON)
    scrub(shelf.tenant, at=NOON + timedelta(hours=1))
    assert not shelf.has_buyer(order)


def test_what_is_held_is_told_once_a_day_and_when_it_changes(shelf):
    shelf.order()
    shelf.hold()
    for hour in (0, 1, 2, 23, 24, 25, 26):
        scrub(shelf.tenant, at=NOON + timedelta(hours=hour))
    shelf.order()
    scrub(shelf.tenant, at=NOON + timedelta(hours=31))
    with tenant_scope(shelf.tenant):
        told = list(Scrub.objects.order_by("at").values_list("held", "orders"))
    assert told == [(1, 0), (1, 0), (2, 0)]


def test_the_marketplaces_order_to_erase_wins_and_names_the_hold(shelf):
    erased, other = shelf.order(number="A-1"), shelf.order(number="A-2", buyer_name="Bea")
    record = shelf.record(raw=b'{"order": "A-1"}', state="released")
    hold = shelf.hold(store=shelf.store)
    shelf.hold(number="A-2")

    notice = Notice(news=News.ERASE_BUYER, key="k", number="A-1", buyers=("A-1",))
    erase_buyer(platform="ebay", notice=notice, now=NOON, authorizations=None)

    assert (shelf.has_buyer(erased), shelf.has_buyer(other)) == (False, True)
    assert shelf.raw_of(record) == ("released", b"")
    with tenant_scope(shelf.tenant):
        (event,) = Event.objects.filter(verb="hold.overruled")
    assert event.detail == {"hold": str(hold.public_id)}
