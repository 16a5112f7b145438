"""Stores in any condition, made in the scope of their tenant."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from platforms.models import Authorization, CallStat, Outage, Trouble
from tenants.models import Store, Tenant
from tests.support.factories import make_authorization, make_store, make_stream

MINUTES = timedelta(minutes=3)


def linked(
    tenant: Tenant, *, platform: str = "ebay", fault: str = "", now: datetime | None = None,
    store: dict[str, Any] | None = None, grant: dict[str, Any] | None = None,
    stream: dict[str, Any] | None = None,
) -> Store:  # fmt: skip
    """A store that works, but for what is given; `fault` is its stream's."""
    now = now or timezone.now()
    authorization = make_authorization(tenant, platform=platform, **(grant or {}))
    made = make_store(tenant, platform=platform, authorization=authorization, **(store or {}))
    running = {
        "watermark": now - MINUTES, "last_success_at": now - MINUTES, "due_at": now + MINUTES,
        "fault": fault, "failures": 2 if fault else 0,
        "failing_since": now - timedelta(hours=2) if fault else None,
    }  # fmt: skip
    make_stream(authorization, made, **running | (stream or {}))
    return made


def broken(tenant: Tenant, *, fault: str = "token_revoked", **fields: Any) -> Store:
    """A store whose grant is dead."""
    made = linked(tenant, fault=fault, **fields)
    dead = {"state": "needs_relink", "fault": fault, "fault_at": timezone.now()}
    Authorization.objects.filter(pk=made.authorization_id).update(**dead)
    Store.objects.filter(pk=made.pk).update(state="needs_relink")
    return Store.objects.select_related("authorization", "tenant").get(pk=made.pk)


def count_calls(store: Store, hour: datetime, *, good: int = 0, **faults: int) -> None:
    for fault, calls in {"": good, **faults}.items():
        if calls:
            CallStat.objects.create(
                tenant_id=store.tenant_id, authorization_id=store.authorization_id, hour=hour,
                fault=fault, calls=calls, milliseconds=calls * 200, slowest_ms=900,
            )  # fmt: skip


def trouble(store: Store, began_at: datetime, ended_at: datetime | None = None) -> Trouble:
    return Trouble.objects.create(
        tenant_id=store.tenant_id, store=store, authorization_id=store.authorization_id,
        fault="platform_down", began_at=began_at, ended_at=ended_at,
    )  # fmt: skip


def outage(platform: str = "ebay", fault: str = "platform_down", **fields: Any) -> Outage:
    given = {"since": timezone.now() - timedelta(hours=1), **fields}
    return Outage.objects.create(platform=platform, fault=fault, **given)
