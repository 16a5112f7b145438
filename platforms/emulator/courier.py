"""Carries the pushes of the emulated marketplaces to the product, a few times as they would."""

from __future__ import annotations

import logging
import threading
import urllib.error
import urllib.request
from urllib.parse import urlsplit

from platforms.emulator.app import Emulator
from platforms.emulator.state import Outgoing

logger = logging.getLogger(__name__)

TIMEOUT_S = 5.0
TRIES = 4
PAUSE_S = 0.2


def start(emulator: Emulator) -> threading.Thread:
    """A thread that delivers until the process ends."""
    thread = threading.Thread(target=_run, args=(emulator,), name="courier", daemon=True)
    thread.start()
    return thread


def _run(emulator: Emulator) -> None:
    pause = threading.Event()
    while not pause.wait(PAUSE_S):
        with emulator.lock:
            waiting = list(emulator.state.outbox)
            emulator.state.outbox.clear()
        for push in waiting:
            _deliver(push, pause)


def _deliver(push: Outgoing, pause: threading.Event) -> None:
    if urlsplit(push.url).hostname not in ("127.0.0.1", "localhost"):
        return  # nobody outside is called by an emulator
    request = urllib.request.Request(  # noqa: S310 - http to this very machine
        push.url, data=push.body, headers=push.headers, method=push.method
    )
    for attempt in range(TRIES):
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_S):  # noqa: S310
                return
        except (urllib.error.URLError, OSError) as exc:
            logger.debug("emulator.push_failed", extra={"reason": type(exc).__name__})
            pause.wait(2**attempt)
