"""Linking stores of the emulator through the product's own flows."""

from __future__ import annotations

from django.utils import timezone

from accounts.models import User
from platforms import credentials
from platforms.emulator.accounts import ACCOUNTS, APPS, AmazonAccount, OzonAccount
from platforms.flows import link
from platforms.flows.confirm_link import Linked, confirm
from platforms.models import App, LinkAttempt
from tenants.models import Tenant
from tests.support.wire import CALLBACK_BASE, World, callback_params


def make_app(platform: str) -> App:
    """Our application as the emulator knows it."""
    known = APPS[platform]
    app = App(
        platform=platform,
        name=platform,
        client_id=known.client_id,
        redirect_uri=known.redirect or f"{CALLBACK_BASE}/link/callback/{platform}/",
        extra={"application_id": known.application_id} if known.application_id else {},
    )
    credentials.seal_app_secret(app, known.client_secret)
    app.save()
    return app


def find_or_make_app(platform: str) -> App:
    return App.objects.filter(platform=platform, tenant=None).first() or make_app(platform)


def keys_of(account_key: str) -> dict[str, str]:
    """What a seller would paste: Ozon's key, or the pair and token of a private Amazon app."""
    account = ACCOUNTS[account_key]
    if isinstance(account, OzonAccount):
        return {"client_id": account.client_id, "api_key": account.keys[0].key}
    assert isinstance(account, AmazonAccount)
    app = APPS[account.private_app]
    return {
        "region": account.region,
        "client_id": app.client_id,
        "client_secret": app.client_secret,
        "refresh_token": account.refresh_token,
        "seller_id": account.seller_id,
    }


def attempt_for(
    tenant: Tenant, account_key: str, *, mode: str = "", name: str = "shop", **more: object
) -> LinkAttempt:
    account = ACCOUNTS[account_key]
    modes = {"ebay": "authorization_code", "amazon": "self_authorization", "ozon": "api_key"}
    mode = mode or modes[account.platform]
    site = "DE" if mode == "website_authorization" else ""
    if mode in ("authorization_code", "website_authorization"):
        find_or_make_app(account.platform)
    return link.start(
        tenant=tenant,
        user=None,
        platform=account.platform,
        mode=mode,
        site=site,
        account_name=name,
        now=timezone.now(),
        **more,  # type: ignore[arg-type]
    )


def consent(world: World, attempt: LinkAttempt, account_key: str) -> LinkAttempt:
    """Agree in the browser that started it, and come back."""
    url = link.begin_consent(attempt=attempt, session="browser", now=timezone.now()).url
    back = world.consent(url, account=account_key)
    return link.finish_consent(
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
            attempt=attempt, values=keys_of(account_key), ip=None, now=timezone.now()
        )
    else:
        attempt = consent(world, attempt, account_key)
    return confirm(attempt=attempt, user=user, now=timezone.now())
