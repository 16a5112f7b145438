"""manage.py refresh_tokens: bring access tokens up to date."""

from __future__ import annotations

from collections import Counter
from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from platforms.flows.refresh import Outcome, refresh
from platforms.management.doors import Door
from platforms.models import Authorization, AuthorizationState
from platforms.store_paths import find_stores
from tenants.scope import all_tenants, tenant_scope


class Command(Door):
    help = (
        "Refresh access tokens: of one store or of all, with --due only where little of the "
        "lifetime is left. Exits with 0 also where some failed: the counts tell."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--store", help="tenant/platform/account_name[/site]")
        parser.add_argument("--due", action="store_true", help="only tokens about to expire")

    def answer(self, options: dict[str, Any]) -> dict[str, int]:
        counts: Counter[str] = Counter()
        for authorization in _authorizations(options["store"]):
            with tenant_scope(authorization.tenant_id):
                result = refresh(
                    authorization=authorization,
                    now=timezone.now(),
                    # Naming the generation we saw asks for a new token however long it lives.
                    used_generation=None if options["due"] else authorization.generation,
                )
            counts[result.outcome] += 1
        return {outcome.value: counts[outcome] for outcome in Outcome}


def _authorizations(path: str | None) -> list[Authorization]:
    if path:
        found = {s.authorization_id: s.authorization for s in find_stores(path) if s.authorization}
        return [row for row in found.values() if row]
    with all_tenants("tokens of every tenant are kept alive"):
        return list(Authorization.objects.filter(state=AuthorizationState.ACTIVE).order_by("pk"))
