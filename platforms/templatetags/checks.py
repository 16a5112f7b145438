"""The card that shows on other pages how a store's data were checked."""

from __future__ import annotations

from collections.abc import Sequence

from django import template

from platforms.data_checks.nightly import NIGHTLY
from platforms.data_checks.words import Verdict, verdict_of
from platforms.models import DataCheck
from tenants.middleware import Workspace
from tenants.models import Duty, Store, StoreState

register = template.Library()


@register.filter
def may_be_checked_by(store: Store, work: Workspace) -> bool:
    """Managers and the store's operators check its data."""
    return work.can_manage or store.pk in work.store_ids(Duty.OPERATOR)


@register.simple_tag
def last_checks(store: Store) -> list[tuple[DataCheck, Verdict | None]]:
    """The newest check of each kind with its verdict, None while it is under way; not the
    nightly ones."""
    found = []
    asked_for = DataCheck.objects.filter(store=store).exclude(NIGHTLY)
    for kind in DataCheck.Kind.values:
        check = asked_for.filter(kind=kind).order_by("-created_at").first()
        if check is not None:
            check.store = store
            found.append((check, verdict_of(check)))
    return found


@register.simple_tag
def first_unchecked(stores: Sequence[Store]) -> Store | None:
    """An active store of these whose data nobody has checked yet."""
    active = [store for store in stores if store.state == StoreState.ACTIVE]
    checks = DataCheck.objects.filter(store__in=active).exclude(NIGHTLY)
    checked = set(checks.values_list("store_id", flat=True))
    return next((store for store in active if store.pk not in checked), None)
