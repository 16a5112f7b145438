"""The hand-tuned limit, for two tables and nothing else; and pages without a framework."""

from __future__ import annotations

import gc
import json
import os
import queue
import re
import threading
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import msgspec
import urllib3
import zstandard

PAGE = 250
FETCHERS = 2


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


def make_tables() -> None:
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
        compressor = zstandard.ZstdCompressor(level=-1)
        read_row = msgspec.json.Decoder(_Row).decode
        read_page = msgspec.json.Decoder(_Rows).decode
        read_key = msgspec.json.Decoder(_Key).decode
        for store in range(which, stores, FETCHERS):
            for body in store_bodies(pool, url, store):
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


# --- pages without a framework


def store_bodies(pool: urllib3.PoolManager, url: str, store: int) -> Iterator[bytes]:
    address: str | None = (
        f"{url}/shopify/{store}/admin/api/2025-07/orders.json?limit={PAGE}&status=any"
    )
    while address:
        answer = pool.request("GET", address)
        yield answer.data
        following = re.search(r'<([^>]+)>; rel="next"', answer.headers.get("link", ""))
        address = following[1] if following else None


def bodies(url: str, stores: int) -> Iterator[bytes]:
    pool = urllib3.PoolManager(maxsize=1)
    for store in range(stores):
        yield from store_bodies(pool, url, store)


def amazon_bodies(url: str, stores: int) -> Iterator[list[Any]]:
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
