"""Shopify (GraphQL Admin API). Fact sheet: docs/platforms/shopify.md."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import ClassVar
from urllib.parse import quote, urlencode

import msgspec
from django.utils.translation import gettext_lazy as _

from platforms import reading
from platforms.adapter import Adapter, Call, Webhooks
from platforms.adapters.shopify import faults, graphql, orders, paging, queries
from platforms.adapters.shopify.advice import ADVICE
from platforms.adapters.shopify.modes import MODES, SCOPES, explain_value, is_shop, tidy_shop
from platforms.adapters.shopify.webhooks import ShopifyWebhooks
from platforms.errors import Fault, PlatformError, platform_error
from platforms.signing import hmac_hex, same
from platforms.spec import (
    Account,
    Answer,
    AppKeys,
    Asked,
    Field,
    Grant,
    Identity,
    Limit,
    Mode,
    OrderData,
    Page,
    Request,
    Room,
    Shop,
    Text,
    Window,
)

TOKEN_PATH = "/admin/oauth/access_token"  # noqa: S105 - an address
NEEDED = ("read_orders",)
NUMBER = r"[0-9]{1,15}"
# As sellers know an order: digits, and before and behind them what the shop has chosen. No wider,
# because each name costs a search, and other marketplaces' numbers must not.
NAME = (
    r"#?([A-Za-z][A-Za-z0-9]{0,9}[._/-]?)?[0-9]{1,9}"
    r"([._/-][A-Za-z0-9]{1,6}|[A-Za-z][A-Za-z0-9]{0,5})?"
)
CALLBACK_TOLERANCE = timedelta(seconds=90)


class _Token(msgspec.Struct):
    access_token: str
    scope: str | None = None
    expires_in: int | None = None
    refresh_token: str | None = None
    refresh_token_expires_in: int | None = None


class _Shop(msgspec.Struct):
    id: str
    myshopifyDomain: str
    name: str | None = None
    currencyCode: str | None = None
    ianaTimezone: str | None = None


class _Scope(msgspec.Struct):
    handle: str


class _Installation(msgspec.Struct):
    accessScopes: list[_Scope]


class _Identity(msgspec.Struct):
    shop: _Shop
    currentAppInstallation: _Installation | None = None


class Shopify(Adapter):
    code = "shopify"
    name = "Shopify"
    modes = MODES
    endpoints = {
        "api": "https://{shop_domain}",
        "auth": "https://{shop_domain}",
        "consent": "https://{shop_domain}",
    }
    # Points per app and shop on the smallest plan; every answer tells the shop's own numbers.
    limits = {graphql.OPERATION: Limit(rate=100, burst=2000)}
    scopes = SCOPES
    messages_note = _(
        "Shopify has no interface for buyers' messages: customer service sees the order and the"
        " buyer's e-mail address only."
    )
    lag = timedelta(seconds=30)
    overlap = timedelta(minutes=5)
    max_window = timedelta(days=7)
    back_fill = timedelta(days=59)  # older orders need read_all_orders
    withheld = _("Shopify gives most applications no orders that are older than 60 days.")
    poll_every = timedelta(minutes=5)
    refresh_repeats = True  # until the new one is first used (fact sheet §1)
    webhooks: ClassVar[Webhooks | None] = ShopifyWebhooks()
    manage_url: ClassVar[str] = "https://admin.shopify.com/"
    advice = ADVICE

    # --- linking

    def tidy_value(self, mode: Mode, field: Field, value: str) -> str:
        return tidy_shop(value) if field.name == "shop_domain" else value

    def explain_value(self, mode: Mode, field: Field, value: str) -> Text | None:
        return explain_value(field, value)

    def consent_url(self, asked: Asked) -> str:
        shop = asked.given.get("shop_domain", "")
        if not is_shop(shop):
            raise platform_error(Fault.INVALID_REQUEST, "no shop address was given")
        base = (asked.base or self.endpoint("consent")).replace("{shop_domain}", shop)
        query = {
            "client_id": asked.app.client_id,
            "scope": ",".join(asked.mode.scopes),
            "redirect_uri": asked.app.redirect_uri,
            "state": asked.state,
        }
        return f"{base}/admin/oauth/authorize?{urlencode(query)}"

    def read_callback(self, params: Mapping[str, str], account: Account, *, now: datetime) -> str:
        if not params.get("code"):
            error = re.sub(r"\W", "", params.get("error", ""))[:40]
            raise platform_error(Fault.CONSENT_DENIED, error or "came back without a code")
        shop = params.get("shop", "")
        if not is_shop(shop) or shop != account.secrets.get("shop_domain"):
            raise platform_error(Fault.SHOP_MISMATCH, "came back from another shop")
        if not same(params.get("hmac", ""), hmac_hex(_app(account).client_secret, signed(params))):
            raise platform_error(Fault.INVALID_REQUEST, "the signature of the callback is wrong")
        stamp = params.get("timestamp", "")
        if not re.fullmatch(r"[0-9]{1,11}", stamp):
            raise platform_error(Fault.INVALID_REQUEST, "the callback has no time")
        if abs(now.timestamp() - int(stamp)) > CALLBACK_TOLERANCE.total_seconds():
            raise platform_error(Fault.CLOCK_SKEW, "the callback is not of now")
        return params["code"]

    def exchange(
        self, call: Call, *, code: str, verifier: str, params: Mapping[str, str], now: datetime
    ) -> Grant:
        # Without `expiring` the token has no end, and public apps may not use such any more.
        form = {**_client(call.account), "code": code, "expiring": "1"}
        grant = self._token(call, form, now=now)
        if grant.access_expires_at and grant.refresh_token is None:
            raise platform_error(Fault.BAD_RESPONSE, "no refresh token came with the grant")
        return grant

    def can_refresh(self, account: Account) -> bool:
        return graphql.has_renewal(account)

    def refresh(self, call: Call, *, now: datetime) -> Grant:
        form = {**_client(call.account), "grant_type": "client_credentials"}
        if call.account.mode != "client_credentials":
            form["grant_type"] = "refresh_token"
            form["refresh_token"] = call.account.secrets["refresh_token"]
        return self._token(call, form, now=now)

    def _token(self, call: Call, form: dict[str, str], *, now: datetime) -> Grant:
        request = Request(
            method="POST",
            path=TOKEN_PATH,
            endpoint="auth",
            operation="token",
            form=form,
            signed=False,
        )
        token = reading.decode(call(request), _Token, strict=False)
        if not token.access_token:
            raise platform_error(Fault.BAD_RESPONSE, "the access token is empty")
        return Grant(
            access_token=token.access_token,
            access_expires_at=reading.expires_at(token.expires_in, now=now),
            refresh_token=token.refresh_token or None,
            refresh_expires_at=reading.expires_at(token.refresh_token_expires_in, now=now),
            scopes=_split(token.scope),
        )

    def who_am_i(self, call: Call, *, now: datetime) -> Identity:
        found = graphql.ask(call, queries.IDENTITY, {}, _Identity)
        shop = found.shop
        number = re.fullmatch(r"gid://shopify/Shop/([0-9]{1,20})", shop.id)
        if number is None or not is_shop(shop.myshopifyDomain):
            raise platform_error(Fault.BAD_RESPONSE, "the shop has no number or no address")
        scopes = None
        if found.currentAppInstallation is not None:
            scopes = tuple(each.handle for each in found.currentAppInstallation.accessScopes)
        if missing := _missing(scopes):
            raise platform_error(Fault.INSUFFICIENT_SCOPE, ", ".join(missing))
        name = reading.text(shop.name) or shop.myshopifyDomain
        return Identity(
            account_id=number[1],
            account_name=name,
            shops=(
                Shop(
                    external_id=number[1],
                    name=name,
                    currency=reading.text(shop.currencyCode) or "",
                    time_zone=reading.text(shop.ianaTimezone) or "",
                ),
            ),
            scopes=scopes,
            # A renamed shop also answers at its old address; the new one is the one to keep.
            secrets={"shop_domain": shop.myshopifyDomain},
        )

    # --- calling

    def base_of(self, base: str, account: Account) -> str:
        # The one barrier between a typed address and our network: no call without it.
        if not is_shop(account.secrets.get("shop_domain", "")):
            raise platform_error(Fault.INVALID_REQUEST, "the shop address is not Shopify's")
        return super().base_of(base, account)

    def read_room(self, request: Request, answer: Answer, *, now: datetime) -> tuple[Room, ...]:
        status = faults.read_cost(answer).throttleStatus
        if request.operation != graphql.OPERATION or status is None or status.restoreRate <= 0:
            return ()
        left, burst = status.currentlyAvailable, status.maximumAvailable
        return (Room(left=left, rate=status.restoreRate, burst=burst),)

    def sign(self, request: Request, account: Account, *, now: datetime) -> Request:
        token = account.secrets.get("access_token", "")
        if not token or not token.isascii():
            raise platform_error(Fault.TOKEN_EXPIRED, "there is no access token yet")
        headers = {
            **request.headers,
            "x-shopify-access-token": token,
            "content-type": "application/json",
            "accept": "application/json",
        }
        return replace(request, headers=headers)

    def read_fault(self, request: Request, answer: Answer) -> PlatformError | None:
        return faults.read_fault(request, answer)

    # --- orders

    def fetch_orders(
        self, call: Call, *, window: Window, cursor: str | None, now: datetime
    ) -> Page:
        return paging.fetch(call, window, cursor)

    def fetch_order(self, call: Call, *, number: str, now: datetime) -> Page | None:
        """Also by the order's name, which may be that of several orders."""
        if re.fullmatch(NUMBER, number) and (raw := paging.fetch_one(call, number)):
            return self.page_of_one(raw)
        named = paging.fetch_named(call, number) if re.fullmatch(NAME, number) else ()
        return Page(records=named) if named else None

    def parse_order(self, raw: msgspec.Raw, *, kind: str = "") -> OrderData:
        return orders.parse_order(raw)

    def order_number(self, raw: msgspec.Raw) -> str:
        return orders.read_order_number(raw)


