"""What a count reconciliation has found so far; kept as plain JSON while it waits for a turn.

Numbers of orders are kept, nothing of their buyers.
"""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from platforms.landing import Batch, Parsed
from platforms.models import Order, Quarantined, QuarantineState
from platforms.spec import Window
from tenants.models import Store

DIGEST_BYTES = 8
AT_ONCE = 500


@dataclass(frozen=True, kw_only=True)
class Theirs:
    """An order as the platform gave it, that we lack or have in another version."""

    changed_at: datetime
    content_hash: bytes
    window: int  # of which window's pages it was


@dataclass(kw_only=True)
class Counts:
    """`windows` are asked one after the other; `at` and `cursor` say how far that is."""

    windows: list[Window]
    at: int = 0
    cursor: str = ""
    seen: set[bytes] = field(default_factory=set)  # digests of numbers
    days: Counter[str] = field(default_factory=Counter)  # at the platform
    missing: dict[str, Theirs] = field(default_factory=dict)
    different: dict[str, Theirs] = field(default_factory=dict)
    unreadable: dict[str, str] = field(default_factory=dict)  # hash of the record -> number
    unreadable_days: dict[str, str] = field(default_factory=dict)  # hash -> day of its page
    later: list[Window] = field(default_factory=list)  # asked once more at the end
    suspects: set[str] = field(default_factory=set)  # ours, and not given for the window
    # Changed after the window's end, or at the platform and in none of its lists.
    moved: set[str] = field(default_factory=set)
    pages: int = 0
    calls: int = 0
    singles: int = 0  # suspects that were asked for one by one
    failures: int = 0
    phase: str = "read"  # read, again, heal
    streams: list[int] = field(default_factory=list)
    before: dict[str, Any] = field(default_factory=dict)  # the comparison before healing

    def take(self, batch: Batch, *, store: Store) -> None:
        """Compare a page with our rows, by the rule by which it would land."""
        newest: dict[str, Parsed] = {}
        for parsed in batch.parsed:
            known = newest.get(parsed.order.number)
            if known is None or parsed.order.changed_at >= known.order.changed_at:
                newest[parsed.order.number] = parsed
        ours = own_versions(store, newest)
        for number, parsed in newest.items():
            self._compare(number, parsed, ours.get(number), zone=store.zone)
        for record in batch.unreadable:
            self.unreadable[record.raw_sha256] = record.number[:80]
            self.unreadable_days[record.raw_sha256] = self._day_of_page(batch, zone=store.zone)

    def _day_of_page(self, batch: Batch, *, zone: ZoneInfo) -> str:
        """The day of the last change on a page, for what cannot be read: pages are in the order
        of changes, or of a day or two."""
        window = self.windows[self.at]
        newest = max((each.order.changed_at for each in batch.parsed), default=window.since)
        last = window.until - timedelta(microseconds=1)
        return day_of(min(max(newest, window.since), last), zone)

    def _compare(
        self, number: str, parsed: Parsed, mine: tuple[datetime, bytes] | None, *, zone: ZoneInfo
    ) -> None:
        digest = digest_of(number)
        if digest not in self.seen:
            self.seen.add(digest)
            self.days[day_of(parsed.order.changed_at, zone)] += 1
        theirs = Theirs(
            changed_at=parsed.order.changed_at, content_hash=parsed.row.content_hash, window=self.at
        )
        self.missing.pop(number, None)
        self.different.pop(number, None)
        if mine is None:
            self.missing[number] = theirs
        elif not same(mine, theirs):
            self.different[number] = theirs

    def forget_moved(self, batch: Batch) -> None:
        """Orders that changed after the window's end count for nothing, and what the platform
        lists there now is no extra order."""
        until = self.windows[-1].until
        for parsed in batch.parsed:
            number = parsed.order.number
            if number in self.suspects:
                self.moved.add(number)
            elif parsed.order.changed_at >= until and self._held_against(number):
                self.moved.add(number)
                self.missing.pop(number, None)
                self.different.pop(number, None)

    def _held_against(self, number: str) -> bool:
        return number in self.missing or number in self.different

    def look_again(self, store: Store) -> None:
        """Drop what has landed since it was compared."""
        ours = own_versions(store, [*self.missing, *self.different])
        self.missing = {n: t for n, t in self.missing.items() if n not in ours}
        self.different = {
            n: t for n, t in self.different.items() if n in ours and not same(ours[n], t)
        }

    def unreported(self, store: Store) -> dict[str, tuple[datetime, bool]]:
        """Ours of the window that the platform did not give: number -> (changed, whether the
        platform has told us that it was deleted there)."""
        if not self.windows:
            return {}
        known = set(self.unreadable.values())
        since, until = self.windows[0].since, self.windows[-1].until
        rows = Order.objects.filter(
            store=store, changed_at__gte=since, changed_at__lt=until
        ).values_list("number", "changed_at", "platform_status")
        return {
            number: (changed_at, status == "deleted")
            for number, changed_at, status in rows.iterator(chunk_size=2000)
            if digest_of(number) not in self.seen
            and number not in self.moved
            and number not in known
        }

    def known_unreadable(self, store: Store) -> int:
        """How many of the unreadable records are in quarantine already."""
        held = Quarantined.objects.filter(
            state=QuarantineState.WAITING, stream__authorization_id=store.authorization_id
        )
        hashes = list(self.unreadable)
        return sum(
            held.filter(raw_sha256__in=hashes[i : i + AT_ONCE])
            .values("raw_sha256")
            .distinct()
            .count()
            for i in range(0, len(hashes), AT_ONCE)
        )

    # --- between two turns

    def as_json(self) -> dict[str, object]:
        return {
            "windows": _bounds(self.windows),
            "later": _bounds(self.later),
            "at": self.at,
            "cursor": self.cursor,
            "seen": base64.b64encode(b"".join(self.seen)).decode(),
            "days": dict(self.days),
            "missing": {n: _packed(t) for n, t in self.missing.items()},
            "different": {n: _packed(t) for n, t in self.different.items()},
            "unreadable": self.unreadable,
            "unreadable_days": self.unreadable_days,
            "suspects": sorted(self.suspects),
            "moved": sorted(self.moved),
            "pages": self.pages,
            "calls": self.calls,
            "singles": self.singles,
            "failures": self.failures,
            "phase": self.phase,
            "streams": self.streams,
            "before": self.before,
        }

    @classmethod
    def from_json(cls, kept: dict[str, Any]) -> Counts:
        seen = base64.b64decode(kept["seen"])
        return cls(
            windows=_windows(kept["windows"]),
            later=_windows(kept["later"]),
            seen={seen[i : i + DIGEST_BYTES] for i in range(0, len(seen), DIGEST_BYTES)},
            days=Counter(kept["days"]),
            missing={n: _unpacked(t) for n, t in kept["missing"].items()},
            different={n: _unpacked(t) for n, t in kept["different"].items()},
            suspects=set(kept["suspects"]),
            moved=set(kept["moved"]),
            unreadable_days=kept.get("unreadable_days", {}),
            singles=kept.get("singles", 0),
            **{
                name: kept[name]
                for name in (
                    "at", "cursor", "unreadable", "pages", "calls", "failures", "phase",
                    "streams", "before",
                )
            },
        )  # fmt: skip


