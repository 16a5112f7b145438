"""What tests of `fetch_order` share: a linked store's calls, and what a pull gives of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import msgspec
from django.utils import timezone

from platforms import registry
from platforms.adapter import Adapter
from platforms.flows.refresh import open_channel
from platforms.models.traffic import RateBucket
from platforms.spec import Window
from platforms.transport import Channel
from tenants.models import Store

HOSTILE = (
    "", " ", "0", "-1", "1.5", "1e9", "null", "12 34567890123", "576461413038785752\n",
    "576461413038785752,576461413038785753", "../orders", "';DROP TABLE--",
    "１２３４５６７８９０１２", "1" * 65,
    '3031265788145237},"x":{', "201214jajxu6g7", "%00", "\u202e", "[16090]",
)  # fmt: skip


@contextmanager
def calling(store: Store) -> Iterator[tuple[Adapter, Channel]]:
    now = timezone.now()
    with open_channel(store.authorization, now=now, shop_ids=(store.external_id,)) as call:
        yield registry.get(store.platform), call


def pulled(adapter: Adapter, call: Channel) -> dict[str, tuple[str, bytes]]:
    """Number -> kind and record, of everything of the last weeks."""
    now = timezone.now()
    found: dict[str, tuple[str, bytes]] = {}
    until, since = now - adapter.lag, now - timedelta(days=31)
    while since < until:
        end = min(until, since + adapter.max_window)
        cursor = None
        while True:
            RateBucket.objects.all().delete()
            page = adapter.fetch_orders(
                call, window=Window(since=since, until=end), cursor=cursor, now=now
            )
            found |= {adapter.order_number(raw): (page.kind, bytes(raw)) for raw in page.records}
            cursor = page.cursor
            if cursor is None:
                break
        since = end
    return found


def asked(adapter: Adapter, call: Channel, number: str) -> list[tuple[str, bytes]] | None:
    """What `fetch_order` gives, as `pulled` tells it."""
    RateBucket.objects.all().delete()
    page = adapter.fetch_order(call, number=number, now=timezone.now())
    if page is None:
        return None
    assert page.cursor is None
    return [(page.kind, bytes(raw)) for raw in page.records]


def one_of_each(adapter: Adapter, found: dict[str, tuple[str, bytes]]) -> dict[str, str]:
    """Platform's status -> the number of an order that has it."""
    by_status = {}
    for number, (kind, raw) in found.items():
        order = adapter.parse_order(msgspec.Raw(raw), kind=kind)
        by_status[order.platform_status] = number
    return by_status
