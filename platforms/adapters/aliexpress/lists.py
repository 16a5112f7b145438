"""How the lists of orders are gone through. Fact sheet: docs/platforms/aliexpress.md, "Orders".

A window is asked in rounds, each by time of change, sliced by time of creation as the platform
demands, and page by page. The end is frozen, so the set of rows can only shrink while it is
read: what changes meanwhile leaves it and moves the rest forward. Hence the pages after the
first are read from the last to the first, which may show a row twice but passes over none.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import msgspec

from platforms.adapters.aliexpress import times
from platforms.spec import Window

PAGE_SIZE = 20  # 50 at most; orders to ship take a call each, and a page should stay short
# method, and the parameter its question is put in; which of them works depends on the
# application's API groups
METHODS = (
    ("aliexpress.trade.seller.orderlist.get", "param_aeop_order_query"),
    ("aliexpress.solution.order.get", "param0"),
)
OPEN = ("WAIT_SELLER_SEND_GOODS", "SELLER_PART_SEND_GOODS", "RISK_CONTROL", "IN_CANCEL")
FINISHED = "FINISH"
# AliExpress takes 180 days of creation, of finished orders 30: less, for bounds are rounded and
# an hour is moved in autumn.
OLDEST = timedelta(days=174)
DAY = timedelta(days=1)
SPAN = OLDEST  # of creation, for a question without a status
FINISHED_SPAN = timedelta(days=29)
NARROWEST = timedelta(days=3)
DEEP_EVERY = timedelta(hours=12)
MOST_PAGES = 5000
MOST_LOOKS = 40  # questions for one order: some pages, where an hour comes twice
MARGIN = timedelta(minutes=1)
_EPOCH = datetime(2020, 1, 1, tzinfo=UTC)


class Round(msgspec.Struct):
    """One question: a status or none, what changed when (None: whenever), created since when."""

    status: str
    since: datetime | None
    until: datetime
    oldest: datetime
    span_s: float


class Cursor(msgspec.Struct):
    rounds: list[Round]  # the first is the one under way
    created_to: datetime  # end of the slice under way
    method: int = 0
    page: int = 1
    turn: int = 0  # where the way back to the first page begins; 0: not known yet
    back: bool = False


class Told(msgspec.Struct):
    """What a list says beside its rows."""

    target_list: msgspec.Raw = msgspec.Raw(b"null")
    total_count: int | None = None
    total_page: int | None = None


def start(window: Window, *, now: datetime, overlap: timedelta, method: int) -> Cursor:
    rounds = _rounds(window, now=now, overlap=overlap)
    return Cursor(rounds=rounds, created_to=rounds[0].until, method=method)


def around(placed: datetime, *, status: str, method: int) -> Cursor:
    """To find one order: what was created when it was, in its status and then in any other, for
    finished orders are told only when asked for."""
    until, span = placed + MARGIN, 2 * MARGIN
    asked = (FINISHED, "") if status == FINISHED else ("", FINISHED)
    rounds = [
        Round(
            status=each,
            since=None,
            until=until,
            oldest=until - span,
            span_s=span.total_seconds(),
        )
        for each in asked
    ]
    return Cursor(rounds=rounds, created_to=until, method=method)


def question(at: Cursor) -> str:
    """The JSON that is signed and sent, character by character."""
    asked = at.rounds[0]
    created_from = max(asked.oldest, at.created_to - timedelta(seconds=asked.span_s))
    query: dict[str, object] = {
        "current_page": at.page,
        "page_size": PAGE_SIZE,
        "create_date_start": times.earliest(created_from),
        "create_date_end": times.latest(at.created_to),
    }
    if asked.since is not None:
        query["modified_date_start"] = times.earliest(asked.since)
        query["modified_date_end"] = times.latest(asked.until)
    if asked.status:
        query["order_status"] = asked.status
    return json.dumps(query, separators=(",", ":"))


def narrowed(at: Cursor) -> Cursor | None:
    """The same question for half as long a time of creation; None where that is too little.
    In great sales AliExpress takes shorter ranges than it says (fact sheet §3)."""
    asked = at.rounds[0]
    half = asked.span_s / 2
    if half < NARROWEST.total_seconds():
        return None
    halved = msgspec.structs.replace(asked, span_s=half)
    return msgspec.structs.replace(at, rounds=[halved, *at.rounds[1:]], page=1, turn=0, back=False)


def following(at: Cursor, told: Told, rows: int) -> Cursor | None:
    page = _next_page(at, told, rows)
    if page is not None:
        return page
    asked = at.rounds[0]
    created_to = at.created_to - timedelta(seconds=asked.span_s)
    if created_to > asked.oldest:
        return Cursor(rounds=at.rounds, created_to=created_to, method=at.method)
    if len(at.rounds) == 1:
        return None
    rest = at.rounds[1:]
    return Cursor(rounds=rest, created_to=rest[0].until, method=at.method)


def _next_page(at: Cursor, told: Told, rows: int) -> Cursor | None:
    if at.back:
        return msgspec.structs.replace(at, page=at.page - 1) if at.page > 1 else None
    if at.turn == 0:  # the first page tells how many there are
        counted = -(-(told.total_count or 0) // PAGE_SIZE)
        last = min(max(told.total_page or 0, counted), MOST_PAGES)
        if last <= 1 and rows < PAGE_SIZE:
            return None
        last = max(last, 2)
        return msgspec.structs.replace(at, page=last, turn=last)
    # Some orders are not counted (fact sheet §3): on until a page is not full.
    if rows >= PAGE_SIZE and at.page < MOST_PAGES:
        return msgspec.structs.replace(at, page=at.page + 1)
    return msgspec.structs.replace(at, page=at.turn - 1, back=True)


def _rounds(window: Window, *, now: datetime, overlap: timedelta) -> list[Round]:
    reached = window.since + overlap  # where the window before this one ended
    since, until = window.since, window.until
    oldest = until - OLDEST
    rounds = [
        Round(status="", since=since, until=until, oldest=oldest, span_s=SPAN.total_seconds())
    ]
    begun = _EPOCH + (reached - _EPOCH) // DEEP_EVERY * DEEP_EVERY
    if until - reached > DEEP_EVERY:  # the first pull, a long pause, a back-fill
        rounds += _finished(since, until, oldest)
        if until > now - DAY:
            rounds += [_open(status, until) for status in OPEN]
    elif until - begun >= DEEP_EVERY:
        # Twice a day also what was ordered long ago, for all the time since the last such round.
        rounds += _finished(begun - overlap, until, oldest)
    else:
        rounds += _finished(since, until, until - FINISHED_SPAN)
    return rounds


def _finished(since: datetime, until: datetime, oldest: datetime) -> list[Round]:
    """Finished orders are told only when asked for by name, and best day by day."""
    rounds = []
    while since < until:
        end = min(since + DAY, until)
        rounds.append(
            Round(
                status=FINISHED,
                since=since,
                until=end,
                oldest=oldest,
                span_s=FINISHED_SPAN.total_seconds(),
            )
        )
        since = end
    return rounds


def _open(status: str, until: datetime) -> Round:
    """Work of the last weeks that is still open, whenever it changed."""
    span = FINISHED_SPAN.total_seconds()
    return Round(status=status, since=None, until=until, oldest=until - FINISHED_SPAN, span_s=span)
