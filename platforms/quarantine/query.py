"""Which records of the quarantine a person may see, by reason and page by page.

Shared by pages, acts and API. Managers see all of the tenant, operators what belongs to their
stores; a record whose store is not known belongs to all stores of its authorization.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import urlencode
from uuid import UUID

from django.db.models import Count, Max, Min, Q
from django.http import Http404

from platforms import registry
from platforms.models import Quarantined, QuarantineState
from platforms.quarantine.reasons import Reason, normalized
from tenants.access import stores_to_work_on
from tenants.middleware import Workspace
from tenants.models import Duty, Store
from tenants.scope import TenantQuerySet

PAGE_SIZE = 50
# Different texts of reasons that are told apart at once. Only a platform that puts a value into
# each of them comes near it; the rest is seen when these are settled.
MOST_REASONS = 20_000
SETTLED = "settled"
UNKNOWN_STORE = "none"
STATES = (SETTLED, *QuarantineState.values)

Records = TenantQuerySet[Quarantined]


@dataclass(frozen=True, kw_only=True)
class Filters:
    """As the address states them; "" means all, and all that waits for `state`."""

    reason: str = ""  # Reason.key
    platform: str = ""
    store: str = ""  # a public id, or UNKNOWN_STORE
    state: str = ""

    @classmethod
    def read(cls, params: Mapping[str, str]) -> Filters:
        """What makes no sense is left out, but for a store: one that is not there has nothing."""
        state, platform = params.get("state", ""), params.get("platform", "")
        return cls(
            reason=params.get("reason", "")[:16],
            platform=platform if platform in registry.codes() else "",
            store=params.get("store", "")[:36],
            state=state if state in STATES and state != QuarantineState.WAITING else "",
        )

    @property
    def params(self) -> dict[str, str]:
        return {name: value for name, value in vars(self).items() if value}

    def query(self, **changes: str) -> str:
        """For an address, with its question mark; "" without any filter."""
        params = replace(self, **changes).params
        return f"?{urlencode(params)}" if params else ""

    @property
    def is_narrow(self) -> bool:
        return bool(self.reason or self.platform or self.store)


def may_work(work: Workspace) -> bool:
    """Whether the quarantine is any of this person's business."""
    return work.can_manage or work.may_read_orders


def workable_stores(work: Workspace) -> list[Store]:
    """The stores whose records this person sees, by platform and name; for names and filters."""
    stores = stores_to_work_on(work)
    return sorted(stores, key=lambda store: (store.platform, store.name.lower(), store.site))


def visible_records(work: Workspace) -> Records:
    records: Records = Quarantined.objects.all()
    if work.can_manage:
        return records
    operated = work.store_ids(Duty.OPERATOR)
    grants = Store.objects.filter(pk__in=operated).exclude(authorization=None)
    shared = Q(store=None, stream__authorization_id__in=grants.values("authorization_id"))
    return records.filter(Q(store_id__in=operated) | shared)


def waiting_records(work: Workspace) -> Records:
    return visible_records(work).filter(state=QuarantineState.WAITING)


def get_record(work: Workspace, public_id: UUID) -> Quarantined:
    """The record if this person may see it; otherwise 404, as if it did not exist."""
    records = visible_records(work).select_related("store", "stream__authorization", "tenant")
    record: Quarantined | None = records.filter(public_id=public_id).first()
    if record is None:
        raise Http404
    return record


def get_records(work: Workspace, public_ids: Sequence[str]) -> Records:
    """All of these records; 404 if one of them is not there for this person."""
    try:
        wanted = {UUID(text) for text in public_ids}
    except ValueError:
        raise Http404 from None
    records = visible_records(work).filter(public_id__in=wanted)
    if records.count() != len(wanted):
        raise Http404
    return records


def find_records(work: Workspace, filters: Filters, stores: Sequence[Store]) -> Records:
    """The records that pass. Asks once already where a reason is named."""
    records = narrowed(visible_records(work), filters, stores)
    if not filters.reason:
        return records
    texts = records.order_by().values_list("reason", flat=True).distinct()[:MOST_REASONS]
    mine = [text for text in texts if normalized(text).key == filters.reason]
    return records.filter(reason__in=mine)


