from __future__ import annotations

from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class PlatformsConfig(AppConfig):
    name = "platforms"
    verbose_name = _("Platforms")

    def ready(self) -> None:
        from platforms import checks  # noqa: F401

        post_migrate.connect(_make_schedules, sender=self)


def _make_schedules(**_kwargs: Any) -> None:
    # After migrations, because the queue's tables must be there; every installation migrates.
    from platforms.tasks import ensure_schedules

    ensure_schedules()
