"""The addresses of a long list's pages."""

from __future__ import annotations

from typing import Any

from django.core.paginator import Page

from tenants.access import WorkspaceRequest


def neighbours(request: WorkspaceRequest, page: Page[Any]) -> dict[str, str]:
    """The addresses of the pages before and after, with the same filters; "" where is none."""
    return {
        "previous_url": _address(request, page.number - 1) if page.has_previous() else "",
        "next_url": _address(request, page.number + 1) if page.has_next() else "",
    }


def _address(request: WorkspaceRequest, number: int) -> str:
    query = request.GET.copy()
    query["page"] = str(number)
    return f"?{query.urlencode()}"
