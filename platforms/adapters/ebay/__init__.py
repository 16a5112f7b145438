"""eBay (Sell APIs). Fact sheet: docs/platforms/ebay.md."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import ClassVar
from urllib.parse import parse_qs, quote, unquote, urlencode, urlsplit

import msgspec
from django.utils.translation import gettext_lazy as _

from platforms import reading
from platforms.adapter import Adapter, Call
from platforms.adapters.ebay import faults, orders, tokens
from platforms.adapters.ebay.advice import ADVICE
from platforms.adapters.ebay.modes import APP_FIELDS, MODES, SCOPES
from platforms.adapters.ebay.webhooks import EbayWebhooks
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

PAGE_SIZE = 200
READ_AGAIN = 2  # times
# 12-34567-89012; older orders have the listing's and the sale's number, or one number alone.
NUMBER = r"[0-9]{2}-[0-9]{5}-[0-9]{5}|[0-9]{9,19}(-[0-9]{1,19})?"
CODE_LENGTH = 1024
_DAY_S = 86_400


class _User(msgspec.Struct):
    userId: str
    username: str | None = None
    status: str | None = None


class _Orders(msgspec.Struct):
    orders: list[msgspec.Raw] | None = None
    next: str | None = None
    total: int | None = None


class _Cursor(msgspec.Struct):
    since: datetime
    until: datetime
    offset: int
    total: int | None = None  # what the first page told
    again: int = 0  # how often this window was begun anew


class Ebay(Adapter):
    code = "ebay"
    name = "eBay"
    modes = MODES
    endpoints = {
        "api": "https://api.ebay.com",
        "api@sandbox": "https://api.sandbox.ebay.com",
        "apiz": "https://apiz.ebay.com",
        "apiz@sandbox": "https://apiz.sandbox.ebay.com",
        "auth": "https://api.ebay.com",
        "auth@sandbox": "https://api.sandbox.ebay.com",
        "consent": "https://auth.ebay.com",
        "consent@sandbox": "https://auth.sandbox.ebay.com",
    }
    # fact sheet §5 and §1.1: budgets per keyset and day, for all sellers together
    limits = {
        "orders": Limit(rate=100_000 / _DAY_S, burst=2_000, per_app=True),
        "identity": Limit(rate=5_000 / _DAY_S, burst=200, per_app=True),
        "refresh": Limit(rate=50_000 / _DAY_S, burst=1_000, per_app=True),
        "exchange": Limit(rate=10_000 / _DAY_S, burst=200, per_app=True),
        "application_token": Limit(rate=1_000 / _DAY_S, burst=50, per_app=True),
        "notification": Limit(rate=10_000 / _DAY_S, burst=200, per_app=True),
    }
    scopes = SCOPES
    lag = timedelta(minutes=1)
    overlap = timedelta(minutes=5)
    max_window = timedelta(days=30)
    sandbox_ids = r".+-SBX-.+"
    back_fill = timedelta(days=729)  # eBay refuses dates more than two years back
    withheld = _(
        "eBay does not give us orders before their checkout is complete, such as auctions that"
        " nobody has paid for."
    )
    poll_every = timedelta(minutes=10)
    refresh_renews = False  # 18 months from the consent, not one day more (fact sheet §1)
    refresh_repeats = True  # the refresh token stays the same
    manage_url: ClassVar[str] = "https://accounts.ebay.com/acctsec/security-center"
    advice = ADVICE
    app_fields = APP_FIELDS
    webhooks = EbayWebhooks()

    # --- linking

    def consent_url(self, asked: Asked) -> str:
        app = asked.app
        tokens.refuse_other_environment(app)
        query = {
            "client_id": app.client_id,
            "redirect_uri": app.redirect_uri,  # the RuName, not an address
            "response_type": "code",
            "scope": " ".join(asked.mode.scopes),
            "state": asked.state,
            "prompt": "login",  # a seller with two accounts must be able to choose
        }
        base = asked.base or self.endpoint("consent", environment=app.environment)
        return f"{base}/oauth2/authorize?{urlencode(query)}"

    def read_callback(self, params: Mapping[str, str], account: Account, *, now: datetime) -> str:
        code = params.get("code", "")
        if not code:
            error = re.sub(r"\W", "", params.get("error_id") or params.get("error", ""))[:40]
            raise platform_error(Fault.CONSENT_DENIED, error or "came back without a code")
        if re.match(r"v%5E", code, re.IGNORECASE):
            code = unquote(code)  # pasted by hand it may still be percent-encoded
        if len(code) > CODE_LENGTH:
            raise platform_error(Fault.INVALID_REQUEST, "the code is too long to be eBay's")
        return code

    def exchange(
        self, call: Call, *, code: str, verifier: str, params: Mapping[str, str], now: datetime
    ) -> Grant:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": tokens.app_of(call.account).redirect_uri,
        }
        grant = tokens.ask(call, form, operation="exchange", now=now)
        if grant.refresh_token is None:
            # Without it the link would be dead in two hours (fact sheet §1.1).
            raise platform_error(Fault.BAD_RESPONSE, "no refresh token came with the grant")
        return grant

    def refresh(self, call: Call, *, now: datetime) -> Grant:
        form = {
            "grant_type": "refresh_token",
            "refresh_token": call.account.secrets["refresh_token"],
        }
        return tokens.ask(call, form, operation="refresh", now=now)

    def who_am_i(self, call: Call, *, now: datetime) -> Identity:
        answer = call(
            Request(
                method="GET",
                path="/commerce/identity/v1/user/",
                endpoint="apiz",
                operation="identity",
            )
        )
        user = reading.decode(answer, _User)
        user_id = reading.text(user.userId)
        if not user_id:
            raise platform_error(Fault.BAD_RESPONSE, "the account has no number")
        if (user.status or "").upper() == "ACCOUNTONHOLD":
            raise platform_error(Fault.ACCOUNT_SUSPENDED, "ACCOUNTONHOLD")
        # The user name can change and may be an opaque id: only userId is the key.
        name = reading.text(user.username) or user_id
        return Identity(
            account_id=user_id,
            account_name=name,
            shops=(Shop(external_id=user_id, name=name),),
        )

    # --- calling

    def sign(self, request: Request, account: Account, *, now: datetime) -> Request:
        token = account.secrets.get("access_token")
        if not token:
            raise platform_error(Fault.TOKEN_EXPIRED, "there is no access token yet")
        headers = {
            **request.headers,
            "authorization": f"Bearer {token}",
            "accept": "application/json",
        }
        return replace(request, headers=headers)

    def read_fault(self, request: Request, answer: Answer) -> PlatformError | None:
        return faults.read_fault(request, answer)

    def worth_refreshing(self, error: PlatformError) -> bool:
        # Some services of eBay answer 1100 to an expired token (fact sheet §6).
        return super().worth_refreshing(error) or (
            error.fault is Fault.INSUFFICIENT_SCOPE and error.detail.startswith("1100")
        )

    # --- orders

    def fetch_orders(
        self, call: Call, *, window: Window, cursor: str | None, now: datetime
    ) -> Page:
        at = (
            msgspec.json.decode(cursor, type=_Cursor)
            if cursor
            else _Cursor(since=window.since, until=min(window.until, now), offset=0)
        )
        answer = call(
            Request(
                method="GET",
                path=faults.ORDER_PATH,
                operation="orders",
                params={
                    "filter": f"lastmodifieddate:[{_stamp(at.since)}..{_stamp(at.until)}]",
                    "limit": str(PAGE_SIZE),
                    "offset": str(at.offset),
                },
            )
        )
        page = reading.decode(answer, _Orders)
        records = tuple(page.orders or ())
        if at.offset == 0:
            at.total = page.total
        offset = _next_offset(page, at.offset)
        if offset is None and _has_shrunk(page, at) and at.again < READ_AGAIN:
            # Orders changed meanwhile and left the window: those behind moved up unseen.
            offset, at.again = 0, at.again + 1
        if offset is None:
            return Page(records=records)
        at.offset = offset
        return Page(records=records, cursor=msgspec.json.encode(at).decode())

    def fetch_order(self, call: Call, *, number: str, now: datetime) -> Page | None:
        if not re.fullmatch(NUMBER, number):
            return None
        path = f"{faults.ORDER_PATH}/{quote(number, safe='')}"
        request = Request(method="GET", path=path, operation="orders")
        answer = call(request)
        if faults.is_missing(request, answer):
            return None
        return self.page_of_one(reading.decode(answer, msgspec.Raw))

    def parse_order(self, raw: msgspec.Raw, *, kind: str = "") -> OrderData:
        return orders.parse_order(raw)

    def order_number(self, raw: msgspec.Raw) -> str:
        return orders.read_order_number(raw)


def _stamp(moment: datetime) -> str:
    utc = moment.astimezone(UTC)
    return f"{utc:%Y-%m-%dT%H:%M:%S}.{utc.microsecond // 1000:03d}Z"


def _has_shrunk(page: _Orders, at: _Cursor) -> bool:
    return page.total is not None and at.total is not None and page.total < at.total


def _next_offset(page: _Orders, offset: int) -> int | None:
    """Where the next page starts. Only the offset is taken from `next`, never its host.

    A page that is not full is not the last one: eBay says so by leaving `next` out.
    """
    if not page.next:
        return None
    found = parse_qs(urlsplit(page.next).query).get("offset", [""])[0]
    following = int(found) if re.fullmatch(r"[0-9]{1,9}", found) else offset + PAGE_SIZE
    if following <= offset:
        raise platform_error(Fault.BAD_RESPONSE, "the next page does not move on")
    if not page.orders and following >= (page.total or 0):
        return None
    return following
