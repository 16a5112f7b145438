"""The support desk's pages about marketplaces; tenants and people are in tenants/admin.py."""

from platforms.admin import (
    apps,
    checking,
    deliveries,
    find_order,
    fleet,
    group,
    keeping,
    linking,
    notices,
    orders,
    pulling,
    quarantine,
    replays,
    stores,
    tenants,
    watching,
)

__all__ = [
    "apps",
    "checking",
    "deliveries",
    "find_order",
    "fleet",
    "group",
    "keeping",
    "linking",
    "notices",
    "orders",
    "pulling",
    "quarantine",
    "replays",
    "stores",
    "tenants",
    "watching",
]
