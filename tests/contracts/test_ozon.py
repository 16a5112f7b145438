"""Ozon: keys pasted on the command line, then the recorded postings of both lists."""

from __future__ import annotations

import hashlib

import pytest

from tests.contracts.conftest import create_tenant, export, pull, run_json

KEYS = {"client_id": "1234567", "api_key": "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0"}
STORE = "harbor/ozon/lights"
NOBODY = {"name": None, "email": None, "id": None}
NOWHERE = dict.fromkeys(
    ("name", "phone", "line1", "line2", "city", "region", "postcode", "country")
)
LAMP = {
    "number": "1471950001", "sku": "SZ-LAMP-01", "title": "LED desk lamp", "quantity": 2,
    "unit_price": "89.5000", "total": "179.0000", "currency": "CNY", "platform_status": None,
}  # fmt: skip


def posting(number: str, status: str, platform_status: str, **other: object) -> dict:
    """The three recorded FBS postings differ in little else."""
    return {
        "platform": "ozon", "store": STORE, "number": number, "status": status,
        "platform_status": platform_status, "placed_at": "2026-11-20T08:02:11Z",
        "changed_at": "2026-11-20T08:02:11Z", "paid_at": None, "currency": "CNY",
        "total": "179.0000", "items_total": "179.0000", "shipping": None, "tax": None,
        "discount": None, "buyer": NOBODY, "ship_to": NOWHERE, "lines": [LAMP],
        "fulfilment": "merchant", **other,
    }  # fmt: skip


EXPECTED = [
    posting("0145123456-0007-1", "awaiting_shipment", "awaiting_packaging"),
    posting("0145123457-0001-1", "shipped", "delivering", changed_at="2026-11-20T22:10:00Z"),
    posting("0145123458-0003-1", "delivered", "delivered"),
    posting(
        "55501111-0042-1", "shipped", "delivering",
        placed_at="2026-11-19T13:56:07.751000Z", changed_at="2026-11-19T14:01:00Z",
        currency="RUB", total="1299.00", items_total="1299.00", fulfilment="platform",
        lines=[{
            "number": "1471950009", "sku": "SZ-LAMP-09", "title": "LED strip", "quantity": 1,
            "unit_price": "1299.00", "total": "1299.00", "currency": "RUB",
            "platform_status": None,
        }],
    ),
]  # fmt: skip


def link() -> dict:
    create_tenant()
    return run_json(
        "link_store", "--tenant", "harbor", "--platform", "ozon", "--mode", "api_key",
        "--account-name", "lights", *[f"--set={name}={value}" for name, value in KEYS.items()],
    )  # fmt: skip


@pytest.mark.django_db
def test_from_keys_to_exported_orders(replay):
    with replay("ozon", "api") as market:
        linked = link()
        assert (linked["state"], linked["fault"]) == ("active", None)
        assert linked["shop"] == {
            "id": "1234567", "name": "Example Lights", "site": None, "currency": "CNY",
        }  # fmt: skip

        pulled = pull(STORE)
        assert pulled == {
            "seen": 4, "created": 4, "updated": 0, "unchanged": 0, "quarantined": 0,
            "pages": 3, "calls": 3, "fault": None,
        }  # fmt: skip
        assert pull(STORE)["unchanged"] == 4

        recorded = [
            *market.records("fbs_list_page1"), *market.records("fbs_list_page2_last"),
            *market.records("fbo_list"),
        ]  # fmt: skip
        hashes = [hashlib.sha256(raw).hexdigest() for raw in recorded]
        assert export(STORE) == [
            {**wanted, "raw_sha256": digest}
            for wanted, digest in zip(EXPECTED, hashes, strict=True)
        ]
        sent = {(r.headers["client-id"], r.headers["api-key"]) for _, r in market.calls}
        assert sent == {(KEYS["client_id"], KEYS["api_key"])}
