"""Ozon (Seller API). Fact sheet: docs/platforms/ozon.md."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import ClassVar

import msgspec
from django.utils.translation import gettext_lazy as _

from platforms import reading
from platforms.adapter import Adapter, Call
from platforms.adapters.ozon import calls, faults, identity, oauth, orders
from platforms.adapters.ozon.advice import ADVICE
from platforms.adapters.ozon.modes import MODES, SCOPES, explain_value
from platforms.adapters.ozon.webhooks import OzonWebhooks
from platforms.errors import Fault, NeedsSeller, PlatformError, platform_error
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
    Text,
    Window,
)

PAGE_SIZE = 100
# What is open, however old: read now and then, because the list by change does not tell of it.
OPEN_LIST = "/v4/posting/fbs/unfulfilled/list"
OPEN_WITHIN = timedelta(days=30)  # ship-by dates before and after the window's end
# since/to are required and span at most a year; they select by when processing began, so a
# posting that changes late must still be inside (fact sheet §3).
OLDEST_PROCESSING = timedelta(days=300)
WIDEST = timedelta(days=364)
# FBO has no filter by change: the same days are read again, further back now and then.
RESCAN = timedelta(days=2)
DEEP_RESCAN = timedelta(days=30)
DEEP_EVERY = timedelta(hours=6)
FIRST = timedelta(hours=50)  # yesterday and today, in whatever time zone
RECENT = timedelta(hours=1)
ORDER = r"[0-9]{6,20}-[0-9]{4,6}"
POSTING = rf"{ORDER}-[0-9]{{1,4}}"  # 0145123456-0007-1
EXTRAS = {"analytics_data": True, "financial_data": True}
_EPOCH = datetime(2020, 1, 1, tzinfo=UTC)


class _Postings(msgspec.Struct):
    postings: list[msgspec.Raw] | None = None
    cursor: str | None = None
    has_next: bool = False


class _One(msgspec.Struct):
    result: msgspec.Raw


class _Cursor(msgspec.Struct):
    """Which list, between which bounds, and Ozon's own cursor in it."""

    kind: str  # fbs, open, fbo
    since: datetime
    until: datetime
    fbs_from: datetime
    fbs_to: datetime
    fbo_from: datetime
    at: str = ""
    refused: bool = False  # FBS was refused for want of a role
    open_too: bool = False  # whether what is still open is read as well


