"""It is not you: many stores of one platform fail the same way."""

from __future__ import annotations

from datetime import timedelta

import pytest

from platforms.models import App, Outage
from platforms.outages import find_outage, open_outages
from tenants.models import Store, Tenant
from tenants.scope import all_tenants, tenant_scope
from tests.support.factories import NOON, make_authorization
from tests.support.together import together
from tests.support.watching import (
    fail,
    fail_refresh,
    linked,
    look,
    minutes,
    told,
    troubles,
    work_again,
)


@pytest.fixture
def palm(world) -> Tenant:
    return Tenant.objects.create(name="Palm", slug="palm")


def some(tenant: Tenant, count: int, **fields: object) -> list[Store]:
    """Wish stores: the world has none of its own."""
    return [linked(tenant, platform="wish", **fields) for _ in range(count)]


def fail_all(stores: list[Store], fault: str = "platform_down", **how: object) -> None:
    for store in stores:
        fail(store, fault, **how)


def test_many_stores_of_two_companies_that_fail_alike_are_an_outage(world):
    stores = some(world.lotus, 2) + some(world.maple, 1)
    some(world.lotus, 7)
    fail_all(stores)
    look(minutes(2))

    outage = find_outage("wish", "platform_down")
    assert (outage.stores, outage.of_stores, outage.tenants) == (3, 10, 2)
    assert (outage.since, outage.ended_at) == (NOON, None)
    assert open_outages() == {("wish", "platform_down"): outage}


def test_it_is_none_with_fewer_stores_companies_or_a_smaller_share(world):
    fail_all(some(world.lotus, 1) + some(world.maple, 1))
    look(minutes(2))
    assert open_outages() == {}, "two stores"
    fail_all(some(world.lotus, 1))
    some(world.lotus, 8)
    look(minutes(3))
    assert open_outages() == {}, "3 of 11"
    with all_tenants("one of those that work is given up"):
        Store.objects.filter(platform="wish").order_by("-pk").first().delete()
    look(minutes(4))
    assert len(open_outages()) == 1, "3 of 10"


def test_one_company_among_others_is_no_outage_however_many_stores_fail(world):
    fail_all(some(world.lotus, 6))
    look(minutes(2))
    assert open_outages() == {}


def test_where_there_is_one_company_only_five_stores_are_an_outage(db):
    alone = Tenant.objects.create(name="Alone", slug="alone")
    fail_all(some(alone, 4))
    look(minutes(2))
    assert open_outages() == {}
    fail_all(some(alone, 1))
    look(minutes(3))
    assert len(open_outages()) == 1


def test_different_faults_and_platforms_are_not_added_up(world):
    fail_all(some(world.lotus, 2))
    fail_all(some(world.maple, 1), "network_unreachable")
    fail(linked(world.maple, platform="lazada"), "platform_down")
    look(minutes(2))
    assert open_outages() == {}


@pytest.mark.parametrize("fault", ["token_revoked", "ip_not_whitelisted", "account_suspended"])
def test_what_only_a_seller_can_cause_is_no_outage(world, fault):
    fail_all(some(world.lotus, 4) + some(world.maple, 4), fault)
    look(minutes(2))
    assert open_outages() == {}


def test_one_try_that_failed_may_be_chance(world):
    stores = some(world.lotus, 2) + some(world.maple, 1)
    fail_all(stores, tries=1)
    look(minutes(2))
    assert open_outages() == {}


def test_refreshes_that_fail_count_too(world):
    for store in some(world.lotus, 2) + some(world.maple, 1):
        fail_refresh(store, "platform_down")
    look(minutes(2))
    assert find_outage("wish").stores == 3


def test_paused_and_sandbox_stores_do_not_count(world):
    stores = some(world.lotus, 2) + some(world.maple, 1)
    fail_all(stores)
    with tenant_scope(world.maple):
        Store.objects.filter(pk=stores[-1].pk).update(state="paused")
    fail_all(some(world.maple, 3, environment="sandbox"))
    look(minutes(2))
    assert open_outages() == {}


def test_it_began_with_the_middle_half(world):
    stores = some(world.lotus, 6) + some(world.maple, 2)
    fail(stores[0], "platform_down", since=NOON - timedelta(days=9))  # for reasons of its own
    for number, store in enumerate(stores[1:]):
        fail(store, "platform_down", since=minutes(number))
    look(minutes(10))
    assert find_outage("wish").since == minutes(1)


@pytest.mark.parametrize("fault", ["quota_exhausted", "app_rejected"])
def test_a_companys_own_application_is_its_own_affair(world, fault):
    def through(app: App, tenant: Tenant) -> Store:
        row = make_authorization(tenant, platform="wish", app=app)
        return linked(tenant, platform="wish", authorization=row)

    def app(tenant: Tenant | None) -> App:
        return App.objects.create(platform="wish", name="a", client_id="c", tenant=tenant)

    tenants = (world.lotus, world.lotus, world.maple)
    fail_all([through(app(tenant), tenant) for tenant in tenants], fault)
    look(minutes(2))
    assert open_outages() == {}
    ours = app(None)
    fail_all([through(ours, tenant) for tenant in tenants], fault)
    look(minutes(3))
    assert find_outage("wish", fault).stores == 3


