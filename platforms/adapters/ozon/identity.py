"""Whose cabinet it is, and what we may read there. Fact sheet: docs/platforms/ozon.md."""

from __future__ import annotations

import re
from datetime import datetime

import msgspec

from platforms import reading
from platforms.adapter import Call
from platforms.adapters.ozon import calls, oauth
from platforms.errors import Fault, NeedsSeller, platform_error
from platforms.spec import Identity, Request, Shop

LISTS = {"fbs": "/v4/posting/fbs/list", "fbo": "/v3/posting/fbo/list"}
NEEDED = {"Posting FBS": LISTS["fbs"], "Posting FBO": LISTS["fbo"]}
SCOPE_OF = {"fbs": "seller-api.posting-fbs", "fbo": "seller-api.posting-fbo"}


class _Role(msgspec.Struct):
    name: str | None = None
    methods: list[str] | None = None


class Roles(msgspec.Struct):
    expires_at: str | None = None
    roles: list[_Role] | None = None


class Company(msgspec.Struct):
    name: str | None = None
    legal_name: str | None = None
    currency: str | None = None
    inn: str | None = None
    ogrn: str | None = None


class _SellerInfo(msgspec.Struct):
    company: Company | None = None


def of_key(call: Call, roles: Roles) -> Identity:
    """By Client-Id and key: the Client-Id is the cabinet."""
    return _identity(
        call.account.secrets["client_id"],
        company_of(call),
        scopes=role_names(roles),
        missing=missing_roles(roles),
        ends=_moment(roles.expires_at),
    )


def of_consent(call: Call, *, missing: tuple[str, ...]) -> Identity:
    """By a token, which may name the cabinet or not: then who owns it has to do."""
    company = company_of(call)
    number = oauth.cabinet_of(call.account.secrets.get("access_token", ""))
    number = number or oauth.key_of_company(company.inn, company.ogrn, company.legal_name)
    if not number:
        raise platform_error(
            Fault.INSUFFICIENT_SCOPE, "neither the token nor /v1/seller/info tells whose it is"
        )
    return _identity(number, company, scopes=None, missing=missing, ends=None)


def _identity(
    number: str,
    company: Company,
    *,
    scopes: tuple[str, ...] | None,
    missing: tuple[str, ...],
    ends: datetime | None,
) -> Identity:
    name = reading.text(company.name) or reading.text(company.legal_name) or f"Ozon {number}"
    shop = Shop(external_id=number, name=name, currency=reading.text(company.currency) or "")
    return Identity(
        account_id=number,
        account_name=name,
        shops=(shop,),
        scopes=scopes,
        missing=missing,
        consent_expires_at=ends,
    )


def company_of(call: Call) -> Company:
    """What we may know about the shop: nothing, where the role for it is missing."""
    try:
        answer = calls.ask(call, Request(method="POST", path="/v1/seller/info"))
    except NeedsSeller as exc:
        if exc.fault is not Fault.INSUFFICIENT_SCOPE:
            raise
        return Company()
    return reading.decode(answer, _SellerInfo).company or Company()


def role_names(roles: Roles) -> tuple[str, ...] | None:
    if roles.roles is None:
        return None
    return tuple(name for role in roles.roles if (name := reading.text(role.name)))


def missing_roles(roles: Roles) -> tuple[str, ...]:
    """Needed roles that the key lacks; none where Ozon does not tell."""
    if roles.roles is None or any("admin" in (role.name or "").lower() for role in roles.roles):
        return ()
    methods = [method for role in roles.roles for method in role.methods or ()]
    return tuple(
        name
        for name, path in NEEDED.items()
        if not any(_covers(method, path) for method in methods)
    )


def _covers(method: str, path: str) -> bool:
    """Ozon names methods in full or by a prefix, sometimes of an older version."""
    prefix = re.sub(r"^/v\d+", "", method.strip()).rstrip("/")
    return bool(prefix) and f"{_unversioned(path)}/".startswith(f"{prefix}/")


def _unversioned(path: str) -> str:
    return re.sub(r"^/v\d+", "", path)


def _moment(value: str | None) -> datetime | None:
    """A time, None where Ozon leaves it out or empty, as for older keys."""
    try:
        return reading.moment(datetime.fromisoformat(value)) if value else None
    except ValueError:
        return None
