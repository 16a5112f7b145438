"""The documented set-up, really run: several workers on PostgreSQL and Redis, while processes are
killed, PostgreSQL crashes, Redis forgets and is away, and the marketplace fails.

The full run is `python -m bench.scale_out` (docs/performance.md).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bench import local, servers

pytestmark = [pytest.mark.postgresql, pytest.mark.slow]

ROOT = Path(__file__).resolve().parents[2]
SERVER = Path(os.environ.get("BENCH_SERVER", str(local.SERVER)))


@pytest.fixture
def needed():
    lacking = servers.missing() + ([] if SERVER.exists() else [f"BENCH_SERVER ({SERVER})"])
    if lacking and os.environ.get("REQUIRE_ALL_TESTS") == "1":
        pytest.fail(f"REQUIRE_ALL_TESTS needs {', '.join(lacking)}")
    if lacking:
        pytest.skip(f"needs {', '.join(lacking)}")


def test_every_order_lands_once_whatever_dies(needed):
    done = subprocess.run(
        [sys.executable, "-m", "bench.scale_out", "--orders", "10000", "--stores", "10",
         "--workers", "2", "--kills", "3", "--pause", "0.5", "--lease", "5", "--json"],
        cwd=ROOT, capture_output=True, text=True, timeout=400,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["is_exact"], told
    assert told["found"]["orders"] == told["found"]["in our tables"] > 10_000
    assert told["disturbed"].items() >= {
        "a process killed": 3, "a worker killed": 2, "PostgreSQL restarted": 2,
        "Redis emptied": 1, "Redis stopped for 10 s": 1,
    }.items()  # fmt: skip
    assert told["strays"] == 0
    assert told["stopped_after_s"] < 90
