"""Orders by the million, made inside PostgreSQL: for benches and for tests of plans.

One company has a fifth of all orders in its own stores, a few of which have most of them and the
last nearly none; the others share the rest evenly. The same ones for the same sizes.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from django.db import connection

from tenants.models import Store, Tenant
from tenants.scope import all_tenants

LAST_DAY = datetime(2026, 11, 20, tzinfo=UTC)
DAYS = 730
PLATFORMS = ("amazon", "ebay", "shopify", "ozon")
CHUNK = 250_000
SPARSE_EVERY = 50_000  # the last store of the big company gets one in so many orders

_STORES = """
CREATE TEMP TABLE many_stores AS
SELECT row_number() OVER (ORDER BY tenant_id, id) - 1 AS place, id, tenant_id, platform
FROM tenants_store WHERE id = ANY(%s);
CREATE INDEX ON many_stores (place);
ANALYZE many_stores;
"""

# Cubed chance: of 59 stores the first has a quarter of the orders, the last one in 170.
_ORDERS = """
WITH dice AS MATERIALIZED (
  SELECT g, random() a, random() b, random() c, random() d
  FROM generate_series(%(since)s::int, %(until)s::int) g
), placed AS (
  SELECT *,
    CASE WHEN g %% %(sparse)s = 0 THEN %(big)s - 1
         WHEN g %% 5 = 0 THEN floor((%(big)s - 1) * a ^ 3)
         ELSE %(big)s + floor(%(others)s * a) END AS place,
    date_trunc('second', %(last_day)s::timestamptz - make_interval(
      secs => %(days)s * 86400 * (1 - g::float8 / %(all)s) + 3 * 86400 * b)) AS at
  FROM dice
)
INSERT INTO platforms_order (
  public_id, tenant_id, store_id, platform, number, group_number, status, platform_status,
  placed_at, changed_at, paid_at, currency, total, items_total, shipping, tax, discount,
  buyer_name, buyer_email, buyer_id, ship_name, ship_phone, ship_line1, ship_city, ship_postcode,
  ship_country, fulfilment, content_hash, raw_sha256, first_seen_at, landed_at)
SELECT
  (lpad(to_hex(g), 12, '0') || right(md5(g::text), 20))::uuid,
  tenant_id, id, platform,
  CASE WHEN platform = 'amazon'
    THEN lpad(floor(c * 1000)::text, 3, '0') || '-' || lpad(g::text, 7, '0') || '-7003251'
    ELSE lpad(g::text, 10, '0') END,
  '',
  CASE WHEN d < 0.0003 THEN 'on_hold' WHEN d < 0.03 THEN 'refunded' WHEN d < 0.09 THEN 'cancelled'
       WHEN at > %(last_day)s::timestamptz - interval '6 days' THEN 'awaiting_shipment'
       WHEN d < 0.2 THEN 'shipped' ELSE 'delivered' END,
  'PAID', at, at + interval '2 hours', at + interval '1 minute', 'EUR',
  '24.90', '20.00', '4.90', '0.00', '0.00',
  first || ' ' || last, lower(first) || g || '@buyer.example', 'buyer_' || g %% 90000,
  first || ' ' || last, '+49 30 1234567', 'Street ' || g %% 900, 'Berlin', '10115', 'DE',
  'merchant', decode(md5(g::text), 'hex'), md5(g::text) || md5(g::text), at, at
FROM placed JOIN many_stores USING (place),
  LATERAL (SELECT
    CASE WHEN g %% 20011 = 0 THEN 'Zebulon' ELSE
      initcap(chr(97 + floor(26 * c ^ 2)::int) || 'n' || chr(97 + g %% 26) || 'a') END AS first,
    'Name' || floor(3000 * b) AS last) names
"""

# 1.7 lines for each; 2,000 SKUs in a company, the first on one line in fifty.
_LINES = """
INSERT INTO platforms_orderline (tenant_id, order_id, position, number, sku, title, quantity,
  unit_price, total, currency, platform_status)
