"""Which orders have a text: at the beginning of their number or buyer, or as the SKU of a line."""

from __future__ import annotations

from typing import Any

from django.db.models import CharField, Exists, Lookup, OuterRef, Q, QuerySet
from django.db.models.functions import Lower

from platforms.models import Order, OrderLine

PREFIX_FROM = 3  # shorter texts match whole values only: a prefix of one digit is half the table
_LAST_CHARACTER = chr(0x10FFFF)

CharField.register_lookup(Lower)


@CharField.register_lookup
class Begins(Lookup[Any]):
    """Byte by byte, as a range. LIKE would do as the owner of the tables, but row-level security
    keeps operators that may leak values from the indexes, and LIKE is one: 500 ms on 5M rows."""

    lookup_name = "begins"

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        since, until = ("~>=~", "~<~") if connection.vendor == "postgresql" else (">=", "<")
        value, given = self.process_lhs(compiler, connection)
        params = (*given, self.rhs, *given, f"{self.rhs}{_LAST_CHARACTER}")
        return f"({value} {since} %s AND {value} {until} %s)", params


def matching(text: str) -> Q:
    """Of an order, for a filter that looks at few rows."""
    sku_on_a_line = Exists(OrderLine.objects.filter(order=OuterRef("pk"), sku=text))
    return _by_number(text) | Q(sku_on_a_line) | _by_buyer(text)


def ids_with(text: str) -> QuerySet[Any, int]:
    """Ids by number, SKU or buyer, each part answered by its own index; some may come twice. Of
    all stores, so that a slice of it never reads further than it is long."""
    orders = Order.objects.order_by()
    by_number = orders.filter(_by_number(text)).values_list("pk", flat=True)
    by_buyer = orders.filter(_by_buyer(text)).values_list("pk", flat=True)
    by_sku = OrderLine.objects.order_by().filter(sku=text).values_list("order_id", flat=True)
    return by_number.union(by_sku, by_buyer, all=True)


def _by_number(text: str) -> Q:
    return Q(number__begins=text) if _is_prefix(text) else Q(number=text)


def _by_buyer(text: str) -> Q:
    lowered = text.lower()
    if _is_prefix(text):
        return Q(buyer_name__lower__begins=lowered)
    return Q(buyer_name__lower=lowered)


def _is_prefix(text: str) -> bool:
    return len(text) >= PREFIX_FROM or not text.isascii()
