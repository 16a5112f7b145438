"""eBay's token endpoint. Fact sheet: docs/platforms/ebay.md, "Authorization"."""

from __future__ import annotations

from base64 import b64encode
from datetime import datetime

import msgspec

from platforms import reading
from platforms.adapter import Call
from platforms.errors import Fault, platform_error
from platforms.spec import Account, AppKeys, Environment, Grant, Request

SCOPE = "https://api.ebay.com/oauth/api_scope"


class _Token(msgspec.Struct):
    access_token: str
    expires_in: int | None = None
    refresh_token: str | None = None
    refresh_token_expires_in: int | None = None


def ask(call: Call, form: dict[str, str], *, operation: str, now: datetime) -> Grant:
    """Trade a code or a refresh token for an access token."""
    token = _ask(call, form, operation=operation)
    return Grant(
        access_token=token.access_token,
        access_expires_at=reading.expires_at(token.expires_in, now=now),
        refresh_token=token.refresh_token or None,
        refresh_expires_at=reading.expires_at(token.refresh_token_expires_in, now=now),
    )


def application_token(call: Call) -> str:
    """A token of the application alone, without a seller; eBay gives out 1,000 a day."""
    form = {"grant_type": "client_credentials", "scope": SCOPE}
    return _ask(call, form, operation="application_token").access_token


def _ask(call: Call, form: dict[str, str], *, operation: str) -> _Token:
    app = app_of(call.account)
    refuse_other_environment(app)
    answer = call(
        Request(
            method="POST",
            path="/identity/v1/oauth2/token",
            endpoint="auth",
            operation=operation,
            headers={"authorization": basic_header(app.client_id, app.client_secret)},
            form=form,
            signed=False,
        )
    )
    token = reading.decode(answer, _Token, strict=False)
    if not token.access_token:
        raise platform_error(Fault.BAD_RESPONSE, "the access token is empty")
    return token


def basic_header(client_id: str, client_secret: str) -> str:
    return "Basic " + b64encode(f"{client_id}:{client_secret}".encode()).decode()


def app_of(account: Account) -> AppKeys:
    if account.app is None:
        raise platform_error(Fault.INVALID_REQUEST, "no application is set up for eBay")
    return account.app


def refuse_other_environment(app: AppKeys) -> None:
    """Keysets carry their environment in the client id: ...-PRD-... or ...-SBX-..."""
    wrong = "-SBX-" if app.environment == Environment.PRODUCTION else "-PRD-"
    if wrong in app.client_id:
        raise platform_error(Fault.WRONG_ENVIRONMENT, f"the client id holds {wrong}")
