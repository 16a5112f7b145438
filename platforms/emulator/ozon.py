"""Ozon Seller API: headers, roles, seller. Fact sheet ozon §1, §6."""

from __future__ import annotations

import json
import re
import secrets
from dataclasses import dataclass
from typing import Any, ClassVar

from werkzeug.wrappers import Request, Response

from platforms.emulator.accounts import ACCOUNTS, of_platform
from platforms.emulator.book import Record
from platforms.emulator.cast.ozon import (
    OZON_NOTIFICATIONS,
    OZON_ROLES,
    OZON_SCOPES,
    OzonAccount,
    OzonKey,
)
from platforms.emulator.knobs import Knobs
from platforms.emulator.ozon_oauth import CONSENT, TOKEN, OzonOAuth, shows_cookie, token_body
from platforms.emulator.ozon_orders import OzonOrders, refuse
from platforms.emulator.ozon_push import OzonPush
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
} | dict.fromkeys(OZON_NOTIFICATIONS, "ozon.notification")
# Methods without a body.
BARE = ("/v1/notification/list", "/v1/notification/push-type/list")
# Switched off on 2026-08-31 (fact sheet ozon, summary).
OBSOLETE = ("/v3/posting/fbs/list", "/v3/posting/fbs/unfulfilled/list", "/v2/posting/fbo/list")
INVALID_KEY = "Invalid Api-Key, please check the key and try again"
DEACTIVATED = "Api-key is deactivated, use another one or generate a new one"


@dataclass(frozen=True, kw_only=True)
class Caller:
    """Who calls, and what that one may call."""

    account: OzonAccount
    paths: frozenset[str]
    key: OzonKey | None = None  # None: by a token
    roles: tuple[str, ...] = ()


class Ozon:
    code = "ozon"
    endpoints: ClassVar[dict[str, str]] = {
        "api": BASE,
        "auth": "/ozon/auth",
        "consent": "/ozon/consent",
    }
    real_limits: ClassVar[dict[str, tuple[float, float]]] = {}
    scopes: ClassVar[tuple[str, ...]] = (*OZON_ROLES, *OZON_SCOPES)
    unused_knobs: ClassVar[frozenset[str]] = frozenset({"secret_expired", "drift"})

    def __init__(self, state: State) -> None:
        self.state = state
        self.orders = OzonOrders(state)
        self.oauth = OzonOAuth(state)
        self.pushes = OzonPush(state)

    def operation(self, request: Request) -> str:
        if request.path == CONSENT:
            return "ozon.consent"
        if request.path == TOKEN:
            return "ozon.token" if shows_cookie(request) else "ozon.cookie_test"
        return OPERATIONS.get(request.path.removeprefix(BASE), "")

    def account(self, request: Request, operation: str) -> str | None:
        if request.path == TOKEN:
            body = token_body(request)
            known = self.state.tokens.get(str(body.get("refresh_token") or body.get("code")))
        else:
            known = self.state.tokens.get(request.headers.get("Authorization", "")[7:])
        if known and known.platform == "ozon":
            return known.account
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
        if operation == "ozon.consent":
            return self.oauth.consent(request, knobs)
        if operation == "ozon.cookie_test":
            return self.oauth.cookie_test(request)
        try:
            if operation == "ozon.token":
                return self._traced(self.oauth.token(request, knobs))
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
        caller = self.authenticate(request, knobs)
        if operation == "ozon.roles":
            if caller.key is None:
                refuse(403, 7, "no access to this method")  # documented for keys only
            return json_answer(self.roles(caller.key, list(caller.roles)))
        if path not in caller.paths:
            refuse(403, 7, "Api-Key is missing a required role for a method")
        if operation == "ozon.seller_info":
            return json_answer(self.seller_info(caller.account, knobs))
        body = {} if path in BARE else self._body(request)
        if operation == "ozon.notification":
            return self.pushes.handle(path, body, caller.account)
        return self.orders.handle(operation, body, caller.account, knobs)

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

    def authenticate(self, request: Request, knobs: Knobs) -> Caller:
        if "Authorization" in request.headers:
            caller = self._by_token(request, knobs)
        else:
            caller = self._by_key(request, knobs)
        if knobs.suspended:
            refuse(403, 7, "Company is blocked, please contact support")
        return caller

    def _by_token(self, request: Request, knobs: Knobs) -> Caller:
        scheme, _, value = request.headers["Authorization"].partition(" ")
        token = self.state.find_token(value, "ozon", "access")
        if scheme != "Bearer" or token is None or not self.state.is_live(token):
            refuse(401, 16, "Authorization token is invalid")
        if "Client-Id" in request.headers or "Api-Key" in request.headers:
            # Ozon may take one of the two; which one is not said, so nobody may rely on it.
            refuse(400, 3, "two kinds of credentials in one request")
        account = ACCOUNTS[token.account]
        assert isinstance(account, OzonAccount)
        paths = {
            path
            for scope in set(token.scopes) - set(knobs.drop_scopes)
            for path in OZON_SCOPES[scope]
        }
        if "Seller Info" not in knobs.drop_scopes:
            paths.add("/v1/seller/info")
        return Caller(account=account, paths=frozenset(paths))

    def _by_key(self, request: Request, knobs: Knobs) -> Caller:
        headers = request.headers
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
        roles = tuple(r for r in key.roles if r not in knobs.drop_scopes)
        paths = frozenset(path for role in roles for path in OZON_ROLES[role])
        return Caller(account=account, paths=paths, key=key, roles=roles)

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

    def orders_changed(self, account: str, records: list[Record]) -> None:
        cabinet = ACCOUNTS[account]
        assert isinstance(cabinet, OzonAccount)
        self.pushes.orders_changed(cabinet, records)

    def access_ended(self, account: str) -> None:
        """Ozon tells nobody, and the addresses stay: they belong to the cabinet."""

    def push(self, account: str, topic: str) -> bool:
        cabinet = ACCOUNTS[account]
        assert isinstance(cabinet, OzonAccount)
        return self.pushes.push(cabinet, topic)


PLATFORM = Ozon
