"""Which orders a person asks for, and page by page: shared by list, export and API.

Filters arrive as text from outside and are checked here. Paging is by key, not by offset: a
cursor names the last order seen, so a page costs the same at any depth and new orders on top
move nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, cast
from uuid import UUID
from zoneinfo import ZoneInfo

from django import forms
from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Lower
from django.http import Http404
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from platforms import registry
from platforms.models import STATUS_LABELS, Order, OrderLine
from tenants.middleware import Workspace
from tenants.models import Duty, Store
from tenants.scope import TenantQuerySet

PAGE_SIZE = 50
COUNT_CAP = 10_000
PREFIX_FROM = 3  # shorter texts match whole values only: a prefix of one digit is half the table
FEW_MATCHES = 2_000
LONGEST_TEXT = 200
YEARS = range(1990, 2101)


class BadCursor(ValueError):
    """A cursor we did not give out."""


class MomentField(forms.DateField):
    """A day, or a moment with its offset. Gives a date or an aware datetime."""

    def to_python(self, value: Any) -> Any:
        text = str(value or "").strip()
        if not text:
            return None
        try:
            moment = parse_date(text) or parse_datetime(text.replace(" ", "+"))
        except ValueError:
            moment = None
        if moment is None or moment.year not in YEARS:
            raise forms.ValidationError(
                _("%(text)s is not a day. Write it like 2026-11-22.") % {"text": text[:40]}
            )
        if isinstance(moment, datetime) and moment.tzinfo is None:
            raise forms.ValidationError(
                _("%(text)s has no offset. Write it like 2026-11-22T08:00:00Z.")
                % {"text": text[:40]}
            )
        return moment


class OrderFilterForm(forms.Form):
    """The filters, as typed. `stores` are those the reader may see the orders of."""

    platform = forms.CharField(required=False, label=gettext_lazy("Platform"))
    store = forms.CharField(required=False, label=gettext_lazy("Store"))
    status = forms.CharField(required=False, label=gettext_lazy("Status"))
    q = forms.CharField(required=False, max_length=LONGEST_TEXT, label=gettext_lazy("Search"))

    def __init__(self, data: Mapping[str, str], *, stores: Sequence[Store], zone: ZoneInfo) -> None:
        super().__init__(data)
        self.stores = stores
        self.zone = zone
        # `from` is a word of Python, so these cannot be written as attributes.
        day = forms.DateInput(attrs={"type": "date"})
        self.fields["from"] = MomentField(required=False, label=_("Placed from"), widget=day)
        self.fields["to"] = MomentField(required=False, label=_("Placed to"), widget=day)

    def clean_platform(self) -> str:
        code: str = self.cleaned_data["platform"].strip()
        if code and code not in registry.codes():
            raise forms.ValidationError(
                _("There is no platform %(code)s. There are: %(known)s.")
                % {"code": code[:40], "known": ", ".join(registry.codes())}
            )
        return code

    def clean_store(self) -> Store | None:
        text = self.cleaned_data["store"].strip()
        if not text:
            return None
        for store in self.stores:
            if text in (str(store.public_id), store.path):
                return store
        known = ", ".join(store.path for store in self.stores[:20]) or _("none")
        raise forms.ValidationError(
            _("You see the orders of no such store. You see those of: %(known)s.")
            % {"known": known}
        )

    def clean_status(self) -> str:
        code: str = self.cleaned_data["status"].strip()
        if code and code not in list(STATUS_LABELS):
            raise forms.ValidationError(
                _("There is no status %(code)s. There are: %(known)s.")
                % {"code": code[:40], "known": ", ".join(STATUS_LABELS)}
            )
        return code

    def clean(self) -> dict[str, Any]:
        cleaned = self.cleaned_data
        since, until = cleaned.get("from"), cleaned.get("to")
        if isinstance(since, date) and not isinstance(since, datetime):
            cleaned["from"] = since = _midnight(since, self.zone)
        if isinstance(until, date) and not isinstance(until, datetime):
            # The last day counts whole.
            cleaned["to"] = until = _midnight(until + timedelta(days=1), self.zone)
        if since and until and since >= until:
            self.add_error("to", _("The end is before the beginning."))
        return cleaned

    @property
    def filters(self) -> OrderFilters:
        """What a valid form asks for."""
        cleaned = self.cleaned_data
        return OrderFilters(
            platform=cleaned["platform"],
            store=cleaned["store"],
            status=cleaned["status"],
            since=cleaned["from"],
            until=cleaned["to"],
            text=cleaned["q"].strip(),
        )


@dataclass(frozen=True, kw_only=True)
class OrderFilters:
    """Times are aware, `since <= placed < until`; empty means all."""

    platform: str = ""
    store: Store | None = None
    status: str = ""
    since: datetime | None = None
    until: datetime | None = None
    text: str = ""

    @property
    def is_empty(self) -> bool:
        return self == OrderFilters()

    def for_trail(self) -> dict[str, object]:
        """As the audit trail keeps it: a searched text may be a buyer's name and is not told."""
        told = {
            "platform": self.platform,
            "store": self.store.path if self.store else "",
            "status": self.status,
            "from": self.since.isoformat() if self.since else "",
            "to": self.until.isoformat() if self.until else "",
            "searched": "yes" if self.text else "",
        }
        return {name: value for name, value in told.items() if value}