def own_versions(store: Store, numbers: Iterable[str]) -> dict[str, tuple[datetime, bytes]]:
    """Our rows of these orders: number -> (changed, content hash)."""
    wanted, found = list(numbers), {}
    for i in range(0, len(wanted), AT_ONCE):
        rows = Order.objects.filter(store=store, number__in=wanted[i : i + AT_ONCE])
        for number, changed_at, digest in rows.values_list("number", "changed_at", "content_hash"):
            found[number] = (changed_at, bytes(digest))
    return found


def same(mine: tuple[datetime, bytes], theirs: Theirs) -> bool:
    """Whether landing would leave our row as it is (landing.land)."""
    changed_at, content_hash = mine
    return changed_at > theirs.changed_at or content_hash == theirs.content_hash


def digest_of(number: str) -> bytes:
    return hashlib.blake2b(number.encode(), digest_size=DIGEST_BYTES).digest()


def day_of(moment: datetime, zone: ZoneInfo) -> str:
    return moment.astimezone(zone).date().isoformat()


def _bounds(windows: list[Window]) -> list[list[str]]:
    return [[window.since.isoformat(), window.until.isoformat()] for window in windows]


def _windows(bounds: list[list[str]]) -> list[Window]:
    return [Window(since=_time(since), until=_time(until)) for since, until in bounds]


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def _packed(theirs: Theirs) -> list[object]:
    return [theirs.changed_at.isoformat(), theirs.content_hash.hex(), theirs.window]


def _unpacked(kept: list[Any]) -> Theirs:
    at, digest, window = kept
    return Theirs(changed_at=_time(at), content_hash=bytes.fromhex(digest), window=window)
