"""The ways of landing orders that bench/orders.py compares; each runs in a process of its own.

    python -m bench.contenders NAME URL SHAPE STORES MOST

prints {"orders", "started", "ended", "cpu", "before", "rss"}: orders pulled, moments of one clock
for all processes, processor seconds, and memory in MB before the pull and at its peak.
"""

from __future__ import annotations

import gc
import json
import os
import queue
import re
import resource
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec
import urllib3
import zstandard

RATIOS = (
    ("product", "naive"), ("product", "limit"), ("product-noraw", "limit-noraw"),
    ("productx2", "product"), ("product", "dlt"), ("product-noraw", "dlt"),
    ("product", "bulk"),
)  # fmt: skip
PAGE = 250
FETCHERS = 2
_TABLES = "platforms_order, platforms_orderline, platforms_orderraw, platforms_quarantined"


def names(shape: str) -> list[str]:
    if shape == "amazon":
        return ["product", "productx2"]
    from django.db import connection

    if connection.vendor != "postgresql":
        return ["product", "product-noraw", "naive"]
    found = ["product", "product-noraw", "productx2", "limit", "limit-noraw", "naive"]
    try:
        import dlt  # type: ignore[import-not-found]  # noqa: F401
    except ImportError:
        return found
    return [*found, "dlt"]


# --- what the bench does between the processes


def environment(name: str) -> dict[str, str]:
    from django.db import connection

    named = connection.settings_dict
    if connection.vendor == "postgresql":
        user = named["USER"] + (f":{named['PASSWORD']}" if named["PASSWORD"] else "")
        where = f"{user}@{named['HOST']}:{named['PORT'] or 5432}/{named['NAME']}"
        url = f"postgres://{where}"
    else:
        url = f"sqlite:///{named['NAME']}"
    return {"DATABASE_URL": url, "KEEP_RAW": "0" if "noraw" in name else "1"}


def empty() -> None:
    from django.db import connection

    from platforms.models import Authorization, PullRun, Stream
    from tenants.models import Store, Tenant
    from tenants.scope import all_tenants

    with all_tenants("a throw-away database"), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(f"TRUNCATE {_TABLES} CASCADE")
            cursor.execute("DROP SCHEMA IF EXISTS bench_limit CASCADE; CHECKPOINT")
            cursor.execute("DROP SCHEMA IF EXISTS bench_dlt CASCADE")
            cursor.execute("DROP SCHEMA IF EXISTS bench_dlt_staging CASCADE")
        else:
            for table in reversed(_TABLES.split(", ")):
                cursor.execute(f"DELETE FROM {table}")  # noqa: S608
        for model in (PullRun, Stream, Store, Authorization):
            model.objects.all().delete()
        Tenant.objects.all().delete()


def prepare(name: str, shape: str, stores: int) -> None:
    if name.startswith("limit"):
        _make_tables()
    if not name.startswith("product"):
        if name == "naive":
            _link(shape, stores)
        return
    _link(shape, stores)


def _link(shape: str, stores: int) -> None:
    from datetime import timedelta

    from django.utils import timezone

    from platforms.models import Lane, Stream
    from tenants.models import Store, StoreState, Tenant
    from tenants.scope import all_tenants, tenant_scope
    from tests.support.factories import make_authorization

    register()
    since = datetime(2025, 12, 1, tzinfo=UTC)
    with all_tenants("a throw-away database"):
        tenants = [Tenant.objects.create(name=f"T{n}", slug=f"t{n}") for n in range(4)]
    for n in range(stores):
        tenant = tenants[n % len(tenants)]
        with tenant_scope(tenant):
            row = make_authorization(
                tenant, platform=f"bench_{shape}", secrets={"api_key": "k"}, account_id=str(n)
            )
            store = Store.objects.create(
                tenant=tenant, platform=f"bench_{shape}", account_name=f"s{n}", authorization=row,
                state=StoreState.ACTIVE, external_id=str(n), display_name=f"S{n}",
            )  # fmt: skip
            Stream.objects.create(
                tenant=tenant, authorization=row, store=store, lane=Lane.FRESH, starts_at=since,
                watermark=since, due_at=timezone.now() - timedelta(seconds=stores - n),
            )  # fmt: skip


def make_due(name: str) -> None:
    """All of it once more, from the beginning."""
    if not name.startswith("product"):
        return
    from django.db.models import F
    from django.utils import timezone

    from platforms.models import Stream
    from tenants.scope import all_tenants

    with all_tenants("a throw-away database"):
        Stream.objects.update(
            watermark=F("starts_at"), due_at=timezone.now(), cursor="", window_until=None
        )


