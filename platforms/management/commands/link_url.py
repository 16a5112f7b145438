"""manage.py link_url: a hand-over link for the modes with a consent page."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone
from django.utils.translation import gettext as _

from platforms.adapter import Adapter
from platforms.advice import advice_for
from platforms.errors import Fault, PlatformError
from platforms.flows import link, link_forms, prepare_link
from platforms.flows.hand_over import make_hand_over
from platforms.flows.link_forms import BadInput
from platforms.management.doors import (
    Door,
    Failed,
    add_link_arguments,
    add_set_argument,
    read_values,
)
from platforms.models import LinkAttempt
from platforms.spec import Mode, ModeKind
from platforms.store_paths import find_tenant
from tenants.models import Tenant
from tenants.scope import tenant_scope


class Command(Door):
    help = "Print a link by which somebody without our login can give consent for a store."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        add_link_arguments(parser)
        parser.add_argument("--site", default="")
        add_set_argument(parser)
        parser.add_argument("--hours", type=float, default=24.0, help="valid for, 0.5 to 168")

    def answer(self, options: dict[str, Any]) -> dict[str, object]:
        tenant = find_tenant(options["tenant"])
        adapter, mode = link_forms.check_mode(options["platform"], options["mode"])
        if mode.kind != ModeKind.CONSENT:
            raise BadInput({"mode": _("%(mode)s has no consent page. Link it with link_store.")
                            % {"mode": mode.code}})  # fmt: skip
        if not 0.5 <= options["hours"] <= 168:
            raise BadInput({"hours": _("A link is valid for 0.5 to 168 hours.")})
        values = read_values(options["values"])
        link_forms.check_values(adapter, mode, values)
        now = timezone.now()
        with tenant_scope(tenant):
            _check_app(tenant, adapter, mode, options)
            attempt = link.start(
                tenant=tenant, user=None, platform=adapter.code, mode=mode.code, now=now,
                site=options["site"], region=options["region"],
                account_name=options["account_name"], display_name=options["display_name"],
                environment=options["environment"],
            )  # fmt: skip
            if mode.fields:
                _prepare(attempt, values, now=now)
            url = make_hand_over(
                attempt=attempt, user=None, valid_for=timedelta(hours=options["hours"]), now=now
            )
        assert attempt.handover_expires_at is not None
        return {
            "url": url,
            "attempt": str(attempt.public_id),
            "expires_at": attempt.handover_expires_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        }


def _check_app(tenant: Tenant, adapter: Adapter, mode: Mode, options: dict[str, Any]) -> None:
    """Raises Failed where the consent would need an application of ours that is not there."""
    site, region = link_forms.check_place(
        adapter, mode, site=options["site"], region=options["region"]
    )
    if mode.own_app:
        return
    region = region or (adapter.site(site).region if site else "")
    if link.find_app(tenant, adapter, options["environment"], region) is None:
        raise _refused(adapter.code, Fault.APP_REJECTED, reason="no_app")


def _prepare(attempt: LinkAttempt, values: dict[str, str], *, now: datetime) -> None:
    try:
        prepare_link.prepare(attempt=attempt, values=values, now=now)
    except PlatformError as exc:
        raise _refused(attempt.platform, exc.fault, attempt=str(attempt.public_id)) from None


def _refused(
    platform: str, fault: Fault, *, reason: str = "", attempt: str | None = None
) -> Failed:
    advice = str(advice_for(str(fault), reason=reason, platform=platform))
    answer = {"url": None, "attempt": attempt, "expires_at": None, "fault": str(fault)}
    return Failed(answer | {"advice": advice}, advice)
