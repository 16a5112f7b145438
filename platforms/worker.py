"""The worker process: a django-q2 cluster that is started anew when it is stuck.

A process that is killed while it reads the cluster's queue (the kernel does that when memory is
short) leaves the queue locked for ever: the others live on, and nothing runs any more. So the
cluster watches itself, and its parent starts another. Nobody outlives the process that watches it:
a cluster whose parent was killed would go on beside the one that takes its place.
"""

from __future__ import annotations

import ctypes
import gc
import logging
import os
import signal
import threading
import time
from contextlib import suppress
from ctypes import c_bool
from multiprocessing.sharedctypes import RawValue

from django.db import DatabaseError, connections
from django_q import cluster
from django_q.signals import post_spawn
from redis import RedisError

logger = logging.getLogger(__name__)

STUCK = 75  # exit code of a cluster that gave up
LOOK_EVERY_S = 5.0
STUCK_AFTER_S = 30.0
STOPS_WITHIN_S = 10.0  # once all are idle
STARTS_ANEW_AFTER_S = 1.0
PR_SET_PDEATHSIG = 1  # linux/prctl.h
_M_ARENA_MAX = -8  # malloc.h
IDLE = -1  # what django-q2 writes into the timer of a worker without a task

# Seen by all processes of a cluster. Without a lock, which a killed process would keep.
_stopping = RawValue(c_bool, False)


def is_stopping() -> bool:
    """Whether this process belongs to a cluster that was told to stop: no new work then."""
    return bool(_stopping.value)


class WatchfulSentinel(cluster.Sentinel):
    """Ends the cluster when tasks wait, or it is to stop, and nobody has worked on any for a
    while."""

    def start(self) -> None:
        threading.Thread(target=self._watch, daemon=True).start()
        super().start()

    def stop(self) -> None:
        _stopping.value = True
        super().stop()

    def _watch(self) -> None:
        since: float | None = None
        while True:
            time.sleep(LOOK_EVERY_S)
            ends = self.stop_event.is_set()
            if not self._is_idle() or not (ends or self._tasks_wait()):
                since = None
                continue
            since = since or time.monotonic()
            if time.monotonic() - since >= (STOPS_WITHIN_S if ends else STUCK_AFTER_S):
                logger.critical("worker.stuck")
                self._give_up(0 if ends else STUCK)

    def _is_idle(self) -> bool:
        return all(each.timer.value == IDLE for each in list(self.pool))

    def _tasks_wait(self) -> bool:
        if self.task_queue.qsize() or self.result_queue.qsize():
            return True
        try:
            return bool(self.broker.queue_size())
        except (DatabaseError, RedisError, OSError):
            return False  # the queue itself is away: that is another trouble
        finally:
            connections.close_all()  # this thread's own

    def _give_up(self, code: int) -> None:
        for each in [*self.pool, self.monitor, self.pusher]:
            each.kill()  # all idle: nobody loses any work
        os._exit(code)


def tune_collector(**_signal: object) -> None:
    """What is imported stays for ever, and pages of orders hold many small objects at a time: by
    default the collector walks all of them again and again (measured: a third of a pull)."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 50, 50)
    _few_arenas()


def _few_arenas() -> None:
    """glibc gives every few threads a heap of their own, and keeps what was freed in each."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 2)


def die_with_parent() -> None:
    """Where the system has a way: Linux."""
    prctl = getattr(ctypes.CDLL(None), "prctl", None)
    if prctl is not None:
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def run() -> None:
    """Run a cluster until it is told to stop (SIGTERM, SIGINT); another when it got stuck, or
    could not start because its queue is away."""
    cluster.Sentinel = WatchfulSentinel
    post_spawn.connect(tune_collector)
    os.register_at_fork(after_in_child=die_with_parent)
    while True:
        one = cluster.Cluster()
        try:
            one.start()
        except RuntimeError as exc:
            logger.critical("worker.not_started", extra={"reason": str(exc)})
            time.sleep(STARTS_ANEW_AFTER_S)
            continue
        sentinel = one.sentinel
        sentinel.join()
        if sentinel.exitcode in (0, None) or one.start_event is None:
            return
        logger.critical("worker.restarted", extra={"code": sentinel.exitcode})
        time.sleep(STARTS_ANEW_AFTER_S)
