"""After retention no table holds a buyer of the emulator any more, in whatever form."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta

import pytest
from django.apps import apps
from django.db import models
from django.utils import timezone

from platforms import landing, tasks
from platforms.models import Authorization, Order, OrderRaw, Quarantined
from tenants.scope import all_tenants, tenant_scope
from tests.platforms.flows.test_pull_orders import pull
from tests.platforms.retention.conftest import scrub
from tests.support.linking import link_store
from tests.support.wire import emulated

PERSONAL = ("buyer_name", "buyer_email", "ship_name", "ship_phone", "ship_line1", "ship_line2")
SELLER = "amazon-aurora-eu"


@pytest.fixture
def pulled(world):
    """A store that the emulator filled, some of it unreadable."""
    with emulated() as market:
        with tenant_scope(world.lotus):
            link_store(market, world.lotus, SELLER)
        tasks.pump_orders()
        with tenant_scope(world.lotus):
            for raw in OrderRaw.objects.select_related("order")[:3]:
                body = landing.decompress(raw.body)[:-1]
                Quarantined.objects.create(
                    tenant=world.lotus, store=raw.order.store, platform="amazon", reason="cut off",
                    raw=landing.compress(body), raw_sha256=f"{raw.pk:064x}",
                )  # fmt: skip
        yield market


def buyers(**of_orders: object) -> set[str]:
    """Everything that names or finds a buyer, from columns and from payloads."""
    orders = Order.objects.filter(platform="amazon", **of_orders)
    found: set[str] = set()
    for row in orders.values_list(*PERSONAL):
        found |= {value for value in row if value}
    for raw in OrderRaw.objects.filter(order__in=orders):
        found |= set(_people(json.loads(landing.decompress(raw.body))))
    return found


def _people(node: object, *, inside: bool = False) -> Iterator[str]:
    if isinstance(node, dict):
        for key, value in node.items():
            if inside and isinstance(value, str) and key not in ("countryCode", "addressType"):
                if key in ("city", "stateOrRegion", "postalCode"):
                    continue  # places of many people; looked for in columns
                yield value
            else:
                yield from _people(value, inside=inside or key in ("buyer", "recipient"))
    elif isinstance(node, list):
        for value in node:
            yield from _people(value, inside=inside)


def everything() -> Iterator[tuple[str, str]]:
    """Every text and every opened payload of every table."""
    for model in apps.get_models(include_auto_created=True):
        names = [field.attname for field in model._meta.concrete_fields if _holds_text(field)]
        for row in model._base_manager.values_list(*names) if names else ():
            for name, value in zip(names, row, strict=True):
                yield f"{model._meta.label}.{name}", _text(value)


def _holds_text(field: models.Field) -> bool:
    return isinstance(
        field, models.CharField | models.TextField | models.JSONField | models.BinaryField
    )


def _text(value: object) -> str:
    if isinstance(value, bytes | memoryview):
        kept = bytes(value)
        with suppress(Exception):  # what does not open is sealed, or a digest
            kept = landing.decompress(kept)
        return kept.decode("utf-8", "replace")
    if isinstance(value, str) or value is None:
        return value or ""
    return json.dumps(value, ensure_ascii=False, default=str)


def found_in_tables(wanted: set[str]) -> set[tuple[str, str]]:
    return {
        (where, each) for where, text in everything() if text for each in wanted if each in text
    }


def test_no_table_holds_a_buyer_any_more(world, pulled):
    with all_tenants("the test looks everywhere"):
        wanted = buyers()
        before = {where for where, _each in found_in_tables(wanted)}
    assert len(wanted) > 20
    assert {"platforms.OrderRaw.body", "platforms.Quarantined.raw"} < before

    scrub(world.lotus, at=timezone.now() + timedelta(days=400))

    with all_tenants("the test looks everywhere"):
        assert found_in_tables(wanted) == set()
        assert Order.objects.filter(platform="amazon").exists()
        columns = [c for c in landing.PERSONAL_COLUMNS if c != "ship_country"]
        left = Order.objects.filter(platform="amazon").values_list(*columns)
        assert {value for row in left for value in row} == {None}


def test_nothing_comes_back_with_the_next_pulls(world, pulled):
    with all_tenants("the test looks everywhere"):
        wanted = buyers()
    scrub(world.lotus, at=timezone.now() + timedelta(days=400))
    with tenant_scope(world.lotus):
        before = dict(Order.objects.values_list("number", "content_hash"))

    pulled.control("orders/change", account=SELLER, n=60, ago_seconds=240)
    with tenant_scope(world.lotus):
        pull(Authorization.objects.get(platform="amazon"), later=timedelta(minutes=10))
        after = Order.objects.filter(number__in=before)
        changed = [
            row.number for row in after if bytes(row.content_hash) != bytes(before[row.number])
        ]
        # Orders older than the store's link come for the first time; some buyers share a name.
        wanted -= buyers(scrubbed_at=None)
    assert changed
    assert len(wanted) > 20
    with all_tenants("the test looks everywhere"):
        assert found_in_tables(wanted) == set()
