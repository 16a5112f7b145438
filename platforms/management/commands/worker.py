"""manage.py worker: the process that pulls, refreshes, watches and tells."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from platforms import worker


class Command(BaseCommand):
    help = "Run a worker until it is stopped. As many as you like may run, on any machines."

    def handle(self, *_args: Any, **_options: Any) -> None:
        worker.run()