def narrowed(records: Records, filters: Filters, stores: Sequence[Store]) -> Records:
    """`records` by all filters but the reason."""
    if filters.state == SETTLED:
        records = records.exclude(state=QuarantineState.WAITING)
    else:
        records = records.filter(state=filters.state or QuarantineState.WAITING)
    if filters.platform:
        records = records.filter(platform=filters.platform)
    if filters.store == UNKNOWN_STORE:
        return records.filter(store=None)
    if filters.store:
        store = next((each for each in stores if str(each.public_id) == filters.store), None)
        return records.filter(belonging_to(store)) if store else records.none()
    return records


def belonging_to(store: Store) -> Q:
    """What waits for `store`: as its health counts it."""
    mine = Q(store=store)
    if store.authorization_id is not None:
        mine |= Q(store=None, stream__authorization_id=store.authorization_id)
    return mine


# --- by reason


@dataclass(frozen=True, kw_only=True)
class Part:
    """The records of one reason in one store; `store` None where it is not known."""

    platform: str
    store: Store | None
    count: int
    put_aside: int
    oldest: datetime
    newest: datetime

    @property
    def store_param(self) -> str:
        return str(self.store.public_id) if self.store else UNKNOWN_STORE


@dataclass(frozen=True, kw_only=True)
class Group:
    """All records that fail in the same way, largest part first."""

    reason: Reason
    parts: tuple[Part, ...]
    count: int
    put_aside: int  # of them, by somebody
    oldest: datetime
    newest: datetime


def groups(records: Records, stores: Sequence[Store]) -> list[Group]:
    """By reason, most records first. One query; `stores` name the parts."""
    by_pk = {store.pk: store for store in stores}
    found: dict[Reason, dict[tuple[str, int | None], Part]] = defaultdict(dict)
    rows = (
        records.order_by()
        .values_list("reason", "platform", "store_id")
        .annotate(
            n=Count("pk"),
            put_aside=Count("pk", filter=Q(state=QuarantineState.DISMISSED)),
            oldest=Min("created_at"),
            newest=Max("created_at"),
        )
        .order_by("-n", "reason")
    )
    for text, platform, store_id, count, put_aside, oldest, newest in rows[:MOST_REASONS]:
        parts = found[normalized(text)]
        known = parts.get((platform, store_id))
        parts[platform, store_id] = Part(
            platform=platform,
            store=by_pk.get(store_id) if store_id else None,
            count=count + (known.count if known else 0),
            put_aside=put_aside + (known.put_aside if known else 0),
            oldest=min(oldest, known.oldest) if known else oldest,
            newest=max(newest, known.newest) if known else newest,
        )
    return sorted(
        (_group(reason, list(parts.values())) for reason, parts in found.items()),
        key=lambda group: (-group.count, group.reason.text, group.reason.path),
    )


def _group(reason: Reason, parts: list[Part]) -> Group:
    return Group(
        reason=reason,
        parts=tuple(sorted(parts, key=lambda part: (-part.count, part.platform))),
        count=sum(part.count for part in parts),
        put_aside=sum(part.put_aside for part in parts),
        oldest=min(part.oldest for part in parts),
        newest=max(part.newest for part in parts),
    )


# --- page by page


@dataclass(frozen=True, kw_only=True)
class Page:
    """Newest first; cursors are "" where there is nothing further."""

    records: list[Quarantined]
    previous: str
    next: str


class BadCursor(ValueError):
    """A cursor we did not give out."""


def page_of(records: Records, *, cursor: str = "", size: int = PAGE_SIZE) -> Page:
    """The page at `cursor`. One query: public ids are in the order of creation. The payloads are
    not read. Raises BadCursor."""
    newer = cursor.startswith("n")
    if cursor:
        place = _place(cursor)
        records = records.filter(
            **{"public_id__gt" if newer else "public_id__lt": place}
        )  # fmt: skip
    ordered = records.order_by("public_id" if newer else "-public_id").defer("raw")
    rows = list(ordered[: size + 1])
    more = len(rows) > size
    rows = rows[:size]
    if newer:
        rows.reverse()
    has_older = more if not newer else True
    has_newer = more if newer else bool(cursor)
    return Page(
        records=rows,
        previous=f"n{rows[0].public_id.hex}" if rows and has_newer else "",
        next=f"o{rows[-1].public_id.hex}" if rows and has_older else "",
    )


def _place(cursor: str) -> UUID:
    if cursor[0] not in "no" or len(cursor) != 33:
        raise BadCursor(cursor[:80])
    try:
        return UUID(cursor[1:])
    except ValueError:
        raise BadCursor(cursor[:80]) from None
