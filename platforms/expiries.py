"""What ends when: permissions, keys, applications' secrets, our own certificate."""

from __future__ import annotations

import socket
import ssl
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from math import ceil
from urllib.parse import urlsplit

from cryptography import x509
from django.conf import settings
from django.core.cache import cache
from django.core.validators import MaxValueValidator, MinValueValidator

from platforms import registry
from platforms.models import App, Authorization
from platforms.spec import ModeKind
from tenants.models import Store, StoreState

DAY = timedelta(days=1)
CERTIFICATE_KNOWN_FOR = timedelta(hours=6)
CERTIFICATE_TRIED_FOR = timedelta(minutes=10)  # where it could not be read
CERTIFICATE_TIMEOUT_S = 3.0
# Days that can be written down; at the ends of time no zone can say which moment they are.
DAYS = (MinValueValidator(date(2000, 1, 1)), MaxValueValidator(date(2199, 12, 31)))


class What(StrEnum):
    PERMISSION = "permission"
    REFRESH_TOKEN = "refresh_token"  # noqa: S105 - no secret
    KEY = "key"
    APP_SECRET = "app_secret"  # noqa: S105 - no secret
    CERTIFICATE = "certificate"


class Act(StrEnum):
    """Where it is renewed; pages choose their link by it."""

    RELINK = "relink"  # link `stores[0]` again
    OURS = "ours"  # nothing for a seller to do: support renews it


@dataclass(frozen=True, kw_only=True)
class Expiry:
    """`at` is aware UTC. `name` is the application's or host's; "" where `stores` say it."""

    what: What
    at: datetime
    days_left: int  # begun days; 0 or less once it is over
    platform: str  # "" for a certificate
    stores: tuple[Store, ...] = ()
    authorization: Authorization | None = None
    app: App | None = None
    name: str = ""

    @property
    def act(self) -> Act:
        return Act.RELINK if self.stores else Act.OURS


def days_left(at: datetime, now: datetime) -> int:
    """In begun days: 7 from exactly seven days before until just over six."""
    return ceil((at - now) / DAY)


def clocks(authorization: Authorization) -> list[tuple[What, datetime]]:
    """The dates by which the seller must act for `authorization` (see its `seller_must_act_by`).

    A refresh token that each refresh renews is none of them. Where permission and refresh token
    end together, as platforms with one date for both state them, it is the permission.
    """
    found: list[tuple[What, datetime]] = []
    consent, refresh = authorization.consent_expires_at, authorization.refresh_expires_at
    adapter = registry.get(authorization.platform)
    if consent is not None:
        by_keys = any(
            mode.code == authorization.mode and mode.kind is ModeKind.KEYS for mode in adapter.modes
        )
        found.append((What.KEY if by_keys else What.PERMISSION, consent))
    counts_down = refresh is not None and not adapter.refresh_renews
    if refresh is not None and counts_down and (consent is None or abs(refresh - consent) >= DAY):
        found.append((What.REFRESH_TOKEN, refresh))
    return sorted(found, key=lambda each: each[1])


def expiries(
    *,
    stores: Iterable[Store],
    apps: Iterable[App] = (),
    now: datetime,
    until: datetime,
    since: datetime | None = None,
    with_certificate: bool = False,
) -> list[Expiry]:
    """Everything that ends from `since` (default: now) until `until`, the nearest first.

    `stores` come with `authorization` selected; those that are not linked, or need relinking
    already, end nothing more. What opens several of them is told once. `apps` without `stores`
    that use them are ours. No query; with the certificate maybe a connection to ourselves.
    """
    opened: dict[int, list[Store]] = defaultdict(list)
    for store in stores:
        if store.authorization is not None and store.state in (
            StoreState.ACTIVE,
            StoreState.PAUSED,
        ):
            opened[store.authorization.pk].append(store)
    found = [each for group in opened.values() for each in _of_authorization(group, now=now)]
    found += [each for app in apps for each in _of_app(app, opened, now=now)]
    if with_certificate and (at := own_certificate()) is not None:
        found.append(
            Expiry(
                what=What.CERTIFICATE, at=at, days_left=days_left(at, now), platform="",
                name=urlsplit(settings.BASE_URL).hostname or "",
            )
        )  # fmt: skip
    first = since or now
    return sorted(
        (each for each in found if first <= each.at < until), key=lambda each: (each.at, each.what)
    )


def _of_authorization(stores: list[Store], *, now: datetime) -> list[Expiry]:
    authorization = stores[0].authorization
    assert authorization is not None
    return [
        Expiry(
            what=what, at=at, days_left=days_left(at, now), platform=authorization.platform,
            stores=tuple(stores), authorization=authorization,
        )
        for what, at in clocks(authorization)
    ]  # fmt: skip


def _of_app(app: App, opened: dict[int, list[Store]], *, now: datetime) -> list[Expiry]:
    at = app.secret_expires_at
    if at is None or not app.active:
        return []
    users = [
        store
        for group in opened.values()
        if (row := group[0].authorization) is not None and row.app_id == app.pk
        for store in group
    ]
    return [
        Expiry(
            what=What.APP_SECRET, at=at, days_left=days_left(at, now), platform=app.platform,
            # Linking again with the new secret renews a company's own application; not ours.
            stores=tuple(users) if app.tenant_id is not None else (), app=app, name=app.name,
        )
    ]  # fmt: skip


def own_certificate() -> datetime | None:
    """When the certificate of our own callback address (BASE_URL) ends, aware UTC; None without
    HTTPS or where it cannot be read. Remembered for hours; never fails its caller."""
    address = urlsplit(settings.BASE_URL)
    if address.scheme != "https" or not address.hostname:
        return None
    place = (address.hostname, address.port or 443)
    key = f"own-certificate:{place[0]}:{place[1]}"
    known = cache.get(key)
    if known is None:
        ends = _certificate_end(place)
        known = ends.isoformat() if ends else ""
        kept = CERTIFICATE_KNOWN_FOR if ends else CERTIFICATE_TRIED_FOR
        cache.set(key, known, kept.total_seconds())
    return datetime.fromisoformat(known) if known else None


def _certificate_end(place: tuple[str, int]) -> datetime | None:
    context = ssl.create_default_context()
    # Only its date is read: one that has ended, or that nobody trusts, must be readable too.
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        with (
            socket.create_connection(place, timeout=CERTIFICATE_TIMEOUT_S) as plain,
            context.wrap_socket(plain, server_hostname=place[0]) as secured,
        ):
            raw = secured.getpeercert(binary_form=True)
        return x509.load_der_x509_certificate(raw).not_valid_after_utc if raw else None
    except (OSError, ValueError):
        return None
