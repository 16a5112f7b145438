"""manage.py completeness --json: whether every order is here, by store and day."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone
from django.utils.translation import gettext as _

from platforms import completeness
from platforms.completeness import Day, StoreDays
from platforms.flows.link_forms import BadInput
from platforms.management.doors import Door
from platforms.store_paths import find_stores, find_tenant
from tenants.models import Store, Tenant
from tenants.scope import tenant_scope


class Command(Door):
    help = "What the counts of the last days found: orders at the platform and here, by day."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--tenant", metavar="SLUG", help="all stores of this tenant")
        parser.add_argument("--store", help="tenant/platform/account_name[/site]")
        parser.add_argument(
            "--days", type=int, default=completeness.DAYS, help="how many, 30 at most"
        )

    def answer(self, options: dict[str, Any]) -> dict[str, object]:
        if not 1 <= options["days"] <= completeness.DAYS:
            raise BadInput({"days": _("Choose a number of days from 1 to 30.")})
        tenant, stores = _chosen(options["tenant"], options["store"])
        with tenant_scope(tenant):
            if stores is None:
                linked = Store.objects.linked().select_related("tenant")
                stores = list(linked.order_by("platform", "account_name", "site"))
            rows = completeness.of_stores(stores, now=timezone.now())
        found = [_fact(row, row.days[-options["days"] :]) for row in rows]
        return {
            "tenant": tenant.slug,
            "days": options["days"],
            "at_platform": sum(fact["at_platform"] for fact in found),
            "here": sum(fact["here"] for fact in found),
            "stores": found,
        }

    def told(self, answer: Any) -> str:
        lines = ["{here} of {at_platform} orders are here.".format_map(answer)]
        lines += [
            "{store}  {here}/{at_platform}  uncounted={uncounted}".format_map(fact)
            for fact in answer["stores"]
        ]
        return "\n".join(lines)


def _chosen(slug: str | None, path: str | None) -> tuple[Tenant, list[Store] | None]:
    """Raises BadInput unless one of them names something; the store must be the tenant's."""
    if not path:
        if not slug:
            raise BadInput({"tenant": _("Say which company with --tenant, or which store.")})
        return find_tenant(slug), None
    stores = find_stores(path)
    if slug and find_tenant(slug) != stores[0].tenant:
        raise BadInput({"store": _("This store belongs to another company than --tenant.")})
    return stores[0].tenant, stores


def _fact(row: StoreDays, days: tuple[Day, ...]) -> dict[str, Any]:
    at_platform = sum(day.at_platform for day in days)
    return {
        "store": row.store.path,
        "zone": row.store.zone.key,
        "at_platform": at_platform,
        "here": at_platform - sum(day.open for day in days),
        "uncounted": sum(day.count is None for day in days),
        "days": [_day(day) for day in days],
    }


def _day(day: Day) -> dict[str, Any]:
    about = {"day": day.day.isoformat(), "state": str(day.state)}
    count = day.count
    if count is None:
        return about
    return about | {
        "platform": count.platform_count, "ours": count.our_count, "missing": count.missing,
        "different": count.different, "extra": count.extra, "unreadable": count.unreadable,
        "healed": count.healed, "counted_at": f"{count.counted_at:%Y-%m-%dT%H:%M:%SZ}",
    }  # fmt: skip
