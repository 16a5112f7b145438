"""The orders of one seller account: small records; payloads are made from them when asked for."""

from __future__ import annotations

import bisect
import random
import zlib
from dataclasses import dataclass

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS

# stage -> the stage a change brings next; the last ones only get a new changed time
NEXT = {
    "pending": "new",
    "new": "shipped",
    "partial": "shipped",
    "shipped": "delivered",
    "delivered": "part_refunded",
    "part_refunded": "refunded",
    "refunded": "refunded",
    "cancelled": "cancelled",
}
STAGES = tuple(NEXT)
FRESH = (("pending", 8), ("new", 62), ("partial", 6), ("shipped", 14), ("cancelled", 10))
AGED = (
    ("shipped", 22),
    ("delivered", 56),
    ("cancelled", 9),
    ("part_refunded", 5),
    ("refunded", 6),
    ("partial", 2),
)


@dataclass(slots=True)
class Record:
    """Times are Unix milliseconds. `revision` counts the changes."""

    serial: int
    placed: int
    changed: int
    stage: str
    revision: int = 0

    def row(self) -> list[int | str]:
        return [self.serial, self.placed, self.changed, self.stage, self.revision]


def _pick(rng: random.Random, weighted: tuple[tuple[str, int], ...]) -> str:
    return rng.choices([s for s, _ in weighted], [w for _, w in weighted])[0]


class Book:
    """Not thread-safe by itself: the emulator's lock guards it."""

    def __init__(self, owner: str) -> None:
        self.owner = owner
        self.records: list[Record] = []
        self.touched = False  # differs from what the seed gives

    @classmethod
    def seeded(cls, owner: str, *, count: int, start_ms: int, seed: int) -> Book:
        """Orders of the 30 days before `start_ms`, two in five of them of the last two days."""
        book = cls(owner)
        rng = random.Random(f"{seed}/{owner}")
        ages = sorted(
            (
                rng.uniform(0.2, 47.5) if n % 5 < 2 else rng.uniform(48, 30 * 24)
                for n in range(count)
            ),
            reverse=True,
        )
        for serial, age in enumerate(ages, start=1):
            placed = start_ms - int(age * HOUR_MS)
            stage = _pick(rng, FRESH if age < 48 else AGED)
            # Even a refund of an old order happened before the emulator started.
            changed = min(placed + int(rng.uniform(0.01, age * 0.6) * HOUR_MS), start_ms - 180_000)
            book.records.append(Record(serial, placed, max(changed, placed + 1000), stage))
        return book

    @classmethod
    def load(cls, owner: str, rows: list[list[int | str]]) -> Book:
        book = cls(owner)
        book.touched = True
        for serial, placed, changed, stage, revision in rows:
            book.records.append(
                Record(int(serial), int(placed), int(changed), str(stage), int(revision))
            )
        return book

    def add(
        self, *, count: int, now_ms: int, spread_hours: float = 0.0, stage: str = "", seed: int = 0
    ) -> list[Record]:
        """New orders, evenly over the `spread_hours` before `now_ms` (0: all right now)."""
        first = self.records[-1].serial + 1 if self.records else 1
        rng = random.Random(f"{seed}/{self.owner}/{first}")
        span = spread_hours * HOUR_MS
        added = []
        for n in range(count):
            at = now_ms - int(span * (count - 1 - n) / count)
            added.append(Record(first + n, at, at, stage or _pick(rng, FRESH)))
        self.records.extend(added)
        self.touched = True
        return added

    def change(self, *, count: int, now_ms: int, stage: str = "") -> list[Record]:
        """Move `count` orders to their next stage (or to `stage`), changed at `now_ms`.

        Orders of the last two days that are still open come first, those changed longest
        ago before others, so repeated calls go round."""
        fresh = now_ms - 2 * DAY_MS
        chosen = sorted(
            self.records,
            key=lambda r: (r.placed < fresh, NEXT[r.stage] == r.stage, r.changed, r.serial),
        )[:count]
        for record in chosen:
            self.touch(record, now_ms=now_ms, stage=stage)
        return chosen

    def touch(self, record: Record, *, now_ms: int, stage: str = "") -> None:
        record.stage = stage or NEXT[record.stage]
        record.changed = max(now_ms, record.placed)
        record.revision += 1
        self.touched = True

    def find(self, serial: int) -> Record | None:
        at = bisect.bisect_left(self.records, serial, key=lambda r: r.serial)
        if at < len(self.records) and self.records[at].serial == serial:
            return self.records[at]
        return None

    def rows(self) -> list[list[int | str]]:
        return [record.row() for record in self.records]


# Numbers outside are not serials: a bijection on ten digits that looks random.
_MODULUS = 10**10
_STEP = 7_368_787_321
_BACK = pow(_STEP, -1, _MODULUS)


def scramble(owner: str, serial: int) -> str:
    """Ten digits for `serial`, unique per owner and readable back by `unscramble`."""
    return f"{(serial * _STEP + zlib.crc32(owner.encode())) % _MODULUS:010d}"


def unscramble(owner: str, digits: str) -> int:
    return (int(digits) - zlib.crc32(owner.encode())) * _BACK % _MODULUS
