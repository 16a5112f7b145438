"""The control page: every button a plain form that posts to /control/do."""

from __future__ import annotations

import json
from collections.abc import Iterable
from html import escape
from typing import Any

from werkzeug.wrappers import Request, Response

from platforms.emulator import pages
from platforms.emulator.accounts import (
    ACCOUNTS,
    APPS,
    Account,
)
from platforms.emulator.book import STAGES
from platforms.emulator.knobs import FAILURES, GARBLES, ROTATIONS
from platforms.emulator.state import State
from platforms.emulator.wire import iso

PLATFORM_NAMES = {
    code: {"ebay": "eBay", "tiktok_shop": "TikTok Shop", "aliexpress": "AliExpress"}.get(
        code, code.title()
    )
    for code in dict.fromkeys(account.platform for account in ACCOUNTS.values())
}
# knob -> (label, what a person may choose); "number" is typed
KNOBS: dict[str, tuple[str, tuple[str, ...] | str]] = {
    "down": ("Everything answers 503", ("true", "false")),
    "token_down": ("Token endpoint answers 503", ("true", "false")),
    "throttle": ("Every call answers 429", ("true", "false")),
    "retry_after": ("Retry-After of a 429, seconds", "number"),
    "rate_limits": ("Rate limits", ("default", "real", "off")),
    "delay": ("Answers come late, seconds", "number"),
    "token_delay": ("Token answers come late, seconds", "number"),
    "garble": ("Answers are damaged", GARBLES),
    "token_garble": ("Token answers are damaged", GARBLES),
    "skew": ("Clock ahead by, seconds", "number"),
    "block_ip": ("Our network is blocked", ("true", "false")),
    "rotate": ("Refresh tokens are single use", ROTATIONS),
    "omit_refresh": ("Refresh answers carry no refresh token", ("true", "false")),
    "access_ttl": ("Access tokens live, seconds", "number"),
    "refresh_ttl": ("Refresh tokens live, seconds", "number"),
    "code_ttl": ("Codes live, seconds", "number"),
    "drop_scopes": ("Scopes or roles taken away", "scopes"),
    "suspended": ("The account is suspended", ("true", "false")),
    "secret_expired": ("Calls say the client secret has expired", ("true", "false")),
    "bad_record": ("One unreadable record in each page", ("true", "false")),
    "unknown_status": ("One unknown status in each page", ("true", "false")),
    "drift": ("Orders change while being paged", ("true", "false")),
    "empty_page": ("An empty page follows the last", ("true", "false")),
    "wrong_account": ("Who-am-I answers for another account", ("", *ACCOUNTS)),
}


def value_of(text: str) -> Any:
    """A form's text as the value it stands for; what is no JSON stays text."""
    try:
        return json.loads(text)
    except ValueError:
        return text or None


def _options(values: Iterable[str]) -> str:
    return "".join(f'<option value="{escape(v)}">{escape(v) or "–"}</option>' for v in values)


def _form(action: str, inner: str, button: str, **hidden: str) -> str:
    fields = "".join(
        f'<input type="hidden" name="{escape(k)}" value="{escape(v)}">' for k, v in hidden.items()
    )
    return (
        f'<form method="post" action="/control/do" class="row">'
        f'<input type="hidden" name="action" value="{escape(action)}">{fields}{inner}'
        f"<button>{escape(button)}</button></form>"
    )


def _knob_form(where: str, scopes: tuple[str, ...], knob: str) -> str:
    label, kind = KNOBS[knob]
    name = f"{where}-{knob}"
    if kind == "number":
        field = f'<input id="{name}" name="value" inputmode="decimal" size="6">'
    elif kind == "scopes":
        choices = [json.dumps([s]) for s in scopes]
        shown = "".join(
            f'<option value="{escape(v)}">{escape(s.rsplit("/", 1)[-1])}</option>'
            for v, s in zip(choices, scopes, strict=True)
        )
        field = f'<select id="{name}" name="value"><option value="[]">–</option>{shown}</select>'
    else:
        field = f'<select id="{name}" name="value">{_options(kind)}</select>'
    return _form(
        "knobs",
        f'<label for="{name}">{escape(label)}</label>{field}',
        "Set",
        where=where,
        knob=knob,
    )


def _knobs(state: State, where: str, code: str) -> str:
    platform = state.platforms[code]
    # A platform has one clock.
    unused = platform.unused_knobs | ({"skew"} if where != code else set())
    forms = "".join(
        _knob_form(where, platform.scopes, knob) for knob in KNOBS if knob not in unused
    )
    return f'<div class="knobs">{forms}</div>'


