"""Shopify's GraphQL endpoint: cost, search, pages. Facts: fact sheet shopify §3 and §5."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from werkzeug.wrappers import Request, Response

from platforms.emulator.accounts import ACCOUNTS
from platforms.emulator.book import Record
from platforms.emulator.cast.shopify import ShopifyAccount
from platforms.emulator.knobs import Knobs
from platforms.emulator.shopify_graphql import BadQuery, Document
from platforms.emulator.shopify_hooks import ShopifyHooks
from platforms.emulator.shopify_payload import name_of, render, serial_of
from platforms.emulator.state import State, Token
from platforms.emulator.wire import Refused, json_answer, pack, unpack

MOST_COST = 1000.0
RATE, BUCKET = 100.0, 2000.0
TERM = re.compile(r"updated_at:(>=|<=|>|<)'(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)'")
NAME = re.compile(r"name:'([^'\\\s]{1,40})'")
SEAL = "shopify.orders"
SORTS = ("UPDATED_AT", "CREATED_AT")


def problem(
    message: str, code: str = "", *, data: object = None, cost: dict[str, Any] | None = None
) -> Response:
    """GraphQL's own form of a refusal: HTTP 200."""
    error: dict[str, Any] = {"message": message}
    if code:
        error["extensions"] = {"code": code}
    body: dict[str, Any] = {"data": data, "errors": [error]}
    return json_answer(body | ({"extensions": {"cost": cost}} if cost else {}))


def cost_of(document: Document) -> float:
    """Objects that could come back; nested lists weigh less than their number."""
    chosen = document.find("orders")
    lines = document.find("orders", "nodes", "lineItems") or document.find("order", "lineItems")
    inner = document.arguments(lines).get("first") or 0 if lines else 0
    if chosen is None:
        return 10.0 + inner / 5
    return 2 + (document.arguments(chosen).get("first") or 0) * (1 + inner / 5)


def _seconds(text: str) -> int:
    return int(datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC).timestamp())


