"""Which IP addresses are on the public internet. What is not known to be, is not.

The lists are IANA's special-purpose registries (iana.org/assignments/iana-ipv4-special-registry
and .../iana-ipv6-special-registry), written out because Python's own notion of them changes
from release to release.
"""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address

_V4 = [
    IPv4Network(net)
    for net in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",  # behind a carrier's NAT; Alibaba Cloud's metadata are here
        "127.0.0.0/8",
        "168.63.129.16/32",  # inside of Azure: the host of each machine
        "169.254.0.0/16",  # link-local; most clouds' metadata are here
        "172.16.0.0/12",
        "192.0.0.0/24",  # Oracle Cloud's metadata are here
        "192.0.2.0/24",
        "192.31.196.0/24",
        "192.52.193.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "192.175.48.0/24",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
]
_V6_GLOBAL = IPv6Network("2000::/3")
_V6 = [
    IPv6Network(net)
    for net in (
        "2001::/23",  # Teredo, ORCHID and other protocols
        "2001:db8::/32",
        "2002::/16",  # 6to4: any IPv4 address, packed
        "2620:4f:8000::/48",
        "3fff::/20",
    )
]


def is_public(address: str) -> bool:
    """Whether an address, as a resolver gives it, may be called. Everything outside 2000::/3 is
    refused: loopback, unique local, link-local, multicast, and IPv4 addresses in disguise
    (mapped, compatible, NAT64)."""
    try:
        found = ip_address(address)
    except ValueError:
        return False
    if isinstance(found, IPv6Address):
        inside = found.scope_id is None and found in _V6_GLOBAL
        return inside and not any(found in net for net in _V6)
    return not any(found in net for net in _V4)
