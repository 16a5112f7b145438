"""The one button of the order finder: does what the reason calls for, in its ordinary flow."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from platforms import registry, tasks
from platforms.flows.manage_store import pull_now, resume_store, start_of_day
from platforms.flows.pull_one_order import PulledOne, pull_one_order
from platforms.flows.pull_store import window_streams
from platforms.flows.release_quarantined import release_quarantined
from platforms.models import Order, Quarantined, QuarantineState, Stream
from platforms.order_finder.numbers import clean_number, spellings
from platforms.order_finder.reasons import DONE_BY_US, Fix, Seeker
from tenants.flows.record_event import record_event
from tenants.models import Store, StoreState


class NotAllowed(Exception):
    """This fix is none of ours, or not for this person."""


class NotNow(Exception):
    """The store's state does not allow it (any more)."""


@dataclass(frozen=True, kw_only=True)
class Fixed:
    """`result`: here, asked, filling, resumed, gone (the platform does not have it), unreadable,
    nothing (was done before)."""

    result: str
    order: Order | None = None


def fix_order(*, fix: Fix, store: Store, number: str, seeker: Seeker, now: datetime) -> Fixed:
    """Do `fix` for the order of that number at `store`, which the seeker knows. Safe to repeat.
    Call in the tenant's scope, not inside a transaction.

    Raises NotAllowed, NotNow, TooOften, and PlatformError where the platform refuses.
    """
    if fix not in DONE_BY_US or not seeker.may(fix, store):
        raise NotAllowed
    number = clean_number(number)
    if fix is Fix.RESUME:
        return _resume(store, seeker, now)
    if fix is Fix.READ_AGAIN:
        return _read_again(store, number, seeker, now)
    if store.state != StoreState.ACTIVE:
        raise NotNow
    if fix is Fix.PULL:
        pull_now(store=store, user=seeker.user, now=now, on_behalf=_on_behalf(seeker))
        return Fixed(result="asked")
    got = _get(store, number, seeker, now)
    if fix is Fix.BACK_FILL and got.order is not None and got.landed:
        _fill_day(store, got.order.changed_at, seeker, now)
        return Fixed(result="filling", order=got.order)
    return _told(got)


def _on_behalf(seeker: Seeker) -> bool:
    return seeker.desk and seeker.user is not None


def _told(got: PulledOne) -> Fixed:
    if got.unreadable:
        return Fixed(result="unreadable")
    return Fixed(result="here" if got.order else "gone", order=got.order)


def _get(store: Store, number: str, seeker: Seeker, now: datetime) -> PulledOne:
    return pull_one_order(
        store=store, number=number, user=seeker.user, now=now, on_behalf=_on_behalf(seeker)
    )


def _resume(store: Store, seeker: Seeker, now: datetime) -> Fixed:
    if store.state == StoreState.ACTIVE:
        return Fixed(result="resumed")  # in another tab
    if store.state != StoreState.PAUSED:
        raise NotNow
    resume_store(store=store, user=seeker.user, now=now, on_behalf=_on_behalf(seeker))
    return Fixed(result="resumed")


def _read_again(store: Store, number: str, seeker: Seeker, now: datetime) -> Fixed:
    waiting = Quarantined.objects.filter(
        number__in=spellings(number), state=QuarantineState.WAITING
    ).select_related("stream")
    landed = unreadable = 0
    for record in waiting.order_by("pk"):
        stream = record.stream
        mine = record.store_id == store.pk if record.store_id else (
            stream is not None and stream.authorization_id == store.authorization_id
        )  # fmt: skip
        if mine:
            done = release_quarantined(
                record=record, user=seeker.user, now=now, on_behalf=_on_behalf(seeker)
            )
            landed += done.landed is not None
            unreadable += bool(done.unreadable)
    order = Order.objects.select_related("store__tenant").filter(
        store=store, number__in=spellings(number)
    ).first()  # fmt: skip
    if order is not None:
        return Fixed(result="here", order=order)
    return Fixed(result="unreadable" if unreadable else "nothing")


def _fill_day(store: Store, at: datetime, seeker: Seeker, now: datetime) -> None:
    """Pull everything that changed on the store's day of `at`."""
    adapter = registry.get(store.platform)
    since = start_of_day(at, store.zone).astimezone(UTC)
    until = min(since + timedelta(days=1), now - adapter.lag)
    earliest = now - adapter.back_fill
    if until <= max(since, earliest):
        return
    streams = window_streams([store], since=since, until=until)
    fresh = Stream.objects.filter(
        pk__in=[stream.pk for stream in streams], due_at=None, finished_at=None
    )
    if not fresh.update(due_at=now):
        return
    record_event(
        tenant=store.tenant, verb="store.pull_asked", actor=seeker.user, now=now, target=store,
        on_behalf=_on_behalf(seeker), detail={"day": f"{at.astimezone(store.zone):%Y-%m-%d}"},
    )  # fmt: skip
    tasks.kick()
