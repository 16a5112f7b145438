"""Every store that is not well, over all tenants, in two queries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import F, FilteredRelation, Q, QuerySet

from platforms.errors import Fault, NeedsSeller, PlatformError, TryLater, platform_error
from platforms.models import AuthorizationState, Notice, Occasion
from platforms.notices.about_orders import ABOUT_ORDERS
from tenants.models import Store, StoreState

# Of failing in one way by itself: the first failure may be chance, the second in a row is not.
TRIES = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class Failing:
    """Something that fails in a row: pulls, refreshes, or, once for all, the grant itself."""

    fault: str
    detail: str
    tries: int
    since: datetime

    @property
    def kind(self) -> type[PlatformError]:
        known = self.fault in list(Fault)
        return type(platform_error(Fault(self.fault) if known else Fault.UNKNOWN))

    @property
    def is_for_seller(self) -> bool:
        return issubclass(self.kind, NeedsSeller)

    @property
    def passes_by_itself(self) -> bool:
        return issubclass(self.kind, TryLater)


@dataclass(frozen=True, kw_only=True, slots=True)
class OpenTrouble:
    pk: int
    fault: str
    began_at: datetime
    # When people were last told that the store works again, if that was after `began_at`: the
    # trouble was closed then, and opened again since.
    healed_at: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Patient:
    """A store that fails, or about which a trouble is open."""

    store_id: int
    tenant_id: int
    platform: str
    environment: str
    state: str
    shared_app: bool  # works through an application of ours
    grant: Failing | None  # dead: the store needs relinking
    pull: Failing | None
    refresh: Failing | None
    token_until: datetime | None
    last_success_at: datetime | None  # of pulls
    trouble: OpenTrouble | None


def patients(*, now: datetime, store_id: int | None = None) -> list[Patient]:
    """All of the current scope, or at most the one asked for. Two queries, whatever the number
    of stores; as many rows as there are stores that fail."""
    stores = Store.objects.all()
    if store_id is not None:
        stores = stores.filter(pk=store_id)
    healed = _told_healed(store_id)
    found: dict[int, Patient] = {}
    for row in _rows(stores):
        patient = _patient(row, healed, now=now)
        # Two streams may bring one store's orders while an adapter changes: the failing one tells.
        if patient.store_id not in found or patient.pull is not None:
            found[patient.store_id] = patient
    return list(found.values())


def _rows(stores: QuerySet[Store]) -> Any:
    streams = "authorization__streams"
    standing = Q(**{f"{streams}__ends_at": None, f"{streams}__finished_at": None}) & (
        Q(**{f"{streams}__store": None}) | Q(**{f"{streams}__store": F("pk")})
    )
    return (
        stores.alias(
            mine=FilteredRelation(streams, condition=standing),
            open=FilteredRelation("troubles", condition=Q(troubles__ended_at=None)),
        )
        .filter(
            Q(state=StoreState.NEEDS_RELINK)
            | Q(open__pk__isnull=False)
            | Q(state=StoreState.ACTIVE, authorization__failing_since__isnull=False)
            | Q(state=StoreState.ACTIVE, mine__failing_since__isnull=False)
        )
        .values(
            "pk", "tenant_id", "platform", "environment", "state", "authorization__state",
            "authorization__fault", "authorization__fault_detail", "authorization__fault_at",
            "authorization__refresh_failures", "authorization__failing_since",
            "authorization__access_expires_at", "authorization__app",
            "authorization__app__tenant", "mine__fault", "mine__fault_detail", "mine__failures",
            "mine__failing_since", "mine__last_success_at", "open__pk", "open__fault",
            "open__began_at",
        )
        .order_by("pk")
    )  # fmt: skip


def _told_healed(store_id: int | None) -> dict[int, datetime]:
    """Store -> when its healing was told, of troubles that were opened again since: few."""
    told = Notice.objects.filter(
        occasion=Occasion.HEALED, store__troubles__ended_at=None,
        store__troubles__began_at__lte=F("created_at"),
    ).exclude(ABOUT_ORDERS)  # fmt: skip
    if store_id is not None:
        told = told.filter(store=store_id)
    return dict(told.order_by("created_at").values_list("store", "created_at"))


def _patient(row: dict[str, Any], healed: Mapping[int, datetime], *, now: datetime) -> Patient:
    pull = refresh = grant = trouble = None
    if since := row["mine__failing_since"]:
        pull = Failing(
            fault=row["mine__fault"], detail=row["mine__fault_detail"],
            tries=row["mine__failures"], since=since,
        )  # fmt: skip
    usable = row["authorization__state"] == AuthorizationState.ACTIVE
    # Without a fault a pull has worked since the refresh failed.
    failing = usable and row["authorization__fault"]
    if failing and (since := row["authorization__failing_since"]):
        refresh = Failing(
            fault=row["authorization__fault"], detail=row["authorization__fault_detail"],
            tries=row["authorization__refresh_failures"], since=since,
        )  # fmt: skip
    if row["state"] == StoreState.NEEDS_RELINK:
        refused_at = row["authorization__fault_at"] or now
        grant = Failing(
            fault=row["authorization__fault"] or Fault.TOKEN_REVOKED,
            detail=row["authorization__fault_detail"] or "", tries=TRIES,
            since=min(refused_at, pull.since) if pull else refused_at,
        )  # fmt: skip
    if row["open__pk"] is not None:
        trouble = OpenTrouble(
            pk=row["open__pk"], fault=row["open__fault"], began_at=row["open__began_at"],
            healed_at=healed.get(row["pk"]),
        )  # fmt: skip
    return Patient(
        store_id=row["pk"], tenant_id=row["tenant_id"], platform=row["platform"],
        environment=row["environment"], state=row["state"],
        shared_app=bool(row["authorization__app"]) and row["authorization__app__tenant"] is None,
        grant=grant, pull=pull, refresh=refresh,
        token_until=row["authorization__access_expires_at"],
        last_success_at=row["mine__last_success_at"], trouble=trouble,
    )  # fmt: skip
