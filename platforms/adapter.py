"""What every marketplace answers for. Facts are class attributes; methods only where
platforms differ. Methods build requests and read answers; the network is `call`."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import ClassVar, Protocol, TypeVar

import msgspec

from platforms import reading
from platforms.errors import Fault, PlatformError, platform_error
from platforms.news import Notice, Push, Reply
from platforms.spec import (
    Account,
    Answer,
    AppKeys,
    Asked,
    Field,
    Grant,
    Identity,
    Limit,
    Mode,
    ModeKind,
    OrderData,
    Page,
    Request,
    Room,
    Site,
    Start,
    Text,
    Window,
)


class Call(Protocol):
    """Sends a request for one account and gives back an answer that is not a failure.

    Raises PlatformError for everything that `Adapter.read_fault` calls a fault, and for
    what the network does. Refreshes an expired access token once and repeats the call.
    """

    account: Account

    def __call__(self, request: Request) -> Answer: ...


HOST = re.compile(
    r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)+"
)


class Webhooks:
    """How one marketplace calls us. Methods are pure but for `call`.

    An address belongs to an authorization (`per_app` False), or to the application and so to
    all who use it. What `register` gives back is kept, shown, and handed to `unregister`.
    """

    per_app: ClassVar[bool] = False
    topics: ClassVar[tuple[str, ...]] = ()  # asked for at `register`

    def offered(self, account: Account) -> bool:
        """Whether pushes can be had for this account at all (its mode, its scopes)."""
        return True

    def challenge(self, push: Push, app: AppKeys | None) -> Reply | None:
        """The answer to a question that only proves the address; None if it is none."""
        return None

    def is_genuine(self, push: Push, account: Account, call: Call | None) -> bool:
        """Whether the signature over the raw body is right; compared in constant time.

        `account` has the application and, for an authorization's own address, its secrets.
        `call` reaches the platform where a key must be fetched. May raise PlatformError.
        """
        raise NotImplementedError

    def read(self, push: Push) -> tuple[Notice, ...]:
        """What a genuine push says. Raises ValueError or msgspec.ValidationError."""
        raise NotImplementedError

    def accepted(self, push: Push) -> Reply:
        """The acknowledgement the platform waits for."""
        return Reply()

    def refused(self, push: Push) -> Reply:
        """The answer to a push that is not genuine."""
        return Reply(status=401)

    def register(self, call: Call, *, address: str, now: datetime) -> dict[str, str]:
        """Ask the platform to call `address`; topic -> the platform's id of the subscription.
        Safe to repeat. Raises PlatformError."""
        raise NotImplementedError

    def unregister(self, call: Call, ids: Mapping[str, str]) -> None:
        """Best effort, when a store is unlinked. Raises PlatformError."""


class Adapter:
    """One marketplace. Subclasses are stateless; one instance serves all threads."""

    code: ClassVar[str]
    name: ClassVar[Text]
    modes: ClassVar[tuple[Mode, ...]]
    sites: ClassVar[tuple[Site, ...]] = ()
    regions: ClassVar[tuple[tuple[str, Text], ...]] = ()
    # endpoint key -> base address; "api", "auth" (token endpoint), "consent" and what else is
    # needed. A key may carry the region ("api.eu") and the environment ("api@sandbox").
    endpoints: ClassVar[Mapping[str, str]]
    # A base may hold {names} of Account.secrets, where every shop has a host of its own
    # (see `base_of`).
    limits: ClassVar[Mapping[str, Limit | tuple[Limit, ...]]] = {}
    orders_operation: ClassVar[str] = "orders"  # whose limit bounds the order pull
    scopes: ClassVar[Mapping[str, Text]] = {}  # scope -> what it allows, in plain words
    capabilities: ClassVar[tuple[str, ...]] = ("orders",)
    messages_note: ClassVar[Text] = ""  # why there is no buyer message API, if so
    lag: ClassVar[timedelta] = timedelta(minutes=2)  # a window ends this long before now
    overlap: ClassVar[timedelta] = timedelta(minutes=5)
    max_window: ClassVar[timedelta] = timedelta(days=30)
    # How far our clock may be off before calls are refused; `clock_ahead` where it is less for a
    # clock that runs ahead.
    clock_limit: ClassVar[timedelta] = timedelta(minutes=5)
    clock_ahead: ClassVar[timedelta | None] = None
    # How client ids of the test environment look, where one can tell; matched in full.
    sandbox_ids: ClassVar[str] = ""
    back_fill: ClassVar[timedelta] = timedelta(days=90)  # how far back the platform answers
    # How long after delivery the marketplace's rules let buyers' data be kept; None: as long as
    # the tenant wants.
    buyer_data_days: ClassVar[int | None] = None
    # Why some orders are not given to us at all (a status, a kind), in plain words.
    withheld: ClassVar[Text] = ""
    poll_every: ClassVar[timedelta] = timedelta(minutes=5)
    # True: one stream answers for all stores of the authorization in one call.
    pull_by_authorization: ClassVar[bool] = False
    # True: every shop gets an authorization of its own, because each has tokens of its own.
    grant_per_shop: ClassVar[bool] = False
    # False: the platform does not promise to send our state back (Adapter.read_callback is then
    # reached through a page on which the person says which linking it belongs to).
    returns_state: ClassVar[bool] = True
    starts_there: ClassVar[bool] = False  # a linking may begin at the platform: read_start
    uncertain: ClassVar[Text] = ""  # why the platform is only offered where settings name it
    webhooks: ClassVar[Webhooks | None] = None
    app_fields: ClassVar[tuple[Field, ...]] = ()  # what an App needs beyond id and secret
    # True: each refresh starts the refresh token's life anew. False: it counts down to a date by
    # which the seller must consent again, whatever we do.
    refresh_renews: ClassVar[bool] = True
    # True: a refresh token that was sent may be sent again when the answer was lost, because it
    # does not change or the platform allows it.
    refresh_repeats: ClassVar[bool] = False
    manage_url: ClassVar[str] = ""  # where the seller sees and removes our access
    # fault, or reason of a flow -> what to do, where this marketplace's own words say it better
    advice: ClassVar[Mapping[str, Text]] = {}

    # --- looking up facts

    @property
    def needs_app(self) -> bool:
        """Whether a mode works through an application of ours."""
        return any(mode.kind is ModeKind.CONSENT and not mode.own_app for mode in self.modes)

    def mode(self, code: str) -> Mode:
        """Raises KeyError for a mode that is not declared."""
        return next_or_key_error(self.modes, code)

    def site(self, code: str) -> Site:
        return next_or_key_error(self.sites, code)

    def endpoint(self, key: str, *, region: str = "", environment: str = "production") -> str:
        """The base address; the most specific declared key wins. Raises KeyError."""
        at = "" if environment == "production" else f"@{environment}"
        region = region.lower()
        for name in (f"{key}.{region}{at}", f"{key}{at}", f"{key}.{region}", key):
            if name in self.endpoints:
                return self.endpoints[name]
        raise KeyError(key)

    # --- linking

    def explain_value(self, mode: Mode, field: Field, value: str) -> Text | None:
        """Why a typed value cannot be right, better than "wrong format"; None if it may be."""
        return None

    def tidy_value(self, mode: Mode, field: Field, value: str) -> str:
        """A cleaned value in its one spelling, e.g. a shop's domain out of a pasted address."""
        return value

    def check_app(self, call: Call, *, now: datetime) -> None:
        """Try an application that the tenant brings along, before the consent. Raises
        PlatformError if the platform refuses it; does nothing where it cannot be tried."""

    def consent_url(self, asked: Asked) -> str:
        """The address the seller opens."""
        raise NotImplementedError

    def read_start(self, params: Mapping[str, str], *, app: AppKeys | None, now: datetime) -> Start:
        """What a marketplace that began the linking says (`starts_there`). Raises PlatformError
        for what is not acceptable: addresses that are not the marketplace's own, old marks."""
        raise NotImplementedError

    def read_callback(self, params: Mapping[str, str], account: Account, *, now: datetime) -> str:
        """The authorization code, after the callback's own signature has been checked.

        `account` has the application and, in `secrets`, what was given before the consent.
        Raises PlatformError (CONSENT_DENIED, ...) if there is none.
        """
        raise NotImplementedError

    def exchange(
        self, call: Call, *, code: str, verifier: str, params: Mapping[str, str], now: datetime
    ) -> Grant:
        raise NotImplementedError

    def secrets_from_fields(self, mode: Mode, values: Mapping[str, str]) -> dict[str, str]:
        """What is sealed for a mode of kind KEYS."""
        return {f.name: values[f.name] for f in mode.fields if values.get(f.name)}

    def can_refresh(self, account: Account) -> bool:
        """Whether there is a token to refresh; False for fixed keys."""
        return bool(account.secrets.get("refresh_token"))

    def refresh(self, call: Call, *, now: datetime) -> Grant:
        """Trade the refresh token for a new access token. Called under the refresh lease only."""
        raise NotImplementedError

    def who_am_i(self, call: Call, *, now: datetime) -> Identity:
        raise NotImplementedError

    # --- calling

    def base_of(self, base: str, account: Account) -> str:
        """`base` with the account's own host in it. A value of a {name} must be one host label
        sequence; adapters check theirs by full match when it is typed and when it is told."""
        for name, value in account.secrets.items():
            if f"{{{name}}}" in base:
                if not HOST.fullmatch(value):
                    raise platform_error(Fault.INVALID_REQUEST, f"{name} is not a host")
                base = base.replace(f"{{{name}}}", value)
        return base

    def read_room(self, request: Request, answer: Answer, *, now: datetime) -> tuple[Room, ...]:
        """What a successful or refused answer tells about the limits of its operation."""
        return ()

    def sign(self, request: Request, account: Account, *, now: datetime) -> Request:
        """The request with the credential on it."""
        raise NotImplementedError

    def read_fault(self, request: Request, answer: Answer) -> PlatformError | None:
        """What the answer complains about, None if it is a success. Pure."""
        raise NotImplementedError

    def worth_refreshing(self, error: PlatformError) -> bool:
        """Whether a new access token may cure this refusal of a signed call."""
        return error.fault is Fault.TOKEN_EXPIRED

    def after_refresh(self, error: PlatformError) -> PlatformError:
        """What a refusal means that comes back right after a refresh."""
        if error.fault is Fault.TOKEN_EXPIRED and reading.UNEXPLAINED in error.detail:
            # The platform has just renewed the token and says nothing against it.
            return platform_error(Fault.BAD_RESPONSE, error.detail)
        if error.fault is Fault.TOKEN_EXPIRED:  # a brand-new token: it is the grant that died
            return platform_error(Fault.TOKEN_REVOKED, error.detail)
        return error

    # --- orders

    def fetch_orders(
        self, call: Call, *, window: Window, cursor: str | None, now: datetime
    ) -> Page:
        """One page of what changed in the window, resuming at `cursor`.

        A cursor carries the bounds it was made for: a resumed run asks the same question.
        May also give records from before the window, where the platform reports late.
        """
        raise NotImplementedError

    def fetch_order(self, call: Call, *, number: str, now: datetime) -> Page | None:
        """The order of that number, in records as `fetch_orders` gives them; None where the
        platform says that the account has no such order. Raises PlatformError."""
        raise NotImplementedError

    def parse_order(self, raw: msgspec.Raw, *, kind: str = "") -> OrderData:
        """Raises msgspec.ValidationError or ValueError naming what is wrong. Pure."""
        raise NotImplementedError

    def order_number(self, raw: msgspec.Raw) -> str:
        """The number of a record parse_order could not read, "" if that is unreadable too."""
        return ""

    def page_of_one(self, raw: msgspec.Raw, *, kind: str = "") -> Page:
        """What `fetch_order` found. Raises BAD_RESPONSE where it is no order at all."""
        if not self.order_number(raw):
            raise platform_error(Fault.BAD_RESPONSE, "the answer holds no order")
        return Page(records=(raw,), kind=kind)


Coded = TypeVar("Coded", Mode, Site)


def next_or_key_error(items: tuple[Coded, ...], code: str) -> Coded:
    for item in items:
        if item.code == code:
            return item
    raise KeyError(code)


INVISIBLE = {"Cf", "Cc", "Zs", "Zl", "Zp"}


def clean_value(value: str) -> tuple[str, bool]:
    """A pasted value without blanks, invisible and full-width characters, and whether it changed.

    NFKC folds full-width letters and digits to ASCII; quotes around the value are dropped.
    """
    cleaned = unicodedata.normalize("NFKC", value)
    cleaned = "".join(c for c in cleaned if unicodedata.category(c) not in INVISIBLE)
    cleaned = cleaned.strip("\"'“”‘’`")
    return cleaned, cleaned != value
