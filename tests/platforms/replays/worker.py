"""What a process does that is killed over replays. Imports nothing of Django before."""

from __future__ import annotations


def take_turns(batch: int) -> None:
    """Work on what is due, in turns of a batch each."""
    from django.utils import timezone

    from platforms.flows import replay, replay_read

    replay_read.BATCH = batch
    while row := replay.claim(now=timezone.now()):
        replay.work_on(row, seconds=0)
        if row.kind != "read":
            break
