"""Pausing, resuming and unlinking a store, and asking for its orders now."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import F

from accounts.models import User
from platforms import tasks, timeline
from platforms.flows.register_pushes import unregister_pushes
from platforms.flows.start_streams import catch_up
from platforms.models import Authorization, AuthorizationState, Consent, Moment, Stream
from tenants.flows.record_event import record_event
from tenants.models import Store, StoreState

MOMENTS = {
    "store.paused": Moment.PAUSED,
    "store.resumed": Moment.RESUMED,
    "store.unlinked": Moment.UNLINKED,
}


def pause_store(*, store: Store, user: User | None, now: datetime, on_behalf: bool = False) -> None:
    """Stop pulling; the authorization is kept alive. Safe to repeat."""
    with transaction.atomic():
        paused = Store.objects.filter(pk=store.pk, state=StoreState.ACTIVE).update(
            state=StoreState.PAUSED, paused_at=now
        )
        if paused:
            _record("store.paused", store, user, now, on_behalf=on_behalf)


def resume_store(
    *, store: Store, user: User | None, now: datetime, on_behalf: bool = False
) -> None:
    """Pull again from where it stopped. A store whose grant died meanwhile needs relinking."""
    with transaction.atomic():
        # Locked: the grant may be dying, or healing, at this moment.
        authorization = _held(store)
        usable = authorization is not None and authorization.is_usable
        state = StoreState.ACTIVE if usable else StoreState.NEEDS_RELINK
        if Store.objects.filter(pk=store.pk, state=StoreState.PAUSED).update(state=state):
            _record("store.resumed", store, user, now, on_behalf=on_behalf)
            if store.paused_at is not None:
                # A little earlier: a page may have been on its way when the store was paused.
                catch_up(store=store, since=store.paused_at, now=now)
            if usable:
                make_streams_due(store, now=now)


def unlink_store(
    *, store: Store, user: User | None, now: datetime, on_behalf: bool = False
) -> None:
    """Give the store up: nothing is pulled any more, its orders stay. With the last store of an
    authorization the credential is destroyed. Safe to repeat. Not inside a transaction: the
    marketplace is told to stop calling us."""
    if store.state != StoreState.UNLINKED and store.authorization is not None:
        others = Store.objects.filter(authorization=store.authorization).exclude(pk=store.pk)
        if not others.exclude(state=StoreState.UNLINKED).exists():
            unregister_pushes(authorization=store.authorization, now=now)
    with transaction.atomic():
        # Locked: of two stores unlinked at the same moment one is the last.
        authorization = _held(store)
        unlinked = (
            Store.objects.filter(pk=store.pk)
            .exclude(state=StoreState.UNLINKED)
            .update(state=StoreState.UNLINKED)
        )
        if not unlinked:
            return
        Stream.objects.filter(store=store).update(due_at=None, finished_at=now)
        if authorization is not None and not _linked_stores(authorization):
            _end(authorization, now=now)
        _record("store.unlinked", store, user, now, on_behalf=on_behalf)


def pull_now(*, store: Store, user: User | None, now: datetime, on_behalf: bool = False) -> None:
    """Make the store's streams due at once."""
    with transaction.atomic():
        make_streams_due(store, now=now)
        _record("store.pull_asked", store, user, now, on_behalf=on_behalf)


def make_streams_due(store: Store, *, now: datetime) -> None:
    streams = Stream.objects.filter(authorization=store.authorization, finished_at=None)
    (streams.filter(store=store) | streams.filter(store=None)).update(due_at=now)
    transaction.on_commit(tasks.kick)


def start_of_day(now: datetime, zone: ZoneInfo) -> datetime:
    return now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)


def _held(store: Store) -> Authorization | None:
    """The store's authorization as it is now, which nobody changes before the transaction ends."""
    found: Authorization | None = (
        Authorization.objects.select_for_update().filter(pk=store.authorization_id).first()
    )
    return found


def _linked_stores(authorization: Authorization) -> bool:
    return (
        Store.objects.filter(authorization=authorization)
        .exclude(state=StoreState.UNLINKED)
        .exists()
    )


def _end(authorization: Authorization, *, now: datetime) -> None:
    Authorization.objects.filter(pk=authorization.pk).update(
        state=AuthorizationState.ENDED, sealed_credential=b"", generation=F("generation") + 1,
        fence=F("fence") + 1,  # or a refresh under way would bring the credential back
        hint="", fingerprint="", refresh_due_at=None, leased_until=None, in_flight_since=None,
        access_expires_at=None, refresh_expires_at=None, consent_expires_at=None,
    )  # fmt: skip
    Stream.objects.filter(authorization=authorization).update(due_at=None, finished_at=now)
    Consent.objects.filter(authorization=authorization, ended_at=None).update(
        ended_at=now, ended_why="unlinked"
    )


def _record(verb: str, store: Store, user: User | None, now: datetime, *, on_behalf: bool) -> None:
    record_event(
        tenant=store.tenant, verb=verb, actor=user, now=now, target=store, on_behalf=on_behalf
    )
    moment = MOMENTS.get(verb)
    if moment is not None and store.authorization is not None:
        timeline.note(authorization=store.authorization, store=store, moment=moment, now=now)
