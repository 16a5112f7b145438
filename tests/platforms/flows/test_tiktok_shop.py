"""TikTok Shop from the consent to landed orders, against the emulator."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from platforms import credentials, registry
from platforms.emulator.accounts import ACCOUNTS
from platforms.errors import PlatformError
from platforms.flows import consent as consent_flow
from platforms.flows.confirm_link import confirm
from platforms.flows.pull_orders import pull_orders
from platforms.models import Order, Stream
from platforms.news import News, Push
from platforms.transport import Channel
from tests.support.linking import attempt_for, consent, link_store

LUMEN, JASMIN, BASIL = "tiktok_shop-lumen", "tiktok_shop-jasmin", "tiktok_shop-basil"


def pull(*, later=timedelta(0)):
    """Every stream once."""
    now = timezone.now() + later
    Stream.objects.filter(finished_at=None).update(due_at=now, leased_until=None)
    claimed = Stream.claim_due(kind="orders", limit=10, now=now)
    return [pull_orders(stream=stream, now=now) for stream in claimed]


def known(market, account):
    since = timezone.now() - timedelta(days=1)
    rows = market.ask(f"orders?account={account}")["orders"]
    return {row["number"] for row in rows if row["changed_at"] >= since.isoformat()}


@pytest.mark.parametrize("account", [LUMEN, BASIL])
def test_a_shop_is_linked_and_its_orders_land(market, world, account):
    linked = link_store(market, world.lotus, account)

    pulled = pull()

    (store,) = linked.stores
    assert (store.site, store.external_id) == (
        ACCOUNTS[account].shops[0][2], ACCOUNTS[account].shops[0][0],
    )  # fmt: skip
    assert linked.authorization.account_id == ACCOUNTS[account].open_id
    assert linked.authorization.consent_expires_at > timezone.now() + timedelta(days=364)
    assert [each.quarantined for each in pulled] == [0]
    assert known(market, account) <= set(Order.objects.values_list("number", flat=True))
    assert not Order.objects.filter(status="unknown").exists()


def test_one_authorization_links_each_of_its_shops_and_pulls_them_apart(market, world):
    linked = link_store(market, world.lotus, JASMIN)

    pulled = pull()

    assert sorted(store.site for store in linked.stores) == ["DE", "GB"]
    assert len(pulled) == 2
    assert known(market, JASMIN) <= set(Order.objects.values_list("number", flat=True))
    currencies = set(Order.objects.values_list("store__site", "currency"))
    assert currencies == {("DE", "EUR"), ("GB", "GBP")}


def test_an_application_of_the_sellers_own_works_as_well(market, world):
    linked = link_store(market, world.lotus, JASMIN, mode="own_app")

    assert linked.authorization.app.tenant_id == world.lotus.pk
    assert linked.authorization.app.extra == {"service_id": "7000000000000000903"}
    assert sum(each.created for each in pull()) > 5


def test_a_secret_that_is_wrong_is_told_when_the_seller_comes_back(market, world):
    attempt = attempt_for(world.lotus, JASMIN, mode="own_app")
    url = consent_flow.begin_consent(attempt=attempt, session="b", now=timezone.now()).url
    market.control("rotate_secret", app="tiktok_shop-own")

    attempt = consent(market, attempt, JASMIN)

    assert url.startswith("http://emulator.test/tiktok_shop/consent-row/open/authorize?")
    assert attempt.fault == "bad_credentials"
    assert "e1e1" not in attempt.fault_detail


@pytest.mark.parametrize(
    ("account", "fault"),
    [("tiktok_shop-closed", "account_suspended"), ("tiktok_shop-creator", "consent_denied")],
)
def test_who_has_no_shop_to_link_is_told_why(market, world, account, fault):
    attempt = consent(market, attempt_for(world.lotus, account), account)

    assert attempt.fault == fault


def test_a_shop_whose_key_was_replaced_is_still_read(market, world):
    link_store(market, world.lotus, LUMEN)
    market.emulator.platforms["tiktok_shop"].renew_ciphers(LUMEN)

    (pulled,) = pull()

    assert pulled.created > 5


@pytest.mark.parametrize("account", [LUMEN, JASMIN])
def test_an_expired_token_is_renewed_in_the_middle_of_a_pull(market, world, account):
    link_store(market, world.lotus, account)
    market.control("expire", platform="tiktok_shop")

    assert all(pulled.created > 3 for pulled in pull())


def test_a_permission_that_is_missing_is_named_before_confirming(market, world):
    market.control("knobs", where=LUMEN, set={"drop_scopes": ["seller.order.info"]})

    attempt = consent(market, attempt_for(world.lotus, LUMEN), LUMEN)

    assert attempt.fault == ""
    assert attempt.found["missing"] == ["seller.order.info"]


@pytest.mark.parametrize(
    ("knob", "fault"),
    [
        ({"suspended": True}, "account_suspended"),
        ({"block_ip": True}, "ip_not_whitelisted"),
        ({"down": True}, "platform_down"),
        ({"garble": "html"}, "bad_response"),
        ({"drop_scopes": ["seller.authorization.info"]}, "insufficient_scope"),
    ],
)
def test_a_linking_that_meets_trouble_says_which(market, world, knob, fault):
    attempt = attempt_for(world.lotus, LUMEN)
    market.control("knobs", where=LUMEN, set=knob)

    assert consent(market, attempt, LUMEN).fault == fault


def test_a_clock_that_is_wrong_is_told_from_a_wrong_key(market, world):
    attempt = attempt_for(world.lotus, LUMEN)
    market.control("knobs", where="tiktok_shop", set={"skew": 400})

    assert consent(market, attempt, LUMEN).fault == "clock_skew"


def test_a_store_is_relinked_only_to_its_own_account(market, world):
    linked = link_store(market, world.lotus, LUMEN)
    market.control("knobs", where=LUMEN, set={"wrong_account": "tiktok_shop-jasmin"})

    again = attempt_for(world.lotus, LUMEN, relinks=linked.authorization)

    assert consent(market, again, LUMEN).fault == "shop_mismatch"
    market.control("knobs", where=LUMEN, set={"wrong_account": ""})
    right = consent(market, attempt_for(world.lotus, LUMEN, relinks=linked.authorization), LUMEN)
    assert right.fault == ""
    assert confirm(attempt=right, user=None, now=timezone.now()).relinked


def test_strictly_replaced_refresh_tokens_are_kept(market, world):
    market.control("knobs", where=LUMEN, set={"rotate": "strict"})
    link_store(market, world.lotus, LUMEN)

    for days in (0, 1):
        market.control("expire", platform="tiktok_shop")
        assert pull(later=timedelta(minutes=20 * days))[0].finished


def test_an_unknown_status_is_kept_verbatim(market, world):
    market.control("knobs", where=LUMEN, set={"unknown_status": True})
    link_store(market, world.lotus, LUMEN)
    pull()

    (odd,) = Order.objects.filter(status="unknown")
    assert odd.platform_status == "TELEPORTED"


def test_after_a_cancelled_authorization_the_seller_must_act(market, world):
    link_store(market, world.lotus, LUMEN)
    market.control("revoke", account=LUMEN)

    with pytest.raises(PlatformError) as raised:
        pull()

    assert raised.value.fault == "token_revoked"


def test_records_that_cannot_be_read_are_set_aside(market, world):
    market.control("knobs", where=BASIL, set={"bad_record": True})
    link_store(market, world.lotus, BASIL)

    (pulled,) = pull()

    assert pulled.quarantined == 1
    assert pulled.created >= 1


def outgoing(market):
    """What TikTok Shop sent us since the last look, with what it means."""
    tiktok = registry.get("tiktok_shop")
    sent = list(market.emulator.state.outbox)
    market.emulator.state.outbox.clear()
    for each in sent:
        headers = {name.lower(): value for name, value in each.headers.items()}
        push = Push(method=each.method, address=each.url, headers=headers, body=each.body)
        yield push, tiktok.webhooks.read(push)[0]


def test_pushes_are_set_for_each_shop_signed_and_understood(market, world):
    linked = link_store(market, world.lotus, JASMIN)
    tiktok = registry.get("tiktok_shop")
    account = credentials.account_of(linked.authorization)
    with Channel(tiktok, account) as call:
        ids = tiktok.webhooks.register(
            call, address="http://127.0.0.1:8000/hooks/x", now=timezone.now()
        )
    assert set(ids) == set(tiktok.webhooks.topics)

    added = market.control("orders/add", account=JASMIN, n=3)["numbers"]
    news = list(outgoing(market))
    assert [notice.number for _push, notice in news] == added
    assert all(tiktok.webhooks.is_genuine(push, account, None) for push, _notice in news)
    market.control("push", account=JASMIN, topic="UPCOMING_AUTHORIZATION_EXPIRATION")
    market.control("revoke", account=JASMIN)
    assert [(notice.news, notice.shop_id) for _push, notice in outgoing(market)] == [
        (what, shop[0]) for what in (News.EXPIRES, News.REVOKED) for shop in ACCOUNTS[JASMIN].shops
    ]


def test_pushes_end_when_they_are_given_back(market, world):
    linked = link_store(market, world.lotus, LUMEN)
    hooks = registry.get("tiktok_shop").webhooks
    account = credentials.account_of(linked.authorization)
    with Channel(registry.get("tiktok_shop"), account) as call:
        ids = hooks.register(call, address="http://127.0.0.1:8000/hooks/x", now=timezone.now())
        hooks.unregister(call, ids)

    market.control("orders/add", account=LUMEN, n=1)

    assert list(outgoing(market)) == []
