"""Amazon's searchOrders and getOrder, version 2026-01-01. Fact sheet amazon §3; the model."""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from werkzeug.wrappers import Request, Response

from platforms.emulator.amazon_payload import (
    STATUS,
    fulfilled_by,
    marketplace_of,
    render,
    serial_of,
)
from platforms.emulator.book import Record
from platforms.emulator.cast.amazon import MARKETPLACES, AmazonAccount
from platforms.emulator.knobs import Knobs
from platforms.emulator.state import State
from platforms.emulator.wire import Refused, iso, json_answer, pack, unpack

TWO_MINUTES = 120_000
TOKEN_LIFE = 86_400
INCLUDED = frozenset(
    [
        "BUYER",
        "RECIPIENT",
        "PROCEEDS",
        "EXPENSE",
        "PROMOTION",
        "CANCELLATION",
        "FULFILLMENT",
        "PACKAGES",
        "TAX",
        "PAYMENT",
        "FULFILLMENT_ORDERS",
    ]
)
STATUSES = frozenset(
    [
        "PENDING_AVAILABILITY",
        "PENDING",
        "UNSHIPPED",
        "PARTIALLY_SHIPPED",
        "SHIPPED",
        "CANCELLED",
        "UNFULFILLABLE",
    ]
)
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)")
ORDER_ID = re.compile(r"([0-9]{3}|S[0-9]{2})-[0-9]{7}-[0-9]{7}")


def sp_error(status: int, code: str, message: str, details: str | None = None) -> Response:
    """SP-API's error form; `details` may be absent."""
    error = {"code": code, "message": message}
    if details is not None:
        error["details"] = details
    return json_answer({"errors": [error]}, status)


def denied(details: str, note: str) -> Refused:
    text = "Access to requested resource is denied."
    return Refused(sp_error(403, "Unauthorized", text, details), note)


def invalid_input(note: str) -> Refused:
    """Amazon says no more than this; the note is for the control page only."""
    return Refused(sp_error(400, "InvalidInput", "Invalid Input"), note)


@dataclass(frozen=True, kw_only=True)
class Query:
    """Times are Unix milliseconds, both ends inclusive."""

    field: str  # created or lastUpdated
    since: int
    until: int
    marketplaces: frozenset[str]
    statuses: frozenset[str]
    fulfilled_by: frozenset[str]
    included: frozenset[str]
    limit: int

    def fits(self, record: Record, account: AmazonAccount) -> bool:
        at = record.placed if self.field == "created" else record.changed
        if not self.since <= at <= self.until:
            return False
        if self.marketplaces and marketplace_of(account, record.serial) not in self.marketplaces:
            return False
        if self.statuses and STATUS[record.stage] not in self.statuses:
            return False
        return not self.fulfilled_by or fulfilled_by(account, record.serial) in self.fulfilled_by


def parse_time(name: str, text: str) -> int:
    if not TIME.fullmatch(text):
        raise invalid_input(f"{name} is not an ISO 8601 time with a zone")
    try:
        return int(datetime.fromisoformat(text).astimezone(UTC).timestamp() * 1000)
    except ValueError:
        raise invalid_input(f"{name} is not a time") from None


def listed(args: Mapping[str, str], name: str, allowed: frozenset[str]) -> frozenset[str]:
    values = frozenset(args[name].split(",")) if args.get(name) else frozenset()
    if not values <= allowed:
        raise invalid_input(f"{name}: {', '.join(sorted(values - allowed))} is unknown")
    return values


def parse_marketplaces(args: Mapping[str, str], account: AmazonAccount) -> frozenset[str]:
    ids = args["marketplaceIds"].split(",") if args.get("marketplaceIds") else []
    if len(ids) > 50:
        raise invalid_input("more than 50 marketplaceIds")
    for marketplace in ids:
        if marketplace not in MARKETPLACES or MARKETPLACES[marketplace][5] != account.region:
            text = "The marketplaces you provided are not valid for region."
            raise denied(text, f"{marketplace} is not in {account.region}")
    return frozenset(ids)


def parse_bounds(args: Mapping[str, str], now: int) -> tuple[str, int, int]:
    """(field, since, until): exactly one *After, its own *Before at least 2 minutes old."""
    given = [f for f in ("created", "lastUpdated") if args.get(f"{f}After")]
    if len(given) != 1:
        raise invalid_input("exactly one of createdAfter and lastUpdatedAfter")
    field = given[0]
    other = "lastUpdated" if field == "created" else "created"
    if args.get(f"{other}Before"):
        raise invalid_input(f"{other}Before does not go with {field}After")
    since = parse_time(f"{field}After", args[f"{field}After"])
    until = now - TWO_MINUTES
    if args.get(f"{field}Before"):
        before = parse_time(f"{field}Before", args[f"{field}Before"])
        if before > until:
            raise invalid_input(f"{field}Before is less than 2 minutes old")
        if before < since:
            raise invalid_input(f"{field}Before is earlier than {field}After")
        until = before
    if since > now:
        raise invalid_input(f"{field}After is in the future")
    return field, since, until


