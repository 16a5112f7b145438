"""Wish's list of orders: parameters checked as the contract words them. Fact sheet wish §3."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any, NoReturn

from werkzeug.wrappers import Request, Response

from platforms.emulator.book import Record
from platforms.emulator.cast.wish import WishAccount
from platforms.emulator.knobs import Knobs
from platforms.emulator.state import State
from platforms.emulator.wire import Refused, json_answer
from platforms.emulator.wish_payload import STATES, render, serial_of

KNOWN = {"limit", "updated_at_min", "updated_at_max", "released_at_min", "released_at_max",
         "sort_by", "order_type", "states", "fields"}  # fmt: skip
TYPES = {"WISH_EXPRESS", "FULFILLED_BY_WISH", "FULFILLED_BY_STORE", "LESS_THAN_TRUCKLOAD",
         "ADVANCED_LOGISTICS", "WISH_PLUS"}  # fmt: skip
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)")
OBJECT_ID = re.compile(r"[0-9a-fA-F]{24}")
SORT = re.compile(r"(updated_at|released_at)(?:\.(asc|desc))?")


def problem(code: int | str, message: str, status: int = 400) -> Response:
    """Wish's form of every refusal."""
    return json_answer({"message": message, "code": code, "data": None}, status)


def good(data: Any) -> Response:
    return json_answer({"message": "", "code": 0, "data": data})


def refuse(message: str) -> NoReturn:
    raise Refused(problem(1001, f"Invalid parameter: {message}"), message)


def _time(request: Request, name: str) -> int | None:
    text = request.args.get(name)
    if text is None:
        return None
    if not TIME.fullmatch(text):
        refuse(f"{name} is not ISO 8601 with a zone")
    try:
        return round(datetime.fromisoformat(text).timestamp() * 1000)
    except ValueError:
        refuse(f"{name} is no time")


def _limit(request: Request) -> int:
    text = request.args.get("limit", "50")
    if not re.fullmatch(r"[0-9]{1,4}", text) or not 1 <= int(text) <= 500:
        refuse("limit is 1 to 500")
    return int(text)


class WishOrders:
    def __init__(self, state: State) -> None:
        self.state = state

    def get(self, request: Request, account: WishAccount, number: str) -> Response:
        if set(request.args) - {"fields"} or not OBJECT_ID.fullmatch(number):
            refuse("id is an object id, and there is nothing else than fields")
        serial = serial_of(account, number)
        record = self.state.book(account.key).find(serial) if serial else None
        if record is None:
            text = f"We could not find an order for id: '{number}'"
            raise Refused(problem(1001, text), "no such order of this merchant")
        return good(_only(request, render(record, account, seed=self.state.seed)))

    def search(self, request: Request, account: WishAccount, knobs: Knobs) -> Response:
        book = self.state.book(account.key)
        limit = _limit(request)
        page = self._hits(request, book.records, account)[:limit]
        orders = [render(record, account, seed=self.state.seed) for record in page]
        orders = [_only(request, order) for order in orders]
        _spoil(orders, knobs)
        if knobs.drift and page:
            # It was just served; changed now, it moves to the end of the list.
            book.touch(page[0], now_ms=self.state.now_ms("wish"))
            self.state.dirty = True
        return good(orders)

    def _hits(self, request: Request, records: list[Record], account: WishAccount) -> list[Record]:
        args = request.args
        if set(args) - KNOWN:
            refuse(f"unknown {sorted(set(args) - KNOWN)}")
        states = args.getlist("states")
        if len(states) > 5 or set(states) - set(STATES.values()):
            refuse("states is up to five of the known ones")
        if args.get("order_type", "WISH_PLUS") not in TYPES:
            refuse("order_type is unknown")
        sort = SORT.fullmatch(args.get("sort_by", "updated_at.desc"))
        if sort is None:
            refuse("sort_by is updated_at or released_at, .asc or .desc")
        bounds = {name: _time(request, name) for name in KNOWN if name.endswith(("_min", "_max"))}

        def fits(record: Record) -> bool:
            at = {"updated_at": record.changed, "released_at": record.placed}
            return (not states or STATES[record.stage] in states) and all(
                bound is None
                or (at[name[:-4]] >= bound if name.endswith("_min") else at[name[:-4]] <= bound)
                for name, bound in bounds.items()
            )

        def key(record: Record) -> tuple[int, int]:
            return (record.changed if sort[1] == "updated_at" else record.placed, record.serial)

        hits = [record for record in records if fits(record)]
        kind = args.get("order_type")
        if kind:
            hits = [
                r
                for r in hits
                if kind in render(r, account, seed=self.state.seed)["fulfillment_order_types"]
            ]
        return sorted(hits, key=key, reverse=sort[2] != "asc")


def _only(request: Request, order: dict[str, Any]) -> dict[str, Any]:
    """The parts of the order that `fields` asks for, all of it without."""
    if not request.args.get("fields"):
        return order
    wanted = {name.partition("/")[0] for name in request.args["fields"].split(",")}
    return {name: value for name, value in order.items() if name in wanted}


def _spoil(orders: list[dict[str, Any]], knobs: Knobs) -> None:
    if orders and knobs.unknown_status:
        orders[0]["state"] = "TELEPORTED"
    if orders and knobs.bad_record:
        orders[0]["order_payment"] = "see attachment"