def search(text: str | None) -> Callable[[Record], bool]:
    """Blanks mean AND. What the search does not know is refused, so that nobody relies on it."""
    terms, names = [], []
    for word in (text or "").split():
        if named := NAME.fullmatch(word):
            names.append(named[1].lstrip("#").casefold())
            continue
        found = TERM.fullmatch(word)
        if found is None:
            raise BadQuery(f"Invalid search field or value: {word}", "BAD_REQUEST")
        try:
            terms.append((found[1], _seconds(found[2])))
        except ValueError:
            raise BadQuery(f"Invalid timestamp: {word}", "BAD_REQUEST") from None
    checks: dict[str, Callable[[int, int], bool]] = {
        ">=": lambda a, b: a >= b,
        "<=": lambda a, b: a <= b,
        ">": lambda a, b: a > b,
        "<": lambda a, b: a < b,
    }
    # A name is found by its beginning, too: whoever wants that one alone must compare.
    return lambda record: (
        all(checks[sign](record.changed // 1000, at) for sign, at in terms)
        and all(name_of(record).lstrip("#").casefold().startswith(name) for name in names)
    )


class ShopifyOrders:
    def __init__(self, state: State, hooks: ShopifyHooks) -> None:
        self.state = state
        self.hooks = hooks
        self.points: dict[str, tuple[float, float]] = {}  # account -> (left, at)

    def ask(
        self, request: Request, token: Token, account: ShopifyAccount, knobs: Knobs
    ) -> Response:
        body = request.get_json(silent=True)
        if not isinstance(body, dict) or not isinstance(body.get("query"), str):
            raise Refused(json_answer({"errors": {"query": "Required parameter missing"}}, 400),
                          "the body is no GraphQL request")  # fmt: skip
        try:
            document = Document(
                body["query"], body.get("operationName") or "", body.get("variables") or {}
            )
            wanted = cost_of(document)
            if wanted > MOST_COST:
                text = f"Query cost is {wanted:.0f}, which exceeds the single query max cost limit"
                raise Refused(problem(text, "MAX_COST_EXCEEDED"), "too dear")
            cost = self._spend(account, wanted, knobs)
            scopes = set(token.scopes) - set(knobs.drop_scopes)
            asks_orders = document.find("orders") or document.find("order")
            if asks_orders and "read_orders" not in scopes:
                raise Refused(self._denied(asks_orders.name, cost), "read_orders is missing")
            answer = document.answer(self._root(document, token, account, scopes, knobs))
        except BadQuery as bad:
            raise Refused(problem(str(bad), bad.code), str(bad)) from None
        return json_answer({"data": answer, "extensions": {"cost": cost}})

    def _denied(self, name: str, cost: dict[str, Any]) -> Response:
        text = f"Access denied for {name} field. Required access: `read_orders` access scope."
        return problem(text, "ACCESS_DENIED", cost=cost)

    def _spend(self, account: ShopifyAccount, wanted: float, knobs: Knobs) -> dict[str, Any]:
        """Takes the points. They only run out with the real limits."""
        now = self.state.clock()
        left, at = self.points.get(account.key, (BUCKET, now))
        left = min(BUCKET, left + max(0.0, now - at) * RATE)
        if knobs.rate_limits != "real":
            left = BUCKET
        short = left < wanted
        left -= 0 if short else wanted
        self.points[account.key] = (left, now)
        cost = {
            "requestedQueryCost": wanted,
            "actualQueryCost": None if short else wanted,
            "throttleStatus": {
                "maximumAvailable": BUCKET,
                "currentlyAvailable": left,
                "restoreRate": RATE,
            },
        }
        if short:
            raise Refused(problem("Throttled", "THROTTLED", cost=cost), "no points left")
        return cost

    def _root(
        self,
        document: Document,
        token: Token,
        account: ShopifyAccount,
        scopes: set[str],
        knobs: Knobs,
    ) -> dict[str, Any]:
        other = ACCOUNTS.get(knobs.wrong_account)
        shown = other if isinstance(other, ShopifyAccount) else account
        if document.operation.kind == "mutation":
            return self.hooks.mutations(token, account)
        return {
            "shop": {
                "id": f"gid://shopify/Shop/{shown.shop_id}",
                "name": shown.name,
                "email": f"owner@{shown.handle}.example.test",
                "myshopifyDomain": shown.domain,
                "currencyCode": shown.currency,
                "ianaTimezone": shown.time_zone,
                "plan": {"publicDisplayName": "Development", "partnerDevelopment": True},
            },
            "currentAppInstallation": {
                "id": f"gid://shopify/AppInstallation/{account.shop_id}",
                "accessScopes": [{"handle": scope} for scope in sorted(scopes)],
            },
            "orders": lambda **given: self._list(account, knobs, **given),
            "order": lambda **given: self._one(account, str(given.get("id"))),
            "webhookSubscriptions": lambda **given: self.hooks.listed(token, account, **given),
        }

    def _one(self, account: ShopifyAccount, gid: str) -> dict[str, Any] | None:
        serial = serial_of(account, gid)
        record = self.state.book(account.key).find(serial) if serial else None
        return render(record, account, seed=self.state.seed) if record else None

    def _list(
        self,
        account: ShopifyAccount,
        knobs: Knobs,
        *,
        first: int | None = None,
        after: str | None = None,
        query: str | None = None,
        sortKey: str = "PROCESSED_AT",
    ) -> dict[str, Any]:
        if first is None or not 1 <= first <= 250:
            raise BadQuery("first must be between 1 and 250", "BAD_REQUEST")
        if sortKey not in SORTS:
            raise BadQuery("give a sortKey: pages are not stable without", "BAD_REQUEST")

        def place(record: Record) -> list[int]:
            at = record.changed if sortKey == "UPDATED_AT" else record.placed
            return [at // 1000, record.serial]

        try:
            behind = unpack(after, seal=SEAL) if after else [0, 0]
        except ValueError:
            raise BadQuery("Invalid cursor for current pagination sort.", "BAD_REQUEST") from None
        book, fits = self.state.book(account.key), search(query)
        hits = sorted((r for r in book.records if fits(r) and place(r) > behind), key=place)
        page = hits[:first]
        nodes = [render(record, account, seed=self.state.seed) for record in page]
        end = pack(place(page[-1]), seal=SEAL) if page else None
        _spoil(nodes, knobs)
        if knobs.drift and page:
            book.touch(page[0], now_ms=self.state.now_ms("shopify"))
            self.state.dirty = True
        return {
            "nodes": nodes,
            "pageInfo": {"hasNextPage": len(hits) > len(page), "endCursor": end},
        }


def _spoil(nodes: list[dict[str, Any]], knobs: Knobs) -> None:
    if nodes and knobs.unknown_status:
        nodes[0]["displayFulfillmentStatus"] = "TELEPORTED"
        nodes[0]["displayFinancialStatus"] = "PAID_IN_SHELLS"
        nodes[0]["cancelledAt"] = None
    if nodes and knobs.bad_record:
        nodes[0]["createdAt"] = ["see", "attachment"]
