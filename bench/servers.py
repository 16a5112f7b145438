"""PostgreSQL and Redis of a bench's own, which it may restart, stop and empty."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

PATIENCE_S = 60
STOPS_WITHIN_S = 15
_ENVIRONMENT = dict(os.environ)  # without what is set later for Django and the workers
# A machine's own account for it, where we are root: the server refuses to run as that.
ACCOUNT = "postgres"
CONFIG = """
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
max_connections = 400
shared_buffers = 256MB
max_wal_size = 2GB
"""


def missing() -> list[str]:
    """Programs that this machine lacks."""
    return [
        name for name, path in (("initdb", find("initdb")), ("redis-server", find("redis-server")))
        if path is None
    ]  # fmt: skip


def find(program: str) -> str | None:
    """PostgreSQL's own directory first: of `pg_ctl` there is often no link elsewhere."""
    for directory in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True):
        if (directory / program).exists():
            return str(directory / program)
    return shutil.which(program)


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@dataclass(kw_only=True)
class PostgreSQL:
    directory: Path
    port: int = field(default_factory=free_port)

    def url(self, user: str = "postgres", database: str = "postgres") -> str:
        return f"postgres://{user}@127.0.0.1:{self.port}/{database}"

    def create(self) -> None:
        data = str(self.directory)
        self._run("initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync")
        with (self.directory / "postgresql.conf").open("a") as config:
            config.write(f"{CONFIG}port = {self.port}\n")
        self._control("start")

    def restart(self, *, mode: str = "immediate") -> None:
        """`immediate` is a crash: nothing is written on the way down."""
        self._control("restart", "-m", mode)

    def stop(self) -> None:
        """At once. Nobody needs the data any more, so nobody waits for an orderly end."""
        pid = int((self.directory / "postmaster.pid").read_text().split()[0])
        os.kill(pid, signal.SIGQUIT)
        give_up = time.monotonic() + STOPS_WITHIN_S
        while (self.directory / "postmaster.pid").exists() and time.monotonic() < give_up:
            time.sleep(0.1)

    def _control(self, *what: str) -> None:
        data, log = str(self.directory), str(self.directory / "server.log")
        self._run("pg_ctl", "-D", data, "-l", log, "-w", "-t", str(PATIENCE_S), *what)

    def _run(self, program: str, *arguments: str) -> None:
        path = find(program)
        assert path is not None, f"{program} is missing"
        as_other = ["setpriv", f"--reuid={ACCOUNT}", f"--regid={ACCOUNT}", "--clear-groups"]
        command = [*(as_other if os.getuid() == 0 else ()), path, *arguments]
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            text=True, cwd="/", env=_ENVIRONMENT, timeout=2 * PATIENCE_S,
        )  # fmt: skip
        if done.returncode:
            raise RuntimeError(f"{program}: {done.stderr[-1000:]}")


@dataclass(kw_only=True)
class Redis:
    directory: Path
    port: int = field(default_factory=free_port)
    _process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        path = find("redis-server")
        assert path is not None, "redis-server is missing"
        self._process = subprocess.Popen(
            [path, "--port", str(self.port), "--bind", "127.0.0.1", "--save", "",
             "--dir", str(self.directory)],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env=_ENVIRONMENT,
        )  # fmt: skip
        give_up = time.monotonic() + PATIENCE_S
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError:
                assert time.monotonic() < give_up, "redis-server does not start"
                time.sleep(0.1)

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(PATIENCE_S)
            self._process = None

    def forget_everything(self) -> None:
        import redis

        with redis.from_url(self.url) as connection:
            connection.flushall()


@contextmanager
def servers() -> Iterator[tuple[PostgreSQL, Redis]]:
    """Both, in a directory of their own; gone afterwards."""
    with tempfile.TemporaryDirectory(
        prefix="storelink-bench-", ignore_cleanup_errors=True
    ) as directory:
        home = Path(directory)
        home.chmod(0o755)
        data = home / "postgresql"
        data.mkdir(mode=0o700)
        if os.getuid() == 0:
            shutil.chown(data, ACCOUNT, ACCOUNT)
        postgresql, redis = PostgreSQL(directory=data), Redis(directory=home)
        try:
            postgresql.create()
            redis.start()
            yield postgresql, redis
        finally:
            redis.stop()
            if (data / "postmaster.pid").exists():
                postgresql.stop()
