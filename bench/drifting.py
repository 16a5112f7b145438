"""A marketplace whose orders never hold still while they are paged, and the adapter for it.

What it does stays within what the adapter declares, or nobody could be complete:

- An order's versions have growing times of change, whole seconds; many orders may share one. No
  version is dated after the moment it is made.
- A version is shown to every reader at the latest `lag + overlap` after its time: it may appear
  late, behind newer ones, and readers may be sent to a copy that is behind, another one for each
  page. Until then they see the version before it, or nothing.
- A list is complete as of the moment it is read, in the order of (changed, number). Where it was
  frozen when its first page was asked for, as of that moment.
- Besides that it may serve any old version of any order once more, pages twice, pages with nothing
  in them, cursors that lead back, and it may forget cursors. It never ends a list too early, and
  never sends a page that is cut off in such a way that it can be read.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from urllib.parse import parse_qsl, urlsplit

import msgspec

from platforms import reading
from platforms.adapter import Adapter, Call
from platforms.errors import Fault, PlatformError, platform_error
from platforms.spec import (
    Account,
    Answer,
    LineData,
    Mode,
    ModeKind,
    OrderData,
    OrderStatus,
    Page,
    Request,
    Window,
)

CODE = "bench_drift"
URL = "http://drift.test"
STATUSES = tuple(OrderStatus)
# How a list is paged. key: behind the last order served; frozen, live: a list of numbers kept by
# the marketplace, with its orders as they were or as they are; slide: the adapter asks from the
# last moment served, with an offset where one moment fills a page.
STYLES = ("key", "frozen", "live", "slide")


@dataclass(frozen=True, kw_only=True)
class Habits:
    """Of one schedule's marketplace."""

    style: str
    page: int
    lag: timedelta
    overlap: timedelta
    max_window: timedelta
    late_s: float  # at most, for a version to be shown
    behind_s: float  # at most, for a copy
    troubles: float  # share of the calls that fail
    open_ended: bool = False  # the list goes on past the window's end
    doubles: bool = False  # a page begins with the order that ended the one before
    old_news: float = 0.0  # share of the pages with an old version of something
    blanks: float = 0.0  # share of the pages with nothing in them

    @classmethod
    def rolled(cls, dice: random.Random) -> Habits:
        style = dice.choice(STYLES)
        lag = timedelta(seconds=dice.choice([0, 20, 120]))
        overlap = timedelta(seconds=dice.choice([0, 60, 300]))
        if not lag + overlap:
            lag = timedelta(seconds=30)
        slack = (lag + overlap).total_seconds() - 1
        behind = dice.choice([0, 0, 0.5, 1]) * slack
        doubles = style == "key" and dice.random() < 0.3
        return cls(
            style=style,
            page=dice.randint(2 if doubles or style == "slide" else 1, 5),
            lag=lag,
            overlap=overlap,
            max_window=timedelta(minutes=dice.choice([45, 90, 10_000, 10_000])),
            late_s=dice.choice([0, 0.5, 1]) * (slack - behind),
            behind_s=behind,
            troubles=dice.choice([0, 0, 0.05, 0.15, 0.4]),
            open_ended=style == "key" and dice.random() < 0.3,
            doubles=doubles,
            old_news=dice.choice([0, 0.2]) if style != "slide" else 0,
            blanks=dice.choice([0, 0.2]) if style == "key" else 0,
        )


# --- the marketplace


@dataclass(frozen=True, slots=True)
class Version:
    at: int  # seconds
    shown_at: float
    body: bytes
    status: str
    lines: tuple[tuple[str, int], ...]  # sku, quantity

    @property
    def moment(self) -> datetime:
        return datetime.fromtimestamp(self.at, tz=UTC)


