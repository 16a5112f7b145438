"""The words adapters are written in. Plain values: no database, no network."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias
from urllib.parse import urlencode

import msgspec

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

# A string, or a lazily translated one; the latter has no name at run time.
Text: TypeAlias = "str | _StrPromise"


class Environment(StrEnum):
    PRODUCTION = "production"
    SANDBOX = "sandbox"


class OrderStatus(StrEnum):
    PENDING = "pending"
    UNPAID = "unpaid"
    AWAITING_SHIPMENT = "awaiting_shipment"
    PARTIALLY_SHIPPED = "partially_shipped"
    SHIPPED = "shipped"
    DELIVERED = "delivered"
    CANCELLED = "cancelled"
    REFUNDED = "refunded"
    PARTIALLY_REFUNDED = "partially_refunded"
    ON_HOLD = "on_hold"
    UNKNOWN = "unknown"


# --- what an adapter declares ---------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Site:
    """A country marketplace. `external_id` is the platform's own id of it."""

    code: str
    name: Text
    region: str = ""
    external_id: str = ""
    time_zone: str = "UTC"
    consent_base: str = ""  # where sellers of this site consent, if it differs by site


@dataclass(frozen=True, kw_only=True)
class Field:
    """One thing the seller types. `pattern` blocks, `usual` only warns.

    `app` says that the value belongs to an application which the tenant brings along (a mode
    with `own_app`): "client_id", "client_secret", or the name of one of `Adapter.app_fields`.
    """

    name: str
    label: Text
    help: Text = ""
    where: Text = ""  # the platform's own menu path to the value
    pattern: str = ""
    usual: str = ""
    secret: bool = False
    required: bool = True
    placeholder: str = ""
    choices: tuple[tuple[str, Text], ...] = ()
    app: str = ""


class ModeKind(StrEnum):
    CONSENT = "consent"  # the seller agrees on the platform's page and comes back with a code
    KEYS = "keys"  # the seller pastes keys
    REFUSED = "refused"  # exists elsewhere or existed once; we say why not


@dataclass(frozen=True, kw_only=True)
class Mode:
    code: str
    name: Text
    kind: ModeKind
    summary: Text = ""  # one sentence: who it is for
    prepare: tuple[Text, ...] = ()  # what to have at hand
    reads: tuple[Text, ...] = ()  # what it lets us read, in plain words
    steps: tuple[Text, ...] = ()  # the guide beside the form
    fields: tuple[Field, ...] = ()  # what is typed; of a consent mode before the consent
    own_app: bool = False  # consent through an application that the tenant brings along
    costs: Text = ""  # what the seller gives away with it, in permissions
    compared: Text = ""  # when another mode is the better one, and why
    scopes: tuple[str, ...] = ()
    pkce: bool = False
    needs_site: bool = False  # the site must be chosen before consent
    needs_region: bool = False
    recommended: bool = False
    expert: bool = False
    warning: Text = ""
    refused_why: Text = ""  # only for REFUSED
    instead: tuple[str, ...] = ()  # mode codes that work
    consent_period: timedelta | None = None  # until the seller must consent again


@dataclass(frozen=True, kw_only=True)
class Limit:
    """A token bucket: `rate` calls a second, `burst` calls at once.

    An operation may have several, each with a `name` of its own: a call needs room in all.
    Where the platform counts points instead of calls, both are points and `Request.cost` says
    what a call takes.
    """

    rate: float
    burst: int
    per_app: bool = False  # shared by all stores that use the application
    name: str = ""  # distinguishes several limits of one operation


@dataclass(frozen=True, kw_only=True)
class Room:
    """What an answer told about a limit: `left` calls (or points) could be made now.

    `rate` and `burst` replace the declared ones where the platform states its own; `until`
    is when the count starts anew, where it does so at once and not drop by drop. `name` is
    the `Limit.name` it is about.
    """

    left: float
    rate: float | None = None
    burst: float | None = None
    until: datetime | None = None
    name: str = ""


@dataclass(frozen=True, kw_only=True)
class Window:
    """Half open: since <= t < until. Aware UTC."""

    since: datetime
    until: datetime


# --- what travels on the wire ---------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class AppKeys:
    """Our (or the tenant's) developer application, unsealed for one call."""

    client_id: str
    client_secret: str = field(repr=False)
    redirect_uri: str = ""
    environment: str = Environment.PRODUCTION
    extra: Mapping[str, str] = field(default_factory=dict)  # e.g. Amazon's application_id


