"""What the benches share: a throw-away database, the local marketplace server, the machine."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SERVER = Path(__file__).resolve().parents[2] / "shared" / "bench" / "marketplace.py"


def machine() -> str:
    """One line that says where the figures were made."""
    model = platform.processor() or platform.machine()
    with open("/proc/cpuinfo") as lines:
        model = next((x.split(":", 1)[1].strip() for x in lines if "model name" in x), model)
    from django.db import connection

    return (
        f"{os.cpu_count()} cores, {model}, Python {platform.python_version()}, {connection.vendor}"
    )


@contextmanager
def database() -> Iterator[None]:
    """A database of its own, on the server that DATABASE_URL names (SQLite without); gone
    afterwards."""
    from django.test.utils import setup_databases, teardown_databases

    before = setup_databases(verbosity=0, interactive=False, keepdb=False)
    try:
        yield
    finally:
        teardown_databases(before, verbosity=0)


@contextmanager
def marketplace(*options: str) -> Iterator[str]:
    """The local marketplace server (BENCH_SERVER names its file if it is not beside us)."""
    script = os.environ.get("BENCH_SERVER", str(SERVER))
    server = subprocess.Popen(
        [sys.executable, script, "serve", "--port", "0", *options],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert server.stdout is not None
        line = server.stdout.readline()
        address = next(word for word in line.split() if word.startswith("http://"))
        yield address.rstrip("/,;")
    finally:
        server.terminate()
        server.wait(10)


def control(url: str, path: str, body: object | None = None) -> dict[str, object]:
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(f"{url}{path}", data=data, timeout=10) as answer:  # noqa: S310
        told: dict[str, object] = json.load(answer)
    return told


class Stopwatch:
    """Wall and processor seconds of this process."""

    def __enter__(self) -> Stopwatch:
        self._wall, self._cpu = time.monotonic(), time.process_time()
        return self

    def __exit__(self, *_exc: object) -> None:
        self.wall_s = time.monotonic() - self._wall
        self.cpu_s = time.process_time() - self._cpu
