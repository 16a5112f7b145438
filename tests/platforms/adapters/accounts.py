"""Accounts to call with; every name and secret is invented."""

from __future__ import annotations

from platforms.spec import Account, AppKeys

EBAY_APP = AppKeys(
    client_id="ExampleA-erpdemo-PRD-0123456789ab-cdef0123",
    client_secret="PRD-0123456789ab-cdef-4567-89ab-cdef",
    redirect_uri="Example_Inc-ExampleA-erpdem-abcdefgh",
)
EBAY = Account(
    mode="authorization_code",
    account_id="hL7kQ2TestA",
    secrets={"access_token": "v^1.1#i^1#access", "refresh_token": "v^1.1#r^1#example"},
    app=EBAY_APP,
)
AMAZON_APP = AppKeys(
    client_id="amzn1.application-oa2-client.abc",
    client_secret="amzn1.oa2-cs.v1.secret",
    redirect_uri="https://erp.example.com/oauth/amazon/callback",
    extra={"application_id": "amzn1.sp.solution.00000000-0000-0000-0000-000000000000"},
)
AMAZON = Account(
    mode="website_authorization",
    region="EU",
    account_id="A3EXAMPLE00001",
    secrets={"access_token": "Atza|ACCESS", "refresh_token": "Atzr|REFRESH"},
    app=AMAZON_APP,
)
AMAZON_SELF = Account(
    mode="self_authorization",
    region="EU",
    secrets={
        "client_id": "amzn1.application-oa2-client.abc",
        "client_secret": "amzn1.oa2-cs.v1.secret",
        "refresh_token": "Atzr|REFRESH",
        "access_token": "Atza|ACCESS",
    },
)
OZON = Account(
    mode="api_key",
    secrets={"client_id": "1234567", "api_key": "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0"},
)
OZON_APP = AppKeys(
    client_id="0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9",
    client_secret="example-ozon-application-secret",
    redirect_uri="https://erp.example.com/link/callback/ozon/",
)
OZON_CONSENT = Account(
    mode="authorization_code",
    account_id="1234567",
    secrets={"access_token": "header.claims.signature", "refresh_token": "rt-example"},
    app=OZON_APP,
)
WISH_APP = AppKeys(
    client_id="5f1a00000000000000000abc",
    client_secret="wish_client_secret",
    redirect_uri="https://erp.example.com/link/callback/wish/",
)
WISH = Account(
    mode="private_app",
    account_id="5f1a2b3c4d5e6f7081920a1b",
    secrets={"access_token": "wish-access", "refresh_token": "wish-refresh"},
    app=WISH_APP,
)
