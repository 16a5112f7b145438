"""Each check in a world in which it fails, against the marketplaces of the emulator."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from django.test import override_settings
from django.utils import timezone

from platforms import credentials, ratelimit, registry
from platforms.diagnosis.probes import Certificate
from platforms.errors import Fault
from platforms.flows.diagnose import KEPT_OF_STORE, NotLinked, diagnose_store
from platforms.flows.manage_store import unlink_store
from platforms.models import (
    App,
    Authorization,
    CallStat,
    ClockOffset,
    Delivery,
    Diagnosis,
    Order,
    Outage,
)
from platforms.models.linking import PushState
from tenants.models import Store
from tenants.scope import tenant_scope
from tests.platforms.diagnosis.conftest import check, results

OZON, EBAY, SHOPIFY, TIKTOK, AMAZON = (
    "ozon-zarya", "ebay-lantern", "shopify-lantern", "tiktok_shop-lumen", "amazon-aurora-eu",
)  # fmt: skip


def grant_of(store: Store) -> Authorization:
    with tenant_scope(store.tenant_id):
        return Authorization.objects.select_related("app").get(pk=store.authorization_id)


def change(store: Store, **fields: object) -> None:
    with tenant_scope(store.tenant_id):
        Authorization.objects.filter(pk=store.authorization_id).update(**fields)


# --- all is well


@pytest.mark.parametrize(
    "account", [OZON, EBAY, SHOPIFY, TIKTOK, AMAZON, "aliexpress-harbor"]
)  # fmt: skip
def test_a_store_that_works_has_no_failing_check(link, diagnose, account):
    diagnosis = diagnose(link(account))
    assert diagnosis.verdict == "ok"
    assert "fail" not in results(diagnosis).values()
    assert results(diagnosis)["orders"] == results(diagnosis)["right_shop"] == "pass"


def test_looking_at_orders_keeps_none(link, diagnose, market, world):
    store = link(OZON)
    market.control("orders/add", account=OZON, n=3, ago_seconds=90)
    assert check(diagnose(store), "orders").facts["orders"] >= 0
    with tenant_scope(world.lotus):
        assert not Order.objects.exists()


def test_only_declared_hosts_and_our_own_are_looked_at(link, diagnose, net):
    diagnose(link(SHOPIFY))
    assert {url.split("/")[2] for _method, url in net.looks} <= {"emulator.test", "127.0.0.1:8000"}


def test_the_newest_twenty_are_kept(link, diagnose, world):
    store = link(OZON)
    with tenant_scope(world.lotus):
        for hours in range(KEPT_OF_STORE + 3):
            Diagnosis.objects.create(
                tenant=world.lotus, store=store, verdict="ok",
                at=timezone.now() - timedelta(hours=hours + 1),
            )  # fmt: skip
    newest = diagnose(store)
    with tenant_scope(world.lotus):
        kept = list(Diagnosis.objects.filter(store=store).order_by("-at"))
    assert len(kept) == KEPT_OF_STORE
    assert kept[0].pk == newest.pk


def test_an_unlinked_store_cannot_be_diagnosed(link, net, world):
    store = link(OZON)
    with tenant_scope(world.lotus):
        unlink_store(store=store, user=None, now=timezone.now())
        store.refresh_from_db()
        with pytest.raises(NotLinked):
            diagnose_store(store=store, user=None, now=timezone.now())


# --- the network


@pytest.mark.parametrize(
    ("seen", "failing", "fault"),
    [
        ({"failed": "dns", "why": "not_found"}, "dns", "network_unreachable"),
        ({"failed": "dns", "why": "timeout"}, "dns", "network_unreachable"),
        ({"failed": "tcp", "why": "refused"}, "connection", "network_unreachable"),
        ({"failed": "tcp", "why": "timeout"}, "connection", "network_unreachable"),
        ({"failed": "tls", "why": "unknown_issuer", "scheme": "https"}, "tls", "tls_failed"),
        ({"failed": "tls", "why": "expired", "scheme": "https"}, "tls", "tls_failed"),
    ],
)
def test_without_a_way_to_the_platform_it_is_not_asked(
    link, diagnose, net, market, seen, failing, fault
):
    store = link(OZON)
    market.wire.calls.clear()
    net.break_platform(**seen)
    diagnosis = diagnose(store)
    assert diagnosis.verdict == fault
    assert check(diagnosis, failing).result == "fail"
    assert check(diagnosis, "credentials").facts == {"of": failing}
    assert check(diagnosis, "right_shop").facts == {"of": "credentials"}
    assert market.wire.calls == []


def test_a_platforms_certificate_that_ends_is_a_warning(link, diagnose, net):
    ends = timezone.now() + timedelta(days=5, hours=1)
    shown = Certificate(names=("x",), issuer="CA", ends_at=ends, self_signed=False, chain=2)
    net.break_platform(scheme="https", certificate=shown)
    tls = check(diagnose(link(OZON)), "tls")
    assert (tls.result, tls.facts["days"]) == ("warn", 5)


def test_a_proxy_is_named_but_its_address_is_not(link, diagnose, net, monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://user:hunter2@proxy.example:3128")
    store = link(OZON)
    assert check(diagnose(store), "proxy").result == "pass"
    net.break_platform(failed="tcp", why="timeout")
    proxy = check(diagnose(store), "proxy")
    assert (proxy.result, proxy.facts) == ("warn", {"variables": ["HTTPS_PROXY"]})


@pytest.mark.parametrize(
    ("account", "skew", "result"),
    [
        (OZON, 0, "pass"), (OZON, 60, "warn"), (OZON, -60, "warn"), (OZON, 400, "fail"),
        (TIKTOK, 60, "warn"), (TIKTOK, -60, "fail"), ("aliexpress-harbor", 3600, "warn"),
    ],
)  # fmt: skip
def test_the_clock_is_held_against_the_platforms_own_limit(
    link, diagnose, market, account, skew, result
):
    store = link(account)
    market.control("knobs", where=store.platform, set={"skew": skew})
    clock = check(diagnose(store), "clock")
    assert clock.result == result
    # What is ahead at the platform is behind here; a second more or less is nobody's.
    assert abs(clock.facts["seconds"] * (1 if clock.facts["ahead"] else -1) + skew) < 3


def test_a_wrong_clock_explains_refused_signatures(link, diagnose, market):
    store = link(TIKTOK)
    market.control("knobs", where="tiktok_shop", set={"skew": 900})
    diagnosis = diagnose(store)
    assert check(diagnosis, "credentials").result == "fail"
    assert diagnosis.verdict == "clock_skew"


def test_without_a_date_the_last_measured_clock_counts(link, diagnose, net, market):
    store = link(OZON)
    ClockOffset.objects.update_or_create(
        pk="ozon", defaults={"seconds": -700.0, "measured_at": timezone.now()}
    )
    net.look = lambda url, method="HEAD", look=net.look: replace(
        look(url, method=method), ahead_s=None
    )
    clock = check(diagnose(store), "clock")
    assert (clock.result, clock.facts["seconds"], clock.facts["ahead"]) == ("fail", 700.0, False)
    ClockOffset.objects.update(measured_at=timezone.now() - timedelta(hours=3))
    assert check(diagnose(store), "clock").result == "skip"


# --- what the platform says


@pytest.mark.parametrize(
    ("account", "knobs", "fault"),
    [
        (OZON, {"block_ip": True}, "ip_not_whitelisted"),
        (OZON, {"throttle": True}, "rate_limited"),
        (EBAY, {"down": True}, "platform_down"),
        (SHOPIFY, {"garble": "html"}, "bad_response"),
        (SHOPIFY, {"suspended": True}, "account_suspended"),
        (EBAY, {"wrong_account": "ebay-willow"}, "shop_mismatch"),
    ],
)
def test_what_the_platform_refuses_is_the_verdict(link, diagnose, market, account, knobs, fault):
    store = link(account)
    market.control("knobs", where=store.platform, set=knobs)
    assert diagnose(store).verdict == fault


def test_an_expired_token_is_renewed_the_ordinary_way(link, diagnose, market):
    store = link(EBAY)
    before = grant_of(store)
    market.control("expire", platform="ebay")
    diagnosis = diagnose(store)
    assert diagnosis.verdict == "ok"
    assert grant_of(store).generation == before.generation + 1
    assert check(diagnosis, "token_state").facts["failures"] == 0


def test_a_permission_taken_back_asks_for_a_relink(link, diagnose, market):
    store = link(EBAY)
    market.control("revoke", account=EBAY)
    diagnosis = diagnose(store)
    assert diagnosis.verdict == "token_revoked"
    # The next one asks nobody: it is written down that the grant has ended.
    market.wire.calls.clear()
    assert diagnose(store).verdict == "token_revoked"
    assert market.wire.calls == []


def test_a_missing_role_is_named_with_what_it_opens(link, diagnose, market):
    store = link(OZON)
    market.control("knobs", where=OZON, set={"drop_scopes": "Posting FBO,"})
    scopes = check(diagnose(store), "scopes")
    assert (scopes.result, scopes.facts["missing"]) == ("fail", ["Posting FBO"])


def test_our_addresses_are_told_where_they_are_not_let_in(link, diagnose, market):
    store = link(OZON)
    with override_settings(OUTGOING_ADDRESSES=["198.51.100.7"]):
        known = check(diagnose(store), "outgoing_address")
        market.control("knobs", where="ozon", set={"block_ip": True})
        blocked = check(diagnose(store), "outgoing_address")
    assert (known.result, blocked.result) == ("pass", "fail")
    assert known.facts["addresses"] == blocked.facts["addresses"] == ["198.51.100.7"]


def test_keys_of_our_own_application_are_ours_to_mend(link, diagnose, market):
    store = link(EBAY)
    market.control("rotate_secret", app="ebay")
    market.control("expire", platform="ebay")
    change(store, access_expires_at=timezone.now() - timedelta(minutes=1))
    diagnosis = diagnose(store)
    assert diagnosis.verdict == "app_rejected"


def test_a_credential_that_does_not_open_is_for_support(link, diagnose):
    store = link(OZON)
    change(store, sealed_credential=b"nothing that opens")
    diagnosis = diagnose(store)
    assert diagnosis.verdict == "unknown"
    assert check(diagnosis, "key_format").code == "unopenable"


def test_stored_keys_of_an_unusual_form_are_a_hint_only(link, diagnose):
    store = link(OZON)
    grant = grant_of(store)
    secrets = {"client_id": "2174311", "api_key": "short-key"}
    with tenant_scope(store.tenant_id):
        change(store, sealed_credential=credentials.sealed(grant, secrets))
    diagnosis = diagnose(store)
    found = check(diagnosis, "key_format")
    assert (found.result, found.code) == ("warn", "unusual")
    assert found.facts["problems"] == [{"field": "api_key", "problem": "unusual"}]
    assert (diagnosis.verdict, "short-key" in str(diagnosis.checks)) == ("bad_credentials", False)


# --- what we know ourselves


def test_few_calls_left_are_spared_for_the_pull(link, diagnose):
    store = link(AMAZON)
    adapter, now = registry.get("amazon"), timezone.now()
    with tenant_scope(store.tenant_id):
        account = credentials.account_of(grant_of(store))
    for key, limit in ratelimit.buckets(adapter, adapter.orders_operation, account):
        ratelimit.hold(key, limit, until=now + timedelta(hours=2))
    diagnosis = diagnose(store)
    assert check(diagnosis, "orders").code == "spared"
    assert check(diagnosis, "rate_limit").code == "held"
    assert diagnosis.verdict == "rate_limited"


def test_calls_that_were_slowed_down_are_counted(link, diagnose):
    store = link(OZON)
    with tenant_scope(store.tenant_id):
        CallStat.objects.create(
            tenant_id=store.tenant_id, authorization_id=store.authorization_id,
            hour=timezone.now().replace(minute=0, second=0, microsecond=0), calls=4,
            fault=Fault.RATE_LIMITED,
        )  # fmt: skip
    limit = check(diagnose(store), "rate_limit")
    assert (limit.result, limit.facts["throttled"]) == ("warn", 4)


@pytest.mark.parametrize(("days", "result"), [(100, "pass"), (5, "warn"), (-3, "warn")])
def test_a_permission_that_ends_is_told_ahead(link, diagnose, days, result):
    store = link(EBAY)
    at = timezone.now() + timedelta(days=days, hours=1)
    change(store, consent_expires_at=at, refresh_expires_at=None)
    assert check(diagnose(store), "key_expiry").result == result


def test_a_secret_of_the_application_ends_too(link, diagnose, world):
    store = link(EBAY)
    change(store, consent_expires_at=None, refresh_expires_at=None)
    App.objects.filter(platform="ebay").update(
        secret_expires_at=timezone.now() + timedelta(days=2, hours=1)
    )
    found = check(diagnose(store), "key_expiry")
    assert (found.result, found.facts["what"], found.facts["days"]) == ("warn", "app_secret", 2)


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"refresh_failures": 3, "fault": "platform_down"}, "not_refreshed"),
        ({"in_flight_since": timezone.now() - timedelta(hours=1)}, "in_flight"),
        ({"refresh_expires_at": timezone.now() - timedelta(days=1)}, "refresh_over"),
    ],
)
def test_tokens_in_a_bad_state_are_a_warning_while_all_works(link, diagnose, fields, code):
    store = link(EBAY)
    change(store, **fields)
    found = check(diagnose(store), "token_state")
    assert (found.result, found.code) == ("warn", code)


# --- our own address


def own_address(net, **seen: object):
    net.broken["storelink.example"] = {"scheme": "https", **seen}
    return override_settings(BASE_URL="https://storelink.example")


def shown(*, days: int = 60, chain: int = 2) -> Certificate:
    return Certificate(
        names=("storelink.example",), issuer="CA", self_signed=False, chain=chain,
        ends_at=timezone.now() + timedelta(days=days, hours=1),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("seen", "result", "code"),
    [
        ({"certificate": shown()}, "pass", "good"),
        ({"certificate": shown(days=3)}, "warn", "ends_soon"),
        ({"failed": "dns", "why": "not_found"}, "fail", "dns"),
        ({"failed": "tcp", "why": "timeout"}, "warn", "not_reached"),
        ({"status": 502, "certificate": shown()}, "warn", "not_reached"),
        ({"failed": "tls", "why": "chain_incomplete"}, "fail", "chain_incomplete"),
        ({"failed": "tls", "why": "self_signed"}, "fail", "self_signed"),
        ({"failed": "tls", "why": "other_name"}, "fail", "other_name"),
        ({"failed": "tls", "why": "expired"}, "fail", "expired"),
    ],
)
def test_the_way_back_to_us(link, diagnose, net, seen, result, code):
    store = link(OZON)
    with own_address(net, **seen):
        diagnosis = diagnose(store)
    found = check(diagnosis, "callback")
    assert (found.result, found.code) == (result, code)
    # Orders come all the same: a broken way back is no reason for a verdict about this store.
    assert diagnosis.verdict == "ok"


def test_a_public_address_without_encryption_fails(link, diagnose, net):
    store = link(OZON)
    with override_settings(BASE_URL="http://storelink.example"):
        assert check(diagnose(store), "callback").code == "no_https"


def test_another_address_on_the_application_is_found(link, diagnose, net):
    store = link(SHOPIFY, mode="authorization_code")
    App.objects.update(redirect_uri="https://old.example/callback/")
    found = check(diagnose(store), "callback")
    assert (found.code, found.facts["registered"]) == (
        "other_redirect", "https://old.example/callback/",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("seen", "code"),
    [
        ({}, "fast"),
        ({"http_ms": 3_000}, "slow"),
        ({"http_ms": 9_000}, "too_slow"),
        ({"status": 403}, "other_answer"),
        ({"failed": "tls", "why": "chain_incomplete"}, "unreachable"),
        ({"failed": "tcp", "why": "timeout"}, "not_reached"),
    ],
)
def test_pushes_reach_us_fast_enough(link, diagnose, net, seen, code):
    store = link(SHOPIFY)
    change(store, pushes=PushState.ON)
    with own_address(net, certificate=shown(), **seen):
        diagnosis = diagnose(store)
    assert check(diagnosis, "webhook").code == code
    assert any(m == "POST" and "/push/shopify/" in url for m, url in net.looks)


def test_a_push_that_came_proves_what_cannot_be_measured(link, diagnose, net):
    store = link(SHOPIFY)
    change(store, pushes=PushState.ON)
    for key, state in (("a", "done"), ("b", "refused")):
        Delivery.objects.create(
            platform="shopify", authorization_id=store.authorization_id, key=key, state=state,
            received_at=timezone.now() - timedelta(hours=1), address="x",
        )  # fmt: skip
    with own_address(net, failed="tcp", why="timeout"):
        assert check(diagnose(store), "webhook").code == "comes"
    with own_address(net, certificate=shown()):
        found = check(diagnose(store), "webhook")
    assert (found.result, found.facts["refused"]) == ("warn", 1)


@pytest.mark.parametrize(
    ("state", "code"),
    [("none", "not_offered"), ("failed", "not_registered"), ("refused", "refused")],
)
def test_pushes_that_were_not_set_up(link, diagnose, state, code):
    store = link(SHOPIFY)
    change(store, pushes=state)
    assert check(diagnose(store), "webhook").code == code


# --- it is not you


def test_an_outage_explains_what_this_store_meets(link, diagnose, market):
    store = link(EBAY)
    since = timezone.now() - timedelta(minutes=20)
    Outage.objects.create(
        platform="ebay", fault="platform_down", since=since, stores=40, of_stores=50
    )
    assert check(diagnose(store), "outage").code == "elsewhere"
    market.control("knobs", where="ebay", set={"down": True})
    diagnosis = diagnose(store)
    assert diagnosis.verdict == "platform_down"
    assert check(diagnosis, "outage").facts["stores"] == 40


def test_in_an_outage_no_seller_is_told_to_link_again(link, diagnose, market):
    store = link(EBAY)
    Outage.objects.create(platform="ebay", fault="token_revoked", since=timezone.now())
    market.control("revoke", account=EBAY)
    assert diagnose(store).verdict == "platform_down"