def rows_written() -> int:
    from django.db import connection

    if connection.vendor != "postgresql":
        return 0
    time.sleep(1.1)  # the server's own counts come late
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(sum(n_tup_ins + n_tup_upd + n_tup_del), 0) FROM pg_stat_user_tables"
            " WHERE relname IN ('platforms_order', 'platforms_orderline', 'platforms_orderraw')"
            " OR schemaname LIKE 'bench%'"
        )
        return int(cursor.fetchone()[0])


def register() -> None:
    from bench.shops import AmazonLike, ShopifyLike
    from platforms import registry

    for adapter in (ShopifyLike(), AmazonLike()):
        registry._BY_CODE[adapter.code] = adapter


# --- contenders


def product(url: str, shape: str, stores: int, most: int) -> Callable[[], int]:
    """A worker's pump, as django-q2 would run it."""
    import django

    django.setup()
    import logging

    logging.disable(logging.WARNING)
    from django.conf import settings

    from platforms import worker
    from platforms.pull_engine import Engine

    register()
    settings.PLATFORM_ENDPOINTS = {
        code: {"api": url, "auth": url} for code in ("bench_shopify", "bench_amazon")
    }
    worker.tune_collector()

    def run() -> int:
        engine = Engine(threads=settings.PULL_THREADS)
        engine.run(seconds=3600)
        if engine.bugs:
            raise ExceptionGroup("bugs", engine.bugs)
        return engine.seen

    return run


def naive(url: str, shape: str, stores: int, most: int) -> Callable[[], int]:
    """update_or_create for every order and line of the same models."""
    import django

    django.setup()
    from bench.shops import ShopifyLike
    from platforms.landing import content_hash
    from platforms.models import Order, OrderLine
    from tenants.models import Store
    from tenants.scope import all_tenants, tenant_scope

    adapter = ShopifyLike()
    with all_tenants("a throw-away database"):
        store = Store.objects.select_related("tenant").get()

    def one(raw: msgspec.Raw) -> None:
        data = adapter.parse_order(raw)
        order, _new = Order.objects.update_or_create(
            tenant=store.tenant, store=store, number=data.number,
            defaults={
                "platform": store.platform, "status": data.status,
                "platform_status": data.platform_status, "placed_at": data.placed_at,
                "changed_at": data.changed_at, "currency": data.currency, "total": data.total,
                "tax": data.tax, "buyer_name": data.buyer.name, "buyer_email": data.buyer.email,
                "ship_city": data.ship_to.city, "ship_country": data.ship_to.country,
                "content_hash": content_hash(data), "raw_sha256": "",
                "landed_at": datetime.now(UTC),
            },
        )  # fmt: skip
        for position, line in enumerate(data.lines):
            OrderLine.objects.update_or_create(
                tenant=store.tenant, order=order, position=position,
                defaults={
                    "number": line.number, "sku": line.sku, "title": line.title,
                    "quantity": line.quantity, "unit_price": line.unit_price,
                },
            )  # fmt: skip

    def run() -> int:
        done = 0
        with tenant_scope(store.tenant):
            for body in _bodies(url, 1):
                for raw in msgspec.json.decode(body, type=_Page).orders:
                    one(raw)
                    done += 1
                    if done >= most:
                        return done
        return done

    return run


def fetch(url: str, shape: str, stores: int, most: int) -> Callable[[], int]:
    """Pages fetched and thrown away."""

    def run() -> int:
        if shape == "amazon":
            return sum(len(body) for body in _amazon_bodies(url, stores))
        return sum(1 for _body in _bodies(url, stores)) * PAGE

    return run


class _Page(msgspec.Struct):
    orders: list[msgspec.Raw]


class _Item(msgspec.Struct):
    id: int
    quantity: int
    sku: str | None
    title: str | None
    price: str | None
    fulfillment_status: str | None = None


class _Place(msgspec.Struct):
    city: str | None = None
    country_code: str | None = None


class _Row(msgspec.Struct):
    id: int
    name: str
    created_at: datetime
    updated_at: datetime
    currency: str
    total_price: str
    total_tax: str
    email: str
    line_items: list[_Item]
    financial_status: str | None = None
    fulfillment_status: str | None = None
    shipping_address: _Place | None = None


class _Rows(msgspec.Struct):
    orders: list[msgspec.Raw]


