"""Ozon by consent, from the button to the orders, through the emulator."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.utils import timezone

from platforms import credentials, registry
from platforms.flows import consent as consent_flow
from platforms.flows import link, prepare_link
from platforms.flows.confirm_link import confirm
from platforms.flows.link_forms import BadInput
from platforms.flows.pull_orders import pull_orders
from platforms.flows.refresh import Outcome, open_channel, refresh
from platforms.models import Authorization, Order, Stream
from platforms.news import News, Push
from tenants.models import Store
from tenants.scope import tenant_scope
from tests.support.linking import attempt_for, consent, keys_of, link_store
from tests.support.wire import callback_params

ZARYA = "ozon-zarya"
CONSENT = "authorization_code"
SCOPES = ("seller-api.posting-fbs", "seller-api.posting-fbo")


def come_back(market, world):
    attempt = attempt_for(world.lotus, ZARYA, mode=CONSENT, name="by_consent")
    return consent(market, attempt, ZARYA)


def pull(authorization):
    now = timezone.now()
    Stream.objects.filter(authorization=authorization, finished_at=None).update(
        due_at=now, leased_until=None
    )
    return pull_orders(stream=Stream.claim_due(kind="orders", limit=1, now=now)[0], now=now)


def reread(authorization):
    return Authorization.objects.get(pk=authorization.pk)


@pytest.mark.parametrize("mode", [CONSENT, "own_app"])
def test_a_consent_brings_the_shop_and_its_orders(market, world, mode):
    linked = link_store(market, world.lotus, ZARYA, mode=mode)

    grant, (store,) = linked.authorization, linked.stores
    assert (grant.account_id, store.external_id) == ("9900001", "9900001")
    assert tuple(grant.scopes_granted) == SCOPES
    assert timedelta(minutes=25) < grant.access_expires_at - timezone.now() < timedelta(minutes=31)
    assert set(credentials.open_secrets(grant)) == {"access_token", "refresh_token"}
    assert (grant.app.tenant_id is not None) == (mode == "own_app")
    pulled = pull(grant)
    assert pulled.seen >= Order.objects.filter(store=store).count() > 0
    assert {"fbs", "fbo"} <= {
        path.split("/")[-2] for _method, path in market.wire.calls if path.endswith("/list")
    }


def test_the_first_pull_shows_what_is_open_since_long(market, world):
    old = market.control("orders/add", account=ZARYA, n=12, ago_seconds=9 * 86_400, stage="new")
    linked = link_store(market, world.lotus, ZARYA)

    pull(linked.authorization)

    found = set(Order.objects.values_list("number", flat=True))
    # What Ozon ships itself is not the seller's to ship.
    assert len(found & set(old["numbers"])) > 3


def test_one_shop_is_linked_once_whichever_way(market, world):
    link_store(market, world.lotus, ZARYA, mode="api_key")

    attempt = come_back(market, world)

    assert attempt.fault_reason == "already_linked"


def test_a_declined_consent_changes_nothing(market, world):
    attempt = attempt_for(world.lotus, ZARYA, mode=CONSENT)
    before = Store.objects.count()

    url = consent_flow.begin_consent(attempt=attempt, session="b", now=timezone.now()).url
    back = market.consent(url, account=ZARYA, decision="decline")
    attempt = consent_flow.finish_consent(
        platform="ozon", params=callback_params(back), session="b", ip=None, now=timezone.now()
    )

    assert (attempt.fault, Store.objects.count()) == ("consent_denied", before)


def test_a_token_that_names_no_cabinet_still_finds_the_same_shop_again(market, world):
    linked = link_store(market, world.lotus, "ozon-expired", mode=CONSENT)
    assert linked.authorization.account_id.startswith("org-")

    attempt = link.start(
        tenant=world.lotus, user=None, platform="ozon", mode=CONSENT, now=timezone.now(),
        relinks=linked.authorization,
    )  # fmt: skip
    attempt = consent(market, attempt, "ozon-expired")
    again = confirm(attempt=attempt, user=None, now=timezone.now())

    assert again.relinked
    assert again.stores == linked.stores


def test_another_cabinet_does_not_take_a_stores_place(market, world):
    linked = link_store(market, world.lotus, ZARYA, mode=CONSENT)
    attempt = link.start(
        tenant=world.lotus, user=None, platform="ozon", mode=CONSENT, now=timezone.now(),
        relinks=linked.authorization,
    )  # fmt: skip

    assert consent(market, attempt, "ozon-bereza").fault_reason == "other_shop"


@pytest.mark.parametrize("rotate", ["off", "strict"])
def test_tokens_are_renewed_and_a_refresh_token_left_out_is_kept(market, world, rotate):
    grant = link_store(market, world.lotus, ZARYA, mode=CONSENT).authorization
    before = credentials.open_secrets(grant)
    market.control("knobs", where=ZARYA, set={"rotate": rotate})
    market.control("expire", platform="ozon")

    pull(grant)

    after = credentials.open_secrets(reread(grant))
    assert after["access_token"] != before["access_token"]
    assert (after["refresh_token"] == before["refresh_token"]) == (rotate == "off")


def test_a_disconnected_application_is_noticed(market, world):
    grant = link_store(market, world.lotus, ZARYA, mode=CONSENT).authorization
    market.control("revoke", account=ZARYA)

    result = refresh(authorization=grant, now=timezone.now(), used_generation=grant.generation)

    assert result.outcome == Outcome.NEEDS_RELINK
    assert reread(grant).fault == "token_revoked"


def test_a_wrong_secret_of_ones_own_application_is_told(market, world):
    attempt = attempt_for(world.lotus, ZARYA, mode="own_app")
    values = keys_of(ZARYA, "own_app") | {"client_secret": "not-the-secret-at-all"}
    attempt = prepare_link.prepare(attempt=attempt, values=values, now=timezone.now())

    assert consent(market, attempt, ZARYA).fault == "bad_credentials"


def test_the_shops_number_is_not_taken_for_an_application(world):
    with tenant_scope(world.lotus):
        attempt = link.start(
            tenant=world.lotus, user=None, platform="ozon", mode="own_app", now=timezone.now(),
            account_name="shop",
        )  # fmt: skip
        with pytest.raises(BadInput):
            prepare_link.prepare(
                attempt=attempt, values={"client_id": "9900001", "client_secret": "x" * 20},
                now=timezone.now(),
            )  # fmt: skip


def test_a_scope_that_was_not_given_is_named(market, world):
    market.control("knobs", where=ZARYA, set={"drop_scopes": ["seller-api.posting-fbo"]})

    attempt = come_back(market, world)

    assert attempt.found["missing"] == ["seller-api.posting-fbo"]


def test_pushes_are_asked_for_and_tell_of_changed_postings(market, world):
    grant = link_store(market, world.lotus, ZARYA, mode="api_key").authorization
    hooks = registry.get("ozon").webhooks
    address = "http://127.0.0.1:8000/hooks/ozon/0123456789abcdef0123456789abcdef/"
    with open_channel(grant, now=timezone.now()) as call:
        ids = hooks.register(call, address=address, now=timezone.now())
        assert hooks.register(call, address=address, now=timezone.now()) == ids
        account = call.account
    changed = market.control("orders/change", account=ZARYA, n=30)["numbers"]

    sent = list(market.emulator.state.outbox)
    ping, *rest = [Push(method=each.method, address=each.url, body=each.body) for each in sent]
    assert json.loads(hooks.challenge(ping, None).body)["name"] == "Storelink"
    assert rest
    for push in rest:
        assert hooks.challenge(push, None) is None
        assert hooks.is_genuine(push, account, None)
        (notice,) = hooks.read(push)
        assert notice.news is News.ORDERS
        assert notice.number in changed

    with open_channel(grant, now=timezone.now()) as call:
        hooks.unregister(call, ids)
    market.control("outbox/clear")
    market.control("orders/change", account=ZARYA, n=30)
    assert not market.emulator.state.outbox
