"""Linking stores of the emulator through the product's own flows."""

from __future__ import annotations

from django.utils import timezone

from accounts.models import User
from platforms import credentials, registry
from platforms.emulator.accounts import ACCOUNTS, APPS
from platforms.flows import consent as consent_flow
from platforms.flows import link, prepare_link
from platforms.flows.confirm_link import Linked, confirm
from platforms.models import App, LinkAttempt
from tenants.models import Tenant
from tests.support.wire import CALLBACK_BASE, World, callback_params


def make_app(key: str) -> App:
    """Our application as the emulator knows it, by the emulator's key of it."""
    known = APPS[key]
    app = App(
        platform=known.platform,
        region=known.region,
        name=key,
        client_id=known.client_id,
        redirect_uri=known.redirect or f"{CALLBACK_BASE}/link/callback/{known.platform}/",
        extra=known.extras,
    )
    credentials.seal_app_secret(app, known.client_secret)
    app.save()
    return app


def find_or_make_app(platform: str, region: str = "") -> App:
    ours = App.objects.filter(platform=platform, tenant=None, region__in=(region, ""))
    key = f"{platform}-{region}" if f"{platform}-{region}" in APPS else platform
    return ours.first() or make_app(key)


def keys_of(account_key: str, mode: str = "") -> dict[str, str]:
    """What a seller would type or choose for a mode, by default the first that takes keys."""
    ways = ACCOUNTS[account_key].ways()
    platform = registry.get(ACCOUNTS[account_key].platform)
    by_keys = [each for each in ways if platform.mode(each).kind == "keys"]
    return dict(ways[mode or by_keys[0]])


def attempt_for(
    tenant: Tenant, account_key: str, *, mode: str = "", name: str = "shop", **more: object
) -> LinkAttempt:
    """An attempt whose consent can begin, or that waits for keys."""
    account = ACCOUNTS[account_key]
    adapter = registry.get(account.platform)
    ways = account.ways()
    mode = mode or (keys_first(account_key) if len(ways) > 1 else next(iter(ways)))
    declared = adapter.mode(mode)
    typed = dict(ways.get(mode, {}))
    in_fields = {field.name for field in declared.fields}
    place = {
        each: typed.pop(each)
        for each in ("site", "region")
        if each in typed and each not in in_fields
    }
    if declared.kind == "consent" and not declared.own_app:
        find_or_make_app(account.platform, place.get("region", ""))
    attempt = link.start(
        tenant=tenant,
        user=None,
        platform=account.platform,
        mode=mode,
        account_name=name,
        now=timezone.now(),
        **{**place, **more},  # type: ignore[arg-type]
    )
    if declared.kind == "consent" and declared.fields:
        attempt = prepare_link.prepare(attempt=attempt, values=typed, now=timezone.now())
    return attempt


def keys_first(account_key: str) -> str:
    """The mode that tests take where they do not care: pasted keys if there is such a way."""
    ways = ACCOUNTS[account_key].ways()
    adapter = registry.get(ACCOUNTS[account_key].platform)
    return min(ways, key=lambda mode: adapter.mode(mode).kind != "keys")


def consent(world: World, attempt: LinkAttempt, account_key: str) -> LinkAttempt:
    """Agree in the browser that started it, and come back."""
    url = consent_flow.begin_consent(attempt=attempt, session="browser", now=timezone.now()).url
    back = world.consent(url, account=account_key)
    return consent_flow.finish_consent(
        platform=attempt.platform,
        params=callback_params(back),
        session="browser",
        ip="203.0.113.7",
        now=timezone.now(),
    )


def link_store(
    world: World,
    tenant: Tenant,
    account_key: str,
    *,
    mode: str = "",
    name: str = "shop",
    user: User | None = None,
) -> Linked:
    """From nothing to a linked store that is due for its first pull. Call in the tenant's scope."""
    attempt = attempt_for(tenant, account_key, mode=mode, name=name)
    if link.mode_of(attempt).kind == "keys":
        attempt = link.submit_keys(
            attempt=attempt, values=keys_of(account_key, attempt.mode), ip=None, now=timezone.now()
        )
    else:
        attempt = consent(world, attempt, account_key)
    return confirm(attempt=attempt, user=user, now=timezone.now())
