"""manage.py pull_orders: pull one store's orders now, through the same engine as the workers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.translation import gettext as _

from platforms import registry
from platforms.advice import advice_for
from platforms.errors import Fault
from platforms.flows import pull_store
from platforms.flows.link_forms import BadInput
from platforms.flows.pull_store import StillBusy, StorePull
from platforms.flows.start_streams import earliest
from platforms.management.doors import Door, Failed
from platforms.models import Stream
from platforms.store_paths import find_stores
from tenants.models import Store, StoreState
from tenants.scope import tenant_scope

PATIENCE_S = 60.0


class Command(Door):
    help = (
        "Pull what changed since the last pull, or with --since one closed window. "
        "Exit codes: 0 pulled, 3 a fault, 2 bad input."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--store", required=True, help="tenant/platform/account_name[/site]")
        parser.add_argument("--since", help="changed since, ISO 8601; UTC unless it has an offset")
        parser.add_argument("--until", help="changed before, ISO 8601; now where it is left out")

    def answer(self, options: dict[str, Any]) -> dict[str, object]:
        since, until = (
            read_moment("since", options["since"]),
            read_moment("until", options["until"]),
        )
        if until and not since:
            raise BadInput({"until": _("--until needs --since.")})
        stores = find_stores(options["store"])
        with tenant_scope(stores[0].tenant):
            broken = [store for store in stores if store.state == StoreState.NEEDS_RELINK]
            usable = [store for store in stores if store.state == StoreState.ACTIVE]
            if not broken and not usable:
                raise BadInput({"store": _("%(store)s is not active but %(state)s.")
                                % {"store": stores[0].path,
                                   "state": stores[0].get_state_display()}})  # fmt: skip
            if since:
                streams = self._windows(usable, since, until)
            else:
                found = {s.pk: s for store in usable if (s := pull_store.standing_stream(store))}
                streams = list(found.values())
            total = _pull(streams)
        if broken and not total.fault:
            authorization = broken[0].authorization
            total.fault = Fault((authorization and authorization.fault) or Fault.TOKEN_REVOKED)
        counts = {name: getattr(total, name) for name in pull_store.COUNTS}
        if total.fault:
            advice = advice_for(total.fault, platform=stores[0].platform)
            raise Failed(counts | {"fault": str(total.fault)}, str(advice))
        return counts | {"fault": None}

    def _windows(
        self, stores: Sequence[Store], since: datetime, until: datetime | None
    ) -> list[Stream]:
        now = timezone.now()
        if not stores:
            return []
        adapter = registry.get(stores[0].platform)  # a path names stores of one platform
        first = earliest(stores[0], now)
        start = max(since, first)
        end = pull_store.reach(stores[0], until=until, now=now)
        if since < first:
            self.stderr.write(
                _("%(platform)s answers for the last %(days)s days; the pull begins there.")
                % {"platform": adapter.name, "days": adapter.back_fill.days}
            )
        if start >= end:
            raise BadInput({"since": _("The window is empty: it would end at %(end)s.")
                            % {"end": end.isoformat(timespec="seconds")}})  # fmt: skip
        return pull_store.window_streams(stores, since=start, until=end)


def read_moment(name: str, text: str | None) -> datetime | None:
    """An aware time. Raises BadInput."""
    if not text:
        return None
    try:
        # A day first: "2026-11-22" is a time too, to some readers.
        day = parse_date(text)
        moment = datetime(day.year, day.month, day.day) if day else parse_datetime(text)
        if moment is not None:
            aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
            return aware.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    sentence = _("--%(name)s %(text)s is not a time. Write it like 2026-11-22T08:00:00Z.")
    raise BadInput({name: sentence % {"name": name, "text": text}})


def _pull(streams: Sequence[Stream]) -> StorePull:
    total = StorePull()
    for stream in streams:
        try:
            pulled = pull_store.pull_stream(stream, patience_s=PATIENCE_S)
        except StillBusy:
            sentence = _("A worker has been pulling this store for a minute. Try again later.")
            raise Failed(asdict(total) | {"fault": str(Fault.UNKNOWN)}, sentence) from None
        for name in pull_store.COUNTS:
            setattr(total, name, getattr(total, name) + getattr(pulled, name))
        total.fault = total.fault or pulled.fault
    return total
