"""When many stores of one platform fail the same way it is not the seller: our own counts."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db.models import Count

from platforms.errors import Fault
from platforms.flows.watch_facts import TRIES, Patient
from platforms.models import Outage
from platforms.outages import open_outages
from platforms.spec import Environment
from tenants.models import Store, StoreState, Tenant

logger = logging.getLogger(__name__)

# What a platform, the way to it, or we can be the cause of.
COMMON = {
    Fault.PLATFORM_DOWN, Fault.NETWORK_UNREACHABLE, Fault.TLS_FAILED, Fault.BAD_RESPONSE,
    Fault.RATE_LIMITED, Fault.QUOTA_EXHAUSTED, Fault.CLOCK_SKEW, Fault.APP_REJECTED,
}  # fmt: skip
# About an application; one that a company brought along is its own affair.
OF_OUR_APP = {Fault.QUOTA_EXHAUSTED, Fault.APP_REJECTED}
# Usually one seller's own doing. Only where several companies are hit within AT_ONCE it is not.
DOUBTFUL = {Fault.BAD_CREDENTIALS, Fault.INVALID_REQUEST, Fault.UNKNOWN}
AT_ONCE = timedelta(hours=2)

MIN_STORES = 3
MIN_TENANTS = 2
MIN_TENANTS_IF_DOUBTFUL = 3
MIN_STORES_OF_ONE = 5  # where the installation has one company only
MIN_PERCENT = 30
# An outage closes below half of what opens it, so that a few stores coming and going at the edge
# do not make it flicker; one that comes back within this time is the same one.
AGAIN = timedelta(minutes=15)


@dataclass(kw_only=True)
class Cluster:
    """The stores of one platform that fail in one way."""

    began: list[datetime] = field(default_factory=list)
    tenants: set[int] = field(default_factory=set)
    dead: int = 0  # of them no longer active

    @property
    def since(self) -> datetime:
        """When it began: the earliest failure of the middle half. The earliest quarter is left
        out, because a store or two may have failed alike for days for reasons of their own."""
        return sorted(self.began)[len(self.began) // 4]


def settle(found: Iterable[Patient], *, now: datetime) -> dict[tuple[str, str], Outage]:
    """Open and close outages by what is true now; those that are open then. Safe to run by
    several workers at once. Must run in a scope of all tenants."""
    before = open_outages()
    clusters = _clusters(found, before, now=now)
    active = _active_stores()
    for key in clusters.keys() | before.keys():
        platform, fault = key
        cluster = clusters.get(key, Cluster())
        of_stores = active.get(platform, 0) + cluster.dead
        if key in before:
            _keep_or_close(before[key], cluster, of_stores, now=now)
        elif _is_outage(fault, cluster, of_stores):
            _open(platform, fault, cluster, of_stores, now=now)
    return open_outages()


def _clusters(
    found: Iterable[Patient], before: Mapping[tuple[str, str], Outage], *, now: datetime
) -> dict[tuple[str, str], Cluster]:
    clusters: dict[tuple[str, str], Cluster] = defaultdict(Cluster)
    for patient in found:
        if patient.environment != Environment.PRODUCTION:
            continue
        for fault, since in _ways(patient).items():
            key = (patient.platform, fault)
            if fault in DOUBTFUL:
                reference = before[key].since if key in before else now
                if since < reference - AT_ONCE:
                    continue
            clusters[key].began.append(since)
            clusters[key].tenants.add(patient.tenant_id)
            clusters[key].dead += patient.state != StoreState.ACTIVE
    return clusters


def _ways(patient: Patient) -> dict[str, datetime]:
    """The faults that count, each with its beginning."""
    ways: dict[str, datetime] = {}
    if patient.state not in (StoreState.ACTIVE, StoreState.NEEDS_RELINK):
        return ways
    parts = (patient.grant,) if patient.grant else (patient.pull, patient.refresh)
    for part in parts:
        if part is None or part.tries < TRIES or part.fault not in COMMON | DOUBTFUL:
            continue
        if part.fault in OF_OUR_APP and not patient.shared_app:
            continue
        ways[part.fault] = min(part.since, ways.get(part.fault, part.since))
    return ways


def _active_stores() -> dict[str, int]:
    active = Store.objects.filter(state=StoreState.ACTIVE, environment=Environment.PRODUCTION)
    return dict(active.values_list("platform").annotate(Count("pk")))


def _is_outage(fault: str, cluster: Cluster, of_stores: int) -> bool:
    stores, tenants = len(cluster.began), len(cluster.tenants)
    if stores * 100 < of_stores * MIN_PERCENT:
        return False
    if fault in DOUBTFUL:
        return stores >= MIN_STORES and tenants >= MIN_TENANTS_IF_DOUBTFUL
    if stores >= MIN_STORES and tenants >= MIN_TENANTS:
        return True
    return stores >= MIN_STORES_OF_ONE and Tenant.objects.count() == 1


def _open(platform: str, fault: str, cluster: Cluster, of_stores: int, *, now: datetime) -> None:
    counts = {
        "stores": len(cluster.began), "of_stores": of_stores, "tenants": len(cluster.tenants),
    }  # fmt: skip
    last = Outage.objects.filter(platform=platform, fault=fault).order_by("-ended_at").first()
    if last is not None and last.ended_at is not None and last.ended_at > now - AGAIN:
        Outage.objects.filter(pk=last.pk, ended_at=last.ended_at).update(ended_at=None, **counts)
        return
    outage = Outage(platform=platform, fault=fault, since=cluster.since, **counts)
    # A worker that counted at the same moment may have written it: one is enough.
    Outage.objects.bulk_create([outage], ignore_conflicts=True)
    logger.warning("outage.opened", extra={"platform": platform, "fault": fault, **counts})


def _keep_or_close(outage: Outage, cluster: Cluster, of_stores: int, *, now: datetime) -> None:
    stores = len(cluster.began)
    is_open = Outage.objects.filter(pk=outage.pk, ended_at=None)
    if stores * 2 < MIN_STORES or stores * 200 < of_stores * MIN_PERCENT:
        if is_open.update(ended_at=now):
            logger.info("outage.closed", extra={"platform": outage.platform, "fault": outage.fault})
        return
    counts = (stores, of_stores, len(cluster.tenants))
    if counts != (outage.stores, outage.of_stores, outage.tenants):
        is_open.update(stores=counts[0], of_stores=counts[1], tenants=counts[2])
