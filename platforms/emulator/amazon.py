"""Amazon SP-API: Login with Amazon, participations. Fact sheet amazon §1, §5, §6."""

from __future__ import annotations

import re
import secrets
import uuid
from typing import Any, ClassVar

from werkzeug.wrappers import Request, Response

from platforms.emulator.accounts import ACCOUNTS, App
from platforms.emulator.amazon_consent import CONSENT, MANAGE, AmazonConsent
from platforms.emulator.amazon_orders import AmazonOrders, denied, invalid_input, sp_error
from platforms.emulator.book import Record
from platforms.emulator.cast.amazon import (
    AMAZON_ROLES,
    MARKETPLACES,
    ROLE_INSIGHTS,
    ROLE_ORDERS,
    AmazonAccount,
)
from platforms.emulator.knobs import Knobs
from platforms.emulator.state import State, Token
from platforms.emulator.wire import Refused, html_answer, json_answer

ACCESS_TTL = 3_600
FORM = "application/x-www-form-urlencoded"
API = re.compile(r"/amazon/(?P<region>na|eu|fe)(?P<path>/.*)")
ORDERS = "/orders/2026-01-01/orders"
GRANTLESS = ("sellingpartnerapi::notifications", "sellingpartnerapi::client_credential:rotation")
ROLES = {
    "amazon.search_orders": ROLE_ORDERS,
    "amazon.get_order": ROLE_ORDERS,
    "amazon.participations": ROLE_INSIGHTS,
    "amazon.account": ROLE_INSIGHTS,
}


def lwa_refused(
    error: str,
    description: str,
    note: str,
    *,
    status: int = 400,
    more: dict[str, str] | None = None,
) -> Refused:
    """Login with Amazon's error form."""
    body = {**(more or {}), "error_description": description, "error": error}
    return Refused(json_answer(body, status), note)


