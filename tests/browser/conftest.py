"""The demo as a newcomer gets it, and a headless Chromium to use it with."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from django.conf import settings

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or ""
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"]
START_WITHIN_S = 240


@dataclass(frozen=True, kw_only=True)
class Demo:
    url: str
    emulator_url: str
    folder: Path
    database_url: str


@pytest.fixture(scope="session")
def demo(tmp_path_factory) -> Iterator[Demo]:
    """`make demo`'s program with a database, ports and files of its own."""
    folder = tmp_path_factory.mktemp("demo")
    port = free_port_pair()
    with database(folder) as url:
        environment = {
            **os.environ,
            "PORT": str(port),
            "DEMO_DIR": str(folder),
            "DATABASE_URL": url,
            "REDIS_URL": settings.REDIS_URL,
            "DJANGO_SETTINGS_MODULE": "config.settings",
        }
        log = folder / "demo.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "config.demo"],
                cwd=ROOT, env=environment, stdout=output, stderr=output,
            )  # fmt: skip
        try:
            deadline = time.monotonic() + START_WITHIN_S
            while "Ctrl-C stops" not in log.read_text():
                assert process.poll() is None, log.read_text()
                assert time.monotonic() < deadline, log.read_text()
                time.sleep(0.3)
            yield Demo(
                url=f"http://127.0.0.1:{port}",
                emulator_url=f"http://127.0.0.1:{port + 100}",
                folder=folder,
                database_url=url,
            )
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(60)


def is_complaint(message) -> bool:
    # A page that is rightly not there (a used link) is no complaint; CSP and scripts are.
    return message.type == "error" and "status of 404" not in message.text


def free_port_pair() -> int:
    for port in range(8400 + os.getpid() % 400, 9900, 7):
        with contextlib.ExitStack() as stack:
            try:
                for each in (port, port + 100):
                    probe = stack.enter_context(socket.socket())
                    probe.bind(("127.0.0.1", each))
            except OSError:
                continue
            return port
    raise RuntimeError("no two free ports")


@contextlib.contextmanager
def database(folder: Path) -> Iterator[str]:
    """A new database on the server the tests use; a file where that is SQLite."""
    if settings.DATABASES["default"]["ENGINE"] != "tenants.postgresql":
        yield f"sqlite:///{folder / 'demo.sqlite3'}"
        return
    import psycopg

    server = re.sub(r"/[^/]*$", "", os.environ["DATABASE_URL"])
    name = f"storelink_demo_{uuid.uuid4().hex[:8]}"
    with psycopg.connect(f"{server}/postgres", autocommit=True) as admin:
        admin.execute(f'CREATE DATABASE "{name}"')
    try:
        yield f"{server}/{name}"
    finally:
        with psycopg.connect(f"{server}/postgres", autocommit=True) as admin:
            admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture(scope="session")
def chromium():
    if not CHROMIUM:
        if os.environ.get("REQUIRE_ALL_TESTS") == "1":
            pytest.fail("REQUIRE_ALL_TESTS needs Chromium")
        pytest.skip("no Chromium is installed")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def profile(chromium, demo):
    """Opens a browser profile of its own; its console must stay free of complaints."""
    complaints: list[str] = []
    contexts = []

    def open_profile(*, locale="en-GB", width=1280):
        context = chromium.new_context(
            locale=locale, viewport={"width": width, "height": 900}, base_url=demo.url
        )
        context.set_default_timeout(20_000)
        contexts.append(context)
        page = context.new_page()
        page.on(
            "console",
            lambda message: complaints.append(message.text) if is_complaint(message) else None,
        )
        return page

    yield open_profile
    for context in contexts:
        context.close()
    assert complaints == []