_TABLES_OF_LIMIT = """
    CREATE SCHEMA bench_limit;
    CREATE TABLE bench_limit.orders (id bigserial PRIMARY KEY, store_id int NOT NULL,
        external_id text NOT NULL, name text, ordered_at timestamptz NOT NULL,
        changed_at timestamptz NOT NULL, currency text, total text, tax text, email text,
        status text, city text, country text, UNIQUE (store_id, external_id));
    CREATE INDEX ON bench_limit.orders (store_id, ordered_at DESC, id DESC);
    CREATE TABLE bench_limit.items (id bigserial PRIMARY KEY,
        order_id bigint NOT NULL REFERENCES bench_limit.orders, line_id text NOT NULL, sku text,
        title text, quantity int, price text, UNIQUE (order_id, line_id));
    CREATE TABLE bench_limit.raws (order_id bigint PRIMARY KEY REFERENCES bench_limit.orders,
        body bytea NOT NULL)
"""
_TEMPORARY = """
    CREATE TEMPORARY TABLE o (n int, store_id int, external_id text, name text,
        ordered_at timestamptz, changed_at timestamptz, currency text, total text, tax text,
        email text, status text, city text, country text, body bytea) ON COMMIT DELETE ROWS;
    CREATE TEMPORARY TABLE i (n int, line_id text, sku text, title text, quantity int, price text)
        ON COMMIT DELETE ROWS
"""
_O = (
    "store_id, external_id, name, ordered_at, changed_at, currency, total, tax, email, status,"
    " city, country"
)
_LAND = f"""
    WITH up AS (
        INSERT INTO bench_limit.orders AS t ({_O}) SELECT {_O} FROM o
        ON CONFLICT (store_id, external_id) DO UPDATE SET name = excluded.name,
            ordered_at = excluded.ordered_at, changed_at = excluded.changed_at,
            currency = excluded.currency, total = excluded.total, tax = excluded.tax,
            email = excluded.email, status = excluded.status, city = excluded.city,
            country = excluded.country
        WHERE excluded.changed_at > t.changed_at RETURNING id, store_id, external_id
    ), ids AS (SELECT up.id, o.n, o.body FROM up JOIN o USING (store_id, external_id)),
    raws AS (
        INSERT INTO bench_limit.raws SELECT id, body FROM ids WHERE body IS NOT NULL
        ON CONFLICT (order_id) DO UPDATE SET body = excluded.body
    )
    INSERT INTO bench_limit.items (order_id, line_id, sku, title, quantity, price)
    SELECT ids.id, i.line_id, i.sku, i.title, i.quantity, i.price FROM i JOIN ids USING (n)
    ON CONFLICT (order_id, line_id) DO UPDATE SET sku = excluded.sku, title = excluded.title,
        quantity = excluded.quantity, price = excluded.price
"""  # noqa: S608


def _make_tables() -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(_TABLES_OF_LIMIT)


def limit(url: str, shape: str, stores: int, most: int) -> Callable[[], int]:
    """By hand, for these two tables and nothing else: no tenants, no limits, no guards but one,
    no record of what was done. Unchanged orders are dropped by one SELECT a page."""
    import psycopg

    address = os.environ["DATABASE_URL"].replace("postgres://", "postgresql://")
    writer = psycopg.connect(address)
    readers = [psycopg.connect(address, autocommit=True) for _ in range(FETCHERS)]
    writer.execute(_TEMPORARY)
    writer.commit()
    keep_raw = os.environ.get("KEEP_RAW") != "0"
    _tune_collector()
    ready: queue.Queue[Any] = queue.Queue(8)

    def work(which: int) -> None:
        pool = urllib3.PoolManager(maxsize=1)
        compressor = zstandard.ZstdCompressor(level=1)
        read_row = msgspec.json.Decoder(_Row).decode
        read_page = msgspec.json.Decoder(_Rows).decode
        read_key = msgspec.json.Decoder(_Key).decode
        for store in range(which, stores, FETCHERS):
            for body in _store_bodies(pool, url, store):
                raws = read_page(body).orders
                keys = [read_key(raw) for raw in raws]
                known: dict[str, datetime] = dict(
                    readers[which].execute(
                        "SELECT external_id, changed_at FROM bench_limit.orders"
                        " WHERE store_id = %s AND external_id = ANY(%s)",
                        (store, [str(key.id) for key in keys]),
                    ).fetchall()
                )  # fmt: skip
                rows = [
                    (store, read_row(raw), compressor.compress(bytes(raw)) if keep_raw else None)
                    for raw, key in zip(raws, keys, strict=True)
                    if (at := known.get(str(key.id))) is None or key.updated_at > at
                ]
                ready.put((len(raws), rows))
        ready.put(None)

    def run() -> int:
        threads = [threading.Thread(target=work, args=(n,)) for n in range(FETCHERS)]
        for thread in threads:
            thread.start()
        done, ended = 0, 0
        while ended < FETCHERS:
            page = ready.get()
            if page is None:
                ended += 1
                continue
            done += page[0]
            if page[1]:
                _land_by_hand(writer, page[1])
        return done

    return run


class _Key(msgspec.Struct):
    id: int
    updated_at: datetime


