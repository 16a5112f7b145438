"""Linking a store: every step of an attempt, from whichever door it is taken.

start -> (prepare -> begin_consent -> finish_consent | submit_keys) -> verified -> confirm.
An attempt that failed stays usable: the fault is written on it and the step is taken again.
Preparing is in prepare_link.py, consents are in consent.py, confirming in confirm_link.py.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from platforms import credentials, registry, vault
from platforms.adapter import Adapter
from platforms.errors import Fault, PlatformError, platform_error
from platforms.flows import link_forms
from platforms.models import App, Authorization, LinkAttempt, Step
from platforms.spec import Account, AppKeys, Grant, Identity, Mode, ModeKind, Shop
from platforms.transport import Channel
from tenants.flows.record_event import record_event
from tenants.models import Outcome, Store, StoreState, Tenant
from tenants.scope import all_tenants, tenant_scope

logger = logging.getLogger(__name__)


class NotPossible(Exception):
    """The step cannot be taken now; `reason` is a key of platforms.advice.REASONS."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def start(
    *,
    tenant: Tenant,
    user: User | None,
    platform: str,
    mode: str,
    now: datetime,
    site: str = "",
    region: str = "",
    account_name: str = "",
    display_name: str = "",
    environment: str = "production",
    relinks: Authorization | None = None,
    on_behalf: bool = False,
    given: Mapping[str, str] | None = None,
) -> LinkAttempt:
    """Begin an attempt. `given`: what the marketplace said, if the linking began there.

    Raises link_forms.BadInput naming the field that is wrong.
    """
    adapter, declared = link_forms.check_mode(platform, mode)
    site, region = link_forms.check_place(adapter, declared, site=site, region=region)
    if relinks is None:
        account_name = link_forms.check_account_name(account_name)
    else:
        region = relinks.region  # a grant for another region opens other shops
    with tenant_scope(tenant), transaction.atomic():
        if relinks is None:
            link_forms.check_name_is_free(platform, site, account_name)
        attempt = LinkAttempt.objects.create(
            tenant=tenant, platform=platform, mode=mode, site=site, region=region,
            account_name=account_name, display_name=display_name.strip()[:100],
            environment=environment, relinks=relinks, started_by=user, on_behalf=on_behalf,
            step=Step.AUTHORIZE,
            app=_first_app(tenant, adapter, declared, environment, region, relinks),
            given={**_known_before(declared, relinks), **(given or {})},
        )  # fmt: skip
        record_event(
            tenant=tenant, verb="link.started", actor=user, now=now, target=attempt,
            on_behalf=on_behalf, detail={"mode": mode, "relink": relinks is not None},
        )  # fmt: skip
    return attempt


def _first_app(
    tenant: Tenant,
    adapter: Adapter,
    mode: Mode,
    environment: str,
    region: str,
    relinks: Authorization | None,
) -> App | None:
    """The application to begin with: of a relinking through the tenant's own one, that one.
    Pasted keys go through none: ours would be blamed, or trusted, for what the seller's did."""
    if mode.kind is not ModeKind.CONSENT:
        return None
    if not mode.own_app:
        return find_app(tenant, adapter, environment, region)
    before = relinks.app if relinks else None
    return before if before is not None and before.tenant_id == tenant.pk else None


def _known_before(mode: Mode, relinks: Authorization | None) -> dict[str, str]:
    """What a relinking need not ask again, e.g. the shop's address."""
    if relinks is None or mode.kind != ModeKind.CONSENT or not relinks.sealed_credential:
        return {}
    try:
        secrets = credentials.open_secrets(relinks)
    except vault.Unopenable:
        return {}
    return {
        field.name: secrets[field.name]
        for field in mode.fields
        if not field.app and not field.secret and field.name in secrets
    }


def find_app(tenant: Tenant, adapter: Adapter, environment: str, region: str = "") -> App | None:
    """The application for consents of `region`: one that support entered for the tenant, else
    ours; None where there is neither. Never one that the tenant brought along in the wizard."""
    apps = App.objects.filter(platform=adapter.code, environment=environment, active=True)
    apps = apps.filter(region__in=(region, "")).order_by("-region")
    brings_own = any(mode.own_app for mode in adapter.modes)
    theirs = None if brings_own else apps.filter(tenant=tenant).first()
    return theirs or apps.filter(tenant=None).first()


