"""Ozon (Seller API). Fact sheet: docs/platforms/ozon.md."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import ClassVar

import msgspec

from platforms import reading
from platforms.adapter import Adapter, Call
from platforms.adapters.ozon import faults, orders
from platforms.adapters.ozon.advice import ADVICE
from platforms.adapters.ozon.modes import MODES, SCOPES, explain_value
from platforms.errors import Fault, NeedsSeller, PlatformError, platform_error
from platforms.spec import (
    Account,
    Answer,
    Field,
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
LISTS = {"fbs": "/v4/posting/fbs/list", "fbo": "/v3/posting/fbo/list"}
NEEDED = {"Posting FBS": LISTS["fbs"], "Posting FBO": LISTS["fbo"]}
# since/to are required and span at most a year; they select by when processing began, so a
# posting that changes late must still be inside (fact sheet §3).
OLDEST_PROCESSING = timedelta(days=300)
WIDEST = timedelta(days=364)
# FBO has no filter by change: the same days are read again, further back now and then.
RESCAN = timedelta(days=2)
DEEP_RESCAN = timedelta(days=30)
DEEP_EVERY = timedelta(hours=6)
_EPOCH = datetime(2020, 1, 1, tzinfo=UTC)


class _Role(msgspec.Struct):
    name: str | None = None
    methods: list[str] | None = None


class _Roles(msgspec.Struct):
    expires_at: str | None = None
    roles: list[_Role] | None = None


class _Company(msgspec.Struct):
    name: str | None = None
    legal_name: str | None = None
    currency: str | None = None


class _SellerInfo(msgspec.Struct):
    company: _Company | None = None


class _Postings(msgspec.Struct):
    postings: list[msgspec.Raw] | None = None
    cursor: str | None = None
    has_next: bool = False


class _Cursor(msgspec.Struct):
    """Which list, between which bounds, and Ozon's own cursor in it."""

    kind: str
    since: datetime
    until: datetime
    fbs_from: datetime
    fbs_to: datetime
    fbo_from: datetime
    at: str = ""
    refused: bool = False  # FBS was refused for want of a role


class Ozon(Adapter):
    code = "ozon"
    name = "Ozon"
    modes = MODES
    endpoints = {"api": "https://api-seller.ozon.ru"}
    # Ozon allows 50 a second for all programs of a seller together; this is our share.
    limits = {
        "orders": Limit(rate=10, burst=10),
        "default": Limit(rate=10, burst=10),
    }
    scopes = SCOPES
    lag = timedelta(minutes=1)
    overlap = timedelta(minutes=15)
    max_window = timedelta(days=30)
    back_fill = timedelta(days=364)
    poll_every = timedelta(minutes=5)
    needs_app = False
    manage_url: ClassVar[str] = "https://seller.ozon.ru/app/settings/api-keys"
    advice = ADVICE

    # --- linking

    def explain_value(self, mode: Mode, field: Field, value: str) -> Text | None:
        return explain_value(field, value)

    def who_am_i(self, call: Call, *, now: datetime) -> Identity:
        answer = call(Request(method="POST", path="/v1/roles"))
        roles = reading.decode(answer, _Roles)
        missing = _missing(roles)
        if len(missing) == len(NEEDED):
            self._probe(call, now=now)
        company = _company(call)
        client_id = call.account.secrets["client_id"]
        name = reading.text(company.name) or reading.text(company.legal_name)
        name = name or f"Ozon {client_id}"
        shop = Shop(external_id=client_id, name=name, currency=reading.text(company.currency) or "")
        return Identity(
            account_id=client_id,
            account_name=name,
            shops=(shop,),
            scopes=_role_names(roles),
            missing=missing,
            consent_expires_at=_moment(roles.expires_at),
        )

    def _probe(self, call: Call, *, now: datetime) -> None:
        """What /v1/roles says is a hint: try the lists. Raises INSUFFICIENT_SCOPE if none opens."""
        window = Window(since=now - timedelta(minutes=1), until=now)
        page = self.fetch_orders(call, window=window, cursor=None, now=now)
        if page.cursor:
            self.fetch_orders(call, window=window, cursor=page.cursor, now=now)

    # --- calling

    def sign(self, request: Request, account: Account, *, now: datetime) -> Request:
        client_id = account.secrets.get("client_id", "")
        api_key = account.secrets.get("api_key", "")
        if not (client_id and api_key and (client_id + api_key).isascii()):
            raise platform_error(Fault.BAD_CREDENTIALS, "client id or key missing or not ASCII")
        headers = {
            **request.headers,
            "Client-Id": client_id,
            "Api-Key": api_key,
            "content-type": "application/json",
            "accept": "application/json",
        }
        return replace(request, headers=headers)

    def read_fault(self, request: Request, answer: Answer) -> PlatformError | None:
        return faults.read_fault(answer)

    # --- orders

    def fetch_orders(
        self, call: Call, *, window: Window, cursor: str | None, now: datetime
    ) -> Page:
        at = (
            msgspec.json.decode(cursor, type=_Cursor)
            if cursor
            else _start(window, now=now, overlap=self.overlap)
        )
        try:
            page = self._list(call, at)
        except NeedsSeller as exc:
            # A key for one of the two lists is a key for half of the shop, not a dead one:
            # what is missing is told at linking (Identity.missing).
            if exc.fault is not Fault.INSUFFICIENT_SCOPE or at.refused:
                raise
            page = _Postings()
            at.refused = at.kind == "fbs"
        kind, following = at.kind, _following(at, page)
        return Page(
            records=tuple(page.postings or ()),
            cursor=msgspec.json.encode(following).decode() if following else None,
            kind=kind,
        )

    def _list(self, call: Call, at: _Cursor) -> _Postings:
        if at.kind == "fbs":
            chosen: dict[str, object] = {
                "since": _stamp(at.fbs_from),
                "to": _stamp(at.fbs_to),
                "last_changed_status_date": {
                    "from": _stamp(at.since),
                    "to": _stamp(at.until),
                },
            }
        else:
            chosen = {"since": _stamp(at.fbo_from), "to": _stamp(at.until)}
        body: dict[str, object] = {
            "filter": chosen,
            "limit": PAGE_SIZE,
            "sort_dir": "ASC",
            "with": {"analytics_data": True, "financial_data": True},
        }
        if at.at:
            body["cursor"] = at.at
        request = Request(method="POST", path=LISTS[at.kind], operation="orders", json=body)
        return reading.decode(call(request), _Postings)

    def parse_order(self, raw: msgspec.Raw, *, kind: str = "") -> OrderData:
        return orders.parse_order(raw, kind=kind)

    def order_number(self, raw: msgspec.Raw) -> str:
        return orders.read_order_number(raw)


