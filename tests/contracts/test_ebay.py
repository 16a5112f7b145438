"""eBay: consent with a recorded code, then the recorded orders."""

from __future__ import annotations

import hashlib
from urllib.parse import parse_qs, urlsplit

import pytest
from django.utils import timezone

from platforms import credentials
from platforms.flows import consent
from platforms.flows import link as linking
from platforms.flows.confirm_link import confirm
from platforms.models import App
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.contracts.conftest import create_tenant, export, pull, run_json
from tests.platforms.adapters.accounts import EBAY_APP

CODE = "v^1.1#i^1#recorded-code"
STORE = "harbor/ebay/lane"
BASIC = (
    "Basic RXhhbXBsZUEtZXJwZGVtby1QUkQtMDEyMzQ1Njc4OWFiLWNkZWYwMTIz"
    "OlBSRC0wMTIzNDU2Nzg5YWItY2RlZi00NTY3LTg5YWItY2RlZg=="
)
MUGS_TO_SHIP = {
    "platform": "ebay", "store": STORE, "number": "11-00000-00001",
    "status": "awaiting_shipment", "platform_status": "NOT_STARTED",
    "placed_at": "2026-11-20T14:05:10Z", "changed_at": "2026-11-20T14:06:02Z",
    "paid_at": "2026-11-20T14:05:12Z", "currency": "USD", "total": "29.99",
    "items_total": "25.0", "shipping": "4.99", "tax": None, "discount": None,
    "buyer": {"name": "Jane Sample", "email": "jsample000@members.ebay.com", "id": "jane_sample"},
    "ship_to": {
        "name": "Jane Sample", "phone": "+1 555-0100", "line1": "100 Test Ave", "line2": None,
        "city": "Springfield", "region": "IL", "postcode": "62701", "country": "US",
    },
    "lines": [{
        "number": "10000000000101", "sku": "HL-MUG-BLUE", "title": "Enamel mug blue",
        "quantity": 2, "unit_price": "12.5", "total": "29.99", "currency": "USD",
        "platform_status": "NOT_STARTED",
    }],
    "fulfilment": "merchant",
}  # fmt: skip
LAMP_SHIPPED = {
    "platform": "ebay", "store": STORE, "number": "11-00000-00002",
    "status": "shipped", "platform_status": "FULFILLED",
    "placed_at": "2026-11-20T15:00:00Z", "changed_at": "2026-11-20T18:11:44Z",
    "paid_at": "2026-11-20T15:00:02Z", "currency": "GBP", "total": "40.8",
    "items_total": "34.0", "shipping": "0.0", "tax": "6.8", "discount": "0.0",
    "buyer": {"name": "John Muster", "email": "jmuster00@members.ebay.co.uk", "id": "muster_uk"},
    "ship_to": {
        "name": "John Muster", "phone": "020 0000 0000", "line1": "1 Example Road",
        "line2": None, "city": "London", "region": None, "postcode": "SW1A 1AA",
        "country": "GB",
    },
    "lines": [{
        "number": "10000000000102", "sku": "HL-LAMP-W", "title": "Desk lamp white",
        "quantity": 1, "unit_price": "34.0", "total": "34.0", "currency": "GBP",
        "platform_status": "FULFILLED",
    }],
    "fulfilment": "merchant",
}  # fmt: skip
TEA_TO_SHIP = {
    "platform": "ebay", "store": STORE, "number": "11-00000-00003",
    "status": "awaiting_shipment", "platform_status": "NOT_STARTED",
    "placed_at": "2026-11-20T20:30:00Z", "changed_at": "2026-11-20T20:30:05Z",
    "paid_at": "2026-11-20T20:30:01Z", "currency": "USD", "total": "23.0",
    "items_total": "21.5", "shipping": "3.0", "tax": None, "discount": "-1.5",
    "buyer": {"name": "Test Person", "email": "tperson00@members.ebay.com", "id": "test_person"},
    "ship_to": {
        "name": "Test Person", "phone": "+1 555-0101", "line1": "2 Sample St", "line2": None,
        "city": "Austin", "region": "TX", "postcode": "78701", "country": "US",
    },
    "lines": [
        {
            "number": "10000000000103", "sku": "HL-TEA-100", "title": "Herbal tea 100g",
            "quantity": 1, "unit_price": "9.5", "total": "12.5", "currency": "USD",
            "platform_status": "NOT_STARTED",
        },
        {
            "number": "10000000000104", "sku": "HL-STRAIN", "title": "Tea strainer",
            "quantity": 3, "unit_price": "4.0", "total": "12.0", "currency": "USD",
            "platform_status": "NOT_STARTED",
        },
    ],
    "fulfilment": "merchant",
}  # fmt: skip
ALL_KEYS = ("api", "auth", "apiz", "consent")


