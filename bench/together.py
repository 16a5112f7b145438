"""Two turns side by side whose pages are written together, as platforms/pull_engine.py does it on
its threads: pages are fetched ahead of the writer, and a transaction holds those of both streams.
Here the dice say who fetches and when it is written.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime

from platforms.errors import PlatformError
from platforms.flows import pull_orders as pulling
from platforms.flows.refresh import open_channel
from platforms.models import Stream
from platforms.pull_engine import jobs_of
from platforms.pulling.turn import Fetched, Loop, Turn
from platforms.pulling.write import write_pages
from platforms.transport import Channel

AT_ONCE = 4  # pages at most


@dataclass(kw_only=True)
class _Pair:
    dice: random.Random
    now: Callable[[], datetime]
    in_hand: list[Fetched] = field(default_factory=list)
    happened: Counter[str] = field(default_factory=Counter)

    def write(self) -> None:
        if self.in_hand:
            write_pages(self.in_hand, now=self.now())
            self.happened["pages written together"] += len(self.in_hand)
        self.in_hand.clear()

    def fetch(self, turn: Turn, pages: Iterator[Fetched], call: Channel, began: datetime) -> bool:
        """One page more; False if the turn is over."""
        error: PlatformError | None = None
        try:
            page = next(pages, None)
        except PlatformError as exc:
            page, error = None, exc
        if page is not None:
            self.in_hand.append(page)
            if len(self.in_hand) == AT_ONCE or self.dice.random() < 0.4:
                self.write()
            if not turn.lost:
                return True
        self.write()
        pulling.note_turn(turn, call)
        if turn.lost:
            self.happened["overtaken"] += 1
        elif error is not None:
            self.happened["turns that failed"] += 1
            self.happened["circles noticed"] += isinstance(error, Loop)
            pulling.write_failure(turn, error, now=self.now())
        else:
            pulling.end_turn(turn, now=began)
        return False


def together(dice: random.Random, *, now: Callable[[], datetime]) -> Counter[str]:
    """Take the turns of what is due, in the tenant's scope; what happened."""
    pair = _Pair(dice=dice, now=now)
    jobs = jobs_of(Stream.claim_due(kind=Stream.Kind.ORDERS, limit=2, now=now()), now=now())
    with ExitStack() as stack:
        at_work = []
        for job in jobs:
            began = now()
            stream = job.turn.stream
            shop_ids = tuple(store.external_id for store in job.turn.stores)
            opened = open_channel(stream.authorization, now=began, shop_ids=shop_ids)
            call = stack.enter_context(opened)
            at_work.append((job.turn, job.turn.pages(call, now=began), call, began))
        pair.happened["turns"] += len(at_work)
        while at_work:
            chosen = dice.randrange(len(at_work))
            if not pair.fetch(*at_work[chosen]):
                del at_work[chosen]
    return pair.happened
