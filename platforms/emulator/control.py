"""The control API and page: what the "platform side" of a test or a demo can do.

JSON API, all under /control/api/, bodies and answers JSON, errors 400 {"error": "..."}:

GET  state                                   platforms, accounts, knobs, counters, started_at
GET  knobs                                   every knob that is set, by platform or account key
POST knobs            {where, set: {...}}    `where` is a platform or an account key
POST knobs/clear      {where}                "" clears all
POST expire           {platform, account?}   access tokens end now -> {"expired": n}
POST revoke           {account}              the seller removes our access -> {"revoked": n}
POST restore          {account}              undoes revoke for keys and pasted tokens
POST rotate_secret    {app}                  -> {"client_secret": "..."}; the old one stops
POST callback_base    {url}                  where consent pages send the browser back to
POST fail_next        {kind, count?, operation?, account?}   see knobs.FAILURES
POST fail_next/clear  {}
GET  orders?account=                         the truth: number, placed_at, changed_at, stage
POST orders/add       {account, n, spread_hours?, ago_seconds?, stage?} -> {"numbers": [...]}
POST orders/change    {account, n, ago_seconds?, stage?}                -> {"numbers": [...]}
POST push             {account, topic}       the platform calls us, as if it had happened
GET  outbox                                  pushes not yet delivered: platform, topic, url
POST outbox/clear     {}
GET  counters                                calls, token_calls and account_calls
POST counters/reset   {}
GET  requests                                the last 200: method, path, status, note; no secrets
POST reset            {}                     as on the first day
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Request, Response

from platforms.emulator import control_page, pages
from platforms.emulator.accounts import ACCOUNTS, APPS
from platforms.emulator.book import STAGES, Record
from platforms.emulator.knobs import FAILURES, BadKnob
from platforms.emulator.state import Outgoing, State
from platforms.emulator.wire import iso, json_answer

PLATFORMS = tuple(dict.fromkeys(account.platform for account in ACCOUNTS.values()))
MOST_ORDERS = 200_000

Body = dict[str, Any]


class BadRequest(ValueError):
    pass


def number_of(account_key: str, serial: int) -> str:
    """The order's number as the platform states it (Ozon: the posting's)."""
    return ACCOUNTS[account_key].number(serial)


def _account(body: Body) -> str:
    key = str(body.get("account", ""))
    if key not in ACCOUNTS:
        raise BadRequest(f"account is one of: {', '.join(ACCOUNTS)}")
    return key


def _whole(body: Body, name: str, default: int | None, most: int) -> int:
    value = body.get(name, default)
    try:
        number = int(str(value))
    except ValueError:
        number = -1
    if not 0 <= number <= most:
        raise BadRequest(f"{name} is a whole number from 0 to {most}")
    return number


def _seconds(body: Body, name: str) -> float:
    try:
        value = float(body.get(name) or 0)
    except (TypeError, ValueError):
        value = -1.0
    if value < 0:
        raise BadRequest(f"{name} is a number, zero or more")
    return value


def _stage(body: Body) -> str:
    stage = str(body.get("stage") or "")
    if stage and stage not in STAGES:
        raise BadRequest(f"stage is one of: {', '.join(STAGES)}")
    return stage


def _where(body: Body) -> str:
    where = str(body.get("where", ""))
    if where not in PLATFORMS and where not in ACCOUNTS:
        raise BadRequest(f"where is one of: {', '.join((*PLATFORMS, *ACCOUNTS))}")
    return where


# --- actions: (state, body) -> what to answer


def set_knobs(state: State, body: Body) -> Body:
    where, values = _where(body), body.get("set")
    if not isinstance(values, dict):
        raise BadRequest("set is an object of knobs")
    state.set_knobs(where, values)
    return {"knobs": state.layers.get(where, {})}


def clear_knobs(state: State, body: Body) -> Body:
    for where in [_where(body)] if body.get("where") else list(state.layers):
        state.clear_knobs(where)
    return {"knobs": state.layers}


def expire(state: State, body: Body) -> Body:
    account = _account(body) if body.get("account") else None
    platform = ACCOUNTS[account].platform if account else body.get("platform")
    if platform not in PLATFORMS:
        raise BadRequest(f"platform is one of: {', '.join(PLATFORMS)}")
    return {"expired": state.expire_access(platform, account)}


def revoke(state: State, body: Body) -> Body:
    key = _account(body)
    # Pushed by what is subscribed to, before the subscriptions end with the access.
    state.platforms[ACCOUNTS[key].platform].access_ended(key)
    return {"revoked": state.revoke(key)}


def push(state: State, body: Body) -> Body:
    key, topic = _account(body), str(body.get("topic", ""))
    if not state.platforms[ACCOUNTS[key].platform].push(key, topic):
        raise BadRequest("this platform has no such topic, or nothing is subscribed to it")
    return {"waiting": len(state.outbox)}


def clear_outbox(state: State, body: Body) -> Body:
    state.outbox.clear()
    return {}


def restore(state: State, body: Body) -> Body:
    state.restore(_account(body))
    return {}


def rotate_secret(state: State, body: Body) -> Body:
    key = str(body.get("app", ""))
    if key not in APPS:
        raise BadRequest(f"app is one of: {', '.join(APPS)}")
    return {"client_secret": state.rotate_secret(key)}


def callback_base(state: State, body: Body) -> Body:
    url = str(body.get("url", "")).rstrip("/")
    if not url.startswith(("http://", "https://")):
        raise BadRequest("url begins with http:// or https://")
    state.callback_base = url
    state.dirty = True
    return {"callback_base": url}


def fail_next(state: State, body: Body) -> Body:
    kind = body.get("kind")
    if kind not in FAILURES:
        raise BadRequest(f"kind is one of: {', '.join(FAILURES)}")
    plan = {
        "kind": kind,
        "count": _whole(body, "count", 1, 10_000),
        "operation": str(body.get("operation") or "*"),
        "account": _account(body) if body.get("account") else "",
    }
    if plan["count"]:
        state.fail_next.append(plan)
    return {"fail_next": state.fail_next}


def clear_failures(state: State, body: Body) -> Body:
    state.fail_next.clear()
    return {}


def add_orders(state: State, body: Body) -> Body:
    key = _account(body)
    added = state.book(key).add(
        count=_whole(body, "n", 1, MOST_ORDERS),
        now_ms=int((state.clock() - _seconds(body, "ago_seconds")) * 1000),
        spread_hours=_seconds(body, "spread_hours"),
        stage=_stage(body),
        seed=state.seed,
    )
    state.dirty = True
    state.platforms[ACCOUNTS[key].platform].orders_changed(key, added)
    return {"numbers": [number_of(key, r.serial) for r in added]}


def change_orders(state: State, body: Body) -> Body:
    key = _account(body)
    changed = state.book(key).change(
        count=_whole(body, "n", 1, MOST_ORDERS),
        now_ms=int((state.clock() - _seconds(body, "ago_seconds")) * 1000),
        stage=_stage(body),
    )
    state.dirty = True
    state.platforms[ACCOUNTS[key].platform].orders_changed(key, changed)
    return {"numbers": [number_of(key, r.serial) for r in changed]}


def reset_counters(state: State, body: Body) -> Body:
    for counter in (state.counters, state.token_calls, state.account_calls):
        counter.clear()
    state.requests.clear()
    return {}


def reset(state: State, body: Body) -> Body:
    state.reset()
    return {}


# --- questions


def overview(state: State) -> Body:
    return {
        "started_at": iso(state.started_at * 1000),
        "callback_base": state.callback_base,
        "platforms": list(PLATFORMS),
        "apps": {k: {"platform": a.platform, "public": a.public} for k, a in APPS.items()},
        "accounts": {
            key: {
                "platform": account.platform,
                "label": account.label,
                "orders": len(state.book(key).records),
                "calls": state.account_calls[key],
                "token_calls": state.token_calls[key],
            }
            for key, account in ACCOUNTS.items()
        },
        "knobs": state.layers,
        "fail_next": state.fail_next,
        "counters": counters(state),
    }


def counters(state: State) -> Body:
    return {
        "calls": dict(state.counters),
        "token_calls": dict(state.token_calls),
        "account_calls": dict(state.account_calls),
    }


def outgoing(push: Outgoing) -> Body:
    return {"platform": push.platform, "topic": push.topic, "url": push.url}


def orders(state: State, args: MultiDict[str, str]) -> Body:
    key = _account(dict(args))

    def row(record: Record) -> Body:
        return {
            "number": number_of(key, record.serial),
            "placed_at": iso(record.placed),
            "changed_at": iso(record.changed),
            "stage": record.stage,
        }

    return {"orders": [row(record) for record in state.book(key).records]}


ACTIONS: dict[str, Callable[[State, Body], Body]] = {
    "knobs": set_knobs,
    "knobs/clear": clear_knobs,
    "expire": expire,
    "revoke": revoke,
    "restore": restore,
    "rotate_secret": rotate_secret,
    "callback_base": callback_base,
    "fail_next": fail_next,
    "fail_next/clear": clear_failures,
    "orders/add": add_orders,
    "orders/change": change_orders,
    "push": push,
    "outbox/clear": clear_outbox,
    "counters/reset": reset_counters,
    "reset": reset,
}


def handle(state: State, request: Request) -> Response:
    path = request.path.removeprefix("/control/")
    if path == "":
        return control_page.show(state, request)
    try:
        if path == "do" and request.method == "POST":
            return _do_form(state, request)
        if path.startswith("api/"):
            return json_answer(_api(state, request, path.removeprefix("api/")))
    except (BadRequest, BadKnob) as wrong:
        if path == "do":
            return pages.plain("Emulator", str(wrong), status=400)
        return json_answer({"error": str(wrong)}, 400)
    return json_answer({"error": "there is no such page"}, 404)


def _api(state: State, request: Request, name: str) -> Body:
    if request.method == "POST" and name in ACTIONS:
        body = request.get_json(silent=True, force=True) if request.get_data() else {}
        if not isinstance(body, dict):
            raise BadRequest("the body is a JSON object")
        return ACTIONS[name](state, body)
    if request.method == "GET":
        if name == "orders":
            return orders(state, request.args)
        if name == "requests":
            return {"requests": list(state.requests)}
        if name == "outbox":
            return {"outbox": [outgoing(each) for each in state.outbox]}
        found = {"state": overview, "counters": counters, "knobs": lambda s: s.layers}.get(name)
        if found:
            return found(state)
    raise BadRequest(
        f"POST: {', '.join(ACTIONS)}; GET: state, knobs, orders, counters, requests, outbox"
    )


def _do_form(state: State, request: Request) -> Response:
    """A button of the page: field `action` names the API call, the others are its body."""
    body: Body = {k: v for k, v in request.form.items() if v != ""}
    action = body.pop("action", "")
    if action not in ACTIONS:
        raise BadRequest("there is no such button")
    if action == "knobs":
        value = control_page.value_of(body.pop("value", ""))
        body["set"] = {str(body.pop("knob", "")): value}
    ACTIONS[action](state, body)
    return pages.redirect("/control/")
