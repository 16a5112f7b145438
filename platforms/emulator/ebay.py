"""eBay: consent page, token endpoint, who am I. Facts: fact sheet ebay §1, §5, §6."""

from __future__ import annotations

import base64
import binascii
import secrets
from typing import Any, ClassVar
from urllib.parse import urlencode

from werkzeug.wrappers import Request, Response

from platforms.emulator import pages
from platforms.emulator.accounts import ACCOUNTS, App, of_platform
from platforms.emulator.book import Record
from platforms.emulator.cast.ebay import EBAY_SCOPE, EBAY_SCOPES, EbayAccount
from platforms.emulator.ebay_notices import PREFIX as NOTICES
from platforms.emulator.ebay_notices import EbayNotices
from platforms.emulator.ebay_orders import EbayOrders, problem
from platforms.emulator.knobs import Knobs
from platforms.emulator.state import State, Token
from platforms.emulator.wire import Refused, html_answer, json_answer

ACCESS_TTL = 7_200
REFRESH_TTL = 47_304_000
CODE_TTL = 299
FORM = "application/x-www-form-urlencoded"

PATHS = {
    "/ebay/consent/oauth2/authorize": "ebay.consent",
    "/ebay/api/identity/v1/oauth2/token": "ebay.token",
    "/ebay/apiz/commerce/identity/v1/user/": "ebay.identity",
    "/ebay/apiz/commerce/identity/v1/user": "ebay.identity",
    "/ebay/api/sell/fulfillment/v1/order": "ebay.orders",
}
ORDER_PREFIX = "/ebay/api/sell/fulfillment/v1/order/"
NEEDS = {
    "ebay.identity": (f"{EBAY_SCOPE}/commerce.identity.readonly",),
    "ebay.orders": (f"{EBAY_SCOPE}/sell.fulfillment.readonly", f"{EBAY_SCOPE}/sell.fulfillment"),
    "ebay.order": (f"{EBAY_SCOPE}/sell.fulfillment.readonly", f"{EBAY_SCOPE}/sell.fulfillment"),
}
TITLES = {
    "invalid_client": (401, "client authentication failed"),
    "invalid_request": (400, "request is missing a required parameter or malformed."),
    "unsupported_grant_type": (400, "grant type in request is not supported by the "
                                    "authorization server"),
    "invalid_scope": (400, "The requested scope is invalid, unknown, malformed, or exceeds the "
                           "scope granted to the client"),
    "code": (400, "the provided authorization grant code is invalid or was issued to another "
                  "client"),
    "refresh": (400, "the provided authorization refresh token is invalid or was issued to "
                     "another client"),
}  # fmt: skip


def oauth_refused(code: str, note: str) -> Refused:
    """The token endpoint's error form."""
    status, text = TITLES[code]
    error = "invalid_grant" if code in ("code", "refresh") else code
    return Refused(json_answer({"error": error, "error_description": text}, status), note)


