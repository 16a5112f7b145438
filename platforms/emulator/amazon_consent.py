"""Amazon's consent page in Seller Central, begun by us or by the seller. Fact sheet amazon §1."""

from __future__ import annotations

import re
import secrets
from urllib.parse import urlencode

from werkzeug.wrappers import Request, Response

from platforms.emulator import pages
from platforms.emulator.accounts import ACCOUNTS, APPS, App, of_platform
from platforms.emulator.cast.amazon import AMAZON_ROLES, AmazonAccount
from platforms.emulator.knobs import Knobs
from platforms.emulator.state import State, Token
from platforms.emulator.wire import Refused

CODE_TTL = 300
CONSENT = re.compile(
    r"/amazon/consent(?:/(?P<region>na|eu|fe))?/apps/authorize/"
    r"(?:consent|confirm/(?P<application>[\w.-]+))"
)
# The seller's list of applications; "renew" there opens the application's Login URI.
MANAGE = "/amazon/consent/apps/manage"
LOGIN_PATH = "/link/start/amazon/"
HOSTS = {
    "na": "sellercentral.amazon.com",
    "eu": "sellercentral-europe.amazon.com",
    "fe": "sellercentral.amazon.co.jp",
}


class AmazonConsent:
    def __init__(self, state: State) -> None:
        self.state = state

    def handle(self, request: Request, knobs: Knobs) -> Response:
        if request.path == MANAGE:
            return self._begin(request)
        asked = request.args
        match = CONSENT.fullmatch(request.path)
        begun = match["application"] if match else None
        app = self._public_app(begun or asked.get("application_id"))
        starter = self._starter(asked.get("amazon_state", "")) if begun else None
        if not asked.get("state") or (app.draft and asked.get("version") != "beta"):
            raise self._page_error("MD1000", "state is missing, or a draft without version=beta")
        registered = self.state.redirect_uri("amazon")
        redirect_uri = asked.get("redirect_uri", registered)
        if "#" in redirect_uri:
            raise self._page_error("MD5110", "# in redirect_uri")
        if redirect_uri != registered:
            raise self._page_error("MD5101", "redirect_uri is not registered")
        if request.method == "POST":
            if starter is not None:  # used up, and nobody else may agree in this seller's place
                del self.state.keep("amazon")["begun"][asked["amazon_state"]]
                if request.form.get("account") != starter:
                    raise self._page_error("SPDC8143", "another account than the one that began")
            return self._decided(request, app, redirect_uri, knobs)
        region = match["region"] if match else None
        offered = [
            (a.key, a.label)
            for a in of_platform("amazon")
            if isinstance(a, AmazonAccount)
            and region in (None, a.region)
            and starter in (None, a.key)
        ]
        return pages.consent(
            request, accounts=offered, asks=list(AMAZON_ROLES), app=app.application_id
        )

    def _public_app(self, application_id: str | None) -> App:
        for app in APPS.values():
            if app.public and app.application_id and app.application_id == application_id:
                return app
        raise self._page_error("SPSA0404", "unknown application_id")

    def _begin(self, request: Request) -> Response:
        """The seller opens our Login URI from Amazon's side. The address to go on to is a real
        Seller Central: products must refuse every other."""
        app = self._public_app(request.args.get("application_id"))
        account = ACCOUNTS.get(request.args.get("account", ""))
        if not isinstance(account, AmazonAccount):
            raise self._page_error("SPDC8143", "no such account")
        mark = secrets.token_urlsafe(24)
        self.state.keep("amazon").setdefault("begun", {})[mark] = account.key
        host = HOSTS[account.region]
        told = {
            "amazon_callback_uri": f"https://{host}/apps/authorize/confirm/{app.application_id}",
            "amazon_state": mark,
            "selling_partner_id": account.seller_id,
        }
        if app.draft:
            told["version"] = "beta"
        return pages.redirect(f"{self.state.callback_base}{LOGIN_PATH}?{urlencode(told)}")

    def _starter(self, mark: str) -> str:
        """The key of the account that began with this amazon_state."""
        begun: dict[str, str] = self.state.keep("amazon").get("begun", {})
        if mark not in begun:
            raise self._page_error("MD1000", "amazon_state is unknown or was used")
        return begun[mark]

    def _page_error(self, code: str, note: str) -> Refused:
        # Shown to the seller; the caller never hears of it.
        return Refused(pages.plain("error", code, status=400), note)

    def _decided(self, request: Request, app: App, redirect_uri: str, knobs: Knobs) -> Response:
        if request.form.get("decision") != "agree":
            # What Amazon does after a refusal is not documented: the seller just stays there.
            return pages.plain("declined", pages.word(request, "declined"))
        account = ACCOUNTS.get(request.form.get("account", ""))
        if not isinstance(account, AmazonAccount):
            raise self._page_error("SPDC8143", "no such account")
        ttl = CODE_TTL if knobs.code_ttl is None else knobs.code_ttl
        code = self.state.mint(
            Token(
                value=f"EMULATOR{secrets.token_hex(10)}",
                kind="code",
                platform="amazon",
                client_id=app.client_id,
                account=account.key,
                expires_at=self.state.now("amazon") + ttl,
                redirect_uri=redirect_uri,
            )
        )
        back = {
            "state": request.args["state"],
            "selling_partner_id": account.seller_id,
            "spapi_oauth_code": code,
        }
        return pages.redirect(f"{redirect_uri}?{urlencode(back)}")
