"""`manage.py check --deploy`: what must not run in production."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core import checks


@checks.register(checks.Tags.security, deploy=True)
def no_endpoint_overrides(**_kwargs: Any) -> list[checks.CheckMessage]:
    if not settings.ALLOW_ENDPOINT_OVERRIDES:
        return []
    return [
        checks.Error(
            "ALLOW_ENDPOINT_OVERRIDES lets calls with sellers' credentials go to other hosts.",
            hint="Unset ALLOW_ENDPOINT_OVERRIDES and PLATFORM_ENDPOINTS.",
            id="platforms.E001",
        )
    ]


@checks.register(checks.Tags.security, deploy=True)
def no_demo(**_kwargs: Any) -> list[checks.CheckMessage]:
    if not settings.DEMO:
        return []
    return [
        checks.Error(
            "DEMO shows everybody's mail on a page.", hint="Unset DEMO.", id="platforms.E002"
        )
    ]
