"""Whatever one field of a record holds, the others of the page land and nothing trips."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from django.utils import timezone

from platforms import landing
from platforms.flows.refresh import open_channel
from platforms.landing import Router
from platforms.models import Order, Quarantined, Stream
from platforms.spec import Page, Window
from tenants.models import Store
from tests.platforms.behaviour.seller import WAYS

WRONG: tuple[Any, ...] = (
    None, "", " ", [], {}, [None], {"a": 1}, True, 0, -1, 3.5, 1e300, 10**40, "x" * 100_000,
    "\u0000", "\ud83d", "ׁׂ\u202eהזמנה", "🧿🪬🏴‍☠️", "<script>alert(1)</script>",
    "2026-13-45T99:00:00Z",
    "NaN", "-1e999", "12.345", "1,234.50",
)  # fmt: skip
ONE_WAY_EACH = list({way.platform: way for way in WAYS}.values())


def places(value: Any, here: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where something stands in a record: every field, and the first of every list."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield (*here, name)
            yield from places(inner, (*here, name))
    elif isinstance(value, list) and value:
        yield (*here, 0)
        yield from places(value[0], (*here, 0))


def changed(record: Any, place: tuple[Any, ...], wrong: Any) -> msgspec.Raw:
    copy = json.loads(json.dumps(record))
    inner = copy
    for step in place[:-1]:
        inner = inner[step]
    inner[place[-1]] = wrong
    return msgspec.Raw(json.dumps(copy).encode())


@pytest.fixture
def first_page(seller):
    """The first page of the shop's orders that holds any, and the stream it came by."""
    seller.link()
    stream = Stream.objects.select_related("authorization", "store").first()
    now = timezone.now()
    adapter = seller.way.adapter
    window = Window(since=stream.watermark, until=now - adapter.lag)
    stores = [
        store
        for store in Store.objects.filter(authorization=stream.authorization).select_related(
            "tenant"
        )
        if stream.store_id in (None, store.pk)
    ]
    shop_ids = tuple(store.external_id for store in stores)
    with open_channel(stream.authorization, now=now, shop_ids=shop_ids) as call:
        cursor = None
        while True:
            page = adapter.fetch_orders(call, window=window, cursor=cursor, now=now)
            if page.records or page.cursor is None:
                return stream, stores, page
            cursor = page.cursor


@pytest.mark.django_db
@pytest.mark.parametrize("way", ONE_WAY_EACH, ids=lambda way: way.platform, indirect=False)
def test_every_field_may_hold_anything(way, seller, first_page):
    stream, stores, page = first_page
    assert isinstance(page, Page)
    good, *others = page.records
    record = json.loads(bytes(good))
    spoilt = [changed(record, place, wrong) for place in places(record) for wrong in WRONG]
    spoilt += [msgspec.Raw(bytes(good)[: len(bytes(good)) // 2]), msgspec.Raw(b"\xef\xbb\xbf{}")]

    batch = landing.read_records(
        way.adapter, [*spoilt, *others], kind=page.kind, router=Router(stores)
    )
    landed = landing.land(batch, stream=stream, now=timezone.now())

    assert landed.seen == len(spoilt) + len(others)
    numbers = {way.adapter.parse_order(raw, kind=page.kind).number for raw in others}
    assert numbers <= set(Order.objects.values_list("number", flat=True))
    assert Quarantined.objects.exists()
