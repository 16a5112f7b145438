"""What support does for a tenant; everything is written into the tenant's trail as its doing."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import models, transaction

from accounts.models import User
from platforms import registry, vault
from platforms.errors import Fault
from platforms.flows import link
from platforms.flows.hand_over import make_hand_over
from platforms.flows.refresh import Outcome as RefreshOutcome
from platforms.flows.refresh import Refreshed, refresh
from platforms.models import (
    App,
    Authorization,
    AuthorizationState,
    CallStat,
    LinkAttempt,
    Order,
    OrderLine,
    OrderRaw,
    PullRun,
    Stream,
    TenantKey,
)
from platforms.spec import Mode, ModeKind
from tenants.flows.record_event import record_event
from tenants.models import Outcome, Store, StoreState, Tenant
from tenants.scope import tenant_scope

logger = logging.getLogger(__name__)

# Tables that grow with orders, emptied without reading what is in them.
_BIG: tuple[type[models.Model], ...] = (Order, OrderLine, OrderRaw, PullRun, CallStat)


@dataclass(frozen=True, kw_only=True)
class HandedOver:
    """`url` is shown once: only its hash is stored."""

    attempt: LinkAttempt
    url: str


def open_modes(store: Store) -> list[Mode]:
    """The modes the store can be linked by, the recommended ones first."""
    modes = [m for m in registry.get(store.platform).modes if m.kind != ModeKind.REFUSED]
    return sorted(modes, key=lambda mode: not mode.recommended)


def grant_to_renew(store: Store) -> Authorization | None:
    """The authorization that linking the store again renews; None where it starts afresh."""
    authorization = store.authorization
    if authorization is None or store.state == StoreState.UNLINKED:
        return None
    return None if authorization.state == AuthorizationState.ENDED else authorization


def hand_over_store(
    *, store: Store, mode: str, user: User, valid_for: timedelta, now: datetime
) -> HandedOver:
    """Begin linking `store` (again) for its tenant and make the link that the seller opens.

    Raises link_forms.BadInput, link.NotPossible.
    """
    with tenant_scope(store.tenant), transaction.atomic():
        attempt = link.start(
            tenant=store.tenant,
            user=user,
            platform=store.platform,
            mode=mode,
            now=now,
            site=store.site,
            account_name=store.account_name,
            display_name=store.display_name,
            environment=store.environment,
            relinks=grant_to_renew(store),
            on_behalf=True,
        )
        url = make_hand_over(attempt=attempt, user=user, valid_for=valid_for, now=now)
    return HandedOver(attempt=attempt, url=url)


def refresh_now(*, authorization: Authorization, user: User, now: datetime) -> Refreshed:
    """Refresh the access token however long it is still good. Not inside a transaction."""
    tenant = authorization.tenant
    with tenant_scope(tenant):
        try:
            result = refresh(
                authorization=authorization, now=now, used_generation=authorization.generation
            )
        except vault.Unopenable:
            result = Refreshed(outcome=RefreshOutcome.FAILED, fault=Fault.UNKNOWN)
    good = result.outcome in (RefreshOutcome.REFRESHED, RefreshOutcome.KEPT)
    record_event(
        tenant=tenant, verb="authorization.refresh_asked", actor=user, now=now,
        target=authorization, outcome=Outcome.DONE if good else Outcome.FAILED, on_behalf=True,
        detail={"result": str(result.outcome), "fault": str(result.fault or "")},
    )  # fmt: skip
    return result


def delete_tenant(*, tenant: Tenant, user: User) -> None:
    """Destroy the tenant's data key first, then everything it has, its trail included."""
    slug, tenant_id = tenant.slug, tenant.pk
    with transaction.atomic(), tenant_scope(tenant):
        tenant.lock()
        # Pages on their way land before, or not at all.
        list(Stream.objects.select_for_update().values_list("pk", flat=True))
        list(Store.objects.select_for_update().values_list("pk", flat=True))
        TenantKey.objects.all().delete()
        for model in _BIG:
            model._default_manager.all()._raw_delete(model._default_manager.db)
        # What refers to an application goes before the tenant's own applications may.
        LinkAttempt.objects.all().delete()
        Authorization.objects.all().delete()
        App.objects.filter(tenant=tenant).delete()
        tenant.delete()
    vault.forget_cached_keys()
    logger.warning(
        "tenant.deleted", extra={"tenant_id": tenant_id, "slug": slug, "by_user_id": user.pk}
    )
