"""The support desk's pages about marketplaces; tenants and people are in tenants/admin.py."""

from platforms.admin import (
    apps,
    group,
    linking,
    orders,
    pulling,
    quarantine,
    stores,
    tenants,
)

__all__ = ["apps", "group", "linking", "orders", "pulling", "quarantine", "stores", "tenants"]