class Ozon(Adapter):
    code = "ozon"
    name = "Ozon"
    modes = MODES
    endpoints = {
        "api": "https://api-seller.ozon.ru",
        "auth": "https://xapi.ozon.ru",
        "consent": "https://seller.ozon.ru",
    }
    # Ozon allows 50 a second for all programs of a seller together; this is our share.
    limits = {
        "orders": Limit(rate=10, burst=10),
        "order": Limit(rate=2, burst=2),  # the method's own limit (fact sheet §5)
        "default": Limit(rate=10, burst=10),
    }
    scopes = SCOPES
    lag = timedelta(minutes=1)
    overlap = timedelta(minutes=15)
    max_window = timedelta(days=30)
    back_fill = timedelta(days=364)
    poll_every = timedelta(minutes=5)
    withheld = _("Ozon has orders from partner warehouses (FBP) in a list that we do not read.")
    manage_url: ClassVar[str] = "https://seller.ozon.ru/app/settings/api-keys"
    advice = ADVICE
    webhooks = OzonWebhooks()

    # --- linking

    def explain_value(self, mode: Mode, field: Field, value: str) -> Text | None:
        return explain_value(field, value)

    def consent_url(self, asked: Asked) -> str:
        base = asked.base or self.endpoint("consent", environment=asked.app.environment)
        return oauth.consent_address(base, asked)

    def read_callback(self, params: Mapping[str, str], account: Account, *, now: datetime) -> str:
        return oauth.read_callback(params)

    def exchange(
        self, call: Call, *, code: str, verifier: str, params: Mapping[str, str], now: datetime
    ) -> Grant:
        return oauth.exchange(call, code, now=now)

    def refresh(self, call: Call, *, now: datetime) -> Grant:
        return oauth.refresh(call, now=now)

    def who_am_i(self, call: Call, *, now: datetime) -> Identity:
        if call.account.secrets.get("access_token"):
            # /v1/roles is documented for keys only: what the lists answer tells instead.
            closed = self._closed_lists(call, now=now)
            return identity.of_consent(call, missing=tuple(identity.SCOPE_OF[k] for k in closed))
        answer = calls.ask(call, Request(method="POST", path="/v1/roles"))
        roles = reading.decode(answer, identity.Roles)
        if len(identity.missing_roles(roles)) == len(identity.NEEDED):
            self._closed_lists(call, now=now)  # the roles are a hint: try the lists
        return identity.of_key(call, roles)

    def _closed_lists(self, call: Call, *, now: datetime) -> tuple[str, ...]:
        """Lists that do not open. Raises INSUFFICIENT_SCOPE if none does."""
        window = Window(since=now - timedelta(minutes=1), until=now)
        at = _start(window, now=now, overlap=self.overlap)
        closed: list[str] = []
        for kind in identity.LISTS:
            try:
                self._list(call, msgspec.structs.replace(at, kind=kind), limit=1)
            except NeedsSeller as exc:
                if exc.fault is not Fault.INSUFFICIENT_SCOPE or closed:
                    raise
                closed.append(kind)
        return tuple(closed)

    # --- calling

    def sign(self, request: Request, account: Account, *, now: datetime) -> Request:
        token = account.secrets.get("access_token")
        if token or account.mode != "api_key":
            return _with_token(request, token or "")
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
        return faults.read_fault(request, answer)

    def worth_refreshing(self, error: PlatformError) -> bool:
        return super().worth_refreshing(error) or calls.wants_keys(error)

    def after_refresh(self, error: PlatformError) -> PlatformError:
        if calls.wants_keys(error):  # a new token, and still as if none came: nobody knows why
            return platform_error(Fault.UNKNOWN, error.detail)
        return super().after_refresh(error)

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
            kind="fbo" if kind == "fbo" else "fbs",
        )

    def _list(self, call: Call, at: _Cursor, *, limit: int = PAGE_SIZE) -> _Postings:
        path = OPEN_LIST if at.kind == "open" else identity.LISTS[at.kind]
        return _read_list(call, path, _filter(at), cursor=at.at, limit=limit)

    def fetch_order(self, call: Call, *, number: str, now: datetime) -> Page | None:
        """Of an order's number all postings of the last year; as in a pull, a key for one of the
        two lists does as long as that one opens."""
        if re.fullmatch(POSTING, number):
            return _in_either(lambda kind: self._posting(call, kind, number))
        if re.fullmatch(ORDER, number):
            return _in_either(lambda kind: _postings(call, kind, number, now=now))
        return None

    def _posting(self, call: Call, kind: str, number: str) -> Page | None:
        body = {"posting_number": number, "with": EXTRAS}
        request = Request(method="POST", path=faults.GET_PATHS[kind], operation="order", json=body)
        answer = calls.ask(call, request)
        if faults.is_missing(request, answer):
            return None
        return self.page_of_one(reading.decode(answer, _One).result, kind=kind)

    def parse_order(self, raw: msgspec.Raw, *, kind: str = "") -> OrderData:
        return orders.parse_order(raw, kind=kind)

    def order_number(self, raw: msgspec.Raw) -> str:
        return orders.read_order_number(raw)


def _read_list(
    call: Call, path: str, wanted: Mapping[str, object], *, cursor: str = "", limit: int = PAGE_SIZE
) -> _Postings:
    body: dict[str, object] = {
        "filter": dict(wanted),
        "limit": limit,
        "sort_dir": "ASC",
        "with": EXTRAS,
    }
    if cursor:
        body["cursor"] = cursor
    request = Request(method="POST", path=path, operation="orders", json=body)
    return reading.decode(calls.ask(call, request), _Postings)


