"""Many stores of many tenants at once, and what the claim does with them."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

AT_ONCE = 5_000
SINCE = datetime(2025, 12, 1, tzinfo=UTC)


def link(numbers: Sequence[int], *, tenants: int, prefix: str, **stream: Any) -> None:
    """Stores with these numbers at the local server, spread over new tenants; not due yet."""
    from platforms import credentials
    from platforms.models import Authorization, Lane, Stream
    from tenants.models import Store, StoreState, Tenant
    from tenants.scope import all_tenants

    platform = "bench_shopify"
    fields = {"lane": Lane.FRESH, "starts_at": SINCE, "watermark": datetime.now(UTC)} | stream
    with all_tenants("a throw-away database"):
        owners = [
            Tenant.objects.create(name=f"{prefix}{n}", slug=f"{prefix}{n}") for n in range(tenants)
        ]
        for start in range(0, len(numbers), AT_ONCE):
            some = numbers[start : start + AT_ONCE]
            rows = [
                Authorization(
                    tenant=owners[n % tenants], platform=platform, mode="key", account_id=str(n),
                    refreshed_at=datetime.now(UTC),
                )
                for n in some
            ]  # fmt: skip
            for row in rows:
                row.sealed_credential = credentials.sealed(row, {"api_key": "k"})
            Authorization.objects.bulk_create(rows)
            stores = Store.objects.bulk_create(
                Store(
                    tenant=row.tenant, platform=platform, account_name=f"s{row.account_id}",
                    external_id=row.account_id, display_name=f"S{row.account_id}",
                    authorization=row, state=StoreState.ACTIVE,
                )
                for row in rows
            )  # fmt: skip
            Stream.objects.bulk_create(
                Stream(tenant=row.tenant, authorization=row, store=store, **fields)
                for row, store in zip(rows, stores, strict=True)
            )
        _analyze()


def _analyze() -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def make_due(*, spread_s: float = 0.0) -> datetime:
    """All at once, or over so many seconds before now, in no order; when."""
    from django.db import connection

    now = datetime.now(UTC)
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('storelink.tenant', 'all', false)")
        cursor.execute(
            "UPDATE platforms_stream SET due_at = %s - random() * %s, leased_until = NULL,"
            " last_success_at = NULL, watermark = %s",  # a window of moments is not worth a call
            [now, timedelta(seconds=spread_s), now - timedelta(minutes=4)],
        )
        cursor.execute("SELECT set_config('storelink.tenant', '', false)")
    _analyze()
    return now


def claims(*, count: int, size: int = 48) -> dict[str, Any]:
    """Claims as a worker makes them, and what they gave; the leases are given up again."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from platforms.models import Stream
    from tenants.scope import all_tenants

    took: list[float] = []
    seen: list[datetime] = []
    with all_tenants("a throw-away database"):
        due = dict(Stream.objects.values_list("pk", "due_at"))
        for _ in range(count):
            began = time.perf_counter()
            rows = Stream.claim_due(kind="orders", limit=size, now=datetime.now(UTC),
                                    most_back_fills=12)  # fmt: skip
            took.append((time.perf_counter() - began) * 1000)
            seen += sorted(due[row.pk] for row in rows)
        with CaptureQueriesContext(connection) as asked:
            Stream.claim_due(kind="orders", limit=size, now=datetime.now(UTC), most_back_fills=12)
        plans = _plans([query["sql"] for query in asked.captured_queries])
    took.sort()
    return {
        "due": len(due), "p50_ms": statistics.median(took), "p95_ms": took[int(count * 0.95)],
        "in_order": seen == sorted(seen), "seq_scans": plans.count("Seq Scan on platforms_stream"),
    }  # fmt: skip


def _plans(statements: Sequence[str]) -> str:
    from django.db import connection, transaction

    told = ""
    with transaction.atomic(), connection.cursor() as cursor:
        for statement in statements:
            if statement.startswith(("SELECT", "UPDATE")) and "platforms_stream" in statement:
                cursor.execute(f"EXPLAIN {statement}")
                told += "\n".join(row[0] for row in cursor.fetchall())
    return told