@dataclass(frozen=True, kw_only=True)
class Grant:
    """What a token endpoint answered. Expiries are aware UTC, None where not told."""

    access_token: str = field(repr=False)
    access_expires_at: datetime | None = None
    refresh_token: str | None = field(default=None, repr=False)
    refresh_expires_at: datetime | None = None
    scopes: tuple[str, ...] | None = None
    account_id: str = ""  # where the platform names the account with the grant
    # The date by which the seller must consent anew, where the platform tells it with the grant.
    consent_expires_at: datetime | None = None
    # What else to seal with the tokens; `who_am_i` and calls find it in Account.secrets.
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, kw_only=True)
class Account:
    """Whose door we stand at: everything an adapter needs to build a call."""

    mode: str
    environment: str = Environment.PRODUCTION
    region: str = ""
    account_id: str = ""
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    app: AppKeys | None = None
    # The platform's ids of the shops that are linked; () means all of them.
    shop_ids: tuple[str, ...] = ()
    generation: int = 0  # of the stored credential that `secrets` are, 0 while it is being linked


@dataclass(frozen=True, kw_only=True)
class Request:
    """One call. `endpoint` is a key of Adapter.endpoints; `path` starts with a slash.

    `operation` names the rate limit (a key of Adapter.limits), `cost` what the call takes of
    it. `signed` asks the adapter's `sign` to add the credential; the token endpoint is called
    with signed=False.
    """

    method: str
    path: str
    endpoint: str = "api"
    operation: str = "default"
    cost: float = 1.0
    params: Mapping[str, str] = field(default_factory=dict, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    form: Mapping[str, str] | None = field(default=None, repr=False)
    json: object | None = field(default=None, repr=False)
    signed: bool = True

    def body(self) -> bytes:
        """The very bytes that are sent, for signatures over them."""
        if self.form is not None:
            return urlencode(self.form).encode()
        if self.json is None:
            return b""
        return json.dumps(self.json, ensure_ascii=False, separators=(",", ":")).encode()


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What came back; header names in lower case."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)


# --- what an adapter gives back -------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Shop:
    """A shop the platform reports. `external_id` is unique on the platform."""

    external_id: str
    name: str
    site: str = ""
    currency: str = ""
    time_zone: str = ""  # IANA name, where the platform tells it
    warning: Text = ""


@dataclass(frozen=True, kw_only=True)
class Identity:
    """The answer to "who are we?"."""

    account_id: str
    account_name: str
    shops: tuple[Shop, ...]
    scopes: tuple[str, ...] | None = None  # None: the platform does not tell
    missing: tuple[str, ...] = ()  # needed scopes or roles that are not there
    consent_expires_at: datetime | None = None  # e.g. when an Ozon key ends
    # More to seal with the credential, e.g. a key of each shop; wins over what was typed.
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What a consent address is made for.

    `given` are the values of the mode's own fields that do not belong to the application, and
    what `Adapter.read_start` found. `challenge` is the PKCE S256 challenge, "" where the mode
    has none. `base` replaces the consent endpoint, "" where the declared one holds.
    """

    app: AppKeys
    mode: Mode
    state: str
    now: datetime
    site: str = ""
    region: str = ""
    given: Mapping[str, str] = field(default_factory=dict)
    challenge: str = ""
    base: str = ""


@dataclass(frozen=True, kw_only=True)
class Start:
    """A linking that began at the marketplace (its app store, its "manage" page)."""

    mode: str
    site: str = ""
    region: str = ""
    account_id: str = ""  # whose grant is renewed, where the platform names it
    suggested_name: str = ""
    given: Mapping[str, str] = field(default_factory=dict)


class Money(msgspec.Struct, frozen=True, kw_only=True):
    amount: Decimal
    currency: str


class Buyer(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    name: str | None = None
    email: str | None = None
    id: str | None = None


class Address(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    name: str | None = None
    phone: str | None = None
    line1: str | None = None
    line2: str | None = None
    city: str | None = None
    region: str | None = None
    postcode: str | None = None
    country: str | None = None


class LineData(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    number: str
    quantity: int
    sku: str | None = None
    title: str = ""
    unit_price: Decimal | None = None
    total: Decimal | None = None
    currency: str | None = None
    platform_status: str | None = None


class OrderData(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An order in our words. Amounts exactly as stated; absent values None."""

    number: str
    status: OrderStatus
    platform_status: str
    placed_at: datetime
    changed_at: datetime
    lines: tuple[LineData, ...]
    paid_at: datetime | None = None
    currency: str | None = None
    total: Decimal | None = None
    items_total: Decimal | None = None
    shipping: Decimal | None = None
    tax: Decimal | None = None
    discount: Decimal | None = None
    buyer: Buyer = Buyer()
    ship_to: Address = Address()
    fulfilment: str | None = None  # "merchant", "platform", or None
    group_number: str | None = None  # the buyer's order a package belongs to
    shop_id: str = ""  # Shop.external_id; "" where the account has one shop


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """One page of orders, records as received.

    `cursor` is opaque and resumes after this page; None means the window is done.
    `kind` is handed to parse_order with each record, for platforms with several lists.
    """

    records: tuple[msgspec.Raw, ...]
    cursor: str | None = None
    kind: str = ""
