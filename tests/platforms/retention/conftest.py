from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

import pytest

from platforms import landing
from platforms.flows.scrub_buyers import scrub_buyers
from platforms.models import LegalHold, Order, OrderRaw, Quarantined, RetentionRule
from tenants.models import Store, Tenant
from tenants.scope import tenant_scope
from tests.support.factories import NOON, make_order

PERSON = {
    "buyer_name": "Anna Schmidt", "buyer_email": "anna@buyer.example", "buyer_id": "anna77",
    "ship_name": "Anna Schmidt", "ship_phone": "+49 30 23125001", "ship_line1": "Hauptstr. 5",
    "ship_line2": "Hinterhaus", "ship_city": "Berlin", "ship_region": "Berlin",
    "ship_postcode": "10115", "ship_country": "DE",
}  # fmt: skip


def ago(days: float) -> datetime:
    return NOON - timedelta(days=days)


def scrub(tenant: Tenant, *, at: datetime = NOON):
    return scrub_buyers(tenant=tenant, now=at)


class Shelf:
    """Puts things into a store of a tenant and looks at what is left of them."""

    def __init__(self, store: Store) -> None:
        self.store, self.tenant = store, store.tenant

    def rule(self, buyer_days: int | None = None, raw_days: int | None = None) -> None:
        with tenant_scope(self.tenant):
            RetentionRule.objects.update_or_create(
                tenant=self.tenant, platform=self.store.platform,
                defaults={"buyer_days": buyer_days, "raw_days": raw_days, "changed_at": NOON},
            )  # fmt: skip

    def order(self, *, status: str = "delivered", days: float = 31, **fields: object) -> Order:
        """An order with its raw payload, last changed `days` before noon."""
        given = {**PERSON, "changed_at": ago(days), "landed_at": ago(days), **fields}
        order = make_order(self.store, status=status, **given)
        with tenant_scope(self.tenant):
            OrderRaw.objects.create(
                tenant=self.tenant, order=order, body=landing.compress(b'{"name": "Anna Schmidt"}'),
                expires_at=order.landed_at + timedelta(days=self.tenant.retention_days),
            )  # fmt: skip
        return order

    def record(self, *, days: float = 31, raw: bytes = b'{"name": "Anna"}', **fields: object):
        """A record in quarantine that came `days` before noon."""
        with tenant_scope(self.tenant):
            given = {"store": self.store, "reason": "odd", **fields}
            row = Quarantined.objects.create(
                tenant=self.tenant, platform=self.store.platform, raw=landing.compress(raw),
                raw_sha256=hashlib.sha256(raw).hexdigest(), **given,
            )  # fmt: skip
            Quarantined.objects.filter(pk=row.pk).update(created_at=ago(days))
        return row

    def hold(self, *, store: Store | None = None, number: str = "") -> LegalHold:
        with tenant_scope(self.tenant):
            return LegalHold.objects.create(
                tenant=self.tenant, store=store, number=number, reason="case 7", placed_at=NOON
            )

    def has_buyer(self, order: Order) -> bool:
        """True if all of the buyer is there, with the payload; False if all is gone."""
        with tenant_scope(self.tenant):
            row = Order.objects.values(*PERSON, "scrubbed_at").get(pk=order.pk)
            raws = OrderRaw.objects.filter(order=order).count()
        assert row.pop("ship_country") == "DE"
        scrubbed_at = row.pop("scrubbed_at")
        kept = {value is not None for value in row.values()} | {bool(raws), scrubbed_at is None}
        assert len(kept) == 1, (row, raws, scrubbed_at)
        return kept.pop()

    def raw_of(self, record: Quarantined) -> tuple[str, bytes]:
        with tenant_scope(self.tenant):
            row = Quarantined.objects.get(pk=record.pk)
            return row.state, landing.decompress(row.raw)


@pytest.fixture
def shelf(world) -> Shelf:
    """Lotus' tea store, with a rule of thirty days."""
    shelf = Shelf(world.tea)
    shelf.rule(30)
    return shelf
