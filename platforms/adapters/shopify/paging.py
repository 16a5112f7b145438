"""Orders page by page: how many at once, with all their lines, and how far. Fact sheet:
docs/platforms/shopify.md, "Orders"."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from platforms import reading
from platforms.adapter import Call
from platforms.adapters.shopify import faults, graphql, queries
from platforms.errors import Fault, PlatformError, platform_error
from platforms.spec import Page, Window

FIRST_SIZE, MOST_SIZE = 10, 50
LINES = 50
ORDER_COST = 40.0  # of one order with that many lines
MOST_LINE_PAGES = 50
FIRST_COST = 150.0
CHEAP = 400.0  # a query may cost 1000: up to here twice as many orders fit
# One question may be paged through 25,000 objects; then it is asked anew, further on.
MOST_PAGED = 20_000


class _PageInfo(msgspec.Struct):
    hasNextPage: bool = False
    endCursor: str | None = None


class _OrderNodes(msgspec.Struct):
    nodes: list[msgspec.Raw]
    pageInfo: _PageInfo


class _Orders(msgspec.Struct):
    orders: _OrderNodes


class _Lines(msgspec.Struct):
    nodes: list[Any]
    pageInfo: _PageInfo


class _Found(msgspec.Struct):
    order: msgspec.Raw = msgspec.Raw(b"null")


class _Named(msgspec.Struct):
    name: str


class _WithLines(msgspec.Struct):
    lineItems: _Lines
    id: str | None = None


class _OneOrder(msgspec.Struct):
    order: _WithLines | None = None


class _Changed(msgspec.Struct):
    updatedAt: datetime


class _Cursor(msgspec.Struct):
    """The question, Shopify's own cursor in it, and how much may be asked at once."""

    since: datetime
    until: datetime
    after: str | None = None
    size: int = FIRST_SIZE
    lines: int = LINES
    cost: float = FIRST_COST
    paged: int = 0


def fetch(call: Call, window: Window, cursor: str | None) -> Page:
    at = (
        msgspec.json.decode(cursor, type=_Cursor)
        if cursor
        else _Cursor(since=window.since, until=window.until)
    )
    page = _page(call, at)
    records = tuple(_whole(call, raw) for raw in page.nodes)
    if not (page.pageInfo.hasNextPage and page.pageInfo.endCursor and records):
        return Page(records=records)
    if page.pageInfo.endCursor == at.after:
        raise platform_error(Fault.BAD_RESPONSE, "the next page does not move on")
    at.after = page.pageInfo.endCursor
    at.paged += len(records)
    _ask_anew(at, records[-1])
    return Page(records=records, cursor=msgspec.json.encode(at).decode())


def fetch_one(call: Call, number: str) -> msgspec.Raw | None:
    """The order by Shopify's own number, whole."""
    variables = {"id": f"gid://shopify/Order/{number}", "lines": LINES}
    raw = graphql.ask(call, queries.ORDER, variables, _Found, cost=ORDER_COST).order
    return None if bytes(raw).strip() == b"null" else _whole(call, raw)


def fetch_named(call: Call, name: str) -> tuple[msgspec.Raw, ...]:
    """The orders that sellers know by that name, as "#1001"; names can be given out again.

    The search finds more than was asked for, so the names are compared. `name` must be safe
    between quotes.
    """
    variables = {"first": FIRST_SIZE, "lines": LINES, "after": None, "query": f"name:'{name}'"}
    page = graphql.ask(call, queries.ORDERS, variables, _Orders, cost=FIRST_COST).orders
    return tuple(_whole(call, raw) for raw in page.nodes if _is_named(raw, name))


def _is_named(raw: msgspec.Raw, name: str) -> bool:
    try:
        found = reading.read(raw, _Named).name
    except (msgspec.ValidationError, ValueError):
        return False
    return found.lstrip("#").casefold() == name.lstrip("#").casefold()


def _page(call: Call, at: _Cursor) -> _OrderNodes:
    """The page, with as many orders as Shopify lets one query cost; `at` learns how many."""
    while True:
        variables = {
            "first": at.size,
            "lines": at.lines,
            "after": at.after,
            "query": changed_between(at.since, at.until),
        }
        try:
            answer = graphql.send(call, queries.ORDERS, variables, cost=min(at.cost, 1000))
        except PlatformError as exc:
            if faults.TOO_DEAR not in exc.detail or at.size == at.lines == 1:
                raise
            at.lines = at.lines if at.size > 1 else max(1, at.lines // 2)
            at.size = max(1, at.size // 2)
            continue
        page = graphql.read(answer, _Orders).orders
        at.cost = faults.read_cost(answer).requestedQueryCost or at.cost
        if at.cost <= CHEAP and at.size < MOST_SIZE:
            at.size = min(at.size * 2, MOST_SIZE)
            at.cost *= 2
        return page


def _whole(call: Call, raw: msgspec.Raw) -> msgspec.Raw:
    """The order with all its lines; as received where they came with it."""
    try:
        order = reading.read(raw, _WithLines)
    except (msgspec.ValidationError, ValueError):
        return raw  # parse_order will say what is wrong with it
    page, nodes = order.lineItems.pageInfo, list(order.lineItems.nodes)
    for _more in range(MOST_LINE_PAGES):
        if not page.hasNextPage:
            break
        variables = {"id": order.id, "after": page.endCursor}
        found = graphql.ask(call, queries.LINES, variables, _OneOrder, cost=20).order
        if found is None:  # deleted meanwhile
            break
        page = found.lineItems.pageInfo
        nodes += found.lineItems.nodes
    else:
        raise platform_error(Fault.BAD_RESPONSE, "an order has no end of lines")
    if len(nodes) == len(order.lineItems.nodes):
        return raw
    whole = msgspec.json.decode(raw)
    whole["lineItems"]["nodes"] = nodes
    return msgspec.Raw(msgspec.json.encode(whole))


def _ask_anew(at: _Cursor, last: msgspec.Raw) -> None:
    """Before Shopify's end of paging, ask for what changed since the last order instead."""
    if at.paged < MOST_PAGED:
        return
    try:
        since = reading.moment(reading.read(last, _Changed).updatedAt)
    except (msgspec.ValidationError, ValueError):
        return
    if since > at.since:
        at.since, at.after, at.paged = since, None, 0


def changed_between(since: datetime, until: datetime) -> str:
    """Shopify counts whole seconds: rounded outwards, so that no part of one is left out."""
    if until.microsecond:
        until += timedelta(seconds=1)
    return f"updated_at:>='{_stamp(since)}' updated_at:<'{_stamp(until)}'"


def _stamp(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S}Z"
