"""The tenant's own settings."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from accounts.models import User
from tenants.flows.record_event import record_event
from tenants.models import Tenant

SETTINGS = ("name", "time_zone", "require_mfa", "retention_days", "freshness_minutes")


def update_tenant(*, tenant: Tenant, actor: User, now: datetime) -> list[str]:
    """Save the settings that were changed on `tenant`, which is checked already; their names."""
    with transaction.atomic():
        tenant.lock()
        before = Tenant.objects.get(pk=tenant.pk)
        changed = [name for name in SETTINGS if getattr(before, name) != getattr(tenant, name)]
        if changed:
            tenant.save(update_fields=changed)
            record_event(
                tenant=tenant,
                verb="tenant.changed",
                actor=actor,
                now=now,
                target=tenant,
                detail={name: [getattr(before, name), getattr(tenant, name)] for name in changed},
            )
    return changed
