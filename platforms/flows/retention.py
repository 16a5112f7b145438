"""What is forgotten when its time is over."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction

from platforms.flows.announce import expire_notices
from platforms.flows.count_nightly import expire_counts
from platforms.flows.watch import expire_watching
from platforms.keeping.holds import covered
from platforms.keeping.removal import free_rows
from platforms.models import Delivery, LinkAttempt, OrderRaw, PullRun, RateBucket, Step

RUNS_KEPT = timedelta(days=90)
PUSHES_KEPT = timedelta(days=30)
PUSH_BODIES_KEPT = timedelta(days=7)  # as long as one may be worked on again
BATCH = 5_000
ROUNDS = 100  # of raw payloads in a run: an hour must not bring more than it takes away


def expire(*, now: datetime) -> int:
    """Delete expired raw payloads that no legal hold keeps and old runs, close abandoned
    attempts; how many rows."""
    gone = _expire_raws(now=now)
    runs = PullRun.objects.filter(started_at__lte=now - RUNS_KEPT).values_list("pk", flat=True)
    gone += PullRun.objects.filter(pk__in=list(runs[:BATCH])).delete()[0]
    Delivery.objects.filter(received_at__lte=now - PUSH_BODIES_KEPT).exclude(body=None).update(
        body=None, headers={}
    )
    gone += Delivery.objects.filter(received_at__lte=now - PUSHES_KEPT).delete()[0]
    gone += expire_watching(now=now) + expire_notices(now=now) + expire_counts(now=now)
    gone += RateBucket.objects.filter(full_at__lte=now - timedelta(days=1)).delete()[0]
    return gone + LinkAttempt.objects.filter(
        created_at__lte=now - LinkAttempt.ABANDONED_AFTER
    ).exclude(step__in=[Step.DONE, Step.CANCELLED]).update(
        step=Step.CANCELLED,
        finished_at=now,
        state_hash="",
        handover_hash="",
        sealed_pending=None,
        sealed_verifier=None,
    )


def _expire_raws(*, now: datetime) -> int:
    gone = 0
    for _round in range(ROUNDS):
        with transaction.atomic():
            raws = OrderRaw.objects.filter(expires_at__lte=now).exclude(covered("order__"))
            pks = list(free_rows(raws).values_list("pk", flat=True)[:BATCH])
            gone += OrderRaw.objects.filter(pk__in=pks).delete()[0]
        if len(pks) < BATCH:
            break
    return gone
