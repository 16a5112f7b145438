"""Wish from nothing to orders, and what goes wrong on the way."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from platforms import registry
from platforms.credentials import account_of
from platforms.errors import Fault, NeedsSeller, TryLater
from platforms.flows import consent as consent_flow
from platforms.flows import prepare_link
from platforms.flows.confirm_link import confirm
from platforms.flows.pull_orders import pull_orders
from platforms.flows.refresh import Outcome, open_channel, refresh
from platforms.models import App, Authorization, Order, Quarantined, Stream
from platforms.news import News, Push
from tenants.models import Store, StoreState
from tests.support.linking import attempt_for, consent, keys_of, link_store
from tests.support.wire import callback_params


def link(market, world, account="wish-coral", mode="private_app"):
    return link_store(market, world.lotus, account, mode=mode).authorization


def pull(authorization, *, later=timedelta(0)):
    now = timezone.now() + later
    Stream.objects.filter(authorization=authorization, finished_at=None).update(
        due_at=now, leased_until=None
    )
    return pull_orders(stream=Stream.claim_due(kind="orders", limit=1, now=now)[0], now=now)


@pytest.mark.parametrize("mode", ["private_app", "authorization_code"])
@pytest.mark.parametrize("account", ["wish-coral", "wish-pebble"])
def test_a_store_is_linked_and_its_orders_land(market, world, account, mode):
    authorization = link(market, world, account, mode)

    pulled = pull(authorization)

    assert pulled.finished
    assert pulled.created == Order.objects.count() > 5
    assert Quarantined.objects.count() == 0
    rows = market.ask(f"orders?account={account}")["orders"]
    assert set(Order.objects.values_list("number", flat=True)) <= {row["number"] for row in rows}
    assert pull(authorization, later=timedelta(minutes=6)).created == 0


def test_the_shop_has_its_name_and_number(market, world):
    authorization = link(market, world)

    store = Store.objects.get(authorization=authorization)
    assert (store.external_id, store.external_name) == (
        "5e20c0a1aaaaaaaaaaaaaaa1",
        "Coral Emulated Gadgets",
    )
    assert authorization.scopes_missing == []
    assert authorization.refresh_due_at < authorization.access_expires_at


def test_many_orders_of_one_moment_all_land(market, world):
    market.control("orders/add", account="wish-coral", n=450, ago_seconds=600)
    authorization = link(market, world)

    pull(authorization)

    rows = market.ask("orders?account=wish-coral")["orders"]
    assert len(rows) == 490
    assert Order.objects.count() >= 450
    assert Order.objects.values("number").distinct().count() == Order.objects.count()


def test_orders_that_change_during_the_pull_are_not_missed(market, world):
    market.control("orders/add", account="wish-coral", n=430, spread_hours=10)
    market.control("knobs", where="wish-coral", set={"drift": True})
    authorization = link(market, world)

    pull(authorization)
    market.control("knobs", where="wish-coral", set={"drift": False})
    pull(authorization, later=timedelta(minutes=15))

    assert Order.objects.count() >= 430


def test_a_consent_without_state_is_taken_by_the_attempt_it_is_said_to_belong_to(market, world):
    attempt = attempt_for(world.lotus, "wish-stateless", mode="private_app")
    url = consent_flow.begin_consent(attempt=attempt, session="b", now=timezone.now()).url
    params = callback_params(market.consent(url, account="wish-stateless"))
    assert set(params) == {"code"}

    attempt = consent_flow.finish_without_state(
        attempt=attempt, params=params, ip="203.0.113.7", now=timezone.now()
    )

    assert (attempt.step, attempt.unconfirmed) == ("confirm", True)
    assert confirm(attempt=attempt, user=None, now=timezone.now()).stores


def test_a_wrong_secret_is_told_and_keeps_the_attempt_open(market, world):
    attempt = attempt_for(world.lotus, "wish-coral", mode="private_app")
    values = {**keys_of("wish-coral", "private_app"), "client_secret": "not-the-secret-at-all"}
    attempt = prepare_link.prepare(attempt=attempt, values=values, now=timezone.now())

    attempt = consent(market, attempt, "wish-coral")

    assert (attempt.fault, attempt.is_open) == (Fault.BAD_CREDENTIALS, True)


@pytest.mark.parametrize(
    ("account", "fault"),
    [
        ("wish-disabled", Fault.ACCOUNT_SUSPENDED),
        ("wish-no-orders", Fault.INSUFFICIENT_SCOPE),
    ],
)
def test_an_account_that_cannot_give_orders_is_not_linked(market, world, account, fault):
    attempt = attempt_for(world.lotus, account, mode="private_app")

    attempt = consent(market, attempt, account)

    assert (attempt.step, attempt.fault) == ("authorize", fault)


def test_declining_is_told(market, world):
    attempt = attempt_for(world.lotus, "wish-coral", mode="authorization_code")
    url = consent_flow.begin_consent(attempt=attempt, session="b", now=timezone.now()).url
    back = market.consent(url, account="wish-coral", decision="decline")

    attempt = consent_flow.finish_consent(
        platform="wish", params=callback_params(back), session="b", ip=None, now=timezone.now()
    )

    assert attempt.fault == Fault.CONSENT_DENIED


def test_a_refresh_replaces_both_tokens_and_the_next_pull_uses_them(market, world):
    authorization = link(market, world)
    before = authorization.fingerprint

    result = refresh(
        authorization=authorization, now=timezone.now(), used_generation=authorization.generation
    )

    fresh = Authorization.objects.get(pk=authorization.pk)
    assert result.outcome == Outcome.REFRESHED
    assert fresh.fingerprint != before
    assert pull(fresh).finished


def test_an_expired_token_is_refreshed_on_the_way(market, world):
    authorization = link(market, world)
    market.control("expire", platform="wish", account="wish-coral")

    assert pull(authorization).finished
    assert Authorization.objects.get(pk=authorization.pk).generation == 2


def test_withdrawn_access_asks_for_a_relink(market, world):
    authorization = link(market, world)
    market.control("revoke", account="wish-coral")

    with pytest.raises(NeedsSeller) as raised:
        pull(authorization)

    assert raised.value.fault is Fault.TOKEN_REVOKED
    assert Store.objects.get(authorization=authorization).state == StoreState.NEEDS_RELINK


def test_our_own_application_is_asked_for_but_a_private_one_stays_the_tenants(market, world):
    link(market, world)

    (app,) = App.objects.filter(platform="wish")
    assert app.tenant == world.lotus
    assert app.redirect_uri == "http://127.0.0.1:8000/link/callback/wish/"


def test_a_private_application_is_told_of_orders_at_once(market, world):
    authorization = link(market, world)
    hooks = registry.get("wish").webhooks
    assert hooks.offered(account_of(authorization))
    address = "http://127.0.0.1:8000/push/wish/abc"
    with open_channel(authorization, now=timezone.now()) as call:
        ids = hooks.register(call, address=address, now=timezone.now())
        assert hooks.register(call, address=address, now=timezone.now()) == ids
    (number,) = market.control("orders/change", account="wish-coral", n=1)["numbers"]

    (sent,) = market.emulator.state.outbox
    headers = {name.lower(): value for name, value in sent.headers.items()}
    push = Push(method="POST", address=address, headers=headers, body=sent.body)

    assert hooks.is_genuine(push, account_of(authorization), None)
    (notice,) = hooks.read(push)
    assert (notice.news, notice.number) == (News.ORDERS, number)
    store = Store.objects.get(authorization=authorization)
    assert notice.shop_id == store.external_id


@pytest.mark.parametrize(
    ("account", "mode"), [("wish-pebble", "private_app"), ("wish-coral", "authorization_code")]
)
def test_pushes_are_not_offered_where_they_cannot_be_had(market, world, account, mode):
    authorization = link(market, world, account, mode)

    assert not registry.get("wish").webhooks.offered(account_of(authorization))


def test_a_record_that_cannot_be_read_is_quarantined_and_the_rest_lands(market, world):
    market.control("knobs", where="wish-coral", set={"bad_record": True})
    authorization = link(market, world)

    pulled = pull(authorization)

    assert (pulled.finished, Quarantined.objects.count()) == (True, 1)
    assert pulled.created > 5


def test_another_merchants_consent_does_not_renew_this_store(market, world):
    authorization = link(market, world)
    market.control("knobs", where="wish-coral", set={"wrong_account": "wish-pebble"})
    attempt = attempt_for(
        world.lotus, "wish-coral", mode="authorization_code", relinks=authorization
    )

    attempt = consent(market, attempt, "wish-coral")

    assert (attempt.fault, attempt.fault_reason) == (Fault.SHOP_MISMATCH, "other_shop")


def test_a_limit_is_waited_for_as_long_as_wish_says(market, world):
    authorization = link(market, world)
    market.control("knobs", where="wish-coral", set={"throttle": True, "retry_after": 300})

    with pytest.raises(TryLater) as raised:
        pull(authorization)

    assert raised.value.fault is Fault.RATE_LIMITED
    market.control("knobs", where="wish-coral", set={"throttle": False})
    calls = len(market.wire.calls)
    with pytest.raises(TryLater):
        pull(authorization)
    assert len(market.wire.calls) == calls  # held back without asking
