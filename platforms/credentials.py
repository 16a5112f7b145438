"""Opening and sealing what authorizations and applications keep secret."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from datetime import datetime

from django.db import connection

from accounts import sealing
from platforms import registry, vault
from platforms.models import App, Authorization
from platforms.models.linking import refresh_margin
from platforms.spec import Account, AppKeys, Grant


def app_keys(app: App) -> AppKeys:
    """Raises vault.Unopenable."""
    secret = sealing.unseal(bytes(app.sealed_secret), aad=_app_place(app))
    return AppKeys(
        client_id=app.client_id,
        client_secret=secret.decode(),
        redirect_uri=app.redirect_uri,
        environment=app.environment,
        extra=app.extra,
    )


def seal_app_secret(app: App, secret: str) -> None:
    """Put a new secret on `app` (not saved)."""
    app.sealed_secret = sealing.seal(secret.encode(), aad=_app_place(app))
    app.secret_hint = vault.hint(secret)


def reseal_app(app: App) -> bool:
    """Seal with the newest key of the ring; False if it already is. Raises Unopenable."""
    if sealing.key_id_of(bytes(app.sealed_secret)) == sealing.newest_key_id():
        return False
    seal_app_secret(app, app_keys(app).client_secret)
    app.save(update_fields=["sealed_secret"])
    return True


def account_of(authorization: Authorization, *, shop_ids: tuple[str, ...] = ()) -> Account:
    """Everything needed to call for `authorization`. Raises vault.Unopenable."""
    return Account(
        mode=authorization.mode,
        environment=authorization.environment,
        region=authorization.region,
        account_id=authorization.account_id,
        secrets=open_secrets(authorization),
        app=app_keys(authorization.app) if authorization.app else None,
        shop_ids=shop_ids,
        generation=authorization.generation,
    )


def open_secrets(authorization: Authorization) -> dict[str, str]:
    plain = vault.unseal(
        authorization.tenant_id, _place(authorization), authorization.sealed_credential
    )
    secrets: dict[str, str] = json.loads(plain)
    return secrets


def sealed(authorization: Authorization, secrets: Mapping[str, str]) -> bytes:
    return vault.seal(
        authorization.tenant_id, _place(authorization), json.dumps(dict(secrets)).encode()
    )


def seal_for_attempt(tenant_id: int, attempt_id: object, field: str, value: object) -> bytes:
    place = f"link_attempt/{attempt_id}/{field}"
    return vault.seal(tenant_id, place, json.dumps(value).encode())


def open_for_attempt(tenant_id: int, attempt_id: object, field: str, blob: bytes) -> object:
    return json.loads(vault.unseal(tenant_id, f"link_attempt/{attempt_id}/{field}", blob))


def merge(secrets: Mapping[str, str], grant: Grant) -> dict[str, str]:
    """The secrets with the grant's tokens; without a new refresh token the old one is kept."""
    merged = {**secrets, **grant.secrets, "access_token": grant.access_token}
    if grant.refresh_token:
        merged["refresh_token"] = grant.refresh_token
    return merged


def main_secret(secrets: Mapping[str, str]) -> str:
    """The secret a person would recognize by its last characters."""
    for name in ("refresh_token", "api_key", "client_secret", "access_token"):
        if secrets.get(name):
            return secrets[name]
    return next(iter(secrets.values()), "")


def next_refresh(
    authorization: Authorization, secrets: Mapping[str, str], *, now: datetime
) -> datetime | None:
    """When to refresh: ahead of the access token's end, and long before a refresh token that
    each refresh renews would end unused. Earlier by chance, so that grants made together do
    not fall due together. None where there is nothing to refresh.
    """
    adapter = registry.get(authorization.platform)
    if not adapter.can_refresh(Account(mode=authorization.mode, secrets=secrets)):
        return None
    early = random.uniform(1.0, 1.5)  # noqa: S311
    dates = []
    if expires := authorization.access_expires_at:
        dates.append(expires - refresh_margin(expires - now) * early)
    if (ends := authorization.refresh_expires_at) and adapter.refresh_renews:
        dates.append(ends - (ends - now) / 2 * early)
    return max(now, min(dates)) if dates else None


def renew(row: Authorization, secrets: Mapping[str, str], grant: Grant, *, now: datetime) -> bool:
    """Put what a refresh brought into the row and give its lease back; False if the fence is not
    ours any more. One statement, by hand: the ORM takes as long for it as all else together."""
    row.access_expires_at = grant.access_expires_at
    row.refresh_expires_at = grant.refresh_expires_at or row.refresh_expires_at
    row.consent_expires_at = grant.consent_expires_at or row.consent_expires_at
    if grant.scopes is not None:
        row.scopes_granted = list(grant.scopes)
    main = main_secret(secrets)
    moment = connection.ops.adapt_datetimefield_value
    values = (
        sealed(row, secrets), row.generation + 1, moment(row.access_expires_at),
        moment(row.refresh_expires_at), moment(row.consent_expires_at), moment(now),
        moment(next_refresh(row, secrets, now=now)), vault.hint(main),
        vault.fingerprint(main),
        None if row.scopes_granted is None else json.dumps(row.scopes_granted),
        row.pk, row.fence,
    )  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_RENEW, values)
        return bool(cursor.rowcount)


_RENEW = """
    UPDATE platforms_authorization SET
        sealed_credential = %s, generation = %s, access_expires_at = %s,
        refresh_expires_at = %s, consent_expires_at = %s, refreshed_at = %s,
        refresh_due_at = %s, hint = %s, fingerprint = %s, scopes_granted = %s,
        refresh_failures = 0, failing_since = NULL, fault = '', fault_detail = '',
        leased_until = NULL, in_flight_since = NULL
    WHERE id = %s AND fence = %s
"""


def _place(authorization: Authorization) -> str:
    return f"authorization/{authorization.public_id}/credential"


def _app_place(app: App) -> bytes:
    return f"app/{app.public_id}/secret".encode()
