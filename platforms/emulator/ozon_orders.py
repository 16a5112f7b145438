"""Ozon's posting lists and single postings. Fact sheet ozon §3; seller-api contract."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, NoReturn

from werkzeug.wrappers import Response

from platforms.emulator.book import DAY_MS, Record
from platforms.emulator.cast.ozon import OzonAccount
from platforms.emulator.knobs import Knobs
from platforms.emulator.ozon_payload import (
    FBO_STATUS,
    FBS_STATUS,
    as_single,
    cutoff_of,
    is_fbo,
    numbers_of,
    render_fbo,
    render_fbs,
    serial_of,
)
from platforms.emulator.state import State
from platforms.emulator.wire import Refused, json_answer, pack, unpack

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)")
FBS_STATUSES = frozenset(
    [
        "awaiting_registration",
        "acceptance_in_progress",
        "awaiting_approve",
        "awaiting_packaging",
        "awaiting_deliver",
        "awaiting_verification",
        "arbitration",
        "client_arbitration",
        "delivering",
        "driver_pickup",
        "delivered",
        "cancelled",
        "cancelled_from_split_pending",
        "not_accepted",
        "sent_by_seller",
    ]
)
FBO_STATUSES = frozenset(
    ["awaiting_packaging", "awaiting_deliver", "delivering", "delivered", "cancelled"]
)
UNFULFILLED = frozenset(
    [
        "awaiting_registration",
        "acceptance_in_progress",
        "awaiting_approve",
        "awaiting_packaging",
        "awaiting_deliver",
        "awaiting_verification",
        "arbitration",
        "driver_pickup",
        "not_accepted",
    ]
)
# What a filter may hold; a value of another type does not parse at Ozon.
_COMMON: dict[str, type] = {"cursor": str, "filter": dict, "limit": int, "sort_dir": str,
                            "translit": bool, "with": dict}  # fmt: skip
_FBS_FILTER: dict[str, type] = {
    "since": str, "to": str, "last_changed_status_date": dict, "statuses": list,
    "order_id": int, "order_numbers": list, "warehouse_ids": list, "delivery_method_ids": list,
    "provider_ids": list, "is_blr_traceable": bool,
}  # fmt: skip
_UNFULFILLED_FILTER: dict[str, type] = {
    "cutoff_from": str, "cutoff_to": str, "delivering_date_from": str,
    "delivering_date_to": str, "last_changed_status_date": dict, "statuses": list,
    "warehouse_ids": list, "delivery_method_ids": list, "provider_ids": list,
}  # fmt: skip
_FBO_FILTER: dict[str, type] = {"since": str, "to": str, "statuses": list,
                                "order_numbers": list, "posting_numbers": list}  # fmt: skip
_FBS_WITH: dict[str, type] = dict.fromkeys(
    ("analytics_data", "barcodes", "financial_data", "legal_info"), bool
)
_FBO_WITH: dict[str, type] = dict.fromkeys(("analytics_data", "financial_data", "legal_info"), bool)
_RANGE: dict[str, type] = {"from": str, "to": str}
# FBS takes `translit` among the extras, FBO beside them.
_GET: dict[str, dict[str, type]] = {
    "ozon.fbs_get": {"posting_number": str, "with": dict},
    "ozon.fbo_get": {"posting_number": str, "with": dict, "translit": bool},
}
_GET_WITH: dict[str, dict[str, type]] = {
    "ozon.fbs_get": _FBS_WITH
    | dict.fromkeys(("product_exemplars", "related_postings", "translit"), bool),
    "ozon.fbo_get": _FBO_WITH,
}

Test = Callable[[Record], bool]


def refuse(status: int, code: int, message: str) -> NoReturn:
    body = {"code": code, "message": message, "details": []}
    raise Refused(json_answer(body, status), message)


def check_shape(value: dict[str, Any], shape: dict[str, type], where: str) -> None:
    for name, part in value.items():
        if name not in shape:
            # Ozon may overlook a field it does not know; here a slip must not pass unseen.
            refuse(400, 3, f'invalid request body: unknown field "{where}{name}"')
        kind = shape[name]
        if type(part) is not kind:
            refuse(400, 3, f"invalid request body: {where}{name} is not {kind.__name__}")


def parse_time(where: str, value: Any) -> int:
    if not isinstance(value, str) or not TIME.fullmatch(value):
        refuse(400, 3, f"invalid request body: {where} is not a date-time")
    try:
        return int(datetime.fromisoformat(value).astimezone(UTC).timestamp() * 1000)
    except ValueError:
        refuse(400, 3, f"invalid request body: {where} is not a date-time")


def time_range(
    values: dict[str, Any], first: str, last: str, *, most: int | None = None
) -> tuple[int, int]:
    if not values.get(first) or not values.get(last):
        refuse(400, 3, f"invalid request: filter.{first} and filter.{last} are required")
    since, until = parse_time(first, values[first]), parse_time(last, values[last])
    if until < since:
        refuse(400, 3, f"invalid request: filter.{last} is before filter.{first}")
    if most is not None and until - since > most:
        refuse(400, 3, "PERIOD_IS_TOO_LONG")
    return since, until


def check_statuses(values: dict[str, Any], allowed: frozenset[str]) -> frozenset[str]:
    statuses = values.get("statuses", [])
    for status in statuses:
        if status not in allowed:
            refuse(400, 3, f"invalid request: unknown status {status!r}")
    return frozenset(statuses)


def between(since: int, until: int, at: Callable[[Record], int]) -> Test:
    return lambda record: since <= at(record) <= until


class OzonOrders:
    def __init__(self, state: State) -> None:
        self.state = state

    def handle(
        self, operation: str, body: dict[str, Any], account: OzonAccount, knobs: Knobs
    ) -> Response:
        if operation.endswith("_get"):
            return self._get(operation, body, account)
        shape = _FBO_WITH if operation == "ozon.fbo_list" else _FBS_WITH
        check_shape(body, _COMMON, "")
        check_shape(body.get("with", {}), shape, "with.")
        limit = body.get("limit")
        if limit is None or not 1 <= limit <= 100:
            refuse(400, 3, "invalid request: limit must be in [1, 100]")
        if body.get("sort_dir", "ASC") not in ("ASC", "DESC", "asc", "desc"):
            refuse(400, 3, "invalid request: sort_dir is ASC or DESC")
        if not isinstance(body.get("filter"), dict):
            refuse(400, 3, "invalid request: filter is required")
        tests = {
            "ozon.fbs_list": self._fbs_tests,
            "ozon.fbs_unfulfilled": self._unfulfilled_tests,
            "ozon.fbo_list": self._fbo_tests,
        }[operation](body["filter"], account)
        return json_answer(self._page(operation, body, account, tests, knobs))

    # --- what a filter selects

    def _fbs_tests(self, values: dict[str, Any], account: OzonAccount) -> list[Test]:
        check_shape(values, _FBS_FILTER, "filter.")
        since, until = time_range(values, "since", "to", most=366 * DAY_MS)
        statuses = check_statuses(values, FBS_STATUSES)
        tests: list[Test] = [between(since, until, lambda r: r.placed)]
        tests += self._changed_test(values)
        if statuses:
            tests.append(lambda r: FBS_STATUS[r.stage] in statuses)
        if "order_numbers" in values:
            wanted = set(values["order_numbers"])
            tests.append(lambda r: numbers_of(account, r.serial)[0] in wanted)
        return tests

    def _changed_test(self, values: dict[str, Any]) -> list[Test]:
        changed = values.get("last_changed_status_date")
        if not changed:
            return []
        check_shape(changed, _RANGE, "filter.last_changed_status_date.")
        now = self.state.now_ms("ozon")
        since = parse_time("from", changed["from"]) if changed.get("from") else 0
        until = parse_time("to", changed["to"]) if changed.get("to") else now
        return [between(since, until, lambda r: r.changed)]

    def _unfulfilled_tests(self, values: dict[str, Any], account: OzonAccount) -> list[Test]:
        check_shape(values, _UNFULFILLED_FILTER, "filter.")
        cutoff = any(values.get(n) for n in ("cutoff_from", "cutoff_to"))
        delivering = any(values.get(n) for n in ("delivering_date_from", "delivering_date_to"))
        if cutoff == delivering:
            text = "either cutoff_from and cutoff_to or delivering_date_from and delivering_date_to"
            refuse(400, 3, f"invalid request: {text}")
        stem = "cutoff" if cutoff else "delivering_date"
        since, until = time_range(values, f"{stem}_from", f"{stem}_to", most=366 * DAY_MS)
        statuses = check_statuses(values, FBS_STATUSES)
        tests: list[Test] = [
            between(since, until, cutoff_of if cutoff else lambda r: r.changed),
            lambda r: FBS_STATUS[r.stage] in UNFULFILLED,
        ]
        if statuses:
            tests.append(lambda r: FBS_STATUS[r.stage] in statuses)
        return tests + self._changed_test(values)

    def _fbo_tests(self, values: dict[str, Any], account: OzonAccount) -> list[Test]:
        check_shape(values, _FBO_FILTER, "filter.")
        since, until = time_range(values, "since", "to", most=366 * DAY_MS)
        statuses = check_statuses(values, FBO_STATUSES)
        tests: list[Test] = [between(since, until, lambda r: r.placed)]
        if statuses:
            tests.append(lambda r: FBO_STATUS[r.stage] in statuses)
        if values.get("posting_numbers"):
            wanted = set(values["posting_numbers"])
            tests.append(lambda r: numbers_of(account, r.serial)[1] in wanted)
        if values.get("order_numbers"):
            orders = set(values["order_numbers"])
            tests.append(lambda r: numbers_of(account, r.serial)[0] in orders)
        return tests

    # --- pages

    def _page(
        self,
        operation: str,
        body: dict[str, Any],
        account: OzonAccount,
        tests: list[Test],
        knobs: Knobs,
    ) -> dict[str, Any]:
        fbo = operation == "ozon.fbo_list"
        down = body.get("sort_dir", "ASC").upper() == "DESC"
        same = {k: v for k, v in body.items() if k not in ("cursor", "limit")}
        seal = f"{self.state.seed}/{account.key}/{operation}"
        hits = [
            r
            for r in self.state.book(account.key).records
            if is_fbo(account, r.serial) == fbo and all(test(r) for test in tests)
        ]
        hits.sort(key=lambda r: (r.placed, r.serial), reverse=down)
        after = self._read_cursor(body.get("cursor", ""), same, seal)
        if after is not None:
            hits = [
                r for r in hits if ([r.placed, r.serial] < after) == down
                and [r.placed, r.serial] != after
            ]  # fmt: skip
        page = hits[: body["limit"]]
        has_next = len(hits) > len(page) or (knobs.empty_page and bool(page))
        cursor = ""
        if has_next:
            cursor = pack([same, [page[-1].placed, page[-1].serial]], seal=seal)
        render = render_fbo if fbo else render_fbs
        postings = [
            render(
                r,
                account,
                seed=self.state.seed,
                extras=body.get("with", {}),
                translit=body.get("translit", False),
            )
            for r in page
        ]
        _spoil(postings, knobs)
        answer: dict[str, Any] = {"postings": postings, "cursor": cursor, "has_next": has_next}
        if operation == "ozon.fbs_unfulfilled":
            answer["count"] = len(hits)
        return answer

    def _read_cursor(self, cursor: str, same: dict[str, Any], seal: str) -> list[int] | None:
        if not cursor:
            return None
        try:
            before, after = unpack(cursor, seal=seal)
        except ValueError:
            refuse(400, 3, "invalid request: cursor is not valid")
        if before != same:
            refuse(400, 3, "invalid request: cursor of another filter")
        return [int(after[0]), int(after[1])]

    def _get(self, operation: str, body: dict[str, Any], account: OzonAccount) -> Response:
        extras = body.get("with", {})
        check_shape(body, _GET[operation], "")
        check_shape(extras, _GET_WITH[operation], "with.")
        number = body.get("posting_number", "")
        if not number:
            refuse(400, 3, "invalid request: posting_number is required")
        serial = serial_of(account, number)
        record = self.state.book(account.key).find(serial) if serial else None
        fbo = operation == "ozon.fbo_get"
        if record is None or is_fbo(account, record.serial) != fbo:
            refuse(404, 5, "Posting not found")
        render = render_fbo if fbo else render_fbs
        posting = render(
            record,
            account,
            seed=self.state.seed,
            extras=extras,
            translit={**extras, **body}.get("translit", False),
        )
        return json_answer({"result": as_single(posting)})


def _spoil(postings: list[dict[str, Any]], knobs: Knobs) -> None:
    if postings and knobs.unknown_status:
        postings[0]["status"] = "awaiting_teleport"
        postings[0]["substatus"] = "posting_in_wormhole"
    if postings and knobs.bad_record:
        postings[0]["products"] = {"0": "see attachment"}
        postings[0]["in_process_at"] = 1732000000