def _land_by_hand(writer: Any, rows: list[tuple[int, _Row, bytes | None]]) -> None:
    with writer.cursor() as cursor:
        with cursor.copy("COPY o FROM STDIN (FORMAT BINARY)") as copy:
            copy.set_types(["int4", "int4", *["text"] * 2, *["timestamptz"] * 2, *["text"] * 7,
                            "bytea"])  # fmt: skip
            for n, (store, row, body) in enumerate(rows):
                place = row.shipping_address or _Place()
                copy.write_row(
                    (n, store, str(row.id), row.name, row.created_at, row.updated_at, row.currency,
                     row.total_price, row.total_tax, row.email,
                     row.fulfillment_status or row.financial_status, place.city,
                     place.country_code, body)
                )  # fmt: skip
        with cursor.copy("COPY i FROM STDIN (FORMAT BINARY)") as copy:
            copy.set_types(["int4", "text", "text", "text", "int4", "text"])
            for n, (_store, row, _body) in enumerate(rows):
                for item in row.line_items:
                    copy.write_row(
                        (n, str(item.id), item.sku, item.title, item.quantity, item.price)
                    )
        cursor.execute(_LAND)
    writer.commit()


def dlt(url: str, shape: str, stores: int, most: int) -> Callable[[], int]:
    """dlt's merge with the upsert strategy, items as a nested table; if dlt is installed."""
    import dlt as tool
    import orjson

    address = os.environ["DATABASE_URL"].replace("postgres://", "postgresql://")
    counted = 0

    @tool.resource(
        name="orders", primary_key=("store", "id"),
        write_disposition={"disposition": "merge", "strategy": "upsert"},
    )  # fmt: skip
    def orders() -> Iterator[Any]:
        nonlocal counted
        pool = urllib3.PoolManager(maxsize=1)
        for store in range(stores):
            for body in _store_bodies(pool, url, store):
                page = []
                for each in orjson.loads(body)["orders"]:
                    items = each["line_items"]
                    page.append(
                        {name: each[name] for name in _DLT_COLUMNS}
                        | {"store": store, "items": [{c: i[c] for c in _DLT_ITEM} for i in items]}
                    )
                counted += len(page)
                yield page

    pipeline = tool.pipeline(
        "bench", destination=tool.destinations.postgres(address), dataset_name="bench_dlt",
        pipelines_dir=os.environ.get("BENCH_DLT_DIR", "/tmp/bench-dlt"),  # noqa: S108
    )  # fmt: skip

    def run() -> int:
        pipeline.run(orders())
        return counted

    return run


_DLT_COLUMNS = (
    "id", "name", "created_at", "updated_at", "currency", "total_price", "total_tax", "email",
    "financial_status", "fulfillment_status",
)  # fmt: skip
_DLT_ITEM = ("id", "sku", "title", "quantity", "price")


# --- pages without a framework


def _store_bodies(pool: urllib3.PoolManager, url: str, store: int) -> Iterator[bytes]:
    address: str | None = (
        f"{url}/shopify/{store}/admin/api/2025-07/orders.json?limit={PAGE}&status=any"
    )
    while address:
        answer = pool.request("GET", address)
        yield answer.data
        following = re.search(r'<([^>]+)>; rel="next"', answer.headers.get("link", ""))
        address = following[1] if following else None


def _bodies(url: str, stores: int) -> Iterator[bytes]:
    pool = urllib3.PoolManager(maxsize=1)
    for store in range(stores):
        yield from _store_bodies(pool, url, store)


def _amazon_bodies(url: str, stores: int) -> Iterator[list[Any]]:
    pool = urllib3.PoolManager(maxsize=1)
    for store in range(stores):
        base, token = f"{url}/amazon/{store}/orders/v0/orders?MarketplaceIds=X", ""
        while True:
            more = f"&NextToken={token}" if token else "&LastUpdatedAfter=2025-12-01T00:00:00Z"
            page = json.loads(pool.request("GET", base + more).data)["payload"]
            yield page["Orders"]
            token = page.get("NextToken") or ""
            if not token:
                break


def _tune_collector() -> None:
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 50, 50)


CONTENDERS = {
    "product": product, "product-noraw": product, "naive": naive, "limit": limit,
    "limit-noraw": limit, "fetch": fetch, "dlt": dlt,
}  # fmt: skip


def _peak_mb() -> float:
    """Not getrusage's, which begins with what the parent had."""
    with open("/proc/self/status") as lines:
        return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))


def main() -> int:
    name, url, shape, stores, most = sys.argv[1:]
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    run = CONTENDERS[name](url, shape, int(stores), int(most))
    before = resource.getrusage(resource.RUSAGE_SELF)
    at_first = _peak_mb()
    started = time.monotonic()
    orders = run()
    ended = time.monotonic()
    after = resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(
        json.dumps(
            {"orders": orders, "started": started, "ended": ended, "cpu": cpu,
             "before": at_first, "rss": _peak_mb()}
        )
    )  # fmt: skip
    return 0


if __name__ == "__main__":
    sys.exit(main())
