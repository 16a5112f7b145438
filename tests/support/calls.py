"""The network seam of adapters: answers given in order, requests remembered as they left."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime

from platforms.adapter import Adapter
from platforms.spec import Account, Answer, Request

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)

Scripted = tuple[int, object] | tuple[int, object, Mapping[str, str]]


def answer(status: int, body: object = b"", headers: Mapping[str, str] | None = None) -> Answer:
    """An answer; whatever is not bytes is sent as JSON."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Answer(status=status, headers=dict(headers or {}), body=content)


class ScriptedCall:
    """A `Call` that signs, answers from the script, and raises what the adapter calls a fault.

    It does not refresh: that is the transport's.
    """

    def __init__(self, adapter: Adapter, account: Account, *script: Scripted) -> None:
        self.adapter = adapter
        self.account = account
        self.sent: list[Request] = []
        self._script = list(script)

    def __call__(self, request: Request) -> Answer:
        if request.signed:
            request = self.adapter.sign(request, self.account, now=NOON)
        self.sent.append(request)
        assert self._script, f"nobody expected {request.method} {request.path}"
        given = answer(*self._script.pop(0))
        error = self.adapter.read_fault(request, given)
        if error is not None:
            raise error
        return given
