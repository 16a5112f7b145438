"""It is not you: platforms at which many stores, of several companies, fail the same way now.

The rows are kept by platforms/flows/watch_outages.py and tell nothing of any company, so they
are read in any tenant's scope, or none.
"""

from __future__ import annotations

from platforms.models import Outage


def open_outages() -> dict[tuple[str, str], Outage]:
    """(platform, fault) -> its open outage, the oldest first. One small query."""
    rows = Outage.objects.filter(ended_at=None).order_by("since", "pk")
    return {(row.platform, row.fault): row for row in rows}


def find_outage(platform: str, fault: str = "") -> Outage | None:
    """The open outage of `platform` with this fault; without one, its oldest of any fault."""
    rows = Outage.objects.filter(ended_at=None, platform=platform)
    if fault:
        rows = rows.filter(fault=fault)
    return rows.order_by("since", "pk").first()
