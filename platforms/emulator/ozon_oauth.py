"""Ozon's consent page and token endpoint for applications. Fact sheet ozon §1B; its contract."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from typing import Any
from urllib.parse import urlencode

from werkzeug.wrappers import Request, Response

from platforms.emulator import pages
from platforms.emulator.accounts import ACCOUNTS, App, of_platform
from platforms.emulator.cast.ozon import OzonAccount
from platforms.emulator.knobs import Knobs
from platforms.emulator.state import State, Token
from platforms.emulator.wire import Refused, json_answer

CONSENT = "/ozon/consent/app/appstore/oauth/authorize"
TOKEN = "/ozon/auth/oauth/token"
CODE_TTL = 300
ACCESS_TTL = 1_800
COOKIE = "__Secure-ETC"
FORM = "application/x-www-form-urlencoded"
OAUTH_STATUS = {"invalid_client": 401}


def oauth_refused(error: str, note: str) -> Refused:
    body = {"error": error, "error_description": note, "incidentId": secrets.token_hex(8)}
    return Refused(json_answer(body, OAUTH_STATUS.get(error, 400)), note)


def cookie_for(request: Request) -> str:
    """The anti-bot cookie: good for this body only, so a repeated call must be the same call."""
    return hashlib.sha256(b"cookie" + request.get_data()).hexdigest()[:24]


def shows_cookie(request: Request) -> bool:
    return request.cookies.get(COOKIE) == cookie_for(request)


def token_body(request: Request) -> dict[str, str]:
    """JSON or a form; {} for what is neither."""
    if request.mimetype == FORM:
        return dict(request.form)
    try:
        body = json.loads(request.get_data())
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def jwt(body: dict[str, Any]) -> str:
    parts = ({"alg": "HS256", "typ": "JWT"}, body)
    texts = [json.dumps(part, separators=(",", ":")).encode() for part in parts]
    texts.append(hashlib.sha256(texts[1]).digest())  # nobody outside Ozon can verify it
    return ".".join(base64.urlsafe_b64encode(text).rstrip(b"=").decode() for text in texts)


class OzonOAuth:
    def __init__(self, state: State) -> None:
        self.state = state

    # --- consent page

    def consent(self, request: Request, knobs: Knobs) -> Response:
        asked = request.args
        app = self.state.app("ozon", asked.get("client_id", ""))
        if app is None:
            raise self._page_error("unknown client_id")
        if asked.get("redirect_uri") != self.state.redirect_uri("ozon"):
            raise self._page_error("redirect_uri is not registered for this application")
        if asked.get("response_type") != "code":
            raise self._page_error("response_type is not code")
        if asked.get("access_type", "online") not in ("online", "offline"):
            raise self._page_error("access_type is online or offline")
        if asked.get("prompt", "select_company") != "select_company":
            raise self._page_error("prompt is select_company")
        scopes = tuple((asked.get("scope") or "").split())
        if not scopes or not set(scopes) <= set(app.scopes):
            raise self._page_error("a scope the application is not registered with")
        if request.method == "POST":
            return self._decided(request, app, scopes, knobs)
        return pages.consent(
            request,
            accounts=[(a.key, a.label) for a in of_platform("ozon")],
            asks=list(scopes),
            app=app.client_id,
        )

    def _page_error(self, note: str) -> Refused:
        return Refused(json_answer({"error": "invalid_request", "error_description": note}, 400),
                       note)  # fmt: skip

    def _decided(
        self, request: Request, app: App, scopes: tuple[str, ...], knobs: Knobs
    ) -> Response:
        asked = request.args
        back = {"state": asked["state"]} if "state" in asked else {}
        account = ACCOUNTS.get(request.form.get("account", ""))
        if request.form.get("decision") != "agree":
            back = {"error": "access_denied", **back}
        elif not isinstance(account, OzonAccount):
            raise self._page_error("no such cabinet")
        else:
            ttl = CODE_TTL if knobs.code_ttl is None else knobs.code_ttl
            kept = scopes if asked.get("access_type") == "offline" else (*scopes, "online")
            code = self._mint(
                "code", secrets.token_urlsafe(24), app, account.key, kept, ttl,
                redirect_uri=asked["redirect_uri"],
            )  # fmt: skip
            back = {"code": code, **back}
        return pages.redirect(f"{asked['redirect_uri']}?{urlencode(back)}")

    # --- token endpoint

    def cookie_test(self, request: Request) -> Response:
        """The front of the host sends everybody round once; a browser would make it a GET."""
        response = Response(status=302)
        response.headers["Location"] = request.url
        response.headers.add(
            "Set-Cookie", f"{COOKIE}={cookie_for(request)}; Path=/; Max-Age=60; HttpOnly"
        )
        return response

    def token(self, request: Request, knobs: Knobs) -> Response:
        if request.method != "POST":
            raise Refused(Response(status=405), "the token endpoint takes POST only")
        body = token_body(request)
        if not all(isinstance(value, str) for value in body.values()):
            raise oauth_refused("invalid_request", "a parameter is not a string")
        app = self.state.app("ozon", body.get("client_id", ""))
        if app is None or app.client_secret != body.get("client_secret"):
            raise oauth_refused("invalid_client", "unknown client_id or wrong client_secret")
        grant = body.get("grant_type")
        if grant == "authorization_code":
            return self._exchange(app, body, knobs)
        if grant == "refresh_token":
            return self._refresh(app, body, knobs)
        raise oauth_refused("unsupported_grant_type", "this grant opens no cabinet")

    def _exchange(self, app: App, body: dict[str, str], knobs: Knobs) -> Response:
        code = self.state.find_token(body.get("code"), "ozon", "code")
        if code is None or code.client_id != app.client_id:
            raise oauth_refused("invalid_grant", "unknown code, or another application's")
        if code.used or not self.state.is_live(code):
            raise oauth_refused("invalid_grant", "the code was used before or is too old")
        if body.get("redirect_uri") != code.redirect_uri:
            raise oauth_refused("invalid_grant", "redirect_uri is not that of the consent")
        code.used = True
        online = code.scopes[-1] == "online"
        scopes = code.scopes[:-1] if online else code.scopes
        answer = self._access(app, code.account, scopes, knobs)
        if not online:
            answer["refresh_token"] = self._new_refresh(app, code.account, scopes, knobs)
        return json_answer(answer)

    def _refresh(self, app: App, body: dict[str, str], knobs: Knobs) -> Response:
        token = self.state.find_token(body.get("refresh_token"), "ozon", "refresh")
        if token is None or token.client_id != app.client_id:
            raise oauth_refused("invalid_grant", "unknown refresh token, or another application's")
        if token.used or not self.state.is_live(token):
            raise oauth_refused("invalid_grant", "the refresh token was used up, revoked or ended")
        answer = self._access(app, token.account, token.scopes, knobs)
        if knobs.rotate == "strict":
            token.used = True
            fresh = self._new_refresh(app, token.account, token.scopes, knobs)
            if not knobs.omit_refresh:
                answer["refresh_token"] = fresh
        return json_answer(answer)

    def _new_refresh(self, app: App, account: str, scopes: tuple[str, ...], knobs: Knobs) -> str:
        # How long they last is not published; they end by a knob only.
        value = f"emulator-rt-{secrets.token_urlsafe(30)}"
        return self._mint("refresh", value, app, account, scopes, knobs.refresh_ttl)

    def _access(
        self, app: App, account: str, scopes: tuple[str, ...], knobs: Knobs
    ) -> dict[str, Any]:
        ttl = ACCESS_TTL if knobs.access_ttl is None else knobs.access_ttl
        end = int(self.state.now("ozon")) + ttl
        told = {
            "iss": "https://xapi.ozon.ru",
            "client_id": app.client_id,
            "exp": end,
            "jti": secrets.token_hex(12),
        }
        other = ACCOUNTS.get(knobs.wrong_account)
        cabinet = other if isinstance(other, OzonAccount) else ACCOUNTS[account]
        assert isinstance(cabinet, OzonAccount)
        if cabinet.named_in_token:
            told["company_id"] = int(cabinet.client_id)
        value = self._mint("access", jwt(told), app, account, scopes, ttl)
        return {
            "access_token": value,
            "expires_in": end,  # a point in time, as live answers have it
            "scope": list(scopes),
            "token_type": "Bearer",
        }

    def _mint(
        self, kind: str, value: str, app: App, account: str, scopes: tuple[str, ...],
        ttl: int | None, *, redirect_uri: str = "",
    ) -> str:  # fmt: skip
        return self.state.mint(
            Token(
                value=value,
                kind=kind,
                platform="ozon",
                client_id=app.client_id,
                account=account,
                scopes=scopes,
                expires_at=None if ttl is None else self.state.now("ozon") + ttl,
                redirect_uri=redirect_uri,
            )
        )
