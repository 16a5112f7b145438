"""eBay's getOrders and getOrder: parameters checked as the contract words them.

Source: sell_fulfillment_v1 (error ids 30700-32800), fact sheet ebay §3.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NoReturn
from urllib.parse import quote

from werkzeug.wrappers import Request, Response

from platforms.emulator.book import DAY_MS, Record
from platforms.emulator.cast.ebay import EbayAccount
from platforms.emulator.ebay_payload import render, serial_of
from platforms.emulator.knobs import Knobs
from platforms.emulator.state import State
from platforms.emulator.wire import Refused, json_answer

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
RANGE = re.compile(r"\[(?P<since>[^\[\]]*?)\.\.(?P<until>[^\[\]]*)\]")
TWO_YEARS = 730 * DAY_MS
STATUS_SETS = (
    {"NOT_STARTED", "IN_PROGRESS"},
    {"FULFILLED", "IN_PROGRESS"},
)
FULFILLMENT = {"partial": "IN_PROGRESS", "pending": "NOT_STARTED", "new": "NOT_STARTED",
               "cancelled": "NOT_STARTED"}  # fmt: skip


def problem(status: int, error_id: int, message: str, long: str = "", **more: Any) -> Response:
    """eBay's REST error form."""
    error: dict[str, Any] = {"errorId": error_id, "domain": more.pop("domain", "OAuth")}
    error |= {"category": more.pop("category", "REQUEST"), "message": message}
    if long:
        error["longMessage"] = long
    if more:
        error["parameters"] = [{"name": k, "value": v} for k, v in more.items()]
    return json_answer({"errors": [error]}, status)


def refuse(error_id: int, message: str, **parameters: str) -> NoReturn:
    answer = problem(400, error_id, message, domain="API_FULFILLMENT", **parameters)
    raise Refused(answer, message)


@dataclass(frozen=True, kw_only=True)
class Query:
    """Times are Unix milliseconds, both ends inclusive."""

    field: str  # creationdate or lastmodifieddate
    since: int
    until: int
    statuses: frozenset[str]

    def fits(self, record: Record) -> bool:
        at = record.placed if self.field == "creationdate" else record.changed
        if not self.since <= at <= self.until:
            return False
        status = FULFILLMENT.get(record.stage, "FULFILLED")
        return not self.statuses or status in self.statuses


def split_filter(text: str) -> list[str]:
    """The criteria of a filter: commas outside brackets separate them."""
    return re.split(r",(?![^\[{]*[\]}])", text)


def parse_time(text: str) -> int:
    if not TIME.fullmatch(text):
        refuse(30810, "Invalid date format")
    try:
        at = datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
    except ValueError:
        refuse(30810, "Invalid date format")
    return round(at.timestamp() * 1000)


def parse_range(name: str, value: str, now: int) -> tuple[int, int]:
    match = RANGE.fullmatch(value)
    if match is None:
        _bad_value(name, value)
    if not match["since"]:
        refuse(30820, "Start date is missing")
    since = parse_time(match["since"])
    until = parse_time(match["until"]) if match["until"] else now
    if (match["until"] and until > now) or since > now:
        refuse(30850, "Start and end dates can't be in the future")
    if since > until:
        refuse(30840, "Start date should be before end date")
    if since < now - TWO_YEARS:
        text = "Time range between start date and end date must be within '2' years."
        refuse(30830, text)
    return since, until


def _bad_value(name: str, value: str) -> NoReturn:
    text = f"Invalid filter value {value} for filter {name}"
    refuse(30800, text, fieldvalue=value, fieldname=name)


def parse_filter(text: str, now: int) -> Query:
    ranges: dict[str, tuple[int, int]] = {}
    statuses: frozenset[str] = frozenset()
    for criterion in split_filter(text) if text else []:
        name, _, value = criterion.partition(":")
        if name in ("creationdate", "lastmodifieddate"):
            ranges[name] = parse_range(name, value, now)
        elif name == "orderfulfillmentstatus":
            names = value[1:-1].split("|")
            if not (value.startswith("{") and value.endswith("}")) or set(names) not in STATUS_SETS:
                _bad_value(name, value)
            statuses = frozenset(names)
        else:
            refuse(30700, f"Invalid filter name: {name}", fieldname=name)
    # Given both, only the creation date counts.
    field = "lastmodifieddate" if set(ranges) == {"lastmodifieddate"} else "creationdate"
    since, until = ranges.get(field, (now - 90 * DAY_MS, now))
    return Query(field=field, since=since, until=until, statuses=statuses)


