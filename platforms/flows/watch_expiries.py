"""Telling ahead of time what ends, and suggesting a check of what has just been linked."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.core.cache import cache
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce

from platforms import registry
from platforms.data_checks.nightly import NIGHTLY
from platforms.expiries import clocks, days_left, own_certificate
from platforms.flows.announce import announce
from platforms.models import (
    App,
    Authorization,
    AuthorizationState,
    Consent,
    DataCheck,
    Lane,
    Notice,
    Occasion,
    Stream,
)
from tenants.models import Store, StoreState
from tenants.scope import tenant_scope

logger = logging.getLogger(__name__)

AHEAD = (1, 3, 7, 14, 30)  # days, the nearest first
HORIZON = timedelta(days=AHEAD[-1])
DAY = timedelta(days=1)
NAMES = 50  # stores named in one notice
SUGGEST_WITHIN = timedelta(hours=24)
BATCH = 500


@dataclass(frozen=True, kw_only=True)
class _Due:
    """A notice that may have been told already."""

    tenant_id: int
    authorization_id: int | None = None
    app_id: int | None = None
    what: str
    at: datetime
    mark: str  # of what ends; the key's beginning
    ahead: int

    def key(self, *, days: int = 0) -> str:
        """As if it ended `days` later."""
        return f"{self.mark}:{self.at + days * DAY:%Y-%m-%d}:{self.ahead}"

    @property
    def keys(self) -> set[str]:
        """Platforms that tell how many seconds are left make the date swing around midnight."""
        return {self.key(days=days) for days in (-1, 0, 1)}


def tell_expiries(*, now: datetime, limit: int, bugs: list[Exception]) -> int:
    """Announce what has come nearer than one of AHEAD, each once for its date; how many. Must run
    in a scope of all tenants. After a standstill only the newest is told. What one trips over
    goes to `bugs` and does not hold up the others."""
    taken = 0
    for due in _untold([*_permissions(now), *_secrets(now)]):
        if taken == limit:
            break
        try:
            taken += _tell(due, now=now)
        except Exception as exc:
            logger.exception("watch.tripped", extra={"ends": due.mark})
            bugs.append(exc)
    _tell_ourselves(now)
    return taken


def threshold(at: datetime, *, now: datetime, known_since: datetime | None = None) -> int | None:
    """Which of AHEAD is to be told: the nearest one reached. None if none is, if it is over, or
    if that one was behind us already when the date became known: people have just seen it."""
    if at <= now:
        return None
    reached = next((days for days in AHEAD if at - now <= days * DAY), None)
    if reached is None or (known_since is not None and at - reached * DAY <= known_since):
        return None
    return reached


def _permissions(now: datetime) -> Iterator[_Due]:
    soon = (now, now + HORIZON)
    fixed = registry.codes_that_count_down()
    newest = Consent.objects.filter(authorization=OuterRef("pk")).order_by("-at").values("at")
    rows = (
        Authorization.objects.filter(state=AuthorizationState.ACTIVE)
        .filter(
            Q(consent_expires_at__range=soon)
            | Q(refresh_expires_at__range=soon, platform__in=fixed)
        )
        .filter(Exists(Store.objects.filter(authorization=OuterRef("pk"), state="active")))
        .annotate(consented_at=Coalesce(Subquery(newest[:1]), F("created_at")))
        .only("tenant", "public_id", "platform", "mode", "consent_expires_at", "refresh_expires_at")
    )
    for row in rows.order_by("pk"):
        for what, at in clocks(row):
            ahead = threshold(at, now=now, known_since=row.consented_at)
            if ahead is not None:
                yield _Due(
                    tenant_id=row.tenant_id, authorization_id=row.pk, what=what, at=at,
                    mark=f"ends:{row.public_id}:{what}", ahead=ahead,
                )  # fmt: skip


def _secrets(now: datetime) -> Iterator[_Due]:
    """Of companies' own applications that are in use."""
    users = Authorization.objects.filter(app=OuterRef("pk"), state=AuthorizationState.ACTIVE)
    apps = App.objects.filter(
        Exists(users), active=True, secret_expires_at__range=(now, now + HORIZON)
    )
    for app in apps.exclude(tenant=None).order_by("pk"):
        assert app.secret_expires_at is not None
        assert app.tenant_id is not None
        ahead = threshold(app.secret_expires_at, now=now)
        if ahead is not None:
            yield _Due(
                tenant_id=app.tenant_id, app_id=app.pk, what="app_secret",
                at=app.secret_expires_at, mark=f"secret:{app.public_id}", ahead=ahead,
            )  # fmt: skip


