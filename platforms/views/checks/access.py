"""Who may check a store, and who may read what came of it."""

from __future__ import annotations

from uuid import UUID

from django.http import Http404

from platforms.models import DataCheck
from tenants.access import get_store_to_work_on, stores_to_work_on
from tenants.middleware import Workspace
from tenants.models import Duty, Store
from tenants.scope import TenantQuerySet


def get_check(work: Workspace, public_id: UUID) -> DataCheck:
    """As `get_store_to_work_on`, by the check."""
    checks = DataCheck.objects.select_related("store__tenant", "store__authorization", "asked_by")
    check: DataCheck | None = checks.filter(public_id=public_id).first()
    if check is None:
        raise Http404
    get_store_to_work_on(work, check.store.public_id)
    return check


def checkable_stores(work: Workspace) -> TenantQuerySet[Store]:
    stores: TenantQuerySet[Store] = stores_to_work_on(work).linked()
    return stores


def reads_numbers(work: Workspace, store: Store) -> bool:
    """Numbers of orders are for operators of the store, as the orders themselves are: a manager
    without that duty sees the counts only."""
    return store.pk in work.store_ids(Duty.OPERATOR)
