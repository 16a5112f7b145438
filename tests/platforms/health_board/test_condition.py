"""The rule by which a store is in one condition: the same in Python and in SQL."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest
from django.utils import timezone

from platforms import health
from platforms.errors import Fault
from platforms.health.condition import GROUPS, Condition, rank_of, with_condition
from platforms.health.words import TONES, next_step, state_words
from platforms.models import Authorization
from tenants.models import Store
from tenants.scope import tenant_scope
from tests.platforms.health_board.scenes import broken, linked, outage
from tests.support.factories import make_store, make_stream

SELLER = [
    "token_expired", "token_revoked", "insufficient_scope", "bad_credentials", "wrong_environment",
    "ip_not_whitelisted", "account_suspended", "consent_denied", "shop_mismatch",
]  # fmt: skip
SUPPORT = ["clock_skew", "invalid_request", "app_rejected", "unknown"]
PASSES = ["platform_down", "network_unreachable", "tls_failed", "bad_response"]
LIMITS = ["rate_limited", "quota_exhausted"]


@pytest.fixture
def lotus(world):
    with tenant_scope(world.lotus):
        Store.objects.all().delete()
        yield world.lotus


def found(store: Store, **step: bool):
    """(words, what to do next) of the store as it is now."""
    row = Store.objects.select_related("authorization__app", "tenant").get(pk=store.pk)
    each = health.of_store(row, now=timezone.now())
    rights = {"manages": True, "operates": True, **step}
    return state_words(each), next_step(each, **rights)


@pytest.mark.parametrize(
    ("faults", "condition"),
    [
        (SELLER, Condition.NEEDS_SELLER),
        (SUPPORT, Condition.NEEDS_SUPPORT),
        (PASSES, Condition.DISTURBED),
        (LIMITS, Condition.THROTTLED),
    ],
)
def test_each_fault_belongs_to_who_has_to_act(lotus, faults, condition):
    for fault in faults:
        each = health.of_store(linked(lotus, fault=fault), now=timezone.now())
        assert each.condition == condition, fault


def test_every_fault_is_in_one_of_the_lists_above():
    assert sorted(SELLER + SUPPORT + PASSES + LIMITS) == sorted(Fault)


def test_every_condition_that_is_shown_is_in_one_group_and_has_a_tone():
    grouped = [each for inside in GROUPS.values() for each in inside]
    assert sorted(grouped) == sorted(set(Condition) - {Condition.UNLINKED})
    assert set(TONES) == set(Condition)


WORDS = {
    "token_expired": ("Waits for you: access expired", "relink"),
    "token_revoked": ("Waits for you: permission ended", "relink"),
    "insufficient_scope": ("Waits for you: permission missing", "relink"),
    "bad_credentials": ("Waits for you: keys refused", "relink"),
    "wrong_environment": ("Waits for you: keys of the test environment", "relink"),
    "ip_not_whitelisted": ("Waits for you: network address not allowed", "diagnose"),
    "account_suspended": ("Waits for you: account suspended", "diagnose"),
    "consent_denied": ("Waits for you: permission not given", "relink"),
    "shop_mismatch": ("Waits for you: another shop", "relink"),
    "clock_skew": ("Waits for us: clocks differ", "diagnose"),
    "invalid_request": ("Waits for us: request refused", "diagnose"),
    "app_rejected": ("Waits for us: application refused", "diagnose"),
    "unknown": ("Waits for us: unknown failure", "diagnose"),
    "platform_down": ("We keep trying: platform disturbed", "wait"),
    "network_unreachable": ("We keep trying: platform not reachable", "wait"),
    "tls_failed": ("We keep trying: connection not secure", "wait"),
    "bad_response": ("We keep trying: unreadable answer", "wait"),
    "rate_limited": ("Waits its turn: slowed down by the platform", "wait"),
    "quota_exhausted": ("Waits its turn: daily quota used up", "wait"),
}


@pytest.mark.parametrize("fault", list(Fault))
def test_an_active_store_says_its_fault_and_the_one_thing_to_do(lotus, fault):
    words, step = found(linked(lotus, fault=fault))
    assert (words, step.next) == WORDS[fault]


@pytest.mark.parametrize("fault", ["token_revoked", "bad_credentials", "insufficient_scope"])
def test_a_dead_grant_needs_relinking_and_says_why(lotus, fault):
    words, step = found(broken(lotus, fault=fault))
    why = WORDS[fault][0].removeprefix("Waits for you: ")
    assert (words, step.next) == (f"Needs relinking: {why}", "relink")


def test_a_store_in_order_is_working_and_needs_nothing(lotus):
    words, step = found(linked(lotus, store={"linked_at": timezone.now() - timedelta(days=2)}))
    assert (words, step.words, step.label) == ("Working", "All well", "")


def test_a_permission_that_ends_is_counted_down(lotus):
    ends = timezone.now() + timedelta(days=5, hours=1)
    words, step = found(linked(lotus, grant={"consent_expires_at": ends}))
    assert (words, step.next) == ("Working, permission ends in 5 days", "renew")


def test_a_refresh_token_that_each_refresh_renews_ends_nothing(lotus):
    soon = timezone.now() + timedelta(days=2)
    words, _ = found(linked(lotus, platform="ozon", grant={"refresh_expires_at": soon}))
    assert words == "Working"
    words, _ = found(linked(lotus, platform="ebay", grant={"refresh_expires_at": soon}))
    assert words.startswith("Working, permission ends")


def test_a_store_without_a_success_is_at_its_first_pull(lotus):
    words, step = found(linked(lotus, stream={"last_success_at": None}))
    assert (words, step.next) == ("First pull under way", "wait")


def test_orders_that_are_old_although_nothing_fails_are_said(lotus):
    late = timezone.now() - timedelta(hours=3, minutes=1)
    words, step = found(linked(lotus, stream={"watermark": late}))
    assert (words, step.next) == ("Catching up, 3 hours behind", "wait")


def test_a_paused_store_can_be_resumed_and_relinked_where_its_grant_died(lotus):
    paused = linked(lotus, store={"state": "paused"})
    words, step = found(paused)
    assert (words, step.next) == ("Paused", "resume")
    Authorization.objects.filter(pk=paused.authorization_id).update(state="needs_relink")
    words, step = found(paused)
    assert (words, step.next) == ("Paused, and needs relinking to go on", "relink")


def test_an_unlinked_store_is_neither_well_nor_ill(lotus):
    words, step = found(linked(lotus, fault="unknown", store={"state": "unlinked"}))
    assert (words, step.label, step.words) == ("Unlinked", "", "")


def test_a_new_store_is_to_be_checked_once(lotus):
    _words, step = found(linked(lotus, store={"linked_at": timezone.now()}))
    assert step.next == "check"


def test_an_outage_says_since_when_and_that_it_is_not_the_seller(lotus):
    timezone.activate("Asia/Shanghai")
    at_home = timezone.localtime().replace(hour=0, minute=5)
    outage(since=at_home)
    words, step = found(linked(lotus, fault="platform_down"))
    assert (words, step.next) == ("eBay is disturbed since 00:05, not you", "wait")
    words, _ = found(linked(lotus, fault="tls_failed"))
    assert words == "We keep trying: connection not secure"  # another fault than the outage's


def test_keys_that_many_stores_are_refused_are_not_the_sellers(lotus):
    store = linked(lotus, fault="bad_credentials")
    assert found(store)[1].next == "relink"
    outage(fault="bad_credentials")
    words, step = found(store)
    assert words.startswith("Many stores at eBay fail since")
    assert step.next == "wait"


def test_an_outage_that_is_over_is_not_blamed(lotus):
    outage(ended_at=timezone.now())
    assert found(linked(lotus, fault="platform_down"))[0] == "We keep trying: platform disturbed"


@pytest.mark.parametrize(
    ("makes", "allowed"),
    [({"state": "paused"}, "manages"), ({"state": "needs_relink"}, "manages")],
)
def test_who_may_not_press_the_button_is_told_who_may(lotus, makes, allowed):
    store = linked(lotus, store=makes)
    assert found(store)[1].label
    step = found(store, **{allowed: False})[1]
    assert step.label == ""
    assert "owner or admin" in step.words


def test_python_and_sql_say_the_same_of_any_store(lotus):
    """The page is sorted and counted by SQL, and its rows are made by Python."""
    dice, now = random.Random(11), timezone.now()
    outage("ebay", "platform_down")
    outage("amazon", "bad_credentials")
    outage("ozon", "rate_limited")
    for _ in range(250):
        _anything(lotus, dice, now)
    outages = health.open_outages()
    rows = {row.pk: row for row in with_condition(Store.objects.all(), now=now, outages=outages)}
    stores = list(Store.objects.select_related("authorization__app", "tenant"))
    assert len(rows) == len(stores) > 250
    seen = set()
    for each in health.of_stores(stores, now=now):
        row = rows[each.store.pk]
        assert row.rank == rank_of(each.condition), (each.state, each.fault)
        assert row.fault_now == each.fault
        seen.add(each.condition)
    assert seen == set(Condition)


def _anything(tenant, dice: random.Random, now) -> None:
    def maybe(days: int):
        offset = timedelta(days=dice.randrange(-1, days), minutes=dice.randrange(1440))
        return dice.choice([None, now + offset])

    made = linked(
        tenant, platform=dice.choice(["ebay", "amazon", "ozon", "shopee"]),
        fault=dice.choice(["", "", dice.choice(list(Fault))]), now=now,
        grant={"refresh_expires_at": maybe(40), "consent_expires_at": maybe(40),
               "fault": dice.choice(["", "", "", dice.choice(list(Fault))])},
        store={"state": dice.choice(["active"] * 6 + ["paused", "needs_relink", "unlinked",
                                                      "linking"])},
        stream={"last_success_at": dice.choice([None, now, now]),
                "watermark": now - timedelta(minutes=dice.choice([1, 59, 61, 900]))},
    )  # fmt: skip
    if dice.random() < 0.1:
        make_stream(made.authorization, made, ends_at=now, fault="unknown")  # a back-fill
    if dice.random() < 0.1:
        make_store(tenant, platform=made.platform, authorization=None)
    if dice.random() < 0.1:  # another shop of the same account, without a stream of its own
        make_store(tenant, platform=made.platform, authorization=made.authorization)
