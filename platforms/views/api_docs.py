"""The API's description for people."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from tenants.access import public


@public
@require_safe
def api_docs(request: HttpRequest) -> HttpResponse:
    """Swagger UI on our own schema; all of its files are ours to serve."""
    return render(request, "platforms/api_docs.html")