def operated_stores(work: Workspace) -> list[Store]:
    """The stores whose orders this person may read, by name. One query."""
    if work.membership is None:
        return []
    bound = Store.objects.bound_to(work.membership.user, Duty.OPERATOR).select_related("tenant")
    stores = sorted(bound, key=lambda store: (store.platform, store.name.lower(), store.site))
    work.bound_store_ids[Duty.OPERATOR] = [store.pk for store in stores]
    return stores


def find_orders(filters: OrderFilters, stores: Sequence[Store]) -> TenantQuerySet[Order]:
    """The orders of `stores` that pass; store ids are given as numbers, because a subquery on
    bindings costs 1,000 times as much on a store with few orders (measured on 5M orders).
    Asks once already where a text is searched."""
    wanted = [
        store.pk
        for store in stores
        if (filters.store is None or store.pk == filters.store.pk)
        and filters.platform in ("", store.platform)
    ]
    orders: TenantQuerySet[Order] = Order.objects.filter(store_id__in=wanted)
    if filters.status:
        orders = orders.filter(status=filters.status)
    if filters.since:
        orders = orders.filter(placed_at__gte=filters.since)
    if filters.until:
        orders = orders.filter(placed_at__lt=filters.until)
    text = filters.text.replace("\x00", "")
    if not filters.text:
        return orders
    # Few matches are found by their indexes, many are met soon on a walk through time; a
    # single statement for both is slow at one of them.
    candidates = list(_matches(text, wanted)[: FEW_MATCHES + 1])
    if len(candidates) <= FEW_MATCHES:
        return orders.filter(pk__in=set(candidates))
    sku_on_a_line = Exists(OrderLine.objects.filter(order=OuterRef("pk"), sku=text))
    walk: Any = orders.alias(buyer=Lower("buyer_name")).filter(
        _by_number(text) | _by_buyer(text) | Q(sku_on_a_line)
    )
    return cast(TenantQuerySet[Order], walk)


def _matches(text: str, store_ids: Sequence[int]) -> QuerySet[Any, int]:
    """Ids by number, buyer or SKU, each part answered by its own index; some may come twice."""
    orders = Order.objects.order_by().filter(store_id__in=store_ids)
    by_number = orders.filter(_by_number(text)).values_list("pk", flat=True)
    by_buyer = orders.alias(buyer=Lower("buyer_name")).filter(_by_buyer(text))
    by_sku = OrderLine.objects.order_by().filter(sku=text).values_list("order_id", flat=True)
    return by_number.union(by_buyer.values_list("pk", flat=True), by_sku, all=True)


def _by_number(text: str) -> Q:
    return Q(number__startswith=text) if _is_prefix(text) else Q(number=text)


def _by_buyer(text: str) -> Q:
    lowered = text.lower()
    return Q(buyer__startswith=lowered) if _is_prefix(text) else Q(buyer=lowered)