class Amazon:
    code = "amazon"
    endpoints: ClassVar[dict[str, str]] = {
        "api.na": "/amazon/na",
        "api.eu": "/amazon/eu",
        "api.fe": "/amazon/fe",
        "auth": "/amazon/lwa",
        "consent": "/amazon/consent",
    }
    real_limits: ClassVar[dict[str, tuple[float, float]]] = {}
    scopes: ClassVar[tuple[str, ...]] = AMAZON_ROLES
    unused_knobs: ClassVar[frozenset[str]] = frozenset({"drift", "empty_page", "refresh_ttl"})

    def __init__(self, state: State) -> None:
        self.state = state
        self.orders = AmazonOrders(state)
        self.consent = AmazonConsent(state)

    def operation(self, request: Request) -> str:
        if request.path == "/amazon/lwa/auth/o2/token":
            return "amazon.token"
        if CONSENT.fullmatch(request.path) or request.path == MANAGE:
            return "amazon.consent"
        match = API.fullmatch(request.path)
        path = match["path"] if match else ""
        if path.startswith(f"{ORDERS}/") and path.count("/") == 4:
            return "amazon.get_order"
        return {
            ORDERS: "amazon.search_orders",
            "/sellers/v1/marketplaceParticipations": "amazon.participations",
            "/sellers/v1/account": "amazon.account",
        }.get(path, "")

    def account(self, request: Request, operation: str) -> str | None:
        if operation == "amazon.token":
            value = request.form.get("refresh_token") or request.form.get("code")
        else:
            value = request.headers.get("x-amz-access-token")
        known = self.state.tokens.get(value or "")
        return known.account or None if known and known.platform == "amazon" else None

    def failure(self, kind: str, request: Request, retry_after: int | None) -> Response:
        if kind == "block_ip":
            # No address lists at Amazon; this is what its edge says to a blocked network.
            return html_answer("<html><body><h1>403 Forbidden</h1></body></html>", 403)
        token_call = request.path.startswith("/amazon/lwa")
        if kind == "throttle" and token_call:
            return json_answer({"error": "invalid_request", "error_description":
                                "Request rate exceeded"}, 429)  # fmt: skip
        if kind == "throttle":
            text = "You exceeded your quota for the requested resource."
            answer = self._with_id(sp_error(429, "QuotaExceeded", text, ""))
            if retry_after is not None:
                answer.headers["Retry-After"] = str(retry_after)
            return answer
        if token_call:
            text = "The service is temporarily unavailable"
            return json_answer({"error": "temporarily_unavailable", "error_description": text}, 503)
        if request.path.startswith("/amazon/consent"):
            return html_answer("<html><body><h1>Service Unavailable</h1></body></html>", 503)
        text = "Service is temporarily unavailable."
        return self._with_id(sp_error(503, "ServiceUnavailable", text, ""))

    def _with_id(self, response: Response) -> Response:
        response.headers["x-amzn-RequestId"] = str(uuid.uuid4())
        return response

    def handle(self, request: Request, operation: str, knobs: Knobs) -> Response:
        if operation == "amazon.consent":
            return self.consent.handle(request, knobs)
        if operation == "amazon.token":
            if request.method != "POST":
                raise Refused(Response(status=405), "the token endpoint takes POST only")
            return self.token(request, knobs)
        try:
            response = self.call(request, operation, knobs)
        except Refused as refused:
            self._with_id(refused.response)
            raise
        rate = self.state.limits.rate_of(operation, knobs)
        if rate:
            response.headers["x-amzn-RateLimit-Limit"] = str(rate[1])
        return self._with_id(response)

    # --- Login with Amazon

    def token(self, request: Request, knobs: Knobs) -> Response:
        if request.mimetype != FORM:
            text = "The Content-Type is not supported"
            raise lwa_refused("invalid_request", text, f"Content-Type is not {FORM}")
        form = request.form
        for name in ("grant_type", "client_id", "client_secret"):
            if not form.get(name):
                raise self._missing(name)
        app = self.state.app("amazon", form["client_id"])
        if app is None or app.client_secret != form["client_secret"]:
            text = "Client authentication failed"
            raise lwa_refused(
                "invalid_client", text, "unknown client id or wrong secret", status=401
            )
        grant = form["grant_type"]
        if grant == "authorization_code":
            return self._exchange(app, form.get("code"), form.get("redirect_uri"), knobs)
        if grant == "refresh_token":
            return self._refresh(app, form.get("refresh_token"), knobs)
        if grant == "client_credentials":
            return self._grantless(app, form.get("scope", ""), knobs)
        text = "The authorization grant type is not supported by the authorization server"
        raise lwa_refused("unsupported_grant_type", text, f"grant_type {grant!r}")

    def _missing(self, name: str) -> Refused:
        text = f"The request is missing a required parameter : {name}"
        return lwa_refused("invalid_request", text, f"{name} is missing")

    def _exchange(
        self, app: App, value: str | None, redirect_uri: str | None, knobs: Knobs
    ) -> Response:
        if not value:
            raise self._missing("code")
        code = self.state.find_token(value, "amazon", "code")
        # The guide lists redirect_uri, Amazon's own sample leaves it out: checked when given.
        wrong_uri = code is not None and redirect_uri not in (None, code.redirect_uri)
        if (
            code is None
            or code.client_id != app.client_id
            or code.used
            or wrong_uri
            or not self.state.is_live(code)
        ):
            text = "The request has an invalid grant parameter : code"
            raise lwa_refused("invalid_grant", text, "code unknown, used, too old or foreign")
        code.used = True
        refresh = self._new_refresh(app, code.account)
        return json_answer(self._access(app, code.account, refresh, knobs))

    def _refresh(self, app: App, value: str | None, knobs: Knobs) -> Response:
        if not value:
            raise self._missing("refresh_token")
        token = self.state.find_token(value, "amazon", "refresh")
        if token is not None and token.client_id != app.client_id:
            text = "The client is not authorized to use this authorization grant"
            raise lwa_refused("unauthorized_client", text, "another application's refresh token")
        if token is None or token.used or not self.state.is_live(token):
            text = (
                "The request has an invalid grant parameter : refresh_token. "
                "User may have revoked or didn't grant the permission."
            )
            ids = {"error_index": str(uuid.uuid4()), "request_id": str(uuid.uuid4())}
            note = "refresh token unknown, used up or revoked"
            raise lwa_refused("invalid_grant", text, note, more=ids)
        refresh = token.value
        if knobs.rotate == "strict":
            token.used = True
            refresh = self._new_refresh(app, token.account)
        body = self._access(app, token.account, refresh, knobs)
        if knobs.omit_refresh:
            body.pop("refresh_token")
        return json_answer(body)

    def _grantless(self, app: App, scope: str, knobs: Knobs) -> Response:
        if scope not in GRANTLESS:
            text = "The requested scope is invalid, unknown, malformed"
            raise lwa_refused("invalid_scope", text, "not a grantless scope")
        body = self._access(app, "", "", knobs)
        body.pop("refresh_token")
        return json_answer(body | {"scope": scope})

    def _new_refresh(self, app: App, account: str) -> str:
        return self.state.mint(
            Token(
                value=f"Atzr|IwEBIEMULATOR{secrets.token_urlsafe(48)}",
                kind="refresh",
                platform="amazon",
                client_id=app.client_id,
                account=account,
            )
        )

    def _access(self, app: App, account: str, refresh: str, knobs: Knobs) -> dict[str, Any]:
        ttl = ACCESS_TTL if knobs.access_ttl is None else knobs.access_ttl
        kind = "Atza|IwEBIEMULATOR" if account else "Atc|MQEBIEMULATOR"
        value = self.state.mint(
            Token(
                value=f"{kind}{secrets.token_urlsafe(48)}",
                kind="access",
                platform="amazon",
                client_id=app.client_id,
                account=account,
                expires_at=self.state.now("amazon") + ttl,
            )
        )
        return {
            "access_token": value,
            "refresh_token": refresh,
            "token_type": "bearer",
            "expires_in": ttl,
        }

    # --- calls

    def call(self, request: Request, operation: str, knobs: Knobs) -> Response:
        agent = request.headers.get("User-Agent", "")
        if not agent or len(agent) > 500:
            raise invalid_input("User-Agent is missing or longer than 500 characters")
        account = self.authenticate(request, operation, knobs)
        if operation == "amazon.search_orders":
            return self.orders.search(request, account, knobs)
        if operation == "amazon.get_order":
            return self.orders.get(request, account, request.path.rsplit("/", 1)[1], knobs)
        participations = self.participations(account, knobs)
        if operation == "amazon.participations":
            return json_answer({"payload": participations})
        return json_answer(
            {
                "payload": {
                    "marketplaceParticipationList": participations,
                    "businessType": "PRIVATE_LIMITED",
                    "sellingPlan": "PROFESSIONAL",
                }
            }
        )

    def authenticate(self, request: Request, operation: str, knobs: Knobs) -> AmazonAccount:
        value = request.headers.get("x-amz-access-token")
        if not value:
            raise denied("Access token is missing in the request header.", "no access token")
        if knobs.secret_expired:
            raise denied("The LWA secret token you provided has expired.", "by a knob")
        token = self.state.find_token(value, "amazon", "access")
        if token is None or token.revoked or not token.account:
            text = "The access token you provided is revoked, malformed or invalid."
            raise denied(text, "access token unknown, revoked or grantless")
        if not self.state.is_live(token):
            raise denied("The access token you provided has expired.", "access token expired")
        account = ACCOUNTS[token.account]
        assert isinstance(account, AmazonAccount)
        match = API.fullmatch(request.path)
        if match is None or match["region"] != account.region:
            raise denied("", f"the account is in {account.region}")
        role = ROLES.get(operation)
        if role is None or role in knobs.drop_scopes or knobs.suspended:
            raise denied("", "unknown path, missing role or deactivated seller")
        if request.method != "GET":
            raise denied("", "there is no such method")
        return account

    def participations(self, account: AmazonAccount, knobs: Knobs) -> list[dict[str, Any]]:
        other = ACCOUNTS.get(knobs.wrong_account)
        shown = other if isinstance(other, AmazonAccount) else account
        rows = [self._participation(shown, m, takes_part=True) for m in shown.sites]
        rows += [self._participation(shown, m, takes_part=False) for m in shown.idle_sites]
        for marketplace_id, name in shown.pseudo_sites:
            row = self._participation(shown, shown.sites[0], takes_part=True)
            row["marketplace"] |= {"id": marketplace_id, "name": name, "countryCode": "GB"}
            row["marketplace"]["domainName"] = "siprod.stores.amazon.co.uk"
            rows.append(row)
        return rows

    def _participation(
        self, account: AmazonAccount, marketplace: str, *, takes_part: bool
    ) -> dict[str, Any]:
        country, name, currency, language, domain, _ = MARKETPLACES[marketplace]
        return {
            "marketplace": {
                "id": marketplace,
                "countryCode": country,
                "name": name,
                "defaultCurrencyCode": currency,
                "defaultLanguageCode": language,
                "domainName": domain,
            },
            "storeName": account.store_name,
            "participation": {
                "isParticipating": takes_part,
                "hasSuspendedListings": marketplace in account.suspended_listings,
            },
        }

    def orders_changed(self, account: str, records: list[Record]) -> None:
        pass

    def access_ended(self, account: str) -> None:
        pass

    def push(self, account: str, topic: str) -> bool:
        return False


PLATFORM = Amazon
