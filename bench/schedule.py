"""One random schedule of pulls: workers on one store that die, fall asleep and overtake each other
while the marketplace drifts (bench/drifting.py). Its seed is all there is to it.

Workers are threads of which one moves at a time, from one pause (a call, an answer, a statement
outside transactions, a commit) to a later one; they die anywhere, also inside transactions. After
each move must hold:

- no order goes back to an older version, no watermark goes back;
- an order that was last changed before `watermark - overlap` is here as it is there.

In the end, when all is quiet, orders and lines are exactly the marketplace's, each once, and
nothing is in quarantine.
"""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch

from django.db import connection, transaction
from django.test import override_settings

from bench.drifting import CODE, Drift, DriftingShop, Habits
from bench.together import together
from bench.weather import Clock
from platforms import registry, transport, vault
from platforms.errors import PlatformError
from platforms.flows.pull_orders import LostLease, pull_orders
from platforms.flows.start_streams import back_fill
from platforms.models import Authorization, Lane, Order, OrderLine, Quarantined, Stream
from platforms.models.pulling import LEASE
from platforms.pull_engine import Engine
from platforms.pulling import turn as turns
from platforms.pulling.turn import Loop
from tenants.models import Store, Tenant
from tenants.scope import tenant_scope
from tests.support.factories import make_authorization, make_store
from tests.support.interleaving import Died, Worker

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
NAP = LEASE + timedelta(seconds=1)
WORKERS = 3
MOST_QUIET_PULLS = 60