class Drift:
    """A wire. `now` is the marketplace's clock; `pauses` is told where a call stands."""

    def __init__(
        self, habits: Habits, *, dice: random.Random, now: Callable[[], float],
        pauses: Callable[[str], None],
    ) -> None:  # fmt: skip
        self.habits, self.dice, self.now, self.pauses = habits, dice, now, pauses
        self.orders: dict[str, list[Version]] = {}
        self.happened: Counter[str] = Counter()
        self.is_quiet = False
        self.circles = 0  # so many pages lead back
        self._lists: dict[str, list[tuple[str, bytes]]] = {}
        self._spoilt: set[str] = set()  # lists whose cursors lead nowhere for ever

    # --- what its sellers and buyers do

    def place(self, at: int, *, shown_at: float = 0.0) -> str:
        number = f"N{len(self.orders):03}"
        self.orders[number] = []
        self._add(number, at, shown_at)
        return number

    def change(self, number: str, at: int, *, shown_at: float = 0.0) -> bool:
        if at <= self.orders[number][-1].at:
            return False
        self._add(number, at, shown_at)
        return True

    def _add(self, number: str, at: int, shown_at: float) -> None:
        status = self.dice.choice(STATUSES)
        count = self.dice.choice((0, 1, 1, 2, 3))
        lines = tuple((f"S{self.dice.randrange(9)}", self.dice.randint(1, 9)) for _ in range(count))
        listed = ",".join(f'["{sku}",{quantity}]' for sku, quantity in lines)
        body = f'{{"no":"{number}","at":{at},"is":"{status}","of":[{listed}]}}'.encode()
        self.orders[number].append(Version(at, shown_at, body, status, lines))

    def spoil_lists(self) -> None:
        self._spoilt.update(self._lists)

    # --- the wire

    def send(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        asked = dict(parse_qsl(urlsplit(url).query))
        self.happened["calls"] += 1
        self.pauses("call")
        answer = self._trouble(asked) or self._answer(asked)
        self.pauses("answer")
        return answer

    def _trouble(self, asked: Mapping[str, str]) -> Answer | None:
        if self.is_quiet or self.dice.random() >= self.habits.troubles:
            return None
        kind = self.dice.choice(
            ("429", "5xx", "network", "no answer", "cut off", "garbled", "forgotten")
        )
        if kind == "forgotten" and "cursor" not in asked:
            kind = "5xx"
        self.happened[f"fault: {kind}"] += 1
        if kind == "429":
            return Answer(status=429, headers={"retry-after": self.dice.choice(("7", "200", "x"))})
        if kind == "5xx":
            return Answer(status=self.dice.choice((500, 502, 503)), body=b"<html>")
        if kind == "forgotten":
            self._lists.clear()
            return Answer(status=400)
        if kind == "cut off":
            whole = self._answer(asked).body
            return Answer(status=200, body=whole[: self.dice.randrange(max(1, len(whole)))])
        if kind == "garbled":
            return Answer(status=200, body=self.dice.choice((b"<html>", b'{"orders":7}', b"")))
        fault = Fault.NETWORK_UNREACHABLE if kind == "network" else Fault.PLATFORM_DOWN
        raise platform_error(fault, kind)

    def _answer(self, asked: Mapping[str, str]) -> Answer:
        since, until = float(asked["since"]), float(asked["until"])
        if self.habits.style == "slide":
            found = self._listed(since, until)
            first = int(asked["offset"])
            page = found[first : first + self.habits.page]
            more = "more" if first + self.habits.page < len(found) else None
            return self._page([body for _key, body in page], more)
        cursor = asked.get("cursor", "")
        if self.habits.style == "key":
            bodies, following = self._after_key(since, until, cursor)
        elif cursor and cursor.partition("-")[0] not in self._lists:
            return Answer(status=400)
        else:
            bodies, following = self._of_list(since, until, cursor)
        if following and (self.circles or cursor.partition("-")[0] in self._spoilt):
            self.circles = max(0, self.circles - 1)
            self.happened["cursors that lead back"] += 1
            following = cursor or following
        if not self.is_quiet and self.dice.random() < self.habits.old_news:
            self.happened["old versions once more"] += 1
            old = self.dice.choice(self.dice.choice(list(self.orders.values())))
            bodies.insert(self.dice.randint(0, len(bodies)), old.body)
        return self._page(bodies, following)

    def _page(self, bodies: list[bytes], following: str | None) -> Answer:
        told = msgspec.json.encode(following)
        return Answer(
            status=200, body=b'{"orders":[' + b",".join(bodies) + b'],"next":' + told + b"}"
        )

    def _listed(self, since: float, until: float) -> list[tuple[tuple[int, str], bytes]]:
        """As a copy has it that may be behind."""
        behind = 0.0 if self.is_quiet else self.dice.uniform(0, self.habits.behind_s)
        as_of = self.now() - behind
        found = []
        for number in self.orders:
            version = self._shown(number, as_of)
            if version and since <= version.at < until:
                found.append(((version.at, number), version.body))
        found.sort()
        return found

    def _shown(self, number: str, as_of: float) -> Version | None:
        for version in reversed(self.orders[number]):
            if version.shown_at <= as_of:
                return version
        return None

    def _after_key(self, since: float, until: float, cursor: str) -> tuple[list[bytes], str | None]:
        if self.habits.open_ended:
            until = 1e12
        found = self._listed(since, until)
        if cursor:
            at, number, _mark = cursor.split("-")
            key = int(at), number
            found = [
                row for row in found
                if row[0] > key or (self.habits.doubles and row[0] == key)
            ]  # fmt: skip
        else:
            key = 0, ""
        mark = self.dice.getrandbits(30)
        if not self.is_quiet and self.dice.random() < self.habits.blanks:
            self.happened["pages with nothing in them"] += 1
            return [], f"{key[0]}-{key[1]}-{mark}"
        page = found[: self.habits.page]
        more = len(found) > len(page)
        following = f"{page[-1][0][0]}-{page[-1][0][1]}-0" if more else None
        return [body for _key, body in page], following

    def _of_list(self, since: float, until: float, cursor: str) -> tuple[list[bytes], str | None]:
        if cursor:
            name, _dash, place = cursor.partition("-")
            first = int(place)
        else:
            name, first = f"L{len(self._lists)}x{self.dice.getrandbits(20)}", 0
            kept = [(key[1], body) for key, body in self._listed(since, until)]
            self._lists[name] = kept
        rows = self._lists[name]
        page = rows[first : first + self.habits.page]
        following = first + self.habits.page
        if self.habits.style == "live":
            # What has left the window meanwhile is no longer in the page.
            now = {key[1]: body for key, body in self._listed(since, until)}
            page = [(number, now[number]) for number, _body in page if number in now]
            if not page:
                self.happened["pages with nothing in them"] += 1
        more = f"{name}-{following}" if following < len(rows) else None
        return [body for _number, body in page], more


# --- the adapter


class _Record(msgspec.Struct):
    no: str
    at: int
    of: list[tuple[str, int]]
    status: str = msgspec.field(name="is")


class _Number(msgspec.Struct):
    no: str
    at: int


class _Orders(msgspec.Struct):
    orders: list[msgspec.Raw]
    next: str | None


class _Place(msgspec.Struct):
    """Where a sliding list stands; `last` was the last order of the page before, if the next one
    is asked for by an offset."""

    since: float
    until: float
    offset: int = 0
    last: str = ""


_read = msgspec.json.Decoder(_Record).decode
_read_number = msgspec.json.Decoder(_Number).decode


class DriftingShop(Adapter):
    code = CODE
    name = "Drifting"
    modes = (Mode(code="key", name="Key", kind=ModeKind.KEYS),)
    endpoints = {"api": URL, "auth": URL}

    def __init__(self, habits: Habits) -> None:
        self.habits = habits
        self.lag = habits.lag  # type: ignore[misc]
        self.overlap = habits.overlap  # type: ignore[misc]
        self.max_window = habits.max_window  # type: ignore[misc]

    def sign(self, request: Request, account: Account, *, now: datetime) -> Request:
        return request

    def read_fault(self, request: Request, answer: Answer) -> PlatformError | None:
        if answer.status == 200:
            return None
        known = reading.STATUSES.get(answer.status)
        return platform_error(known or Fault.PLATFORM_DOWN, "refused")

    def fetch_orders(
        self, call: Call, *, window: Window, cursor: str | None, now: datetime
    ) -> Page:
        if self.habits.style == "slide":
            return self._slide(call, window, cursor)
        params = _bounds(window.since.timestamp(), window.until.timestamp())
        if cursor:
            params["cursor"] = cursor
        page = self._ask(call, params)
        return Page(records=tuple(page.orders), cursor=page.next)

    def _ask(self, call: Call, params: dict[str, str]) -> _Orders:
        answer = call(Request(method="GET", path="/orders", params=params, operation="orders"))
        return reading.decode(answer, _Orders)

    def _slide(self, call: Call, window: Window, cursor: str | None) -> Page:
        place = (
            msgspec.json.decode(cursor, type=_Place)
            if cursor
            else _Place(since=window.since.timestamp(), until=window.until.timestamp())
        )
        params = _bounds(place.since, place.until) | {"offset": str(place.offset)}
        found = self._ask(call, params)
        records = [_read_number(raw) for raw in found.orders]
        following = self._following(place, records, more=found.next is not None)
        return Page(
            records=tuple(found.orders),
            cursor=following and msgspec.json.encode(following).decode(),
        )

    def _following(self, place: _Place, page: list[_Number], *, more: bool) -> _Place | None:
        if place.last and (not page or page[0].no != place.last):
            # Something has left the moment, and those behind moved up unseen: once more.
            return _Place(since=place.since, until=place.until)
        if not more:
            return None
        last = page[-1]
        if last.at > place.since:
            return _Place(since=last.at, until=place.until)
        # One moment fills the page. It goes on with the last order, to see whether it moved.
        offset = place.offset + len(page) - 1
        return _Place(since=place.since, until=place.until, offset=offset, last=last.no)

    def parse_order(self, raw: msgspec.Raw, *, kind: str = "") -> OrderData:
        order = _read(raw)
        moment = datetime.fromtimestamp(order.at, tz=UTC)
        return OrderData(
            number=order.no, status=OrderStatus(order.status), platform_status=order.status,
            placed_at=moment, changed_at=moment, total=Decimal(order.at % 1000), currency="EUR",
            lines=tuple(
                LineData(number=str(n), sku=sku, quantity=quantity)
                for n, (sku, quantity) in enumerate(order.of)
            ),
        )  # fmt: skip

    def order_number(self, raw: msgspec.Raw) -> str:
        return _read_number(raw).no


def _bounds(since: float, until: float) -> dict[str, str]:
    return {"since": repr(since), "until": repr(until)}
