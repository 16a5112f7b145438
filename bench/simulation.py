"""One fleet of authorizations kept alive through simulated months, and its books.

The product's engine refreshes against the emulator's rules while platforms fail, workers die and
platforms refuse by mistake. After each turn the books compare what is in the database with what
the platform holds: the time counts as good while the row is active and the platform accepts the
access token in it.
"""

from __future__ import annotations

import copy
import heapq
import math
import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import Min
from django.db.models.base import ModelState
from django.test import override_settings
from uuid_utils.compat import uuid7

from bench.market import CAST, URL, Chain, Died, Market, Rates
from bench.weather import DAY, HOUR, Clock, Outages
from platforms import credentials, registry, transport, vault
from platforms.emulator.app import endpoints
from platforms.flows.confirm_link import confirm
from platforms.models import (
    App,
    Authorization,
    AuthorizationState,
    CallStat,
    LinkAttempt,
    Step,
    TimelineEntry,
)
from platforms.refresh_engine import Engine
from tenants.models import Store, Tenant
from tenants.scope import all_tenants, tenant_scope

START = datetime(2027, 1, 1, tzinfo=UTC)
TENANTS = 20
MISTAKES_A_YEAR = 0.5  # refusals by mistake, for each grant
REVOKED_A_YEAR = 0.02  # sellers who take the permission back, for each grant
AFTERMATH_S = 2 * HOUR  # time without a token so soon after an outage is put down to it
AFTER_OUTAGE = "until a token came after an outage"
BY_MISTAKE = "refused by mistake"
CONSENT_OVER = "the consent ran out"
OURS = "destroyed by us"
# What nobody can survive: the only copy of a single-use token was lost before we could keep it.
UNSURVIVABLE = ("crashes before the answer was on disk", "answers lost on the way")
LINKING = "being linked"
SELLERS = (CONSENT_OVER, "the seller took it back", LINKING)


@dataclass(eq=False)
class Grant:
    pk: int
    tenant_id: int
    chain: Chain
    number: int
    since: float  # the books are kept up to here
    good_until: float = 0.0
    why: str = LINKING  # it is not usable, where that is known
    asked: bool = False  # the seller, to link again


@dataclass
class Books:
    """Seconds and counts by platform."""

    days: float = 0.0
    grants: Counter[str] = field(default_factory=Counter)
    bad_s: Counter[tuple[str, str]] = field(default_factory=Counter)  # (platform, why)
    outage_s: Counter[str] = field(default_factory=Counter)  # of all grants together
    calls: Counter[str] = field(default_factory=Counter)
    refreshed: Counter[str] = field(default_factory=Counter)
    relinks: Counter[tuple[str, str]] = field(default_factory=Counter)
    happened: Counter[tuple[str, str]] = field(default_factory=Counter)

    def add(self, other: Books) -> None:
        self.days = other.days
        for name in ("grants", "bad_s", "outage_s", "calls", "refreshed", "relinks", "happened"):
            getattr(self, name).update(getattr(other, name))

    def counted_s(self, code: str) -> float:
        """Seconds outside outages and outside what the seller ended."""
        total = self.grants[code] * self.days * DAY - self.outage_s[code]
        return total - sum(self.bad_s[code, why] for why in SELLERS)

    def lost_s(self, code: str, *, survivable: bool = True) -> float:
        """Seconds without a usable token among these; without what nobody can survive."""
        return sum(
            seconds for (platform, why), seconds in self.bad_s.items()
            if platform == code and why not in SELLERS
            and not (survivable and why in UNSURVIVABLE)
        )  # fmt: skip

    def share(self, codes: Iterator[str] | list[str] | None = None, **which: bool) -> float:
        codes = list(self.grants) if codes is None else list(codes)
        counted = sum(self.counted_s(code) for code in codes)
        return 1 - sum(self.lost_s(code, **which) for code in codes) / counted

    def destroyed(self) -> int:
        return sum(n for (_code, why), n in self.relinks.items() if why == OURS)


