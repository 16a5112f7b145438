"""What goes wrong in a simulated year: outages of platforms, and clocks that are never right."""

from __future__ import annotations

import math
import random
from bisect import bisect_right
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from unittest.mock import patch

HOUR = 3600.0
DAY = 24 * HOUR
LONGEST_OUTAGE_S = 72 * HOUR
SHORTEST_OUTAGE_S = 5 * 60.0
OUTAGES_A_YEAR = 6.0
KINDS = ("unavailable", "no answer in time", "refused connections", "garbage", "all of these")


class Clock:
    """Unix seconds. Our own machine is up to two seconds off, differently at each look."""

    def __init__(self, start: datetime, *, seed: int, jitter_s: float = 2.0) -> None:
        self.at = start.timestamp()
        self._dice = random.Random(seed)
        self._jitter_s = jitter_s

    def ours(self) -> datetime:
        off = self._dice.uniform(-self._jitter_s, self._jitter_s)
        return datetime.fromtimestamp(self.at + off, tz=UTC)

    def sleep(self, seconds: float) -> None:
        self.at += max(0.0, seconds)

    @contextmanager
    def in_force(self) -> Iterator[None]:
        """Django and whoever sleeps go by this clock; the libraries' own, none of our code."""
        with (
            patch("django.utils.timezone.now", self.ours),
            patch("time.sleep", self.sleep),
        ):
            yield


@dataclass(frozen=True, kw_only=True)
class Outage:
    since: float
    until: float
    kind: str


class Outages:
    """Those of one platform's token endpoint, in order, none within another."""

    def __init__(self, start: float, days: float, *, dice: random.Random) -> None:
        self.all: list[Outage] = []
        # In a run of a month or more one takes the full three days, whatever the dice say.
        longest = dice.uniform(0, days - 4) * DAY + start if days >= 30 else math.inf
        at = start
        while True:
            following = at + dice.expovariate(OUTAGES_A_YEAR / (365 * DAY)) + HOUR
            spread = math.log(LONGEST_OUTAGE_S / SHORTEST_OUTAGE_S)
            lasts = SHORTEST_OUTAGE_S * math.exp(dice.uniform(0, spread))
            if following >= longest:
                following, lasts, longest = max(longest, at), LONGEST_OUTAGE_S, math.inf
            if following >= start + days * DAY:
                break
            at = following + lasts
            self.all.append(Outage(since=following, until=at, kind=dice.choice(KINDS)))
        self._begins = [each.since for each in self.all]

    def at(self, moment: float) -> Outage | None:
        index = bisect_right(self._begins, moment) - 1
        return self.all[index] if index >= 0 and moment < self.all[index].until else None

    def within(self, since: float, until: float) -> float:
        """Seconds of outage between two moments."""
        index = max(0, bisect_right(self._begins, since) - 1)
        total = 0.0
        for each in self.all[index:]:
            if each.since >= until:
                break
            total += max(0.0, min(until, each.until) - max(since, each.since))
        return total

    def ended_before(self, moment: float, *, at_most: float) -> bool:
        """Whether one ended not longer than `at_most` seconds before."""
        index = bisect_right(self._begins, moment) - 1
        return index >= 0 and moment - self.all[index].until <= at_most
