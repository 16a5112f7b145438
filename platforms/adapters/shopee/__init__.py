"""Shopee (Open Platform v2). Fact sheet: docs/platforms/shopee.md."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from urllib.parse import urlencode

import msgspec

from platforms import reading
from platforms.adapter import Adapter, Call
from platforms.adapters.shopee import faults, orders
from platforms.adapters.shopee.advice import ADVICE
from platforms.adapters.shopee.calls import DIGITS, app_of, signed
from platforms.adapters.shopee.modes import MODES, REGIONS, SITES
from platforms.adapters.shopee.webhooks import ShopeeWebhooks
from platforms.adapters.whose_keys import ask
from platforms.errors import Fault, PlatformError, platform_error
from platforms.spec import (
    Account,
    Answer,
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

PAGE_SIZE = 50  # the list gives 100, but 50 are all that one call for details may name
BASE = "/api/v2"
DETAILS = (
    "buyer_user_id,buyer_username,recipient_address,item_list,total_amount,pay_time,"
    "actual_shipping_fee,estimated_shipping_fee,fulfillment_flag"
)


class _Token(msgspec.Struct):
    access_token: str
    refresh_token: str
    expire_in: int | None = None
    shop_id_list: list[int] | None = None


class _ShopInfo(msgspec.Struct):
    shop_name: str | None = None
    region: str | None = None
    status: str | None = None
    expire_time: int | None = None


class _List(msgspec.Struct):
    order_list: list[msgspec.Raw] | None = None
    more: bool = False
    next_cursor: str = ""


class _ListAnswer(msgspec.Struct):
    response: _List


class _Cursor(msgspec.Struct):
    since: int
    until: int
    cursor: str = ""


class Shopee(Adapter):
    code = "shopee"
    name = "Shopee"
    modes = MODES
    sites = SITES
    regions = REGIONS
    endpoints = {
        "api": "https://partner.shopeemobile.com",
        "api.global": "https://partner.shopeemobile.com",
        "api.cn": "https://openplatform.shopee.cn",
        "api.br": "https://openplatform.shopee.com.br",
        "api@sandbox": "https://openplatform.sandbox.test-stable.shopee.sg",
        "consent": "https://open.shopee.com",
        "consent.global": "https://open.shopee.com",
        "consent.cn": "https://open.shopee.cn",
        "consent.br": "https://open.shopee.com.br",
        "consent@sandbox": "https://open.sandbox.test-stable.shopee.com",
    }
    # Not published: a guess on the careful side (fact sheet, "Limits").
    limits = {"orders": Limit(rate=5, burst=5, per_app=True)}
    overlap = timedelta(minutes=10)
    max_window = timedelta(days=14)  # 15 are refused as soon as a bound is rounded
    grant_per_shop = True
    webhooks = ShopeeWebhooks()
    advice = ADVICE

    # --- linking

    def check_app(self, call: Call, *, now: datetime) -> None:
        path = f"{BASE}/public/get_shops_by_partner"
        params = {"page_size": "1", "page_no": "1", **signed(app_of(call.account), path, now=now)}
        ask(call, Request(method="GET", path=path, params=params, signed=False))

    def consent_url(self, asked: Asked) -> str:
        query = {
            "partner_id": asked.app.client_id,
            "redirect_uri": asked.app.redirect_uri,
            "auth_type": "seller",
            "response_type": "code",
            "state": asked.state,
        }
        base = asked.base or self.endpoint(
            "consent", region=asked.region, environment=asked.app.environment
        )
        return f"{base}/auth?{urlencode(query)}"

    def read_callback(self, params: Mapping[str, str], account: Account, *, now: datetime) -> str:
        code = params.get("code", "")
        if not code:
            error = re.sub(r"\W", "", params.get("error", ""))[:40]
            raise platform_error(Fault.CONSENT_DENIED, error or "came back without a code")
        _who_came_back(params)
        return code

    def exchange(
        self, call: Call, *, code: str, verifier: str, params: Mapping[str, str], now: datetime
    ) -> Grant:
        who, number = _who_came_back(params)
        token = self._token(call, "/auth/token/get", {"code": code, who: int(number)}, now=now)
        shops = [str(shop_id) for shop_id in token.shop_id_list or ()]
        if not shops and who == "shop_id":
            shops = [number]
        if not shops:
            raise platform_error(Fault.BAD_RESPONSE, "the grant names no shop")
        # Of several shops each gets an authorization of its own, begun with this same pair.
        only = shops[0] if len(shops) == 1 else ""
        return replace(_grant(token, now=now), account_id=only, secrets={"shops": ",".join(shops)})

    def refresh(self, call: Call, *, now: datetime) -> Grant:
        given = {
            "refresh_token": call.account.secrets["refresh_token"],
            "shop_id": int(_shop_id(call.account)),
        }
        return _grant(self._token(call, "/auth/access_token/get", given, now=now), now=now)

    def _token(self, call: Call, path: str, given: dict[str, object], *, now: datetime) -> _Token:
        app = app_of(call.account)
        answer = ask(
            call,
            Request(
                method="POST",
                path=BASE + path,
                operation="token",
                params=signed(app, BASE + path, now=now),
                json={**given, "partner_id": int(app.client_id)},
                signed=False,
            ),
        )
        token = reading.decode(answer, _Token)
        if not token.access_token or not token.refresh_token:
            raise platform_error(Fault.BAD_RESPONSE, "a token is empty")
        return token

    def who_am_i(self, call: Call, *, now: datetime) -> Identity:
        account = call.account
        ids = [account.account_id] if account.account_id else _shops(account)
        found = [(shop_id, self._shop_info(call, shop_id)) for shop_id in ids]
        shops = tuple(
            Shop(
                external_id=shop_id,
                name=reading.text(info.shop_name) or f"Shopee {shop_id}",
                site=(info.region or "").upper(),
            )
            for shop_id, info in found
            if info.status in (None, "NORMAL")
        )
        if not shops:
            raise platform_error(Fault.ACCOUNT_SUSPENDED, found[0][1].status or "" if found else "")
        ends = [info.expire_time for _, info in found if info.expire_time]
        return Identity(
            account_id=shops[0].external_id,
            account_name=shops[0].name,
            shops=shops,
            # The seller chose the terms together; where they differ, the first one counts.
            consent_expires_at=reading.expires_at(min(ends), now=now) if ends else None,
        )

    def _shop_info(self, call: Call, shop_id: str) -> _ShopInfo:
        path = f"{BASE}/shop/get_shop_info"
        return reading.decode(
            ask(call, Request(method="GET", path=path, params={"shop_id": shop_id})), _ShopInfo
        )

    # --- calling

    def sign(self, request: Request, account: Account, *, now: datetime) -> Request:
        token = account.secrets.get("access_token")
        if not token:
            raise platform_error(Fault.TOKEN_EXPIRED, "there is no access token yet")
        shop_id = request.params.get("shop_id") or _shop_id(account)
        system = signed(app_of(account), request.path, token=token, shop_id=shop_id, now=now)
        return replace(request, params={**request.params, **system})

    def read_fault(self, request: Request, answer: Answer) -> PlatformError | None:
        return faults.read_fault(request, answer)

    # --- orders

    def fetch_orders(
        self, call: Call, *, window: Window, cursor: str | None, now: datetime
    ) -> Page:
        at = (
            msgspec.json.decode(cursor, type=_Cursor)
            if cursor
            else _Cursor(
                since=int(window.since.timestamp()), until=int(window.until.timestamp()) + 1
            )
        )
        answer = ask(
            call,
            Request(
                method="GET",
                path=f"{BASE}/order/get_order_list",
                operation="orders",
                params={
                    "time_range_field": "update_time",
                    "time_from": str(at.since),
                    "time_to": str(at.until),
                    "page_size": str(PAGE_SIZE),
                    "cursor": at.cursor,
                    "response_optional_fields": "order_status",
                    "request_order_status_pending": "true",
                },
            ),
        )
        found = reading.decode(answer, _ListAnswer).response
        records = self._in_detail(call, found.order_list or [])
        if not found.more:
            return Page(records=records)
        if not found.next_cursor or found.next_cursor == at.cursor:
            raise platform_error(Fault.BAD_RESPONSE, "the next page does not move on")
        at.cursor = found.next_cursor
        return Page(records=records, cursor=msgspec.json.encode(at).decode())

    def _in_detail(self, call: Call, listed: list[msgspec.Raw]) -> tuple[msgspec.Raw, ...]:
        """One record for each order that is listed: its details, or where none came what the
        list says, which cannot be read as an order and so is put aside for a person."""
        numbers = [orders.read_order_number(raw) for raw in listed]
        wanted = [number for number in numbers if number]
        if not wanted:
            return tuple(listed)
        details = self._details(call, wanted)
        return tuple(details.get(number, raw) for number, raw in zip(numbers, listed, strict=True))

    def _details(self, call: Call, numbers: list[str]) -> dict[str, msgspec.Raw]:
        """Number -> what is known of the order, of those that were found; 50 at most."""
        answer = ask(
            call,
            Request(
                method="GET",
                path=f"{BASE}/order/get_order_detail",
                operation="orders",
                params={
                    "order_sn_list": ",".join(numbers),
                    "response_optional_fields": DETAILS,
                    "request_order_status_pending": "true",
                },
            ),
        )
        told = reading.decode(answer, _ListAnswer).response.order_list or []
        return {orders.read_order_number(raw): raw for raw in told}

    def fetch_order(self, call: Call, *, number: str, now: datetime) -> Page | None:
        if not orders.NUMBER.fullmatch(number):
            return None
        try:
            found = self._details(call, [number])
        except PlatformError as exc:
            if faults.is_no_such_order(exc):
                return None
            raise
        return Page(records=(found[number],)) if number in found else None

    def parse_order(self, raw: msgspec.Raw, *, kind: str = "") -> OrderData:
        return orders.parse_order(raw)

    def order_number(self, raw: msgspec.Raw) -> str:
        return orders.read_order_number(raw)


def _grant(token: _Token, *, now: datetime) -> Grant:
    return Grant(
        access_token=token.access_token,
        access_expires_at=reading.expires_at(token.expire_in, now=now),
        refresh_token=token.refresh_token,
        refresh_expires_at=now + timedelta(days=30),
    )


def _who_came_back(params: Mapping[str, str]) -> tuple[str, str]:
    """One shop, or a main account with several."""
    for name in ("shop_id", "main_account_id"):
        if DIGITS.fullmatch(params.get(name, "")):
            return name, params[name]
    raise platform_error(Fault.INVALID_REQUEST, "came back with neither shop nor main account")


def _shops(account: Account) -> list[str]:
    return [each for each in account.secrets.get("shops", "").split(",") if each]


def _shop_id(account: Account) -> str:
    shop_id = account.account_id or (_shops(account) or [""])[0]
    if not DIGITS.fullmatch(shop_id):
        raise platform_error(Fault.INVALID_REQUEST, "no shop to call for")
    return shop_id
