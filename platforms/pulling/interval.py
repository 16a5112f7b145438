"""How long after a pull the next one comes: busy stores often, quiet ones rarely."""

from __future__ import annotations

import random
from datetime import timedelta

from platforms.adapter import Adapter
from tenants.models import Tenant

SLOWER, FASTER = 1.5, 0.5


def next_interval(before_s: int, adapter: Adapter, tenant: Tenant, *, is_busy: bool) -> timedelta:
    """Never longer than the freshness the tenant chose, and no shorter than the marketplace's
    own pace allows. `before_s` is the last one, 0 for none."""
    shortest, longest = adapter.poll_every, timedelta(minutes=tenant.freshness_minutes)
    before = timedelta(seconds=before_s) if before_s else shortest
    return min(max(before * (FASTER if is_busy else SLOWER), shortest), longest)


def jittered(interval: timedelta) -> timedelta:
    """Stores linked together must not be polled together for ever. Earlier only: the interval
    is what was promised."""
    return interval * random.uniform(0.85, 1.0)  # noqa: S311
