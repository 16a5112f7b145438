"""Wish: consent through the tenant's own application, then the recorded order."""

from __future__ import annotations

import hashlib
from urllib.parse import parse_qs, urlsplit

import pytest
from django.utils import timezone

from platforms import registry
from platforms.flows import consent, prepare_link
from platforms.flows import link as linking
from platforms.flows.confirm_link import confirm
from platforms.news import News, Push
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.contracts.conftest import create_tenant, export, pull
from tests.platforms.adapters import contract

STORE = "harbor/wish/lane"
KEYS = {"client_id": "5f1a00000000000000000abc", "client_secret": "wish_client_secret"}
CASES = {
    "platform": "wish", "store": STORE, "number": "62aa0d1f2c3b4d5e6f708192",
    "status": "awaiting_shipment", "platform_status": "APPROVED",
    "placed_at": "2026-11-20T08:00:00Z", "changed_at": "2026-11-21T09:12:33.120000Z",
    "paid_at": None, "currency": "USD", "total": "9.7", "items_total": "9.0", "shipping": "2.4",
    "tax": None, "discount": None,
    "buyer": {"name": "Ana Prueba", "email": None, "id": None},
    "ship_to": {
        "name": "Ana Prueba", "phone": "+34 600000000", "line1": "Calle 1", "line2": "2B",
        "city": "Madrid", "region": "Madrid", "postcode": "28001", "country": "ES",
    },
    "lines": [{
        "number": "5f3b0e0a6fc464f4f376b0ab", "sku": "RED-CASE-13", "title": "Phone case, red, 13",
        "quantity": 2, "unit_price": "4.5", "total": "9.0", "currency": "USD",
        "platform_status": "APPROVED",
    }],
    "fulfilment": "merchant",
}  # fmt: skip


def link() -> linking.LinkAttempt:
    create_tenant()
    tenant = Tenant.objects.get(slug="harbor")
    with tenant_scope(tenant):
        attempt = linking.start(
            tenant=tenant, user=None, platform="wish", mode="private_app", account_name="lane",
            now=timezone.now(),
        )  # fmt: skip
        attempt = prepare_link.prepare(attempt=attempt, values=KEYS, now=timezone.now())
        page = consent.begin_consent(attempt=attempt, session="b", now=timezone.now()).url
        assert urlsplit(page).path.endswith("/v3/oauth/authorize")
        assert parse_qs(urlsplit(page).query)["client_id"] == [KEYS["client_id"]]
        attempt = consent.finish_without_state(
            attempt=attempt, params={"code": "recorded"}, ip=None, now=timezone.now()
        )
        confirm(attempt=attempt, user=None, now=timezone.now())
    return attempt


@pytest.mark.django_db
@pytest.mark.parametrize("keys", [("api",), ("api", "auth", "consent")])
def test_from_consent_to_exported_orders(replay, keys):
    with replay("wish", *keys) as market:
        attempt = link()
        assert (attempt.fault, attempt.found["account_id"]) == ("", "5f1a2b3c4d5e6f7081920a1b")

        assert pull(STORE)["created"] == 1

        (raw,) = market.records("orders_page")
        assert export(STORE) == [{**CASES, "raw_sha256": hashlib.sha256(raw).hexdigest()}]
        exchange, *others = [request for _, request in market.calls]
    assert exchange.form == {
        **KEYS, "code": "recorded", "grant_type": "authorization_code",
        "redirect_uri": "http://127.0.0.1:8000/link/callback/wish/",
    }  # fmt: skip
    bearers = {r.headers["authorization"] for r in others if "refresh" not in r.path}
    assert bearers == {"Bearer 3d6e2d71bc464e42bfbdb081afb73c1e"}


def test_every_address_is_in_the_contract(contracts):
    paths = contract.load(contracts / "wish" / "wish-v3.openapi.json")["paths"]

    for method, path in (
        ("post", "/api/v3/oauth/access_token"),
        ("get", "/api/v3/oauth/refresh_token"),
        ("get", "/api/v3/webhook/subscriptions"),
        ("post", "/api/v3/webhook/subscriptions"),
    ):
        assert method in paths[path]


def test_the_recorded_push_is_one_piece_of_news(contracts):
    body = (contracts / "wish" / "examples" / "webhook_order_release.json").read_bytes()
    hooks = registry.get("wish").webhooks
    assert hooks is not None

    (notice,) = hooks.read(
        Push(method="POST", address="x", headers={"wish-topic": "ORDER_RELEASE"}, body=body)
    )

    assert (notice.news, notice.number) == (News.ORDERS, "62aa0d1f2c3b4d5e6f708192")
