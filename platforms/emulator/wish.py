"""Wish: consent page, token endpoints, who am I, pushes. Facts: fact sheet wish §1, §6, §7."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from typing import Any, ClassVar
from urllib.parse import urlencode, urlsplit

from werkzeug.wrappers import Request, Response

from platforms.emulator import pages
from platforms.emulator.accounts import ACCOUNTS, APPS, App, of_platform
from platforms.emulator.book import Record
from platforms.emulator.cast.wish import ALL_SCOPES, WishAccount
from platforms.emulator.knobs import Knobs
from platforms.emulator.state import Outgoing, State, Token
from platforms.emulator.wire import Refused, iso
from platforms.emulator.wish_orders import WishOrders, good, problem, refuse
from platforms.emulator.wish_payload import STATES, render

DAY = 86_400
ACCESS_TTL = 30 * DAY
CODE_TTL = 600  # not documented
REMAINING = "500"
API = "/wish/api/v3"
PATHS = {
    "/wish/v3/oauth/authorize": "wish.consent",
    f"{API}/oauth/access_token": "wish.token",
    f"{API}/oauth/refresh_token": "wish.token",
    f"{API}/oauth/test": "wish.identity",
    f"{API}/merchant/settings": "wish.settings",
    f"{API}/merchant/currency_settings": "wish.currency",
    f"{API}/orders": "wish.orders",
    f"{API}/webhook/subscriptions": "wish.subscriptions",
    f"{API}/webhook/topics": "wish.topics",
}
ORDER_PREFIX = f"{API}/orders/"
NEEDS = {
    "wish.identity": "",
    "wish.settings": "merchant:read",
    "wish.currency": "merchant:read",
    "wish.orders": "orders:read",
    "wish.order": "orders:read",
    "wish.subscriptions": "webhook:read",
    "wish.topics": "webhook:read",
}
TOPICS = ("ORDER_ALL", "ORDER_RELEASE", "ORDER_ADDRESS_CHANGE", "ORDER_TRACKING_UPDATE",
          "ORDER_REFUND", "ORDER_TAX", "ORDER_FULFILLMENT_DEADLINE",
          "TICKET_AWAITING_MERCHANT")  # fmt: skip
TOPIC_OF = {"APPROVED": "ORDER_RELEASE", "SHIPPED": "ORDER_TRACKING_UPDATE",
            "REFUNDED": "ORDER_REFUND"}  # fmt: skip
TITLES = {
    1002: "Account disabled",
    1006: "Unauthorized access",
    1007: "Access token expired",
    1008: "Access token revoked",
    10001: "Incorrect client credentials",
    10002: "The authorization code has already been redeemed",
    10004: "The authorization code has expired",
    10008: "Incorrect authorization code",
}


def refused(code: int, note: str) -> Refused:
    return Refused(problem(code, TITLES[code]), note)


class Wish:
    code = "wish"
    endpoints: ClassVar[dict[str, str]] = {"api": "/wish", "auth": "/wish", "consent": "/wish"}
    real_limits: ClassVar[dict[str, tuple[float, float]]] = {}
    scopes: ClassVar[tuple[str, ...]] = ALL_SCOPES
    # Refresh tokens are always replaced, so there is nothing to turn.
    unused_knobs: ClassVar[frozenset[str]] = frozenset({"secret_expired", "empty_page", "rotate"})

    def __init__(self, state: State) -> None:
        self.state = state
        self.orders = WishOrders(state)

    def operation(self, request: Request) -> str:
        if request.path.startswith(ORDER_PREFIX) and request.path.count("/") == 5:
            return "wish.order"
        return PATHS.get(request.path, "")

    def account(self, request: Request, operation: str) -> str | None:
        if operation == "wish.token":
            value = request.args.get("refresh_token") or request.values.get("code") or ""
        else:
            value = request.headers.get("Authorization", "")[7:]
        known = self.state.tokens.get(value)
        return known.account or None if known and known.platform == "wish" else None

    def failure(self, kind: str, request: Request, retry_after: int | None) -> Response:
        if kind == "block_ip":  # Wish keeps no address lists; this is what an edge says
            return Response("<html><body><h1>Access Denied</h1></body></html>", status=403)
        if kind == "throttle":
            answer = problem("429", "Too Many Requests", 429)
            answer.headers["Wish-Rate-Limit-Remaining"] = "0"
            if retry_after is not None:
                answer.headers["Wish-Rate-Limit-Reset"] = str(retry_after)
            return answer
        return problem(5000, "Service unavailable", 503)

    def handle(self, request: Request, operation: str, knobs: Knobs) -> Response:
        if operation == "wish.consent":
            return self.consent(request, knobs)
        if operation == "wish.token":
            answer = self.token(request, knobs)
        else:
            posts = operation == "wish.subscriptions" and request.method == "POST"
            if not operation or (request.method != "GET" and not posts):
                raise Refused(Response(status=404), "there is no such call")
            answer = self._call(request, operation, knobs)
        answer.headers["Wish-Rate-Limit-Remaining"] = REMAINING
        answer.headers["Wish-Request-Id"] = secrets.token_hex(8)
        return answer

    # --- consent page

    def consent(self, request: Request, knobs: Knobs) -> Response:
        app = self.state.app("wish", request.args.get("client_id", ""))
        if app is None:
            raise refused(10001, "unknown client_id")
        able = self._able(app)
        if request.method != "POST":
            return pages.consent(
                request,
                accounts=[(account.key, account.label) for account in able],
                asks=list(app.scopes),
                app=app.client_id,
            )
        back: dict[str, str] = {}
        key = request.form.get("account", "")
        if request.form.get("decision") == "agree":
            if key not in {account.key for account in able}:
                raise refused(1006, "this account cannot agree for the application")
            ttl = CODE_TTL if knobs.code_ttl is None else knobs.code_ttl
            back = {"code": self._mint("code", app, key, ttl).value}
        # That the state comes back is not documented.
        if "state" in request.args and not key.endswith("-stateless"):
            back["state"] = request.args["state"]
        return pages.redirect(f"{self.state.redirect_uri('wish')}?{urlencode(back)}")

    def _able(self, app: App) -> list[WishAccount]:
        """A private application is agreed to by the merchant who made it, ours by all."""
        found = [each for each in of_platform("wish") if isinstance(each, WishAccount)]
        return [each for each in found if app.key in ("wish", each.private_app)]

    def _mint(self, kind: str, app: App, account: str, ttl: float | None) -> Token:
        token = Token(
            value=secrets.token_hex(16),
            kind=kind,
            platform="wish",
            client_id=app.client_id,
            account=account,
            scopes=app.scopes,
            expires_at=None if ttl is None else self.state.now("wish") + ttl,
            redirect_uri=self.state.redirect_uri("wish"),
        )
        self.state.mint(token)
        return token

    # --- token endpoints

    def token(self, request: Request, knobs: Knobs) -> Response:
        if request.path.endswith("/refresh_token"):
            if request.method != "GET":
                raise Refused(Response(status=405), "the refresh is a GET")
            given, grant = request.args, "refresh_token"
        else:
            given = request.form if request.method == "POST" else request.args
            grant = "authorization_code"
        needed = ("client_id", "client_secret", "grant_type", "refresh_token") if (
            grant == "refresh_token"
        ) else ("client_id", "client_secret", "grant_type", "code", "redirect_uri")  # fmt: skip
        if any(not given.get(name) for name in needed) or given["grant_type"] != grant:
            refuse(f"{', '.join(needed)} are needed")
        app = self.state.app("wish", given["client_id"])
        if app is None or app.client_secret != given["client_secret"]:
            raise refused(10001, "unknown client id or wrong secret")
        if grant == "refresh_token":
            return self._refresh(app, given["refresh_token"], knobs)
        return self._exchange(app, given["code"], given["redirect_uri"], knobs)

    def _exchange(self, app: App, value: str, redirect_uri: str, knobs: Knobs) -> Response:
        code = self.state.find_token(value, "wish", "code")
        if code is None or code.client_id != app.client_id:
            raise refused(10008, "unknown code, or another application's")
        if redirect_uri != code.redirect_uri:
            raise refused(10001, "redirect_uri is not the registered one")
        if code.used:
            raise refused(10002, "the code was used before")
        if not self.state.is_live(code):
            raise refused(10004, "the code is too old")
        code.used = True
        return self._grant(app, code.account, knobs)

    def _refresh(self, app: App, value: str, knobs: Knobs) -> Response:
        token = self.state.find_token(value, "wish", "refresh")
        if token is None or token.client_id != app.client_id:
            raise refused(10008, "unknown refresh token, or another application's")
        if token.used or not self.state.is_live(token):
            raise refused(1008, "the refresh token was used, revoked or is over")
        token.used = True
        for other in self.state.tokens.values():
            same = (other.platform, other.client_id, other.account) == (
                "wish", app.client_id, token.account,
            )  # fmt: skip
            if same and other.kind == "access":
                other.revoked = True
        return self._grant(app, token.account, knobs, omit=knobs.omit_refresh)

    def _grant(self, app: App, account: str, knobs: Knobs, *, omit: bool = False) -> Response:
        ttl = ACCESS_TTL if knobs.access_ttl is None else knobs.access_ttl
        access = self._mint("access", app, account, ttl)
        refresh = self._mint("refresh", app, account, knobs.refresh_ttl)
        owner = ACCOUNTS[account]
        body = {
            "access_token": access.value,
            "refresh_token": refresh.value,
            "merchant_id": owner.account_id,
            "scopes": [scope for scope in app.scopes if scope not in knobs.drop_scopes],
            "expiry_time": iso((access.expires_at or 0) * 1000),
        }
        if omit:
            body.pop("refresh_token")
        return good(body)

    # --- calls

    def authenticate(self, request: Request, operation: str, knobs: Knobs) -> Token:
        scheme, _, value = request.headers.get("Authorization", "").partition(" ")
        token = self.state.find_token(value, "wish", "access") if scheme == "Bearer" else None
        if token is None:
            raise Refused(problem(1012, "Missing access token", 401), "no known access token")
        if token.revoked:
            raise refused(1008, "the access token was revoked or replaced")
        if not self.state.is_live(token):
            raise refused(1007, "the access token is too old")
        account = ACCOUNTS[token.account]
        assert isinstance(account, WishAccount)
        if account.disabled or knobs.suspended:
            raise refused(1002, "the merchant account is disabled")
        needed = NEEDS[operation]
        if request.method == "POST":
            needed = "webhook:write"
        if needed and needed not in set(token.scopes) - set(knobs.drop_scopes):
            raise refused(1006, f"{needed} is missing")
        return token

    def _call(self, request: Request, operation: str, knobs: Knobs) -> Response:
        token = self.authenticate(request, operation, knobs)
        account = ACCOUNTS[token.account]
        shown = ACCOUNTS.get(knobs.wrong_account, account)
        assert isinstance(account, WishAccount)
        assert isinstance(shown, WishAccount)
        if operation == "wish.identity":
            return good({"merchant_id": shown.merchant_id})
        if operation == "wish.settings":
            return good({"id": shown.merchant_id, "display_name": shown.name})
        if operation == "wish.currency":
            return good({"currency_code": shown.currency})
        if operation == "wish.orders":
            return self.orders.search(request, account, knobs)
        if operation == "wish.order":
            return self.orders.get(request, account, request.path[len(ORDER_PREFIX) :])
        if operation == "wish.topics":
            return good([{"name": topic} for topic in TOPICS])
        return self._subscriptions(request, token)

    # --- pushes

    def _kept(self) -> list[dict[str, str]]:
        kept: list[dict[str, str]] = self.state.keep("wish").setdefault("subscriptions", [])
        return kept

    def _subscriptions(self, request: Request, token: Token) -> Response:
        app = self.state.app("wish", token.client_id)
        if app is None or app.key == "wish":
            raise refused(1006, "a public application is subscribed in the dashboard")
        mine = [
            each
            for each in self._kept()
            if (each["account"], each["app"]) == (token.account, app.key)
        ]
        if request.method == "GET":
            return good([_shown(each) for each in mine])
        body = request.get_json(silent=True) or {}
        topic, address = body.get("topic"), body.get("endpoint")
        if topic not in TOPICS or urlsplit(str(address or "")).scheme not in ("http", "https"):
            refuse("topic and endpoint are needed")
        if any((each["topic"], each["endpoint"]) == (topic, address) for each in mine):
            refuse("there is such a subscription")
        made = {"id": secrets.token_hex(12), "account": token.account, "app": app.key,
                "topic": topic, "endpoint": address, "status": "ACTIVE"}  # fmt: skip
        self._kept().append(made)
        return good(_shown(made))

    def _send(self, account: WishAccount, topic: str, data: list[dict[str, Any]]) -> bool:
        stamp = iso(self.state.now_ms("wish"))
        body = json.dumps([{"data": each, "timestamp": stamp} for each in data]).encode()
        sent = False
        for each in self._kept():
            if (each["account"], each["topic"]) != (account.key, topic):
                continue
            app = self.state.app("wish", APPS[each["app"]].client_id)
            assert app is not None
            digest = hmac.new(app.client_secret.encode(), body, hashlib.sha256).digest()
            headers = {
                "Content-Type": "application/json",
                "Wish-Topic": topic,
                "Wish-Hmac-Sha256": base64.b64encode(digest).decode(),
                "Wish-API-Version": "V3",
                "Wish-Merchant-ID": account.merchant_id,
                "Wish-Subscription-ID": each["id"],
                "Wish-Retry-Attempt": "0",
            }
            self.state.send(
                Outgoing(platform="wish", topic=topic, url=each["endpoint"], body=body,
                         headers=headers)
            )  # fmt: skip
            sent = True
        return sent

    def orders_changed(self, account: str, records: list[Record]) -> None:
        owner = ACCOUNTS[account]
        assert isinstance(owner, WishAccount)
        by_topic: dict[str, list[dict[str, Any]]] = {}
        for record in records:
            order = render(record, owner, seed=self.state.seed)
            for topic in ("ORDER_ALL", TOPIC_OF.get(STATES[record.stage], "")):
                by_topic.setdefault(topic, []).append(order)
        for topic, data in by_topic.items():
            self._send(owner, topic, data)

    def access_ended(self, account: str) -> None:
        """Wish has no push for it."""

    def push(self, account: str, topic: str) -> bool:
        owner = ACCOUNTS[account]
        assert isinstance(owner, WishAccount)
        records = self.state.book(account).records
        if topic not in TOPICS or not records:
            return False
        if topic.startswith("TICKET_"):
            return self._send(owner, topic, [{"id": "63bb0d1f2c3b4d5e6f708192"}])
        return self._send(owner, topic, [render(records[-1], owner, seed=self.state.seed)])


def _shown(subscription: dict[str, str]) -> dict[str, str]:
    return {name: subscription[name] for name in ("id", "topic", "endpoint", "status")}


PLATFORM = Wish