def _set_list(state: State, where: str) -> str:
    layer = state.layers.get(where, {})
    if not layer:
        return ""
    items = "".join(
        f"<li><code>{escape(k)} = {escape(json.dumps(v))}</code></li>" for k, v in layer.items()
    )
    clear = _form("knobs/clear", "", "Clear these", where=where)
    return f'<ul class="set">{items}</ul>{clear}'


def _account_card(state: State, account: Account) -> str:
    key = account.key
    count = len(state.book(key).records)
    number = '<label>n <input name="n" value="5" inputmode="numeric" size="6"></label>'
    spread = '<label>hours back <input name="spread_hours" value="0" size="4"></label>'
    stage = f'<label>stage <select name="stage">{_options(("", *STAGES))}</select></label>'
    return (
        f'<details id="{escape(key)}"><summary>{escape(account.label)} '
        f'<span class="quiet">{escape(key)} · {count} orders · {state.account_calls[key]} calls · '
        f"{state.token_calls[key]} token calls</span></summary>"
        + _set_list(state, key)
        + _form("orders/add", number + spread + stage, "Add orders", account=key)
        + _form("orders/change", number + stage, "Change orders now", account=key)
        + '<div class="buttons">'
        + _form("expire", "", "Expire access tokens", account=key)
        + _form("revoke", "", "Revoke our access", account=key)
        + _form("restore", "", "Give back fixed keys", account=key)
        + "</div>"
        + f"<h4>Knobs of this account</h4>{_knobs(state, key, account.platform)}</details>"
    )


def _platform_section(state: State, platform: str) -> str:
    accounts = "".join(_account_card(state, a) for a in ACCOUNTS.values() if a.platform == platform)
    calls = "".join(
        f"<li><code>{escape(name)}</code> {count}</li>"
        for name, count in sorted(state.counters.items())
        if name.startswith(platform)
    )
    secrets = "".join(
        _form("rotate_secret", f"<span>{escape(key)}</span>", "Rotate client secret", app=key)
        for key, app in APPS.items()
        if app.platform == platform
    )
    return (
        f'<section class="card"><h2>{PLATFORM_NAMES[platform]}</h2>{_set_list(state, platform)}'
        f"<h3>Accounts</h3>{accounts}"
        f"<details><summary>Knobs of the platform</summary>{_knobs(state, platform, platform)}"
        f"{_form('expire', '', 'Expire all access tokens', platform=platform)}</details>"
        + (f"<details><summary>Applications</summary>{secrets}</details>" if secrets else "")
        + (f'<ul class="set">{calls}</ul>' if calls else "")
        + "</section>"
    )


def _requests(state: State) -> str:
    rows = "".join(
        f"<tr><td>{iso(r['at'] * 1000, digits=0)[11:19]}</td><td>{escape(r['method'])}</td>"
        f"<td>{escape(r['path'])}</td><td>{escape(r['account'])}</td><td>{r['status']}</td>"
        f"<td>{escape(r['note'])}</td></tr>"
        for r in reversed(list(state.requests)[-40:])
    )
    return (
        '<section class="card"><h2>Last requests</h2><div class="scroll"><table><thead><tr>'
        "<th>UTC</th><th></th><th>Path</th><th>Account</th><th>Status</th><th>Why</th></tr></thead>"
        f"<tbody>{rows}</tbody></table></div></section>"
    )


def _general(state: State) -> str:
    base = escape(state.callback_base)
    url = f'<label>Address <input name="url" value="{base}" size="28"></label>'
    kind = f'<label>How <select name="kind">{_options(FAILURES)}</select></label>'
    count = '<label>Calls <input name="count" value="1" inputmode="numeric" size="4"></label>'
    operation = '<label>Operation <input name="operation" placeholder="ebay.orders"></label>'
    planned = "".join(
        f"<li><code>{escape(json.dumps(plan))}</code></li>" for plan in state.fail_next
    )
    return (
        '<section class="card"><h2>All platforms</h2>'
        + _form("fail_next", kind + count + operation, "Fail the next calls")
        + (f'<ul class="set">{planned}</ul>' if planned else "")
        + _form("callback_base", url, "Send browsers back here")
        + '<div class="buttons">'
        + _form("fail_next/clear", "", "Forget planned failures")
        + _form("knobs/clear", "", "Clear all knobs")
        + _form("counters/reset", "", "Reset counters")
        + _form("reset", "", "Start afresh")
        + "</div></section>"
    )


def show(state: State, request: Request) -> Response:
    w = pages.words(request)
    sections = "".join(_platform_section(state, platform) for platform in PLATFORM_NAMES)
    body = (
        f'<h1>{w["control"]}</h1><p class="quiet">JSON: <a href="/control/api/state">'
        f"/control/api/state</a></p>{_general(state)}{sections}{_requests(state)}"
    )
    return pages.html(w["control"], body, lang="en", banner=w["banner"])
