"""Who is told that a store broke, when, and that it works again: each once."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import DatabaseError, connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from platforms import tasks
from platforms.errors import Fault
from platforms.flows import manage_store, watch
from platforms.flows.break_authorization import break_authorization
from platforms.models import Authorization, Outage, Stream, TimelineEntry, Trouble
from tenants.models import Event, Store
from tenants.scope import all_tenants, tenant_scope
from tenants.verbs import sentence
from tests.support.factories import NOON, make_authorization, make_store, make_stream
from tests.support.linking import link_store
from tests.support.together import together
from tests.support.watching import (
    fail,
    fail_refresh,
    lines,
    linked,
    look,
    minutes,
    told,
    troubles,
    work_again,
)
from tests.support.wire import emulated


@pytest.fixture
def shop(world) -> Store:
    return linked(world.lotus)


def kill_grant(store: Store, *, at=NOON, fault=Fault.TOKEN_REVOKED) -> None:
    with tenant_scope(store.tenant_id):
        row = Authorization.objects.get(pk=store.authorization_id)
        assert break_authorization(authorization=row, fault=fault, detail="HTTP 401", now=at)


def relink(store: Store) -> None:
    with tenant_scope(store.tenant_id):
        Authorization.objects.filter(pk=store.authorization_id).update(
            state="active", fault="", fault_at=None
        )
        Store.objects.filter(pk=store.pk).update(state="active")
        Stream.objects.filter(store=store).update(fault="", failures=0, failing_since=None)


def test_nothing_is_told_of_stores_that_work(shop):
    assert look() == 0
    assert troubles() == told() == []


def test_a_dead_grant_is_told_at_once_and_audited_once(shop):
    kill_grant(shop)
    assert look(minutes(1)) == 1

    (trouble,) = troubles()
    assert (trouble.store, trouble.fault, trouble.detail) == (shop, "token_revoked", "HTTP 401")
    assert (trouble.began_at, trouble.ended_at) == (NOON, None)
    (notice,) = told()
    assert (notice.occasion, notice.key) == ("broke", f"broke:{trouble.public_id}")
    assert (notice.store, notice.authorization_id) == (shop, shop.authorization_id)
    assert notice.data == {"since": NOON.isoformat(), "outage": False}
    assert lines(shop) == [("broke", "token_revoked")]
    with tenant_scope(shop.tenant_id):
        assert Event.objects.filter(verb="store.broke").count() == 1


def test_looking_again_says_nothing_new(shop):
    kill_grant(shop)
    look(minutes(1))
    assert [look(minutes(m)) for m in (1, 2, 600)] == [0, 0, 0]
    assert len(told()) == 1


@pytest.mark.parametrize(
    "fault", ["ip_not_whitelisted", "account_suspended", "clock_skew", "app_rejected", "unknown"]
)
def test_what_somebody_must_mend_is_told_after_two_tries(shop, fault):
    fail(shop, fault, tries=1)
    look()
    assert told() == []
    fail(shop, fault, tries=2)
    look(minutes(2))
    assert [(n.occasion, n.fault) for n in told()] == [("broke", fault)]


@pytest.mark.parametrize(
    ("fault", "after"),
    [
        ("platform_down", 30), ("network_unreachable", 30), ("tls_failed", 30),
        ("bad_response", 30), ("rate_limited", 120), ("quota_exhausted", 120),
    ],
)  # fmt: skip
def test_what_passes_by_itself_is_told_only_if_it_lasts(shop, fault, after):
    fail(shop, fault, tries=9)
    look(minutes(after - 1))
    assert troubles() == []
    look(minutes(after))
    assert [t.began_at for t in troubles()] == [NOON]
    assert [n.fault for n in told()] == [fault]


@pytest.mark.parametrize("state", ["paused", "unlinked", "linking"])
def test_stores_at_rest_are_no_trouble(shop, state):
    fail(shop, "unknown")
    with tenant_scope(shop.tenant_id):
        Store.objects.filter(pk=shop.pk).update(state=state)
    look()
    assert troubles() == []


def test_a_refresh_that_fails_is_no_trouble_while_the_token_works(shop):
    fail_refresh(shop, "platform_down", tries=20)
    look(minutes(600))
    assert troubles() == []
    with tenant_scope(shop.tenant_id):
        Authorization.objects.update(access_expires_at=minutes(599))
    look(minutes(600))
    assert [(t.fault, t.began_at) for t in troubles()] == [("platform_down", NOON)]


def test_a_refresh_that_we_must_mend_is_told_at_once(shop):
    fail_refresh(shop, "app_rejected")
    look()
    assert [t.fault for t in troubles()] == ["app_rejected"]


def test_of_two_failures_the_seller_is_told_what_he_can_mend(shop):
    fail(shop, "platform_down")
    fail_refresh(shop, "ip_not_whitelisted")
    look(minutes(60))
    assert [t.fault for t in troubles()] == ["ip_not_whitelisted"]


def test_all_stores_of_a_common_stream_are_in_trouble(world):
    row = make_authorization(world.lotus, platform="amazon")
    first, second = (
        make_store(world.lotus, platform="amazon", site=site, authorization=row)
        for site in ("DE", "FR")
    )
    make_stream(row, None, last_success_at=NOON)
    fail(first, "ip_not_whitelisted")
    look()
    assert {t.store_id for t in troubles()} == {first.pk, second.pk}
    work_again(first, at=minutes(9))
    look(minutes(10))
    assert [t.ended_at for t in troubles()] == [minutes(10)] * 2


def test_a_back_fill_that_fails_is_no_trouble(shop):
    with tenant_scope(shop.tenant_id):
        Stream.objects.update(ends_at=NOON)
    fail(shop, "unknown")
    look()
    assert troubles() == []


# --- healing


def test_a_store_that_pulls_again_is_told_as_healed(shop):
    fail(shop, "ip_not_whitelisted")
    look(minutes(5))
    work_again(shop, at=minutes(20))
    assert look(minutes(21)) == 1

    (trouble,) = troubles()
    assert trouble.ended_at == minutes(21)
    _, healed = told()
    assert (healed.occasion, healed.key) == ("healed", f"healed:{trouble.public_id}")
    assert healed.data == {"since": NOON.isoformat(), "until": minutes(21).isoformat()}
    assert lines(shop) == [("broke", "ip_not_whitelisted"), ("healed", "ip_not_whitelisted")]
    with tenant_scope(shop.tenant_id):
        event = Event.objects.get(verb="store.healed")
    assert sentence(event) == f"The store {shop.name} works again; it had stopped: " + (
        "ip_not_whitelisted."
    )
    assert look(minutes(22)) == 0


def test_a_store_linked_again_is_healed_by_its_first_pull(shop):
    kill_grant(shop)
    look()
    relink(shop)
    look(minutes(3))
    assert [t.ended_at for t in troubles()] == [None]
    work_again(shop, at=minutes(4))
    look(minutes(5))
    assert [n.occasion for n in told()] == ["broke", "healed"]


def test_a_store_is_not_healed_while_its_refresh_fails(shop):
    fail(shop, "ip_not_whitelisted")
    look()
    work_again(shop, at=minutes(5))
    fail_refresh(shop, "platform_down", since=minutes(5), tries=1)
    look(minutes(6))
    assert [t.ended_at for t in troubles()] == [None]


@pytest.mark.parametrize("give_up", [manage_store.pause_store, manage_store.unlink_store])
def test_a_store_given_up_ends_its_trouble_in_silence(shop, give_up):
    fail(shop, "ip_not_whitelisted")
    look()
    with tenant_scope(shop.tenant_id):
        give_up(store=shop, user=None, now=minutes(5))
    look(minutes(6))
    assert [t.ended_at for t in troubles()] == [minutes(6)]
    assert [n.occasion for n in told()] == ["broke"]


def test_another_fault_is_the_same_trouble(shop):
    fail(shop, "platform_down")
    look(minutes(30))
    fail(shop, "rate_limited", tries=9)
    look(minutes(121))
    assert [(t.fault, t.began_at) for t in troubles()] == [("rate_limited", NOON)]
    assert len(told()) == 1


def test_what_was_waited_for_and_now_needs_the_seller_is_told_once_more(shop):
    fail(shop, "platform_down")
    look(minutes(30))
    kill_grant(shop, at=minutes(40))
    look(minutes(41))
    (trouble,) = troubles()
    assert (trouble.fault, trouble.began_at) == ("token_revoked", NOON)
    assert [n.key for n in told()] == [
        f"broke:{trouble.public_id}", f"broke:{trouble.public_id}:token_revoked",
    ]  # fmt: skip


def test_a_fault_that_goes_to_and_fro_is_told_once(shop):
    for step in range(6):
        fail(shop, ("platform_down", "ip_not_whitelisted")[step % 2], tries=step + 2)
        look(minutes(60 + step))
    assert [n.fault for n in told()] == ["platform_down", "ip_not_whitelisted"]


# --- flapping


def flap(shop: Store) -> None:
    """Broken at NOON, healed at five past, broken again."""
    fail(shop, "clock_skew")
    look()
    work_again(shop, at=minutes(4))
    look(minutes(5))
    fail(shop, "clock_skew", since=minutes(8))
    look(minutes(10))


def test_a_store_that_breaks_again_at_once_goes_on_with_its_trouble(shop):
    flap(shop)
    work_again(shop, at=minutes(11))
    look(minutes(12))
    assert [(t.began_at, t.ended_at) for t in troubles()] == [(NOON, minutes(12))]
    assert [n.occasion for n in told()] == ["broke", "healed"]
    assert [moment for moment, _ in lines(shop)] == ["broke", "healed"] * 2


def test_a_store_that_broke_again_and_stays_broken_is_told_as_a_new_trouble(shop):
    flap(shop)
    look(minutes(19))
    assert [n.occasion for n in told()] == ["broke", "healed"]
    look(minutes(20))
    assert [(t.began_at, t.ended_at) for t in troubles()] == [
        (NOON, minutes(5)), (minutes(8), None),
    ]  # fmt: skip
    work_again(shop, at=minutes(30))
    look(minutes(31))
    assert [n.occasion for n in told()] == ["broke", "healed", "broke", "healed"]
    assert len({n.key for n in told()}) == 4


def test_another_fault_soon_after_healing_is_a_trouble_of_its_own(shop):
    fail(shop, "clock_skew")
    look()
    work_again(shop, at=minutes(4))
    look(minutes(5))
    fail(shop, "ip_not_whitelisted", since=minutes(6))
    look(minutes(7))
    assert [n.occasion for n in told()] == ["broke", "healed", "broke"]


# --- many


def test_each_company_is_told_of_its_own_stores(world):
    ours, theirs = linked(world.lotus), linked(world.maple)
    for store in (ours, theirs):
        fail(store, "ip_not_whitelisted")
    look()
    assert {(n.tenant_id, n.store_id) for n in told()} == {
        (world.lotus.pk, ours.pk), (world.maple.pk, theirs.pk),
    }  # fmt: skip


def test_stores_about_which_nothing_changed_cost_no_query(world):
    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as seen:
            assert look(minutes(1)) == 0
        return len(seen)

    def failing(count: int) -> None:
        for number in range(count):
            store = linked(world.lotus)
            fail(store, ("rate_limited", "unknown")[number % 2])
        look()

    failing(10)
    few = queries()
    failing(30)
    assert queries() == few


def test_one_store_that_cannot_be_told_does_not_hold_up_the_others(world):
    cursed, fine = linked(world.lotus), linked(world.lotus)
    for store in (cursed, fine):
        fail(store, "ip_not_whitelisted")

    def refuse(execute, sql, params, many, context):
        if sql.startswith("INSERT") and "platforms_trouble" in sql and cursed.pk in params:
            raise DatabaseError("a disk is full")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(refuse), pytest.raises(ExceptionGroup):
        look()
    assert [t.store_id for t in troubles()] == [fine.pk]
    look(minutes(1))
    assert len(troubles(cursed)) == 1


def test_no_more_than_the_limit_is_told_in_one_round(world):
    for _ in range(5):
        fail(linked(world.lotus), "ip_not_whitelisted")
    assert watch.work(now=NOON, limit=3) == 3
    assert tasks.pump_watch(limit=1) == 2
    assert len(told()) == 5


@pytest.mark.django_db(transaction=True)
def test_workers_that_look_at_once_tell_once(world):
    stores = [linked(world.lotus) for _ in range(6)]
    for number, store in enumerate(stores):
        fail(store, ("ip_not_whitelisted", "platform_down")[number % 2])
    together(lambda: look(minutes(31)), times=4)
    for store in stores:
        work_again(store, at=minutes(40))
    together(lambda: look(minutes(41)), times=4)
    assert len(troubles()) == 6
    assert sorted(n.occasion for n in told()) == ["broke"] * 6 + ["healed"] * 6
    assert all(
        [moment for moment, _ in lines(store)] == ["broke", "healed"] for store in stores
    )  # fmt: skip


# --- from the marketplace to the notice


def test_a_disturbance_at_the_marketplace_is_told_and_its_end_too(world):
    with emulated() as market:
        with tenant_scope(world.lotus):
            (store,) = link_store(market, world.lotus, "ebay-lantern").stores
        tasks.pump_orders()
        market.control("knobs", where="ebay", set={"down": True})
        for _ in range(2):
            pull_now(store)
        look(timezone.now() + timedelta(minutes=29))
        assert told() == []
        look(timezone.now() + timedelta(minutes=31))
        assert [(n.occasion, n.fault) for n in told()] == [("broke", "platform_down")]
        market.control("knobs", where="ebay", set={"down": False})
        pull_now(store)
        tasks.pump_watch()
    assert [n.occasion for n in told()] == ["broke", "healed"]
    assert [m for m, _ in lines(store)] == ["linked", "refused", "broke", "healed"]


def test_a_revoked_permission_is_told_and_its_relinking_too(world):
    with emulated() as market:
        with tenant_scope(world.lotus):
            (store,) = link_store(market, world.lotus, "ozon-zarya").stores
        tasks.pump_orders()
        market.control("revoke", account="ozon-zarya")
        pull_now(store)
        tasks.pump_watch()
        assert [n.occasion for n in told()] == ["broke"]
        market.control("restore", account="ozon-zarya")
        relink(store)
        tasks.pump_watch()
        assert [n.occasion for n in told()] == ["broke"]
        pull_now(store)
        tasks.pump_watch()
    assert [n.occasion for n in told()] == ["broke", "healed"]


def pull_now(store: Store) -> None:
    past = timezone.now() - timedelta(minutes=10)
    with all_tenants("ten minutes pass"):
        Stream.objects.update(due_at=past, watermark=past)
    tasks.pump_orders()


def test_pausing_resuming_and_unlinking_are_lines_of_the_timeline(shop):
    with tenant_scope(shop.tenant_id):
        manage_store.pause_store(store=shop, user=None, now=NOON)
        shop.refresh_from_db()
        manage_store.resume_store(store=shop, user=None, now=NOON)
        manage_store.unlink_store(store=shop, user=None, now=NOON)
        manage_store.unlink_store(store=shop, user=None, now=NOON)
    assert [moment for moment, _ in lines(shop)] == ["paused", "resumed", "unlinked"]


# --- retention


def test_what_is_long_over_is_forgotten(shop):
    with tenant_scope(shop.tenant_id):
        for days in (179, 181):
            at = NOON - timedelta(days=days)
            TimelineEntry.objects.create(
                tenant_id=shop.tenant_id, authorization_id=shop.authorization_id, moment="linked",
                first_at=at, last_at=at,
            )  # fmt: skip
        for ended in (NOON - timedelta(days=399), NOON - timedelta(days=401), None):
            began = NOON - timedelta(days=500)
            Trouble.objects.create(
                tenant_id=shop.tenant_id, store=shop, fault="unknown", began_at=began,
                ended_at=ended,
            )  # fmt: skip
            Outage.objects.create(platform="ebay", fault="unknown", since=began, ended_at=ended)
    with all_tenants("as the pump"):
        assert watch.expire_watching(now=NOON) == 3
        assert TimelineEntry.objects.count() == 1
    assert [t.ended_at for t in troubles()] == [NOON - timedelta(days=399), None]
    assert Outage.objects.count() == 2
