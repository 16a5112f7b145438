"""TikTok Shop: consent pages, tokens, signed calls, webhooks. Facts: fact sheet tiktok-shop."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterable
from typing import Any, ClassVar
from urllib.parse import urlencode

from werkzeug.wrappers import Request, Response

from platforms.emulator import pages
from platforms.emulator.accounts import ACCOUNTS, APPS, App, of_platform
from platforms.emulator.book import Record
from platforms.emulator.cast.tiktok_shop import SCOPES, TiktokShopAccount
from platforms.emulator.knobs import Knobs
from platforms.emulator.state import State, Token
from platforms.emulator.tiktok_shop_hooks import TiktokShopHooks
from platforms.emulator.tiktok_shop_orders import (
    CODE,
    SEARCH_PARAMS,
    TiktokShopOrders,
    problem,
    refuse,
    success,
)
from platforms.emulator.wire import Refused, html_answer

ACCESS_TTL = 7 * 86_400
REFRESH_TTL = 365 * 86_400
CODE_TTL = 30 * 60
API = "/tiktok_shop/api"

CONSENT = {
    "/tiktok_shop/consent-us/open/authorize": "us",
    "/tiktok_shop/consent-row/open/authorize": "row",
}
TOKEN = {
    "/tiktok_shop/auth/api/v2/token/get": "authorized_code",
    "/tiktok_shop/auth/api/v2/token/refresh": "refresh_token",
}
CALLS = {
    ("GET", f"{API}/authorization/202309/shops"): "tiktok_shop.shops",
    ("POST", f"{API}/order/202309/orders/search"): "tiktok_shop.orders",
    ("GET", f"{API}/order/202507/orders"): "tiktok_shop.order",
    ("GET", f"{API}/event/202309/webhooks"): "tiktok_shop.webhooks",
    ("PUT", f"{API}/event/202309/webhooks"): "tiktok_shop.webhooks",
    ("DELETE", f"{API}/event/202309/webhooks"): "tiktok_shop.webhooks",
}
NEEDS = {
    "tiktok_shop.shops": "seller.authorization.info",
    "tiktok_shop.orders": "seller.order.info",
    "tiktok_shop.order": "seller.order.info",
    "tiktok_shop.webhooks": "seller.authorization.info",
}
OWN_PARAMS = {
    "tiktok_shop.orders": SEARCH_PARAMS,
    "tiktok_shop.order": {"ids"},
}


def signature(secret: str, path: str, args: Iterable[tuple[str, str]], body: bytes) -> str:
    pairs = sorted((k, v) for k, v in args if v and k not in ("sign", "access_token"))
    text = secret + path + "".join(k + v for k, v in pairs)
    message = text.encode() + body + secret.encode()
    return hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()


class TiktokShop:
    code = CODE
    endpoints: ClassVar[dict[str, str]] = {
        "api": API,
        "auth": "/tiktok_shop/auth",
        "consent.us": "/tiktok_shop/consent-us",
        "consent.row": "/tiktok_shop/consent-row",
    }
    real_limits: ClassVar[dict[str, tuple[float, float]]] = {}  # none are published
    scopes: ClassVar[tuple[str, ...]] = SCOPES
    unused_knobs: ClassVar[frozenset[str]] = frozenset({"secret_expired", "empty_page", "drift"})

    def __init__(self, state: State) -> None:
        self.state = state
        self.orders = TiktokShopOrders(state)
        self.hooks = TiktokShopHooks(state)

    def operation(self, request: Request) -> str:
        if request.path in CONSENT:
            return "tiktok_shop.consent"
        if request.path in TOKEN:
            return "tiktok_shop.token"
        return CALLS.get((request.method, request.path), "")

    def account(self, request: Request, operation: str) -> str | None:
        if operation == "tiktok_shop.token":
            value = request.args.get("refresh_token") or request.args.get("auth_code")
        else:
            value = request.headers.get("x-tts-access-token")
        known = self.state.tokens.get(value or "")
        return known.account if known and known.platform == CODE else None

    def failure(self, kind: str, request: Request, retry_after: int | None) -> Response:
        if request.path in CONSENT:
            return html_answer("<h1>Service unavailable</h1>", 503)
        if kind == "block_ip":
            return problem(36009033, "The IP address is not in the app's allow list", 403)
        if kind == "throttle":
            answer = problem(36009002, "Too many requests", 429)
            if retry_after is not None:
                answer.headers["Retry-After"] = str(retry_after)
            return answer
        return problem(36009003, "Internal error", 503)

    def handle(self, request: Request, operation: str, knobs: Knobs) -> Response:
        if operation == "tiktok_shop.consent":
            return self.consent(request, knobs)
        if operation == "tiktok_shop.token":
            if request.method != "GET":
                raise Refused(Response(status=404), "the token calls take GET only")
            return self.token(request, knobs)
        if not operation:
            refuse(36009009, "Invalid path", status=404)
        token, app = self.authenticate(request, operation, knobs)
        account = self._of(token.account)
        if operation == "tiktok_shop.shops":
            if "shop_cipher" in request.args:
                refuse(36009004, "shop_cipher is not required")
            return success({"shops": self.shops(self._shown(account, knobs))})
        shop = self._shop(request, account)
        if operation == "tiktok_shop.webhooks":
            return self.hooks.handle(request, app, shop)
        if operation == "tiktok_shop.orders":
            return self.orders.search(request, account, shop, knobs)
        return self.orders.detail(request, account, shop, knobs)

    def _of(self, key: str) -> TiktokShopAccount:
        account = ACCOUNTS[key]
        assert isinstance(account, TiktokShopAccount)
        return account

    def _shown(self, account: TiktokShopAccount, knobs: Knobs) -> TiktokShopAccount:
        other = ACCOUNTS.get(knobs.wrong_account)
        return other if isinstance(other, TiktokShopAccount) else account

    # --- consent

    def consent(self, request: Request, knobs: Knobs) -> Response:
        portal = CONSENT[request.path]
        app = next(
            (
                each
                for each in APPS.values()
                if each.platform == CODE
                and each.region == portal
                and each.extras["service_id"] == request.args.get("service_id")
            ),
            None,
        )
        if app is None:
            page = pages.plain("TikTok Shop", "App not found.", status=404)
            raise Refused(page, "unknown service_id, or that of the other portal")
        if set(request.args) - {"service_id", "state"}:
            page = pages.plain("TikTok Shop", "Unexpected parameter.", status=400)
            raise Refused(page, "only service_id and state are taken")
        if request.method == "POST":
            return self._decided(request, app, knobs)
        listed = [
            (each.key, each.label)
            for each in of_platform(CODE)
            if isinstance(each, TiktokShopAccount) and each.portal == portal
        ]
        return pages.consent(request, accounts=listed, asks=list(app.scopes), app=app.client_id)

    def _decided(self, request: Request, app: App, knobs: Knobs) -> Response:
        if request.form.get("decision") != "agree":
            return pages.plain("TikTok Shop", pages.word(request, "declined"))
        account = ACCOUNTS.get(request.form.get("account", ""))
        if not isinstance(account, TiktokShopAccount) or account.portal != app.region:
            page = pages.plain("TikTok Shop", "No such account.", status=400)
            raise Refused(page, "no such account in this portal")
        code = self._mint(
            "code",
            f"ROW_EMULATOR{secrets.token_urlsafe(32)}",
            app,
            account.key,
            CODE_TTL if knobs.code_ttl is None else knobs.code_ttl,
        )
        region = account.shops[0][2] if account.shops else ""
        back = {"app_key": app.client_id, "code": code, "locale": "en", "shop_region": region}
        if "state" in request.args:
            back["state"] = request.args["state"]
        return pages.redirect(f"{app.redirect or self.state.redirect_uri(CODE)}?{urlencode(back)}")

    def _mint(self, kind: str, value: str, app: App, account: str, ttl: float) -> str:
        return self.state.mint(
            Token(
                value=value,
                kind=kind,
                platform=CODE,
                client_id=app.client_id,
                account=account,
                scopes=app.scopes,
                expires_at=self.state.now(CODE) + ttl,
            )
        )

    # --- tokens

    def token(self, request: Request, knobs: Knobs) -> Response:
        asked, grant = request.args, TOKEN[request.path]
        app = self.state.app(CODE, asked.get("app_key", ""))
        if app is None:
            refuse(36009004, "Invalid app_key")
        if asked.get("app_secret") != app.client_secret:
            refuse(106001, "app_secret is invalid", "wrong secret")
        if asked.get("grant_type") != grant:
            refuse(36009004, "Invalid grant_type", f"grant_type is not {grant}")
        if grant == "authorized_code":
            code = self.state.find_token(asked.get("auth_code"), CODE, "code")
            if code is None or code.client_id != app.client_id:
                refuse(36004004, "auth_code is invalid", "unknown code, or another app's")
            if code.used or not self.state.is_live(code):
                refuse(36004004, "auth_code is invalid", "the code was used or is too old")
            code.used = True
            return self._granted(app, self._of(code.account), None, knobs)
        token = self.state.find_token(asked.get("refresh_token"), CODE, "refresh")
        if token is None or token.client_id != app.client_id or token.used or token.revoked:
            refuse(36004005, "no related auth record", "revoked, used up, unknown or another's")
        if not self.state.is_live(token):
            refuse(36004001, "rt has expired")
        return self._granted(app, self._of(token.account), token, knobs)

    def _granted(
        self, app: App, account: TiktokShopAccount, old: Token | None, knobs: Knobs
    ) -> Response:
        refresh = old
        if old is None or knobs.rotate == "strict":
            if old is not None:
                old.used = True
            ttl = REFRESH_TTL if knobs.refresh_ttl is None else knobs.refresh_ttl
            value = f"emu{secrets.token_hex(28)}"
            refresh = self.state.tokens[self._mint("refresh", value, app, account.key, ttl)]
        assert refresh is not None
        ttl = ACCESS_TTL if knobs.access_ttl is None else knobs.access_ttl
        value = f"ROW_EMULATOR{secrets.token_urlsafe(48)}"
        access = self.state.tokens[self._mint("access", value, app, account.key, ttl)]
        shown = self._shown(account, knobs)
        data: dict[str, Any] = {
            "access_token": access.value,
            "access_token_expire_in": int(access.expires_at or 0),
            "refresh_token": refresh.value,
            "refresh_token_expire_in": int(refresh.expires_at or 0),
            "open_id": shown.open_id,
            "seller_name": shown.name,
            "seller_base_region": shown.shops[0][2] if shown.shops else "",
            "user_type": shown.user_type,
            "granted_scopes": [s for s in app.scopes if s not in knobs.drop_scopes],
        }
        if knobs.omit_refresh and old is not None:
            del data["refresh_token"], data["refresh_token_expire_in"]
        return success(data)

    # --- signed calls

    def authenticate(self, request: Request, operation: str, knobs: Knobs) -> tuple[Token, App]:
        args = request.args
        if len(args) != len(list(args.items(multi=True))):
            refuse(36009004, "A parameter is given twice")
        unknown = set(args) - {"app_key", "timestamp", "sign", "shop_cipher"}
        if unknown - OWN_PARAMS.get(operation, set()):
            refuse(36009004, f"Unknown parameter {sorted(unknown)[0]}")
        app = self.state.app(CODE, args.get("app_key", ""))
        if app is None:
            refuse(36009004, "Invalid app_key")
        self._check_time(args.get("timestamp", ""))
        wanted = signature(
            app.client_secret, request.path[len(API) :], args.items(), request.get_data()
        )
        if not hmac.compare_digest(args.get("sign", "").encode(), wanted.encode()):
            refuse(106001, "sign is invalid", "the signature is wrong")
        token = self.state.find_token(request.headers.get("x-tts-access-token"), CODE, "access")
        if token is None or not self.state.is_live(token):
            refuse(105002, "access_token is expired", "unknown, expired or revoked", 401)
        if token.client_id != app.client_id:
            refuse(101000, "token does not match the app", "another application's token")
        if NEEDS[operation] not in set(token.scopes) - set(knobs.drop_scopes):
            refuse(105005, "Access denied: the scope is not granted", "a scope is missing", 401)
        if knobs.suspended:
            refuse(36009043, "The shop is inactive", "suspended by a knob")
        return token, app

    def _check_time(self, stated: str) -> None:
        if not stated.isdecimal():
            refuse(36009004, "Invalid timestamp")
        ahead = int(stated) - self.state.now(CODE)
        if ahead < -300:
            refuse(36009004, "Invalid timestamp: earlier than 5 minutes")
        if ahead > 30:
            refuse(36009004, "Invalid timestamp: more than 30 seconds in the future")

    def cipher(self, shop: str) -> str:
        """The key of a shop; `keep()["ciphers"]` counts how often it was replaced."""
        turn = self.state.kept.get(CODE, {}).get("ciphers", {}).get(shop, 0)
        return "ROW_EMU" + hashlib.sha256(f"{shop}/{turn}".encode()).hexdigest()[:28]

    def renew_ciphers(self, account: str) -> None:
        """What TikTok Shop does now and then: the keys given out before stop working."""
        turns = self.state.keep(CODE).setdefault("ciphers", {})
        for shop, _name, _region in self._of(account).shops:
            turns[shop] = turns.get(shop, 0) + 1

    def shops(self, account: TiktokShopAccount) -> list[dict[str, str]]:
        return [
            {
                "id": shop,
                "name": name,
                "region": region,
                "seller_type": "CROSS_BORDER" if len(account.shops) > 1 else "LOCAL",
                "cipher": self.cipher(shop),
                "code": f"EMU{shop[-6:]}",
            }
            for shop, name, region in account.shops
        ]

    def _shop(self, request: Request, account: TiktokShopAccount) -> str:
        cipher = request.args.get("shop_cipher")
        if not cipher:
            refuse(106013, "shop_cipher is missing")
        for shop, _name, _region in account.shops:
            if self.cipher(shop) == cipher:
                return shop
        refuse(101000, "token and shop_cipher do not match", "unknown or replaced cipher")

    # --- pushes

    def orders_changed(self, account: str, records: list[Record]) -> None:
        self.hooks.orders_changed(self._of(account), records)

    def access_ended(self, account: str) -> None:
        self.push(account, "SELLER_DEAUTHORIZATION")

    def push(self, account: str, topic: str) -> bool:
        return self.hooks.push(self._of(account), topic)


PLATFORM = TiktokShop