def _start(window: Window, *, now: datetime, overlap: timedelta) -> _Cursor:
    since = window.since - OLDEST_PROCESSING
    return _Cursor(
        kind="fbs",
        since=window.since,
        until=window.until,
        fbs_from=since,
        fbs_to=min(max(now, window.until), since + WIDEST),
        fbo_from=_fbo_from(window, now=now, overlap=overlap),
    )


def _fbo_from(window: Window, *, now: datetime, overlap: timedelta) -> datetime:
    """How far back FBO is read again: not at all for a back-fill, which asks for its own days."""
    if window.until < now - RESCAN:
        return window.since
    reached = window.since + overlap  # where the window before this one ended
    short = window.until - reached <= DEEP_EVERY
    deep = short and (reached - _EPOCH) // DEEP_EVERY != (window.until - _EPOCH) // DEEP_EVERY
    return min(window.since, window.until - (DEEP_RESCAN if deep else RESCAN))


def _following(at: _Cursor, page: _Postings) -> _Cursor | None:
    """Ozon was seen to say `has_next` with an empty page or an old cursor: that is the end."""
    if page.has_next and page.postings and page.cursor and page.cursor != at.at:
        return msgspec.structs.replace(at, at=page.cursor)
    if at.kind == "fbs":
        return msgspec.structs.replace(at, kind="fbo", at="")
    return None


def _company(call: Call) -> _Company:
    """What the key may say about the shop: nothing, where the role for it is missing."""
    try:
        answer = call(Request(method="POST", path="/v1/seller/info"))
    except NeedsSeller as exc:
        if exc.fault is not Fault.INSUFFICIENT_SCOPE:
            raise
        return _Company()
    return reading.decode(answer, _SellerInfo).company or _Company()


def _role_names(roles: _Roles) -> tuple[str, ...] | None:
    if roles.roles is None:
        return None
    return tuple(name for role in roles.roles if (name := reading.text(role.name)))


def _missing(roles: _Roles) -> tuple[str, ...]:
    """Needed roles that the key lacks; none where Ozon does not tell."""
    if roles.roles is None or any("admin" in (role.name or "").lower() for role in roles.roles):
        return ()
    methods = [method for role in roles.roles for method in role.methods or ()]
    return tuple(
        name
        for name, path in NEEDED.items()
        if not any(_covers(method, path) for method in methods)
    )


def _covers(method: str, path: str) -> bool:
    """Ozon names methods in full or by a prefix, sometimes of an older version."""
    prefix = re.sub(r"^/v\d+", "", method.strip()).rstrip("/")
    return bool(prefix) and f"{_unversioned(path)}/".startswith(f"{prefix}/")


def _unversioned(path: str) -> str:
    return re.sub(r"^/v\d+", "", path)


def _moment(value: str | None) -> datetime | None:
    """A time, None where Ozon leaves it out or empty, as for older keys."""
    try:
        return reading.moment(datetime.fromisoformat(value)) if value else None
    except ValueError:
        return None


def _stamp(moment: datetime) -> str:
    utc = moment.astimezone(UTC)
    return f"{utc:%Y-%m-%dT%H:%M:%S}.{utc.microsecond // 1000:03d}Z"
