"""TikTok Shop (Partner API 202309 and later). Fact sheet: docs/platforms/tiktok_shop.md."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import ClassVar
from urllib.parse import urlencode

import msgspec

from platforms import reading, signing
from platforms.adapter import Adapter, Call
from platforms.adapters.tiktok_shop import faults, modes, orders
from platforms.adapters.tiktok_shop.advice import ADVICE
from platforms.adapters.tiktok_shop.modes import MODES, SCOPES, SERVICE_ID
from platforms.adapters.tiktok_shop.shops import app_of, cipher_of, load_ciphers, read_shops
from platforms.adapters.tiktok_shop.sites import REGIONS, SITES
from platforms.adapters.tiktok_shop.webhooks import TiktokShopWebhooks
from platforms.errors import Fault, PlatformError, platform_error
from platforms.spec import (
    Account,
    Answer,
    Asked,
    Field,
    Grant,
    Identity,
    Limit,
    Mode,
    OrderData,
    Page,
    Request,
    Shop,
    Text,
    Window,
)

PAGE_SIZE = 100
DETAILS_AT_ONCE = 50
CODE_LENGTH = 1024
# Calls about the account; the key of one shop is refused there (fact sheet §2).
_OF_THE_ACCOUNT = ("/authorization/", "/seller/")
_SELLER = 0


class _Token(msgspec.Struct):
    access_token: str
    refresh_token: str | None = None
    access_token_expire_in: int | None = None
    refresh_token_expire_in: int | None = None
    open_id: str | None = None
    seller_name: str | None = None
    user_type: int | None = None
    granted_scopes: list[str] | None = None


class _TokenAnswer(msgspec.Struct):
    data: _Token


class _Orders(msgspec.Struct):
    orders: list[msgspec.Raw] | None = None
    next_page_token: str | None = None


class _OrdersAnswer(msgspec.Struct):
    data: _Orders | None = None


class _Cursor(msgspec.Struct):
    since: int
    until: int
    token: str = ""


class TiktokShop(Adapter):
    code = "tiktok_shop"
    name = "TikTok Shop"
    modes = MODES
    sites = SITES
    regions = REGIONS
    endpoints = {
        "api": "https://open-api.tiktokglobalshop.com",
        "auth": "https://auth.tiktok-shops.com",
        "consent.us": "https://services.us.tiktokshop.com",
        "consent.row": "https://services.tiktokshop.com",
    }
    # No numbers are published (fact sheet §5): modest ones, and "too many" slows them down.
    limits = {
        "orders": (
            Limit(rate=2, burst=4),
            Limit(rate=10, burst=20, per_app=True, name="app"),
        ),
        "shops": Limit(rate=2, burst=4),
        "token": Limit(rate=5, burst=10, per_app=True),
        "webhooks": Limit(rate=2, burst=30),
    }
    scopes = SCOPES
    lag = timedelta(minutes=1)
    overlap = timedelta(minutes=10)
    max_window = timedelta(days=30)
    clock_limit = timedelta(minutes=5)
    clock_ahead = timedelta(seconds=30)  # fact sheet, "Signature"
    back_fill = timedelta(days=365)
    poll_every = timedelta(minutes=10)
    refresh_renews = False  # not stated; a date that moves on is taken over all the same
    app_fields = (SERVICE_ID,)
    webhooks = TiktokShopWebhooks()
    manage_url: ClassVar[str] = "https://seller.tiktokshop.com"
    advice = ADVICE

    # --- linking

    def explain_value(self, mode: Mode, field: Field, value: str) -> Text | None:
        return modes.explain_value(field, value)

    def consent_url(self, asked: Asked) -> str:
        service_id = asked.app.extra.get("service_id", "")
        if not service_id:
            raise platform_error(Fault.APP_REJECTED, "the application has no service id")
        try:
            base = asked.base or self.endpoint("consent", region=asked.region)
        except KeyError:
            raise platform_error(Fault.INVALID_REQUEST, "no market was chosen") from None
        # Where the seller comes back to is fixed in Partner Center (fact sheet §1.2).
        query = {"service_id": service_id, "state": asked.state}
        return f"{base}/open/authorize?{urlencode(query)}"

    def read_callback(self, params: Mapping[str, str], account: Account, *, now: datetime) -> str:
        code = params.get("code", "")
        if not code:
            error = re.sub(r"\W", "", params.get("error", ""))[:40]
            raise platform_error(Fault.CONSENT_DENIED, error or "came back without a code")
        if len(code) > CODE_LENGTH:
            raise platform_error(Fault.INVALID_REQUEST, "the code is too long to be TikTok Shop's")
        return code

    def exchange(
        self, call: Call, *, code: str, verifier: str, params: Mapping[str, str], now: datetime
    ) -> Grant:
        wanted = {"auth_code": code, "grant_type": "authorized_code"}
        grant = self._token(call, "/api/v2/token/get", wanted, now=now)
        if not grant.account_id or grant.refresh_token is None:
            raise platform_error(Fault.BAD_RESPONSE, "the grant has no account or refresh token")
        return grant

    def refresh(self, call: Call, *, now: datetime) -> Grant:
        token = call.account.secrets["refresh_token"]
        wanted = {"refresh_token": token, "grant_type": "refresh_token"}
        return self._token(call, faults.REFRESH_PATH, wanted, now=now)

    def _token(self, call: Call, path: str, wanted: dict[str, str], *, now: datetime) -> Grant:
        app = app_of(call.account)
        answer = call(
            Request(
                method="GET",  # with the secret in the query; a POST is not known there
                path=path,
                endpoint="auth",
                operation="token",
                params={"app_key": app.client_id, "app_secret": app.client_secret, **wanted},
                signed=False,
            )
        )
        token = reading.decode(answer, _TokenAnswer).data
        if token.user_type not in (_SELLER, None):
            raise platform_error(
                Fault.CONSENT_DENIED, f"user_type {token.user_type}: not a seller's account"
            )
        if not token.access_token:
            raise platform_error(Fault.BAD_RESPONSE, "the access token is empty")
        ends = reading.expires_at(token.refresh_token_expire_in, now=now)
        told = {"seller_name": reading.text(token.seller_name)}
        if token.granted_scopes is not None:
            told["granted_scopes"] = " ".join(token.granted_scopes)
        return Grant(
            access_token=token.access_token,
            access_expires_at=reading.expires_at(token.access_token_expire_in, now=now),
            refresh_token=token.refresh_token or None,
            refresh_expires_at=ends,
            consent_expires_at=ends,
            scopes=None if token.granted_scopes is None else tuple(token.granted_scopes),
            account_id=reading.text(token.open_id) or "",
            secrets={name: value for name, value in told.items() if value},
        )

    def who_am_i(self, call: Call, *, now: datetime) -> Identity:
        found = read_shops(call)
        told = call.account.secrets.get("granted_scopes")
        granted = tuple(told.split()) if told else None
        name = call.account.secrets.get("seller_name") or (found[0].title if found else "")
        return Identity(
            account_id=call.account.account_id,
            account_name=name or call.account.account_id,
            shops=tuple(
                Shop(external_id=shop.id, name=shop.title, site=shop.site) for shop in found
            ),
            scopes=granted,
            missing=() if granted is None else tuple(s for s in SCOPES if s not in granted),
            secrets={f"cipher:{shop.id}": shop.cipher for shop in found if shop.cipher},
        )

    # --- calling

    def sign(self, request: Request, account: Account, *, now: datetime) -> Request:
        token = account.secrets.get("access_token")
        if not token:
            raise platform_error(Fault.TOKEN_EXPIRED, "there is no access token yet")
        app = app_of(account)
        params = {
            "shop_cipher": cipher_of(account),
            **request.params,
            "app_key": app.client_id,
            "timestamp": str(int(now.timestamp())),
        }
        if request.path.startswith(_OF_THE_ACCOUNT):
            del params["shop_cipher"]
        params = {name: value for name, value in params.items() if value}
        params["sign"] = signature(app.client_secret, request.path, params, request.body())
        headers = {
            **request.headers,
            "content-type": "application/json",
            "x-tts-access-token": token,
        }
        return replace(request, params=params, headers=headers)

    def read_fault(self, request: Request, answer: Answer) -> PlatformError | None:
        return faults.read_fault(request, answer)

    def after_refresh(self, error: PlatformError) -> PlatformError:
        return faults.after_refresh(error) or super().after_refresh(error)

    # --- orders

    def fetch_orders(
        self, call: Call, *, window: Window, cursor: str | None, now: datetime
    ) -> Page:
        at = (
            msgspec.json.decode(cursor, type=_Cursor)
            if cursor
            else _Cursor(
                since=math.floor(window.since.timestamp()),
                until=math.ceil(min(window.until, now).timestamp()),  # `lt`: whole seconds
            )
        )
        paging = {"page_token": at.token} if at.token else {}
        answer = _with_fresh_cipher(
            call,
            Request(
                method="POST",
                path="/order/202309/orders/search",
                operation="orders",
                params={
                    "page_size": str(PAGE_SIZE),
                    "sort_field": "update_time",
                    "sort_order": "ASC",
                    **paging,
                },
                json={"update_time_ge": at.since, "update_time_lt": at.until},
            ),
        )
        found = reading.decode(answer, _OrdersAnswer).data or _Orders()
        records = _completed(call, found.orders or [])
        if not found.next_page_token:
            return Page(records=records)
        if found.next_page_token == at.token:
            raise platform_error(Fault.BAD_RESPONSE, "the next page does not move on")
        at.token = found.next_page_token
        return Page(records=records, cursor=msgspec.json.encode(at).decode())

    def fetch_order(self, call: Call, *, number: str, now: datetime) -> Page | None:
        if not orders.NUMBER.fullmatch(number):
            return None
        try:
            found = _details(call, [number])
        except PlatformError as exc:
            if faults.is_no_such_order(exc):
                return None
            raise
        return Page(records=(found[number],)) if number in found else None

    def parse_order(self, raw: msgspec.Raw, *, kind: str = "") -> OrderData:
        return orders.parse_order(raw)

    def order_number(self, raw: msgspec.Raw) -> str:
        return orders.read_order_number(raw)


def signature(app_secret: str, path: str, params: Mapping[str, str], body: bytes = b"") -> str:
    """Over all that is sent but the signature and the token; `body` as it is on the wire."""
    signed = {
        name: value
        for name, value in params.items()
        if value and name not in ("sign", "access_token")
    }
    text = f"{app_secret}{path}{signing.sorted_pairs(signed)}".encode()
    return signing.hmac_hex(app_secret, text + body + app_secret.encode())


def _with_fresh_cipher(call: Call, request: Request) -> Answer:
    """The key of a shop may change: it is asked for anew, once, where it is refused."""
    try:
        return call(request)
    except PlatformError as exc:
        if not faults.is_about_cipher(exc):
            raise
    ciphers = load_ciphers(call)
    call.account = replace(call.account, secrets={**call.account.secrets, **ciphers})
    return call(request)


def _completed(call: Call, records: Sequence[msgspec.Raw]) -> tuple[msgspec.Raw, ...]:
    """The records, those that are only a number replaced by the whole order. What is not found
    stays as it is, for somebody to look at."""
    numbers = [orders.number_if_bare(raw) for raw in records]
    whole = _details(call, [number for number in numbers if number])
    return tuple(
        whole.get(number, raw) if number else raw
        for number, raw in zip(numbers, records, strict=True)
    )


def _details(call: Call, numbers: Sequence[str]) -> dict[str, msgspec.Raw]:
    """Number -> the whole order, of those that were found."""
    whole: dict[str, msgspec.Raw] = {}
    for start in range(0, len(numbers), DETAILS_AT_ONCE):
        answer = _with_fresh_cipher(
            call,
            Request(
                method="GET",
                path="/order/202507/orders",
                operation="orders",
                params={"ids": ",".join(numbers[start : start + DETAILS_AT_ONCE])},
            ),
        )
        detailed = reading.decode(answer, _OrdersAnswer).data or _Orders()
        whole |= {orders.read_order_number(raw): raw for raw in detailed.orders or []}
    return whole