class Ebay:
    code = "ebay"
    endpoints: ClassVar[dict[str, str]] = {
        "api": "/ebay/api",
        "apiz": "/ebay/apiz",
        "auth": "/ebay/api",
        "consent": "/ebay/consent",
    }
    real_limits: ClassVar[dict[str, tuple[float, float]]] = {}
    scopes: ClassVar[tuple[str, ...]] = EBAY_SCOPES
    unused_knobs: ClassVar[frozenset[str]] = frozenset({"secret_expired", "empty_page"})

    def __init__(self, state: State) -> None:
        self.state = state
        self.orders = EbayOrders(state)
        self.notices = EbayNotices(state)

    def operation(self, request: Request) -> str:
        if request.path.startswith(f"{NOTICES}/"):
            return "ebay.notification"
        if request.path.startswith(ORDER_PREFIX) and request.path.count("/") == 7:
            return "ebay.order"
        return PATHS.get(request.path, "")

    def account(self, request: Request, operation: str) -> str | None:
        if operation == "ebay.token":
            known = self.state.tokens.get(
                request.form.get("refresh_token") or request.form.get("code") or ""
            )
        else:
            known = self.state.tokens.get(request.headers.get("Authorization", "")[7:])
        return known.account or None if known and known.platform == "ebay" else None

    def failure(self, kind: str, request: Request, retry_after: int | None) -> Response:
        if kind == "block_ip":
            # eBay keeps no address lists; this is what its edge says to a blocked network.
            return html_answer("<html><body><h1>Access Denied</h1></body></html>", 403)
        if kind == "throttle":
            text = "The request limit has been reached for the resource."
            answer = problem(429, 2001, "Too many requests.", text, domain="ACCESS")
            if retry_after is not None:
                answer.headers["Retry-After"] = str(retry_after)
            return answer
        if request.path.startswith("/ebay/consent"):
            return json_answer(
                {"error_id": "temporarily_unavailable", "http_status_code": 503}, 503
            )
        return problem(503, 30500, "System error", domain="API_FULFILLMENT", category="APPLICATION")

    def handle(self, request: Request, operation: str, knobs: Knobs) -> Response:
        if operation == "ebay.consent":
            return self.consent(request, knobs)
        if operation == "ebay.token":
            if request.method != "POST":
                raise Refused(Response(status=405), "the token endpoint takes POST only")
            return self.token(request, knobs)
        if operation == "ebay.notification":
            token = self.bearer(request)
            return self.notices.handle(request, token, set(token.scopes) - set(knobs.drop_scopes))
        if not operation or request.method != "GET":
            raise Refused(Response(status=404), "there is no such call")
        token = self.authenticate(request, operation, knobs)
        account = ACCOUNTS[token.account]
        assert isinstance(account, EbayAccount)
        if operation == "ebay.identity":
            return json_answer(self.identity(account, knobs))
        if operation == "ebay.orders":
            return self.orders.search(request, account, knobs)
        return self.orders.get(request, account, request.path[len(ORDER_PREFIX) :], knobs)

    # --- consent page

    def consent(self, request: Request, knobs: Knobs) -> Response:
        asked = request.args
        app = self.state.app("ebay", asked.get("client_id", ""))
        if app is None:
            raise self._page_error("unauthorized_client", "unknown client_id")
        if asked.get("redirect_uri") != app.redirect:
            raise self._page_error("invalid_request", "redirect_uri is not this app's RuName")
        if asked.get("response_type") != "code":
            raise self._page_error("invalid_request", "response_type is not code")
        scopes = tuple((asked.get("scope") or "").split())
        if not scopes or not set(scopes) <= set(app.scopes):
            raise self._page_error("invalid_scope", "a scope the keyset is not granted")
        if request.method == "POST":
            return self._decided(request, app, scopes, knobs)
        return pages.consent(
            request,
            accounts=[(a.key, a.label) for a in of_platform("ebay")],
            asks=[s.removeprefix(EBAY_SCOPE).strip("/") or "api_scope" for s in scopes],
            app=app.client_id.split("-PRD-")[0],
        )

    def _page_error(self, error: str, note: str) -> Refused:
        return Refused(json_answer({"error_id": error, "http_status_code": 400}, 400), note)

    def _decided(
        self, request: Request, app: App, scopes: tuple[str, ...], knobs: Knobs
    ) -> Response:
        if request.form.get("decision") != "agree":
            # Undocumented parameters are left out: nobody should build on them.
            return pages.redirect(f"{self.state.callback_base}/link/declined/ebay/")
        account = ACCOUNTS.get(request.form.get("account", ""))
        if not isinstance(account, EbayAccount):
            raise self._page_error("invalid_request", "no such account")
        ttl = CODE_TTL if knobs.code_ttl is None else knobs.code_ttl
        code = self.state.mint(
            Token(
                value=f"v^1.1#i^1#p^3#I^3#f^0#r^1#t^EMULATOR{secrets.token_urlsafe(24)}==",
                kind="code",
                platform="ebay",
                client_id=app.client_id,
                account=account.key,
                scopes=scopes,
                expires_at=self.state.now("ebay") + ttl,
            )
        )
        back = {"code": code, "expires_in": str(CODE_TTL)}
        if "state" in request.args:
            back = {"state": request.args["state"], **back}
        return pages.redirect(f"{self.state.redirect_uri('ebay')}?{urlencode(back)}")

    # --- token endpoint

    def token(self, request: Request, knobs: Knobs) -> Response:
        app = self._client(request)
        if request.mimetype != FORM:
            raise oauth_refused("invalid_request", f"Content-Type is not {FORM}")
        form = request.form
        grant = form.get("grant_type")
        if grant == "authorization_code":
            return self._exchange(app, form.get("code"), form.get("redirect_uri"), knobs)
        if grant == "refresh_token":
            return self._refresh(app, form.get("refresh_token"), form.get("scope"), knobs)
        if grant == "client_credentials":
            scopes = tuple(form.get("scope", "").split())
            if not scopes or not set(scopes) <= set(app.scopes):
                raise oauth_refused("invalid_scope", "client_credentials needs a granted scope")
            return json_answer(self._access(app, "", scopes, knobs))
        name = "unsupported_grant_type" if grant else "invalid_request"
        raise oauth_refused(name, "grant_type is missing or unknown")

    def _client(self, request: Request) -> App:
        scheme, _, encoded = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "basic":
            raise oauth_refused("invalid_client", "no Basic authorization")
        try:
            client_id, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            raise oauth_refused("invalid_client", "Basic authorization is not base64") from None
        app = self.state.app("ebay", client_id)
        if app is None or app.client_secret != secret:
            raise oauth_refused("invalid_client", "unknown client id or wrong secret")
        return app

    def _exchange(
        self, app: App, value: str | None, redirect_uri: str | None, knobs: Knobs
    ) -> Response:
        if not value or not redirect_uri:
            raise oauth_refused("invalid_request", "code or redirect_uri is missing")
        code = self.state.find_token(value, "ebay", "code")
        if code is None or code.client_id != app.client_id:
            raise oauth_refused("code", "unknown code, or another client's")
        if code.used or not self.state.is_live(code):
            raise oauth_refused("code", "the code was used before or is too old")
        if redirect_uri != app.redirect:
            raise oauth_refused("code", "redirect_uri is not the RuName of the consent")
        code.used = True
        refresh = self._new_refresh(app, code.account, code.scopes, knobs)
        body = self._access(app, code.account, code.scopes, knobs)
        return json_answer(body | refresh)

    def _new_refresh(
        self, app: App, account: str, scopes: tuple[str, ...], knobs: Knobs
    ) -> dict[str, Any]:
        ttl = REFRESH_TTL if knobs.refresh_ttl is None else knobs.refresh_ttl
        value = self.state.mint(
            Token(
                value=f"v^1.1#i^1#r^1#p^3#I^3#f^0#t^Ul4xEMULATOR{secrets.token_urlsafe(36)}",
                kind="refresh",
                platform="ebay",
                client_id=app.client_id,
                account=account,
                scopes=scopes,
                expires_at=self.state.now("ebay") + ttl,
            )
        )
        return {"refresh_token": value, "refresh_token_expires_in": ttl}

    def _refresh(self, app: App, value: str | None, scope: str | None, knobs: Knobs) -> Response:
        if not value:
            raise oauth_refused("invalid_request", "refresh_token is missing")
        token = self.state.find_token(value, "ebay", "refresh")
        if token is None or token.client_id != app.client_id:
            raise oauth_refused("refresh", "unknown refresh token, or another client's")
        if token.used or not self.state.is_live(token):
            raise oauth_refused("refresh", "the refresh token was used up, revoked or is over")
        scopes = tuple(scope.split()) if scope else token.scopes
        if not set(scopes) <= set(token.scopes):
            raise oauth_refused("invalid_scope", "more scopes than consented")
        body = self._access(app, token.account, scopes, knobs)
        if knobs.rotate == "strict":
            token.used = True
            body |= self._new_refresh(app, token.account, token.scopes, knobs)
            if knobs.omit_refresh:
                body.pop("refresh_token")
        return json_answer(body)

    def _access(
        self, app: App, account: str, scopes: tuple[str, ...], knobs: Knobs
    ) -> dict[str, Any]:
        ttl = ACCESS_TTL if knobs.access_ttl is None else knobs.access_ttl
        value = self.state.mint(
            Token(
                value=f"v^1.1#i^1#f^0#p^3#I^3#r^0#t^H4sIEMULATOR{secrets.token_urlsafe(48)}",
                kind="access",
                platform="ebay",
                client_id=app.client_id,
                account=account,
                scopes=scopes,
                expires_at=self.state.now("ebay") + ttl,
            )
        )
        kind = "User Access Token" if account else "Application Access Token"
        return {"access_token": value, "expires_in": ttl, "token_type": kind}

    # --- calls

    def bearer(self, request: Request) -> Token:
        """The live access token of a call, a seller's or an application's."""
        header = request.headers.get("Authorization", "")
        if not header:
            text = "Access token is missing in the Authorization HTTP request header."
            answer = problem(401, 1002, "Missing access token", text)
            raise Refused(answer, "no Authorization header")
        token = self.state.find_token(header.removeprefix("Bearer "), "ebay", "access")
        if not header.startswith("Bearer ") or token is None or not self.state.is_live(token):
            text = "Invalid access token. Check the value of the Authorization HTTP request header."
            answer = problem(401, 1001, "Invalid access token", text)
            raise Refused(answer, "the access token is unknown, expired or revoked")
        return token

    def authenticate(self, request: Request, operation: str, knobs: Knobs) -> Token:
        token = self.bearer(request)
        granted = set(token.scopes) - set(knobs.drop_scopes)
        if not token.account or not granted & set(NEEDS[operation]):
            text = "Insufficient permissions to fulfill the request."
            answer = problem(403, 1100, "Access denied", text, domain="ACCESS")
            raise Refused(answer, "a scope is missing, or it is an application token")
        return token

    def identity(self, account: EbayAccount, knobs: Knobs) -> dict[str, str]:
        other = ACCOUNTS.get(knobs.wrong_account)
        shown = other if isinstance(other, EbayAccount) else account
        return {
            "userId": shown.user_id,
            "username": shown.username,
            "accountType": shown.account_type,
            "registrationMarketplaceId": shown.site,
            "status": "ACCOUNTONHOLD" if knobs.suspended else shown.status,
        }

    # --- pushes

    def orders_changed(self, account: str, records: list[Record]) -> None:
        self.notices.orders_changed(account, records)

    def access_ended(self, account: str) -> None:
        self.notices.access_ended(account)

    def push(self, account: str, topic: str) -> bool:
        return self.notices.push(account, topic)


PLATFORM = Ebay