def mode_of(attempt: LinkAttempt) -> Mode:
    return registry.get(attempt.platform).mode(attempt.mode)


# --- keys


def submit_keys(
    *,
    attempt: LinkAttempt,
    values: Mapping[str, str],
    ip: str | None,
    now: datetime,
    by_member: bool = True,
) -> LinkAttempt:
    """Try pasted keys. Nothing of them is kept unless the platform accepts them.

    Keys that came by a hand-over link (not `by_member`) leave the attempt unconfirmed.

    Raises link_forms.BadInput for what cannot be right, PlatformError for what the platform
    says (also written on the attempt), NotPossible.
    """
    adapter, mode = registry.get(attempt.platform), mode_of(attempt)
    if not attempt.is_open:
        raise NotPossible("attempt_closed")
    cleaned = link_forms.check_values(adapter, mode, values)
    attempt.region = cleaned.get("region", attempt.region)
    attempt.completed_ip = ip
    attempt.unconfirmed = not by_member
    secrets = adapter.secrets_from_fields(mode, cleaned)
    account = Account(
        mode=mode.code, environment=attempt.environment, region=region_of(attempt), secrets=secrets
    )
    try:
        grant = None
        if adapter.can_refresh(account):
            with Channel(adapter, account) as call:
                grant = adapter.refresh(call, now=now)
            secrets = credentials.merge(secrets, grant)
        verify(attempt, secrets, grant, now=now)
    except PlatformError as exc:
        note_failure(attempt, exc.fault, now=now, detail=exc.detail)
        raise
    except NotPossible as exc:
        note_failure(
            attempt, REASON_FAULTS.get(exc.reason, Fault.UNKNOWN), now=now, reason=exc.reason
        )
        raise
    return attempt


# --- verification


def verify(
    attempt: LinkAttempt, secrets: Mapping[str, str], grant: Grant | None, *, now: datetime
) -> None:
    """Ask the platform who we are; keep what it says, sealed, for the person to confirm.

    Raises PlatformError, NotPossible (wrong shop, already linked). The old grant of a relink
    is untouched in every case.
    """
    adapter = registry.get(attempt.platform)
    account = Account(
        mode=attempt.mode,
        environment=attempt.environment,
        region=region_of(attempt),
        account_id=grant.account_id if grant else "",
        secrets=secrets,
        app=app_keys(attempt.app) if attempt.app else None,
    )
    with Channel(adapter, account) as call:
        identity = adapter.who_am_i(call, now=now)
    secrets = {**secrets, **identity.secrets}
    shops_found = identity.shops
    if attempt.relinks:
        shops_found = _same_account(adapter, attempt.relinks, identity, account.region)
    shops = [
        {
            "external_id": shop.external_id,
            "name": shop.name,
            "site": shop.site,
            "currency": shop.currency,
            "time_zone": shop.time_zone,
            "warning": str(shop.warning),
            "taken": is_taken(attempt, shop.external_id),
        }
        for shop in shops_found
    ]
    if not shops:
        raise NotPossible("no_shops")
    if not attempt.relinks and all(shop["taken"] for shop in shops):
        raise NotPossible("already_linked")
    found = {
        "account_id": identity.account_id,
        "account_name": identity.account_name,
        "shops": shops,
        "scopes": list(identity.scopes) if identity.scopes is not None else None,
        "missing": list(identity.missing),
    }
    pending = credentials.seal_for_attempt(
        attempt.tenant_id, attempt.public_id, "pending", _pending(secrets, grant, identity)
    )
    write(
        attempt, step=Step.CONFIRM, found=found, sealed_pending=pending, sealed_verifier=None,
        region=attempt.region, unconfirmed=attempt.unconfirmed, completed_ip=attempt.completed_ip,
        fault="", fault_reason="", fault_detail="",
    )  # fmt: skip


def _same_account(
    adapter: Adapter, before: Authorization, identity: Identity, region: str
) -> tuple[Shop, ...]:
    """The shops, if they are those of the grant that is renewed. Raises NotPossible."""
    if adapter.grant_per_shop:
        shops = tuple(shop for shop in identity.shops if shop.external_id == before.account_id)
    else:
        shops = identity.shops if identity.account_id == before.account_id else ()
    if region != before.region or (identity.shops and not shops):
        raise NotPossible("other_shop")
    return shops


