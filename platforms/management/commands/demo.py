"""Everything on this machine with one command; `make demo` calls it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from platforms.demo import seed

START_WITHIN_S = 60


class Command(BaseCommand):
    help = "Start emulator, web and worker with a demo company; Ctrl-C stops all of it."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEMO:
            raise CommandError("Start the demo with `make demo`; it needs settings of its own.")
        self.port = int(os.environ["DEMO_PORT"])
        self.folder = Path(os.environ["DEMO_DIR"])
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        for port in (self.port, self.port + 100):
            if _answers(port):
                raise CommandError(
                    f"Port {port} is in use. Stop what uses it, or: make demo PORT=9000"
                )
        # Named too: a shell that starts us in the background hands SIGINT over as ignored.
        for each in (signal.SIGINT, signal.SIGTERM):
            signal.signal(each, _as_ctrl_c)
        try:
            self._start()
            self._watch()
        except KeyboardInterrupt:
            self.stdout.write("\nStopping.")
        finally:
            self._stop()

    def _start(self) -> None:
        self.stdout.write("Preparing the database and files ...")
        call_command("migrate", verbosity=0)
        call_command("collectstatic", verbosity=0, interactive=False)
        emulator_port = self.port + 100
        self._run(
            "emulator", [sys.executable, "manage.py", "emulator", f"--port={emulator_port}",
                         f"--state={self.folder / 'emulator.json'}"],
        )  # fmt: skip
        self._wait_for(emulator_port, "emulator")
        emulator_url = f"http://127.0.0.1:{emulator_port}"
        self.stdout.write("Linking the demo's stores and pulling their orders ...")
        seed.seed(emulator_url=emulator_url)
        self._run(
            "web", [sys.executable, "-m", "gunicorn", "config.wsgi", "--workers=2", "--threads=4",
                    f"--bind=127.0.0.1:{self.port}", "--timeout=120"],
        )  # fmt: skip
        self._run("worker", [sys.executable, "manage.py", "worker"])
        self._wait_for(self.port, "web")
        self._say_hello(emulator_url)

    def _run(self, name: str, command: Sequence[str]) -> None:
        log = self.folder / f"{name}.log"
        with log.open("ab") as output:
            self.processes[name] = subprocess.Popen(  # noqa: S603
                command,
                cwd=settings.BASE_DIR,
                stdout=output,
                stderr=output,
                stdin=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C reaches us alone; we stop the rest in order
            )

    def _wait_for(self, port: int, name: str) -> None:
        deadline = time.monotonic() + START_WITHIN_S
        while not _answers(port):
            if self.processes[name].poll() is not None or time.monotonic() > deadline:
                raise CommandError(f"{name} did not start:\n{self._tail(name)}")
            time.sleep(0.1)

    def _watch(self) -> None:
        while True:
            for name, process in self.processes.items():
                if process.poll() is not None:
                    raise CommandError(f"{name} stopped:\n{self._tail(name)}")
            time.sleep(0.5)

    def _stop(self) -> None:
        for process in self.processes.values():
            if process.poll() is None:
                process.terminate()
        for process in self.processes.values():
            try:
                process.wait(timeout=15)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)

    def _tail(self, name: str) -> str:
        log: Path = self.folder / f"{name}.log"
        return "\n".join(log.read_text(errors="replace").splitlines()[-20:])

    def _say_hello(self, emulator_url: str) -> None:
        width = max(len(person.email) for person in seed.PEOPLE)
        people = "\n".join(f"  {p.email:<{width}}  {p.does}" for p in seed.PEOPLE)
        self.stdout.write(
            f"\nStorelink runs at        {settings.BASE_URL}/\n"
            f"Support desk             {settings.BASE_URL}/support/\n"
            f"Mail it would have sent  {settings.BASE_URL}/demo/mail/\n"
            f"The marketplaces' side   {emulator_url}/control/\n"
            f"What chat robots said    {emulator_url}/robots/\n\n"
            f"Log in with the password {seed.PASSWORD} as\n{people}\n"
            f"  {seed.SUPPORT:<{width}}  support, at the support desk\n"
            "or sign up as somebody new. Ctrl-C stops everything.\n"
        )
        self.stdout.flush()


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _as_ctrl_c(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
