"""What a consent needs first: the shop's address, or an application the tenant brings along."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from django.conf import settings
from django.urls import reverse

from platforms import credentials, registry, vault
from platforms.errors import PlatformError
from platforms.flows import link_forms
from platforms.flows.link import NotPossible, app_keys, mode_of, note_failure, region_of, write
from platforms.models import App, LinkAttempt, Step
from platforms.spec import Account, AppKeys, Mode, ModeKind
from platforms.transport import Channel


def is_prepared(attempt: LinkAttempt) -> bool:
    """Whether the consent can begin: all that the mode asks for is there."""
    mode = mode_of(attempt)
    if mode.own_app and attempt.app is None:
        return False
    return all(
        attempt.given.get(field.name) for field in mode.fields if field.required and not field.app
    )


def typed(attempt: LinkAttempt) -> dict[str, str]:
    """What was given of the mode's own fields; sealed with the credential later."""
    names = [field.name for field in mode_of(attempt).fields if not field.app]
    return {name: attempt.given[name] for name in names if attempt.given.get(name)}


def own_apps(attempt: LinkAttempt) -> list[App]:
    """Applications that the tenant brought along before and may use again."""
    if not mode_of(attempt).own_app:
        return []
    apps = App.objects.filter(
        tenant=attempt.tenant, platform=attempt.platform, environment=attempt.environment
    )
    return list(apps.filter(active=True).order_by("-created_at"))


def prepare(
    *, attempt: LinkAttempt, values: Mapping[str, str], now: datetime, app_id: str = ""
) -> LinkAttempt:
    """Take what the consent needs; `app_id` names an application entered before.

    Nothing is kept unless it can be right and, where it can be tried, the platform accepts it.
    Raises link_forms.BadInput, PlatformError (also written on the attempt), NotPossible.
    """
    adapter, mode = registry.get(attempt.platform), mode_of(attempt)
    if not attempt.is_open or mode.kind != ModeKind.CONSENT:
        raise NotPossible("attempt_closed")
    known = next((app for app in own_apps(attempt) if str(app.public_id) == app_id), None)
    skipped = {field.name for field in mode.fields if field.app} if known else set()
    cleaned = link_forms.check_values(adapter, mode, values, without=skipped)
    given = {
        field.name: cleaned[field.name]
        for field in mode.fields
        if not field.app and field.name in cleaned
    }
    app = known or attempt.app
    if mode.own_app and known is None:
        app = _brought_along(attempt, mode, cleaned)
    keys = _keys(app)
    if mode.own_app and keys is not None:
        account = Account(
            mode=mode.code, environment=attempt.environment, region=region_of(attempt),
            secrets=given, app=keys,
        )  # fmt: skip
        try:
            with Channel(adapter, account) as call:
                adapter.check_app(call, now=now)
        except PlatformError as exc:
            note_failure(attempt, exc.fault, now=now, detail=exc.detail)
            raise
    if app is not None and app.pk is None:
        app.save()
    write(
        attempt, given={**attempt.given, **given}, app=app, step=Step.AUTHORIZE,
        fault="", fault_reason="", fault_detail="",
    )  # fmt: skip
    return attempt


def _keys(app: App | None) -> AppKeys | None:
    return app_keys(app) if app is not None else None


def _brought_along(attempt: LinkAttempt, mode: Mode, cleaned: Mapping[str, str]) -> App:
    """The application these keys belong to: the very same entered before, else a new one."""
    by_place = {field.app: cleaned.get(field.name, "") for field in mode.fields if field.app}
    client_id, secret = by_place.pop("client_id"), by_place.pop("client_secret")
    for app in own_apps(attempt):
        try:
            same = credentials.app_keys(app).client_secret == secret
        except vault.Unopenable:
            continue
        if app.client_id == client_id and same and app.extra == _filled(by_place):
            return app
    app = App(
        tenant=attempt.tenant, platform=attempt.platform, environment=attempt.environment,
        region=region_of(attempt), name=f"{attempt.platform} {client_id[-6:]}"[:100],
        client_id=client_id, extra=_filled(by_place),
        redirect_uri=callback_address(attempt.platform),
    )  # fmt: skip
    credentials.seal_app_secret(app, secret)
    return app


def _filled(values: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in values.items() if value}


def callback_address(platform: str) -> str:
    """Where the marketplace sends sellers back to; what is registered there."""
    return f"{settings.BASE_URL}{reverse('callback', args=[platform])}"
