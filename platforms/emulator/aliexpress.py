"""AliExpress: consent page, gateway, who am I. Facts: fact sheet aliexpress §1, §2, §5, §6.

What is wrong is said with HTTP 200, in the form of `/rest` or of `/sync`.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import Any, ClassVar
from urllib.parse import urlencode

from werkzeug.wrappers import Request, Response

from platforms.emulator import pages
from platforms.emulator.accounts import ACCOUNTS, App, of_platform
from platforms.emulator.aliexpress_orders import (
    LISTS,
    AliExpressOrders,
    error_response,
    wrapped,
)
from platforms.emulator.book import Record
from platforms.emulator.cast.aliexpress import SCOPES, AliExpressAccount
from platforms.emulator.knobs import Knobs
from platforms.emulator.state import State, Token
from platforms.emulator.wire import Refused, html_answer, json_answer

ACCESS_TTL = 30 * 86_400
REFRESH_TTL = 60 * 86_400
CODE_TTL = 300
CLOCK_MS = 600_000
FORM = "application/x-www-form-urlencoded"
CONSENT = "/aliexpress/oauth/authorize"
CREATE = "/aliexpress/rest/auth/token/create"
REFRESH = "/aliexpress/rest/auth/token/refresh"
SYNC = "/aliexpress/sync"
PATHS = {CONSENT: "aliexpress.consent", CREATE: "aliexpress.token", REFRESH: "aliexpress.token"}
DETAILS = ("aliexpress.solution.order.info.get", "aliexpress.trade.new.redefining.findorderbyid")
PROFILE = "aliexpress.solution.merchant.profile.get"
METHODS = (
    {PROFILE: "aliexpress.identity"}
    | dict.fromkeys(LISTS, "aliexpress.orders")
    | dict.fromkeys(DETAILS, "aliexpress.order")
)


def rest_refused(code: str, message: str, note: str, kind: str = "ISV") -> Refused:
    """The error form of `/rest`."""
    body = {"code": code, "type": kind, "message": message, "request_id": "emu2141244f17"}
    return Refused(json_answer(body), note)


def signature(secret: str, path: str, params: dict[str, str]) -> str:
    text = path + "".join(f"{k}{params[k]}" for k in sorted(params) if k != "sign")
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest().upper()


class AliExpress:
    code = "aliexpress"
    endpoints: ClassVar[dict[str, str]] = {
        "api": "/aliexpress",
        "auth": "/aliexpress",
        "consent": "/aliexpress",
    }
    real_limits: ClassVar[dict[str, tuple[float, float]]] = {}
    scopes: ClassVar[tuple[str, ...]] = SCOPES
    unused_knobs: ClassVar[frozenset[str]] = frozenset({"secret_expired", "empty_page"})

    def __init__(self, state: State) -> None:
        self.state = state
        self.orders = AliExpressOrders(state)

    def operation(self, request: Request) -> str:
        if request.path == SYNC:
            return METHODS.get(request.form.get("method", ""), "aliexpress.unknown")
        return PATHS.get(request.path, "")

    def account(self, request: Request, operation: str) -> str | None:
        form = request.form
        value = form.get("session") or form.get("access_token")
        if operation == "aliexpress.token":
            value = form.get("refresh_token") or form.get("code")
        known = self.state.tokens.get(value or "")
        return known.account or None if known and known.platform == "aliexpress" else None

    def failure(self, kind: str, request: Request, retry_after: int | None) -> Response:
        if kind == "down":
            return html_answer("<html><body><h1>503 Service Unavailable</h1></body></html>", 503)
        if kind == "throttle":
            code, blame = "ApiCallLimit", "ISP"
            seconds = 1 if retry_after is None else retry_after
            text = "Api access frequency exceeds the limit. "
            text += f"this ban will last {seconds} seconds"
        else:
            code, blame = "AppWhiteIpLimit", "ISV"
            text = "The IP of the request is not in the white list of the app"
        if request.path == SYNC:
            return error_response(code, text, code, type=blame).response
        return rest_refused(code, text, code, blame).response

    def handle(self, request: Request, operation: str, knobs: Knobs) -> Response:
        if operation == "aliexpress.consent":
            return self.consent(request, knobs)
        if not operation:
            raise rest_refused("InvalidApiPath", "The API path is invalid", "there is no such path")
        if request.method != "POST" or request.mimetype != FORM:
            raise Refused(Response(status=405), f"only POST with {FORM}")
        path = request.path.removeprefix("/aliexpress/rest") if request.path != SYNC else ""
        app = self._verified(request, path)
        if request.path == CREATE:
            return self._create(request, app, knobs)
        if request.path == REFRESH:
            return self._refresh(request, app, knobs)
        return self._sync(request, app, operation, knobs)

    def _verified(self, request: Request, path: str) -> App:
        """The application, after everything that the gateway looks at first."""
        form = request.form.to_dict()

        def refuse(code: str, message: str, note: str) -> Refused:
            make = rest_refused if path else error_response
            return make(code, message, note)

        for name in ("app_key", "timestamp", "sign_method", "sign"):
            if not form.get(name):
                raise refuse("MissingParameter", f"The parameter {name} is required", name)
        if form["sign_method"] != "sha256":
            raise refuse("InvalidParameter", "sign_method is not supported", "not sha256")
        now_ms = self.state.now_ms("aliexpress")
        if len(form["timestamp"]) != 13 or abs(int(form["timestamp"]) - now_ms) > CLOCK_MS:
            raise refuse("IllegalTimestamp", "The timestamp is invalid or expired", "clock")
        app = self.state.app("aliexpress", form["app_key"])
        if app is None:
            raise refuse("InvalidAppKey", "The specified App Key is invalid", "unknown app_key")
        if signature(app.client_secret, path, form) != form["sign"]:
            text = "The request signature does not conform to platform standards"
            raise refuse("IncompleteSignature", text, "the signature is wrong")
        return app

    # --- consent page

    def consent(self, request: Request, knobs: Knobs) -> Response:
        asked = request.args
        app = self.state.app("aliexpress", asked.get("client_id", ""))
        if app is None:
            raise self._page_error("unknown client_id")
        if asked.get("redirect_uri") != self.state.redirect_uri("aliexpress"):
            raise self._page_error("redirect_uri is not the registered callback URL")
        if asked.get("response_type") != "code":
            raise self._page_error("response_type is not code")
        if request.method == "POST":
            return self._decided(request, app, knobs)
        return pages.consent(
            request,
            accounts=[(a.key, a.label) for a in of_platform("aliexpress")],
            asks=["seller account"],  # the real page lists no permissions either
            app=app.client_id,
        )

    def _page_error(self, note: str) -> Refused:
        return Refused(pages.plain("AliExpress", f"Error: {note}", status=400), note)

    def _decided(self, request: Request, app: App, knobs: Knobs) -> Response:
        callback = self.state.redirect_uri("aliexpress")
        given = {"state": request.args["state"]} if "state" in request.args else {}
        if request.form.get("decision") != "agree":
            return pages.redirect(f"{callback}?{urlencode({'error': 'access_denied', **given})}")
        account = ACCOUNTS.get(request.form.get("account", ""))
        if not isinstance(account, AliExpressAccount):
            raise self._page_error("no such account")
        code = self._mint("code", f"3_{app.client_id}_", app, account.key, CODE_TTL, knobs.code_ttl)
        return pages.redirect(f"{callback}?{urlencode({'code': code.value, **given})}")

    def _mint(
        self, kind: str, prefix: str, app: App, account: str, usual: int, ttl: int | None
    ) -> Token:
        lasts = usual if ttl is None else ttl
        token = Token(
            value=f"{prefix}EMU{secrets.token_urlsafe(24)}",
            kind=kind,
            platform="aliexpress",
            client_id=app.client_id,
            account=account,
            scopes=app.scopes,
            expires_at=self.state.now("aliexpress") + lasts,
        )
        self.state.mint(token)
        return token

    # --- token endpoints

    def _create(self, request: Request, app: App, knobs: Knobs) -> Response:
        value = request.form.get("code")
        if not value:
            raise rest_refused("MissingParameter", "The parameter code is required", "no code")
        code = self.state.find_token(value, "aliexpress", "code")
        usable = code and code.client_id == app.client_id and not code.used
        if code is None or not usable or not self.state.is_live(code):
            raise rest_refused("InvalidCode", "Invalid authorization code", "code used or too old")
        code.used = True
        refresh = self._mint("refresh", "50001", app, code.account, REFRESH_TTL, knobs.refresh_ttl)
        return json_answer(self._granted(app, refresh, knobs))

    def _refresh(self, request: Request, app: App, knobs: Knobs) -> Response:
        token = self.state.find_token(request.form.get("refresh_token"), "aliexpress", "refresh")
        usable = token and token.client_id == app.client_id and not token.used
        if token is None or not usable or not self.state.is_live(token):
            text = "The specified refresh token is invalid or expired"
            raise rest_refused("IllegalRefreshToken", text, "unknown, used, revoked or over")
        following = token
        if knobs.rotate == "strict":
            token.used = True
            following = self._mint("refresh", "50001", app, token.account, 0, None)
            following.expires_at = token.expires_at  # a refresh never makes it live longer
        body = self._granted(app, following, knobs)
        if knobs.omit_refresh:
            body.pop("refresh_token")
        return json_answer(body)

    def _granted(self, app: App, refresh: Token, knobs: Knobs) -> dict[str, Any]:
        access = self._mint("access", "50000", app, refresh.account, ACCESS_TTL, knobs.access_ttl)
        shown = ACCOUNTS.get(knobs.wrong_account) or ACCOUNTS[refresh.account]
        assert isinstance(shown, AliExpressAccount)
        now = self.state.now("aliexpress")
        assert access.expires_at is not None and refresh.expires_at is not None  # noqa: PT018
        return {
            "access_token": access.value,
            "refresh_token": refresh.value,
            "expires_in": int(access.expires_at - now),
            "expire_time": int(access.expires_at * 1000),
            "refresh_expires_in": max(0, int(refresh.expires_at - now)),
            "refresh_token_valid_time": int(refresh.expires_at * 1000),
            "account_platform": "buyerApp" if shown.buyer else "seller_center",
            "account": shown.login_id,
            "account_id": None,
            "seller_id": shown.seller_id,
            "user_id": shown.seller_id,
            "user_nick": shown.login_id,
            "havana_id": "17300000000",
            "sp": "ae",
            "locale": "zh_CN",
            "code": "0",
            "request_id": "emu2141244f17",
        }

    # --- calls

    def _sync(self, request: Request, app: App, operation: str, knobs: Knobs) -> Response:
        method = request.form.get("method", "")
        if method not in METHODS:
            raise error_response("InvalidApi", "The API does not exist", "no such method")
        value = request.form.get("session") or request.form.get("access_token")
        token = self.state.find_token(value, "aliexpress", "access")
        if token is None or token.client_id != app.client_id or not self.state.is_live(token):
            text = "The specified access token is invalid or expired"
            raise error_response("IllegalAccessToken", text, "unknown, expired or revoked")
        account = ACCOUNTS[token.account]
        assert isinstance(account, AliExpressAccount)
        if knobs.suspended:
            text = "The seller account is closed"
            raise error_response("15", text, "suspended", sub_code="isv.account-closed")
        if operation == "aliexpress.identity":
            return wrapped(method, self._profile(account), simplify=False)
        if account.buyer or "orders" not in set(token.scopes) - set(knobs.drop_scopes):
            text = "App does not have permission to access this api"
            raise error_response("InsufficientPermission", text, "no order API group")
        if operation == "aliexpress.orders":
            return self.orders.search(request, method, account, knobs)
        return self.orders.get(request, method, account)

    def _profile(self, account: AliExpressAccount) -> dict[str, Any]:
        return {
            "country_code": "CN",
            "product_posting_forbidden": False,
            "merchant_login_id": account.login_id,
            "shop_id": account.shop_id,
            "shop_name": account.shop_name,
            "shop_type": "official",
            "shop_url": f"//www.aliexpress.com/store/{account.shop_id}",
        }

    def orders_changed(self, account: str, records: list[Record]) -> None:
        pass

    def access_ended(self, account: str) -> None:
        pass

    def push(self, account: str, topic: str) -> bool:
        return False


PLATFORM = AliExpress
