"""An authorization that was thought dead and works after all: go on where it stopped."""

from __future__ import annotations

import logging
from datetime import datetime

from django.db import transaction

from platforms.models import Authorization, AuthorizationState, Consent, Stream
from tenants.models import Store, StoreState

logger = logging.getLogger(__name__)


def heal_authorization(*, authorization: Authorization, now: datetime) -> bool:
    """Undo `break_authorization` for a grant whose credential has just been renewed. Its streams
    go on at their watermarks, so nothing that happened meanwhile is missed. Safe to repeat."""
    with transaction.atomic():
        healed = Authorization.objects.filter(
            pk=authorization.pk, state=AuthorizationState.NEEDS_RELINK
        ).update(state=AuthorizationState.ACTIVE, fault="", fault_detail="", fault_at=None)
        if not healed:
            return False
        Store.objects.filter(authorization=authorization, state=StoreState.NEEDS_RELINK).update(
            state=StoreState.ACTIVE
        )
        Stream.objects.filter(authorization=authorization, finished_at=None).update(
            due_at=now, fault="", fault_detail="", failures=0, failing_since=None
        )
        last = Consent.objects.filter(authorization=authorization).order_by("-at").first()
        if last is not None and last.ended_why:
            Consent.objects.filter(pk=last.pk).update(ended_at=None, ended_why="")
    logger.info("authorization.healed", extra={"authorization_id": authorization.pk})
    return True
