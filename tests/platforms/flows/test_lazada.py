"""Lazada from the consent to orders of several countries, against the emulator."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from platforms.errors import Fault, NeedsSeller
from platforms.flows.pull_orders import pull_orders
from platforms.models import Authorization, Order, Quarantined, Stream
from tenants.models import Store
from tests.support.linking import attempt_for, consent, link_store


def pull(authorization, *, later=timedelta(0)):
    now = timezone.now() + later
    streams = Stream.objects.filter(authorization=authorization, finished_at=None)
    count = streams.update(due_at=now, leased_until=None)
    for stream in Stream.claim_due(kind="orders", limit=count, now=now):
        pull_orders(stream=stream, now=now)


def test_one_consent_links_a_store_for_each_country_and_pulls_each_from_its_own(market, world):
    linked = link_store(market, world.lotus, "lazada-orchid", mode="authorization_code")

    assert sorted((s.site, s.external_id) for s in linked.stores) == [
        ("MY", "my:99020002"),
        ("SG", "sg:99020001"),
    ]
    assert Authorization.objects.count() == 1
    assert linked.authorization.account_id == "990200000001"
    assert linked.authorization.consent_expires_at > timezone.now() + timedelta(days=170)

    pull(linked.authorization)

    known = {r["number"] for r in market.ask("orders?account=lazada-orchid")["orders"]}
    by_site = {
        site: set(Order.objects.filter(store__site=site).values_list("number", flat=True))
        for site in ("SG", "MY")
    }
    assert all(len(numbers) > 5 for numbers in by_site.values())
    assert by_site["SG"] | by_site["MY"] <= known
    assert not by_site["SG"] & by_site["MY"]
    assert set(Order.objects.values_list("currency", flat=True)) == {"SGD", "MYR"}


def test_pages_that_drift_lose_no_order(market, world):
    market.control("orders/add", account="lazada-banyan", n=230, spread_hours=3)
    market.control("knobs", where="lazada-banyan", set={"drift": True})
    linked = link_store(market, world.lotus, "lazada-banyan", mode="authorization_code")
    recent = {
        r["number"]
        for r in market.ask("orders?account=lazada-banyan")["orders"]
        if r["changed_at"] > (timezone.now() - timedelta(hours=5)).isoformat()
    }

    pull(linked.authorization)

    missing = recent - set(Order.objects.values_list("number", flat=True))
    # Those that drifted past the end of the window are for the next pull.
    pull(linked.authorization, later=timedelta(minutes=10))
    assert len(missing) <= 6
    assert recent <= set(Order.objects.values_list("number", flat=True))


def test_an_unreadable_order_is_put_aside_and_the_others_land(market, world):
    market.control("knobs", where="lazada-banyan", set={"bad_record": True})
    linked = link_store(market, world.lotus, "lazada-banyan", mode="authorization_code")

    pull(linked.authorization)

    assert Quarantined.objects.exclude(number="").count() == 1
    assert Order.objects.count() > 5


def test_the_tenants_own_application_links_too_and_a_wrong_secret_is_told(market, world):
    linked = link_store(market, world.lotus, "lazada-banyan", mode="own_app")
    assert linked.authorization.app.tenant == world.lotus

    market.control("rotate_secret", app="lazada-own-banyan")
    attempt = attempt_for(world.lotus, "lazada-banyan", mode="own_app", name="again")
    attempt = consent(market, attempt, "lazada-banyan")
    assert attempt.fault == Fault.BAD_CREDENTIALS


@pytest.mark.parametrize(
    ("account", "fault"),
    [
        ("lazada-inactive", Fault.ACCOUNT_SUSPENDED),
        ("lazada-unsubscribed", Fault.INSUFFICIENT_SCOPE),
    ],
)
def test_a_seller_who_cannot_be_linked_is_told_why(market, world, account, fault):
    attempt = attempt_for(world.lotus, account, mode="authorization_code")

    attempt = consent(market, attempt, account)

    assert attempt.fault == fault


def test_a_permission_taken_away_stops_all_countries(market, world):
    linked = link_store(market, world.lotus, "lazada-orchid", mode="authorization_code")
    market.control("revoke", account="lazada-orchid")

    with pytest.raises(NeedsSeller) as caught:
        pull(linked.authorization)

    assert caught.value.fault == Fault.TOKEN_REVOKED
    assert set(Store.objects.filter(platform="lazada").values_list("state", flat=True)) == {
        "needs_relink"
    }
