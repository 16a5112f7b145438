from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from django.conf import settings

from platforms.emulator.accounts import APPS
from platforms.emulator.app import Emulator
from platforms.emulator.server import serve
from tests.platforms.emulator.acts import EBAY_CONSENT, EBAY_USER, Acts


@pytest.fixture
def address(emulator: Emulator) -> Iterator[str]:
    server = serve(emulator)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_over_http_there_is_one_date_header_by_the_platforms_clock(
    acts: Acts, address: str
) -> None:
    acts.knobs("ebay", skew=3_600)

    response = requests.get(address + EBAY_USER, timeout=10)

    assert response.status_code == 401
    assert response.headers["Date"] == "Sat, 21 Nov 2026 13:00:00 GMT"


def test_the_log_has_paths_without_queries(
    acts: Acts, address: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)

    requests.get(address + EBAY_CONSENT, params=acts.ebay_asked(), timeout=10)

    records = [r for r in caplog.records if r.name == "platforms.emulator.server"]
    assert [r.__dict__["path"] for r in records] == [EBAY_CONSENT]
    shown = " ".join(str(r.__dict__) for r in records)
    assert "state-1" not in shown
    assert APPS["ebay"].client_id not in shown


def test_the_command_runs_without_a_database_and_says_where(tmp_path: Path) -> None:
    environment = {**os.environ, "DATABASE_URL": "sqlite:////nonexistent/none.sqlite3"}
    environment["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    command = [sys.executable, "manage.py", "emulator", "--port", "0"]
    process = subprocess.Popen(
        [*command, "--state", str(tmp_path / "emulator.json")],
        cwd=settings.BASE_DIR,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        # What a shell begins in the background has Ctrl-C's signal ignored, and passes that on.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert process.stdout is not None
    try:
        address = process.stdout.readline().removeprefix("Emulator: ").strip()
        given = json.loads(process.stdout.readline().partition("=")[2])

        assert requests.get(address, timeout=10).status_code == 200
        assert given["ozon"]["api"] + "/" == address.replace("/control/", "/ozon/api/")
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
    assert process.returncode == 0