def link() -> tuple[str, linking.LinkAttempt]:
    """Begin, come back with the code, confirm; the address of the consent page."""
    create_tenant()
    app = App(
        platform="ebay", name="eBay", client_id=EBAY_APP.client_id,
        redirect_uri=EBAY_APP.redirect_uri,
    )  # fmt: skip
    credentials.seal_app_secret(app, EBAY_APP.client_secret)
    app.save()
    tenant = Tenant.objects.get(slug="harbor")
    with tenant_scope(tenant):
        attempt = linking.start(
            tenant=tenant, user=None, platform="ebay", mode="authorization_code",
            account_name="lane", now=timezone.now(),
        )  # fmt: skip
        page = consent.begin_consent(attempt=attempt, session="browser", now=timezone.now()).url
        state = parse_qs(urlsplit(page).query)["state"][0]
        attempt = consent.finish_consent(
            platform="ebay", params={"code": CODE, "state": state, "expires_in": "299"},
            session="browser", ip="203.0.113.7", now=timezone.now(),
        )  # fmt: skip
        confirm(attempt=attempt, user=None, now=timezone.now())
    return page, attempt


@pytest.mark.django_db
@pytest.mark.parametrize("keys", [("api",), ALL_KEYS, ("api", "auth", "consent")])
def test_from_consent_to_exported_orders(replay, keys):
    with replay("ebay", *keys) as market:
        page, attempt = link()
        assert page.startswith(f"{market.url}{'/consent' if 'consent' in keys else ''}/oauth2/")
        assert (attempt.fault, attempt.found["account_id"]) == ("", "hL7kQ2TestA")
        assert [shop["name"] for shop in attempt.found["shops"]] == ["harborlane_demo"]

        assert pull(STORE) == {
            "seen": 3, "created": 3, "updated": 0, "unchanged": 0, "quarantined": 0,
            "pages": 2, "calls": 2, "fault": None,
        }  # fmt: skip
        recorded = [*market.records("orders_page1"), *market.records("orders_page2_last")]
        assert export(STORE) == [
            {**wanted, "raw_sha256": hashlib.sha256(raw).hexdigest()}
            for wanted, raw in zip((MUGS_TO_SHIP, LAMP_SHIPPED, TEA_TO_SHIP), recorded, strict=True)
        ]


@pytest.mark.django_db
def test_every_call_carries_the_credential_that_belongs_to_it(replay):
    with replay("ebay", *ALL_KEYS) as market:
        link()
        pull(STORE)
        refreshed = run_json("refresh_tokens", "--store", STORE)
        exchange, *others = [request for _, request in market.calls]
    assert refreshed["refreshed"] + refreshed["kept"] == 1
    assert exchange.headers["authorization"] == BASIC
    assert exchange.form == {
        "grant_type": "authorization_code", "code": CODE, "redirect_uri": EBAY_APP.redirect_uri,
    }  # fmt: skip
    bearers = {r.headers["authorization"] for r in others if r.method == "GET"}
    assert bearers == {"Bearer v^1.1#i^1#f^0#p^3#I^3#r^0#t^H4sIAExampleUserAccessToken0001"}
