"""Shopee from the consent to orders, each shop with tokens of its own, against the emulator."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from platforms import credentials
from platforms.errors import Fault, NeedsSeller, PlatformError
from platforms.flows.pull_orders import pull_orders
from platforms.flows.refresh import Outcome, refresh
from platforms.models import Authorization, Order, Quarantined, Stream
from tenants.models import Store
from tests.support.linking import attempt_for, consent, link_store


def link(market, world, account, mode="authorization_code"):
    return link_store(market, world.lotus, account, mode=mode)


def pull(authorization):
    now = timezone.now()
    streams = Stream.objects.filter(authorization=authorization, finished_at=None)
    streams.update(due_at=now, leased_until=None)
    stream = Stream.claim_due(kind="orders", limit=1, now=now)[0]
    return pull_orders(stream=stream, now=now)


def test_one_shop_is_linked_and_pulled(market, world):
    market.control("orders/add", account="shopee-mango", n=120, spread_hours=5)
    linked = link(market, world, "shopee-mango")

    assert [(s.external_id, s.site) for s in linked.stores] == [("990300001", "SG")]
    assert linked.authorization.account_id == "990300001"
    assert linked.authorization.region == "global"
    ends = linked.authorization.consent_expires_at - timezone.now()
    assert timedelta(days=363) < ends < timedelta(days=366)

    pulled = pull(linked.authorization)

    known = {r["number"] for r in market.ask("orders?account=shopee-mango")["orders"]}
    assert pulled.created > 120
    assert set(Order.objects.values_list("number", flat=True)) <= known


def test_a_main_account_links_every_shop_with_a_chain_of_tokens_of_its_own(market, world):
    link(market, world, "shopee-lychee")
    rows = list(Authorization.objects.order_by("account_id"))
    assert [row.account_id for row in rows] == ["990300002", "990300003"]

    later = timezone.now() + timedelta(hours=3, minutes=50)
    for _round in range(2):
        for row in rows:
            row.refresh_from_db()
            done = refresh(authorization=row, now=later, used_generation=row.generation)
            assert done.outcome == Outcome.REFRESHED
    for row in rows:
        row.refresh_from_db()
        assert pull(row).created > 5
    secrets = [credentials.open_secrets(row)["refresh_token"] for row in rows]
    assert len(set(secrets)) == 2
    by_shop = dict(Order.objects.values_list("store__external_id", "currency"))
    assert by_shop == {"990300002": "MYR", "990300003": "PHP"}


def test_an_unreadable_order_is_put_aside_and_the_others_land(market, world):
    market.control("knobs", where="shopee-mango", set={"bad_record": True})
    linked = link(market, world, "shopee-mango")

    pull(linked.authorization)

    assert Quarantined.objects.exclude(number="").count() >= 1
    assert Order.objects.count() > 5


def test_the_tenants_own_application_is_tried_before_the_consent(market, world):
    linked = link(market, world, "shopee-mango", mode="own_app")
    assert linked.authorization.app.tenant == world.lotus

    market.control("rotate_secret", app="shopee-own-mango")
    with pytest.raises(PlatformError) as caught:
        attempt_for(world.lotus, "shopee-mango", mode="own_app", name="again")
    assert caught.value.fault == Fault.BAD_CREDENTIALS


def test_a_frozen_shop_cannot_be_linked(market, world):
    attempt = attempt_for(world.lotus, "shopee-frozen", mode="authorization_code")

    assert consent(market, attempt, "shopee-frozen").fault == Fault.ACCOUNT_SUSPENDED


def test_a_permission_taken_away_stops_the_store(market, world):
    linked = link(market, world, "shopee-mango")
    market.control("revoke", account="shopee-mango")

    with pytest.raises(NeedsSeller) as caught:
        pull(linked.authorization)

    assert caught.value.fault == Fault.TOKEN_REVOKED
    assert Store.objects.get(platform="shopee").state == "needs_relink"
