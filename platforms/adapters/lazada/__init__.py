"""Lazada (Open Platform). Fact sheet: docs/platforms/lazada.md."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from urllib.parse import urlencode

import msgspec

from platforms import reading
from platforms.adapter import Adapter, Call
from platforms.adapters.lazada import faults, orders
from platforms.adapters.lazada.advice import ADVICE
from platforms.adapters.lazada.modes import MODES, SITES
from platforms.adapters.whose_keys import ask
from platforms.errors import Fault, PlatformError, platform_error
from platforms.signing import iop_signature
from platforms.spec import (
    Account,
    Answer,
    AppKeys,
    Asked,
    Grant,
    Identity,
    Limit,
    OrderData,
    Page,
    Request,
    Shop,
    Window,
)

PAGE_SIZE = 100
ITEMS_AT_ONCE = 50  # orders that one call for items may name
CREATE, REFRESH = "/auth/token/create", "/auth/token/refresh"


class _Row(msgspec.Struct):
    country: str
    seller_id: str | int
    short_code: str | None = None


class _Token(msgspec.Struct):
    access_token: str
    refresh_token: str | None = None
    expires_in: int | None = None
    refresh_expires_in: int | None = None
    account_id: str | int | None = None
    account: str | None = None
    country_user_info: list[_Row] | None = None
    country_user_info_list: list[_Row] | None = None  # the older name


class _Seller(msgspec.Struct):
    seller_id: str | int
    name: str | None = None
    status: str | None = None


class _SellerAnswer(msgspec.Struct):
    data: _Seller


class _OrderAnswer(msgspec.Struct):
    data: msgspec.Raw


class _Found(msgspec.Struct):
    orders: list[msgspec.Raw] | None = None


class _OrdersAnswer(msgspec.Struct):
    data: _Found


class _Items(msgspec.Struct):
    order_id: int | str
    order_items: msgspec.Raw


class _ItemsAnswer(msgspec.Struct):
    data: list[_Items]


class _Cursor(msgspec.Struct):
    since: datetime
    until: datetime
    offset: int = 0


class Lazada(Adapter):
    code = "lazada"
    name = "Lazada"
    modes = MODES
    sites = SITES
    endpoints = {
        "api": "https://api.lazada.sg",
        "api.sg": "https://api.lazada.sg",
        "api.my": "https://api.lazada.com.my",
        "api.th": "https://api.lazada.co.th",
        "api.vn": "https://api.lazada.vn",
        "api.ph": "https://api.lazada.com.ph",
        "api.id": "https://api.lazada.co.id",
        "auth": "https://auth.lazada.com",
        "consent": "https://auth.lazada.com",
    }
    # Not published: a guess on the careful side (fact sheet, "Limits").
    limits = {"orders": Limit(rate=5, burst=5, per_app=True)}
    overlap = timedelta(minutes=10)
    clock_limit = timedelta(seconds=7200)  # of the gateway
    refresh_renews = False  # assumed, as at its sister (fact sheet §1)
    advice = ADVICE

    # --- linking

    def consent_url(self, asked: Asked) -> str:
        query = {
            "response_type": "code",
            "force_auth": "true",  # a seller with two accounts must be able to choose
            "redirect_uri": asked.app.redirect_uri,
            "client_id": asked.app.client_id,
            "state": asked.state,
        }
        return f"{asked.base or self.endpoint('consent')}/oauth/authorize?{urlencode(query)}"

    def read_callback(self, params: Mapping[str, str], account: Account, *, now: datetime) -> str:
        code = params.get("code", "")
        if not code:
            error = re.sub(r"\W", "", params.get("error", ""))[:40]
            raise platform_error(Fault.CONSENT_DENIED, error or "came back without a code")
        return code

    def exchange(
        self, call: Call, *, code: str, verifier: str, params: Mapping[str, str], now: datetime
    ) -> Grant:
        grant = self._token(call, CREATE, {"code": code}, now=now)
        if not grant.refresh_token or "shops" not in grant.secrets:
            raise platform_error(Fault.BAD_RESPONSE, "no refresh token or no countries came")
        return grant

    def refresh(self, call: Call, *, now: datetime) -> Grant:
        given = {"refresh_token": call.account.secrets["refresh_token"]}
        return self._token(call, REFRESH, given, now=now)

    def _token(self, call: Call, path: str, given: dict[str, str], *, now: datetime) -> Grant:
        form = signed(_app(call.account), path, given, now=now)
        answer = ask(
            call,
            Request(
                method="POST",
                path=f"/rest{path}",
                endpoint="auth",
                operation="token",
                form=form,
                signed=False,
            ),
        )
        token = reading.decode(answer, _Token, strict=False)
        if not token.access_token:
            raise platform_error(Fault.BAD_RESPONSE, "the access token is empty")
        rows = token.country_user_info or token.country_user_info_list or []
        shops = [{"country": r.country.lower(), "seller_id": str(r.seller_id)} for r in rows]
        ends = reading.expires_at(token.refresh_expires_in, now=now)
        return Grant(
            access_token=token.access_token,
            access_expires_at=reading.expires_at(token.expires_in, now=now),
            refresh_token=token.refresh_token or None,
            refresh_expires_at=ends,
            # Refreshing does not lengthen the refresh token's life.
            consent_expires_at=ends,
            account_id=str(token.account_id or token.account or ""),
            secrets={"shops": json.dumps(shops)} if shops else {},
        )

    def who_am_i(self, call: Call, *, now: datetime) -> Identity:
        rows = _rows(call.account)
        found = [(row, self._seller(call, row)) for row in rows if row.country in _COUNTRIES]
        if not found:
            raise platform_error(Fault.BAD_RESPONSE, "the grant names no country that we know")
        active = [
            Shop(
                external_id=f"{row.country}:{row.seller_id}",
                name=reading.text(seller.name) or f"Lazada {row.seller_id}",
                site=row.country.upper(),
            )
            for row, seller in found
            if (seller.status or "ACTIVE").upper() == "ACTIVE"
        ]
        if not active:
            raise platform_error(Fault.ACCOUNT_SUSPENDED, found[0][1].status or "")
        first = active[0]
        account_id = call.account.account_id or first.external_id
        return Identity(account_id=account_id, account_name=first.name, shops=tuple(active))

    def _seller(self, call: Call, row: _Row) -> _Seller:
        answer = ask(
            call, Request(method="GET", path="/rest/seller/get", endpoint=f"api.{row.country}")
        )
        seller = reading.decode(answer, _SellerAnswer).data
        if str(seller.seller_id) != str(row.seller_id):
            raise platform_error(Fault.SHOP_MISMATCH, "the country answers for another seller")
        return seller

    # --- calling

    def sign(self, request: Request, account: Account, *, now: datetime) -> Request:
        token = account.secrets.get("access_token")
        if not token:
            raise platform_error(Fault.TOKEN_EXPIRED, "there is no access token yet")
        path = request.path.removeprefix("/rest")
        given = {**request.params, "access_token": token}
        return replace(request, params=signed(_app(account), path, given, now=now))

    def read_fault(self, request: Request, answer: Answer) -> PlatformError | None:
        return faults.read_fault(request, answer)

    # --- orders

    def fetch_orders(
        self, call: Call, *, window: Window, cursor: str | None, now: datetime
    ) -> Page:
        at = (
            msgspec.json.decode(cursor, type=_Cursor)
            if cursor
            else _Cursor(since=window.since, until=window.until)
        )
        host = f"api.{_country(call.account)}"
        answer = ask(
            call,
            Request(
                method="GET",
                path="/rest/orders/get",
                endpoint=host,
                operation="orders",
                params={
                    "update_after": at.since.isoformat(timespec="seconds"),
                    "update_before": _whole_second_after(at.until).isoformat(timespec="seconds"),
                    "sort_by": "updated_at",
                    "sort_direction": "ASC",
                    "limit": str(PAGE_SIZE),
                    "offset": str(at.offset),
                },
            ),
        )
        found = reading.decode(answer, _OrdersAnswer).data.orders or []
        records = self._with_items(call, host, found)
        if len(found) < PAGE_SIZE:
            return Page(records=records)
        return Page(records=records, cursor=msgspec.json.encode(_onward(at, found)).decode())

    def _with_items(
        self, call: Call, host: str, found: list[msgspec.Raw]
    ) -> tuple[msgspec.Raw, ...]:
        """Each order together with its items: the currency stands on them alone."""
        numbers = [orders.raw_number(raw) for raw in found]
        wanted = [number for number in numbers if number]
        items: dict[str, msgspec.Raw] = {}
        for first in range(0, len(wanted), ITEMS_AT_ONCE):
            names = ",".join(wanted[first : first + ITEMS_AT_ONCE])
            answer = ask(
                call,
                Request(
                    method="GET",
                    path="/rest/orders/items/get",
                    endpoint=host,
                    operation="orders",
                    params={"order_ids": f"[{names}]"},
                ),
            )
            for each in reading.decode(answer, _ItemsAnswer).data:
                items[str(each.order_id)] = each.order_items
        none = msgspec.Raw(b"null")
        return tuple(
            orders.joined(raw, items.get(number, none))
            for raw, number in zip(found, numbers, strict=True)
        )

    def fetch_order(self, call: Call, *, number: str, now: datetime) -> Page | None:
        if not orders.NUMBER.fullmatch(number):
            return None
        host = f"api.{_country(call.account)}"
        try:
            answer = ask(
                call,
                Request(
                    method="GET",
                    path="/rest/order/get",
                    endpoint=host,
                    operation="orders",
                    params={"order_id": number},
                ),
            )
        except PlatformError as exc:
            if faults.is_no_such_order(exc):
                return None
            raise
        found = reading.decode(answer, _OrderAnswer).data
        if orders.raw_number(found) != number:
            raise platform_error(Fault.BAD_RESPONSE, "another order came than was asked for")
        return Page(records=self._with_items(call, host, [found]))

    def parse_order(self, raw: msgspec.Raw, *, kind: str = "") -> OrderData:
        return orders.parse_order(raw)

    def order_number(self, raw: msgspec.Raw) -> str:
        return orders.read_order_number(raw)


_COUNTRIES = {site.code.lower() for site in SITES}


def signed(app: AppKeys, path: str, params: Mapping[str, str], *, now: datetime) -> dict[str, str]:
    """`params` with the system's own and the signature over all; `path` follows `/rest`."""
    whole = {
        **params,
        "app_key": app.client_id,
        "sign_method": "sha256",
        "timestamp": str(int(now.timestamp() * 1000)),
    }
    return {**whole, "sign": iop_signature(app.client_secret, path, whole)}


