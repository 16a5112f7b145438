"""The support desk's pages about marketplaces; tenants and people are in tenants/admin.py."""

from platforms.admin import (
    apps,
    deliveries,
    group,
    linking,
    orders,
    pulling,
    quarantine,
    stores,
    tenants,
)

__all__ = [
    "apps",
    "deliveries",
    "group",
    "linking",
    "orders",
    "pulling",
    "quarantine",
    "stores",
    "tenants",
]