class Broken(AssertionError):
    """A schedule after which something is missing, doubled or old."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """What all schedules of a process share; made once, inside `inhabited`."""

    tenant: Tenant
    store: Store
    authorization: Authorization
    keys: dict[int, bytes]


def make_place() -> Place:
    tenant = Tenant.objects.create(name="Drifting", slug="drifting")
    row = make_authorization(tenant, platform=CODE, mode="key", secrets={"api_key": "k"})
    store = make_store(tenant, platform=CODE, authorization=row)
    return Place(
        tenant=tenant, store=store, authorization=row, keys=vault.read_keys([tenant.pk])
    )  # fmt: skip


class Hand(Worker):
    """A worker that pauses or dies after so many looks at the database or the marketplace."""

    def __init__(self, work: Callable[[], object], *, dies_in: int) -> None:
        super().__init__("a worker", "one", work)
        self.dies_in = dies_in
        self.pauses_in = 0
        self.died_at = ""

    @property
    def is_dead(self) -> bool:
        return self._dies

    def look(self, at: str, *, may_pause: bool) -> None:
        self.dies_in -= 1
        if self.dies_in == 0:
            self.died_at, self._dies = at, True
            raise Died
        self.pauses_in -= 1
        if may_pause and self.pauses_in <= 0:
            self.pause(at)


class Schedule:
    """In a database of its own, inside a transaction; leaves nothing behind."""

    def __init__(self, seed: int, place: Place) -> None:
        self.seed, self.place = seed, place
        self.dice = random.Random(seed)
        self.clock = Clock(START, seed=seed, jitter_s=0)
        self.habits = Habits.rolled(self.dice)
        self.adapter = DriftingShop(self.habits)
        self.market = Drift(
            self.habits, dice=self.dice, now=lambda: self.clock.at, pauses=self._call_passes
        )
        self.happened = self.market.happened
        self.deadly = self.dice.choice([0, 0.3, 0.6])
        self.hands: list[Hand] = []
        self._versions: dict[str, datetime] = {}  # of our orders, when they were last looked at
        self._watermarks: dict[int, datetime] = {}

    def play(self) -> Counter[str]:
        """What happened. Raises Broken."""
        self.happened["schedules"] += 1
        self.happened[f"style: {self.habits.style}"] += 1
        try:
            with self._in_force():
                self._begin()
                for _ in range(self.dice.randint(12, 36)):
                    self._move()
                    self._look()
                self._calm_down()
                self._look()
                self._compare()
        except Exception as exc:
            raise Broken(
                f"seed {self.seed}: {type(exc).__name__} {exc}\n{self.habits}\n"
                f"rerun: python -m bench.schedules --first {self.seed} --schedules 1"
            ) from exc
        return self.happened

    # --- what happens

    def _begin(self) -> None:
        now = int(self.clock.at)
        starts_at = START - timedelta(minutes=self.dice.choice([30, 60, 120]))
        for _ in range(self.dice.randint(3, 14)):
            earliest = int(starts_at.timestamp())
            self.market.place(self.dice.choice((earliest, self.dice.randint(earliest, now))))
        self._several_at_once(self.dice.randint(0, 8), at=now - self.dice.randint(0, 1500))
        self.starts_at = starts_at
        self.fills_back = self.dice.random() < 0.4
        since = starts_at
        if self.fills_back:
            # The standing stream begins later, though not without an overlap; the rest is for
            # the back-fill.
            ahead = timedelta(minutes=self.dice.choice([0, 5, 20]))
            since = START - ahead - self.habits.lag - self.habits.overlap
        with tenant_scope(self.place.tenant):
            Stream.objects.create(
                tenant=self.place.tenant, authorization=self.place.authorization,
                store=self.place.store, lane=Lane.LINK, starts_at=since, watermark=since,
                due_at=self.clock.ours(),
            )  # fmt: skip

    def _move(self) -> None:
        chance = self.dice.random()
        if chance < 0.25:
            self._trade()
        elif chance < 0.35:
            self._pass_time()
        elif chance < 0.39:
            self.market.circles = self.dice.choice([1, 2, 6, 12])
            self.market.spoil_lists()
        elif chance < 0.45 and self.fills_back:
            self._fill_back()
        elif (chance < 0.65 and len(self.hands) < WORKERS) or not self.hands:
            self._start_hand()
        else:
            self._let_go_on(self.dice.choice(self.hands))

    def _trade(self) -> None:
        now = int(self.clock.at)
        late = self.clock.at + self.dice.choice((0, self.dice.random())) * self.habits.late_s
        what = self.dice.choice(("place", "change", "change", "several"))
        if what == "place":
            self.market.place(now, shown_at=late)
            self.happened["orders placed"] += 1
        elif what == "several":
            self._several_at_once(self.dice.randint(2, 7), at=now, shown_at=late)
        else:
            number = self.dice.choice(list(self.market.orders))
            self.happened["orders changed"] += self.market.change(number, now, shown_at=late)
        self.happened["shown late"] += late > self.clock.at

    def _several_at_once(self, count: int, *, at: int, shown_at: float = 0.0) -> None:
        changed = min(count // 2, len(self.market.orders))
        for number in self.dice.sample(sorted(self.market.orders), k=changed):
            self.market.change(number, at, shown_at=shown_at)
        for _ in range(count - changed):
            self.market.place(max(at, int(self.clock.at) - 1500), shown_at=shown_at)
        self.happened["orders of one moment"] += count

    def _pass_time(self) -> None:
        nap = NAP.total_seconds()
        self.clock.at += self.dice.choice((1, 7.3, 61, nap, nap, nap, 900, 2500))

    def _fill_back(self) -> None:
        self.fills_back = False
        with tenant_scope(self.place.tenant):
            back_fill(store=self.place.store, since=self.starts_at, now=self.clock.ours())
        self.happened["back-fills"] += 1

    def _start_hand(self) -> None:
        dies_in = 0
        if self.dice.random() < self.deadly:
            dies_in = int(self.dice.expovariate(1 / 25)) + 1
        self._wait_for_something_due()
        works = (self._pull, self._pull, self._together, self._together, self._pump)
        hand = Hand(self.dice.choice(works), dies_in=dies_in)
        hand.start()
        self.hands.append(hand)
        self._let_go_on(hand)

    def _wait_for_something_due(self) -> None:
        waits = [
            max(due_at, leased_until or due_at) for due_at, leased_until in _rows(
                "SELECT due_at, leased_until FROM platforms_stream WHERE finished_at IS NULL"
                " AND due_at IS NOT NULL"
            )
        ]  # fmt: skip
        if waits and self.dice.random() < 0.9:
            self.clock.at = max(self.clock.at, min(waits).timestamp())

    def _let_go_on(self, hand: Hand) -> None:
        hand.pauses_in = int(self.dice.expovariate(1 / 12)) + 1
        hand.move()
        if hand.ended:
            hand.join()
            self.hands.remove(hand)
            if hand.died_at:
                self.happened[f"death: {hand.died_at}"] += 1

    # --- what workers do

    def _pull(self) -> None:
        with tenant_scope(self.place.tenant), vault.holding(self.place.keys):
            now = self.clock.ours()
            for stream in Stream.claim_due(kind=Stream.Kind.ORDERS, limit=1, now=now):
                self.happened["turns"] += 1
                try:
                    pull_orders(stream=stream, now=self.clock.ours())
                except LostLease:
                    self.happened["overtaken"] += 1
                except PlatformError as exc:
                    self.happened["turns that failed"] += 1
                    self.happened["circles noticed"] += isinstance(exc, Loop)

    def _pump(self) -> None:
        with vault.holding(self.place.keys):
            engine = Engine(threads=self.dice.choice((1, 2)))
            engine.run(seconds=60)
        if engine.bugs:
            raise engine.bugs[0]
        self.happened["turns"] += engine.done

    def _together(self) -> None:
        with tenant_scope(self.place.tenant), vault.holding(self.place.keys):
            self.happened.update(together(self.dice, now=self.clock.ours))

    # --- the end

    def _calm_down(self) -> None:
        """All wake up or are dead; no more troubles; then quiet pulls until all is here."""
        for hand in list(self.hands):
            if self.dice.random() < 0.5:
                hand.kill()
                hand.join()
                self.happened["death: for good"] += 1
            else:
                hand.dies_in = hand.pauses_in = 10**9
                hand.move()
                hand.join()
            self.hands.remove(hand)
        self.market.is_quiet, self.market.circles = True, 0
        if self.fills_back:
            self._fill_back()
        last = max(versions[-1].moment for versions in self.market.orders.values())
        enough = last + self.habits.overlap + timedelta(seconds=2)
        self.clock.at = max(self.clock.at, enough.timestamp())
        self.clock.at += (self.habits.lag + NAP).total_seconds()
        for _ in range(MOST_QUIET_PULLS):
            left = [
                due_at for watermark, finished_at, due_at in _rows(
                    "SELECT watermark, finished_at, due_at FROM platforms_stream"
                )
                if finished_at is None and watermark <= enough
            ]  # fmt: skip
            if not left:
                return
            assert None not in left, "a stream that is not done is never due again"
            self.clock.at = max(self.clock.at + 10, min(left).timestamp())
            self._pull()
        raise AssertionError("it does not come to an end")

    # --- what must hold

    def _look(self) -> None:
        ours = dict(_rows("SELECT number, changed_at FROM platforms_order"))
        streams = _rows("SELECT id, starts_at, watermark FROM platforms_stream")
        for number, before in self._versions.items():
            assert ours[number] >= before, f"{number} went back from {before} to {ours[number]}"
        self._versions = ours
        for pk, starts_at, watermark in streams:
            assert watermark >= self._watermarks.get(pk, watermark), "a watermark went back"
            self._watermarks[pk] = watermark
            sure = (watermark - self.habits.overlap).timestamp()
            since = starts_at.timestamp()
            for number, versions in self.market.orders.items():
                if since <= versions[-1].at < sure:
                    assert ours.get(number) == versions[-1].moment, (
                        f"{number} of {versions[-1].moment} is not here, but {ours.get(number)};"
                        f" the watermark is {watermark}"
                    )

    def _compare(self) -> None:
        with tenant_scope(self.place.tenant):
            rows = Order.objects.values_list("number", "changed_at", "status", "platform_status")
            ours = sorted(rows)
            lines = OrderLine.objects.order_by("order__number", "position")
            our_lines = list(lines.values_list("order__number", "position", "sku", "quantity"))
            put_aside = Quarantined.objects.count()
        last = {number: versions[-1] for number, versions in self.market.orders.items()}
        theirs = sorted((n, v.moment, v.status, v.status) for n, v in last.items())
        assert ours == theirs, f"differ: {sorted(set(ours) ^ set(theirs))}"
        their_lines = [
            (number, position, sku, quantity)
            for number, version in sorted(last.items())
            for position, (sku, quantity) in enumerate(version.lines)
        ]
        assert our_lines == their_lines, f"differ: {set(our_lines) ^ set(their_lines)}"
        assert not put_aside, "something is in quarantine"
        self.happened["orders"] += len(ours)

    # --- around it

    @contextmanager
    def _in_force(self) -> Iterator[None]:
        random.seed(self.seed)  # jitter
        most = self.dice.choice([2, 5, 200])
        depth = len(connection.savepoint_ids) + 1

        def gate(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
            hand = threading.current_thread()
            if not isinstance(hand, Hand) or sql.startswith(("SAVEPOINT", "ROLLBACK")):
                return execute(sql, params, many, context)
            if hand.is_dead:
                raise Died  # nobody tidies up after a process that is gone
            inside = len(connection.savepoint_ids) > depth
            if not sql.startswith("RELEASE"):
                # Before, not after it: on a shared connection its rows must have been read.
                hand.look("in a transaction" if inside else "statement", may_pause=not inside)
                return execute(sql, params, many, context)
            result = execute(sql, params, many, context)
            if not inside:
                hand.look("commit", may_pause=True)
            return result

        with (
            transaction.atomic(),
            self.clock.in_force(),
            patch.dict(registry._BY_CODE, {CODE: self.adapter}),
            patch.object(turns, "PAGES_AT_ONCE", most),
            transport.use_wire(self.market),
            override_settings(KEEP_RAW=self.dice.random() < 0.3),
            connection.execute_wrapper(gate),
        ):
            try:
                yield
            finally:
                for hand in self.hands:
                    if not hand.ended:
                        hand.kill()
                transaction.set_rollback(True)

    def _call_passes(self, at: str) -> None:
        hand = threading.current_thread()
        self.clock.at += self.dice.choice((0, 0.2, 1.5))
        if isinstance(hand, Hand):
            hand.look(at, may_pause=True)


def _rows(sql: str) -> list[tuple[Any, ...]]:
    """Times as Django would give them; but the ORM takes longer than a pull."""
    with connection.cursor() as cursor:
        cursor.execute(sql)
        rows = cursor.fetchall()
    if connection.vendor == "sqlite":
        return [tuple(_moment(value) for value in row) for row in rows]
    return rows


def _moment(value: object) -> object:
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) else value