def test_refused_keys_are_an_outage_only_where_three_companies_are_hit_at_once(world, palm):
    stores = some(world.lotus, 2) + some(world.maple, 2)
    for store in stores:
        refuse(store, "bad_credentials")
    look(minutes(2))
    assert open_outages() == {}, "two companies"
    refuse(*some(palm, 1), "bad_credentials", at=NOON - timedelta(hours=3))
    look(minutes(3))
    assert open_outages() == {}, "not at once"
    refuse(*some(palm, 1), "bad_credentials")
    look(minutes(4))
    outage = find_outage("wish", "bad_credentials")
    assert (outage.stores, outage.of_stores, outage.tenants) == (5, 5, 3)


def test_refused_keys_stay_an_outage_while_they_are_refused(world, palm):
    stores = [*some(world.lotus, 1), *some(world.maple, 1), *some(palm, 1)]
    for store in stores:
        refuse(store, "bad_credentials")
    look(minutes(2))
    look(minutes(600))
    assert find_outage("wish").ended_at is None


def refuse(store: Store, fault: str, *, at=NOON) -> None:
    """The grant is dead."""
    with tenant_scope(store.tenant_id):
        row = store.authorization
        type(row).objects.filter(pk=row.pk).update(
            state="needs_relink", fault=fault, fault_at=at
        )  # fmt: skip
        Store.objects.filter(pk=store.pk).update(state="needs_relink")


# --- how it ends


def test_it_ends_below_half_of_what_opens_it(world):
    stores = some(world.lotus, 4) + some(world.maple, 4)
    some(world.lotus, 8)
    fail_all(stores)
    look(minutes(2))
    for store in stores[:5]:
        work_again(store, at=minutes(9))
    look(minutes(10))
    assert find_outage("wish").stores == 3, "3 of 16: fewer than would open it"
    work_again(stores[5], at=minutes(11))
    look(minutes(12))
    assert open_outages() == {}
    assert Outage.objects.get().ended_at == minutes(12)


def test_one_that_comes_back_soon_is_the_same_one(world):
    stores = some(world.lotus, 2) + some(world.maple, 1)
    fail_all(stores)
    look(minutes(2))
    for back in (minutes(20), minutes(60)):
        for store in stores:
            work_again(store, at=back - timedelta(minutes=11))
        look(back - timedelta(minutes=10))
        fail_all(stores, since=back)
        look(back)
    assert [(o.since, o.ended_at) for o in Outage.objects.all()] == [(NOON, None)]
    for store in stores:
        work_again(store, at=minutes(99))
    look(minutes(100))
    fail_all(stores, since=minutes(120))
    look(minutes(121))
    assert [o.since for o in Outage.objects.order_by("pk")] == [NOON, minutes(120)]


def test_it_ends_when_the_stores_are_gone(world):
    stores = some(world.lotus, 2) + some(world.maple, 1)
    fail_all(stores)
    look(minutes(2))
    with all_tenants("all are given up"):
        Store.objects.update(state="unlinked")
    look(minutes(3))
    assert open_outages() == {}


# --- what people are told


def test_notices_say_that_it_is_not_the_seller(world):
    stores = some(world.lotus, 2) + some(world.maple, 1)
    alone = linked(world.lotus, platform="lazada")
    fail_all([*stores, alone])
    look(minutes(31))
    assert {n.store_id: n.data["outage"] for n in told()} == {
        **{store.pk: True for store in stores}, alone.pk: False,
    }  # fmt: skip
    since = {n.store_id: n.data.get("outage_since") for n in told()}
    assert since == {**{store.pk: NOON.isoformat() for store in stores}, alone.pk: None}


def test_all_who_are_hit_are_told_in_one_go(world):
    stores = some(world.lotus, 6) + some(world.maple, 2)
    for number, store in enumerate(stores):
        fail(store, "platform_down", since=minutes(number))
    look(minutes(31))
    assert told() == []
    look(minutes(32))  # the outage began with the third of them
    assert len(told()) == len(troubles()) == 8


def test_workers_that_count_at_once_open_one(world):
    fail_all(some(world.lotus, 2) + some(world.maple, 1))
    for _ in range(3):
        look(minutes(2))
    assert Outage.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_workers_that_count_at_the_same_moment_open_and_close_one(world):
    stores = some(world.lotus, 2) + some(world.maple, 1)
    fail_all(stores)
    together(lambda: look(minutes(2)), times=4)
    assert len(open_outages()) == 1
    for store in stores:
        work_again(store, at=minutes(9))
    together(lambda: look(minutes(10)), times=4)
    assert [o.ended_at for o in Outage.objects.all()] == [minutes(10)]
