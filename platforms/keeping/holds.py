"""What legal holds cover."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Exists, OuterRef, Q, QuerySet

from platforms import landing
from platforms.models import LegalHold, Quarantined
from tenants.models import Store


def holds_in_force() -> QuerySet[LegalHold]:
    """Those of the current scope."""
    holds: QuerySet[LegalHold] = LegalHold.objects.filter(released_at=None)
    return holds


def covered(prefix: str = "") -> Exists:
    """Whether a hold covers the order at `prefix` of the row, for filter() and exclude()."""
    return Exists(
        holds_in_force().filter(
            Q(store=None) | Q(store=OuterRef(f"{prefix}store_id")),
            Q(number="") | Q(number=OuterRef(f"{prefix}number")),
            tenant=OuterRef("tenant_id"),
        )
    )


def holds_on(store: Store, numbers: set[str] | None = None) -> list[LegalHold]:
    """The holds that cover the store or something in it; with `numbers`, one of these orders."""
    found = holds_in_force().filter(Q(store=None) | Q(store=store)).order_by("pk")
    if numbers is None:
        return list(found)
    return [hold for hold in found if not hold.number or hold.number in numbers]


@dataclass(frozen=True, kw_only=True)
class RecordHolds:
    """What is held of the records of a platform that nobody could read. Where it is not known
    whether a record is of a store or an order that is held, it is."""

    company: bool
    authorizations: frozenset[int]  # with a store that is held
    stores: frozenset[int]
    numbers: tuple[tuple[int | None, str], ...]  # (store or None for any, order number)

    def cover(self, record: Quarantined) -> bool:
        if self.company or record.store_id in self.stores:
            return True
        if record.store_id is None and self.stores:
            stream = record.stream
            if stream is None or stream.authorization_id in self.authorizations:
                return True
        wanted = {
            number
            for store_id, number in self.numbers
            if None in (store_id, record.store_id) or store_id == record.store_id
        }
        if not wanted:
            return False
        raw = landing.decompress(record.raw)
        return record.number in wanted or any(number.encode() in raw for number in wanted)


def record_holds(platform: str) -> RecordHolds:
    """Those of the current scope that may cover a record of the platform."""
    rows = holds_in_force().filter(Q(store=None) | Q(store__platform=platform))
    found = list(rows.values_list("store_id", "number", "store__authorization_id"))
    whole = [(store, account) for store, number, account in found if store and not number]
    return RecordHolds(
        company=any(store is None and not number for store, number, _account in found),
        authorizations=frozenset(account for _store, account in whole if account),
        stores=frozenset(store for store, _account in whole),
        numbers=tuple((store, number) for store, number, _account in found if number),
    )
