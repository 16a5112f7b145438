"""The two sides of a running demo that no browser reaches: its platforms, and its time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from pathlib import Path

from tests.browser.breakages import Call

ROOT = Path(__file__).resolve().parents[2]


class Emulator:
    """The marketplaces' side of a demo, at `url`, and the chat robots' it plays."""

    def __init__(self, url: str) -> None:
        self.url = url

    def do(self, *calls: Call) -> list[dict[str, object]]:
        return [
            self._ask(f"/control/api/{name}", json.dumps(body).encode()) for name, body in calls
        ]

    def told_robots(self) -> list[str]:
        """What chat robots were told, the oldest first."""
        return [each["text"] for each in self._ask("/robots/received")["received"]]

    def _ask(self, path: str, body: bytes | None = None) -> dict:
        with urllib.request.urlopen(self.url + path, data=body, timeout=60) as answer:  # noqa: S310
            return json.load(answer)


def run_inside(demo, source: str) -> str:
    """What `source` prints, run in a process of its own with the demo's settings."""
    keys = json.loads((demo.folder / "keys.json").read_text())
    port = demo.url.rpartition(":")[2]
    code = (
        "import os; from config.demo import make_environment;"
        f"os.environ.update(make_environment({port}));"
        "import django; django.setup();\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code + source],
        cwd=ROOT, capture_output=True, text=True, timeout=120,
        env={**os.environ, **keys, "DEMO_DIR": str(demo.folder), "DATABASE_URL": demo.database_url,
             "DJANGO_SETTINGS_MODULE": "config.settings"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


# The product's own jobs, at once instead of within the minutes of their schedules; between them
# goes the minute in which notices are gathered.
WATCH_AND_TELL = """
from django.utils import timezone
from platforms import tasks
from platforms.models import Sending
from tenants.scope import all_tenants
tasks.pump_watch()
with all_tenants("a minute goes by"):
    Sending.objects.filter(state="waiting").update(due_at=timezone.now())
tasks.pump_notices()
"""

# What passes by itself is told after half an hour, or two: as if it had lasted that long.
THREE_HOURS_LATER = """
from datetime import timedelta
from django.db.models import F
from platforms.models import Stream
from tenants.scope import all_tenants
with all_tenants("three hours go by"):
    failing = Stream.objects.filter(fault__in=["platform_down", "rate_limited"])
    assert failing.exclude(failing_since=None).update(
        failing_since=F("failing_since") - timedelta(hours=3)
    )
"""
