"""Amazon: a private application's refresh token, then the recorded orders of two sites."""

from __future__ import annotations

import hashlib

import pytest

from tests.contracts.conftest import create_tenant, export, pull, run_json

FIELDS = {
    "region": "EU",
    "client_id": "amzn1.application-oa2-client.0123456789abcdef0123456789abcdef",
    "client_secret": "amzn1.oa2-cs.v1." + "0123456789abcdef" * 4,
    "refresh_token": "Atzr|IwEBIPastedByTheSeller",
    "seller_id": "A3EXAMPLE00001",
}
STORE = "harbor/amazon/lane"
NOBODY = {"name": None, "email": None, "id": None}
NOWHERE = dict.fromkeys(
    ("name", "phone", "line1", "line2", "city", "region", "postcode", "country")
)
LAMP_SHIPPED = {
    "platform": "amazon", "store": f"{STORE}/GB", "number": "206-1000003-0000003",
    "status": "shipped", "platform_status": "SHIPPED", "placed_at": "2026-11-20T11:30:00Z",
    "changed_at": "2026-11-20T15:20:11.456000Z", "paid_at": None, "currency": "GBP",
    "total": "40.80", "items_total": "34.00", "shipping": "0.00", "tax": "6.80",
    "discount": None, "buyer": NOBODY, "ship_to": NOWHERE, "fulfilment": "merchant",
    "lines": [{
        "number": "40000000000003", "sku": "HL-LAMP-W", "title": "Desk lamp white",
        "quantity": 1, "unit_price": "34.00", "total": "40.80", "currency": "GBP",
        "platform_status": None,
    }],
}  # fmt: skip
MUGS_TO_SHIP = {
    "platform": "amazon", "store": f"{STORE}/DE", "number": "302-1000001-0000001",
    "status": "awaiting_shipment", "platform_status": "UNSHIPPED",
    "placed_at": "2026-11-20T09:14:07.123000Z", "changed_at": "2026-11-20T09:44:31Z",
    "paid_at": None, "currency": "EUR", "total": "28.99", "items_total": "25.00",
    "shipping": "3.99", "tax": None, "discount": None, "fulfilment": "merchant",
    "buyer": {
        "name": "Erika Beispiel", "email": "x1y2z3abcdef000@marketplace.amazon.de", "id": None,
    },
    "ship_to": {
        "name": "Erika Beispiel", "phone": "+49 30 0000000", "line1": "Teststr. 1",
        "line2": None, "city": "Berlin", "region": None, "postcode": "10115", "country": "DE",
    },
    "lines": [{
        "number": "40000000000001", "sku": "HL-MUG-BLUE", "title": "Emaille Tasse blau",
        "quantity": 2, "unit_price": "12.50", "total": "28.99", "currency": "EUR",
        "platform_status": None,
    }],
}  # fmt: skip
TEA_PENDING = {
    "platform": "amazon", "store": f"{STORE}/DE", "number": "302-1000002-0000002",
    "status": "pending", "platform_status": "PENDING", "placed_at": "2026-11-20T10:02:00Z",
    "changed_at": "2026-11-20T10:02:05Z", "paid_at": None, "currency": None, "total": None,
    "items_total": None, "shipping": None, "tax": None, "discount": None, "buyer": NOBODY,
    "ship_to": NOWHERE, "fulfilment": "platform",
    "lines": [{
        "number": "40000000000002", "sku": "HL-TEA-100", "title": "Kräutertee 100g",
        "quantity": 1, "unit_price": None, "total": None, "currency": None,
        "platform_status": None,
    }],
}  # fmt: skip


def link(*sites: str) -> dict:
    create_tenant()
    return run_json(
        "link_store", "--tenant", "harbor", "--platform", "amazon", "--mode",
        "self_authorization", "--account-name", "lane", *[f"--site={site}" for site in sites],
        *[f"--set={name}={value}" for name, value in FIELDS.items()],
    )  # fmt: skip


def hashes(market) -> dict[str, str]:
    """By the order's number, which is its place in the recording."""
    one, two = market.records("orders_2026_search_page1")
    (three,) = market.records("orders_2026_search_page2_last")
    named = zip((MUGS_TO_SHIP, TEA_PENDING, LAMP_SHIPPED), (one, two, three), strict=True)
    return {order["number"]: hashlib.sha256(raw).hexdigest() for order, raw in named}


@pytest.mark.django_db
@pytest.mark.parametrize("keys", [("api",), ("api", "auth", "consent")])
def test_from_a_refresh_token_to_exported_orders(replay, keys):
    with replay("amazon", *keys) as market:
        linked = link()
        assert (linked["state"], linked["fault"]) == ("active", None)
        assert [store["shop"] for store in linked["stores"]] == [
            {"id": f"A3EXAMPLE00001:{market_id}", "name": name, "site": site, "currency": currency}
            for market_id, name, site, currency in (
                ("A1F83G8C2ARO7P", "Harbor Lane UK", "GB", "GBP"),
                ("A1PA6795UKMFR9", "Harbor Lane", "DE", "EUR"),
                ("A13V1IB3VIYZZH", "Harbor Lane", "FR", "EUR"),
            )
        ]

        pulled = pull(STORE)

        assert (pulled["created"], pulled["fault"]) == (3, None)
        digests = hashes(market)
        assert export(STORE) == [
            {**wanted, "raw_sha256": digests[wanted["number"]]}
            for wanted in (LAMP_SHIPPED, MUGS_TO_SHIP, TEA_PENDING)
        ]
        assert [order["number"] for order in export(f"{STORE}/GB")] == ["206-1000003-0000003"]


@pytest.mark.django_db
def test_every_call_carries_the_tokens_that_were_given_out(replay):
    with replay("amazon", "api") as market:
        link()
        pull(STORE)
        token, *others = [request for _, request in market.calls]
    assert token.form == {
        "grant_type": "refresh_token",
        **{name: FIELDS[name] for name in ("client_id", "client_secret", "refresh_token")},
    }
    assert {request.headers["x-amz-access-token"] for request in others} == {
        "Atza|IwEBIExampleAccessTokenRefreshed"
    }


@pytest.mark.django_db
def test_a_window_of_all_sites_of_an_account_is_one_pull(replay):
    """Amazon gives 20 calls and then one in three minutes: three sites must not cost three."""
    with replay("amazon", "api") as market:
        link()
        pulled = pull(STORE)
        asked = market.calls[-1][1].params["marketplaceIds"].split(",")
    assert pulled == {
        "seen": 3, "created": 3, "updated": 0, "unchanged": 0, "quarantined": 0,
        "pages": 2, "calls": 2, "fault": None,
    }  # fmt: skip
    assert sorted(asked) == ["A13V1IB3VIYZZH", "A1F83G8C2ARO7P", "A1PA6795UKMFR9"]


@pytest.mark.django_db
def test_without_since_the_stores_of_the_account_share_one_pull(replay):
    with replay("amazon", "api"):
        link()
        pulled = run_json("pull_orders", "--store", STORE)
    assert (pulled["seen"], pulled["created"], pulled["quarantined"]) == (3, 3, 0)
