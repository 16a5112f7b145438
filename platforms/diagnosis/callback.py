"""Our own address, where marketplaces send sellers back to: reachable, and with a certificate
that others accept."""

from __future__ import annotations

from ipaddress import ip_address

from platforms.diagnosis.network import CERTIFICATE_ENDS_SOON, certificate_facts, days_left
from platforms.diagnosis.spec import Case, Found, failed, passed, skipped, warned
from platforms.errors import Fault
from platforms.flows.prepare_link import callback_address


def address(case: Case) -> str:
    return callback_address(case.adapter.code)


def callback(case: Case) -> Found:
    looked = case.callback
    facts: dict[str, object] = {"address": address(case)}
    if (registered := _registered(case)) and registered != facts["address"]:
        return failed("other_redirect", Fault.APP_REJECTED, registered=registered, **facts)
    if looked is None:
        return skipped("not_tried", **facts)
    if looked.scheme != "https":
        if is_local(looked.host):
            return warned("local", **facts)
        return failed("no_https", Fault.TLS_FAILED, **facts)
    if looked.failed == "dns":
        return failed("dns", Fault.NETWORK_UNREACHABLE, **facts)
    if looked.failed == "tls":
        shown = certificate_facts(case, looked)
        return failed(looked.why, Fault.TLS_FAILED, **facts, **shown)
    if looked.failed or (looked.status or 0) >= 500:
        # Many networks do not let a server reach itself by its outer address: no proof.
        return warned("not_reached", why=looked.failed or str(looked.status), **facts)
    facts |= certificate_facts(case, looked)
    days = days_left(case, looked)
    if days is not None and days <= CERTIFICATE_ENDS_SOON.days:
        return warned("ends_soon", **facts)
    return passed("good", **facts)


def _registered(case: Case) -> str:
    """The redirect address that is on our application, "" where it is a name or unknown."""
    redirect = case.app_keys.redirect_uri if case.app_keys else ""
    return redirect if redirect.startswith(("http://", "https://")) else ""


def is_local(host: str) -> bool:
    """An address of this machine only, as in the demo and on a developer's desk."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
