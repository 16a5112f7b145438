"""An authorization the platform no longer accepts: stop, say why, wait for the seller."""

from __future__ import annotations

import logging
from datetime import datetime

from django.db import transaction

from platforms.errors import Fault
from platforms.models import Authorization, AuthorizationState, Consent, Stream
from tenants.flows.record_event import record_event
from tenants.models import Outcome, Store, StoreState

logger = logging.getLogger(__name__)


def break_authorization(
    *,
    authorization: Authorization,
    fault: Fault,
    detail: str,
    now: datetime,
    fence: int | None = None,
    look_again_at: datetime | None = None,
) -> bool:
    """Mark the grant as needing a relink; its stores and streams stop. Safe to repeat.
    At `look_again_at` the same credential is tried once more (flows/refresh.py).

    False, and nothing changed, if the credential has been replaced since `authorization` was
    read, or if `fence` is no longer the current one.
    """
    with transaction.atomic():
        row = Authorization.objects.filter(
            pk=authorization.pk,
            generation=authorization.generation,
            state=AuthorizationState.ACTIVE,
        )
        if fence is not None:
            row = row.filter(fence=fence)
        broken = row.update(
            state=AuthorizationState.NEEDS_RELINK,
            fault=fault,
            fault_detail=detail[:300],
            fault_at=now,
            refresh_due_at=look_again_at,
            refresh_failures=0,
            failing_since=None,
            leased_until=None,
            in_flight_since=None,
        )
        if not broken:
            return False
        stores = Store.objects.filter(authorization=authorization, state=StoreState.ACTIVE)
        for store in stores:
            record_event(
                tenant=store.tenant, verb="store.broke", target=store, actor=None, now=now,
                outcome=Outcome.FAILED, detail={"fault": str(fault)},
            )  # fmt: skip
        stores.update(state=StoreState.NEEDS_RELINK)
        Stream.objects.filter(authorization=authorization).update(due_at=None, fault=fault)
        Consent.objects.filter(authorization=authorization, ended_at=None).update(
            ended_at=now, ended_why=fault
        )
    logger.warning(
        "authorization.broke", extra={"authorization_id": authorization.pk, "fault": str(fault)}
    )
    return True
