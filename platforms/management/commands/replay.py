"""manage.py replay: do again what was done with a store's orders, and wait until it is done."""

from __future__ import annotations

import time
from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone
from django.utils.translation import gettext as _

from platforms import tasks
from platforms.advice import advice_for
from platforms.errors import Fault
from platforms.flows import replay as replaying
from platforms.flows.link_forms import BadInput
from platforms.flows.pull_store import StillBusy, pull_stream
from platforms.management.commands.pull_orders import read_moment
from platforms.management.doors import Door, Failed
from platforms.models import Replay
from platforms.replays.hold import COUNTS
from platforms.replays.words import WINDOW_FAULTS
from platforms.store_paths import find_stores
from tenants.models import Store
from tenants.scope import tenant_scope

PATIENCE_S = 60.0  # without anything moving


class Command(Door):
    help = (
        "Do again what was done with a store's orders: pull them again, read again what was "
        "received, or work again on the pushes. Exit codes: 0 done, 3 a fault, 2 bad input."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--store", required=True, help="tenant/platform/account_name[/site]")
        parser.add_argument("--kind", required=True, choices=Replay.Kind.values)
        parser.add_argument("--since", required=True, help="ISO 8601; UTC unless it has an offset")
        parser.add_argument("--until", help="ISO 8601; now where it is left out")

    def answer(self, options: dict[str, Any]) -> dict[str, object]:
        now = timezone.now()
        since = read_moment("since", options["since"])
        until = read_moment("until", options["until"]) or now
        if since is None:
            raise BadInput({"since": _("--since is missing.")})
        stores = find_stores(options["store"])
        totals: dict[str, object] = dict.fromkeys(COUNTS, 0)
        with tenant_scope(stores[0].tenant):
            started = [
                _start(store, options["kind"], since=since, until=until, now=now)
                for store in stores
            ]
            ended = [_work_off(replay) for replay in started]
        for replay in ended:
            for name in COUNTS:
                totals[name] = int(str(totals[name])) + getattr(replay, name)
        bad = [each for each in ended if each.state != Replay.State.DONE]
        totals["state"] = str(bad[0].state if bad else Replay.State.DONE)
        totals["fault"] = next((each.fault for each in bad if each.fault), None)
        if bad:
            fault = str(totals["fault"] or Fault.UNKNOWN)
            raise Failed(totals, str(advice_for(fault, platform=stores[0].platform)))
        return totals


def _start(store: Store, kind: str, **window: Any) -> Replay:
    try:
        return replaying.start_replay(store=store, kind=kind, user=None, **window)
    except replaying.BadWindow as exc:
        raise BadInput({"since": str(WINDOW_FAULTS[exc.reason])}) from None
    except replaying.NotReplayable:
        sentence = _("%(store)s cannot do this now; it can: %(kinds)s.")
        kinds = ", ".join(replaying.kinds_for(store))
        raise BadInput({"kind": sentence % {"store": store.path, "kinds": kinds}}) from None
    except replaying.AlreadyReplaying:
        sentence = _("This is being done again for %(store)s already. Wait for it, or stop it.")
        raise BadInput({"store": sentence % {"store": store.path}}) from None


def _work_off(replay: Replay) -> Replay:
    """Take turns until it is over; a worker that has it is waited for."""
    last: tuple[object, ...] = ()
    give_up = time.monotonic() + PATIENCE_S
    while True:
        row = replaying.claim_this(replay, now=timezone.now())
        if row is not None:
            replaying.work_on(row)
        row = Replay.objects.select_related("stream").get(pk=replay.pk)
        if row.finished_at is not None:
            return row
        _work_for(row)
        told = (row.position, row.stream_id, *(getattr(row, name) for name in COUNTS))
        if told != last:
            last, give_up = told, time.monotonic() + PATIENCE_S
            continue
        time.sleep(0.25)
        if time.monotonic() > give_up:
            sentence = _("A worker has been at it for a minute without a sign of life.")
            raise Failed({name: getattr(row, name) for name in COUNTS}, sentence)


def _work_for(replay: Replay) -> None:
    """Do here what the replay would wait for the pumps to do."""
    if replay.kind == Replay.Kind.PUSHES:
        tasks.pump_deliveries()
    elif replay.kind == Replay.Kind.PULL and replay.stream is not None:
        if replay.stream.finished_at is not None:
            return
        try:
            fault = pull_stream(replay.stream, patience_s=PATIENCE_S).fault
        except StillBusy:
            return
        row = replaying.claim_this(replay, now=timezone.now()) if fault else None
        if row is not None:
            replaying.fail(row, fault=str(fault), now=timezone.now())
