"""Chat robots of DingTalk, Feishu, Lark, WeCom and Slack, and somebody's own webhook, under
/robots/<kind>/. They check what the real ones check, answer in their words, and show what they
were told at /robots/.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from html import escape
from typing import Any

from werkzeug.wrappers import Request, Response

from platforms.emulator import pages
from platforms.emulator.robots_known import KNOWN, Robot
from platforms.emulator.robots_rules import RULES, Said
from platforms.emulator.state import State
from platforms.emulator.wire import Refused, html_answer, iso, json_answer

KEPT = 200
FORGET_AFTER_S = 60


def endpoints(base_url: str) -> dict[str, str]:
    """ROBOT_ENDPOINTS for an emulator at `base_url`."""
    return {kind: f"{base_url.rstrip('/')}/robots/{kind}" for kind in RULES}


def handle(state: State, request: Request) -> Response:
    """Everything under /robots/. The owner of the state holds the lock."""
    kind, _slash, path = request.path.removeprefix("/robots/").partition("/")
    if kind in RULES:
        return _tell(state, kind, f"/{path}", request)
    page = _PAGES.get((request.method, kind))
    return html_answer("<h1>404</h1>", 404) if page is None else page(state, request)


def _tell(state: State, kind: str, path: str, request: Request) -> Response:
    rules = RULES[kind]
    kept = state.keep("robots")
    now = state.clock()
    try:
        robot = rules.find(path, request)
        secret = kept.setdefault("secrets", {}).get(robot.address, robot.secret)
        _keep_limit(kept, kind, robot, now)
        said = rules.read(robot, secret, request, now)
    except Refused as refused:
        return refused.response
    _remember(kept, kind, robot, said, now)
    return rules.success()


def _keep_limit(kept: dict[str, Any], kind: str, robot: Robot, now: float) -> None:
    rules = RULES[kind]
    calls = kept.setdefault("calls", {}).setdefault(robot.address, {"at": [], "silent_until": 0})
    calls["at"] = [at for at in calls["at"] if at > now - FORGET_AFTER_S]
    if now < calls["silent_until"]:
        raise Refused(rules.too_fast(), "still too fast")
    for most, within_s, silence_s in rules.limits:
        if sum(at > now - within_s for at in calls["at"]) >= most:
            calls["silent_until"] = now + silence_s
            raise Refused(rules.too_fast(), "too fast")
    calls["at"].append(now)


def _remember(kept: dict[str, Any], kind: str, robot: Robot, said: Said, now: float) -> None:
    received = kept.setdefault("received", [])
    received.append(
        {
            "at": iso(now * 1000, digits=0),
            "kind": kind,
            "robot": robot.name,
            "title": said.title,
            "text": said.text,
            "url": said.url,
            "rings": said.rings,
            "signed": said.signed,
            "headers": said.headers,
            "body": said.body,
        }
    )
    del received[:-KEPT]


# --- what people and tests look at


def _received(state: State, request: Request) -> Response:
    return json_answer({"received": state.keep("robots").get("received", [])})


def _known(state: State, request: Request) -> Response:
    return json_answer(
        {
            "robots": [
                {"kind": kind, "name": r.name, "address": r.address, "secret": r.secret}
                for kind, robots in KNOWN.items()
                for r in robots
            ]
        }
    )


def _clear(state: State, request: Request) -> Response:
    state.keep("robots").clear()
    return pages.redirect("/robots/")


def _set_secret(state: State, request: Request) -> Response:
    """A webhook's secret is made by the one who sends; here its receiver learns it."""
    address, secret = request.form.get("address", ""), request.form.get("secret", "").strip()
    if address and secret:
        state.keep("robots").setdefault("secrets", {})[address] = secret
    return pages.redirect("/robots/")


def _page(state: State, request: Request) -> Response:
    w = pages.words(request)
    received = state.keep("robots").get("received", [])
    shown = "".join(_card(each) for each in reversed(received))
    nothing = '<p class="quiet">Nothing was received yet.</p>'
    body = (
        "<h1>Chat robots</h1>"
        '<p class="quiet">JSON: <a href="/robots/received">/robots/received</a>, '
        '<a href="/robots/known">/robots/known</a></p>'
        '<form method="post" action="/robots/clear" class="row"><button>Forget all</button></form>'
        f"{shown or nothing}{_robots()}"
    )
    return pages.html("Chat robots", body, lang="en", banner=w["banner"])


def _card(each: dict[str, Any]) -> str:
    lines = "".join(f"<p>{escape(line)}</p>" for line in each["text"].splitlines() if line.strip())
    link = (
        f'<p><a href="{escape(each["url"])}">{escape(each["url"])}</a></p>' if each["url"] else ""
    )
    rings = f" · rings {escape(', '.join(each['rings']))}" if each["rings"] else ""
    signed = "signed" if each["signed"] else "not signed"
    raw = escape(json.dumps(each["body"], ensure_ascii=False, indent=1))
    return (
        f'<section class="card"><h2>{escape(each["title"])}</h2>{lines}{link}'
        f'<p class="quiet">{escape(each["at"])} · {escape(each["kind"])} · '
        f"{escape(each['robot'])} · {signed}{rings}</p>"
        f"<details><summary>As received</summary><pre><code>{raw}</code></pre></details></section>"
    )


def _robots() -> str:
    rows = "".join(
        f"<tr><td>{escape(kind)}</td><td>{escape(r.name)}</td>"
        f"<td><code>{escape(r.address)}</code></td><td><code>{escape(r.secret)}</code></td></tr>"
        for kind, robots in KNOWN.items()
        for r in robots
    )
    return (
        '<section class="card"><h2>Robots to write to</h2><div class="scroll"><table><thead><tr>'
        "<th>Kind</th><th>What it is like</th><th>Address</th><th>Signing secret</th></tr></thead>"
        f"<tbody>{rows}</tbody></table></div>"
        '<form method="post" action="/robots/secret" class="row">'
        '<label>Webhook address <input name="address" size="34"></label>'
        '<label>checks with the secret <input name="secret" size="34"></label>'
        "<button>Set</button></form></section>"
    )


_PAGES: dict[tuple[str, str], Callable[[State, Request], Response]] = {
    ("GET", ""): _page,
    ("GET", "received"): _received,
    ("GET", "known"): _known,
    ("POST", "clear"): _clear,
    ("POST", "secret"): _set_secret,
}
