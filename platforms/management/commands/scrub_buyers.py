"""manage.py scrub_buyers: remove buyers' data whose time is over."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from platforms.flows.scrub_buyers import Scrubbed, count_due, scrub_buyers
from platforms.management.doors import Door
from platforms.store_paths import find_tenant
from tenants.models import Tenant


class Command(Door):
    help = (
        "Remove buyers' data that the retention rules no longer let be kept: of one tenant or of "
        "all. With --dry-run only count what would go."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--tenant", metavar="SLUG")
        parser.add_argument("--dry-run", action="store_true")

    def answer(self, options: dict[str, Any]) -> dict[str, int]:
        slug = options["tenant"]
        tenants = [find_tenant(slug)] if slug else list(Tenant.objects.order_by("pk"))
        work = count_due if options["dry_run"] else scrub_buyers
        total, now = Scrubbed(), timezone.now()
        for tenant in tenants:
            total.add(work(tenant=tenant, now=now))
        return asdict(total)
