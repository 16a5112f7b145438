"""What was received before, byte for byte: looked up before a page is read."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import msgspec
from django.db import connection

from platforms.adapter import Adapter
from platforms.landing.records import Router, order_number
from platforms.models import Order
from tenants.models import Store

SAMPLE = 8
# One parameter for all numbers: a statement with hundreds of them takes longer to put together
# than to run. The rest keeps the planner to `order_once` whatever it knows of the table: of a store
# that has just been linked it knows nothing, takes its orders for few, and reads all of them. So
# it must not see which tenant this is, and the store is compared last.
_FIND = """
    SELECT o.number, o.raw_sha256
    FROM unnest(string_to_array(%s, %s)) AS n (number), LATERAL (
        SELECT store_id, number, raw_sha256 FROM platforms_order
        WHERE tenant_id = (SELECT %s::int8) AND number = n.number OFFSET 0
    ) AS o
    WHERE o.store_id = ANY(%s)
"""
_BETWEEN = "\x1f"  # in no order's number (reading.number)


class Known:
    """Remembers how useful the look-up was on the page before: where everything is new, only a
    few orders of a page are looked up."""

    def __init__(self, adapter: Adapter, router: Router) -> None:
        self._adapter = adapter
        self._stores: Sequence[Store] = router.stores
        self._is_new = False

    def of(self, records: Sequence[msgspec.Raw]) -> list[Collection[str]]:
        """The digests of each record's order, as `read_records` takes them. One query or two.
        Call in the tenant's scope."""
        if self._is_new and len(records) > 2 * SAMPLE:
            few = self._numbers(records[:: len(records) // SAMPLE])
            if not self._digests(few):
                return []
        numbers = self._numbers(records)
        found = self._digests(numbers)
        self._is_new = not found
        return [found.get(number, ()) for number in numbers] if found else []

    def _numbers(self, records: Sequence[msgspec.Raw]) -> list[str]:
        return [order_number(self._adapter, record) for record in records]

    def _digests(self, numbers: list[str]) -> dict[str, Collection[str]]:
        found: dict[str, set[str]] = {}
        wanted = [number for number in numbers if number and "\x00" not in number]
        for number, digest in self._rows(wanted) if wanted else ():
            found.setdefault(number, set()).add(digest)
        return dict(found)

    def _rows(self, numbers: list[str]) -> Collection[tuple[str, str]]:
        stores = [store.pk for store in self._stores]
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                tenant_id = self._stores[0].tenant_id
                cursor.execute(_FIND, [_BETWEEN.join(numbers), _BETWEEN, tenant_id, stores])
                return cursor.fetchall()
        rows = Order.objects.filter(store_id__in=stores, number__in=numbers)
        return list(rows.values_list("number", "raw_sha256"))