SELECT o.tenant_id, o.id, n, 'L' || n,
  CASE WHEN (o.id + n) %% 70001 = 0 THEN 'RARE-1'
    ELSE 'SKU-' || lpad(floor(2000 * random() ^ 2)::text, 4, '0') END,
  'Fairy lights, 3 m, warm white, number ' || o.id %% 300, 1 + n, '12.45', '12.45', 'EUR', ''
FROM platforms_order o,
  generate_series(0, (o.id %% 2 + (o.id %% 5 = 0)::int)::int) n
WHERE o.id BETWEEN %(since)s AND %(until)s
"""


@dataclass(frozen=True, kw_only=True)
class Sizes:
    orders: int
    companies: int = 1000
    stores: int = 5000
    big_stores: int = 60


@dataclass(frozen=True, kw_only=True)
class Made:
    """`big` lists its stores from the fullest to the nearly empty one."""

    big: list[Store]
    small: list[Store]


def make_stores(sizes: Sizes) -> Made:
    companies = Tenant.objects.bulk_create(
        Tenant(name=f"Company {n}", slug=f"company-{n}") for n in range(sizes.companies)
    )
    owners = [companies[0]] * sizes.big_stores
    others = companies[1:]
    owners += [others[n % len(others)] for n in range(sizes.stores - sizes.big_stores)]
    with all_tenants("many companies are made at once"):
        stores = Store.objects.bulk_create(
            Store(
                tenant=tenant, platform=PLATFORMS[n % len(PLATFORMS)], account_name=f"shop_{n}",
                external_id=f"shop-{n}", state="active", linked_at=LAST_DAY,
            )
            for n, tenant in enumerate(owners)
        )  # fmt: skip
    return Made(
        big=stores[: sizes.big_stores], small=[s for s in stores if s.tenant == companies[-1]]
    )


def make_orders(sizes: Sizes, made: Made, stores: list[int], *, in_bulk: bool = False) -> None:
    """Fill `stores` (ids, those of the big company first) and tell the planner. With `in_bulk`,
    indexes are made afterwards and nothing survives a crash of the server."""
    with connection.cursor() as cursor:
        cursor.execute(_STORES, [stores])
        with _in_bulk() if in_bulk else _as_is():
            cursor.execute("SELECT setseed(0.5)")
            cursor.execute("SELECT coalesce(max(id), 0) FROM platforms_order")
            first_id = cursor.fetchone()[0] + 1
            for since in range(1, sizes.orders + 1, CHUNK):
                cursor.execute(
                    _ORDERS,
                    {
                        "since": since, "until": min(since + CHUNK - 1, sizes.orders),
                        "all": sizes.orders, "big": len(made.big),
                        "others": len(stores) - len(made.big), "sparse": SPARSE_EVERY,
                        "last_day": LAST_DAY, "days": DAYS,
                    },
                )  # fmt: skip
            cursor.execute("SELECT max(id) FROM platforms_order")
            last_id = cursor.fetchone()[0]
            for since in range(first_id, last_id + 1, CHUNK):
                until = min(since + CHUNK - 1, last_id)
                cursor.execute(_LINES, {"since": since, "until": until})
        cursor.execute("DROP TABLE many_stores")


_TABLES = ("platforms_orderraw", "platforms_orderline", "platforms_order")


@contextmanager
def _as_is() -> Iterator[None]:
    yield
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE platforms_order, platforms_orderline")


@contextmanager
def _in_bulk() -> Iterator[None]:
    """No log, no checks of foreign keys, indexes at the end."""
    with connection.cursor() as cursor:
        for table in _TABLES:
            cursor.execute(f"ALTER TABLE {table} SET UNLOGGED")
        cursor.execute(
            "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = ANY(%s)"
            " AND indexname NOT IN (SELECT conname FROM pg_constraint)",
            [list(_TABLES[1:])],
        )
        indexes = cursor.fetchall()
        for name, _definition in indexes:
            cursor.execute(f'DROP INDEX "{name}"')
        cursor.execute("SET session_replication_role = replica")
        cursor.execute("SET maintenance_work_mem = '1GB'")
        yield
        cursor.execute("RESET session_replication_role")
        for _name, definition in indexes:
            cursor.execute(definition)
        cursor.execute("RESET maintenance_work_mem")
        cursor.execute("VACUUM ANALYZE platforms_order, platforms_orderline")