def _postings(call: Call, kind: str, number: str, *, now: datetime) -> Page | None:
    """All packages of one buyer's order."""
    wanted = {"since": _stamp(now - WIDEST), "to": _stamp(now), "order_numbers": [number]}
    found = _read_list(call, identity.LISTS[kind], wanted).postings
    return Page(records=tuple(found), kind=kind) if found else None


def _in_either(look: Callable[[str], Page | None]) -> Page | None:
    """What FBS has, else what FBO has. Raises INSUFFICIENT_SCOPE if neither may be read."""
    refused = 0
    for kind in identity.LISTS:
        try:
            page = look(kind)
        except NeedsSeller as exc:
            refused += 1
            if exc.fault is not Fault.INSUFFICIENT_SCOPE or refused == len(identity.LISTS):
                raise
            continue
        if page is not None:
            return page
    return None


def _start(window: Window, *, now: datetime, overlap: timedelta) -> _Cursor:
    since = window.since - OLDEST_PROCESSING
    return _Cursor(
        kind="fbs",
        since=window.since,
        until=window.until,
        fbs_from=since,
        fbs_to=min(max(now, window.until), since + WIDEST),
        fbo_from=_fbo_from(window, now=now, overlap=overlap),
        open_too=_is_first(window, now) or _is_deep(window, now=now, overlap=overlap),
    )


def _fbo_from(window: Window, *, now: datetime, overlap: timedelta) -> datetime:
    """How far back FBO is read again: not at all for a back-fill, which asks for its own days."""
    if not _is_current(window, now):
        return window.since
    deep = _is_deep(window, now=now, overlap=overlap)
    return min(window.since, window.until - (DEEP_RESCAN if deep else RESCAN))


def _is_current(window: Window, now: datetime) -> bool:
    return window.until >= now - RESCAN


def _is_deep(window: Window, *, now: datetime, overlap: timedelta) -> bool:
    """Whether it is time to look further back, which is once every few hours of a stream."""
    reached = window.since + overlap  # where the window before this one ended
    short = window.until - reached <= DEEP_EVERY
    crossed = (reached - _EPOCH) // DEEP_EVERY != (window.until - _EPOCH) // DEEP_EVERY
    return _is_current(window, now) and short and crossed


def _is_first(window: Window, now: datetime) -> bool:
    """Whether it looks like a store's first pull: from some time yesterday until now."""
    return DEEP_EVERY < window.until - window.since <= FIRST and window.until >= now - RECENT


def _filter(at: _Cursor) -> dict[str, object]:
    if at.kind == "fbo":
        return {"since": _stamp(at.fbo_from), "to": _stamp(at.until)}
    if at.kind == "open":
        return {
            "cutoff_from": _stamp(at.until - OPEN_WITHIN),
            "cutoff_to": _stamp(at.until + OPEN_WITHIN),
        }
    return {
        "since": _stamp(at.fbs_from),
        "to": _stamp(at.fbs_to),
        "last_changed_status_date": {"from": _stamp(at.since), "to": _stamp(at.until)},
    }


def _following(at: _Cursor, page: _Postings) -> _Cursor | None:
    """Ozon was seen to say `has_next` with an empty page or an old cursor: that is the end."""
    if page.has_next and page.postings and page.cursor and page.cursor != at.at:
        return msgspec.structs.replace(at, at=page.cursor)
    if at.kind == "fbs" and at.open_too and not at.refused:
        return msgspec.structs.replace(at, kind="open", at="")
    if at.kind in ("fbs", "open"):
        return msgspec.structs.replace(at, kind="fbo", at="")
    return None


def _with_token(request: Request, token: str) -> Request:
    if not (token and token.isascii()):
        raise platform_error(Fault.TOKEN_EXPIRED, "there is no access token yet")
    # Never with Client-Id and Api-Key: one call has one kind of credential.
    headers = {
        **request.headers,
        "authorization": f"Bearer {token}",
        "content-type": "application/json",
        "accept": "application/json",
    }
    return replace(request, headers=headers)


def _stamp(moment: datetime) -> str:
    utc = moment.astimezone(UTC)
    return f"{utc:%Y-%m-%dT%H:%M:%S}.{utc.microsecond // 1000:03d}Z"
