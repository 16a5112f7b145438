"""Stores that fail and heal, as the pull and the refresh write it down."""

from __future__ import annotations

from datetime import datetime, timedelta

from platforms.flows import watch
from platforms.models import Authorization, Notice, Stream, TimelineEntry, Trouble
from tenants.models import Store, Tenant
from tenants.scope import all_tenants, tenant_scope
from tests.support.factories import NOON, make_authorization, make_store, make_stream


def linked(tenant: Tenant, *, platform: str = "ebay", **fields: object) -> Store:
    """A store that was pulled five minutes before NOON."""
    authorization = fields.pop("authorization", None) or make_authorization(
        tenant, platform=platform, access_expires_at=NOON + timedelta(days=300)
    )
    store = make_store(tenant, platform=platform, authorization=authorization, **fields)
    make_stream(
        authorization, store, last_success_at=NOON - timedelta(minutes=5),
        watermark=NOON - timedelta(minutes=5),
    )  # fmt: skip
    return store


def fail(
    store: Store, fault: str, *, since: datetime = NOON, tries: int = 2, detail: str = ""
) -> None:
    """Its pulls fail."""
    _streams(store).update(
        fault=fault, fault_detail=detail, failures=tries, failing_since=since
    )  # fmt: skip


def fail_refresh(store: Store, fault: str, *, since: datetime = NOON, tries: int = 2) -> None:
    with tenant_scope(store.tenant_id):
        Authorization.objects.filter(pk=store.authorization_id).update(
            fault=fault, fault_at=since, refresh_failures=tries, failing_since=since
        )


def work_again(store: Store, *, at: datetime) -> None:
    """A pull succeeds."""
    _streams(store).update(
        fault="", fault_detail="", failures=0, failing_since=None, last_success_at=at
    )


def _streams(store: Store):  # type: ignore[no-untyped-def]
    with all_tenants("a test plays the pull"):
        streams = Stream.objects.filter(authorization=store.authorization_id)
        return streams.filter(store=store) | streams.filter(store=None)


def minutes(count: float) -> datetime:
    """That many minutes after NOON."""
    return NOON + timedelta(minutes=count)


def look(at: datetime = NOON) -> int:
    return watch.work(now=at)


def troubles(*stores: Store) -> list[Trouble]:
    with all_tenants("looking"):
        rows = Trouble.objects.order_by("pk")
        return list(rows.filter(store__in=stores) if stores else rows)


def told(*occasions: str) -> list[Notice]:
    """Notices about what breaks and heals, or of the occasions named; the oldest first."""
    with all_tenants("looking"):
        return list(
            Notice.objects.filter(occasion__in=occasions or ("broke", "healed")).order_by("pk")
        )


def lines(store: Store) -> list[tuple[str, str]]:
    """(moment, fault) of the store's timeline."""
    with all_tenants("looking"):
        rows = TimelineEntry.objects.filter(store=store).order_by("pk")
        return list(rows.values_list("moment", "fault"))