def parse_query(args: Mapping[str, str], account: AmazonAccount, now: int) -> Query:
    field, since, until = parse_bounds(args, now)
    size = args.get("maxResultsPerPage", "100")
    if not re.fullmatch(r"[0-9]{1,3}", size) or not 1 <= int(size) <= 100:
        raise invalid_input("maxResultsPerPage is 1 to 100")
    return Query(
        field=field,
        since=since,
        until=until,
        marketplaces=parse_marketplaces(args, account),
        statuses=listed(args, "fulfillmentStatuses", STATUSES),
        fulfilled_by=listed(args, "fulfilledBy", frozenset({"MERCHANT", "AMAZON"})),
        included=listed(args, "includedData", INCLUDED),
        limit=int(size),
    )


def _place(record: Record) -> list[int]:
    # No documented order, so a shuffled one: nobody may build on sorting by time.
    return [zlib.crc32(str(record.serial).encode()), record.serial]


class AmazonOrders:
    def __init__(self, state: State) -> None:
        self.state = state

    def get(self, request: Request, account: AmazonAccount, number: str, knobs: Knobs) -> Response:
        if not ORDER_ID.fullmatch(number):
            raise invalid_input("orderId is not 3-7-7 digits")
        if set(request.args) - {"includedData"}:
            raise invalid_input("getOrder takes includedData and nothing else")
        included = listed(request.args, "includedData", INCLUDED)
        serial = serial_of(account, number)
        record = self.state.book(account.key).find(serial) if serial else None
        if record is None:
            text = "The requested resource was not found."
            raise Refused(sp_error(404, "NotFound", text), "no such order of this seller")
        return json_answer({"order": self._render(record, account, included, knobs)})

    def search(self, request: Request, account: AmazonAccount, knobs: Knobs) -> Response:
        now = self.state.now_ms("amazon")
        args = request.args.to_dict()
        token = args.pop("paginationToken", None)
        query = parse_query(args, account, now)
        until, after = query.until, None
        if token is not None:
            until, after = self._read_token(token, args, account, now)
        query = Query(**{**query.__dict__, "until": until})
        records = self.state.book(account.key).records
        hits = sorted((r for r in records if query.fits(r, account)), key=_place)
        rest = [r for r in hits if after is None or _place(r) > after]
        page = rest[: query.limit]
        orders = [self._render(r, account, query.included, knobs) for r in page]
        _spoil(orders, knobs)
        body: dict[str, Any] = {"orders": orders}
        if len(rest) > len(page):
            state = [sorted(args.items()), until, _place(page[-1]), now]
            body["pagination"] = {"nextToken": pack(state, seal=self._seal(account))}
        body[f"{query.field}Before"] = iso(until)
        return json_answer(body)

    def _seal(self, account: AmazonAccount) -> str:
        return f"{self.state.seed}/{account.key}"

    def _read_token(
        self, token: str, args: Mapping[str, str], account: AmazonAccount, now: int
    ) -> tuple[int, list[int]]:
        try:
            same, until, after, made = unpack(token, seal=self._seal(account))
        except ValueError:
            raise invalid_input("paginationToken is not one of ours") from None
        if [list(pair) for pair in sorted(args.items())] != same:
            raise invalid_input("paginationToken with other parameters than before")
        if now - made > TOKEN_LIFE * 1000:
            raise invalid_input("paginationToken is older than 24 hours")
        return until, after

    def _render(
        self, record: Record, account: AmazonAccount, included: frozenset[str], knobs: Knobs
    ) -> dict[str, Any]:
        return render(
            record,
            account,
            now=self.state.now_ms("amazon"),
            seed=self.state.seed,
            included=included,
            without=frozenset(knobs.drop_scopes),
        )


def _spoil(orders: list[dict[str, Any]], knobs: Knobs) -> None:
    if orders and knobs.unknown_status:
        orders[0].setdefault("fulfillment", {})["fulfillmentStatus"] = "HELD_FOR_REVIEW"
    if orders and knobs.bad_record:
        orders[0]["orderItems"] = {"0": "see attachment"}
        orders[0]["createdTime"] = 1732000000
