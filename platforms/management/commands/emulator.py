"""Plays the marketplaces on this machine: `manage.py emulator [--port N] [--state PATH]`."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from platforms.emulator import courier, robots
from platforms.emulator.app import Emulator, endpoints
from platforms.emulator.server import serve


class Command(BaseCommand):
    help = "Play the marketplaces over HTTP, for the demo and for tests. Needs no database."
    requires_system_checks: list[str] = []
    requires_migrations_checks = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", type=int, default=8100, help="0 takes a free port")
        parser.add_argument("--state", help="file that keeps tokens, orders and knobs")
        parser.add_argument(
            "--callback-base",
            default=settings.BASE_URL,
            help="where consent pages send the browser back to (BASE_URL)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            emulator = Emulator(state_path=options["state"], callback_base=options["callback_base"])
        except ValueError as wrong:
            raise CommandError(str(wrong)) from wrong
        try:
            server = serve(emulator, port=options["port"])
        except (OSError, SystemExit) as wrong:
            raise CommandError(f"Port {options['port']} is in use; choose another.") from wrong
        courier.start(emulator)
        base = f"http://127.0.0.1:{server.port}"
        self.stdout.write(f"Emulator: {base}/control/")
        self.stdout.write(f"PLATFORM_ENDPOINTS={json.dumps(endpoints(base))}")
        self.stdout.write(f"ROBOT_ENDPOINTS={json.dumps(robots.endpoints(base))}")
        self.stdout.flush()
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            self.stdout.write("Emulator stopped.")
        finally:
            server.server_close()
