"""The same thing from several threads at the same moment."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from django.db import connection


def together(do: Callable[[], object], *, times: int) -> None:
    """Run `do` in `times` threads that start at once; raises what any of them raised."""
    start = Barrier(times)

    def one() -> None:
        try:
            start.wait(timeout=10)
            do()
        finally:
            connection.close()

    with ThreadPoolExecutor(times) as threads:
        for result in [threads.submit(one) for _n in range(times)]:
            result.result()
