"""manage.py health --json: how each store is, from our own rows."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from platforms import health
from platforms.management.doors import Door
from platforms.store_paths import find_stores, find_tenant
from tenants.models import Store, StoreState, Tenant
from tenants.scope import tenant_scope


class Command(Door):
    help = "State, token expiry, last success, success rate, headroom, lag and quarantine by store."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--tenant", help="only this tenant's stores")
        parser.add_argument("--store", help="tenant/platform/account_name[/site]")

    def answer(self, options: dict[str, Any]) -> list[dict[str, object]]:
        if options["store"]:
            stores = find_stores(options["store"])
            return _facts(stores[0].tenant, stores)
        tenants = (
            [find_tenant(options["tenant"])]
            if options["tenant"]
            else Tenant.objects.order_by("slug").iterator()
        )
        return [fact for tenant in tenants for fact in _facts(tenant, None)]

    def told(self, answer: list[dict[str, Any]]) -> str:
        return "\n".join(
            "{store}  {state}  fault={fault}  last_success={last_success_at}  "
            "lag={lag_seconds}  quarantined={quarantined}".format_map(fact)
            for fact in answer
        )


def _facts(tenant: Tenant, stores: list[Store] | None) -> list[dict[str, object]]:
    with tenant_scope(tenant):
        if stores is None:
            linked = Store.objects.exclude(state=StoreState.UNLINKED)
            stores = list(
                linked.select_related("tenant", "authorization__app").order_by(
                    "platform", "account_name", "site"
                )
            )
        return [each.as_dict() for each in health.of_stores(stores, now=timezone.now())]
