"""The ways of landing orders that bench/orders.py compares; each runs in a process of its own.

    python -m bench.contenders NAME URL SHAPE STORES MOST

prints {"orders", "started", "ended", "cpu", "before", "rss"}: orders pulled, moments of one clock
for all processes, processor seconds, and memory in MB before the pull and at its peak.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec
import urllib3

from bench.by_hand import PAGE, amazon_bodies, bodies, limit, make_tables, store_bodies

RATIOS = (
    ("product", "naive"), ("product", "limit"), ("product-noraw", "limit-noraw"),
    ("productx2", "product"), ("product", "dlt"), ("product-noraw", "dlt"),
    ("product", "dlt-arrow"),
)  # fmt: skip
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
    return [*found, "dlt", "dlt-arrow"]


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
        make_tables()
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


def settle() -> None:
    """What PostgreSQL would do by itself a minute after the first pass, in the middle of somebody's
    second one."""
    from django.db import connection

    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")


def hang_up() -> None:
    """End what a process that was killed still has under way in the database."""
    from django.db import connection

    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
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
                "content_hash": b"", "raw_sha256": "",
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
            for body in bodies(url, 1):
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
            return sum(len(body) for body in amazon_bodies(url, stores))
        return sum(1 for _body in bodies(url, stores)) * PAGE

    return run


class _Page(msgspec.Struct):
    orders: list[msgspec.Raw]


def dlt(url: str, shape: str, stores: int, most: int) -> Callable[[], int]:
    """dlt's merge with the upsert strategy, items as a nested table; if dlt is installed."""
    import dlt as tool

    counted = 0

    @tool.resource(name="orders", primary_key=("store", "id"), write_disposition=_UPSERT)
    def orders() -> Iterator[Any]:
        nonlocal counted
        for store, page in _decoded(url, stores):
            counted += len(page)
            yield [
                {name: each[name] for name in _DLT_COLUMNS}
                | {
                    "store": store,
                    "items": [{c: i[c] for c in _DLT_ITEM} for i in each["line_items"]],
                }
                for each in page
            ]

    def run() -> int:
        _pipeline("bench").run(orders())
        return counted

    return run


def dlt_arrow(url: str, shape: str, stores: int, most: int) -> Callable[[], int]:
    """dlt at its best: mapped by hand to Arrow tables, orders and items each, and COPYed as CSV."""
    import dlt as tool
    import pyarrow

    counted = 0

    @tool.resource(selected=False)
    def pages() -> Iterator[Any]:
        nonlocal counted
        for store, page in _decoded(url, stores):
            counted += len(page)
            yield {"store": store, "orders": page}

    @tool.transformer(
        data_from=pages, name="orders", primary_key=("store", "id"), write_disposition=_UPSERT
    )
    def orders(page: Any) -> Iterator[Any]:
        columns: dict[str, list[Any]] = {c: [o[c] for o in page["orders"]] for c in _DLT_COLUMNS}
        yield pyarrow.table({"store": [page["store"]] * len(page["orders"]), **columns})

    @tool.transformer(
        data_from=pages, name="items", primary_key=("store", "order_id", "id"),
        write_disposition=_UPSERT,
    )  # fmt: skip
    def items(page: Any) -> Iterator[Any]:
        rows = [(order["id"], item) for order in page["orders"] for item in order["line_items"]]
        columns: dict[str, list[Any]] = {c: [item[c] for _order, item in rows] for c in _DLT_ITEM}
        ids = {"store": [page["store"]] * len(rows), "order_id": [order for order, _item in rows]}
        yield pyarrow.table(ids | columns)

    def run() -> int:
        _pipeline("bench_arrow").run([orders, items], loader_file_format="csv")
        return counted

    return run


def _decoded(url: str, stores: int) -> Iterator[tuple[int, list[Any]]]:
    import orjson

    pool = urllib3.PoolManager(maxsize=1)
    for store in range(stores):
        for body in store_bodies(pool, url, store):
            yield store, orjson.loads(body)["orders"]


def _pipeline(name: str) -> Any:
    import dlt as tool

    address = os.environ["DATABASE_URL"].replace("postgres://", "postgresql://")
    user, at, where = address.removeprefix("postgresql://").partition("@")
    if ":" not in user:  # dlt wants a password, also where none is asked for
        address = f"postgresql://{user}:none{at}{where}"
    return tool.pipeline(
        name, destination=tool.destinations.postgres(address), dataset_name="bench_dlt",
        pipelines_dir=os.environ.get("BENCH_DLT_DIR", "/tmp/bench-dlt"),  # noqa: S108
    )  # fmt: skip


_UPSERT = {"disposition": "merge", "strategy": "upsert"}
_DLT_COLUMNS = (
    "id", "name", "created_at", "updated_at", "currency", "total_price", "total_tax", "email",
    "financial_status", "fulfillment_status",
)  # fmt: skip
_DLT_ITEM = ("id", "sku", "title", "quantity", "price")


CONTENDERS = {
    "product": product, "product-noraw": product, "naive": naive, "limit": limit,
    "limit-noraw": limit, "fetch": fetch, "dlt": dlt,
    "dlt-arrow": dlt_arrow,
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
