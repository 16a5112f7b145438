"""Calls of AliExpress's business methods, and what is in their answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TypeVar

import msgspec

from platforms import reading
from platforms.adapter import Call
from platforms.adapters import iop, whose_keys
from platforms.spec import Answer, Request

T = TypeVar("T")


def sync(method: str, business: Mapping[str, str], operation: str = "default") -> Request:
    form = {"method": method, "format": "json", "simplify": "false", **business}
    return Request(method="POST", path="/sync", operation=operation, form=form)


def ask(call: Call, request: Request) -> Answer:
    """Without its wrapping."""
    answer = whose_keys.ask(call, request)
    body = iop.unwrapped(answer.body)
    return answer if body is None else replace(answer, body=bytes(body))


def result_of(answer: Answer) -> Answer:
    inner = decoded(answer, dict[str, msgspec.Raw]).get("result")
    return answer if inner is None else replace(answer, body=bytes(inner))


def decoded(answer: Answer, kind: type[T]) -> T:
    return reading.decode(answer, kind, strict=False)
