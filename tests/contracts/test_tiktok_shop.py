"""TikTok Shop: consent with a recorded grant, then the recorded orders."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
from django.utils import timezone

from platforms import credentials, registry
from platforms.flows import consent
from platforms.flows import link as linking
from platforms.flows.confirm_link import confirm
from platforms.models import App
from platforms.news import Push
from platforms.spec import Request, Window
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.contracts.conftest import create_tenant, export, pull
from tests.platforms.adapters import contract
from tests.platforms.adapters.tiktok_shop.test_calls import ACCOUNT, APP, EXCHANGE, GET, REFRESH
from tests.support.calls import NOON, ScriptedCall, answer

STORE = "harbor/tiktok_shop/lane/GB"
CIPHER = "GCP_XF90igAAAABh00qsWgtvOiGFNqyubMt3"
tiktok = registry.get("tiktok_shop")


def link() -> linking.LinkAttempt:
    create_tenant()
    app = App(
        platform="tiktok_shop", region="row", name="TikTok Shop", client_id=APP.client_id,
        extra=dict(APP.extra),
    )  # fmt: skip
    credentials.seal_app_secret(app, APP.client_secret)
    app.save()
    tenant = Tenant.objects.get(slug="harbor")
    with tenant_scope(tenant):
        attempt = linking.start(
            tenant=tenant, user=None, platform="tiktok_shop", mode="authorization_code",
            account_name="lane", region="row", now=timezone.now(),
        )  # fmt: skip
        page = consent.begin_consent(attempt=attempt, session="browser", now=timezone.now()).url
        state = parse_qs(urlsplit(page).query)["state"][0]
        attempt = consent.finish_consent(
            platform="tiktok_shop", params={"code": "recorded", "state": state},
            session="browser", ip="203.0.113.7", now=timezone.now(),
        )  # fmt: skip
        confirm(attempt=attempt, user=None, now=timezone.now())
    return attempt


@pytest.mark.django_db
def test_from_consent_to_exported_orders(replay):
    with replay("tiktok_shop", "api", "auth", "consent") as market:
        attempt = link()
        assert attempt.found["account_id"] == "7010736057180325637"
        assert [shop["name"] for shop in attempt.found["shops"]] == ["Maomao beauty shop"]

        told = pull(STORE)
        (order,) = export(STORE)
        searches = [r for _, r in market.calls if r.method == "POST"]

    assert (told["pages"], told["seen"], told["created"], told["quarantined"]) == (2, 2, 1, 0)
    assert {r.params["shop_cipher"] for r in searches} == {CIPHER}
    assert (order["number"], order["status"]) == ("576461413038785752", "unpaid")
    assert (order["total"], order["currency"]) == ("5000", "IDR")
    assert (order["tax"], order["discount"]) == ("5000", "10000")
    assert order["buyer"]["email"] == "v2b2V5@chat.seller.tiktok.com"
    assert order["ship_to"]["phone"] == "(+1)213-***-1234"
    assert (order["ship_to"]["line2"], order["ship_to"]["city"]) == ("Suite 100", None)
    assert [(line["sku"], line["quantity"]) for line in order["lines"]] == [("red_iphone_256", 1)]


def test_every_request_about_orders_and_pushes_is_in_the_contract(contracts):
    spec = contract.load(contracts / "tiktok-shop" / "tiktok-shop.openapi.json")
    ok = (200, {"code": 0, "data": {}})
    bare = (200, {"code": 0, "data": {"orders": [{"id": "1"}]}})
    hooks = tiktok.webhooks
    assert hooks is not None
    call = ScriptedCall(tiktok, ACCOUNT, bare, *[ok] * 20)
    window = Window(since=NOON.replace(day=20), until=NOON)
    tiktok.fetch_orders(call, window=window, cursor=None, now=NOON)
    hooks.unregister(call, hooks.register(call, address="https://here.example/x", now=NOON))

    for request in call.sent:
        contract.check(request, spec)
    assert {r.method for r in call.sent} == {"POST", "GET", "PUT", "DELETE"}


def test_the_recorded_order_is_found_by_its_number(contracts):
    recorded = (contracts / "tiktok-shop" / "examples" / "order_detail.json").read_bytes()
    call = ScriptedCall(tiktok, ACCOUNT, (200, recorded))
    page = tiktok.fetch_order(call, number="576461413038785752", now=NOON)

    spec = contract.load(contracts / "tiktok-shop" / "tiktok-shop.openapi.json")
    contract.check(call.sent[0], spec)
    assert page is not None
    assert [tiktok.parse_order(raw).number for raw in page.records] == ["576461413038785752"]


@pytest.mark.parametrize(
    ("name", "request_", "fault"),
    [
        ("bad_code_36004004", EXCHANGE, "invalid_request"),
        ("cipher_106013", GET, "invalid_request"),
        ("invalid_request_36009004", GET, "invalid_request"),
        ("rate_36009002", GET, "rate_limited"),
        ("refresh_36004005", REFRESH, "token_revoked"),
        ("scope_105005", GET, "insufficient_scope"),
        ("sign_106001", GET, "bad_credentials"),
        ("token_expired_105002", GET, "token_expired"),
    ],
)
def test_the_examples_of_refusals(contracts, name: str, request_: Request, fault: str):
    body = (contracts / "tiktok-shop" / "examples" / f"error_{name}.json").read_bytes()

    error = tiktok.read_fault(request_, answer(200, body))

    assert error is not None
    assert error.fault == fault


@pytest.mark.parametrize(
    ("name", "news", "number"),
    [
        ("order_status", "orders", "576486316948490001"),
        ("address_update", "orders", "576486316948490001"),
        ("deauthorized", "revoked", ""),
        ("expiring", "expires", ""),
    ],
)
def test_the_examples_of_pushes(contracts, name, news, number):
    body = (contracts / "tiktok-shop" / "examples" / f"event_{name}.json").read_bytes()
    (notice,) = tiktok.webhooks.read(Push(method="POST", address="https://h.example", body=body))

    assert (notice.news, notice.number, notice.shop_id) == (news, number, "7494049642642441621")