def _is_prefix(text: str) -> bool:
    return len(text) >= PREFIX_FROM or not text.isascii()


def with_summary(orders: QuerySet[Order]) -> QuerySet[Order]:
    """Each order with `units` and `first_title` of its lines, for a list."""
    lines = OrderLine.objects.filter(order=OuterRef("pk"))
    return orders.annotate(
        units=Subquery(lines.order_by().values("order").annotate(n=Sum("quantity")).values("n")),
        first_title=Subquery(lines.order_by("position").values("title")[:1]),
    )


def count_capped(orders: QuerySet[Order]) -> int | None:
    """How many there are; COUNT_CAP + 1 stands for more than COUNT_CAP, None for many: the walk
    through time of `find_orders` is quick for a page, and slow to its end."""
    if "buyer" in orders.query.annotations:
        return None
    return orders.order_by()[: COUNT_CAP + 1].count()


def get_order(work: Workspace, public_id: UUID) -> Order:
    """The order if this person operates its store; otherwise 404, as if it did not exist."""
    orders = Order.objects.filter(store_id__in=work.store_ids(Duty.OPERATOR))
    order = orders.select_related("store__tenant").filter(public_id=public_id).first()
    if order is None:
        raise Http404
    return order


# --- paging


@dataclass(frozen=True, kw_only=True)
class OrderPage:
    """One page, newest first; cursors are "" where there is nothing further."""

    orders: list[Order]
    previous: str
    next: str


@dataclass(frozen=True, kw_only=True)
class _Cursor:
    """A place between two orders: beside `public_id`, towards older or newer ones."""

    placed_at: datetime
    public_id: UUID
    newer: bool

    def __str__(self) -> str:
        micros = (self.placed_at - _EPOCH) // timedelta(microseconds=1)
        return f"{'n' if self.newer else 'o'}{micros:x}.{self.public_id.hex}"

    @classmethod
    def read(cls, text: str) -> _Cursor:
        match = re.fullmatch(r"([no])([0-9a-f]{1,13})\.([0-9a-f]{32})", text)
        if match is None:
            raise BadCursor(text[:80])
        micros = int(match[2], 16)
        return cls(
            placed_at=_EPOCH + timedelta(microseconds=micros),
            public_id=UUID(match[3]),
            newer=match[1] == "n",
        )


def page_of(orders: QuerySet[Order], *, cursor: str = "", size: int = PAGE_SIZE) -> OrderPage:
    """The page at `cursor`, the newest without one. One query. Raises BadCursor."""
    place = _Cursor.read(cursor) if cursor else None
    newer = place is not None and place.newer
    if place is not None:
        orders = orders.filter(_beyond(place))
    order_by = ("placed_at", "id") if newer else ("-placed_at", "-id")
    rows = list(orders.order_by(*order_by)[: size + 1])
    more = len(rows) > size
    rows = rows[:size]
    if newer:
        rows.reverse()
    has_older = more if not newer else True
    has_newer = more if newer else place is not None
    return OrderPage(
        orders=rows,
        previous=str(_beside(rows[0], newer=True)) if rows and has_newer else "",
        next=str(_beside(rows[-1], newer=False)) if rows and has_older else "",
    )


def _beyond(place: _Cursor) -> Q:
    # The serial id never leaves the house, so the cursor's order is looked up by its public one.
    pk = Order.objects.filter(public_id=place.public_id).values("pk")[:1]
    # The plain bound comes first: it is what the index is searched by.
    if place.newer:
        return Q(placed_at__gte=place.placed_at) & (
            Q(placed_at__gt=place.placed_at) | Q(id__gt=Subquery(pk))
        )
    return Q(placed_at__lte=place.placed_at) & (
        Q(placed_at__lt=place.placed_at) | Q(id__lt=Subquery(pk))
    )


def _beside(order: Order, *, newer: bool) -> _Cursor:
    return _Cursor(placed_at=order.placed_at, public_id=order.public_id, newer=newer)


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time.min, tzinfo=zone).astimezone(UTC)


def reader_zone() -> ZoneInfo:
    """The time zone of the person who is looking."""
    return ZoneInfo(str(timezone.get_current_timezone()))