class Simulation:
    """`grants` are spread over all platforms. In a database of its own, inside a transaction."""

    def __init__(
        self, *, grants: int, days: float, seed: int, access_hours: float = 0, threads: int = 32,
        pump_s: float = 60, rates: Rates | None = None, codes: tuple[str, ...] = tuple(CAST),
        outage_seed: int | None = None,
    ) -> None:  # fmt: skip
        self.dice = random.Random(seed)
        self.days, self.threads, self.pump_s = days, threads, pump_s
        self.count, self.codes = grants, codes
        self.clock = Clock(START, seed=seed)
        # All shards of one year have the same weather.
        sky = random.Random(seed if outage_seed is None else outage_seed)
        self.outages = {code: Outages(self.clock.at, days, dice=sky) for code in CAST}
        self.market = Market(
            self.clock, self.outages, dice=self.dice, rates=rates or Rates(),
            access_hours=access_hours,
        )  # fmt: skip
        for code in CAST:
            self.market.single_use[code] = not registry.get(code).refresh_repeats
        self.books = Books(days=days)
        self.ends = self.clock.at + days * DAY
        self._grants: dict[Chain, Grant] = {}
        self._crashed: dict[Chain, Grant] = {}  # answers on disk, not yet committed
        self._later: list[tuple[float, int, Callable[[], None]]] = []
        self._first: dict[str, Authorization] = {}
        self._patterns: dict[str, tuple[dict[str, str], App | None, str, str]] = {}

    def run(self, tell: Callable[[str], None] = lambda _text: None) -> Books:
        with self._world(), all_tenants("the whole fleet"):
            self._link_all()
            weeks = 0
            while self.clock.at < self.ends:
                self._turn()
                if self.clock.at - START.timestamp() > (weeks + 1) * 7 * DAY:
                    weeks += 1
                    self._forget_statistics()
                    tell(f"week {weeks}: {self.books.refreshed.total()} refreshes")
                self.clock.at = self._next()
            self.clock.at = self.ends
            for grant in self._grants.values():
                self._settle(grant)
            self._look_for_hidden_damage()
        for code in self.codes:
            outage = self.outages[code].within(START.timestamp(), self.ends)
            self.books.outage_s[code] = outage * self.books.grants[code]
        self.books.calls = self.market.calls
        self.books.happened = self.market.happened
        return self.books

    # --- time

    def _turn(self) -> None:
        """What sellers do, then one run of the pump; a worker that dies is started again."""
        while self._later and self._later[0][0] <= self.clock.at:
            heapq.heappop(self._later)[2]()
        while True:
            engine = Engine(threads=self.threads)
            try:
                engine.run(seconds=60)
            except Died:
                for chain in self.market.asked:
                    self._crashed.setdefault(chain, self._grants[chain])
                self._enter()
                continue
            if engine.bugs:
                raise engine.bugs[0]
            break
        self._enter()

    def _next(self) -> float:
        """The pump's next run at which something is due."""
        first = Authorization.objects.filter(
            state__in=[AuthorizationState.ACTIVE, AuthorizationState.NEEDS_RELINK]
        ).aggregate(at=Min("refresh_due_at"))["at"]
        due = min(
            first.timestamp() if first else math.inf,
            self._later[0][0] if self._later else math.inf, self.ends,
        )  # fmt: skip
        runs = math.ceil((due - START.timestamp()) / self.pump_s)
        return max(self.clock.at + self.pump_s, START.timestamp() + runs * self.pump_s)

    def _do_later(self, at: float, what: Callable[[], None]) -> None:
        heapq.heappush(self._later, (at, len(self._later) + self.dice.getrandbits(40), what))

    # --- the books

    def _enter(self) -> None:
        """Compare the rows that were worked on with what the platform holds."""
        chains = self.market.asked | set(self._crashed)
        self.market.asked = set()
        grants = {self._grants[chain].pk: self._grants[chain] for chain in chains}
        rows = list(Authorization.objects.filter(pk__in=list(grants)))
        keys = vault.read_keys({row.tenant_id for row in rows})
        with vault.holding(keys):
            for row in rows:
                self._compare(grants[row.pk], row)

    def _compare(self, grant: Grant, row: Authorization) -> None:
        chain, code = grant.chain, grant.chain.platform
        self._settle(grant)
        secrets = credentials.open_secrets(row)
        held = chain.refresh and secrets["refresh_token"] == chain.newest
        if held and secrets["access_token"] == (chain.access or [""])[-1]:
            self._crashed.pop(chain, None)
        usable = row.state == AuthorizationState.ACTIVE
        until = self.market.access_until(chain, secrets["access_token"]) if usable else 0.0
        if until > grant.good_until:
            self.books.refreshed[code] += 1
        grant.good_until = until
        if usable:
            if until > self.clock.at or chain.ended:
                grant.why = chain.ended
            if until > self.clock.at and grant.asked:
                grant.asked = False
                self.books.relinks[code, "healed before the seller came"] += 1
            return
        if grant.asked:
            return
        grant.why = self._why(grant, secrets["refresh_token"])
        grant.asked = True
        self.books.relinks[code, grant.why] += 1
        self._crashed.pop(chain, None)
        if grant.why != BY_MISTAKE:
            patience = self.dice.uniform(1, 24) * HOUR
            self._do_later(self.clock.at + patience, lambda: self._relink(grant, chain))

    def _why(self, grant: Grant, refresh_token: str) -> str:
        """Why a grant was given up."""
        if grant.chain.ended:
            return grant.chain.ended
        token = self.market.state.tokens.get(grant.chain.newest)
        if token is not None and token.expires_at and not self.market.state.is_live(token):
            return CONSENT_OVER
        if self.market.is_live(refresh_token):
            return BY_MISTAKE
        return OURS

    def _settle(self, grant: Grant) -> None:
        """Enter the time without a usable token since the last entry."""
        code, now = grant.chain.platform, self.clock.at
        since = max(grant.since, grant.good_until)
        if since < now:
            outages = self.outages[code]
            bad = (now - since) - outages.within(since, now)
            why = grant.why
            if not why:
                fresh = bad > 0 and outages.within(since - AFTERMATH_S, now) > 0
                why = AFTER_OUTAGE if fresh else "late"
            if bad > 0:
                self.books.bad_s[code, why] += bad
        grant.since = max(grant.since, now)

    def _look_for_hidden_damage(self) -> None:
        """A grant that is thought to be well but whose token the platform no longer takes."""
        for grant in self._grants.values():
            row = Authorization.objects.get(pk=grant.pk)
            chain = grant.chain
            if row.state != AuthorizationState.ACTIVE or chain.ended or chain in self._crashed:
                continue
            with tenant_scope(row.tenant_id):
                held = credentials.open_secrets(row)["refresh_token"]
            token = self.market.state.tokens.get(chain.newest)
            over = token is not None and not self.market.state.is_live(token)
            if not over and not self.market.is_live(held):
                repeated = not self.market.single_use[chain.platform] and held in chain.refresh
                if not repeated:
                    self.books.relinks[chain.platform, OURS] += 1

    # --- the sellers

    def _link_all(self) -> None:
        self._tenants = [
            Tenant.objects.create(name=f"T{n}", slug=f"simulated-{n}") for n in range(TENANTS)
        ]
        for number in range(self.count):
            code = self.codes[number % len(self.codes)]
            self._link(code, number)
            self.books.grants[code] += 1

    def _link(self, code: str, number: int) -> None:
        tenant = self._tenants[number % TENANTS]
        chain = self._consent(code, number)
        row = self._copied(code, number, tenant.pk, chain) or self._confirm(
            code, number, tenant.pk, chain, None
        )
        self._first.setdefault(code, row)
        grant = Grant(
            pk=row.pk, tenant_id=tenant.pk, chain=chain, number=number, since=self.clock.at
        )
        self._grants[chain] = grant
        self._begin(grant)
        self.market.asked.add(chain)

    def _copied(self, code: str, number: int, tenant_id: int, chain: Chain) -> Authorization | None:
        """As the platform's first one, with a store; linking thousands takes too long."""
        if code not in self._first:
            return None
        row = copy.copy(self._first[code])
        row.pk, row.public_id, row._state = None, uuid7(), ModelState()
        row.tenant_id, row.account_id = tenant_id, self._shop_id(number)
        with tenant_scope(tenant_id):
            secrets = {**self._pattern(code)[0], "access_token": "none yet"}
            secrets["refresh_token"] = chain.newest
            row.sealed_credential = credentials.sealed(row, secrets)
            row.save()
            Store.objects.create(
                tenant_id=tenant_id, platform=code, account_name=f"shop{number}", state="active",
                external_id=self._shop_id(number), authorization=row,
            )  # fmt: skip
        return row

    def _begin(self, grant: Grant) -> None:
        """What fate has for the chain of a new consent."""
        chain, now = grant.chain, self.clock.at
        at = now
        while (at := at + self.dice.expovariate(MISTAKES_A_YEAR / (365 * DAY))) < self.ends:
            chain.refusals.append(at)
        gone = now + self.dice.expovariate(REVOKED_A_YEAR / (365 * DAY))
        if gone < self.ends:
            self._do_later(gone, lambda: self._revoke(grant, chain))
        token = self.market.state.tokens[chain.newest]
        if token.expires_at and not registry.get(chain.platform).refresh_renews:
            # Most sellers follow the reminders of the last week, some are late.
            early = self.dice.uniform(-0.7, 7) * DAY
            self._do_later(token.expires_at - early, lambda: self._relink(grant, chain))

    def _revoke(self, grant: Grant, chain: Chain) -> None:
        if grant.chain is chain and not chain.ended:
            self._settle(grant)
            self.market.revoke(chain)
            grant.good_until, grant.why = 0.0, chain.ended

    def _relink(self, grant: Grant, chain: Chain) -> None:
        """The seller consents again, for the same account."""
        if grant.chain is not chain:
            return  # he has done so already
        self._settle(grant)
        code = chain.platform
        if not grant.asked:
            self.books.relinks[code, "asked ahead of the consent's end"] += 1
        self._grants.pop(chain)
        self._crashed.pop(chain, None)
        grant.chain = self._consent(code, grant.number)
        self._grants[grant.chain] = grant
        row = Authorization.objects.get(pk=grant.pk)
        self._confirm(code, grant.number, grant.tenant_id, grant.chain, row)
        grant.asked, grant.good_until, grant.why = False, 0.0, LINKING
        self._begin(grant)

    def _consent(self, code: str, number: int) -> Chain:
        region = self._pattern(code)[3]
        return self.market.consent(code, number, shop_id=self._shop_id(number), region=region)

    def _shop_id(self, number: int) -> str:
        return str(700_000_000 + number)

    def _confirm(
        self, code: str, number: int, tenant_id: int, chain: Chain, relinks: Authorization | None
    ) -> Authorization:
        """The last step of linking, as the product does it, with a refresh token in hand."""
        secrets, app, mode, region = self._pattern(code)
        shop_id = self._shop_id(number)
        found = {
            "account_id": shop_id, "account_name": f"Shop {number}", "missing": [],
            "shops": [{"external_id": shop_id, "name": f"Shop {number}", "site": "",
                       "taken": False}],
        }  # fmt: skip
        now = self.clock.ours()
        pending = {
            "secrets": {**secrets, "access_token": "none yet", "refresh_token": chain.newest},
            "scopes": None, "access_expires_at": now.isoformat(), "refresh_expires_at": None,
            "consent_expires_at": None,
        }  # fmt: skip
        with tenant_scope(tenant_id):
            attempt = LinkAttempt(
                tenant_id=tenant_id, platform=code, mode=mode, region=region, app=app,
                account_name=f"shop{number}", step=Step.CONFIRM, found=found, relinks=relinks,
            )  # fmt: skip
            attempt.sealed_pending = credentials.seal_for_attempt(
                tenant_id, attempt.public_id, "pending", pending
            )
            attempt.save()
            return confirm(attempt=attempt, user=None, now=now).authorization

    def _pattern(self, code: str) -> tuple[dict[str, str], App | None, str, str]:
        """What the product seals beside the tokens; application, mode and region."""
        if code not in self._patterns:
            from platforms.emulator.accounts import ACCOUNTS
            from tests.support.linking import find_or_make_app

            way: dict[str, Any] = dict(ACCOUNTS[CAST[code]].ways())
            mode = next(m for m in way if m in ("authorization_code", "website_authorization"))
            given = dict(way[mode])
            region = given.pop("region", "eu" if code == "amazon" else "")
            given.pop("site", None)
            app = find_or_make_app(code, region)
            self._patterns[code] = given, app, mode, region
        return self._patterns[code]

    # --- around it

    @contextmanager
    def _world(self) -> Iterator[None]:
        def deadly(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
            if self.market.dies_at_commit and sql.lstrip().startswith(COMMIT):
                self.market.dies_at_commit = False
                raise Died
            return execute(sql, params, many, context)

        with (
            self.clock.in_force(),
            override_settings(ALLOW_ENDPOINT_OVERRIDES=True, PLATFORM_ENDPOINTS=endpoints(URL)),
            transport.use_wire(self.market),
            transaction.atomic(),
            connection.execute_wrapper(deadly),
        ):
            yield

    def _forget_statistics(self) -> None:
        """As the hourly retention does, only sooner."""
        long_ago = self.clock.ours() - timedelta(days=7)
        CallStat.objects.filter(hour__lt=long_ago).delete()
        TimelineEntry.objects.filter(last_at__lt=long_ago).delete()


COMMIT = "UPDATE platforms_authorization SET"
