"""manage.py link_url: a hand-over link for the modes with a consent page."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone
from django.utils.translation import gettext as _

from platforms.advice import advice_for
from platforms.errors import Fault
from platforms.flows import link, link_forms
from platforms.flows.hand_over import make_hand_over
from platforms.flows.link_forms import BadInput
from platforms.management.doors import Door, Failed, add_link_arguments
from platforms.spec import ModeKind
from platforms.store_paths import find_tenant
from tenants.scope import tenant_scope


class Command(Door):
    help = "Print a link by which somebody without our login can give consent for a store."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        add_link_arguments(parser)
        parser.add_argument("--site", default="")
        parser.add_argument("--hours", type=float, default=24.0, help="valid for, 0.5 to 168")

    def answer(self, options: dict[str, Any]) -> dict[str, object]:
        tenant = find_tenant(options["tenant"])
        adapter, mode = link_forms.check_mode(options["platform"], options["mode"])
        if mode.kind != ModeKind.CONSENT:
            raise BadInput({"mode": _("%(mode)s has no consent page. Link it with link_store.")
                            % {"mode": mode.code}})  # fmt: skip
        if not 0.5 <= options["hours"] <= 168:
            raise BadInput({"hours": _("A link is valid for 0.5 to 168 hours.")})
        now = timezone.now()
        with tenant_scope(tenant):
            if link.find_app(tenant, adapter, options["environment"]) is None:
                advice = advice_for(Fault.APP_REJECTED, reason="no_app", platform=adapter.code)
                nothing = {"url": None, "attempt": None, "expires_at": None}
                raise Failed(
                    nothing | {"fault": str(Fault.APP_REJECTED), "advice": str(advice)}, str(advice)
                )
            attempt = link.start(
                tenant=tenant, user=None, platform=adapter.code, mode=mode.code, now=now,
                site=options["site"], region=options["region"],
                account_name=options["account_name"], display_name=options["display_name"],
                environment=options["environment"],
            )  # fmt: skip
            url = make_hand_over(
                attempt=attempt, user=None, valid_for=timedelta(hours=options["hours"]), now=now
            )
        assert attempt.handover_expires_at is not None
        return {
            "url": url,
            "attempt": str(attempt.public_id),
            "expires_at": attempt.handover_expires_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
