"""The words for why an order is not in somebody's list, who asks, and what was found."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from accounts.models import User
from platforms.errors import Fault
from platforms.models import Order, Quarantined, Stream
from tenants.models import Store


class Reason(StrEnum):
    HERE = "here"
    HIDDEN_BY_FILTER = "hidden_by_filter"
    NOT_BOUND = "not_bound"
    IN_QUARANTINE = "in_quarantine"
    STORE_NOT_LINKED = "store_not_linked"
    NEEDS_RELINK = "needs_relink"
    PAUSED = "paused"
    NOT_YET_DUE = "not_yet_due"
    OUTSIDE_BACK_FILL = "outside_back_fill"
    MISSED = "missed"  # the platform has it, and our pulls passed over it
    WRONG_STORE = "wrong_store"
    DELETED_AT_PLATFORM = "deleted_at_platform"
    NOT_AT_PLATFORM = "not_at_platform"
    WITHHELD = "withheld"
    PLATFORM_SILENT = "platform_silent"
    OTHER_CHANNEL = "other_channel"


class Fix(StrEnum):
    """The one button. The first ones are pages to go to, the others are done by a flow."""

    SHOW = "show"
    BIND = "bind"
    LINK = "link"
    RELINK = "relink"
    AGAIN = "again"  # search once more
    GET = "get"
    PULL = "pull"
    BACK_FILL = "back_fill"
    READ_AGAIN = "read_again"
    RESUME = "resume"


DONE_BY_US = frozenset({Fix.GET, Fix.PULL, Fix.BACK_FILL, Fix.READ_AGAIN, Fix.RESUME})
# Those that also a store's operator may press; the others are for managers.
FOR_OPERATORS = frozenset({Fix.SHOW, Fix.AGAIN, Fix.GET, Fix.PULL, Fix.READ_AGAIN})
# Those after which the order is here, or on its way.
MENDING = DONE_BY_US | {Fix.BIND, Fix.LINK, Fix.RELINK}


@dataclass(frozen=True, kw_only=True)
class Seeker:
    """Who asks. `operated`: the stores whose orders they read. `manages`: they know of every
    store of the tenant. `desk`: support or a command, who open no orders at all."""

    user: User | None
    operated: frozenset[int] = frozenset()
    manages: bool = False
    desk: bool = False

    def reads(self, store_id: int | None) -> bool:
        return self.desk or store_id in self.operated

    def knows(self, store_id: int | None) -> bool:
        return self.manages or self.desk or store_id in self.operated

    def may(self, fix: Fix, store: Store | None) -> bool:
        if self.manages or self.desk:
            return True
        known = store is None or store.pk in self.operated
        return fix in FOR_OPERATORS and known


@dataclass(frozen=True, kw_only=True)
class Silent:
    """Stores for which the platform did not answer; without a fault it was not in time."""

    stores: tuple[Store, ...]
    fault: Fault | None = None


@dataclass(frozen=True, kw_only=True)
class Finding:
    """`store` and `order` are only set where the seeker may know of them; `order` only where
    they read its store's orders. `fix` is None where nothing can be pressed by them."""

    number: str
    reason: Reason
    fix: Fix | None = None
    store: Store | None = None
    named: Store | None = None  # the store the person was looking in
    order: Order | None = None
    hidden_by: tuple[str, ...] = ()  # filters: platform, status, from, to
    quarantined: Quarantined | None = None
    unreadable: str = ""  # why what the platform gave cannot be read
    stream: Stream | None = None  # what brings it, or should
    placed_at: datetime | None = None
    changed_at: datetime | None = None
    pulls_began_at: datetime | None = None
    withheld_by: str = ""  # code of the platform
    asked: tuple[Store, ...] = ()  # those whose platform answered
    silent: tuple[Silent, ...] = ()
    left_out: int = 0  # stores there was no room to ask for
    platform_looked: bool = False  # the platform was asked
    asked_too_often: bool = False
    no_room_until: datetime | None = None
    seconds: float = 0.0
    no_store: bool = False  # nothing is linked at all

    @property
    def fixable(self) -> bool:
        return self.fix in MENDING

    @property
    def fault(self) -> Fault | None:
        return next((each.fault for each in self.silent if each.fault), None)
