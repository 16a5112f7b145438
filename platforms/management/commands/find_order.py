"""manage.py find_order: why an order is not here, for scripts and support."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone
from django.utils.translation import gettext as _

from platforms.flows.find_order import DEADLINE_S, BadNumber, find_order
from platforms.flows.link_forms import BadInput
from platforms.management.doors import Door
from platforms.order_finder.reasons import Finding, Seeker
from platforms.order_finder.sentences import told
from platforms.store_paths import find_stores, find_tenant
from tenants.models import Store, Tenant
from tenants.scope import tenant_scope


class Command(Door):
    help = (
        "Say why an order is not here: our own rows first, then the platforms. "
        "Exit codes: 0 a reason was found, 2 bad input."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--tenant", required=True, metavar="SLUG")
        parser.add_argument("--number", required=True, help="as the platform writes it")
        parser.add_argument("--store", default="", help="tenant/platform/account_name[/site]")
        parser.add_argument(
            "--deadline", type=float, default=DEADLINE_S, metavar="SECONDS",
            help="for the platforms' answers",
        )  # fmt: skip

    def answer(self, options: dict[str, Any]) -> dict[str, object]:
        tenant = find_tenant(options["tenant"])
        store = _store(tenant, options["store"])
        seeker = Seeker(user=None, desk=True)
        with tenant_scope(tenant):
            try:
                found = find_order(
                    tenant=tenant, seeker=seeker, number=options["number"], store=store,
                    deadline_s=max(0.0, options["deadline"]), now=timezone.now(),
                )  # fmt: skip
            except BadNumber:
                raise BadInput(
                    {"number": _("An order number has 1 to 80 characters and no blanks.")}
                ) from None
        return _as_json(found, str(told(found, seeker=seeker, company=tenant.name)))


def _store(tenant: Tenant, path: str) -> Store | None:
    """The store of that tenant; several sites under one name are as good as none named."""
    if not path:
        return None
    if path.strip().strip("/").partition("/")[0] != tenant.slug:
        raise BadInput(
            {"store": _("%(path)s is not a store of %(tenant)s. Write %(tenant)s/platform/name.")
             % {"path": path, "tenant": tenant.slug}}
        )  # fmt: skip
    stores = find_stores(path)
    return stores[0] if len(stores) == 1 else None


def _as_json(found: Finding, sentence: str) -> dict[str, object]:
    return {
        "number": found.number,
        "reason": found.reason.value,
        "store": found.store.path if found.store else None,
        "fixable": found.fixable,
        "fix": found.fix.value if found.fix else None,
        "asked_platform": found.platform_looked,
        "not_answered": [store.path for each in found.silent for store in each.stores],
        "fault": found.fault.value if found.fault else None,
        "sentence": sentence,
        "seconds": found.seconds,
    }
