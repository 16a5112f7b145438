"""Waiting for a database that is away for a moment."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from django.db import DatabaseError, InterfaceError, OperationalError, connection

logger = logging.getLogger(__name__)

PATIENCE_S = 60.0
PAUSE_S = (0.5, 1.5)

T = TypeVar("T")


def patiently(work: Callable[[], T], *, seconds: float = PATIENCE_S) -> T:
    """What `work` gives, tried again while the database is away: `work` must be safe to repeat,
    and a transaction of its own if it writes. Raises what it raised last."""
    give_up = time.monotonic() + seconds
    while True:
        try:
            return work()
        except (OperationalError, InterfaceError) as exc:
            if time.monotonic() > give_up or connection.in_atomic_block:
                raise
            logger.warning("database.away", extra={"reason": type(exc).__name__})
            with suppress(DatabaseError, InterfaceError):
                connection.close()
            time.sleep(random.uniform(*PAUSE_S))  # noqa: S311
