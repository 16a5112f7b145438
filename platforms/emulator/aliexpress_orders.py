"""AliExpress's order methods: ranges checked as the fact sheet words them (aliexpress §3)."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NoReturn

from werkzeug.wrappers import Request, Response

from platforms.emulator.aliexpress_payload import (
    PACIFIC,
    detail,
    listed,
    number_of,
    serial_of,
    status_of,
)
from platforms.emulator.book import DAY_MS, Record
from platforms.emulator.cast.aliexpress import AliExpressAccount
from platforms.emulator.knobs import Knobs
from platforms.emulator.state import State
from platforms.emulator.wire import Refused, json_answer

FIELDS = {
    "current_page", "page_size", "create_date_start", "create_date_end", "modified_date_start",
    "modified_date_end", "order_status", "order_status_list", "buyer_login_id",
}  # fmt: skip
STATUSES = {
    "PLACE_ORDER_SUCCESS", "RISK_CONTROL", "WAIT_SELLER_SEND_GOODS", "SELLER_PART_SEND_GOODS",
    "WAIT_BUYER_ACCEPT_GOODS", "FUND_PROCESSING", "WAIT_SELLER_EXAMINE_MONEY", "IN_CANCEL",
    "IN_ISSUE", "IN_FROZEN", "FINISH",
}  # fmt: skip
WIDEST = 180 * DAY_MS
WIDEST_FINISHED = 30 * DAY_MS
Refuse = Callable[[str], NoReturn]
# list method -> parameter, what a row is called in its nested list
LISTS = {
    "aliexpress.trade.seller.orderlist.get": ("param_aeop_order_query", "aeop_order_item_dto"),
    "aliexpress.solution.order.get": ("param0", "order_dto"),
}


def error_response(code: str, message: str, note: str, **more: str) -> Refused:
    """The error form of `/sync`: HTTP 200 all the same."""
    error = {"type": "ISV", "code": code, "msg": message, "request_id": "emu2140fae917", **more}
    return Refused(json_answer({"error_response": error}), note)


def wrapped(method: str, body: dict[str, Any], *, simplify: bool) -> Response:
    if simplify:
        return json_answer({**body, "request_id": "emu2140fae917"})
    name = f"{method.replace('.', '_')}_response"
    return json_answer({name: {**body, "request_id": "emu2140fae917"}})


@dataclass(frozen=True, kw_only=True)
class Query:
    """Times are Unix milliseconds, both ends inclusive."""

    page: int
    size: int
    created: tuple[int, int]
    modified: tuple[int, int] | None
    status: str

    def fits(self, record: Record) -> bool:
        # Milliseconds are not told: bounds and times are whole seconds.
        if not self.created[0] <= record.placed // 1000 * 1000 <= self.created[1]:
            return False
        since, until = self.modified or (0, record.changed)
        if not since <= record.changed // 1000 * 1000 <= until:
            return False
        status = status_of(record)
        return status == self.status if self.status else status != "FINISH"


class AliExpressOrders:
    def __init__(self, state: State) -> None:
        self.state = state

    def search(
        self, request: Request, method: str, account: AliExpressAccount, knobs: Knobs
    ) -> Response:
        parameter, row_name = LISTS[method]
        simplify = request.form.get("simplify") == "true"

        def refuse(message: str) -> NoReturn:
            result = {"success": False, "error_code": "15-1001", "error_message": message}
            raise Refused(wrapped(method, {"result": result}, simplify=simplify), message)

        query = _query(_object(request.form.get(parameter), parameter), refuse)
        book = self.state.book(account.key)
        hits = sorted(
            (r for r in book.records if query.fits(r)), key=lambda r: r.placed, reverse=True
        )
        first = (query.page - 1) * query.size
        page = hits[first : first + query.size]
        rows = [listed(r, account, seed=self.state.seed) for r in page]
        _spoil(rows, knobs)
        if knobs.drift and page:
            # What was served moves out of the range asked for: everything behind moves up.
            book.touch(page[0], now_ms=self.state.now_ms("aliexpress"))
            self.state.dirty = True
        result: dict[str, Any] = {
            "success": True,
            "current_page": query.page,
            "page_size": query.size,
            "total_count": len(hits),
            "total_page": -(-len(hits) // query.size),
        }
        if rows:
            result["target_list"] = rows if simplify else {row_name: rows}
        return wrapped(method, {"result": result}, simplify=simplify)

    def get(self, request: Request, method: str, account: AliExpressAccount) -> Response:
        asked = _object(request.form.get("param1"), "param1")
        serial = serial_of(account, str(asked.get("order_id", "")))
        record = self.state.book(account.key).find(serial) if serial else None
        simplify = request.form.get("simplify") == "true"
        if record is None or number_of(account, record.serial) != str(asked["order_id"]):
            result: dict[str, Any] = {"success": False, "error_code": "15-1002"}
            result["error_message"] = "The order does not exist"
            raise Refused(wrapped(method, {"result": result}, simplify=simplify), "no such order")
        data = detail(record, account, seed=self.state.seed)
        result = {"error_code": 0, "data": data} if "solution" in method else {"target": data}
        return wrapped(method, {"result": result}, simplify=simplify)


def _object(text: str | None, name: str) -> dict[str, Any]:
    if not text:
        raise error_response("MissingParameter", f"{name} is required", f"{name} is missing")
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise error_response("InvalidParameter", f"{name} is no object", f"{name} is not JSON")
    return found


def _query(asked: dict[str, Any], refuse: Refuse) -> Query:
    if set(asked) - FIELDS:
        refuse(f"unknown fields {sorted(set(asked) - FIELDS)}")
    page, size = asked.get("current_page"), asked.get("page_size")
    if not isinstance(page, int) or page < 1:
        refuse("current_page is required and begins with 1")
    if not isinstance(size, int) or not 1 <= size <= 50:
        refuse("page_size is required, 50 at most")
    status = asked.get("order_status", "")
    if status and status not in STATUSES:
        refuse(f"unknown order_status {status}")
    created = _range(asked, "create_date", refuse)
    modified = _range(asked, "modified_date", refuse)
    if created is None:
        refuse("create_date_start and create_date_end are required")
    widest = WIDEST_FINISHED if status == "FINISH" else WIDEST
    if created[1] - created[0] > widest:
        refuse("The time range is too long")
    return Query(page=page, size=size, created=created, modified=modified, status=status)


def _range(asked: dict[str, Any], name: str, refuse: Refuse) -> tuple[int, int] | None:
    since, until = asked.get(f"{name}_start"), asked.get(f"{name}_end")
    if since is None and until is None:
        return None
    if since is None or until is None:
        refuse(f"{name} needs a start and an end")
    bounds = (_time(since, refuse), _time(until, refuse))
    if bounds[0] > bounds[1]:
        refuse(f"{name}_start is after {name}_end")
    return bounds


def _time(text: Any, refuse: Refuse) -> int:
    if not re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", str(text)):
        refuse(f"{text} is not yyyy-MM-dd HH:mm:ss")
    try:
        local = datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=PACIFIC)
    except ValueError:
        refuse(f"{text} is not a time")
    return round(local.astimezone(UTC).timestamp() * 1000)


def _spoil(rows: list[dict[str, Any]], knobs: Knobs) -> None:
    if rows and knobs.unknown_status:
        rows[0]["order_status"] = "TELEPORTED"
    if rows and knobs.bad_record:
        rows[0]["gmt_create"] = ["yesterday"]
        rows[0]["product_list"] = "see attachment"
