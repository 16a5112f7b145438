from __future__ import annotations

import base64

import pytest

from platforms import credentials, registry, vault
from platforms.models import App, Authorization, TenantKey
from tenants.models import StoreState
from tenants.scope import all_tenants, tenant_scope
from tests.platforms.commands.run import run
from tests.support.factories import make_authorization
from tests.support.linking import link_store, make_app

# --- platforms


def test_platforms_tells_how_each_is_linked(db):
    found = {each["code"]: each for each in run("platforms", "--json").json}
    assert set(found) == {adapter.code for adapter in registry.all_adapters()}
    modes = {mode["code"]: mode for mode in found["amazon"]["modes"]}
    fields = [field["name"] for field in modes["self_authorization"]["fields"]]
    assert fields == ["region", "client_id", "client_secret", "refresh_token", "seller_id"]
    assert modes["mws_keys"]["refused_why"]
    assert modes["self_authorization"]["refused_why"] is None
    assert {"sites", "capabilities", "scopes", "limits"} <= set(found["ebay"])


def test_platforms_without_json_is_for_people(db):
    assert "ozon" in run("platforms").out


# --- health


def test_health_is_a_list_of_all_linked_stores(world):
    with tenant_scope(world.lotus):
        type(world.rice).objects.filter(pk=world.rice.pk).update(state=StoreState.UNLINKED)
    found = run("health", "--json").json
    assert [each["store"] for each in found] == [
        "lotus/amazon/silk/DE", "lotus/ebay/tea/US", "maple/ebay/syrup/US",
    ]  # fmt: skip
    assert {
        "state", "access_expires_at", "last_success_at", "success_rate_24h", "headroom",
        "lag_seconds", "quarantined",
    } <= set(found[0])  # fmt: skip


def test_health_of_one_tenant_or_store(world):
    assert len(run("health", "--json", "--tenant=maple").json) == 1
    assert len(run("health", "--json", "--store=lotus/ebay/tea").json) == 1
    assert run("health", "--json", "--tenant=nobody").code == 2


# --- refresh_tokens


@pytest.fixture
def ebay(world, market) -> Authorization:
    with tenant_scope(world.lotus):
        return link_store(market, world.lotus, "ebay-lantern").authorization


def generation(authorization: Authorization) -> int:
    with tenant_scope(authorization.tenant_id):
        return Authorization.objects.get(pk=authorization.pk).generation


def test_all_tokens_are_refreshed_on_request(ebay):
    before = generation(ebay)
    ran = run("refresh_tokens", "--json")
    assert ran.json == {"refreshed": 1, "kept": 0, "failed": 0, "needs_relink": 0}
    assert generation(ebay) == before + 1


def test_with_due_a_fresh_token_is_kept(ebay):
    before = generation(ebay)
    assert run("refresh_tokens", "--due", "--json").json["kept"] == 1
    assert generation(ebay) == before


def test_one_store_is_refreshed_alone(world, ebay):
    make_authorization(world.maple)
    assert run("refresh_tokens", "--store=lotus/ebay/shop", "--json").json["refreshed"] == 1


def test_a_dead_grant_is_counted(market, ebay):
    market.control("revoke", account="ebay-lantern")
    assert run("refresh_tokens", "--json").json["needs_relink"] == 1


def test_keys_without_a_token_are_kept(world, market):
    with tenant_scope(world.lotus):
        link_store(market, world.lotus, "ozon-zarya")
    assert run("refresh_tokens", "--json").json["kept"] == 1


def test_an_unknown_store_is_code_2(world):
    assert run("refresh_tokens", "--store=lotus/ebay/none", "--json").code == 2


# --- rotate_keys


def key(key_id: str, fill: int) -> str:
    return f"{key_id}:{base64.b64encode(bytes([fill]) * 32).decode()}"


@pytest.fixture
def sealed(world, settings) -> Authorization:
    """An application and a credential, sealed with the key k1; k2 has been put in front."""
    settings.VAULT_KEYS = [key("k1", 1)]
    vault.forget_cached_keys()
    make_app("ebay")
    authorization = make_authorization(world.lotus, secrets={"refresh_token": "rt-1"})
    settings.VAULT_KEYS = [key("k2", 2), key("k1", 1)]
    yield authorization
    vault.forget_cached_keys()


def test_rotation_reseals_once_and_then_keeps(sealed):
    assert run("rotate_keys", "--json").json == {"resealed": 2, "kept": 1, "unopenable": []}
    assert run("rotate_keys", "--json").json == {"resealed": 0, "kept": 3, "unopenable": []}


def test_after_rotation_the_old_key_is_not_needed(sealed, settings):
    run("rotate_keys", "--json")
    settings.VAULT_KEYS = [key("k2", 2)]
    vault.forget_cached_keys()
    assert credentials.app_keys(App.objects.get()).client_secret
    with tenant_scope(sealed.tenant_id):
        row = Authorization.objects.get(pk=sealed.pk)
        assert credentials.open_secrets(row) == {"refresh_token": "rt-1"}


def test_what_does_not_open_is_named_and_not_fatal(world, sealed):
    other = make_authorization(world.lotus)
    with all_tenants("copying a ciphertext to another row"):
        stolen = bytes(Authorization.objects.get(pk=sealed.pk).sealed_credential)
        Authorization.objects.filter(pk=other.pk).update(sealed_credential=stolen)
    ran = run("rotate_keys", "--json")
    assert ran.code == 3
    assert ran.json["unopenable"] == [f"authorization/{other.public_id}"]
    assert ran.json["resealed"] == 2


def test_a_lost_key_is_reported_for_what_it_sealed(sealed, settings):
    settings.VAULT_KEYS = [key("k3", 3)]
    vault.forget_cached_keys()
    ran = run("rotate_keys", "--json")
    app = App.objects.get()
    assert set(ran.json["unopenable"]) == {
        "tenant_key/lotus", f"app/{app.public_id}", f"authorization/{sealed.public_id}",
    }  # fmt: skip
    with all_tenants("nothing was overwritten"):
        assert TenantKey.objects.count() == 1
