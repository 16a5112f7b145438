"""Is every order of the local server in our tables, once, as it is now, and nothing else?"""

from __future__ import annotations

import re
import urllib.request
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import msgspec


class _Line(msgspec.Struct):
    id: int
    quantity: int
    sku: str
    title: str
    price: str


class _Order(msgspec.Struct):
    id: int
    revision: int
    updated_at: datetime
    total_price: str
    financial_status: str
    line_items: list[_Line]
    fulfillment_status: str | None = None


class _Page(msgspec.Struct):
    orders: list[_Order]


class _Raw(msgspec.Struct):
    revision: int


_read_page = msgspec.json.Decoder(_Page).decode
_read_raw = msgspec.json.Decoder(_Raw).decode


def compare(url: str) -> Counter[str]:
    """What is wrong, by kind; and under "orders" how many the server has."""
    from platforms.models import Order, Quarantined
    from tenants.models import Store
    from tenants.scope import all_tenants

    found: Counter[str] = Counter()
    with all_tenants("a throw-away database"):
        for store in Store.objects.all():
            truth = {str(order.id): order for order in _orders(url, store.external_id)}
            found["orders"] += len(truth)
            _compare_store(store, truth, found)
        found["in our tables"] = Order.objects.count()
        found["in quarantine"] = Quarantined.objects.count()
    return found


def _compare_store(store: Any, truth: dict[str, _Order], found: Counter[str]) -> None:
    from platforms.landing import decompress
    from platforms.models import Order, OrderLine, OrderRaw

    ours = {order.number: order for order in Order.objects.filter(store=store)}
    lines: dict[int, list[Any]] = defaultdict(list)
    for line in OrderLine.objects.filter(order__store=store).order_by("order_id", "position"):
        lines[line.order_id].append(line)
    raws = dict(OrderRaw.objects.filter(order__store=store).values_list("order_id", "body"))
    found["missing"] += len(truth.keys() - ours.keys())
    found["nobody's"] += len(ours.keys() - truth.keys())
    for number in truth.keys() & ours.keys():
        order, row = truth[number], ours[number]
        if row.changed_at != order.updated_at:
            found["of an older revision"] += 1
        status = order.fulfillment_status or order.financial_status
        if row.platform_status != status or str(row.total) != order.total_price:
            found["different"] += 1
        theirs = [_of_line(line) for line in order.line_items]
        if [_of_row(line) for line in lines[row.pk]] != theirs:
            found["with different lines"] += 1
        raw = raws.get(row.pk)
        if raw is None or _read_raw(decompress(raw)).revision != order.revision:
            found["with another raw payload"] += 1


def _of_line(line: _Line) -> tuple[Any, ...]:
    return str(line.id), line.quantity, line.sku, line.title, line.price


def _of_row(line: Any) -> tuple[Any, ...]:
    return line.number, line.quantity, line.sku, line.title, str(line.unit_price)


def _orders(url: str, store: str) -> Iterator[_Order]:
    address: str | None = f"{url}/shopify/{store}/admin/api/2025-07/orders.json?limit=250"
    while address:
        with urllib.request.urlopen(address, timeout=60) as answer:  # noqa: S310
            yield from _read_page(answer.read()).orders
            following = re.search(r'<([^>]+)>; rel="next"', answer.headers.get("link", ""))
        address = following[1] if following else None


def behind(since: datetime) -> int:
    """Streams that have not yet taken in everything up to `since`, or are not well."""
    from django.db.models import Q

    from platforms.models import Lane, Stream
    from tenants.scope import all_tenants

    with all_tenants("a throw-away database"):
        return int(
            Stream.objects.filter(
                Q(watermark__lt=since) | Q(failures__gt=0) | ~Q(cursor="")
                | ~Q(window_until=None) | ~Q(lane=Lane.FRESH)
            ).count()
        )  # fmt: skip
