"""Amazon (Selling Partner API). Fact sheet: docs/platforms/amazon.md."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import ClassVar
from urllib.parse import quote

import msgspec
from django.utils.translation import gettext_lazy as _

from platforms import reading
from platforms.adapter import Adapter, Call
from platforms.adapters.amazon import consent, faults, orders
from platforms.adapters.amazon.advice import ADVICE
from platforms.adapters.amazon.modes import MODES, SCOPES, SELF, explain_value
from platforms.adapters.amazon.sites import BY_MARKETPLACE, REGIONS, SITES
from platforms.errors import Fault, NeedsSupport, PlatformError, platform_error
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
    Shop,
    Site,
    Start,
    Text,
    Window,
)

PAGE_SIZE = 100
INCLUDED_DATA = "BUYER,RECIPIENT,PROCEEDS,FULFILLMENT,CANCELLATION,PACKAGES"
NEWEST = timedelta(minutes=2)  # lastUpdatedBefore must be at least this old
NUMBER = r"([0-9]{3}|S[0-9]{2})-[0-9]{7}-[0-9]{7}"  # S01 and the like: other sales channels
TOKEN_LIFE = timedelta(hours=23)  # of a paginationToken; Amazon says 24
# Some orders show up hours after they changed (fact sheet §3): once a day look back further.
SWEEP = timedelta(days=3)
SWEEP_AT = timedelta(hours=3, minutes=30)


class _Token(msgspec.Struct):
    access_token: str
    expires_in: int | None = None
    refresh_token: str | None = None


class _Marketplace(msgspec.Struct):
    id: str
    name: str | None = None
    defaultCurrencyCode: str | None = None


class _Participation(msgspec.Struct):
    isParticipating: bool = False
    hasSuspendedListings: bool = False


class _Entry(msgspec.Struct):
    marketplace: _Marketplace
    participation: _Participation
    storeName: str | None = None


class _Participations(msgspec.Struct):
    payload: list[_Entry]


class _Pagination(msgspec.Struct):
    nextToken: str | None = None


class _Orders(msgspec.Struct):
    orders: list[msgspec.Raw] | None = None
    pagination: _Pagination | None = None


class _One(msgspec.Struct):
    order: msgspec.Raw


class _Cursor(msgspec.Struct):
    """`shops` too: a token is good only for the very parameters it was given for."""

    since: datetime
    until: datetime
    shops: list[str]
    token: str
    given_at: datetime


class Amazon(Adapter):
    code = "amazon"
    name = "Amazon"
    modes = MODES
    sites = SITES
    regions = REGIONS
    endpoints = {
        "api.na": "https://sellingpartnerapi-na.amazon.com",
        "api.eu": "https://sellingpartnerapi-eu.amazon.com",
        "api.fe": "https://sellingpartnerapi-fe.amazon.com",
        "api.na@sandbox": "https://sandbox.sellingpartnerapi-na.amazon.com",
        "api.eu@sandbox": "https://sandbox.sellingpartnerapi-eu.amazon.com",
        "api.fe@sandbox": "https://sandbox.sellingpartnerapi-fe.amazon.com",
        "auth": "https://api.amazon.com",
        "consent": "https://sellercentral.amazon.com",
        "consent.eu": "https://sellercentral-europe.amazon.com",
        "consent.fe": "https://sellercentral.amazon.co.jp",
    }
    # fact sheet §5; each per seller, application and region
    limits = {
        "orders": Limit(rate=0.0056, burst=20),
        "order": Limit(rate=0.5, burst=30),
        "participations": Limit(rate=0.016, burst=15),
    }
    scopes = SCOPES
    messages_note = _(
        "Amazon has no interface for reading or answering messages of buyers. Customer service"
        " sees the order and the buyer's contact here and answers in Seller Central."
    )
    lag = timedelta(minutes=3)
    overlap = timedelta(minutes=5)
    max_window = timedelta(days=30)
    back_fill = timedelta(days=729)
    buyer_data_days = 30  # Data Protection Policy (fact sheet, "Keeping buyers' data")
    poll_every = timedelta(minutes=5)
    refresh_repeats = True  # the refresh token stays the same (fact sheet §1)
    pull_by_authorization = True
    starts_there = True
    app_fields = (
        Field(
            name="application_id",
            label=_("Application id"),
            help=_("Begins with “amzn1.sp.solution.”; older ones with “amzn1.sellerapps.app.”"),
            where=_("Seller Central > Apps and Services > Develop Apps"),
            pattern=r"amzn1\.(sp\.solution|sellerapps\.app)\.[0-9a-f-]+",
        ),
        Field(
            name="draft",
            label=_("The application is still a draft"),
            help=_("Amazon then wants “version=beta” in the address of the consent page."),
            required=False,
            choices=(("", _("No")), ("1", _("Yes"))),
        ),
    )
    manage_url: ClassVar[str] = "https://sellercentral.amazon.com/apps/manage"
    advice = ADVICE

    # --- linking

    def explain_value(self, mode: Mode, field: Field, value: str) -> Text | None:
        return explain_value(field, value)

    def consent_url(self, asked: Asked) -> str:
        return consent.consent_url(asked, base=asked.base or self._consent_base(asked))

    def _consent_base(self, asked: Asked) -> str:
        if asked.site:
            return self.site(asked.site).consent_base
        return self.endpoint("consent", region=asked.region)

    def read_start(self, params: Mapping[str, str], *, app: AppKeys | None, now: datetime) -> Start:
        return consent.read_start(params, now=now)

    def read_callback(self, params: Mapping[str, str], account: Account, *, now: datetime) -> str:
        code = params.get("spapi_oauth_code", "")
        if not code:
            error = re.sub(r"\W", "", params.get("error", ""))[:40]
            raise platform_error(Fault.CONSENT_DENIED, error or "came back without a code")
        return code

    def exchange(
        self, call: Call, *, code: str, verifier: str, params: Mapping[str, str], now: datetime
    ) -> Grant:
        seller_id = params.get("selling_partner_id", "")
        if not re.fullmatch(consent.SELLER_ID, seller_id):
            # No later call tells the seller id: without it the account has no name.
            raise platform_error(Fault.BAD_RESPONSE, "the callback names no seller")
        client_id, client_secret, app = _client(call.account)
        form = {"grant_type": "authorization_code", "code": code}
        if app and app.redirect_uri:
            form["redirect_uri"] = app.redirect_uri
        form |= {"client_id": client_id, "client_secret": client_secret}
        grant = _token(call, form, now=now)
        if grant.refresh_token is None:
            raise platform_error(Fault.BAD_RESPONSE, "no refresh token came with the grant")
        return replace(grant, account_id=seller_id)

    def refresh(self, call: Call, *, now: datetime) -> Grant:
        client_id, client_secret, _app = _client(call.account)
        form = {
            "grant_type": "refresh_token",
            "client_id": client_id,
            "refresh_token": call.account.secrets["refresh_token"],
            "client_secret": client_secret,
        }
        return _token(call, form, now=now)

    def who_am_i(self, call: Call, *, now: datetime) -> Identity:
        answer = call(
            Request(
                method="GET",
                path="/sellers/v1/marketplaceParticipations",
                operation="participations",
            )
        )
        entries = reading.decode(answer, _Participations).payload
        account_id = _account_id(call.account)
        shops = tuple(
            _shop(account_id, entry, BY_MARKETPLACE[entry.marketplace.id])
            for entry in entries
            # The list also holds pseudo marketplaces with ids of their own (fact sheet §1.6).
            if entry.participation.isParticipating and entry.marketplace.id in BY_MARKETPLACE
        )
        name = next((shop.name for shop in shops), account_id)
        return Identity(account_id=account_id, account_name=name, shops=shops)

    # --- calling

    def sign(self, request: Request, account: Account, *, now: datetime) -> Request:
        token = account.secrets.get("access_token")
        if not token:
            raise platform_error(Fault.TOKEN_EXPIRED, "there is no access token yet")
        headers = {
            **request.headers,
            "x-amz-access-token": token,
            "x-amz-date": f"{now.astimezone(UTC):%Y%m%dT%H%M%SZ}",
            "accept": "application/json",
        }
        return replace(request, headers=headers)

    def read_fault(self, request: Request, answer: Answer) -> PlatformError | None:
        return faults.read_fault(request, answer)

    # --- orders

    def fetch_orders(
        self, call: Call, *, window: Window, cursor: str | None, now: datetime
    ) -> Page:
        at = _resume(call.account, window, cursor, now=now, overlap=self.overlap)
        if at.until <= at.since:
            return Page(records=())
        params = {
            "lastUpdatedAfter": _stamp(at.since),
            "lastUpdatedBefore": _stamp(at.until),
            "marketplaceIds": ",".join(at.shops),
            "includedData": INCLUDED_DATA,
            "maxResultsPerPage": str(PAGE_SIZE),
            "paginationToken": at.token,
        }
        answer = call(
            Request(
                method="GET",
                path=faults.ORDERS_PATH,
                operation="orders",
                params={name: value for name, value in params.items() if value},
            )
        )
        page = reading.decode(answer, _Orders)
        records = tuple(page.orders or ())
        token = page.pagination.nextToken if page.pagination else None
        if not token:
            return Page(records=records)
        if token == at.token:
            raise platform_error(Fault.BAD_RESPONSE, "the next page does not move on")
        following = msgspec.structs.replace(at, token=token, given_at=now)
        return Page(records=records, cursor=msgspec.json.encode(following).decode())

    def fetch_order(self, call: Call, *, number: str, now: datetime) -> Page | None:
        """May be of a marketplace that is not linked, which no pull gives."""
        if not re.fullmatch(NUMBER, number):
            return None
        request = Request(
            method="GET",
            path=f"{faults.ORDERS_PATH}/{quote(number, safe='')}",
            operation="order",
            params={"includedData": INCLUDED_DATA},
        )
        answer = call(request)
        if faults.is_missing(request, answer):
            return None
        raw = reading.decode(answer, _One).order
        # Version 0 answered 200 with nothing in the wrapping (fact sheet, "One order").
        return None if bytes(raw).strip() in (b"null", b"{}") else self.page_of_one(raw)

    def parse_order(self, raw: msgspec.Raw, *, kind: str = "") -> OrderData:
        return orders.parse_order(raw)

    def order_number(self, raw: msgspec.Raw) -> str:
        return orders.read_order_number(raw)


def _client(account: Account) -> tuple[str, str, AppKeys | None]:
    """Client id and secret: the seller's own for a private application, else ours."""
    if account.mode == SELF:
        return account.secrets["client_id"], account.secrets["client_secret"], None
    if account.app is None:
        raise platform_error(Fault.INVALID_REQUEST, "no application is set up for Amazon")
    return account.app.client_id, account.app.client_secret, account.app


