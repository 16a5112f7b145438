"""Ozon's consent and token endpoint. Fact sheet: docs/platforms/ozon.md, "Authorization"."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

import msgspec

from platforms import reading
from platforms.adapter import Call
from platforms.errors import Fault, platform_error
from platforms.spec import Account, Answer, AppKeys, Asked, Grant, Request

CONSENT_PATH = "/app/appstore/oauth/authorize"
TOKEN_PATH = "/oauth/token"  # noqa: S105
# Nothing is published about lifetimes: what is told is believed within these bounds (§1B).
LONGEST_RELATIVE = timedelta(days=90)
UNTOLD = timedelta(minutes=30)
# Claims that were seen to name the cabinet; a hint, because Ozon does not document them.
COMPANY_CLAIMS = ("company_id", "companyId", "seller_id", "sellerId")
_CABINET = re.compile(r"[1-9][0-9]{0,11}")
# The name and value that begin a cookie; the rest of it (path, expiry) stays behind.
_COOKIE = re.compile(r"(?:^|,)\s*([!#$%&'*+.^_`|~0-9A-Za-z-]+=[\x21\x23-\x2b\x2d-\x3a\x3c-\x7e]*)")
_MOST_COOKIES = 10


class _Token(msgspec.Struct):
    access_token: str
    expires_in: int | None = None
    refresh_token: str | None = None
    scope: list[str] | str | None = None


def consent_address(base: str, asked: Asked) -> str:
    query = {
        "response_type": "code",
        "access_type": "offline",  # without it no refresh token is given
        "client_id": asked.app.client_id,
        "redirect_uri": asked.app.redirect_uri,
        "scope": " ".join(asked.mode.scopes),
        "state": asked.state,
        "prompt": "select_company",  # a seller with several cabinets must be able to choose
    }
    return f"{base}{CONSENT_PATH}?{urlencode(query)}"


def read_callback(params: Mapping[str, str]) -> str:
    code = params.get("code", "")
    if params.get("error") or not code:
        error = re.sub(r"\W", "", params.get("error", ""))[:40]
        raise platform_error(Fault.CONSENT_DENIED, error or "came back without a code")
    return code


def exchange(call: Call, code: str, *, now: datetime) -> Grant:
    app = _app(call.account)
    grant = _token(
        call,
        {"grant_type": "authorization_code", "code": code, "redirect_uri": app.redirect_uri},
        now=now,
    )
    if grant.refresh_token is None:
        # Without it the link would be dead within the hour.
        raise platform_error(Fault.BAD_RESPONSE, "no refresh token came with the grant")
    return grant


def refresh(call: Call, *, now: datetime) -> Grant:
    token = call.account.secrets["refresh_token"]
    return _token(call, {"grant_type": "refresh_token", "refresh_token": token}, now=now)


def _token(call: Call, asked: Mapping[str, str], *, now: datetime) -> Grant:
    app = _app(call.account)
    body = {**asked, "client_id": app.client_id, "client_secret": app.client_secret}
    request = Request(method="POST", path=TOKEN_PATH, endpoint="auth", json=body, signed=False)
    answer = call(request)
    if is_cookie_test(request, answer):
        # The very same request again: following the redirect would make a GET of it.
        answer = call(replace(request, headers={"cookie": cookie_of(answer)}))
    token = reading.decode(answer, _Token, strict=False)
    if not token.access_token:
        raise platform_error(Fault.BAD_RESPONSE, "the access token is empty")
    scopes = token.scope.split() if isinstance(token.scope, str) else token.scope
    return Grant(
        access_token=token.access_token,
        access_expires_at=access_expires_at(token.access_token, token.expires_in, now=now),
        refresh_token=token.refresh_token or None,
        scopes=tuple(scopes) if scopes is not None else None,
    )


def is_cookie_test(request: Request, answer: Answer) -> bool:
    """Whether Ozon only wants to see that a cookie comes back; asked of us once per call."""
    first = request.endpoint == "auth" and "cookie" not in request.headers
    return first and answer.status in (302, 307) and bool(cookie_of(answer))


def cookie_of(answer: Answer) -> str:
    """Several Set-Cookie headers come joined by commas, and a date in one has a comma too."""
    found = _COOKIE.findall(answer.headers.get("set-cookie", "")[:8000])
    return "; ".join(found[:_MOST_COOKIES])


def access_expires_at(token: str, expires_in: int | None, *, now: datetime) -> datetime:
    """The token's own claim, else `expires_in`, which may be a point in time, else half an hour."""
    claimed = claims(token).get("exp")
    if isinstance(claimed, int | float) and not isinstance(claimed, bool):
        end = _moment(claimed)
        if end is not None and end > now:
            return end
    if expires_in is not None and expires_in > reading.ABSOLUTE_FROM:
        end = _moment(expires_in)
        if end is not None and end > now:
            return end
    elif expires_in is not None and 0 < expires_in <= LONGEST_RELATIVE.total_seconds():
        return now + timedelta(seconds=expires_in)
    return now + UNTOLD


def _moment(seconds: float) -> datetime | None:
    try:
        return reading.moment(datetime.fromtimestamp(seconds, tz=UTC))
    except (ValueError, OverflowError, OSError):
        return None


def claims(token: str) -> dict[str, object]:
    """What a JWT says; {} where it is none. Not verified: it came from Ozon's own host."""
    parts = token.split(".")
    if len(parts) != 3:
        return {}
    try:
        body = base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4))
    except (binascii.Error, ValueError):
        return {}
    return reading.try_decode(body, dict[str, object]) or {}


def cabinet_of(token: str) -> str:
    """The cabinet's number, the Client-Id of its keys, where the token tells it; else ""."""
    told = claims(token)
    for name in COMPANY_CLAIMS:
        value = str(told.get(name, ""))
        if _CABINET.fullmatch(value):
            return value
    return ""


def key_of_company(*parts: str | None) -> str:
    """A stable stand-in for the number that Ozon did not tell; "" where there is nothing."""
    cleaned = [(reading.text(part) or "").casefold() for part in parts]
    if not any(cleaned):
        return ""
    return "org-" + hashlib.sha256("\n".join(cleaned).encode()).hexdigest()[:24]


def _app(account: Account) -> AppKeys:
    if account.app is None:
        raise platform_error(Fault.INVALID_REQUEST, "no application is set up for Ozon")
    return account.app
