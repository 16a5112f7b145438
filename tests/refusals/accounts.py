"""An account for every mode of every marketplace; every name and secret is invented."""

from __future__ import annotations

import json
from dataclasses import replace

from platforms.spec import Account, AppKeys
from tests.platforms.adapters import accounts
from tests.platforms.adapters.shopify import payloads as shopify

TOKENS = {"access_token": "access-example", "refresh_token": "refresh-example"}

_ALIEXPRESS = Account(
    mode="authorization_code",
    account_id="2637900000",
    secrets={**TOKENS, "seller_id": "2637900000"},
    app=AppKeys(
        client_id="500000",
        client_secret="TestSecret0123456789abcdef",
        redirect_uri="https://erp.example.com/link/callback/aliexpress/",
    ),
)
_TIKTOK_SHOP = Account(
    mode="authorization_code",
    region="row",
    account_id="7010000000000000001",
    secrets={**TOKENS, "cipher:11": "C11"},
    app=AppKeys(
        client_id="6exa0mple0a1",
        client_secret="5ec2e7" * 6,
        redirect_uri="https://erp.example.com/link/callback/tiktok_shop/",
        extra={"service_id": "7000000000000000001"},
    ),
    shop_ids=("11",),
)
_SHOPEE = Account(
    mode="authorization_code",
    region="global",
    account_id="322300222",
    secrets={**TOKENS, "shops": "322300222"},
    app=AppKeys(
        client_id="2001887",
        client_secret="shpk_testkey",
        redirect_uri="https://erp.example.com/link/callback/shopee/",
    ),
    shop_ids=("322300222",),
)
_LAZADA = Account(
    mode="authorization_code",
    account_id="77",
    secrets={**TOKENS, "shops": json.dumps([{"country": "my", "seller_id": "1002"}])},
    app=AppKeys(
        client_id="123456",
        client_secret="helloworld",
        redirect_uri="https://erp.example.com/link/callback/lazada/",
    ),
    shop_ids=("my:1002",),
)

_BY_PLATFORM = {
    "aliexpress": (_ALIEXPRESS, replace(_ALIEXPRESS, mode="own_app")),
    "amazon": (accounts.AMAZON, accounts.AMAZON_SELF),
    "ebay": (accounts.EBAY,),
    "lazada": (_LAZADA, replace(_LAZADA, mode="own_app")),
    "ozon": (
        accounts.OZON,
        accounts.OZON_CONSENT,
        replace(accounts.OZON_CONSENT, mode="own_app"),
    ),
    "shopee": (_SHOPEE, replace(_SHOPEE, mode="own_app")),
    "shopify": (
        shopify.OURS,
        replace(shopify.OURS, mode="custom_distribution"),
        shopify.OWN_KEYS,
        shopify.FIXED,
    ),
    "tiktok_shop": (_TIKTOK_SHOP, replace(_TIKTOK_SHOP, mode="own_app")),
    "wish": (accounts.WISH, replace(accounts.WISH, mode="authorization_code")),
}
ACCOUNTS = {
    (platform, account.mode): account for platform, each in _BY_PLATFORM.items() for account in each
}


def account_for(platform: str, mode: str, *, linked: bool = True) -> Account:
    """As stored once linked; without tokens and name while it is being linked.

    Raises KeyError for a mode that nobody can be linked by.
    """
    account = ACCOUNTS[platform, mode]
    if linked:
        return account
    secrets = {name: value for name, value in account.secrets.items() if name not in TOKENS}
    return replace(account, account_id="", shop_ids=(), secrets=secrets)
