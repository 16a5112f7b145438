"""Wish's list of orders has no cursor: each page is asked for by the last time seen.

Fact sheet: docs/platforms/wish.md, "Paging". Bounds are inclusive, so the orders of the last
moment come again; they are known by their ids. Where one moment holds more orders than a page,
larger pages are asked for, and at last each state of that moment by itself.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec

from platforms import reading
from platforms.errors import Fault, platform_error
from platforms.spec import Window

PAGE_SIZE = 200
LARGEST_PAGE = 500
# Those of an order; a state that is not among them is found by the pages without a state only.
STATES = ("APPROVED", "SHIPPED", "REFUNDED", "REQUIRE_REVIEW", "DECLINED")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Place(msgspec.Struct):
    """Where a pull stands. Times are Unix milliseconds, both inclusive; `seen` are the ids that
    were served at `since`; `state` is the place in STATES, None for all of them."""

    since: int
    until: int
    seen: list[str] = []
    limit: int = PAGE_SIZE
    state: int | None = None

    @property
    def params(self) -> dict[str, str]:
        asked = {
            "limit": str(self.limit),
            "sort_by": "updated_at.asc",  # by default the newest come first
            "updated_at_min": _stamp(self.since),
            "updated_at_max": _stamp(self.until if self.state is None else self.since),
        }
        return asked if self.state is None else {**asked, "states": STATES[self.state]}


class _Served(msgspec.Struct):
    id: str
    updated_at: datetime


def start(window: Window, *, now: datetime) -> Place:
    # The bounds are inclusive, a window ends before its end.
    until = min(window.until, now) - timedelta(milliseconds=1)
    return Place(since=_milliseconds(window.since), until=_milliseconds(until))


def take(
    records: tuple[msgspec.Raw, ...], at: Place
) -> tuple[tuple[msgspec.Raw, ...], Place | None]:
    """The records that were not served before, and where to go on; None when all is done.

    Raises BAD_RESPONSE where a page can neither be passed nor split.
    """
    known, fresh, served = set(at.seen), [], []
    for raw in records:
        found = _read(raw)
        if found is None:
            fresh.append(raw)  # unreadable: whoever reads orders says why
            continue
        moment = max(_milliseconds(found.updated_at), at.since)
        served.append((moment, found.id))
        if not (moment == at.since and found.id in known):
            fresh.append(raw)
    return tuple(fresh), _following(at, len(records), served)


def _following(at: Place, count: int, served: list[tuple[int, str]]) -> Place | None:
    full = count >= at.limit
    if at.state is not None:
        if full:
            text = f"more than {LARGEST_PAGE} orders of one state changed at one moment"
            raise platform_error(Fault.BAD_RESPONSE, text)
        seen = _together(at.seen, served)
        if at.state + 1 < len(STATES):
            return msgspec.structs.replace(at, seen=seen, state=at.state + 1)
        done = at.since + 1 > at.until
        return None if done else Place(since=at.since + 1, until=at.until)
    if not full:
        return None
    if not served:
        raise platform_error(Fault.BAD_RESPONSE, "a page of orders is unreadable as a whole")
    last = max(moment for moment, _id in served)
    if last > at.since:
        return Place(since=last, until=at.until, seen=[i for m, i in served if m == last])
    seen = _together(at.seen, served)
    if at.limit < LARGEST_PAGE:
        return msgspec.structs.replace(at, seen=seen, limit=LARGEST_PAGE)
    return msgspec.structs.replace(at, seen=seen, state=0)


def _together(seen: list[str], served: list[tuple[int, str]]) -> list[str]:
    return list(dict.fromkeys([*seen, *(number for _moment, number in served)]))


def _read(raw: msgspec.Raw) -> _Served | None:
    try:
        return reading.read(raw, _Served)
    except (msgspec.ValidationError, ValueError):
        return None


def _milliseconds(moment: datetime) -> int:
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return (aware - _EPOCH) // timedelta(milliseconds=1)


def _stamp(milliseconds: int) -> str:
    utc = _EPOCH + timedelta(milliseconds=milliseconds)
    return f"{utc:%Y-%m-%dT%H:%M:%S}.{utc.microsecond // 1000:03d}Z"
