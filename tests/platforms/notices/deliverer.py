"""A sending process that dies at a chosen point; runs in a process of its own."""

from __future__ import annotations

import os
import signal
from typing import Any

from tests.support.processes import become_worker


def send_and_die(database: str, folder: str, die: str, done: Any) -> None:
    """Send what is due now. `die` is "before" (claimed, nothing sent), "after" (sent, not yet
    written down) or "" for never."""
    become_worker(database, "http://127.0.0.1:9")
    from django.conf import settings

    from platforms import tasks

    settings.EMAIL_BACKEND = f"{__name__}.Deadly"
    settings.EMAIL_FILE_PATH = folder
    os.environ["DIE"] = die
    done.put(tasks.pump_notices())


def _backend() -> Any:
    from django.core.mail.backends.filebased import EmailBackend

    return EmailBackend


class Deadly:
    """Writes mails into files, as the demo does, and then maybe kills its process."""

    def __init__(self, **given: Any) -> None:
        self.inner = _backend()(**given)

    def open(self) -> Any:
        if os.environ["DIE"] == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        return self.inner.open()

    def send_messages(self, messages: Any) -> Any:
        sent = self.inner.send_messages(messages)
        self.inner.close()
        if os.environ["DIE"] == "after":
            os.kill(os.getpid(), signal.SIGKILL)
        return sent

    def close(self) -> None:
        self.inner.close()


def announce_in_rounds(database: str, tenant_id: int, rounds: int, barrier: Any, done: Any) -> None:
    """At each barrier announce the same as a rival; how often it was new here."""
    become_worker(database, "http://127.0.0.1:9")
    from django.utils import timezone

    from platforms.flows.announce import announce
    from platforms.models import Occasion
    from tenants.models import Store
    from tenants.scope import tenant_scope
    from tests.support.processes import PATIENCE_S

    new = 0
    with tenant_scope(tenant_id):
        store = Store.objects.get()
        for number in range(rounds):
            barrier.wait(PATIENCE_S)
            new += announce(
                tenant_id=tenant_id, occasion=Occasion.BROKE, key=f"race:{number}",
                store=store, now=timezone.now(),
            )  # fmt: skip
    done.put(new)