def _pending(
    secrets: Mapping[str, str], grant: Grant | None, identity: Identity
) -> dict[str, object]:
    def iso(at: datetime | None) -> str | None:
        return at.isoformat() if at else None

    scopes = identity.scopes if identity.scopes is not None else grant.scopes if grant else None
    return {
        "secrets": dict(secrets),
        "access_expires_at": iso(grant.access_expires_at) if grant else None,
        "refresh_expires_at": iso(grant.refresh_expires_at) if grant else None,
        "consent_expires_at": iso(
            identity.consent_expires_at or (grant.consent_expires_at if grant else None)
        ),
        "scopes": list(scopes) if scopes is not None else None,
    }


def is_taken(attempt: LinkAttempt, external_id: str) -> bool:
    """Whether the shop is linked already, by this tenant or another; never by whom."""
    with all_tenants("one shop is linked once in the whole installation"):
        return (
            Store.objects.filter(
                platform=attempt.platform, environment=attempt.environment, external_id=external_id
            )
            .exclude(state=StoreState.UNLINKED)
            .exists()
        )


def note_failure(
    attempt: LinkAttempt, fault: Fault, *, now: datetime, reason: str = "", detail: str = ""
) -> LinkAttempt:
    """Write on the attempt why a step failed; it can be taken again."""
    try:
        write(
            attempt, step=Step.AUTHORIZE, region=attempt.region, found=None, sealed_pending=None,
            fault=fault, fault_reason=reason, fault_detail=detail[:300],
        )  # fmt: skip
    except NotPossible:
        return attempt  # done or given up meanwhile, in another tab
    record_event(
        tenant=attempt.tenant, verb="link.failed", actor=attempt.started_by, now=now,
        target=attempt, outcome=Outcome.FAILED, on_behalf=attempt.on_behalf,
        detail={"fault": str(fault), "reason": reason},
    )  # fmt: skip
    return attempt


REASON_FAULTS = {
    "other_shop": Fault.SHOP_MISMATCH,
    "already_linked": Fault.SHOP_MISMATCH,
    "no_shops": Fault.ACCOUNT_SUSPENDED,
    "state_expired": Fault.INVALID_REQUEST,
}


def cancel(*, attempt: LinkAttempt, user: User | None, now: datetime) -> None:
    """Give an attempt up; what it held is forgotten. Safe to repeat; one that is done stays."""
    with transaction.atomic():
        given_up = LinkAttempt.objects.filter(pk=attempt.pk).exclude(
            step__in=[Step.DONE, Step.CANCELLED]
        ).update(
            step=Step.CANCELLED, finished_at=now, state_hash="", handover_hash="",
            sealed_pending=None, sealed_verifier=None, found=None,
        )  # fmt: skip
        if given_up:
            record_event(
                tenant=attempt.tenant, verb="link.cancelled", actor=user, now=now, target=attempt,
                on_behalf=attempt.on_behalf,
            )  # fmt: skip


def start_over(*, attempt: LinkAttempt) -> None:
    """Forget what was verified and authorize anew: the shop was not the right one."""
    LinkAttempt.objects.filter(pk=attempt.pk, step=Step.CONFIRM).update(
        step=Step.AUTHORIZE, state_hash="", sealed_pending=None, found=None, unconfirmed=False
    )


# --- small helpers


def write(attempt: LinkAttempt, **changes: object) -> None:
    """Write these fields only, and only while the attempt is open: a step may take a minute,
    and in another tab it may have been finished, given up or its hand-over revoked meanwhile."""
    for name, value in changes.items():
        setattr(attempt, name, value)
    rows = LinkAttempt.objects.filter(pk=attempt.pk).exclude(step__in=[Step.DONE, Step.CANCELLED])
    if not rows.update(**changes, changed_at=timezone.now()):
        raise NotPossible("attempt_closed")


def app_keys(app: App) -> AppKeys:
    try:
        return credentials.app_keys(app)
    except vault.Unopenable:
        raise platform_error(Fault.APP_REJECTED, "the application's secret does not open") from None


def region_of(attempt: LinkAttempt) -> str:
    """The chosen region, else that of the chosen site."""
    adapter = registry.get(attempt.platform)
    if attempt.region or not attempt.site:
        return attempt.region
    return adapter.site(attempt.site).region
