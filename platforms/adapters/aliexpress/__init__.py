"""AliExpress (Open Platform). Fact sheet: docs/platforms/aliexpress.md."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import ClassVar
from urllib.parse import urlencode

import msgspec
from django.utils.translation import gettext_lazy as _

from platforms import reading, signing
from platforms.adapter import Adapter, Call
from platforms.adapters.aliexpress import details, faults, lists, orders
from platforms.adapters.aliexpress.advice import ADVICE
from platforms.adapters.aliexpress.calls import ask, decoded, result_of, sync
from platforms.adapters.aliexpress.modes import MODES, SCOPES, explain_value
from platforms.errors import Fault, NeedsSeller, NeedsSupport, PlatformError, platform_error
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
    Text,
    Window,
)

GATEWAY = "https://api-sg.aliexpress.com"
CREATE, REFRESH = "/auth/token/create", "/auth/token/refresh"
DUMMY_CODE = "3_0_storelink_checks_the_keys"
SELLER = "seller_center"


class _Token(msgspec.Struct):
    access_token: str
    refresh_token: str | None = None
    expires_in: int | None = None
    expire_time: int | None = None
    refresh_expires_in: int | None = None
    refresh_token_valid_time: int | None = None
    account_platform: str | None = None
    seller_id: int | str | None = None
    user_nick: str | None = None


class _Profile(msgspec.Struct):
    shop_name: str | None = None
    merchant_login_id: str | None = None
    seller_id: int | str | None = None


class AliExpress(Adapter):
    code = "aliexpress"
    name = "AliExpress"
    modes = MODES
    endpoints = {"api": GATEWAY, "auth": GATEWAY, "consent": GATEWAY}
    # AliExpress publishes no numbers (fact sheet §5); these are ours, with room for one page.
    limits = {
        "orders": (
            Limit(rate=2, burst=60, per_app=True, name="app"),
            Limit(rate=1, burst=40, name="store"),
        ),
        "default": Limit(rate=1, burst=10),
        "token": Limit(rate=1, burst=20, per_app=True),
    }
    scopes = SCOPES
    capabilities = ("orders",)
    withheld = _(
        "AliExpress does not give us what it sells in a fully managed channel: those are no orders"
        " of the shop."
    )
    messages_note = _(
        "AliExpress offers no interface for messages of buyers. Answer them in the message centre"
        " of the seller centre."
    )
    lag = timedelta(minutes=2)
    overlap = timedelta(minutes=15)
    max_window = timedelta(days=5)
    clock_limit = timedelta(seconds=7200)  # of the gateway
    back_fill = timedelta(days=179)
    poll_every = timedelta(minutes=10)
    refresh_renews = False  # `refresh_expires_in` keeps counting down (fact sheet §1)
    manage_url: ClassVar[str] = "https://sellercenter.aliexpress.com"
    advice = ADVICE

    # --- linking

    def explain_value(self, mode: Mode, field: Field, value: str) -> Text | None:
        return explain_value(field, value)

    def check_app(self, call: Call, *, now: datetime) -> None:
        """The gateway looks at the signature before the code: a complaint about the code means
        that key and secret fit (fact sheet §1A)."""
        try:
            self._ask_token(call, CREATE, {"code": DUMMY_CODE}, now=now)
        except PlatformError as exc:
            if not exc.detail.startswith("InvalidCode"):
                raise

    def consent_url(self, asked: Asked) -> str:
        query = {
            "response_type": "code",
            "force_auth": "true",  # or the browser's session of another shop is silently taken
            "client_id": asked.app.client_id,
            "redirect_uri": asked.app.redirect_uri,
            "state": asked.state,
        }
        base = asked.base or self.endpoint("consent")
        return f"{base}/oauth/authorize?{urlencode(query)}"

    def read_callback(self, params: Mapping[str, str], account: Account, *, now: datetime) -> str:
        code = params.get("code", "").strip()
        if not code:
            said = params.get("error") or params.get("error_code") or ""
            error = re.sub(r"\W", "", said)[:40]
            raise platform_error(Fault.CONSENT_DENIED, error or "came back without a code")
        if not re.fullmatch(r"[\x21-\x7e]{1,512}", code):
            raise platform_error(Fault.INVALID_REQUEST, "the code is not one of AliExpress's")
        return code

    def exchange(
        self, call: Call, *, code: str, verifier: str, params: Mapping[str, str], now: datetime
    ) -> Grant:
        token = self._ask_token(call, CREATE, {"code": code}, now=now)
        seller = _seller(token)
        if not seller:
            raise platform_error(Fault.BAD_RESPONSE, "the grant does not say whose it is")
        return _grant(token, seller, now=now)

    def refresh(self, call: Call, *, now: datetime) -> Grant:
        form = {"refresh_token": call.account.secrets["refresh_token"]}
        token = self._ask_token(call, REFRESH, form, now=now)
        seller, before = _seller(token), call.account.secrets.get("seller_id", "")
        if seller and before and seller != before:
            raise platform_error(Fault.SHOP_MISMATCH, "the refreshed grant is another seller's")
        return _grant(token, seller or before, now=now)

    def _ask_token(
        self, call: Call, path: str, form: Mapping[str, str], *, now: datetime
    ) -> _Token:
        app = _app(call.account)
        signed = _signed(app, path, {**form, **_common(app, now)})
        answer = ask(
            call,
            Request(
                method="POST",
                path=f"/rest{path}",
                endpoint="auth",
                operation="token",
                form=signed,
                signed=False,
            ),
        )
        token = decoded(answer, _Token)
        if not token.access_token:
            raise platform_error(Fault.BAD_RESPONSE, "the access token is empty")
        if token.account_platform and token.account_platform != SELLER:
            detail = f"signed in with an account of {token.account_platform}"
            raise platform_error(Fault.CONSENT_DENIED, reading.short(detail))
        return token

    def who_am_i(self, call: Call, *, now: datetime) -> Identity:
        seller = call.account.account_id or call.account.secrets.get("seller_id", "")
        if not seller:
            raise platform_error(Fault.BAD_RESPONSE, "the grant does not say whose it is")
        profile = self._profile(call)
        if profile.seller_id and str(profile.seller_id) != seller:
            raise platform_error(Fault.SHOP_MISMATCH, "the profile is another seller's")
        method = self._try_orders(call, now=now)
        nick = reading.text(call.account.secrets.get("user_nick"))
        login = reading.text(profile.merchant_login_id) or nick
        name = reading.text(profile.shop_name) or login or f"AliExpress {seller}"
        return Identity(
            account_id=seller,
            account_name=name,
            shops=(Shop(external_id=seller, name=name),),
            secrets={"orders_method": str(method)},
        )

    def _profile(self, call: Call) -> _Profile:
        """Which of the methods may be called depends on the application; none of them has to."""
        for method in (
            "aliexpress.solution.merchant.profile.get",
            "aliexpress.merchant.profile.get",
        ):
            try:
                answer = ask(call, sync(method, {}))
            except (NeedsSeller, NeedsSupport) as exc:
                if exc.fault not in (Fault.INSUFFICIENT_SCOPE, Fault.INVALID_REQUEST):
                    raise
                continue
            fields = decoded(answer, dict[str, msgspec.Raw])
            inner = bytes(fields.get("result", b"")) or bytes(fields.get("profile", b""))
            return decoded(replace(answer, body=inner or answer.body), _Profile)
        return _Profile()

    def _try_orders(self, call: Call, *, now: datetime) -> int:
        """Which list may be read. Raises INSUFFICIENT_SCOPE where none may."""
        window = Window(since=now - timedelta(hours=1), until=now)
        at = lists.start(window, now=now, overlap=self.overlap, method=0)
        self._list(call, at)
        return at.method

    # --- calling

    def sign(self, request: Request, account: Account, *, now: datetime) -> Request:
        app, token = _app(account), account.secrets.get("access_token")
        if not token:
            raise platform_error(Fault.TOKEN_EXPIRED, "there is no access token yet")
        form = {**(request.form or {}), **_common(app, now), "session": token}
        return replace(request, form=_signed(app, "", form))

    def read_fault(self, request: Request, answer: Answer) -> PlatformError | None:
        return faults.read_fault(answer)

    # --- orders

    def fetch_orders(
        self, call: Call, *, window: Window, cursor: str | None, now: datetime
    ) -> Page:
        method = call.account.secrets.get("orders_method") == "1"
        at = (
            msgspec.json.decode(cursor, type=lists.Cursor)
            if cursor
            else lists.start(window, now=now, overlap=self.overlap, method=int(method))
        )
        try:
            told = self._list(call, at)
        except NeedsSupport as exc:
            narrowed = lists.narrowed(at)
            if "time range" not in exc.detail.lower() or narrowed is None:
                raise
            return Page(records=(), cursor=msgspec.json.encode(narrowed).decode())
        try:
            rows = orders.items(told.target_list)
        except (msgspec.ValidationError, ValueError) as exc:
            raise platform_error(Fault.BAD_RESPONSE, reading.short(str(exc))) from None
        following = lists.following(at, told, len(rows))
        return Page(
            records=details.detailed(call, rows),
            cursor=msgspec.json.encode(following).decode() if following else None,
        )

    def _list(self, call: Call, at: lists.Cursor) -> lists.Told:
        """A page by the method of `at`, or by the other one, which `at` then remembers."""
        for attempt in range(len(lists.METHODS)):
            method, parameter = lists.METHODS[at.method]
            try:
                answer = ask(call, sync(method, {parameter: lists.question(at)}, "orders"))
            except NeedsSeller as exc:
                last = attempt == len(lists.METHODS) - 1
                if exc.fault is not Fault.INSUFFICIENT_SCOPE or last:
                    raise
                at.method = (at.method + 1) % len(lists.METHODS)
                continue
            if "result" not in decoded(answer, dict[str, msgspec.Raw]):
                # An empty list has a result: believing this would pass over orders.
                raise platform_error(Fault.BAD_RESPONSE, "the list has no result")
            return decoded(result_of(answer), lists.Told)
        raise AssertionError("every method returns or raises")

    def fetch_order(self, call: Call, *, number: str, now: datetime) -> Page | None:
        """No list can be asked for a number: the detail tells when the order was placed, and the
        list of that minute has the row."""
        if not orders.NUMBER.fullmatch(number):
            return None
        try:
            detail = details.ask_detail(call, list(details.METHODS), number)
        except NeedsSupport as exc:
            if faults.is_no_such_order(exc):
                return None
            raise
        if detail is None:
            return None
        row = self._find_row(call, number, detail)
        needed = orders.needs_detail(row)
        return Page(records=(orders.with_detail(row, detail) if needed else row,))

    def _find_row(self, call: Call, number: str, detail: msgspec.Raw) -> msgspec.Raw:
        method = call.account.secrets.get("orders_method") == "1"
        try:
            placed, status = orders.read_outline(detail)
            at: lists.Cursor | None = lists.around(placed, status=status, method=int(method))
            for _question in range(lists.MOST_LOOKS):
                if at is None:
                    break
                told = self._list(call, at)
                rows = orders.items(told.target_list)
                for row in rows:
                    if orders.read_order_number(row) == number:
                        return row
                at = lists.following(at, told, len(rows))
        except (msgspec.ValidationError, ValueError) as exc:
            raise platform_error(Fault.BAD_RESPONSE, reading.short(str(exc))) from None
        raise platform_error(Fault.BAD_RESPONSE, "the list does not show an order that exists")

    def parse_order(self, raw: msgspec.Raw, *, kind: str = "") -> OrderData:
        return orders.parse_order(raw)

    def order_number(self, raw: msgspec.Raw) -> str:
        return orders.read_order_number(raw)


def _app(account: Account) -> AppKeys:
    if account.app is None:
        raise platform_error(Fault.INVALID_REQUEST, "no application is set up for AliExpress")
    return account.app


def _common(app: AppKeys, now: datetime) -> dict[str, str]:
    return {
        "app_key": app.client_id,
        "timestamp": str(int(now.timestamp() * 1000)),
        "sign_method": "sha256",
    }


def _signed(app: AppKeys, path: str, form: Mapping[str, str]) -> dict[str, str]:
    return {**form, "sign": signing.iop_signature(app.client_secret, path, form)}


def _seller(token: _Token) -> str:
    return reading.text(str(token.seller_id)) or "" if token.seller_id else ""


def _grant(token: _Token, seller: str, *, now: datetime) -> Grant:
    """A refresh starts the access token's life anew, never the refresh token's own: that end is
    the day by which the seller must consent again (fact sheet §1A)."""
    access_ends = reading.expires_at(token.expires_in, now=now) or _from_ms(token.expire_time)
    ends = _from_ms(token.refresh_token_valid_time)
    if ends is None or ends <= now:
        ends = reading.expires_at(token.refresh_expires_in, now=now)
    renewable = token.refresh_token and token.refresh_expires_in != 0
    kept = {"seller_id": seller}
    if nick := reading.text(token.user_nick):
        kept["user_nick"] = nick
    return Grant(
        access_token=token.access_token,
        access_expires_at=access_ends,
        refresh_token=token.refresh_token if renewable else None,
        refresh_expires_at=ends if renewable else None,
        account_id=seller,
        consent_expires_at=ends if renewable else access_ends,
        secrets=kept,
    )


def _from_ms(value: int | None) -> datetime | None:
    if value is None or not 10**12 <= value < 10**14:
        return None
    return datetime.fromtimestamp(value // 1000, tz=UTC)