def _app(account: Account) -> AppKeys:
    if account.app is None:
        raise platform_error(Fault.INVALID_REQUEST, "no application is set up for Lazada")
    return account.app


def _rows(account: Account) -> list[_Row]:
    return msgspec.json.decode(account.secrets.get("shops", "[]"), type=list[_Row])


def _country(account: Account) -> str:
    """Of the one shop that is asked for; the host decides the country."""
    country = account.shop_ids[0].partition(":")[0] if account.shop_ids else ""
    if country not in _COUNTRIES:
        raise platform_error(Fault.INVALID_REQUEST, "no country to ask")
    return country


def _whole_second_after(moment: datetime) -> datetime:
    """Lazada counts seconds: the last one begun is asked for whole."""
    return moment.replace(microsecond=0) + timedelta(seconds=1 if moment.microsecond else 0)


def _onward(at: _Cursor, found: list[msgspec.Raw]) -> _Cursor:
    """Where the next page begins. An order that changes meanwhile goes to the end of the list and
    what follows moves up, past any offset: so the window slides instead, by a second less than
    it could, and the offset only serves where one second fills a page."""
    times = [moment for moment in map(orders.raw_changed, found) if moment]
    since = max(times) - timedelta(seconds=1) if times else at.since
    if since > at.since:
        return _Cursor(since=since, until=at.until)
    return _Cursor(since=at.since, until=at.until, offset=at.offset + len(found))
