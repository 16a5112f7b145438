"""Wish (Merchant API V3). Fact sheet: docs/platforms/wish.md."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import ClassVar, TypeVar
from urllib.parse import quote, urlencode

import msgspec
from django.utils.translation import gettext_lazy as _

from platforms import reading
from platforms.adapter import Adapter, Call
from platforms.adapters.wish import faults, orders, paging
from platforms.adapters.wish.advice import ADVICE
from platforms.adapters.wish.modes import EMAIL, MERCHANT_SCOPE, MODES, ORDERS_SCOPE, SCOPES
from platforms.adapters.wish.webhooks import WishWebhooks
from platforms.errors import Fault, PlatformError, platform_error
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

CODE_LENGTH = 1024
NUMBER = r"[0-9a-fA-F]{24}"
LIFETIME = timedelta(days=30)  # of an access token, should its end not be told
# How far ahead a reset may be said to be; a clock that is wrong must not stop us for ever.
LONGEST_WAIT = timedelta(days=1)

T = TypeVar("T")


class _Token(msgspec.Struct):
    access_token: str
    refresh_token: str | None = None
    merchant_id: str | None = None
    expiry_time: str | int | None = None
    scopes: list[str] | None = None


class _Wrapped(msgspec.Struct):
    data: _Token | None = None


class _Tested(msgspec.Struct):
    merchant_id: str


class _Test(msgspec.Struct):
    data: _Tested


class _Named(msgspec.Struct):
    display_name: str | None = None


class _Settings(msgspec.Struct):
    data: _Named | None = None


class _Paid(msgspec.Struct):
    currency_code: str | None = None


class _Currency(msgspec.Struct):
    data: _Paid | None = None


class _Orders(msgspec.Struct):
    data: list[msgspec.Raw]


class _One(msgspec.Struct):
    data: msgspec.Raw


class Wish(Adapter):
    code = "wish"
    name = "Wish"
    modes = MODES
    endpoints = {
        "api": "https://merchant.wish.com",
        "api@sandbox": "https://sandbox.merchant.wish.com",
        "auth": "https://merchant.wish.com",
        "auth@sandbox": "https://sandbox.merchant.wish.com",
        "consent": "https://merchant.wish.com",
        "consent@sandbox": "https://sandbox.merchant.wish.com",
    }
    # No numbers are published (fact sheet §5): answers tell what is left, and with less than
    # ten calls left we go slowly.
    limits = {"api": Limit(rate=1.0, burst=10)}
    orders_operation = "api"
    scopes = SCOPES
    lag = timedelta(minutes=2)
    overlap = timedelta(minutes=10)
    max_window = timedelta(days=30)
    back_fill = timedelta(days=90)
    poll_every = timedelta(minutes=10)
    returns_state = False
    uncertain = _(
        "It is uncertain whether Wish pays sellers out and for how long it will stay available."
    )
    webhooks = WishWebhooks()
    manage_url: ClassVar[str] = "https://merchant.wish.com"
    advice = ADVICE

    # --- linking

    def explain_value(self, mode: Mode, field: Field, value: str) -> Text | None:
        return EMAIL if "@" in value and field.name == "client_id" else None

    def consent_url(self, asked: Asked) -> str:
        # The redirect address and the permissions are those of the application. The state is not
        # documented: sent all the same, for it often comes back.
        query = {"client_id": asked.app.client_id, "state": asked.state}
        base = asked.base or self.endpoint("consent", environment=asked.app.environment)
        return f"{base}/v3/oauth/authorize?{urlencode(query)}"

    def read_callback(self, params: Mapping[str, str], account: Account, *, now: datetime) -> str:
        code = params.get("code", "")
        if not code:
            error = re.sub(r"\W", "", params.get("error", ""))[:40]
            raise platform_error(Fault.CONSENT_DENIED, error or "came back without a code")
        if len(code) > CODE_LENGTH:
            raise platform_error(Fault.INVALID_REQUEST, "the code is too long to be Wish's")
        return code

    def exchange(
        self, call: Call, *, code: str, verifier: str, params: Mapping[str, str], now: datetime
    ) -> Grant:
        app = _app(call.account)
        request = Request(
            method="POST",
            path=faults.EXCHANGE_PATH,
            endpoint="auth",
            operation="exchange",
            form={
                "client_id": app.client_id,
                "client_secret": app.client_secret,
                "code": code,
                "grant_type": "authorization_code",
                "redirect_uri": app.redirect_uri,
            },
            signed=False,
        )
        grant = _grant(call(request), now=now)
        if not grant.refresh_token:
            raise platform_error(Fault.BAD_RESPONSE, "no refresh token came with the grant")
        return grant

    def refresh(self, call: Call, *, now: datetime) -> Grant:
        """Wish replaces the refresh token and at once ends all access tokens given out before,
        also those that another tool got through the same application (fact sheet §1)."""
        app = _app(call.account)
        request = Request(
            method="GET",  # Wish has no other: the address holds secrets and is never logged
            path=faults.REFRESH_PATH,
            endpoint="auth",
            operation="refresh",
            params={
                "client_id": app.client_id,
                "client_secret": app.client_secret,
                "refresh_token": call.account.secrets["refresh_token"],
                "grant_type": "refresh_token",
            },
            signed=False,
        )
        return _grant(call(request), now=now)

    def who_am_i(self, call: Call, *, now: datetime) -> Identity:
        answer = call(Request(method="GET", path="/api/v3/oauth/test", operation="api"))
        merchant = reading.text(reading.decode(answer, _Test).data.merchant_id)
        if not merchant:
            raise platform_error(Fault.BAD_RESPONSE, "the account has no number")
        told = call.account.secrets.get("scopes")
        granted = tuple(told.split()) if told is not None else None
        if granted is not None and ORDERS_SCOPE not in granted:
            raise platform_error(Fault.INSUFFICIENT_SCOPE, ORDERS_SCOPE)
        asked = self.mode(call.account.mode).scopes
        may = granted is None or MERCHANT_SCOPE in granted
        named = _if_permitted(call, "/api/v3/merchant/settings", _Settings) if may else None
        paid = _if_permitted(call, "/api/v3/merchant/currency_settings", _Currency) if may else None
        name = reading.text(named.data.display_name) if named and named.data else None
        currency = (paid.data.currency_code if paid and paid.data else None) or ""
        shop = Shop(
            external_id=merchant,
            name=name or f"Wish {merchant}",
            currency=currency if re.fullmatch(r"[A-Z]{3}", currency) else "",
        )
        return Identity(
            account_id=merchant,
            account_name=shop.name,
            shops=(shop,),
            scopes=granted,
            missing=tuple(each for each in asked if granted is not None and each not in granted),
        )

    # --- calling

    def sign(self, request: Request, account: Account, *, now: datetime) -> Request:
        token = account.secrets.get("access_token")
        if not token:
            raise platform_error(Fault.TOKEN_EXPIRED, "there is no access token yet")
        return replace(request, headers={**request.headers, "authorization": f"Bearer {token}"})

    def read_room(self, request: Request, answer: Answer, *, now: datetime) -> tuple[Room, ...]:
        stated = answer.headers.get("wish-rate-limit-remaining", "").strip()
        left = int(stated) if re.fullmatch(r"[0-9]{1,9}", stated) else None
        until = _reset(answer.headers.get("wish-rate-limit-reset", "").strip(), now=now)
        if answer.status == 429:
            return (Room(left=0, until=until),) if until else ()
        if left is None:
            return ()
        return (Room(left=left, until=until if left < 1 else None),)

    def read_fault(self, request: Request, answer: Answer) -> PlatformError | None:
        return faults.read_fault(request, answer)

    # --- orders

    def fetch_orders(
        self, call: Call, *, window: Window, cursor: str | None, now: datetime
    ) -> Page:
        at = (
            msgspec.json.decode(cursor, type=paging.Place)
            if cursor
            else paging.start(window, now=now)
        )
        request = Request(
            method="GET", path=faults.ORDERS_PATH, operation="api", params=dict(at.params)
        )
        served = tuple(reading.decode(call(request), _Orders).data)
        records, following = paging.take(served, at)
        if following is None:
            return Page(records=records)
        return Page(records=records, cursor=msgspec.json.encode(following).decode())

    def fetch_order(self, call: Call, *, number: str, now: datetime) -> Page | None:
        if not re.fullmatch(NUMBER, number):
            return None
        path = f"{faults.ORDERS_PATH}/{quote(number, safe='')}"
        request = Request(method="GET", path=path, operation="api")
        answer = call(request)
        if faults.is_missing(request, answer):
            return None
        return self.page_of_one(reading.decode(answer, _One).data)

    def parse_order(self, raw: msgspec.Raw, *, kind: str = "") -> OrderData:
        return orders.parse_order(raw)

    def order_number(self, raw: msgspec.Raw) -> str:
        return orders.read_order_number(raw)


def _app(account: Account) -> AppKeys:
    if account.app is None:
        raise platform_error(Fault.INVALID_REQUEST, "no application is set up for Wish")
    return account.app


def _grant(answer: Answer, *, now: datetime) -> Grant:
    """Out of the usual envelope or bare: which of the two is seen, not documented.

    Only the access token must be there: the answer to a refresh has replaced what we had, so
    nothing of it may be lost over a date that cannot be read.
    """
    token = reading.decode(answer, _Wrapped).data or reading.decode(answer, _Token)
    if not token.access_token:
        raise platform_error(Fault.BAD_RESPONSE, "the access token is empty")
    scopes = None if token.scopes is None else tuple(token.scopes)
    return Grant(
        access_token=token.access_token,
        access_expires_at=_moment(str(token.expiry_time or ""), now=now) or now + LIFETIME,
        refresh_token=token.refresh_token or None,
        scopes=scopes,
        account_id=token.merchant_id or "",
        # Told with the grant only, asked for by `who_am_i` and before subscribing to pushes.
        secrets={} if scopes is None else {"scopes": " ".join(scopes)},
    )


def _if_permitted(call: Call, path: str, kind: type[T]) -> T | None:
    """What a permission is needed for that orders do without."""
    try:
        return reading.decode(call(Request(method="GET", path=path, operation="api")), kind)
    except PlatformError as exc:
        if exc.fault not in (Fault.INSUFFICIENT_SCOPE, Fault.BAD_RESPONSE):
            raise
        return None


def _moment(stated: str, *, now: datetime) -> datetime | None:
    """Unix seconds, seconds from now, or ISO 8601; None for anything else."""
    if re.fullmatch(r"[0-9]{1,12}(\.[0-9]{1,9})?", stated):
        return reading.expires_at(int(float(stated)), now=now)
    try:
        return reading.moment(datetime.fromisoformat(stated))
    except ValueError:
        return None


def _reset(stated: str, *, now: datetime) -> datetime | None:
    """When calls are possible again; the format is not documented."""
    at = _moment(stated, now=now)
    return max(now, min(at, now + LONGEST_WAIT)) if at else None
