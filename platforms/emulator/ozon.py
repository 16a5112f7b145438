"""Ozon Seller API with Client-Id and Api-Key: headers, roles, seller. Fact sheet ozon §1A, §6."""

from __future__ import annotations

import json
import re
import secrets
from typing import Any

from werkzeug.wrappers import Request, Response

from platforms.emulator.accounts import (
    ACCOUNTS,
    OZON_ROLES,
    OzonAccount,
    OzonKey,
    of_platform,
)
from platforms.emulator.knobs import Knobs
from platforms.emulator.ozon_orders import OzonOrders, refuse
from platforms.emulator.state import State
from platforms.emulator.wire import MAINTENANCE, Refused, html_answer, iso, json_answer

BASE = "/ozon/api"
OPERATIONS = {
    "/v1/roles": "ozon.roles",
    "/v1/seller/info": "ozon.seller_info",
    "/v4/posting/fbs/list": "ozon.fbs_list",
    "/v4/posting/fbs/unfulfilled/list": "ozon.fbs_unfulfilled",
    "/v3/posting/fbo/list": "ozon.fbo_list",
    "/v3/posting/fbs/get": "ozon.fbs_get",
    "/v2/posting/fbo/get": "ozon.fbo_get",
}
# Switched off on 2026-08-31 (fact sheet ozon, summary).
OBSOLETE = ("/v3/posting/fbs/list", "/v3/posting/fbs/unfulfilled/list", "/v2/posting/fbo/list")
INVALID_KEY = "Invalid Api-Key, please check the key and try again"
DEACTIVATED = "Api-key is deactivated, use another one or generate a new one"


class Ozon:
    code = "ozon"

    def __init__(self, state: State) -> None:
        self.state = state
        self.orders = OzonOrders(state)

    def operation(self, request: Request) -> str:
        return OPERATIONS.get(request.path.removeprefix(BASE), "")

    def account(self, request: Request, operation: str) -> str | None:
        found = self._cabinet(request.headers.get("Client-Id", ""))
        return found.key if found else None

    def _cabinet(self, client_id: str) -> OzonAccount | None:
        for account in of_platform("ozon"):
            if isinstance(account, OzonAccount) and account.client_id == client_id:
                return account
        return None

    def failure(self, kind: str, request: Request, retry_after: int | None) -> Response:
        if kind == "block_ip":
            text = "Api-Key is restricted to specific IP addresses"
            answer = json_answer({"code": 7, "message": text, "details": []}, 403)
        elif kind == "throttle":
            text = "You have reached request rate limit per second"
            answer = json_answer({"code": 8, "message": text}, 429)
            answer.headers["Retry-After"] = str(1 if retry_after is None else retry_after)
            answer.headers["RateLimit-Remaining"] = "0"
        else:
            answer = html_answer(MAINTENANCE, 503)
        return self._traced(answer)

    def _traced(self, response: Response) -> Response:
        response.headers["x-o3-trace-id"] = secrets.token_hex(8)
        return response

    def handle(self, request: Request, operation: str, knobs: Knobs) -> Response:
        try:
            return self._traced(self.call(request, operation, knobs))
        except Refused as refused:
            self._traced(refused.response)
            raise

    def call(self, request: Request, operation: str, knobs: Knobs) -> Response:
        path = request.path.removeprefix(BASE)
        if path in OBSOLETE:
            refuse(410, 12, "obsolete method cannot be used")
        if not operation:
            refuse(404, 5, "Not Found")
        if request.method != "POST":
            refuse(405, 12, "Method Not Allowed")
        if "Origin" in request.headers:
            refuse(403, 7, "CORS requests are not allowed")
        account, key = self.authenticate(request, knobs)
        roles = [r for r in key.roles if r not in knobs.drop_scopes]
        if operation == "ozon.roles":
            return json_answer(self.roles(key, roles))
        if not any(path in OZON_ROLES[role] for role in roles):
            refuse(403, 7, "Api-Key is missing a required role for a method")
        if operation == "ozon.seller_info":
            return json_answer(self.seller_info(account, knobs))
        return self.orders.handle(operation, self._body(request), account, knobs)

    def _body(self, request: Request) -> dict[str, Any]:
        if request.mimetype != "application/json":
            refuse(415, 3, "Content-Type should be application/json")
        try:
            body = json.loads(request.get_data())
        except ValueError:
            refuse(400, 3, "invalid request body: not JSON")
        if not isinstance(body, dict):
            refuse(400, 3, "invalid request body: not an object")
        return body

    def authenticate(self, request: Request, knobs: Knobs) -> tuple[OzonAccount, OzonKey]:
        headers = request.headers
        if "Authorization" in headers:
            refuse(401, 16, "Authorization token is invalid")
        client_id, api_key = headers.get("Client-Id", ""), headers.get("Api-Key", "")
        if not client_id or not api_key:
            refuse(401, 16, "Client-Id and Api-Key headers are required")
        if not re.fullmatch(r"[1-9][0-9]*", client_id):
            refuse(400, 3, "Client-Id should be positive integer")
        account = self._cabinet(client_id)
        key = next((k for k in account.keys if k.key == api_key), None) if account else None
        if account is None or key is None:
            refuse(403, 7, INVALID_KEY)
        if account.key in self.state.deactivated or self._is_over(key):
            refuse(403, 7, DEACTIVATED)
        if key.other_networks_only:
            refuse(403, 7, "Api-Key is restricted to specific IP addresses")
        if knobs.suspended:
            refuse(403, 7, "Company is blocked, please contact support")
        return account, key

    def _expires_at(self, key: OzonKey) -> float | None:
        return None if key.expires_in is None else self.state.started_at + key.expires_in

    def _is_over(self, key: OzonKey) -> bool:
        end = self._expires_at(key)
        return end is not None and self.state.now("ozon") >= end

    def roles(self, key: OzonKey, roles: list[str]) -> dict[str, Any]:
        end = self._expires_at(key)
        return {
            "expires_at": None if end is None else iso(end * 1000),
            "roles": [{"name": name, "methods": list(OZON_ROLES[name])} for name in roles],
        }

    def seller_info(self, account: OzonAccount, knobs: Knobs) -> dict[str, Any]:
        other = ACCOUNTS.get(knobs.wrong_account)
        shown = other if isinstance(other, OzonAccount) else account
        return {
            "company": {
                "country": "China",
                "currency": shown.currency,
                "inn": "",
                "legal_name": shown.legal_name,
                "name": shown.name,
                "ogrn": "",
                "ownership_form": "Legal entity",
                "tax_system": "UNSPECIFIED",
            },
            "ratings": [],
            "subscription": {
                "is_premium": shown.premium,
                "type": "PREMIUM_PLUS" if shown.premium else "UNSPECIFIED",
            },
        }
