"""Shopify (GraphQL Admin API). Fact sheet: docs/platforms/shopify.md."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar
from urllib.parse import quote, urlencode

import msgspec
from django.utils.translation import gettext_lazy as _

from platforms import reading
from platforms.adapter import Adapter, Call, Webhooks
from platforms.adapters.shopify import faults, graphql, orders, queries
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
CALLBACK_TOLERANCE = timedelta(seconds=90)
FIRST_SIZE, MOST_SIZE = 10, 50
LINES = 50
MOST_LINE_PAGES = 50
FIRST_COST = 150.0
CHEAP = 400.0  # a query may cost 1000: up to here twice as many orders fit
# One question may be paged through 25,000 objects; then it is asked anew, further on.
MOST_PAGED = 20_000


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


class _PageInfo(msgspec.Struct):
    hasNextPage: bool = False
    endCursor: str | None = None


class _OrderNodes(msgspec.Struct):
    nodes: list[msgspec.Raw]
    pageInfo: _PageInfo


class _Orders(msgspec.Struct):
    orders: _OrderNodes


class _Lines(msgspec.Struct):
    nodes: list[Any]
    pageInfo: _PageInfo


class _WithLines(msgspec.Struct):
    lineItems: _Lines
    id: str | None = None


class _OneOrder(msgspec.Struct):
    order: _WithLines | None = None


class _Changed(msgspec.Struct):
    updatedAt: datetime


class _Cursor(msgspec.Struct):
    """The question, Shopify's own cursor in it, and how much may be asked at once."""

    since: datetime
    until: datetime
    after: str | None = None
    size: int = FIRST_SIZE
    lines: int = LINES
    cost: float = FIRST_COST
    paged: int = 0


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
    poll_every = timedelta(minutes=5)
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
        at = (
            msgspec.json.decode(cursor, type=_Cursor)
            if cursor
            else _Cursor(since=window.since, until=window.until)
        )
        page = self._page(call, at)
        records = tuple(self._whole(call, raw) for raw in page.nodes)
        if not (page.pageInfo.hasNextPage and page.pageInfo.endCursor and records):
            return Page(records=records)
        if page.pageInfo.endCursor == at.after:
            raise platform_error(Fault.BAD_RESPONSE, "the next page does not move on")
        at.after = page.pageInfo.endCursor
        at.paged += len(records)
        _ask_anew(at, records[-1])
        return Page(records=records, cursor=msgspec.json.encode(at).decode())

    def _page(self, call: Call, at: _Cursor) -> _OrderNodes:
        """The page, with as many orders as Shopify lets one query cost; `at` learns how many."""
        while True:
            variables = {
                "first": at.size,
                "lines": at.lines,
                "after": at.after,
                "query": changed_between(at.since, at.until),
            }
            try:
                answer = graphql.send(call, queries.ORDERS, variables, cost=min(at.cost, 1000))
            except PlatformError as exc:
                if faults.TOO_DEAR not in exc.detail or at.size == at.lines == 1:
                    raise
                at.lines = at.lines if at.size > 1 else max(1, at.lines // 2)
                at.size = max(1, at.size // 2)
                continue
            page = graphql.read(answer, _Orders).orders
            at.cost = faults.read_cost(answer).requestedQueryCost or at.cost
            if at.cost <= CHEAP and at.size < MOST_SIZE:
                at.size = min(at.size * 2, MOST_SIZE)
                at.cost *= 2
            return page

    def _whole(self, call: Call, raw: msgspec.Raw) -> msgspec.Raw:
        """The order with all its lines; as received where they came with it."""
        try:
            order = reading.read(raw, _WithLines)
        except (msgspec.ValidationError, ValueError):
            return raw  # parse_order will say what is wrong with it
        page, nodes = order.lineItems.pageInfo, list(order.lineItems.nodes)
        for _more in range(MOST_LINE_PAGES):
            if not page.hasNextPage:
                break
            variables = {"id": order.id, "after": page.endCursor}
            found = graphql.ask(call, queries.LINES, variables, _OneOrder, cost=20).order
            if found is None:  # deleted meanwhile
                break
            page = found.lineItems.pageInfo
            nodes += found.lineItems.nodes
        else:
            raise platform_error(Fault.BAD_RESPONSE, "an order has no end of lines")
        if len(nodes) == len(order.lineItems.nodes):
            return raw
        whole = msgspec.json.decode(raw)
        whole["lineItems"]["nodes"] = nodes
        return msgspec.Raw(msgspec.json.encode(whole))

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


def _ask_anew(at: _Cursor, last: msgspec.Raw) -> None:
    """Before Shopify's end of paging, ask for what changed since the last order instead."""
    if at.paged < MOST_PAGED:
        return
    try:
        since = reading.moment(reading.read(last, _Changed).updatedAt)
    except (msgspec.ValidationError, ValueError):
        return
    if since > at.since:
        at.since, at.after, at.paged = since, None, 0


def changed_between(since: datetime, until: datetime) -> str:
    """Shopify counts whole seconds: rounded outwards, so that no part of one is left out."""
    if until.microsecond:
        until += timedelta(seconds=1)
    return f"updated_at:>='{_stamp(since)}' updated_at:<'{_stamp(until)}'"


def _stamp(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S}Z"
