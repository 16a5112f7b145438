"""Which tenant was chosen; apart from scope.py, because the database backend asks before any
model exists."""

from __future__ import annotations

from contextvars import ContextVar

ALL = -1  # the scope of all_tenants()

chosen: ContextVar[int | None] = ContextVar("tenant_scope", default=None)


def current_tenant_id() -> int | None:
    """The chosen tenant's id, ALL, or None."""
    return chosen.get()
