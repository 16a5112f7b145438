"""What sellers, applications and platform staff do to the emulator, in one line each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

from werkzeug.test import Client, TestResponse

from platforms.emulator.accounts import ACCOUNTS, APPS, App
from platforms.emulator.cast.amazon import AmazonAccount
from platforms.emulator.cast.ebay import EBAY_SCOPES
from platforms.emulator.cast.ozon import OzonAccount

EBAY_CONSENT = "/ebay/consent/oauth2/authorize"
EBAY_TOKEN = "/ebay/api/identity/v1/oauth2/token"
EBAY_ORDERS = "/ebay/api/sell/fulfillment/v1/order"
EBAY_USER = "/ebay/apiz/commerce/identity/v1/user/"
AMAZON_CONSENT = "/amazon/consent/apps/authorize/consent"
AMAZON_TOKEN = "/amazon/lwa/auth/o2/token"
AMAZON_ORDERS = "/amazon/eu/orders/2026-01-01/orders"
FBS = "/ozon/api/v4/posting/fbs/list"
AGENT = {"User-Agent": "Storelink/1.0 (Language=Python/3.12)"}


def in_query(response: TestResponse, name: str) -> str:
    return parse_qs(urlsplit(response.headers["Location"]).query)[name][0]


@dataclass
class Acts:
    client: Client

    def control(self, action: str, **body: Any) -> Any:
        response = self.client.post(f"/control/api/{action}", json=body)
        assert response.status_code == 200, response.text
        return response.json

    def knobs(self, where: str, **values: Any) -> None:
        self.control("knobs", where=where, set=values)

    # --- eBay

    def ebay_asked(self, app: App = APPS["ebay"], **changes: str) -> dict[str, str]:
        asked = {
            "client_id": app.client_id,
            "redirect_uri": app.redirect,
            "response_type": "code",
            "scope": " ".join(EBAY_SCOPES[:4]),
            "state": "state-1",
        }
        return {**asked, **changes}

    def ebay_agree(self, account: str = "ebay-lantern", **changes: str) -> TestResponse:
        return self.client.post(
            EBAY_CONSENT,
            query_string=self.ebay_asked(**changes),
            data={"account": account, "decision": "agree"},
        )

    def ebay_token(self, app: App = APPS["ebay"], **form: str) -> TestResponse:
        return self.client.post(EBAY_TOKEN, data=form, auth=(app.client_id, app.client_secret))

    def ebay_exchange(self, code: str, app: App = APPS["ebay"], **changes: str) -> TestResponse:
        form = {"code": code, "redirect_uri": app.redirect, **changes}
        return self.ebay_token(app, grant_type="authorization_code", **form)

    def ebay_grant(self, account: str = "ebay-lantern", **changes: str) -> dict[str, Any]:
        response = self.ebay_exchange(in_query(self.ebay_agree(account, **changes), "code"))
        assert response.status_code == 200, response.text
        return response.json  # type: ignore[return-value]

    def ebay_refresh(self, token: str, app: App = APPS["ebay"], **form: str) -> TestResponse:
        return self.ebay_token(app, grant_type="refresh_token", refresh_token=token, **form)

    def ebay_get(self, path: str, token: str, **query: str) -> TestResponse:
        headers = {"Authorization": f"Bearer {token}"}
        return self.client.get(path, query_string=query, headers=headers)

    def ebay_page(self, token: str, **query: str) -> Any:
        response = self.ebay_get(EBAY_ORDERS, token, **query)
        assert response.status_code == 200, response.text
        return response.json

    # --- Amazon

    def amazon_asked(self, app: App = APPS["amazon"], **changes: str) -> dict[str, str]:
        asked = {
            "application_id": app.application_id,
            "state": "state-1",
            "redirect_uri": "http://127.0.0.1:8000/link/callback/amazon/",
        }
        return {**asked, **changes}

    def amazon_agree(self, account: str = "amazon-aurora-eu", **changes: str) -> TestResponse:
        return self.client.post(
            AMAZON_CONSENT,
            query_string=self.amazon_asked(**changes),
            data={"account": account, "decision": "agree"},
        )

    def amazon_token(self, app: App = APPS["amazon"], **form: str) -> TestResponse:
        keys = {"client_id": app.client_id, "client_secret": app.client_secret}
        return self.client.post(AMAZON_TOKEN, data={**keys, **form})

    def amazon_grant(self, account: str = "amazon-aurora-eu") -> dict[str, Any]:
        code = in_query(self.amazon_agree(account), "spapi_oauth_code")
        response = self.amazon_token(grant_type="authorization_code", code=code)
        assert response.status_code == 200, response.text
        return response.json  # type: ignore[return-value]

    def amazon_self(self, key: str = "amazon-aurora-eu") -> str:
        """An access token from the pasted refresh token of the seller's own application."""
        account = ACCOUNTS[key]
        assert isinstance(account, AmazonAccount)
        response = self.amazon_token(
            APPS[account.private_app],
            grant_type="refresh_token",
            refresh_token=account.refresh_token,
        )
        return str(response.json["access_token"])  # type: ignore[index]

    def amazon_get(self, path: str, token: str, **query: str) -> TestResponse:
        headers = {"x-amz-access-token": token, **AGENT}
        return self.client.get(path, query_string=query, headers=headers)

    def amazon_page(self, token: str, **query: str) -> Any:
        query = {"lastUpdatedAfter": "2026-10-01T00:00:00Z", **query}
        response = self.amazon_get(AMAZON_ORDERS, token, **query)
        assert response.status_code == 200, response.text
        return response.json

    # --- Ozon

    def ozon(
        self, path: str, body: Any = None, *, account: str = "ozon-zarya", key: int = 0
    ) -> TestResponse:
        cabinet = ACCOUNTS[account]
        assert isinstance(cabinet, OzonAccount)
        headers = {"Client-Id": cabinet.client_id, "Api-Key": cabinet.keys[key].key}
        if body is None:
            return self.client.post(f"/ozon/api{path}", headers=headers)
        return self.client.post(f"/ozon/api{path}", json=body, headers=headers)

    def fbs(self, **changes: Any) -> TestResponse:
        body = {
            "filter": {"since": "2026-10-01T00:00:00Z", "to": "2026-11-21T12:00:00Z"},
            "limit": 100,
        }
        return self.ozon("/v4/posting/fbs/list", {**body, **changes})
