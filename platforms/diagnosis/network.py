"""Whether the marketplace can be reached from here: name, connection, certificate, clock."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta

from platforms.diagnosis.probes import Looked
from platforms.diagnosis.spec import Case, Found, Result, failed, passed, skipped, warned
from platforms.errors import Fault, PlatformError
from platforms.models import ClockOffset
from platforms.spec import ModeKind
from platforms.transport import base_address

CLOCK_WORTH_SAYING = timedelta(seconds=5)
CERTIFICATE_ENDS_SOON = timedelta(days=14)
# An older measurement says nothing about now.
CLOCK_TOLD_WITHIN = timedelta(hours=1)
PROXIES = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY")


def addresses(case: Case) -> dict[str, str]:
    """The declared endpoints that calls of this case go to: key -> base address. The page where
    sellers consent is opened by their browser, so it counts only while a store is linked."""
    keys = {key.partition("@")[0].partition(".")[0] for key in case.adapter.endpoints}
    if case.attempt is None or case.mode.kind is not ModeKind.CONSENT:
        keys.discard("consent")
    if case.mode.kind is ModeKind.KEYS and not case.adapter.can_refresh(case.account()):
        keys.discard("auth")  # fixed keys trade no tokens
    found: dict[str, str] = {}
    for key in sorted(keys, key=lambda key: (key != "api", key)):
        try:
            base = base_address(case.adapter, key, region=case.region, environment=case.environment)
            base = case.adapter.base_of(base, case.account())
        except (KeyError, PlatformError):
            continue  # needs a region, or a shop's address that is not known yet
        if "{" not in base and _root(base) not in map(_root, found.values()):
            found[key] = base
    return found


def _root(base: str) -> str:
    return "/".join(base.split("/")[:3])


def dns(case: Case) -> Found:
    def judge(looked: Looked) -> str:
        return looked.why if looked.failed == "dns" else ""

    return _over_hosts(
        case.hosts, judge, Fault.NETWORK_UNREACHABLE,
        lambda each: {"addresses": list(each.addresses[:4]), "ms": each.dns_ms},
    )  # fmt: skip


def connection(case: Case) -> Found:
    def judge(looked: Looked) -> str:
        return looked.why if looked.failed == "tcp" else ""

    return _over_hosts(
        case.hosts, judge, Fault.NETWORK_UNREACHABLE,
        lambda each: {"port": each.port, "ms": each.tcp_ms},
    )  # fmt: skip


def tls(case: Case) -> Found:
    def judge(looked: Looked) -> str:
        return looked.why if looked.failed == "tls" else ""

    secured = {key: each for key, each in case.hosts.items() if each.scheme == "https"}
    if not secured:
        return skipped("plain_http", hosts=_names(case.hosts.values()))
    found = _over_hosts(
        secured, judge, Fault.TLS_FAILED, lambda each: certificate_facts(case, each)
    )
    if found.result is not Result.PASS:
        return found
    days = [d for each in secured.values() if (d := days_left(case, each)) is not None]
    if days and min(days) <= CERTIFICATE_ENDS_SOON.days:
        return warned("ends_soon", days=min(days), **found.facts)
    return found


def certificate_facts(case: Case, looked: Looked) -> dict[str, object]:
    shown = looked.certificate
    if shown is None:
        return {"protocol": looked.protocol, "ms": looked.tls_ms}
    return {
        "protocol": looked.protocol,
        "issuer": shown.issuer,
        "names": list(shown.names[:4]),
        "days": days_left(case, looked),
        "chain": shown.chain,
        "ms": looked.tls_ms,
    }


def days_left(case: Case, looked: Looked) -> int | None:
    return (looked.certificate.ends_at - case.now).days if looked.certificate else None


def proxy(case: Case) -> Found:
    """Calls go out directly whatever the environment says. Names only: a proxy's address may
    hold a password."""
    named = [name for name in PROXIES if os.environ.get(name) or os.environ.get(name.lower())]
    if not named:
        return passed("none")
    blocked = any(each.failed for each in case.hosts.values())
    return (warned if blocked else passed)("ignored", variables=named)


def clock(case: Case) -> Found:
    measured = next((e.ahead_s for e in case.hosts.values() if e.ahead_s is not None), None)
    if measured is None:
        row = ClockOffset.objects.filter(pk=case.adapter.code).first()
        if row is None or case.now - row.measured_at > CLOCK_TOLD_WITHIN:
            return skipped("not_told")
        measured = round(row.seconds, 1)
    limit = case.adapter.clock_limit
    if measured > 0 and case.adapter.clock_ahead is not None:
        limit = case.adapter.clock_ahead
    facts = {
        "seconds": abs(measured),
        "ahead": measured > 0,
        "limit_s": int(limit.total_seconds()),
    }
    if timedelta(seconds=abs(measured)) >= limit:
        return failed("beyond", Fault.CLOCK_SKEW, **facts)
    if timedelta(seconds=abs(measured)) >= CLOCK_WORTH_SAYING:
        return warned("off", **facts)
    return passed("right", **facts)


def _over_hosts(
    hosts: Mapping[str, Looked],
    judge: Callable[[Looked], str],
    fault: Fault,
    tell: Callable[[Looked], Mapping[str, object]],
) -> Found:
    if not hosts:
        return skipped("no_hosts")
    told = [
        {"host": each.host, "endpoint": key, "why": judge(each), **tell(each)}
        for key, each in hosts.items()
    ]
    wrong = [each for each in told if each["why"]]
    if not wrong:
        return passed(hosts=told)
    return failed(str(wrong[0]["why"]), fault, hosts=told, host=wrong[0]["host"])


def _names(hosts: Iterable[Looked]) -> list[str]:
    return list(dict.fromkeys(each.host for each in hosts))