def _token(call: Call, form: dict[str, str], *, now: datetime) -> Grant:
    try:
        answer = call(
            Request(
                method="POST",
                path="/auth/o2/token",
                endpoint="auth",
                operation="token",
                form=form,
                signed=False,
            )
        )
    except PlatformError as exc:
        if exc.fault is Fault.BAD_CREDENTIALS and call.account.mode != SELF:
            # Our own secret is wrong or has ended: that stops every seller at once.
            raise NeedsSupport(exc.fault, exc.detail) from None
        raise
    token = reading.decode(answer, _Token, strict=False)
    if not token.access_token:
        raise platform_error(Fault.BAD_RESPONSE, "the access token is empty")
    return Grant(
        access_token=token.access_token,
        access_expires_at=reading.expires_at(token.expires_in, now=now),
        refresh_token=token.refresh_token or None,
    )


def _account_id(account: Account) -> str:
    seller_id = account.account_id or account.secrets.get("seller_id", "")
    if seller_id:
        return seller_id
    if account.mode != SELF:
        # Our client id is the same for all sellers: it must never stand for one of them.
        raise platform_error(Fault.INVALID_REQUEST, "the authorization names no seller")
    return f"app:{account.secrets['client_id']}"


def _shop(account_id: str, entry: _Entry, site: Site) -> Shop:
    warning: Text = ""
    if entry.participation.hasSuspendedListings:
        warning = _("Amazon has suspended listings in this marketplace.")
    market = entry.marketplace
    return Shop(
        external_id=f"{account_id}:{market.id}",
        name=reading.text(entry.storeName) or reading.text(market.name) or site.code,
        site=site.code,
        currency=reading.text(market.defaultCurrencyCode) or "",
        warning=warning,
    )


def _resume(
    account: Account, window: Window, cursor: str | None, *, now: datetime, overlap: timedelta
) -> _Cursor:
    if cursor:
        at = msgspec.json.decode(cursor, type=_Cursor)
        if now - at.given_at > TOKEN_LIFE:
            at.token = ""  # ended: the same window again from its first page
        return at
    shops = dict.fromkeys(shop.rpartition(":")[2] for shop in account.shop_ids)
    return _Cursor(
        since=_look_back(window, overlap=overlap),
        until=min(window.until, now - NEWEST),
        shops=[shop for shop in shops if shop in BY_MARKETPLACE],
        token="",
        given_at=now,
    )


def _look_back(window: Window, *, overlap: timedelta) -> datetime:
    """The start of the window; once a day three days earlier, for orders that showed up late.

    The sweep belongs to the one incremental window that first reaches past SWEEP_AT.
    """
    reached = window.since + overlap  # where the window before this one ended
    if window.until - reached > timedelta(hours=6):
        return window.since
    day = window.until.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    if reached <= day + SWEEP_AT < window.until:
        return min(window.since, window.until - SWEEP)
    return window.since


def _stamp(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
