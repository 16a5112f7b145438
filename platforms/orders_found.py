"""Orders that pass filters, page by page: at the same cost at any depth and for any filter.

Paging is by key: a cursor names the last order seen, so new orders on top move nothing. On
PostgreSQL the keys of a page are read store by store, each from the index that has them in
order, and merged. Left to choose for many stores at once, the planner takes row-level security
for a filter that keeps one row in 200, and sorts a million orders to show fifty.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Q, QuerySet, Subquery
from django.db.models.expressions import RawSQL
from django.db.models.functions import Coalesce

from platforms.models import Order
from platforms.orders_text import ids_with, matching

PAGE_SIZE = 50
COUNT_CAP = 10_000
FEW = 1_000  # orders that can be looked at one by one
WALK = 800  # orders that one statement of a walk looks at
SLICES = 12_000  # keys that it may read to find them, over all stores
STEPS = 6  # of a walk for one page

Shape = Callable[[QuerySet[Order]], QuerySet[Order]]
_LAST_ID = 2**63 - 1
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class BadCursor(ValueError):
    """A cursor we did not give out."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """Beside one order of the list, towards older or newer ones. As text it is a cursor."""

    placed_at: datetime
    public_id: UUID
    newer: bool

    def __str__(self) -> str:
        micros = (self.placed_at - _EPOCH) // timedelta(microseconds=1)
        return f"{'n' if self.newer else 'o'}{micros:x}.{self.public_id.hex}"

    @classmethod
    def beside(cls, order: Order, *, newer: bool) -> Place:
        return cls(placed_at=order.placed_at, public_id=order.public_id, newer=newer)

    @classmethod
    def read(cls, text: str) -> Place:
        """Raises BadCursor."""
        match = re.fullmatch(r"([no])([0-9a-f]{1,13})\.([0-9a-f]{32})", text)
        if match is None:
            raise BadCursor(text[:80])
        micros = int(match[2], 16)
        return cls(
            placed_at=_EPOCH + timedelta(microseconds=micros),
            public_id=UUID(match[3]),
            newer=match[1] == "n",
        )

    @property
    def beyond(self) -> Q:
        # The serial id never leaves the house, so the cursor's order is looked up by its public
        # one. If it is gone, others of the same moment rather come twice than never.
        pk = Subquery(Order.objects.filter(public_id=self.public_id).values("pk")[:1])
        return _beyond(self.placed_at, Coalesce(pk, 0 if self.newer else _LAST_ID), self.newer)


@dataclass(frozen=True, kw_only=True)
class OrderPage:
    """One page, newest first; cursors are "" where there is nothing further. `reached` is set
    where a search stopped before the page was full: it looked that far, the cursors go on."""

    orders: list[Order]
    previous: str
    next: str
    reached: datetime | None = None


@dataclass(frozen=True)
class _Keys:
    """The ids of a page, and of the order at which the walk for them ended too early."""

    ids: Any
    reached: int | None = None


class FoundOrders:
    """The orders of some stores of one tenant that pass `filters` and, unless it is None, have
    `text`. Asks nothing before `page` or `count`, which need the tenant's scope."""

    def __init__(self, *, store_ids: Sequence[int], filters: Q, text: str | None) -> None:
        self.store_ids = list(store_ids)
        self.filters = filters
        self.text = text

    def page(
        self, *, cursor: str = "", size: int = PAGE_SIZE, shape: Shape | None = None
    ) -> OrderPage:
        """The page at `cursor`, the newest without one; `shape` says what its orders bring
        along. Raises BadCursor."""
        place = Place.read(cursor) if cursor else None
        newer = place is not None and place.newer
        keys = self._keys(place.beyond if place else Q(), newer, size + 1)
        orders = _in_time(Order.objects.filter(pk__in=keys.ids), newer)
        rows = list(shape(orders) if shape else orders)
        more = len(rows) > size
        rows = rows[:size]
        if newer:
            rows.reverse()
        ends = [rows[0], rows[-1]] if rows else []
        reached = None
        if keys.reached is not None:
            more = True
            reached = Order.objects.only("placed_at", "public_id").get(pk=keys.reached)
            ends = [reached, *ends[1:]] if newer else [*ends[:1], reached]
        has_older, has_newer = (True, more) if newer else (more, place is not None)
        return OrderPage(
            orders=rows,
            previous=str(Place.beside(ends[0], newer=True)) if ends and has_newer else "",
            next=str(Place.beside(ends[-1], newer=False)) if ends and has_older else "",
            reached=reached.placed_at if reached else None,
        )

    def count(self) -> int | None:
        """How many there are; COUNT_CAP + 1 stands for more than COUNT_CAP, None for many: a
        walk is quick for a page, and slow to its end."""
        if self.text is None:
            return self._count(COUNT_CAP + 1)
        return None if self._few is None else self._few.count()

    # --- which orders

    def _keys(self, beyond: Q, newer: bool, limit: int) -> _Keys:
        if self.text is None:
            return _Keys(self._merged(beyond, newer, limit))
        if self._few is None:
            return self._walk(self.text, beyond, newer, limit)
        return _Keys(_in_time(self._few.filter(beyond), newer).values("pk")[:limit])

    @cached_property
    def _few(self) -> QuerySet[Order] | None:
        """All that are searched for, where the text or else the filters leave few to look at."""
        assert self.text is not None
        ids = list(ids_with(self.text)[: FEW + 1])
        few: QuerySet[Order] | None = None
        if len(ids) <= FEW:
            few = Order.objects.filter(self.filters, pk__in=ids, store_id__in=self.store_ids)
        elif self._count(FEW + 1) <= FEW:
            few = Order.objects.filter(matching(self.text), pk__in=self._merged(Q(), False, FEW))
        return few

    def _walk(self, text: str, beyond: Q, newer: bool, limit: int) -> _Keys:
        """A text that many orders have is soon met on a walk through time: in steps, so that no
        statement takes long, and not without end."""
        found: list[int] = []
        reached = None
        for _ in range(STEPS):
            keys, more = self._step(beyond, newer)
            here = Order.objects.filter(matching(text), pk__in=[pk for pk, _at in keys])
            found += _in_time(here, newer).values_list("pk", flat=True)[: limit - len(found)]
            if len(found) >= limit or not more:
                return _Keys(found)
            reached, placed_at = keys[-1]
            beyond = _beyond(placed_at, reached, newer)
        return _Keys(found, reached)

    def _step(self, beyond: Q, newer: bool) -> tuple[list[tuple[int, datetime]], bool]:
        """The next orders, WALK at most, and whether there are more. Where the slice of a store
        ends, its next order is not known, nor what comes next of all."""
        each = min(WALK, max(PAGE_SIZE, SLICES // max(1, len(self.store_ids))))
        seen: Counter[int] = Counter()
        keys: list[tuple[int, datetime]] = []
        for pk, placed_at, store_id in self._step_rows(beyond, newer, each):
            keys.append((pk, placed_at))
            seen[store_id] += 1
            if seen[store_id] == each:
                return keys, True
        return keys, len(keys) == WALK

    def _step_rows(self, beyond: Q, newer: bool, each: int) -> Sequence[tuple[Any, ...]]:
        if connection.vendor != "postgresql":
            return list(self._of_all_stores(beyond, newer).values_list(*_STEP)[:WALK])
        with connection.cursor() as cursor:
            cursor.execute(*self._slices(beyond, newer, each, WALK, columns=_STEP))
            return cursor.fetchall()

    # --- store by store

    def _merged(self, beyond: Q, newer: bool, limit: int) -> Any:
        """The first `limit` ids, for `pk__in`."""
        if connection.vendor != "postgresql":
            return self._of_all_stores(beyond, newer).values("pk")[:limit]
        return RawSQL(*self._slices(beyond, newer, limit, limit))  # noqa: S611

    def _count(self, cap: int) -> int:
        if connection.vendor != "postgresql":
            return self._of_all_stores(Q(), False).order_by()[:cap].count()
        sql, params = self._slices(Q(), False, cap, cap, in_order=False)
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT count(*) FROM ({sql}) AS capped", params)  # noqa: S608
            return int(cursor.fetchone()[0])

    def _of_all_stores(self, beyond: Q, newer: bool) -> QuerySet[Order]:
        orders = Order.objects.filter(self.filters, beyond, store_id__in=self.store_ids)
        return _in_time(orders, newer)

    def _slices(
        self, beyond: Q, newer: bool, each: int, most: int,
        *, columns: Sequence[str] = ("id",), in_order: bool = True,
    ) -> tuple[str, tuple[Any, ...]]:  # fmt: skip
        """The first `each` orders of every store, and the first `most` of all of these."""
        of_one = Order.objects.filter(self.filters, beyond, store_id=RawSQL("store.id", ()))
        sql, params = _in_time(of_one, newer).values(*_STEP)[:each].query.sql_with_params()
        shown = ", ".join(f"slice.{column}" for column in columns)
        way = "ASC" if newer else "DESC"
        order_by = f"ORDER BY slice.placed_at {way}, slice.id {way}" if in_order else ""
        merged = (
            f"SELECT {shown} FROM unnest(%s::bigint[]) AS store (id)"  # noqa: S608
            f" CROSS JOIN LATERAL ({sql}) AS slice {order_by} LIMIT %s"
        )
        return merged, (self.store_ids, *params, most)


_STEP = ("id", "placed_at", "store_id")


def _in_time(orders: QuerySet[Order], newer: bool) -> QuerySet[Order]:
    return orders.order_by(*(("placed_at", "id") if newer else ("-placed_at", "-id")))


def _beyond(placed_at: datetime, pk: Any, newer: bool) -> Q:
    # The plain bound comes first: it is what the index is searched by.
    if newer:
        return Q(placed_at__gte=placed_at) & (Q(placed_at__gt=placed_at) | Q(id__gt=pk))
    return Q(placed_at__lte=placed_at) & (Q(placed_at__lt=placed_at) | Q(id__lt=pk))
