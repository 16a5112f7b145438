"""AliExpress from consent to orders, through the emulator."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from platforms.errors import Fault, NeedsSeller, PlatformError
from platforms.flows import prepare_link
from platforms.flows.pull_orders import pull_orders
from platforms.models import App, Authorization, Order, Quarantined, Stream
from tests.support.linking import attempt_for, consent, keys_of, link_store

HARBOR = "aliexpress-harbor"


def pull(*, later=timedelta(0)):
    now = timezone.now() + later
    Stream.objects.filter(finished_at=None).update(due_at=now, leased_until=None)
    return pull_orders(stream=Stream.claim_due(kind="orders", limit=1, now=now)[0], now=now)


def test_a_shop_is_linked_and_its_orders_arrive_with_addresses(market, world):
    authorization = link_store(market, world.lotus, HARBOR, mode="authorization_code").authorization

    assert pull().finished

    to_ship = Order.objects.filter(status="awaiting_shipment", fulfilment="merchant")
    assert to_ship.exists()
    assert all(order.ship_line1 for order in to_ship)
    assert {"delivered", "cancelled"} & set(Order.objects.values_list("status", flat=True))
    assert authorization.account_id == "2639900001"
    assert not Quarantined.objects.exists()


def test_all_that_changed_in_the_window_is_there_whatever_moves_meanwhile(market, world):
    market.control("orders/add", account=HARBOR, n=50, spread_hours=10, stage="shipped")
    market.control("knobs", where=HARBOR, set={"drift": True})
    link_store(market, world.lotus, HARBOR, mode="authorization_code")
    since = Stream.objects.get().watermark
    wanted = {
        row["number"]
        for row in market.ask(f"orders?account={HARBOR}")["orders"]
        if row["changed_at"] >= since.isoformat().replace("+00:00", "Z")
    }

    pull()
    market.control("knobs/clear", where=HARBOR)
    pull(later=timedelta(minutes=11))

    assert wanted - set(Order.objects.values_list("number", flat=True)) == set()


def test_a_second_pull_changes_nothing(market, world):
    link_store(market, world.lotus, HARBOR, mode="authorization_code")
    pull()

    again = pull(later=timedelta(minutes=11))

    assert (again.created, again.updated) == (0, 0)


def test_a_refresh_does_not_move_the_day_of_the_next_consent(market, world):
    link_store(market, world.lotus, HARBOR, mode="authorization_code")
    before = Authorization.objects.get()
    market.control("expire", account=HARBOR)

    pull()

    after = Authorization.objects.get()
    assert after.generation > before.generation
    assert after.consent_expires_at == before.consent_expires_at
    assert before.consent_expires_at - timezone.now() > timedelta(days=59)


def test_a_removed_permission_is_noticed_while_pulling(market, world):
    link_store(market, world.lotus, HARBOR, mode="authorization_code")
    market.control("revoke", account=HARBOR)

    with pytest.raises(NeedsSeller) as refused:
        pull()

    assert refused.value.fault == Fault.TOKEN_REVOKED
    assert Authorization.objects.get().state == "needs_relink"


def test_a_buyer_account_is_refused(market, world):
    attempt = attempt_for(world.lotus, "aliexpress-buyer", mode="authorization_code")

    attempt = consent(market, attempt, "aliexpress-buyer")

    assert attempt.fault == Fault.CONSENT_DENIED
    assert "buyerApp" in attempt.fault_detail


def test_a_tenants_own_application_links_the_shop(market, world):
    link_store(market, world.lotus, HARBOR, mode="own_app")

    assert pull().created
    assert Authorization.objects.get().app.tenant == world.lotus


def test_a_wrong_secret_is_told_before_the_consent(market, world):
    attempt = attempt_for(world.lotus, "aliexpress-harbor", mode="authorization_code")
    keys = keys_of(HARBOR, "own_app") | {"app_secret": "0123456789abcdef0123456789abcdef"}
    attempt.mode = "own_app"
    attempt.app = None
    attempt.save()

    with pytest.raises(PlatformError) as refused:
        prepare_link.prepare(attempt=attempt, values=keys, now=timezone.now())

    assert refused.value.fault == Fault.BAD_CREDENTIALS
    assert not App.objects.filter(tenant=world.lotus).exists()


def test_an_application_without_the_order_group_is_told_at_linking(market, world):
    attempt = attempt_for(world.lotus, "aliexpress-meadow", mode="own_app")

    assert consent(market, attempt, "aliexpress-meadow").fault == Fault.INSUFFICIENT_SCOPE


def test_unreadable_records_are_kept_aside(market, world):
    market.control("knobs", where=HARBOR, set={"bad_record": True})
    link_store(market, world.lotus, HARBOR, mode="authorization_code")

    assert pull().quarantined
    assert Order.objects.exists()


@pytest.mark.parametrize(
    ("knobs", "fault"),
    [
        ({"throttle": True, "retry_after": 90}, Fault.RATE_LIMITED),
        ({"suspended": True}, Fault.ACCOUNT_SUSPENDED),
        ({"block_ip": True}, Fault.IP_NOT_WHITELISTED),
        ({"down": True}, Fault.PLATFORM_DOWN),
    ],
)
def test_refusals_of_a_while_leave_the_grant_alone(market, world, knobs, fault):
    link_store(market, world.lotus, HARBOR, mode="authorization_code")
    market.control("knobs", where="aliexpress", set=knobs)

    with pytest.raises(PlatformError) as refused:
        pull()

    assert refused.value.fault == fault
    assert Authorization.objects.get().state == "active"
    assert Stream.objects.get().due_at > timezone.now()


def test_a_refreshed_grant_of_another_seller_is_not_taken(market, world):
    link_store(market, world.lotus, HARBOR, mode="authorization_code")
    market.control("expire", account=HARBOR)
    market.control("knobs", where=HARBOR, set={"wrong_account": "aliexpress-meadow"})

    with pytest.raises(PlatformError):
        pull()

    assert Authorization.objects.get().fault == Fault.SHOP_MISMATCH
    assert not Order.objects.exists()
