"""Retention of buyers' data: what its rule says must go is removed, store by store.

Safe to repeat, to break off and to run in several workers at once: each batch is a short
transaction of its own, and what is due is asked of the rows themselves.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet

from platforms.keeping.forecast import rules_of
from platforms.keeping.holds import RecordHolds, covered, holds_in_force, record_holds
from platforms.keeping.removal import BATCH, EMPTIED, empty_orders, empty_records, free_rows
from platforms.keeping.rules import InForce, due
from platforms.models import Delivery, Order, OrderRaw, Quarantined, QuarantineState, Scrub
from tenants.flows.record_event import record_event
from tenants.models import Store, Tenant
from tenants.scope import tenant_scope

logger = logging.getLogger(__name__)

RECORDS = 200  # of the quarantine, at once: each may be large
HELD_TOLD_EVERY = timedelta(days=1)


@dataclass(kw_only=True)
class Scrubbed:
    """`held`: due, but kept by a legal hold."""

    orders: int = 0
    raws: int = 0
    records: int = 0
    held: int = 0

    def add(self, other: Scrubbed) -> None:
        self.orders += other.orders
        self.raws += other.raws
        self.records += other.records
        self.held += other.held

    @property
    def anything(self) -> bool:
        return bool(self.orders or self.raws or self.records)


def for_ever() -> bool:
    return True


def scrub_buyers(
    *, tenant: Tenant, now: datetime, go_on: Callable[[], bool] = for_ever
) -> Scrubbed:
    """Remove what is due of the tenant. Between batches `go_on` is asked; the next run does what
    is left."""
    total = Scrubbed()
    with tenant_scope(tenant):
        for platform, rule in rules_of(tenant).items():
            unknown = _Run(tenant, platform, None, rule, now, go_on)
            for run in (*unknown.of_stores(), unknown):
                if go_on():
                    total.add(run.work())
            _shorten_pushes(platform, rule, now)
        if total.anything:
            record_event(
                tenant=tenant, verb="retention.scrubbed", actor=None, now=now, target=tenant,
                detail=asdict(total),
            )  # fmt: skip
            logger.info("buyers.scrubbed", extra={"tenant_id": tenant.pk, **asdict(total)})
    return total


def count_due(*, tenant: Tenant, now: datetime) -> Scrubbed:
    """What `scrub_buyers` would remove now. Changes nothing."""
    total = Scrubbed()
    with tenant_scope(tenant):
        for platform, rule in rules_of(tenant).items():
            unknown = _Run(tenant, platform, None, rule, now, for_ever)
            for run in (*unknown.of_stores(), unknown):
                total.add(run.count())
    return total


class _Run:
    """One run over one store, or over a platform's records whose store is unknown."""

    def __init__(
        self, tenant: Tenant, platform: str, store: Store | None, rule: InForce, now: datetime,
        go_on: Callable[[], bool],
    ) -> None:  # fmt: skip
        self.tenant, self.platform, self.store, self.rule = tenant, platform, store, rule
        self.now, self.go_on = now, go_on
        self.done = Scrubbed()
        self.row: Scrub | None = None

    def of_stores(self) -> list[_Run]:
        """A run for each store of the platform that has something due. One question for all:
        nearly always there are thousands of stores and nothing to do."""
        store = OuterRef("pk")
        something = Q(Exists(self._due_orders(store))) | Q(Exists(self._old_records(store)))
        if self._drops_raws:
            something |= Q(Exists(self._old_raws(store)))
        busy = Store.objects.filter(something, platform=self.platform).order_by("pk")
        return [
            _Run(self.tenant, self.platform, each, self.rule, self.now, self.go_on) for each in busy
        ]

    def work(self) -> Scrubbed:
        if self.store is not None:
            self._empty_orders(self.store)
            self._drop_raws(self.store)
        self._empty_records(record_holds(self.platform))
        self.done.held += self._held_orders()
        self._tell_held()
        return self.done

    def count(self) -> Scrubbed:
        found = Scrubbed(held=self._held_orders())
        if self.store is not None:
            due_orders = self._due_orders(self.store).exclude(covered())
            found.orders = due_orders.count()
            found.raws = OrderRaw.objects.filter(
                Q(order__in=due_orders.values("pk"))
                | Q(pk__in=self._old_raws(self.store).values("pk"))
            ).count()
        holds = record_holds(self.platform)
        for record in self._old_records(self.store).iterator(chunk_size=RECORDS):
            if holds.cover(record):
                found.held += 1
            else:
                found.records += 1
        return found

    # --- orders

    def _due(self) -> Q:
        # `pk=None`: nothing is ever due
        days = self.rule.buyer_days
        return Q(pk=None) if days is None else due(buyer_days=days, now=self.now)

    def _due_orders(self, store: Store | OuterRef) -> QuerySet[Order]:
        orders: QuerySet[Order] = Order.objects.filter(self._due(), store=store)
        return orders

    def _held_orders(self) -> int:
        if self.store is None or not holds_in_force().exists():
            return 0
        return int(self._due_orders(self.store).filter(covered()).count())

    def _empty_orders(self, store: Store) -> None:
        since: datetime | None = None
        more = self.rule.buyer_days is not None
        while more and self.go_on():
            with transaction.atomic():
                wanted = free_rows(self._due_orders(store).exclude(covered()))
                if since is not None:  # what came before is done, or not due yet
                    wanted = wanted.filter(changed_at__gte=since)
                found = list(wanted.order_by("changed_at").values_list("pk", "changed_at")[:BATCH])
                more = len(found) == BATCH
                if not found:
                    return
                since = found[-1][1]
                orders, raws = empty_orders([pk for pk, _at in found], for_good_at=self.now)
                self._note(
                    Scrubbed(orders=orders, raws=raws), oldest=found[0][1], newest=found[-1][1]
                )

    # --- raw payloads

    @property
    def _drops_raws(self) -> bool:
        return self.rule.raw_days < self.tenant.retention_days

    def _old_raws(self, store: Store | OuterRef) -> QuerySet[OrderRaw]:
        """Those that the rule ends sooner than the expiry written on them."""
        sooner = timedelta(days=self.tenant.retention_days - self.rule.raw_days)
        raws: QuerySet[OrderRaw] = OrderRaw.objects.filter(
            order__store=store,
            expires_at__lte=self.now + sooner,  # by index; the next one is what counts
            order__landed_at__lte=self.now - timedelta(days=self.rule.raw_days),
        ).exclude(covered("order__"))
        return raws

    def _drop_raws(self, store: Store) -> None:
        more = self._drops_raws
        while more and self.go_on():
            with transaction.atomic():
                pks = list(free_rows(self._old_raws(store)).values_list("pk", flat=True)[:BATCH])
                more = len(pks) == BATCH
                gone, _each = OrderRaw.objects.filter(pk__in=pks).delete()
                self._note(Scrubbed(raws=gone))

    # --- quarantine

    def _old_records(self, store: Store | OuterRef | None) -> QuerySet[Quarantined]:
        """By the day they came: when the goods were delivered is not known."""
        days = self.rule.buyer_days
        if days is None:
            nothing: QuerySet[Quarantined] = Quarantined.objects.none()
            return nothing
        records: QuerySet[Quarantined] = (
            Quarantined.objects.filter(
                platform=self.platform,
                store=store,
                created_at__lte=self.now - timedelta(days=days),
            )
            .exclude(raw__in=EMPTIED)
            .select_related("stream")
            .order_by("pk")
        )
        return records

    def _empty_records(self, holds: RecordHolds) -> None:
        last, more = 0, True
        while more and self.go_on():
            with transaction.atomic():
                found = list(free_rows(self._old_records(self.store).filter(pk__gt=last))[:RECORDS])
                more = len(found) == RECORDS
                if not found:
                    return
                last = found[-1].pk
                free = [record.pk for record in found if not holds.cover(record)]
                self.done.held += len(found) - len(free)
                gone = empty_records(
                    free, state=QuarantineState.EXPIRED, note="retention", now=self.now
                )
                self._note(Scrubbed(records=gone))

    # --- the report

    def _note(
        self, part: Scrubbed, *, oldest: datetime | None = None, newest: datetime | None = None
    ) -> None:
        """Write down what this transaction removes, in the same transaction."""
        if not part.anything:
            return
        self.done.add(part)
        if self.row is None:
            self.row = self._new_row(part)
            self.row.oldest, self.row.newest = oldest, newest
            self.row.save()
            return
        told: dict[str, object] = {
            name: F(name) + getattr(part, name) for name in ("orders", "raws", "records")
        }
        if newest is not None:
            told["newest"] = newest
        Scrub.objects.filter(pk=self.row.pk).update(**told)

    def _tell_held(self) -> None:
        if not self.done.held:
            return
        if self.row is not None:
            Scrub.objects.filter(pk=self.row.pk).update(held=self.done.held)
            return
        # Nothing but what is held, every hour: once a day is enough, and when it changes.
        last = Scrub.objects.filter(store=self.store, platform=self.platform).order_by("-at")
        told = last.filter(at__gt=self.now - HELD_TOLD_EVERY).first()
        if told is None or told.held != self.done.held:
            self._new_row(Scrubbed(held=self.done.held)).save()

    def _new_row(self, part: Scrubbed) -> Scrub:
        return Scrub(
            tenant=self.tenant, store=self.store, platform=self.platform,
            buyer_days=self.rule.buyer_days, raw_days=self.rule.raw_days, at=self.now,
            **asdict(part),
        )  # fmt: skip


def _shorten_pushes(platform: str, rule: InForce, now: datetime) -> None:
    """What was pushed may hold a buyer, too, and is kept for some days to be worked on again:
    not longer than the rule. While anything is held, it keeps its days."""
    if rule.buyer_days is None or holds_in_force().exists():
        return
    old = now - timedelta(days=rule.buyer_days)
    accounts = Store.objects.filter(platform=platform).exclude(authorization=None)
    Delivery.objects.filter(
        authorization__in=accounts.values("authorization"), received_at__lte=old
    ).exclude(body=None).update(body=None, headers={})
