"""What was received before, byte for byte: looked up before a page is read."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from platforms.adapter import Adapter
from platforms.landing.records import Router, order_number
from platforms.models import Order

SAMPLE = 8


class Known:
    """Remembers how useful the look-up was on the page before: where everything is new, only a
    few orders of a page are looked up."""

    def __init__(self, adapter: Adapter, router: Router) -> None:
        self._adapter = adapter
        self._stores = [store.pk for store in router.stores]
        self._is_new = False

    def of(self, records: Sequence[msgspec.Raw]) -> dict[str, set[str]]:
        """Digests by order number, as `read_records` takes them. One query. Call in the
        tenant's scope."""
        numbers = [order_number(self._adapter, record) for record in records]
        wanted = [number for number in numbers if number]
        if self._is_new and len(wanted) > 2 * SAMPLE:
            found = self._digests(wanted[:: len(wanted) // SAMPLE])
            if not found:
                return {}
        found = self._digests(wanted)
        self._is_new = not found
        return found

    def _digests(self, numbers: Sequence[str]) -> dict[str, set[str]]:
        if not numbers:
            return {}
        rows = Order.objects.filter(store_id__in=self._stores, number__in=numbers)
        found: dict[str, set[str]] = {}
        for number, digest in rows.values_list("number", "raw_sha256"):
            found.setdefault(number, set()).add(digest)
        return found
