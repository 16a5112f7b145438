"""How a Shopify store is linked: addresses, consent, callback, tokens, identity."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from platforms.adapter import clean_value
from platforms.adapters.shopify import Shopify, signed
from platforms.adapters.shopify.modes import is_shop, tidy_shop
from platforms.errors import Fault, PlatformError
from platforms.signing import hmac_hex
from platforms.spec import Account, Asked
from tests.platforms.adapters.shopify.payloads import APP, FIXED, OURS, OWN_KEYS, SHOP
from tests.support.calls import NOON, ScriptedCall

shopify = Shopify()
KEYS = shopify.mode("client_credentials")
CONSENT = shopify.mode("authorization_code")
PAIR = {
    "access_token": "shpat_new",
    "scope": "read_orders",
    "expires_in": 3600,
    "refresh_token": "shprt_new",
    "refresh_token_expires_in": 7_776_000,
}
INSTALLED = {"accessScopes": [{"handle": "read_orders"}]}
WHO = {
    "id": "gid://shopify/Shop/9001",
    "name": "Some Shop",
    "myshopifyDomain": SHOP,
    "currencyCode": "USD",
    "ianaTimezone": "America/Toronto",
}


def field(mode, name):
    return next(each for each in mode.fields if each.name == name)


@pytest.mark.parametrize(
    "typed",
    [
        "someshop.myshopify.com",
        "  SomeShop.MyShopify.com\u200b ",
        "https://someshop.myshopify.com/admin/orders?x=1#top",
        "https://admin.shopify.com/store/someshop/settings/domains",
        "admin.shopify.com/store/someshop",
        "someshop",
        "ｓｏｍｅｓｈｏｐ",
    ],
)
def test_an_address_is_known_in_every_spelling_sellers_paste(typed):
    assert tidy_shop(clean_value(typed)[0]) == "someshop.myshopify.com"


@pytest.mark.parametrize(
    "typed",
    [
        "-invalid.myshopify.io",
        "notshopify.com",
        "not-admin.shopify.com/store/my-shop",
        "admin.shopify.com/store/",
        "admin.shopify.com.evil.example/store/some",
        "shopify.com",
        "shop.dev",
        "www.brand.com",
        "someshop.myshopify.com:8443",
        "someshop.myshopify.com@evil.example",
        "evil.example\\@someshop.myshopify.com",
        "evil.example/someshop.myshopify.com",
        "a.b.myshopify.com",
        "someshop.myshopify.com.evil.example",
        "söme.myshopify.com",
        "-shop.myshopify.com",
        "someshop.myshopify.com.",
        f"{'a' * 61}.myshopify.com",
        "169.254.169.254",
        "owner@example.test",
    ],
)
def test_every_other_address_is_refused_and_the_right_one_named(typed):
    value = tidy_shop(clean_value(typed)[0])

    assert not is_shop(value)
    assert ".myshopify.com" in str(shopify.explain_value(KEYS, field(KEYS, "shop_domain"), value))


def test_a_shop_address_with_a_line_end_is_none():
    assert not is_shop("someshop.myshopify.com\n")


def test_the_two_kinds_of_secrets_are_told_apart():
    fixed = shopify.mode("custom_app_token")
    secret, token = field(KEYS, "client_secret"), field(fixed, "access_token")

    assert "access token" in str(shopify.explain_value(KEYS, secret, "shpat_0123"))
    assert "client secret" in str(shopify.explain_value(fixed, token, "shpss_0123"))
    assert shopify.explain_value(KEYS, secret, "shpss_0123") is None


@pytest.mark.parametrize("shop", ["", "evil.example", "some-shop.myshopify.com.evil.example"])
def test_no_call_leaves_without_a_shop_of_shopify(shop):
    account = replace(OURS, secrets={**OURS.secrets, "shop_domain": shop})

    with pytest.raises(PlatformError):
        shopify.base_of("https://{shop_domain}", account)


def test_calls_go_to_the_shops_own_host():
    assert shopify.base_of("https://{shop_domain}", OURS) == f"https://{SHOP}"


def test_the_consent_page_is_the_shops_own():
    asked = Asked(app=APP, mode=CONSENT, state="st", now=NOON, given={"shop_domain": SHOP})

    url = urlsplit(shopify.consent_url(asked))

    assert (url.scheme, url.netloc, url.path) == ("https", SHOP, "/admin/oauth/authorize")
    assert parse_qs(url.query) == {
        "client_id": [APP.client_id],
        "scope": ["read_orders"],
        "redirect_uri": [APP.redirect_uri],
        "state": ["st"],
    }


def test_there_is_no_consent_page_without_a_shop():
    with pytest.raises(PlatformError):
        shopify.consent_url(Asked(app=APP, mode=CONSENT, state="st", now=NOON))


# --- the way back


@pytest.mark.parametrize(
    ("params", "hmac"),
    [
        (
            {"code": "a94a110d86d2452eb3e2af4cfb8a3828", "shop": SHOP, "timestamp": "1337178173"},
            "2cb1a277650a659f1b11e92a4a64275b128e037f2c3390e3c8fd2d8721dac9e2",
        ),
        (
            {
                "code": "0907a61c0c8d55e99db179b68161bc00",
                "shop": SHOP,
                "state": "0.6784241404160823",
                "timestamp": "1337178173",
            },
            "700e2dadb827fcc8609e9d5ce208b2e9cdaab9df07390d2cbca10d7c328fc4bf",
        ),
        (
            {
                "code": "abc123",
                "host": "YWRtaW4uc2hvcGlmeS5jb20vc3RvcmUvc29tZS1zaG9w",
                "shop": SHOP,
                "state": "deadbeef",
                "timestamp": "1763700000",
            },
            "2adeb314f7e27e5502c62025ae860f8c8c0fd9767f0bfc828b569ff1e7fc644d",
        ),
        (
            {"custom": "hello world", "shop": SHOP, "timestamp": "1337178173"},
            "5b72b698c6f53887170701a509d6c35c1b7fb6bfe83e7c20ec226606271efeec",
        ),
    ],
)
def test_the_callback_is_signed_as_the_fact_sheet_computes(params, hmac):
    assert hmac_hex("hush", signed({**params, "hmac": hmac, "signature": "old"})) == hmac


def callback(**changes: str) -> dict[str, str]:
    stamp = str(int(NOON.timestamp()))
    params = {"code": "c0de", "shop": SHOP, "state": "st", "timestamp": stamp, **changes}
    return {"hmac": hmac_hex("hush", signed(params)), **params}


def test_a_good_callback_gives_the_code():
    assert shopify.read_callback(callback(), OURS, now=NOON) == "c0de"


@pytest.mark.parametrize(
    ("params", "fault"),
    [
        (callback(shop="other-shop.myshopify.com"), Fault.SHOP_MISMATCH),
        (callback(shop="evil.example"), Fault.SHOP_MISMATCH),
        (callback(shop=""), Fault.SHOP_MISMATCH),
        (callback() | {"code": "another"}, Fault.INVALID_REQUEST),
        (callback() | {"hmac": ""}, Fault.INVALID_REQUEST),
        (callback() | {"hmac": "é"}, Fault.INVALID_REQUEST),
        (callback(timestamp="soon"), Fault.INVALID_REQUEST),
        (callback(timestamp=str(int(NOON.timestamp()) - 91)), Fault.CLOCK_SKEW),
        (callback(timestamp=str(int(NOON.timestamp()) + 91)), Fault.CLOCK_SKEW),
        ({"error": "access_denied", "shop": SHOP}, Fault.CONSENT_DENIED),
        ({}, Fault.CONSENT_DENIED),
    ],
)
def test_a_callback_that_is_not_right_is_refused(params, fault):
    with pytest.raises(PlatformError) as caught:
        shopify.read_callback(params, OURS, now=NOON)

    assert caught.value.fault is fault


# --- tokens


def exchange(call):
    return shopify.exchange(call, code="c0de", verifier="", params={}, now=NOON)


def test_a_code_is_exchanged_for_an_expiring_pair():
    call = ScriptedCall(shopify, OURS, (200, PAIR))

    grant = exchange(call)

    assert call.sent[0].path == "/admin/oauth/access_token"
    assert call.sent[0].form == {
        "client_id": APP.client_id,
        "client_secret": "hush",
        "code": "c0de",
        "expiring": "1",
    }
    assert (grant.access_token, grant.refresh_token) == ("shpat_new", "shprt_new")
    assert grant.access_expires_at == NOON + timedelta(hours=1)
    assert grant.refresh_expires_at == NOON + timedelta(days=90)
    assert grant.scopes == ("read_orders",)


def test_a_custom_app_may_answer_with_a_token_without_end():
    call = ScriptedCall(shopify, OURS, (200, {"access_token": "shpat_x", "scope": "read_orders"}))

    grant = exchange(call)

    assert (grant.access_expires_at, grant.refresh_token) == (None, None)


def test_a_pair_without_its_second_half_is_no_grant():
    call = ScriptedCall(shopify, OURS, (200, {"access_token": "x", "expires_in": 3600}))

    with pytest.raises(PlatformError) as caught:
        exchange(call)

    assert caught.value.fault is Fault.BAD_RESPONSE


def test_the_refresh_token_is_traded_for_the_next_pair():
    call = ScriptedCall(shopify, OURS, (200, PAIR))

    grant = shopify.refresh(call, now=NOON)

    assert call.sent[0].form["grant_type"] == "refresh_token"
    assert call.sent[0].form["refresh_token"] == "shprt_a"
    assert grant.refresh_token == "shprt_new"


def test_own_keys_mint_a_token_of_a_day_again_and_again():
    minted = {"access_token": "shpat_m", "scope": "read_orders", "expires_in": 86399}
    call = ScriptedCall(shopify, OWN_KEYS, (200, minted))

    grant = shopify.refresh(call, now=NOON)

    assert call.sent[0].form == {
        "client_id": "fedcba98",
        "client_secret": "shpss_b",
        "grant_type": "client_credentials",
    }
    assert grant.access_expires_at == NOON + timedelta(seconds=86399)


@pytest.mark.parametrize(
    ("account", "can"),
    [
        (OURS, True),
        (OWN_KEYS, True),
        (FIXED, False),
        (Account(mode="custom_app_token", secrets={"refresh_token": "x"}), False),
        (Account(mode="client_credentials", secrets={"refresh_token": "x"}), False),
        (replace(OURS, secrets={"access_token": "x"}), False),
    ],
)
def test_only_what_can_be_renewed_is_renewed(account, can):
    assert shopify.can_refresh(account) is can


# --- who we are


def test_the_shop_names_itself():
    data = {"data": {"shop": WHO, "currentAppInstallation": INSTALLED}}
    call = ScriptedCall(shopify, OURS, (200, data))

    identity = shopify.who_am_i(call, now=NOON)

    shop = identity.shops[0]
    assert (identity.account_id, shop.external_id, shop.name) == ("9001", "9001", "Some Shop")
    assert (shop.currency, shop.time_zone) == ("USD", "America/Toronto")
    assert identity.scopes == ("read_orders",)
    assert call.sent[0].headers["x-shopify-access-token"] == "shpat_a"
    assert call.sent[0].json["operationName"] == "ShopIdentity"


def test_a_renamed_shop_is_kept_under_its_new_address():
    data = {"data": {"shop": WHO | {"myshopifyDomain": "new-name.myshopify.com"}}}
    call = ScriptedCall(shopify, OURS, (200, data))

    identity = shopify.who_am_i(call, now=NOON)

    assert identity.secrets == {"shop_domain": "new-name.myshopify.com"}


@pytest.mark.parametrize("other", [{"myshopifyDomain": "evil.example"}, {"id": "9001"}])
def test_a_shop_that_names_no_address_of_shopify_is_not_believed(other):
    call = ScriptedCall(shopify, OURS, (200, {"data": {"shop": WHO | other}}))

    with pytest.raises(PlatformError) as caught:
        shopify.who_am_i(call, now=NOON)

    assert caught.value.fault is Fault.BAD_RESPONSE


def test_an_app_that_may_not_read_orders_is_refused_at_once():
    installed = {"accessScopes": [{"handle": "read_products"}]}
    data = {"data": {"shop": WHO, "currentAppInstallation": installed}}
    call = ScriptedCall(shopify, OURS, (200, data))

    with pytest.raises(PlatformError) as caught:
        shopify.who_am_i(call, now=NOON)

    assert (caught.value.fault, caught.value.detail) == (Fault.INSUFFICIENT_SCOPE, "read_orders")


def test_who_may_write_orders_may_read_them():
    installed = {"accessScopes": [{"handle": "write_orders"}]}
    data = {"data": {"shop": WHO, "currentAppInstallation": installed}}

    assert shopify.who_am_i(ScriptedCall(shopify, OURS, (200, data)), now=NOON).account_id


def test_a_token_without_end_that_is_refused_was_taken_away():
    call = ScriptedCall(shopify, FIXED, (401, {"errors": "[API] Invalid API key or access token"}))

    with pytest.raises(PlatformError) as caught:
        shopify.who_am_i(call, now=NOON)

    assert caught.value.fault is Fault.TOKEN_REVOKED
