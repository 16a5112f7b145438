"""Asking the marketplaces for one number: whom, side by side, and not past a deadline."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from functools import cache

from django.db import close_old_connections, connection, connections
from django.utils import timezone

from platforms import landing, registry, vault
from platforms.credentials import account_of
from platforms.errors import Fault, PlatformError
from platforms.flows.refresh import open_channel
from platforms.landing import Batch, Router
from platforms.models import Authorization
from platforms.order_finder.numbers import spellings
from platforms.order_finder.reasons import Silent
from platforms.spec import Account, Answer, Page, Request
from tenants.models import Store, StoreState
from tenants.scope import tenant_scope

logger = logging.getLogger(__name__)

MOST_UNITS = 40
THREADS = 12  # for all searches of this process
ASKED_STATES = (StoreState.ACTIVE, StoreState.PAUSED)


@dataclass(frozen=True, kw_only=True)
class Unit:
    """What one call asks for: a store, or all stores of an authorization where the platform
    answers for them together. `number` is as this platform writes it."""

    authorization: Authorization
    stores: tuple[Store, ...]
    number: str

    @property
    def shop_ids(self) -> tuple[str, ...]:
        return tuple(store.external_id for store in self.stores)


@dataclass(frozen=True, kw_only=True)
class Replied:
    """What the platform said to a unit; a page without records is "no such order"."""

    unit: Unit
    page: Page | None = None
    fault: Fault | None = None

    @property
    def has_it(self) -> bool:
        return self.page is not None and bool(self.page.records)


@dataclass(kw_only=True)
class Asked:
    """All replies that came in time, and who else would have been asked."""

    replies: list[Replied] = field(default_factory=list)
    late: list[Unit] = field(default_factory=list)

    @property
    def found(self) -> Replied | None:
        return next((each for each in self.replies if each.has_it), None)

    @property
    def answered(self) -> tuple[Store, ...]:
        return tuple(
            store for each in self.replies if each.fault is None for store in each.unit.stores
        )

    @property
    def silent(self) -> tuple[Silent, ...]:
        refused = [
            Silent(stores=each.unit.stores, fault=each.fault)
            for each in self.replies
            if each.fault is not None
        ]
        return (*refused, *(Silent(stores=unit.stores) for unit in self.late))


class _WouldAsk(Exception):
    """The adapter was about to send a request: it takes the number for one of its own."""


class _Probe:
    """A call that sends nothing."""

    def __init__(self, account: Account) -> None:
        self.account = account

    def __call__(self, request: Request) -> Answer:
        raise _WouldAsk


def spelling_for(authorization: Authorization, number: str) -> str | None:
    """How the platform of `authorization` would write `number`; None if it has no such numbers."""
    adapter = registry.get(authorization.platform)
    try:
        probe = _Probe(account_of(authorization))
    except vault.Unopenable:
        return number  # said when it is asked
    for spelling in spellings(number):
        try:
            adapter.fetch_order(probe, number=spelling, now=timezone.now())
        except (_WouldAsk, PlatformError):
            return spelling
    return None


def units_for(stores: Sequence[Store], number: str) -> list[Unit]:
    """The calls that ask for `number` on behalf of `stores`, those whose platform has other
    numbers left out."""
    spelled: dict[str, str | None] = {}
    units: dict[tuple[int, int | None], Unit] = {}
    for store in stores:
        authorization = store.authorization
        if store.state not in ASKED_STATES or authorization is None or not authorization.is_usable:
            continue
        adapter = registry.get(store.platform)
        if store.platform not in spelled:
            spelled[store.platform] = spelling_for(authorization, number)
        spelling = spelled[store.platform]
        together = adapter.pull_by_authorization
        key = (authorization.pk, None if together else store.pk)
        if spelling is None or key in units:
            continue
        units[key] = Unit(
            authorization=authorization,
            stores=_of_authorization(authorization) if together else (store,),
            number=spelling,
        )
    return list(units.values())


def fitting(stores: Iterable[Store], number: str) -> list[Store]:
    """Those whose platform writes numbers like this one."""
    fits: dict[str, bool] = {}
    found = []
    for store in stores:
        if store.authorization is None:
            continue
        if store.platform not in fits:
            fits[store.platform] = spelling_for(store.authorization, number) is not None
        if fits[store.platform]:
            found.append(store)
    return found


def _of_authorization(authorization: Authorization) -> tuple[Store, ...]:
    stores = Store.objects.select_related("tenant", "authorization__app")
    return tuple(stores.filter(authorization=authorization, state__in=ASKED_STATES).order_by("pk"))


@cache
def _pool() -> ThreadPoolExecutor:
    """One for all searches: a platform that hangs costs the process so many threads at most."""
    return ThreadPoolExecutor(max_workers=THREADS, thread_name_prefix="order-finder")


def ask(first: Sequence[Unit], then: Sequence[Unit], *, until: float) -> Asked:
    """Ask side by side until one has the order, or it is `until` (monotonic): `first`, and
    `then` as soon as those do not have it or half of the time is gone."""
    asked = Asked()
    if connection.in_atomic_block:
        # Other threads would not see what an open transaction has written: all in this one.
        for unit in [*first, *then]:
            if time.monotonic() >= until:
                asked.late.append(unit)
            elif asked.found is None:
                asked.replies.append(_reply(unit))
        return asked
    now = time.monotonic()
    half = now + (until - now) / 2
    waiting = _submitted(first)
    coming = list(then)
    while (waiting or coming) and asked.found is None and (now := time.monotonic()) < until:
        if coming and (not waiting or now >= half):
            waiting |= _submitted(coming)
            coming = []
        timeout = (half if coming else until) - now
        for future in wait(waiting, timeout=timeout, return_when=FIRST_COMPLETED).done:
            asked.replies.append(_result(future, waiting.pop(future)))
    for future in waiting:
        future.cancel()
    if asked.found is None:
        asked.late += [*waiting.values(), *coming]
    return asked


def _submitted(units: Sequence[Unit]) -> dict[Future[Replied], Unit]:
    return {_pool().submit(_thread, unit): unit for unit in units}


def _result(future: Future[Replied], unit: Unit) -> Replied:
    exc = future.exception()
    if exc is None:
        return future.result()
    logger.error("order_finder.tripped", exc_info=exc)
    return Replied(unit=unit, fault=Fault.UNKNOWN)


def _thread(unit: Unit) -> Replied:
    close_old_connections()
    try:
        return _reply(unit)
    finally:
        connections.close_all()


def _reply(unit: Unit) -> Replied:
    with tenant_scope(unit.authorization.tenant_id):
        try:
            page = fetch(unit)
        except PlatformError as exc:
            return Replied(unit=unit, fault=exc.fault)
        except vault.Unopenable:
            return Replied(unit=unit, fault=Fault.UNKNOWN)
    return Replied(unit=unit, page=page)


def fetch(unit: Unit) -> Page | None:
    """Ask the platform. Raises PlatformError, vault.Unopenable."""
    adapter = registry.get(unit.authorization.platform)
    now = timezone.now()
    with open_channel(unit.authorization, now=now, shop_ids=unit.shop_ids) as call:
        return adapter.fetch_order(call, number=unit.number, now=now)


def read(unit: Unit, page: Page) -> Batch:
    """The records of the page, for the unit's stores."""
    adapter = registry.get(unit.authorization.platform)
    return landing.read_records(
        adapter, page.records, kind=page.kind, router=Router(list(unit.stores))
    )
