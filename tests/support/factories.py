"""Rows for tests, made in the scope of their own tenant. Defaults are of no interest."""

from __future__ import annotations

import itertools
import json
import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from platforms import credentials
from platforms.models import Authorization, Lane, Order, OrderLine, Stream
from tenants.models import Store, Tenant
from tenants.scope import tenant_scope

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)

_numbers = itertools.count(1)

TITLES = (
    ("LED-3M-WW", "Fairy lights, 3 m, warm white", "12.99"),
    ("CUP-STEEL-500", "不锈钢保温杯 500 ml", "19.90"),
    ("KITCHEN-SCALE", "Digital kitchen scale, 5 kg / 1 g, with a long name that goes on", "24.50"),
    ("PHONE-GRIP-2", "Phone grip, pack of 2", "6.49"),
)  # fmt: skip
PEOPLE = (
    ("Anna Schmidt", "Hauptstr. 5", "Berlin", "", "10115", "DE"),
    ("James O'Neill", "221B Baker Street", "London", "", "NW1 6XE", "GB"),
    ("Иван Петров", "ул. Ленина, 12", "Екатеринбург", "Свердловская обл.", "620014", "RU"),
    ("王小明", "中山路 100 号", "上海", "上海", "200001", "CN"),
    ("Maria García López", "1600 Pennsylvania Ave NW", "Washington", "DC", "20500", "US"),
)


def make_authorization(tenant: Tenant, *, platform: str = "ebay", **fields: Any) -> Authorization:
    """Active, with a sealed credential; the secrets given in `secrets`."""
    secrets = fields.pop("secrets", {"access_token": "at-1", "refresh_token": "rt-1"})
    row = Authorization(
        **{
            "tenant": tenant,
            "platform": platform,
            "mode": "authorization_code",
            "account_id": f"account-{next(_numbers)}",
            "refreshed_at": NOON,
        }
        | fields
    )
    with tenant_scope(tenant):
        row.sealed_credential = credentials.sealed(row, secrets)
        row.save()
    return row


def make_store(tenant: Tenant, *, platform: str = "ebay", **fields: Any) -> Store:
    number = next(_numbers)
    with tenant_scope(tenant):
        return Store.objects.create(
            **{
                "tenant": tenant,
                "platform": platform,
                "account_name": f"store_{number}",
                "external_id": f"shop-{number}",
                "state": "active",
            }
            | fields
        )


def make_stream(authorization: Authorization, store: Store | None, **fields: Any) -> Stream:
    with tenant_scope(authorization.tenant_id):
        return Stream.objects.create(
            **{
                "tenant_id": authorization.tenant_id,
                "authorization": authorization,
                "store": store,
                "lane": Lane.FRESH,
                "starts_at": NOON - timedelta(days=1),
                "watermark": NOON - timedelta(days=1),
            }
            | fields
        )


def make_order(store: Store, *, lines: int = 1, sku: str = "SKU-1", **fields: Any) -> Order:
    number = next(_numbers)
    with tenant_scope(store.tenant_id):
        order = Order.objects.create(
            **{
                "tenant_id": store.tenant_id,
                "store": store,
                "platform": store.platform,
                "number": f"N-{number:06}",
                "status": "awaiting_shipment",
                "platform_status": "PAID",
                "placed_at": NOON,
                "changed_at": NOON,
                "currency": "EUR",
                "total": Decimal("10.50"),
                "buyer_name": "Anna Schmidt",
                "content_hash": number.to_bytes(16, "big"),
                "raw_sha256": f"{number:064x}",
                "landed_at": NOON,
            }
            | fields
        )
        OrderLine.objects.bulk_create(
            OrderLine(
                tenant_id=store.tenant_id, order=order, position=position, number=f"L{position}",
                sku=sku, title="Fairy lights", quantity=1, unit_price=Decimal("10.50"),
                total=Decimal("10.50"), currency="EUR",
            )
            for position in range(lines)
        )  # fmt: skip
    return order


def make_many_orders(store: Store, count: int, *, seed: int = 7) -> None:
    """Realistic enough for a look at a page; the same ones for the same seed."""
    dice = random.Random(seed)
    for _ in range(count):
        sku, title, price = dice.choice(TITLES)
        name, street, city, region, postcode, country = dice.choice(PEOPLE)
        placed = NOON - timedelta(minutes=dice.randrange(0, 60 * 24 * 40))
        items = Decimal(price) * (quantity := dice.randrange(1, 4))
        order = make_order(
            store, lines=0, placed_at=placed, changed_at=placed + timedelta(hours=3),
            paid_at=placed + timedelta(minutes=1) if dice.random() > 0.2 else None,
            status=dice.choice(["awaiting_shipment", "shipped", "shipped", "delivered", "cancelled",
                                "unpaid", "partially_refunded", "on_hold"]),
            number=f"{dice.randrange(10**2):02}-{dice.randrange(10**5):05}-{dice.randrange(10**5):05}",
            items_total=items, shipping=Decimal("4.90"), total=items + Decimal("4.90"),
            tax=Decimal("0.00"), buyer_name=name, buyer_id=f"buyer_{dice.randrange(9999)}",
            ship_name=name, ship_line1=street, ship_city=city, ship_region=region or None,
            ship_postcode=postcode, ship_country=country, ship_phone="+49 30 1234567",
            fulfilment="merchant",
        )  # fmt: skip
        with tenant_scope(store.tenant_id):
            OrderLine.objects.create(
                tenant_id=store.tenant_id, order=order, position=0, number="1", sku=sku,
                title=title, quantity=quantity, unit_price=Decimal(price), total=items,
                currency="EUR",
            )  # fmt: skip


def json_lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]