def whole_number(text: str, *, least: int, most: int, bad: Callable[[], NoReturn]) -> int:
    if not re.fullmatch(r"[0-9]{1,9}", text) or not least <= int(text) <= most:
        bad()
    return int(text)


class EbayOrders:
    def __init__(self, state: State) -> None:
        self.state = state

    def get(self, request: Request, account: EbayAccount, order_id: str, knobs: Knobs) -> Response:
        self._check_field_groups(request)
        if set(request.args) - {"fieldGroups"}:
            refuse(32800, "getOrder takes fieldGroups and nothing else")
        serial = serial_of(account, order_id)
        record = self.state.book(account.key).find(serial) if serial else None
        if record is None:
            answer = problem(
                400,
                32100,
                f"Invalid order ID: {order_id}",
                domain="API_FULFILLMENT",
                orderId=order_id,
            )
            raise Refused(answer, "no such order of this seller")
        return json_answer(self._render(record, account, whole=True))

    def search(self, request: Request, account: EbayAccount, knobs: Knobs) -> Response:
        now = self.state.now_ms("ebay")
        args = request.args
        if re.search(r"[\[\]{}|]", request.query_string.decode("latin-1")):
            refuse(30800, "Invalid filter value: brackets must be percent-encoded")
        self._check_field_groups(request)
        book = self.state.book(account.key)
        if args.get("orderIds"):
            return self._by_ids(request, account, args["orderIds"].split(","))
        limit_text, offset_text = args.get("limit", "50"), args.get("offset", "0")
        limit = whole_number(
            limit_text, least=1, most=200, bad=lambda: refuse(31100, f"Invalid limit: {limit_text}")
        )
        offset = whole_number(
            offset_text,
            least=0,
            most=10**9,
            bad=lambda: refuse(31000, f"Invalid offset: {offset_text}"),
        )
        query = parse_filter(args.get("filter", ""), now)
        # Newest first, as live answers were; the guide says oldest first.
        hits = [r for r in reversed(book.records) if query.fits(r)]
        hits.sort(key=lambda r: r.placed, reverse=True)
        page = hits[offset : offset + limit]
        orders = [self._render(r, account) for r in page]
        _spoil(orders, knobs)
        if knobs.drift and page:
            # What was served moves out of a window with a fixed end: everything behind moves up.
            book.touch(page[0], now_ms=now)
            self.state.dirty = True
        return json_answer(self._collection(request, orders, len(hits), limit, offset))

    def _by_ids(self, request: Request, account: EbayAccount, ids: list[str]) -> Response:
        if len(ids) > 50:
            refuse(30900, "Exceeded maximum number of order IDs (the current limit is 50)")
        book = self.state.book(account.key)
        serials = [serial_of(account, order_id) for order_id in ids]
        found = [book.find(serial) for serial in serials if serial]
        orders = [self._render(r, account) for r in found if r]
        return json_answer(self._collection(request, orders, len(orders), 50, 0))

    def _collection(
        self, request: Request, orders: list[dict[str, Any]], total: int, limit: int, offset: int
    ) -> dict[str, Any]:
        def href(at: int) -> str:
            parts = [
                f"{name}={quote(value, safe=':,')}"
                for name, value in request.args.items()
                if name not in ("limit", "offset")
            ]
            return f"{request.base_url}?{'&'.join([*parts, f'limit={limit}', f'offset={at}'])}"

        body: dict[str, Any] = {"href": href(offset), "total": total}
        if offset + limit < total:
            body["next"] = href(offset + limit)
        if offset:
            body["prev"] = href(max(0, offset - limit))
        return body | {"limit": limit, "offset": offset, "orders": orders}

    def _render(
        self, record: Record, account: EbayAccount, *, whole: bool = False
    ) -> dict[str, Any]:
        return render(
            record, account, now=self.state.now_ms("ebay"), seed=self.state.seed, whole=whole
        )

    def _check_field_groups(self, request: Request) -> None:
        group = request.args.get("fieldGroups", "TAX_BREAKDOWN")
        if group != "TAX_BREAKDOWN":
            refuse(32800, f"Invalid field group: {group}", fieldGroup=group)


def _spoil(orders: list[dict[str, Any]], knobs: Knobs) -> None:
    if orders and knobs.unknown_status:
        orders[0]["orderFulfillmentStatus"] = "TELEPORTED"
        orders[0]["orderPaymentStatus"] = "PAID_IN_SHELLS"
    if orders and knobs.bad_record:
        orders[0]["pricingSummary"] = {"total": {"value": ["12", "99"], "currency": None}}
        orders[0]["lineItems"] = "see attachment"