def signed(params: Mapping[str, str]) -> str:
    """What the callback's `hmac` is over (fact sheet §2); blanks are %20, never a plus."""
    return "&".join(
        f"{_encoded(name)}={_encoded(params[name])}"
        for name in sorted(params)
        if name not in ("hmac", "signature")
    )


def _encoded(value: str) -> str:
    return quote(value, safe="-_.!~*'()")


def _app(account: Account) -> AppKeys:
    if account.app is None:
        raise platform_error(Fault.INVALID_REQUEST, "no application is set up for Shopify")
    return account.app


def _client(account: Account) -> dict[str, str]:
    if account.mode == "client_credentials":
        return {name: account.secrets[name] for name in ("client_id", "client_secret")}
    app = _app(account)
    return {"client_id": app.client_id, "client_secret": app.client_secret}


def _split(scope: str | None) -> tuple[str, ...] | None:
    if scope is None:
        return None
    return tuple(each for each in re.split(r"[,\s]+", scope) if each)


def _missing(scopes: tuple[str, ...] | None) -> tuple[str, ...]:
    """Needed scopes that are not there; write_x implies read_x and then stands alone."""
    if scopes is None:
        return ()
    held = {re.sub(r"^write_", "read_", each) for each in scopes}
    return tuple(each for each in NEEDED if each not in held)
