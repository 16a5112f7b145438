"""Which orders a person asks for: shared by list, export and API.

Filters arrive as text from outside and are checked here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django import forms
from django.db.models import OuterRef, Q, QuerySet, Subquery, Sum
from django.http import Http404
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from platforms import registry
from platforms.models import STATUS_LABELS, Order, OrderLine
from platforms.orders_found import FoundOrders
from tenants.middleware import Workspace
from tenants.models import Duty, Store

LONGEST_TEXT = 200
YEARS = range(1990, 2101)


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


def find_orders(filters: OrderFilters, stores: Sequence[Store]) -> FoundOrders:
    """The orders of `stores` that pass. Stores are given, not looked up in the statement: a
    subquery on bindings costs 1,000 times as much on a store with few orders."""
    wanted = [
        store.pk
        for store in stores
        if (filters.store is None or store.pk == filters.store.pk)
        and filters.platform in ("", store.platform)
    ]
    passing = Q()
    if filters.status:
        passing &= Q(status=filters.status)
    if filters.since:
        passing &= Q(placed_at__gte=filters.since)
    if filters.until:
        passing &= Q(placed_at__lt=filters.until)
    text = filters.text.replace("\x00", "") if filters.text else None
    return FoundOrders(store_ids=wanted, filters=passing, text=text)


def with_summary(orders: QuerySet[Order]) -> QuerySet[Order]:
    """Each order with `units` and `first_title` of its lines, for a list."""
    lines = OrderLine.objects.filter(order=OuterRef("pk"))
    return orders.annotate(
        units=Subquery(lines.order_by().values("order").annotate(n=Sum("quantity")).values("n")),
        first_title=Subquery(lines.order_by("position").values("title")[:1]),
    )


def with_lines(orders: QuerySet[Order]) -> QuerySet[Order]:
    return orders.prefetch_related("lines")


def get_order(work: Workspace, public_id: UUID) -> Order:
    """The order if this person operates its store; otherwise 404, as if it did not exist."""
    orders = Order.objects.filter(store_id__in=work.store_ids(Duty.OPERATOR))
    order = orders.select_related("store__tenant").filter(public_id=public_id).first()
    if order is None:
        raise Http404
    return order


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time.min, tzinfo=zone).astimezone(UTC)


def reader_zone() -> ZoneInfo:
    """The time zone of the person who is looking."""
    return ZoneInfo(str(timezone.get_current_timezone()))
