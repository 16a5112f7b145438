"""A seller of any marketplace, and the ways in which one can be linked."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.utils import timezone

from platforms import credentials, registry
from platforms.adapter import Adapter
from platforms.emulator.accounts import APPS, Account, of_platform
from platforms.errors import PlatformError
from platforms.flows import consent as consent_flow
from platforms.flows import link
from platforms.flows.confirm_link import Linked, confirm
from platforms.flows.pull_orders import pull_orders
from platforms.landing import Landed
from platforms.models import Authorization, LinkAttempt, Order, Stream
from platforms.spec import Mode, ModeKind
from tenants.models import Store, Tenant
from tests.support.linking import attempt_for, consent, keys_of
from tests.support.wire import World, callback_params


@dataclass(frozen=True, kw_only=True)
class Way:
    """`account`: the first that can be linked so; `other`: the next in its place, "" if none."""

    platform: str
    mode: str
    account: str
    other: str

    def __str__(self) -> str:
        return f"{self.platform}-{self.mode}"

    @property
    def adapter(self) -> Adapter:
        return registry.get(self.platform)

    @property
    def declared(self) -> Mode:
        return self.adapter.mode(self.mode)

    @property
    def is_by_keys(self) -> bool:
        return self.declared.kind is ModeKind.KEYS


def _ways() -> list[Way]:
    found = []
    for adapter in registry.all_adapters():
        accounts = [each for each in of_platform(adapter.code) if each.orders]
        for mode in adapter.modes:
            able = [each for each in accounts if mode.code in each.ways()]
            if mode.kind is not ModeKind.REFUSED and able:
                others = _others(able[0], mode, accounts)
                found.append(
                    Way(
                        platform=adapter.code, mode=mode.code, account=able[0].key,
                        other=others[0].key if others else "",
                    )
                )  # fmt: skip
    return found


def _others(first: Account, mode: Mode, accounts: list[Account]) -> list[Account]:
    """Who could stand in for the first by mistake: sellers of another place agree elsewhere."""
    others = [each for each in accounts if each is not first]
    if mode.kind is ModeKind.KEYS:
        return [each for each in others if mode.code in each.ways()]
    if any(not each.app for each in mode.fields):
        others = [each for each in others if mode.code in each.ways()]
    return [each for each in others if _place(each, mode) == _place(first, mode)]


def _place(account: Account, mode: Mode) -> tuple[str, str]:
    ways = account.ways()
    typed = ways.get(mode.code) or next(iter(ways.values()))
    return typed.get("region", ""), typed.get("site", "")


WAYS = _ways()


@dataclass(kw_only=True)
class Pull(Landed):
    """Sums over the streams; `faults` are of those that failed."""

    streams: int = 0
    pages: int = 0
    faults: list[str] = field(default_factory=list)


@dataclass(kw_only=True)
class Seller:
    world: World
    tenant: Tenant
    way: Way

    # --- at the marketplace

    def turn(self, **knobs: object) -> None:
        self.world.control("knobs", where=self.way.account, set=knobs)

    def turn_back(self) -> None:
        self.world.control("knobs/clear", where=self.way.account)

    def sell(self, count: int, *, over_hours: float) -> None:
        self.world.control(
            "orders/add", account=self.way.account, n=count, spread_hours=over_hours,
            ago_seconds=300,
        )  # fmt: skip

    @property
    def scopes(self) -> tuple[str, ...]:
        return self.world.emulator.platforms[self.way.platform].scopes

    def ignores(self, knob: str) -> bool:
        return knob in self.world.emulator.platforms[self.way.platform].unused_knobs

    def changed(self, *, since: datetime | None = None, until: datetime | None = None) -> set[str]:
        """The numbers of the orders that the marketplace knows to have changed then."""
        rows = self.world.ask(f"orders?account={self.way.account}")["orders"]
        assert isinstance(rows, list)
        return {
            row["number"]
            for row in rows
            if (since is None or datetime.fromisoformat(row["changed_at"]) >= since)
            and (until is None or datetime.fromisoformat(row["changed_at"]) < until)
        }

    # --- linking

    def attempt(self, account: str = "", **more: object) -> LinkAttempt:
        return attempt_for(self.tenant, account or self.way.account, mode=self.way.mode, **more)  # type: ignore[arg-type]

    def authorize(self, attempt: LinkAttempt, account: str = "") -> LinkAttempt:
        """Paste the keys, or agree. What goes wrong is on the attempt in either case."""
        account = account or self.way.account
        if not self.way.is_by_keys:
            return consent(self.world, attempt, account)
        try:
            return self.paste(attempt, keys_of(account, self.way.mode))
        except (PlatformError, link.NotPossible):
            return LinkAttempt.objects.get(pk=attempt.pk)

    def typed(self) -> dict[str, str]:
        return keys_of(self.way.account, self.way.mode)

    def paste(self, attempt: LinkAttempt, values: dict[str, str]) -> LinkAttempt:
        return link.submit_keys(attempt=attempt, values=values, ip=None, now=timezone.now())

    def agree_with_another_secret(self, attempt: LinkAttempt) -> LinkAttempt:
        """The secret of the application is replaced while the seller is on their way back."""
        now = timezone.now()
        url = consent_flow.begin_consent(attempt=attempt, session="browser", now=now).url
        back = self.world.consent(url, account=self.way.account)
        assert attempt.app is not None
        (key,) = [key for key, app in APPS.items() if app.client_id == attempt.app.client_id]
        self.world.control("rotate_secret", app=key)
        return consent_flow.finish_consent(
            platform=self.way.platform, params=callback_params(back), session="browser", ip=None,
            now=now,
        )  # fmt: skip

    def attempt_of_other(self, linked: Linked) -> LinkAttempt:
        """A relinking to which the other seller brings what is theirs, but not an application."""
        theirs = self.way.is_by_keys or any(not each.app for each in self.way.declared.fields)
        account = self.way.other if theirs else self.way.account
        return self.attempt(account, relinks=linked.authorization)

    def link(self, **more: object) -> Linked:
        attempt = self.authorize(self.attempt(**more))
        assert attempt.fault == "", (attempt.fault, attempt.fault_reason, attempt.fault_detail)
        return confirm(attempt=attempt, user=None, now=timezone.now())

    # --- afterwards

    def pull(self, *, later: timedelta = timedelta(0)) -> Pull:
        """Every stream that may be due, once."""
        now = timezone.now() + later
        Stream.objects.exclude(due_at=None).filter(finished_at=None).update(
            due_at=now, leased_until=None
        )
        pull = Pull()
        for stream in Stream.claim_due(kind="orders", limit=100, now=now):
            pull.streams += 1
            try:
                pulled = pull_orders(stream=stream, now=now)
            except PlatformError as exc:
                pull.faults.append(str(exc.fault))
                continue
            if not pulled.finished:
                pull.faults.append("unfinished")
            for name in ("pages", "seen", "created", "updated", "unchanged", "quarantined"):
                setattr(pull, name, getattr(pull, name) + getattr(pulled, name))
        return pull

    def can_refresh(self, authorization: Authorization) -> bool:
        return self.way.adapter.can_refresh(credentials.account_of(authorization))


def numbers() -> set[str]:
    return set(Order.objects.values_list("number", flat=True))


def states(linked: Linked) -> set[str]:
    """Of the stores and of their authorizations."""
    stores = Store.objects.filter(pk__in=[store.pk for store in linked.stores])
    return {*stores.values_list("state", "authorization__state")}  # type: ignore[arg-type]