def _untold(due: list[_Due]) -> Iterator[_Due]:
    for start in range(0, len(due), BATCH):
        batch = due[start : start + BATCH]
        told = set(
            Notice.objects.filter(
                tenant__in={each.tenant_id for each in batch},
                key__in=[key for each in batch for key in each.keys],
            ).values_list("tenant_id", "key")
        )
        for each in batch:
            if not any((each.tenant_id, key) in told for key in each.keys):
                yield each


def _tell(due: _Due, *, now: datetime) -> bool:
    with tenant_scope(due.tenant_id), transaction.atomic():
        data: dict[str, object] = {
            "what": due.what, "at": due.at.isoformat(), "days": days_left(due.at, now),
        }  # fmt: skip
        if due.app_id is not None:
            app = App.objects.get(pk=due.app_id)
            data |= {"name": app.name, "platform": app.platform}
            return announce(
                tenant_id=due.tenant_id, occasion=Occasion.SECRET_ENDS, key=due.key(), now=now,
                app=app, data=data,
            )  # fmt: skip
        row = Authorization.objects.get(pk=due.authorization_id)
        stores = list(row.stores.filter(state=StoreState.ACTIVE).order_by("pk")[:NAMES])
        if not row.is_usable or not stores or (due.what, due.at) not in clocks(row):
            return False  # linked again, or given up, since we looked
        data["stores"] = [store.name for store in stores]
        return announce(
            tenant_id=due.tenant_id, occasion=Occasion.ENDS_SOON, key=due.key(), now=now,
            store=stores[0], authorization=row, data=data,
        )  # fmt: skip


def _tell_ourselves(now: datetime) -> None:
    """Our own applications' secrets and our certificate, in the log that support reads; daily."""
    ours = App.objects.filter(
        tenant=None, active=True, secret_expires_at__range=(now - HORIZON, now + HORIZON)
    )
    ends = [(f"app-{app.pk}", app.platform, app.secret_expires_at) for app in ours]
    ends.append(("certificate", "", own_certificate()))
    for name, platform, at in ends:
        if at is None or at > now + HORIZON:
            continue
        if cache.add(f"told-ourselves:{name}:{now:%Y-%m-%d}", True, DAY.total_seconds()):
            logger.warning(
                "ours.ends_soon",
                extra={"what": name, "platform": platform, "days": days_left(at, now)},
            )


def suggest_checks(*, now: datetime, limit: int, bugs: list[Exception]) -> int:
    """Suggest once to check the data of each store linked within a day, when its first pull has
    ended and nobody has checked it yet; how many. Must run in a scope of all tenants. `bugs` as
    in `tell_expiries`."""
    streams = Stream.objects.filter(authorization=OuterRef("authorization")).filter(
        Q(store=OuterRef("pk")) | Q(store=None)
    )
    stores = (
        Store.objects.filter(
            state=StoreState.ACTIVE, linked_at__gt=now - SUGGEST_WITHIN, linked_at__lte=now
        )
        .filter(Exists(streams.filter(last_success_at__gte=OuterRef("linked_at"))))
        # A shop that joined others catches up in a stream of its own.
        .exclude(
            Exists(
                Stream.objects.filter(store=OuterRef("pk"), lane=Lane.LINK, finished_at=None)
                .exclude(ends_at=None)
            )
        )
        .exclude(Exists(DataCheck.objects.filter(store=OuterRef("pk")).exclude(NIGHTLY)))
        .exclude(
            Exists(Notice.objects.filter(store=OuterRef("pk"), occasion=Occasion.CHECK_SUGGESTED))
        )
    )  # fmt: skip
    taken = 0
    for store in stores.select_related("authorization").order_by("pk")[:limit]:
        try:
            taken += _suggest(store, now=now)
        except Exception as exc:
            logger.exception("watch.tripped", extra={"store_id": store.pk})
            bugs.append(exc)
    return taken


def _suggest(store: Store, *, now: datetime) -> bool:
    with tenant_scope(store.tenant_id), transaction.atomic():
        return announce(
            tenant_id=store.tenant_id, occasion=Occasion.CHECK_SUGGESTED, now=now,
            key=f"check:{store.public_id}", store=store, authorization=store.authorization,
        )  # fmt: skip
