"""manage.py link_store: links without a browser, through the same flow as the wizard."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone
from django.utils.translation import gettext as _

from platforms.advice import advice_for
from platforms.errors import Fault, PlatformError
from platforms.flows import link, link_forms
from platforms.flows.confirm_link import confirm
from platforms.flows.link_forms import BadInput
from platforms.management.doors import (
    Door,
    Failed,
    add_link_arguments,
    add_set_argument,
    read_values,
)
from platforms.models import LinkAttempt
from platforms.spec import Environment, ModeKind
from platforms.store_paths import find_tenant
from tenants.models import Store, Tenant
from tenants.scope import tenant_scope


class Command(Door):
    help = "Link a store with keys. Exit codes: 0 linked, 3 refused by the platform, 2 bad input."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        add_link_arguments(parser)
        parser.add_argument(
            "--site", action="append", default=[],
            help="a store for each site given; without it, for every shop the platform reports",
        )  # fmt: skip
        add_set_argument(parser)

    def answer(self, options: dict[str, Any]) -> dict[str, object]:
        tenant = find_tenant(options["tenant"])
        adapter, mode = link_forms.check_mode(options["platform"], options["mode"])
        if mode.kind != ModeKind.KEYS:
            sentence = _(
                "%(mode)s needs the seller's consent in a browser. Make a link with link_url."
            )
            raise BadInput({"mode": sentence % {"mode": mode.code}})
        if options["environment"] not in list(Environment):
            sentence = _("There is no environment %(name)s. There are: %(known)s.")
            holes = {"name": options["environment"], "known": ", ".join(Environment)}
            raise BadInput({"environment": sentence % holes})
        values = read_values(options["values"])
        link_forms.check_values(adapter, mode, values)
        sites = []
        for site in options["site"]:
            place = link_forms.check_place(adapter, mode, site=site, region=options["region"])
            sites.append(place[0])
        with tenant_scope(tenant):
            for site in sites:
                name = link_forms.check_account_name(options["account_name"])
                link_forms.check_name_is_free(adapter.code, site, name)
            return _link(tenant, options, sites, values)


def _link(
    tenant: Tenant, options: dict[str, Any], sites: list[str], values: dict[str, str]
) -> dict[str, object]:
    now = timezone.now()
    attempt = link.start(
        tenant=tenant, user=None, platform=options["platform"], mode=options["mode"], now=now,
        site=sites[0] if sites else "", region=options["region"],
        account_name=options["account_name"], display_name=options["display_name"],
        environment=options["environment"],
    )  # fmt: skip
    try:
        link.submit_keys(attempt=attempt, values=values, ip=None, now=now)
        linked = confirm(
            attempt=attempt, user=None, now=timezone.now(), shop_ids=_shop_ids(attempt, sites)
        )
    except PlatformError as exc:
        raise _refused(attempt, exc.fault, "") from None
    except link.NotPossible as exc:
        raise _refused(attempt, attempt.fault or Fault.SHOP_MISMATCH, exc.reason) from None
    found = attempt.found or {}
    stores = [_store(store, found.get("shops", [])) for store in linked.stores]
    first = stores[0] | {"fault": None, "advice": None}
    return first if len(stores) == 1 else first | {"stores": stores}


def _shop_ids(attempt: LinkAttempt, sites: list[str]) -> list[str] | None:
    """The shops at the sites asked for. Raises BadInput naming those the account does have."""
    if not sites:
        return None
    shops = (attempt.found or {}).get("shops", [])
    reported = {shop["site"] for shop in shops}
    if reported == {""}:  # the platform does not tell sites apart
        return None
    missing = [site for site in sites if site not in reported]
    if missing:
        sentence = _("This seller account has no shop at %(site)s. It has shops at: %(known)s.")
        holes = {"site": ", ".join(missing), "known": ", ".join(sorted(reported))}
        raise BadInput({"site": sentence % holes})
    return [shop["external_id"] for shop in shops if shop["site"] in sites]


def _store(store: Store, shops: list[dict[str, Any]]) -> dict[str, object]:
    shop = next((each for each in shops if each["external_id"] == store.external_id), {})
    return {
        "store": str(store.public_id),
        "state": store.state,
        "shop": {
            "id": store.external_id,
            "name": store.external_name,
            "site": store.site or shop.get("site") or None,
            "currency": shop.get("currency") or None,
        },
        "path": store.path,
    }


def _refused(attempt: LinkAttempt, fault: str, reason: str) -> Failed:
    advice = advice_for(str(fault), reason=reason, platform=attempt.platform)
    answer = {
        "store": None, "state": None, "shop": None, "fault": str(fault), "advice": str(advice)
    }  # fmt: skip
    return Failed(answer, str(advice))
