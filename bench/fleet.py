"""Worker processes as they run in production, and what may happen to them."""

from __future__ import annotations

import base64
import json
import os
import random
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path


def environment(*, database: str, redis: str, market: str, **more: object) -> dict[str, str]:
    """As in config/env.example, and where the marketplaces are."""
    here = {code: {"api": market, "auth": market} for code in ("bench_shopify", "bench_amazon")}
    return {
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "ENV_FILE": os.devnull,  # an .env of a real installation must not leak in
        "SECRET_KEY": secrets.token_urlsafe(50),
        "VAULT_KEYS": "bench:" + base64.b64encode(secrets.token_bytes(32)).decode(),
        "DATABASE_URL": database,
        "REDIS_URL": redis,
        "ALLOW_ENDPOINT_OVERRIDES": "1",
        "PLATFORM_ENDPOINTS": json.dumps(here),
        "LOG_LEVEL": "WARNING",
        **{name: str(value) for name, value in more.items()},
    }


def below(pid: int) -> list[int]:
    """Processes under `pid`, the nearest first."""
    parents: dict[int, list[int]] = {}
    for each in Path("/proc").iterdir():
        if each.name.isdecimal():
            try:
                told = (each / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if told[0] != "Z":
                parents.setdefault(int(told[1]), []).append(int(each.name))
    found = [pid]
    for one in found:
        found += parents.get(one, [])
    return found[1:]


@dataclass(kw_only=True)
class Fleet:
    """Several `manage.py worker`, each with a process group of its own."""

    env: dict[str, str]
    log: Path
    module: Sequence[str] = ("-m", "bench.worker")
    groups: list[subprocess.Popen[bytes]] = field(default_factory=list)
    dice: random.Random = field(default_factory=lambda: random.Random(1))

    def start(self) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as log:
            group = subprocess.Popen(
                [sys.executable, *self.module], env={**os.environ, **self.env}, stdout=log,
                stderr=log, stdin=subprocess.DEVNULL, start_new_session=True,
            )  # fmt: skip
        self.groups.append(group)
        return group

    def kill_group(self) -> None:
        """A machine that goes dark; another takes its place."""
        group = self.dice.choice(self.groups)
        os.killpg(group.pid, signal.SIGKILL)
        self.replace(group)

    def kill_one(self) -> str:
        """One process of a group, whichever: its task, its queue, its guard or its parent."""
        group = self.dice.choice(self.groups)
        pids = [group.pid, *below(group.pid)]
        victim = self.dice.choice(pids)
        os.kill(victim, signal.SIGKILL)
        if victim == group.pid:
            self.replace(group)
        return ("parent", "sentinel")[pids.index(victim)] if victim in pids[:2] else "child"

    def replace(self, group: subprocess.Popen[bytes]) -> None:
        group.wait(30)
        self.groups.remove(group)
        self.start()

    def revive(self) -> int:
        """Start anew what ended by itself, as a service manager does; how many had."""
        ended = [group for group in self.groups if group.poll() is not None]
        for group in ended:
            self.replace(group)
        return len(ended)

    def processes(self) -> int:
        return sum(1 + len(below(group.pid)) for group in self.groups)

    def strays(self) -> set[int]:
        """Processes of this fleet that nobody watches any more, at two moments."""
        first = self._strays()
        time.sleep(3)
        return first & self._strays()

    def _strays(self) -> set[int]:
        known = {pid for group in self.groups for pid in (group.pid, *below(group.pid))}
        found = set()
        for each in Path("/proc").iterdir():
            if each.name.isdecimal() and int(each.name) not in known:
                try:
                    environ = (each / "environ").read_bytes()
                    is_zombie = (each / "stat").read_text().rpartition(")")[2].split()[0] == "Z"
                except OSError:
                    continue
                mark = f"DATABASE_URL={self.env['DATABASE_URL']}".encode()
                if mark in environ.split(b"\0") and not is_zombie and int(each.name) != os.getpid():
                    found.add(int(each.name))
        return found

    def stop(self, *, patience_s: float = 90) -> float:
        """Ask all to end (SIGTERM); the seconds until they had. Kills what does not."""
        began = time.monotonic()
        for group in self.groups:
            group.terminate()
        try:
            for group in self.groups:
                group.wait(max(1.0, patience_s - (time.monotonic() - began)))
            return time.monotonic() - began
        finally:
            for group in self.groups:
                with suppress(ProcessLookupError):
                    os.killpg(group.pid, signal.SIGKILL)
                group.wait(30)
