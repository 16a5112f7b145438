"""Answers, refusals and damaged answers."""

from __future__ import annotations

import base64
import hashlib
import json
from datetime import UTC, datetime
from typing import Any

from werkzeug.wrappers import Response

MAINTENANCE = (
    "<!DOCTYPE html><html><head><title>Service unavailable</title></head>"
    "<body><h1>We will be right back</h1><p>Scheduled maintenance.</p></body></html>"
)


class Refused(Exception):
    """The platform says no: its own answer, and for the control page a note why."""

    def __init__(self, response: Response, note: str) -> None:
        super().__init__(note)
        self.response = response
        self.note = note


def json_answer(body: Any, status: int = 200, **headers: str) -> Response:
    response = Response(
        json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode(),
        status=status,
        content_type="application/json; charset=utf-8",
    )
    for name, value in headers.items():
        response.headers[name.replace("_", "-")] = value
    return response


def html_answer(body: str, status: int = 200) -> Response:
    return Response(body.encode(), status=status, content_type="text/html; charset=utf-8")


def garbled(response: Response, how: str) -> Response:
    """A damaged copy of an answer: broken_json, html, truncated or empty."""
    body = response.get_data()
    if how == "html":
        return html_answer(MAINTENANCE)
    damaged = Response(status=200, content_type="application/json; charset=utf-8")
    if how == "broken_json":
        damaged.set_data(body[: max(1, len(body) // 2)] + b'"}}]')
    elif how == "truncated":
        damaged.set_data(body[: max(1, len(body) * 2 // 3)])
    return damaged


def iso(ms: float, *, digits: int = 3) -> str:
    """RFC 3339 UTC of Unix milliseconds, with or without milliseconds."""
    at = datetime.fromtimestamp(int(ms) / 1000, UTC)
    text = at.isoformat(timespec="milliseconds" if digits else "seconds")
    return text.removesuffix("+00:00") + "Z"


def pack(value: Any, *, seal: str) -> str:
    """An opaque cursor. It carries a checksum, so an invented or mixed-up one is refused."""
    body = json.dumps(value, separators=(",", ":"), sort_keys=True)
    check = hashlib.sha256(f"{seal}{body}".encode()).hexdigest()[:16]
    return base64.urlsafe_b64encode(f"{check}{body}".encode()).decode()


def unpack(text: str, *, seal: str) -> Any:
    """Raises ValueError for anything `pack` did not make with this seal."""
    raw = base64.urlsafe_b64decode(text.encode()).decode()
    check, body = raw[:16], raw[16:]
    if hashlib.sha256(f"{seal}{body}".encode()).hexdigest()[:16] != check:
        raise ValueError("foreign cursor")
    return json.loads(body)
