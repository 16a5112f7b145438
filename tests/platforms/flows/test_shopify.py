"""Shopify from the first click to the orders, against the emulator."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from platforms import credentials, registry
from platforms.errors import Fault, NeedsSeller, PlatformError, TryLater
from platforms.flows import consent, link, prepare_link
from platforms.flows.link_forms import BadInput
from platforms.flows.pull_orders import pull_orders
from platforms.flows.refresh import Outcome, open_channel, refresh
from platforms.models import Authorization, Order, Quarantined, Stream
from platforms.models.linking import AuthorizationState
from platforms.news import News, Push
from tests.support.linking import attempt_for, keys_of, link_store
from tests.support.wire import CALLBACK_BASE, callback_params

MODES = ["client_credentials", "authorization_code", "custom_distribution", "custom_app_token"]
LANTERN = "shopify-lantern"


def pull(authorization, *, later=timedelta(0)):
    now = timezone.now() + later
    Stream.objects.filter(authorization=authorization, finished_at=None).update(
        due_at=now, leased_until=None
    )
    (stream,) = Stream.claim_due(kind="orders", limit=1, now=now)
    return pull_orders(stream=stream, now=now)


def attempt_keys(world, account, **changes):
    attempt = attempt_for(world.lotus, account, mode="client_credentials")
    values = keys_of(account, "client_credentials") | changes
    return link.submit_keys(attempt=attempt, values=values, ip=None, now=timezone.now())


@pytest.mark.parametrize("mode", MODES)
def test_a_shop_is_linked_and_its_orders_arrive(market, world, mode):
    authorization = link_store(market, world.lotus, LANTERN, mode=mode).authorization

    pulled = pull(authorization)

    assert authorization.account_id == "66000001"
    assert pulled.finished
    assert pulled.created == Order.objects.count() > 5
    known = {row["number"] for row in market.ask(f"orders?account={LANTERN}")["orders"]}
    assert set(Order.objects.values_list("number", flat=True)) <= known
    assert not Quarantined.objects.exists()
    order = Order.objects.first()
    assert order.group_number.startswith("#1")
    assert (order.currency, order.status != "unknown") == ("USD", True)


def test_an_address_of_any_spelling_is_kept_as_the_shops_own(market, world):
    attempt = attempt_keys(
        world, LANTERN, shop_domain="https://admin.shopify.com/store/emu-lantern"
    )

    assert attempt.found["account_id"] == "66000001"


def test_an_address_elsewhere_is_refused_before_anything_is_sent(market, world):
    with pytest.raises(BadInput) as caught:
        attempt_keys(world, LANTERN, shop_domain="169.254.169.254")

    assert "shop_domain" in caught.value.errors
    assert market.wire.calls == []


@pytest.mark.parametrize(
    ("account", "changes", "fault"),
    [
        (LANTERN, {"client_secret": "shpss_00000000000000000000000000000000"}, "bad_credentials"),
        (LANTERN, {"shop_domain": "emu-nobody.myshopify.com"}, "invalid_request"),
        (LANTERN, {"shop_domain": "emu-harbour.myshopify.com"}, "bad_credentials"),
        ("shopify-agency-shop", {}, "bad_credentials"),
        ("shopify-no-orders", {}, "insufficient_scope"),
        ("shopify-frozen", {}, "account_suspended"),
    ],
)
def test_keys_that_open_nothing_are_explained(market, world, account, changes, fault):
    with pytest.raises(PlatformError) as caught:
        attempt_keys(world, account, **changes)

    assert caught.value.fault == fault


def test_a_callback_of_another_shop_is_refused(market, world):
    attempt = attempt_for(world.lotus, LANTERN, mode="authorization_code")
    url = consent.begin_consent(attempt=attempt, session="browser", now=timezone.now()).url
    other = url.replace("emu-lantern", "emu-harbour")
    back = market.consent(other, account="shopify-harbour")

    attempt = consent.finish_consent(
        platform="shopify",
        params=callback_params(back),
        session="browser",
        ip=None,
        now=timezone.now(),
    )

    assert attempt.fault == Fault.SHOP_MISMATCH


def test_the_consent_waits_for_the_shop_address(market, world):
    attempt = attempt_for(world.lotus, LANTERN, mode="authorization_code")

    assert prepare_link.is_prepared(attempt)
    assert attempt.given == {"shop_domain": "emu-lantern.myshopify.com"}


def test_the_pair_rotates_and_the_next_pull_uses_it(market, world):
    authorization = link_store(
        market, world.lotus, LANTERN, mode="authorization_code"
    ).authorization
    before = credentials.open_secrets(authorization)["refresh_token"]
    market.control("knobs", where=LANTERN, set={"rotate": "strict"})
    market.control("expire", platform="shopify")

    assert pull(authorization).finished

    fresh = Authorization.objects.get(pk=authorization.pk)
    assert credentials.open_secrets(fresh)["refresh_token"] != before


def test_a_token_of_a_day_is_minted_again(market, world):
    authorization = link_store(
        market, world.lotus, LANTERN, mode="client_credentials"
    ).authorization
    market.control("expire", platform="shopify")

    assert pull(authorization).finished


@pytest.mark.parametrize("mode", MODES)
def test_an_app_that_was_removed_ends_the_authorization(market, world, mode):
    authorization = link_store(market, world.lotus, LANTERN, mode=mode).authorization
    market.control("revoke", account=LANTERN)

    with pytest.raises(NeedsSeller):
        pull(authorization)

    fresh = Authorization.objects.get(pk=authorization.pk)
    assert fresh.state == AuthorizationState.NEEDS_RELINK


def test_refreshing_a_removed_app_says_so(market, world):
    authorization = link_store(
        market, world.lotus, LANTERN, mode="authorization_code"
    ).authorization
    market.control("revoke", account=LANTERN)

    result = refresh(
        authorization=authorization,
        now=timezone.now(),
        used_generation=authorization.generation,
    )

    assert (result.outcome, result.fault) == (Outcome.NEEDS_RELINK, Fault.TOKEN_REVOKED)


def test_throttled_answers_wait_and_lose_nothing(market, world):
    authorization = link_store(market, world.lotus, LANTERN).authorization
    market.control("knobs", where=LANTERN, set={"throttle": True, "retry_after": 7})

    with pytest.raises(TryLater) as caught:
        pull(authorization)

    assert caught.value.fault is Fault.RATE_LIMITED
    assert caught.value.retry_after == timedelta(seconds=7)


def test_orders_that_move_while_they_are_paged_are_not_lost(market, world):
    market.control("orders/add", account=LANTERN, n=60, spread_hours=10)
    authorization = link_store(market, world.lotus, LANTERN).authorization
    market.control("knobs", where=LANTERN, set={"drift": True})

    pull(authorization)
    market.control("knobs", where=LANTERN, set={"drift": False})
    pull(authorization, later=timedelta(minutes=10))

    rows = market.ask(f"orders?account={LANTERN}")["orders"]
    since = (timezone.now() - timedelta(hours=10)).isoformat()
    fresh = {row["number"] for row in rows if row["changed_at"] >= since}
    assert fresh <= set(Order.objects.values_list("number", flat=True))


def test_a_status_nobody_knows_is_kept_by_its_own_word(market, world):
    authorization = link_store(market, world.lotus, LANTERN).authorization
    market.control("knobs", where=LANTERN, set={"unknown_status": True})

    pull(authorization)

    words = set(Order.objects.filter(status="unknown").values_list("platform_status", flat=True))
    assert words == {"PAID_IN_SHELLS"}


def test_a_bad_record_is_put_aside_and_the_rest_lands(market, world):
    authorization = link_store(market, world.lotus, LANTERN).authorization
    market.control("knobs", where=LANTERN, set={"bad_record": True})

    pulled = pull(authorization)

    assert pulled.finished
    assert Quarantined.objects.count() >= 1
    assert Order.objects.count() > 5


def test_pushes_are_asked_for_once_signed_and_given_up(market, world):
    authorization = link_store(
        market, world.lotus, LANTERN, mode="authorization_code"
    ).authorization
    hooks = registry.get("shopify").webhooks
    address = f"{CALLBACK_BASE}/push/somewhere/"
    now = timezone.now()

    with open_channel(authorization, now=now) as call:
        ids = hooks.register(call, address=address, now=now)
        again = hooks.register(call, address=address, now=now)
        market.control("orders/add", account=LANTERN, n=1)
        sent = market.emulator.state.outbox.pop()
        headers = {name.lower(): value for name, value in sent.headers.items()}
        push = Push(method="POST", address=address, headers=headers, body=sent.body)
        genuine = hooks.is_genuine(push, call.account, None)
        hooks.unregister(call, ids)
        left = hooks.register(call, address=address, now=now)

    assert ids == again
    assert genuine
    assert hooks.read(push)[0].news == News.ORDERS
    assert set(left.values()).isdisjoint(ids.values())
