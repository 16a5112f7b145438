"""Shopify: consent page, token endpoint, the door to GraphQL. Facts: fact sheet shopify §1, §6."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from typing import Any, ClassVar
from urllib.parse import quote, urlencode

from werkzeug.wrappers import Request, Response

from platforms.emulator import pages
from platforms.emulator.accounts import ACCOUNTS, App, of_platform
from platforms.emulator.book import Record
from platforms.emulator.cast.shopify import SCOPES, ShopifyAccount
from platforms.emulator.knobs import Knobs
from platforms.emulator.shopify_hooks import ShopifyHooks
from platforms.emulator.shopify_orders import BUCKET, RATE, ShopifyOrders, problem
from platforms.emulator.state import State, Token
from platforms.emulator.wire import Refused, html_answer, json_answer

ACCESS_TTL = 3_600
MINTED_TTL = 86_399
REFRESH_TTL = 7_776_000
CODE_TTL = 60
VERSIONS = r"(2025-10|2026-0[147]|2026-10)"
SHOP = r"/shopify/([a-z0-9][a-z0-9-]{0,59}\.myshopify\.com)"
PATHS = (
    (re.compile(SHOP + r"/admin/oauth/authorize"), "shopify.consent"),
    (re.compile(SHOP + r"/admin/oauth/access_token"), "shopify.token"),
    (re.compile(SHOP + rf"/admin/api/{VERSIONS}/graphql\.json"), "shopify.graphql"),
)
BAD_TOKEN = "[API] Invalid API key or access token (unrecognized login or wrong password)"
DESCRIPTIONS = {
    "invalid_client": "Client authentication failed",
    "invalid_request": "The authorization code was not found or was already used",
    "invalid_grant": "The refresh token is invalid or expired.",
    "unsupported_grant_type": "The grant type is not supported.",
}


def oauth_refused(error: str, note: str) -> Refused:
    body = {"error": error, "error_description": DESCRIPTIONS[error]}
    return Refused(json_answer(body, 400), note)


class Shopify:
    code = "shopify"
    # Every shop has a host of its own.
    endpoints: ClassVar[dict[str, str]] = dict.fromkeys(
        ("api", "auth", "consent"), "/shopify/{shop_domain}"
    )
    real_limits: ClassVar[dict[str, tuple[float, float]]] = {}  # it counts points, see _spend
    scopes: ClassVar[tuple[str, ...]] = SCOPES
    unused_knobs: ClassVar[frozenset[str]] = frozenset({"secret_expired", "empty_page"})

    def __init__(self, state: State) -> None:
        self.state = state
        self.hooks = ShopifyHooks(state)
        self.orders = ShopifyOrders(state, self.hooks)

    def operation(self, request: Request) -> str:
        found = (name for path, name in PATHS if path.fullmatch(request.path))
        return next(found, "")

    def account(self, request: Request, operation: str) -> str | None:
        shop = self._shop(request)
        return shop.key if shop else None

    def _shop(self, request: Request) -> ShopifyAccount | None:
        host = (*request.path.split("/"), "", "")[2]
        for each in of_platform("shopify"):
            if isinstance(each, ShopifyAccount) and each.domain == host:
                return each
        return None

    def failure(self, kind: str, request: Request, retry_after: int | None) -> Response:
        if kind == "block_ip":
            return json_answer({"errors": "Security Rejection"}, 430)
        if kind == "throttle" and self.operation(request) == "shopify.graphql":
            wait = 1 if retry_after is None else retry_after
            left = BUCKET - wait * RATE
            status = {"maximumAvailable": BUCKET, "restoreRate": RATE, "currentlyAvailable": left}
            cost = {
                "requestedQueryCost": BUCKET,
                "actualQueryCost": None,
                "throttleStatus": status,
            }
            return problem("Throttled", "THROTTLED", cost=cost)
        if kind == "throttle":
            answer = json_answer({"errors": "Exceeded rate limit. Reduce request rates."}, 429)
            answer.headers["Retry-After"] = str(2 if retry_after is None else retry_after)
            return answer
        return html_answer("<html><body>Something went wrong</body></html>", 503)

    def handle(self, request: Request, operation: str, knobs: Knobs) -> Response:
        shop = self._shop(request)
        if shop is None or not operation:
            raise Refused(json_answer({"errors": "Not Found"}, 404), "no such shop or call")
        if operation == "shopify.consent":
            return self.consent(request, shop, knobs)
        if request.method != "POST":
            raise Refused(json_answer({"errors": "Not Found"}, 404), "POST only")
        if shop.frozen or knobs.suspended:
            raise Refused(json_answer({"errors": "Unavailable Shop"}, 402), "the shop is frozen")
        if operation == "shopify.token":
            return self.token(request, shop, knobs)
        token = self.authenticate(request, shop)
        return self.orders.ask(request, token, shop, knobs)

    # --- consent page

    def consent(self, request: Request, shop: ShopifyAccount, knobs: Knobs) -> Response:
        asked = request.args
        app = self.state.app("shopify", asked.get("client_id", ""))
        if app is None or not app.public:
            raise self._page_error("application_cannot_be_found", "unknown client_id")
        redirect = app.redirect or self.state.redirect_uri("shopify")
        if asked.get("redirect_uri") != redirect:
            raise self._page_error("invalid_request", "redirect_uri is not whitelisted")
        scopes = tuple(filter(None, (asked.get("scope") or "").split(",")))
        if not set(scopes) <= set(app.scopes):
            raise self._page_error("invalid_scope", "a scope the app does not have")
        if request.method != "POST":
            return pages.consent(
                request, accounts=[(shop.key, shop.label)], asks=list(scopes), app=app.key
            )
        if request.form.get("decision") != "agree":
            # Whoever does not install stays in the Shopify admin.
            return pages.plain("Not installed", pages.word(request, "declined"))
        if request.form.get("account") != shop.key:
            raise self._page_error("invalid_request", "signed in at another shop")
        return pages.redirect(f"{redirect}?{self._callback(request, shop, app, scopes, knobs)}")

    def _page_error(self, error: str, note: str) -> Refused:
        return Refused(html_answer(f"Oauth error {error}: {note}", 400), note)

    def _callback(
        self,
        request: Request,
        shop: ShopifyAccount,
        app: App,
        scopes: tuple[str, ...],
        knobs: Knobs,
    ) -> str:
        """The signed query that goes back to the app."""
        now = self.state.now("shopify")
        code = self.state.mint(
            Token(
                value=secrets.token_hex(16),
                kind="code",
                platform="shopify",
                client_id=app.client_id,
                account=shop.key,
                scopes=scopes,
                expires_at=now + (CODE_TTL if knobs.code_ttl is None else knobs.code_ttl),
            )
        )
        host = base64.b64encode(f"admin.shopify.com/store/{shop.handle}".encode()).decode()
        back = {
            "code": code,
            "host": host.rstrip("="),
            "shop": shop.domain,
            "state": request.args.get("state", ""),
            "timestamp": str(int(now)),
        }
        text = "&".join(f"{name}={quote(back[name], safe='')}" for name in sorted(back))
        digest = hmac.new(app.client_secret.encode(), text.encode(), hashlib.sha256)
        return urlencode(back | {"hmac": digest.hexdigest()})

    # --- token endpoint

    def token(self, request: Request, shop: ShopifyAccount, knobs: Knobs) -> Response:
        form = self._form(request)
        app = self.state.app("shopify", form.get("client_id", ""))
        if app is None or app.client_secret != form.get("client_secret"):
            raise oauth_refused("invalid_client", "unknown client id or wrong secret")
        grant = form.get("grant_type", "")
        if grant == "client_credentials":
            return self._minted(app, shop, knobs)
        if grant == "refresh_token":
            return self._refresh(app, shop, form.get("refresh_token", ""), knobs)
        if grant not in ("", "authorization_code"):
            raise oauth_refused("unsupported_grant_type", "unknown grant_type")
        return self._exchange(app, shop, form, knobs)

    def _form(self, request: Request) -> dict[str, str]:
        if request.mimetype != "application/json":
            return request.form.to_dict()
        body = request.get_json(silent=True)
        return {k: str(v) for k, v in body.items()} if isinstance(body, dict) else {}

    def _minted(self, app: App, shop: ShopifyAccount, knobs: Knobs) -> Response:
        if app.public or app.key != shop.own_app:
            text = "Client credentials cannot be performed on this shop."
            raise Refused(
                Response(f"Oauth error shop_not_permitted: {text}", 400),
                "app and shop are in different organisations",
            )
        if shop.key in self.state.deactivated:
            raise oauth_refused("invalid_client", "the app is not installed")
        return json_answer(self._access(app, shop, app.scopes, knobs, ttl=MINTED_TTL))

    def _exchange(
        self, app: App, shop: ShopifyAccount, form: dict[str, str], knobs: Knobs
    ) -> Response:
        code = self.state.find_token(form.get("code"), "shopify", "code")
        if code is None or (code.client_id, code.account) != (app.client_id, shop.key):
            raise oauth_refused("invalid_request", "unknown code, or another app's or shop's")
        if code.used or not self.state.is_live(code):
            raise oauth_refused("invalid_request", "the code was used before or is too old")
        code.used = True
        self.state.deactivated.discard(shop.key)
        if form.get("expiring") not in ("1", "true"):
            access = self._access(app, shop, code.scopes, knobs, ttl=None)
            access.pop("expires_in")
            return json_answer(access)
        body = self._access(app, shop, code.scopes, knobs, ttl=ACCESS_TTL)
        return json_answer(body | self._new_refresh(app, shop, code.scopes, knobs))

    def _refresh(self, app: App, shop: ShopifyAccount, value: str, knobs: Knobs) -> Response:
        token = self.state.find_token(value, "shopify", "refresh")
        if token is None or (token.client_id, token.account) != (app.client_id, shop.key):
            raise oauth_refused("invalid_grant", "unknown refresh token")
        if not self.state.is_live(token):
            raise oauth_refused("invalid_grant", "the refresh token was revoked or is over")
        if token.used and knobs.rotate == "strict":
            raise oauth_refused("invalid_grant", "the refresh token was used before")
        token.used = True
        # The token before this one could be repeated until now.
        older = self.state.keep("shopify").setdefault("older", {})
        if before := self.state.find_token(older.pop(value, ""), "shopify", "refresh"):
            before.revoked = True
        body = self._access(app, shop, token.scopes, knobs, ttl=ACCESS_TTL)
        pair = self._new_refresh(app, shop, token.scopes, knobs)
        older[pair["refresh_token"]] = value
        if knobs.omit_refresh:
            pair.pop("refresh_token")
        return json_answer(body | pair)

    def _new_refresh(
        self, app: App, shop: ShopifyAccount, scopes: tuple[str, ...], knobs: Knobs
    ) -> dict[str, Any]:
        ttl = REFRESH_TTL if knobs.refresh_ttl is None else knobs.refresh_ttl
        value = self.state.mint(
            Token(
                value=f"shprt_{secrets.token_hex(16)}",
                kind="refresh",
                platform="shopify",
                client_id=app.client_id,
                account=shop.key,
                scopes=scopes,
                expires_at=self.state.now("shopify") + ttl,
            )
        )
        return {"refresh_token": value, "refresh_token_expires_in": ttl}

    def _access(
        self,
        app: App,
        shop: ShopifyAccount,
        scopes: tuple[str, ...],
        knobs: Knobs,
        *,
        ttl: int | None,
    ) -> dict[str, Any]:
        ttl = ttl if knobs.access_ttl is None or ttl is None else knobs.access_ttl
        value = self.state.mint(
            Token(
                value=f"shpat_{secrets.token_hex(16)}",
                kind="access",
                platform="shopify",
                client_id=app.client_id,
                account=shop.key,
                scopes=scopes,
                expires_at=None if ttl is None else self.state.now("shopify") + ttl,
            )
        )
        shown = sorted(set(scopes) - set(knobs.drop_scopes))
        return {"access_token": value, "scope": ",".join(shown), "expires_in": ttl}

    # --- calls

    def authenticate(self, request: Request, shop: ShopifyAccount) -> Token:
        value = request.headers.get("X-Shopify-Access-Token")
        token = self.state.find_token(value, "shopify", "access")
        if token is None or token.account != shop.key or not self.state.is_live(token):
            answer = json_answer({"errors": BAD_TOKEN}, 401)
            raise Refused(answer, "the access token is unknown, expired or revoked")
        app = self.state.app("shopify", token.client_id)
        if app is not None and app.public and token.expires_at is None:
            text = "[API] Non-expiring access tokens are no longer accepted for the Admin API."
            raise Refused(json_answer({"errors": text}, 403), "a permanent token of a public app")
        if request.mimetype != "application/json":
            answer = json_answer({"errors": {"query": "Required parameter missing"}}, 400)
            raise Refused(answer, "Content-Type is not application/json")
        return token

    # --- pushes

    def orders_changed(self, account: str, records: list[Record]) -> None:
        self.hooks.orders_changed(_shop_of(account), records)

    def access_ended(self, account: str) -> None:
        self.hooks.access_ended(_shop_of(account))

    def push(self, account: str, topic: str) -> bool:
        return self.hooks.push(_shop_of(account), topic)


def _shop_of(account: str) -> ShopifyAccount:
    shop = ACCOUNTS[account]
    assert isinstance(shop, ShopifyAccount)
    return shop


PLATFORM = Shopify
