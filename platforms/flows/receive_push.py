"""Pushes of marketplaces: checked, written down and acknowledged; the work comes afterwards."""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import msgspec
from django.db import transaction

from platforms import credentials, landing, registry, tasks, vault
from platforms.adapter import Adapter, Webhooks
from platforms.errors import PlatformError
from platforms.models import App, Authorization, Delivery, DeliveryState
from platforms.news import Notice, Push, Reply
from platforms.push_addresses import is_ours
from platforms.spec import Account
from platforms.transport import Channel
from tenants.scope import all_tenants, tenant_scope

logger = logging.getLogger(__name__)

MOST_BYTES = 1024 * 1024
# What a delivery may be read from again; credentials are never in a header of a push.
HEADERS_KEPT = 4096


class UnknownAddress(Exception):
    """Nobody was told to call this address."""


@dataclass(frozen=True, kw_only=True)
class _Owner:
    """Whose address was called: an authorization, or an application."""

    authorization: Authorization | None
    app: App | None


def receive_push(*, platform: str, public_id: UUID, mark: str, push: Push, now: datetime) -> Reply:
    """Take a push. A genuine one is answered as soon as it is written down; the same news again
    is acknowledged and changes nothing. Raises UnknownAddress."""
    adapter, hooks, owner = _owner(platform, public_id, mark)
    account = _account(adapter, owner)
    challenge = hooks.challenge(push, account.app)
    if challenge is not None:
        return challenge
    with Channel(adapter, account) as call:
        try:
            genuine = hooks.is_genuine(push, account, call)
        except PlatformError as exc:
            logger.warning("push.unchecked", extra={"platform": platform, "fault": str(exc.fault)})
            return Reply(status=503)  # a key could not be fetched: it will be sent again
    if not genuine:
        _write_refused(adapter, owner, push, now=now)
        return hooks.refused(push)
    try:
        notices = hooks.read(push)
    except (msgspec.MsgspecError, ValueError) as exc:
        logger.warning("push.unreadable", extra={"platform": platform, "why": type(exc).__name__})
        notices = ()
    _write(adapter, owner, push, notices, now=now)
    return hooks.accepted(push)


def _owner(platform: str, public_id: UUID, mark: str) -> tuple[Adapter, Webhooks, _Owner]:
    if platform not in registry.codes():
        raise UnknownAddress
    adapter = registry.get(platform)
    if adapter.webhooks is None:
        raise UnknownAddress
    owner = None
    with all_tenants("a push carries no tenant; the address says whose it is"):
        if is_ours(Authorization, public_id, mark):
            rows = Authorization.objects.select_related("app")
            row = rows.filter(public_id=public_id, platform=platform).first()
            owner = _Owner(authorization=row, app=row.app) if row else None
        elif is_ours(App, public_id, mark):
            app = App.objects.filter(public_id=public_id, platform=platform).first()
            owner = _Owner(authorization=None, app=app) if app else None
    if owner is not None:
        return adapter, adapter.webhooks, owner
    raise UnknownAddress


def _account(adapter: Adapter, owner: _Owner) -> Account:
    try:
        if owner.authorization is not None:
            with tenant_scope(owner.authorization.tenant_id):
                if owner.authorization.sealed_credential:
                    return credentials.account_of(owner.authorization)
        app = credentials.app_keys(owner.app) if owner.app else None
    except vault.Unopenable:
        raise UnknownAddress from None
    account_id = owner.authorization.account_id if owner.authorization else ""
    environment = owner.app.environment if owner.app else "production"
    return Account(mode="", environment=environment, account_id=account_id, app=app)


def _key(owner: _Owner, marks: str) -> str:
    whose = owner.authorization or owner.app
    assert whose is not None
    return hashlib.sha256(f"{whose.public_id}/{marks}".encode()).hexdigest()


def _write(
    adapter: Adapter, owner: _Owner, push: Push, notices: tuple[Notice, ...], *, now: datetime
) -> None:
    marks = "\n".join(notice.key for notice in notices)
    marks = marks or hashlib.sha256(push.body).hexdigest()
    row = Delivery(
        platform=adapter.code, app=owner.app, authorization=owner.authorization,
        topic=", ".join(dict.fromkeys(notice.topic for notice in notices))[:80],
        key=_key(owner, marks), received_at=now, due_at=now, address=push.address[:300],
        headers=_small(push), body=landing.compress(push.body),
    )  # fmt: skip
    if not notices:
        row.state, row.due_at, row.outcome = DeliveryState.FAILED, None, "unreadable"
    with transaction.atomic():
        Delivery.objects.bulk_create([row], ignore_conflicts=True)
        transaction.on_commit(tasks.kick_deliveries)


def _write_refused(adapter: Adapter, owner: _Owner, push: Push, *, now: datetime) -> None:
    """So that somebody can see it; one row an hour and owner, or a stranger could fill the disk."""
    logger.warning("push.refused", extra={"platform": adapter.code})
    row = Delivery(
        platform=adapter.code, app=owner.app, authorization=owner.authorization,
        key=_key(owner, f"refused {now:%Y-%m-%dT%H}"), state=DeliveryState.REFUSED,
        outcome="signature", received_at=now, address=push.address[:300],
    )  # fmt: skip
    Delivery.objects.bulk_create([row], ignore_conflicts=True)


def _small(push: Push) -> dict[str, str]:
    kept: dict[str, str] = {}
    room = HEADERS_KEPT
    for name, value in push.headers.items():
        room -= len(name) + len(value)
        if name in ("cookie",) or room < 0:
            continue
        kept[name] = value
    return kept
