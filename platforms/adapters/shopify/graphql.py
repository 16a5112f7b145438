"""One GraphQL call: the envelope, and what is never a fault of the access token alone."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Generic, TypeVar

import msgspec

from platforms import reading
from platforms.adapter import Call
from platforms.errors import Fault, NeedsSeller, platform_error
from platforms.spec import Account, Answer, Request

# Quarterly versions live for about a year; our documents are valid on 2025-10 to 2026-10.
PATH = "/admin/api/2026-07/graphql.json"
OPERATION = "orders"  # one bucket of points for every GraphQL call of the shop

T = TypeVar("T")


class _Envelope(msgspec.Struct, Generic[T]):
    data: T


def has_renewal(account: Account) -> bool:
    """Whether a fresh access token can be had without the seller."""
    if account.mode == "client_credentials":
        return bool(account.secrets.get("client_secret"))
    return account.mode != "custom_app_token" and bool(account.secrets.get("refresh_token"))


def ask(
    call: Call, document: str, variables: Mapping[str, object], kind: type[T], *, cost: float = 10
) -> T:
    return read(send(call, document, variables, cost=cost), kind)


def send(call: Call, document: str, variables: Mapping[str, object], *, cost: float = 10) -> Answer:
    name = re.search(r"\b(?:query|mutation) (\w+)", document)
    body = {
        "query": document,
        "operationName": name[1] if name else "",
        "variables": dict(variables),
    }
    request = Request(method="POST", path=PATH, operation=OPERATION, cost=cost, json=body)
    try:
        return call(request)
    except NeedsSeller as exc:
        # A token without an end is not "expired": it was taken away, or was never one. Unless
        # something in between says so, which Shopify never does without a word.
        if exc.fault is Fault.TOKEN_EXPIRED and not has_renewal(call.account):
            silent = reading.UNEXPLAINED in exc.detail
            fault = Fault.BAD_RESPONSE if silent else Fault.TOKEN_REVOKED
            raise platform_error(fault, exc.detail) from None
        raise


def read(answer: Answer, kind: type[T]) -> T:
    return reading.decode(answer, _Envelope[kind]).data  # type: ignore[valid-type]
