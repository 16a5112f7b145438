"""Orders as CSV: one row per order line, safe to open in a spreadsheet."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from io import StringIO
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from platforms.models import Order, OrderLine
from platforms.normalized import LineDict, OrderDict

BOM = "\ufeff"  # without it Excel takes UTF-8 for the local code page
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_BLANK_LINE = OrderLine(number="", title="", quantity=0)

Cell = str | int | Decimal | None


def safe_cell(value: Cell) -> str:
    """The value as text; what a spreadsheet would run as a formula is marked as text by a
    leading apostrophe. Amounts are ours and stay numbers, negative ones too."""
    if value is None:
        return ""
    if isinstance(value, int | Decimal):
        return format(value, "f") if isinstance(value, Decimal) else str(value)
    # Spreadsheets skip blanks before they look for a formula.
    return f"'{value}" if value.lstrip(" \u00a0").startswith(_FORMULA) else value


def write_rows(rows: Iterable[Sequence[Cell]]) -> str:
    buffer = StringIO()
    csv.writer(buffer).writerows([[safe_cell(cell) for cell in row] for row in rows])
    return buffer.getvalue()


# --- for people: translated headings, the reader's time zone

Column = tuple[str, Callable[[Order, OrderLine], Cell]]


def columns_for(zone: ZoneInfo) -> list[Column]:
    """Headings in the reader's language; those of times name the zone."""

    def local(at: datetime | None) -> str | None:
        return at.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S") if at else None

    def timed(heading: str) -> str:
        return f"{heading} ({zone.key})"

    return [
        (_("Order number"), lambda order, line: order.number),
        (_("Platform"), lambda order, line: order.platform),
        (_("Store"), lambda order, line: order.store.name),
        (_("Site"), lambda order, line: order.store.site),
        (_("Status"), lambda order, line: str(order.get_status_display())),
        (_("Status at the platform"), lambda order, line: order.platform_status),
        (timed(_("Placed")), lambda order, line: local(order.placed_at)),
        (timed(_("Paid")), lambda order, line: local(order.paid_at)),
        (timed(_("Changed")), lambda order, line: local(order.changed_at)),
        (_("Currency"), lambda order, line: order.currency),
        (_("Order total"), lambda order, line: order.total),
        (_("Items"), lambda order, line: order.items_total),
        (_("Shipping"), lambda order, line: order.shipping),
        (_("Tax"), lambda order, line: order.tax),
        (_("Discount"), lambda order, line: order.discount),
        (_("Line number"), lambda order, line: line.number),
        (_("SKU"), lambda order, line: line.sku),
        (_("Title"), lambda order, line: line.title),
        (_("Quantity"), lambda order, line: line.quantity if line.pk else None),
        (_("Unit price"), lambda order, line: line.unit_price),
        (_("Line total"), lambda order, line: line.total),
        (_("Buyer"), lambda order, line: order.buyer_name),
        (_("Buyer's e-mail"), lambda order, line: order.buyer_email),
        (_("Recipient"), lambda order, line: order.ship_name),
        (_("Phone"), lambda order, line: order.ship_phone),
        (_("Address line 1"), lambda order, line: order.ship_line1),
        (_("Address line 2"), lambda order, line: order.ship_line2),
        (_("City"), lambda order, line: order.ship_city),
        (_("State or region"), lambda order, line: order.ship_region),
        (_("Postcode"), lambda order, line: order.ship_postcode),
        (_("Country"), lambda order, line: order.ship_country),
    ]


def rows_for(order: Order, columns: Sequence[Column]) -> Iterator[list[Cell]]:
    """One row per line; an order without lines still has one."""
    lines = sorted(order.lines.all(), key=lambda line: line.position) or [_BLANK_LINE]
    for line in lines:
        yield [value(order, line) for _heading, value in columns]


# --- for programs: the normalized order, flattened

_ORDER_KEYS = [
    "platform", "store", "number", "status", "platform_status", "placed_at", "changed_at",
    "paid_at", "currency", "total", "items_total", "shipping", "tax", "discount",
]  # fmt: skip
_AMOUNTS = {"total", "items_total", "shipping", "tax", "discount", "unit_price"}
_GROUPS = {
    "buyer": ["name", "email", "id"],
    "ship_to": ["name", "phone", "line1", "line2", "city", "region", "postcode", "country"],
}
_LINE_KEYS = list(LineDict.__annotations__)
FLAT_HEADINGS = [
    *_ORDER_KEYS,
    *(f"{group}.{key}" for group, keys in _GROUPS.items() for key in keys),
    "fulfilment",
    "raw_sha256",
    *(f"line.{key}" for key in _LINE_KEYS),
]


def flat_rows(order: OrderDict) -> Iterator[list[Cell]]:
    """One row per line under FLAT_HEADINGS, times in UTC."""
    head = [_cell(key, order[key]) for key in _ORDER_KEYS]  # type: ignore[literal-required]
    for group, keys in _GROUPS.items():
        head += [order[group][key] for key in keys]  # type: ignore[literal-required]
    head += [order["fulfilment"], order["raw_sha256"]]
    if not order["lines"]:
        yield head + [None] * len(_LINE_KEYS)
    for line in order["lines"]:
        yield head + [_cell(key, line[key]) for key in _LINE_KEYS]  # type: ignore[literal-required]


def _cell(key: str, value: str | int | None) -> Cell:
    return Decimal(value) if key in _AMOUNTS and isinstance(value, str) else value
