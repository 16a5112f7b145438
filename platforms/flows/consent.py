"""Consents: to the marketplace's page with a state of ours, and back, in whatever browser."""

from __future__ import annotations

import base64
import hashlib
import secrets as random_secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from platforms import credentials, registry
from platforms.adapter import Adapter
from platforms.errors import Fault, PlatformError
from platforms.flows import prepare_link
from platforms.flows.link import (
    REASON_FAULTS,
    NotPossible,
    app_keys,
    find_app,
    mode_of,
    note_failure,
    region_of,
    verify,
    write,
)
from platforms.models import LinkAttempt, Step
from platforms.spec import Account, Asked
from platforms.transport import Channel, base_address
from tenants.models.tenant import new_token, token_hash
from tenants.scope import all_tenants, tenant_scope


class StateMismatch(NotPossible):
    """A callback whose state we did not give out, or gave out and saw used already."""


@dataclass(frozen=True, kw_only=True)
class Consenting:
    """Where to send the seller; the address holds the state and is not stored."""

    url: str


def begin_consent(*, attempt: LinkAttempt, session: str, now: datetime) -> Consenting:
    """Give out a new state (the one before stops working) and say where to go.

    `session` identifies the browser; "" for a hand-over link. Raises NotPossible, and
    PlatformError where our application is not fit for it (also written on the attempt).
    """
    adapter, mode = registry.get(attempt.platform), mode_of(attempt)
    if not attempt.is_open:
        raise NotPossible("attempt_closed")
    region = region_of(attempt)
    app = attempt.app or find_app(attempt.tenant, adapter, attempt.environment, region)
    if not prepare_link.is_prepared(attempt):
        raise NotPossible("not_prepared")
    if app is None:
        raise NotPossible("no_app")
    state, verifier = new_token(), random_secrets.token_urlsafe(48)
    sealed_verifier = (
        credentials.seal_for_attempt(attempt.tenant_id, attempt.public_id, "verifier", verifier)
        if mode.pkce
        else None
    )
    write(
        attempt, app=app, step=Step.AUTHORIZE, state_hash=token_hash(state),
        state_expires_at=now + LinkAttempt.STATE_VALID_FOR,
        session_hash=token_hash(session) if session else "",
        sealed_verifier=sealed_verifier, sealed_pending=None, found=None,
    )  # fmt: skip
    try:
        url = adapter.consent_url(
            Asked(
                app=app_keys(app),
                mode=mode,
                state=state,
                now=now,
                site=attempt.site,
                region=region,
                given=attempt.given,
                challenge=_challenge(verifier) if mode.pkce else "",
                base=_consent_base(adapter, region),
            )
        )
    except PlatformError as exc:
        note_failure(attempt, exc.fault, now=now, detail=exc.detail)
        raise
    return Consenting(url=url)


def find_by_state(state: str) -> LinkAttempt:
    """The attempt a callback belongs to, whoever's it is. Raises StateMismatch."""
    if not 20 <= len(state) <= 200:
        raise StateMismatch("state_unknown")
    with all_tenants("a callback carries no tenant; the state is the proof"):
        attempt = (
            LinkAttempt.objects.select_related("tenant", "app", "relinks", "started_by")
            .filter(state_hash=token_hash(state))
            .first()
        )
    if attempt is None:
        raise StateMismatch("state_unknown")
    return attempt


def finish_consent(
    *,
    platform: str,
    params: Mapping[str, str],
    session: str,
    ip: str | None,
    now: datetime,
) -> LinkAttempt:
    """Take a callback. The state is used up whatever comes of it.

    Works without any session of ours. An attempt completed outside the session that started
    it is marked unconfirmed. Failures are written on the attempt that is returned.
    Raises StateMismatch where no attempt belongs to the callback.
    """
    attempt = find_by_state(params.get("state", ""))
    return _take(attempt, params, platform=platform, session=session, ip=ip, now=now)


def finish_without_state(
    *, attempt: LinkAttempt, params: Mapping[str, str], ip: str | None, now: datetime
) -> LinkAttempt:
    """Take a callback that brought no state: a member said that it belongs to `attempt`, which
    stays unconfirmed until somebody has looked at the shop. Raises NotPossible."""
    if not attempt.state_hash:
        raise StateMismatch("state_unknown")
    return _take(attempt, params, platform=attempt.platform, session="", ip=ip, now=now)


def _take(
    attempt: LinkAttempt,
    params: Mapping[str, str],
    *,
    platform: str,
    session: str,
    ip: str | None,
    now: datetime,
) -> LinkAttempt:
    with tenant_scope(attempt.tenant):
        used = LinkAttempt.objects.filter(
            pk=attempt.pk, state_hash=attempt.state_hash, step=Step.AUTHORIZE
        ).update(state_hash="")
        if not used or attempt.platform != platform:
            raise StateMismatch("state_unknown")
        attempt.state_hash = ""
        if attempt.state_expires_at is None or attempt.state_expires_at <= now:
            return note_failure(attempt, Fault.INVALID_REQUEST, now=now, reason="state_expired")
        same_browser = bool(session) and attempt.session_hash == token_hash(session)
        attempt.unconfirmed = not same_browser
        attempt.completed_ip = ip
        try:
            _exchange_and_verify(attempt, params, now=now)
        except PlatformError as exc:
            return note_failure(attempt, exc.fault, now=now, detail=exc.detail)
        except NotPossible as exc:
            fault = REASON_FAULTS.get(exc.reason, Fault.UNKNOWN)
            return note_failure(attempt, fault, now=now, reason=exc.reason)
    return attempt


def _exchange_and_verify(attempt: LinkAttempt, params: Mapping[str, str], *, now: datetime) -> None:
    adapter = registry.get(attempt.platform)
    assert attempt.app is not None  # begin_consent put it there
    given = prepare_link.typed(attempt)
    account = Account(
        mode=attempt.mode, environment=attempt.environment, region=region_of(attempt),
        app=app_keys(attempt.app), secrets=given,
    )  # fmt: skip
    code = adapter.read_callback(params, account, now=now)
    verifier = ""
    if attempt.sealed_verifier:
        verifier = str(
            credentials.open_for_attempt(
                attempt.tenant_id, attempt.public_id, "verifier", bytes(attempt.sealed_verifier)
            )
        )
    with Channel(adapter, account) as call:
        grant = adapter.exchange(call, code=code, verifier=verifier, params=params, now=now)
    verify(attempt, credentials.merge(given, grant), grant, now=now)


def _consent_base(adapter: Adapter, region: str) -> str:
    """The overridden consent address, "" where the adapter's own (maybe per site) holds."""
    try:
        declared = adapter.endpoint("consent", region=region)
    except KeyError:
        declared = ""
    try:
        base = base_address(adapter, "consent", region=region)
    except KeyError:
        return ""
    return "" if base == declared else base


def _challenge(verifier: str) -> str:
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
