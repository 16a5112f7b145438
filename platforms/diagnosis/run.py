"""Going through the checks in order, in bounded time.

Looking at hosts happens at once, in threads that touch no database. Calls to the marketplace
happen one after the other in a thread of their own, so that a platform that takes a minute to
answer costs no more than what is left of the time; such a call goes on to its own end, for a
refresh must not be cut off between its answer and its writing.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from concurrent.futures import TimeoutError as TookTooLong

from django.db import connection

from platforms.diagnosis import callback, keys, network, platform, probes, pushes, tokens
from platforms.diagnosis.probes import Looked
from platforms.diagnosis.spec import Budget, Case, Check, Found, Outcome, Result, failed, skipped
from platforms.errors import Fault
from platforms.spec import ModeKind
from tenants.scope import tenant_scope

logger = logging.getLogger(__name__)

TOTAL_S = 25.0  # web servers give up on an answer after 30
LOOKING_S = 12.0
_REACHED = ("dns", "connection", "tls")

OF_STORE = (
    Check(name="key_format", run=keys.key_format),
    Check(name="dns", run=network.dns),
    Check(name="connection", run=network.connection, needs=("dns",)),
    Check(name="tls", run=network.tls, needs=("dns", "connection")),
    Check(name="proxy", run=network.proxy),
    Check(name="clock", run=network.clock, needs=("dns", "connection")),
    Check(name="credentials", run=platform.credentials, needs=_REACHED, calls=True),
    Check(name="right_shop", run=platform.right_shop, needs=("credentials",)),
    Check(name="scopes", run=platform.scopes, needs=("credentials",)),
    Check(name="orders", run=platform.orders, needs=("credentials",), calls=True),
    Check(name="outgoing_address", run=platform.outgoing_address),
    Check(name="key_expiry", run=tokens.key_expiry),
    Check(name="token_state", run=tokens.token_state),
    Check(name="rate_limit", run=tokens.rate_limit),
    Check(name="callback", run=callback.callback),
    Check(name="webhook", run=pushes.webhook),
    Check(name="outage", run=platform.outage),
)
OF_ATTEMPT = (
    Check(name="key_format", run=keys.key_format),
    Check(name="dns", run=network.dns),
    Check(name="connection", run=network.connection, needs=("dns",)),
    Check(name="tls", run=network.tls, needs=("dns", "connection")),
    Check(name="proxy", run=network.proxy),
    Check(name="clock", run=network.clock, needs=("dns", "connection")),
    Check(
        name="application", run=platform.application, needs=("key_format", *_REACHED), calls=True
    ),
    Check(name="outgoing_address", run=platform.outgoing_address),
    Check(name="key_expiry", run=tokens.key_expiry),
    Check(name="callback", run=callback.callback),
    Check(name="outage", run=platform.outage),
)
NAMES = tuple(dict.fromkeys(check.name for check in (*OF_STORE, *OF_ATTEMPT)))


def checks_of_attempt(case: Case) -> list[Check]:
    """What matters for this way of linking: pasted keys need neither an application nor a way
    back to us."""
    left_out = set()
    if case.mode.kind is not ModeKind.CONSENT:
        left_out |= {"application", "callback"}
    if case.app is None or case.app.secret_expires_at is None:
        left_out.add("key_expiry")
    return [check for check in OF_ATTEMPT if check.name not in left_out]


def run_checks(case: Case, checks: Sequence[Check], *, budget: Budget) -> list[Outcome]:
    """What each check found, in their order. Must run in the tenant's scope."""
    _look_around(case, budget)
    done: dict[str, Outcome] = {}
    by_name = {check.name: check for check in checks}
    for check in checks:
        started = time.monotonic()
        blocking = _blocking(check, by_name, done)
        if blocking:
            found = skipped("needs", of=blocking)
        elif check.calls:
            found = _in_time(case, check.run, budget)
        else:
            found = check.run(case)
        took_ms = int((time.monotonic() - started) * 1000)
        done[check.name] = Outcome(
            name=check.name, result=found.result, code=found.code, facts=found.facts,
            took_ms=took_ms + _looked_ms(case, check.name),
        )  # fmt: skip
    return list(done.values())


def _blocking(check: Check, checks: Mapping[str, Check], done: Mapping[str, Outcome]) -> str:
    """The check that must go well before this one makes sense, "" for none."""
    for name in check.needs:
        before = done[name].result
        # A call that was not tried, or got no answer, has told nothing to go on with.
        if before is Result.FAIL or (checks[name].calls and before is not Result.PASS):
            return name
    return ""


def _look_around(case: Case, budget: Budget) -> None:
    """Look at all hosts at once: those of the marketplace, and our own address."""
    wanted = {f"host:{key}": (base, "HEAD") for key, base in network.addresses(case).items()}
    wanted["callback"] = (callback.address(case), "GET")
    if push := pushes.address(case):
        wanted["webhook"] = (push, "POST")
    threads = ThreadPoolExecutor(max_workers=len(wanted), thread_name_prefix="diagnosis")
    looks: dict[str, Future[Looked]] = {
        name: threads.submit(probes.look, url, method=method)
        for name, (url, method) in wanted.items()
    }
    wait(looks.values(), timeout=min(LOOKING_S, budget.left_s))
    threads.shutdown(wait=False, cancel_futures=True)
    for name, future in looks.items():
        url = wanted[name][0]
        looked = future.result() if future.done() else probes.not_in_time(url)
        if name == "callback":
            case.callback = looked
        elif name == "webhook":
            case.webhook = looked
        else:
            case.hosts[name.partition(":")[2]] = looked


def _in_time(case: Case, run: Callable[[Case], Found], budget: Budget) -> Found:
    if connection.in_atomic_block:
        return run(case)  # another thread would not see what this transaction wrote

    def in_scope() -> Found:
        try:
            with tenant_scope(case.tenant_id):
                return run(case)
        finally:
            connection.close()

    if budget.left_s <= 0:
        return failed("no_time", Fault.PLATFORM_DOWN)
    thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="diagnosis")
    future = thread.submit(in_scope)
    thread.shutdown(wait=False)
    try:
        return future.result(timeout=budget.left_s)
    except TookTooLong:
        logger.warning("diagnosis.too_slow", extra={"platform": case.adapter.code})
        return failed("no_time", Fault.PLATFORM_DOWN)


def _looked_ms(case: Case, name: str) -> int:
    """How long the looking took that a check is about: it was done before."""
    part = {"dns": "dns_ms", "connection": "tcp_ms", "tls": "tls_ms", "clock": "http_ms"}.get(name)
    if part:
        return max((getattr(each, part) or 0 for each in case.hosts.values()), default=0)
    looked = {"callback": case.callback, "webhook": case.webhook}.get(name)
    if looked is None:
        return 0
    parts = (looked.dns_ms, looked.tcp_ms, looked.tls_ms, looked.http_ms)
    return sum(ms or 0 for ms in parts)
