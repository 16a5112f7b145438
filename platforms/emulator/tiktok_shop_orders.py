"""TikTok Shop's order search and detail: parameters checked as the contract words them."""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn

from werkzeug.wrappers import Request, Response

from platforms.emulator.book import Record
from platforms.emulator.cast.tiktok_shop import TiktokShopAccount
from platforms.emulator.knobs import Knobs
from platforms.emulator.state import State
from platforms.emulator.tiktok_shop_payload import (
    STATUS,
    facts_of,
    render,
    serial_of,
    shop_of,
    status_of,
)
from platforms.emulator.wire import Refused, json_answer, pack, unpack

CODE = "tiktok_shop"
REQUEST_ID = "20261121120000EMULATOR0000000000"
TIMES = ("create_time_ge", "create_time_lt", "update_time_ge", "update_time_lt")
STATUSES = {*STATUS.values(), "ON_HOLD", "AWAITING_COLLECTION"}
OTHER_FILTERS = ("shipping_type", "buyer_user_id", "is_buyer_request_cancel", "warehouse_ids")
SEARCH_PARAMS = {"page_size", "page_token", "sort_field", "sort_order"}


def problem(code: int, message: str, status: int = 200) -> Response:
    """TikTok Shop's error form."""
    body = {"code": code, "message": message, "data": None, "request_id": REQUEST_ID}
    return json_answer(body, status)


def success(data: Any) -> Response:
    body = {"code": 0, "message": "Success", "data": data, "request_id": REQUEST_ID}
    return json_answer(body)


def refuse(code: int, message: str, note: str = "", status: int = 200) -> NoReturn:
    raise Refused(problem(code, message, status), note or message)


def json_body(request: Request) -> dict[str, Any]:
    if request.mimetype != "application/json":
        refuse(36009004, "Invalid content-type")
    try:
        body = json.loads(request.get_data() or b"{}")
    except ValueError:
        refuse(36009004, "The body is not JSON")
    if not isinstance(body, dict):
        refuse(36009004, "The body is not an object")
    return body


class TiktokShopOrders:
    def __init__(self, state: State) -> None:
        self.state = state

    def search(
        self, request: Request, account: TiktokShopAccount, shop: str, knobs: Knobs
    ) -> Response:
        asked = request.args
        size = asked.get("page_size", "")
        if not re.fullmatch(r"[0-9]{1,3}", size) or not 1 <= int(size) <= 100:
            refuse(36009004, "page_size must be between 1 and 100")
        field = asked.get("sort_field", "create_time")
        order = asked.get("sort_order", "DESC")
        if field not in ("create_time", "update_time") or order not in ("ASC", "DESC"):
            refuse(36009004, "sort_field or sort_order is invalid")
        body = json_body(request)
        self._check(body)
        hits = [
            (_time(record, field), record.serial, record)
            for record in self.state.book(account.key).records
            if shop_of(account, record.serial)[0] == shop and self._fits(record, account, body)
        ]
        hits.sort(key=lambda hit: hit[:2], reverse=order == "DESC")
        rest = self._after(hits, asked.get("page_token", ""), (shop, size, field, order, body))
        page, more = rest[: int(size)], len(rest) > int(size)
        shown = [self._render(hit[2], account) for hit in page]
        if account.ids_only:
            shown = [{"id": order["id"]} for order in shown]
        else:
            _spoil(shown, knobs)
        data: dict[str, Any] = {"next_page_token": "", "total_count": len(hits)}
        if shown:  # the key is left out where nothing was found
            data["orders"] = shown
        if more:
            seal = json.dumps((shop, size, field, order, body), sort_keys=True)
            data["next_page_token"] = pack(page[-1][:2], seal=seal)
        return success(data)

    def _after(
        self, hits: list[tuple[int, int, Record]], token: str, asked: tuple[Any, ...]
    ) -> list[tuple[int, int, Record]]:
        if not token:
            return hits
        try:
            last = tuple(unpack(token, seal=json.dumps(asked, sort_keys=True)))
        except ValueError:
            refuse(36009004, "Invalid page_token")
        if asked[3] == "DESC":
            return [hit for hit in hits if hit[:2] < last]
        return [hit for hit in hits if hit[:2] > last]

    def _check(self, body: dict[str, Any]) -> None:
        unknown = set(body) - {"order_status", *TIMES, *OTHER_FILTERS}
        if unknown:
            refuse(36009004, f"Unknown field {sorted(unknown)[0]}")
        for name in TIMES:
            if name in body and type(body[name]) is not int:
                refuse(36009004, f"{name} must be an integer")
        if body.get("order_status", "UNPAID") not in STATUSES:
            refuse(36009004, "order_status is invalid")

    def _fits(self, record: Record, account: TiktokShopAccount, body: dict[str, Any]) -> bool:
        for field in ("create_time", "update_time"):
            at = _time(record, field)
            if not body.get(f"{field}_ge", 0) <= at < body.get(f"{field}_lt", 1 << 40):
                return False
        wanted = body.get("order_status")
        order = facts_of(record, account, seed=self.state.seed)
        return wanted is None or status_of(record, order) == wanted

    def detail(
        self, request: Request, account: TiktokShopAccount, shop: str, knobs: Knobs
    ) -> Response:
        ids = [each for each in request.args.get("ids", "").split(",") if each]
        if not 1 <= len(ids) <= 50:
            refuse(36009004, "ids must hold 1 to 50 numbers")
        book = self.state.book(account.key)
        shown = []
        for number in ids:
            serial = serial_of(account, number)
            record = book.find(serial) if serial else None
            if record is None or shop_of(account, record.serial)[0] != shop:
                refuse(21008111, "The order does not belong to the shop")
            shown.append(self._render(record, account))
        _spoil(shown, knobs)
        return success({"orders": shown})

    def _render(self, record: Record, account: TiktokShopAccount) -> dict[str, Any]:
        return render(record, account, seed=self.state.seed)


def _time(record: Record, field: str) -> int:
    return (record.placed if field == "create_time" else record.changed) // 1000


def _spoil(shown: list[dict[str, Any]], knobs: Knobs) -> None:
    if shown and knobs.unknown_status:
        shown[0]["status"] = "TELEPORTED"
    if shown and knobs.bad_record:
        shown[0]["line_items"] = "see attachment"
        shown[0]["payment"] = {"total_amount": ["12", "99"]}
