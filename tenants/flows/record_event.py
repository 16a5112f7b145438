"""The audit trail's one writer and its check."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime

from django.db import models, transaction

from accounts.models import User
from tenants.models import Event, Outcome, Tenant
from tenants.scope import tenant_scope


@dataclass(frozen=True, kw_only=True)
class Origin:
    """Where what we do right now came from; set by the middleware, empty in jobs."""

    ip: str | None = None
    request_id: str = ""


origin: ContextVar[Origin] = ContextVar("origin", default=Origin())  # noqa: B039 - frozen


def record_event(
    *,
    tenant: Tenant,
    verb: str,
    actor: User | None,
    now: datetime,
    target: models.Model | None = None,
    outcome: Outcome = Outcome.DONE,
    on_behalf: bool = False,
    detail: Mapping[str, object] | None = None,
) -> Event:
    """Append to the tenant's trail. `verb` is `noun.past_tense`; `detail` holds no secrets and
    no buyer data. Rolled back together with what it tells of, if the caller is in a transaction.
    """
    about = [(target, detail or {})]
    return record_events(
        tenant=tenant,
        verb=verb,
        actor=actor,
        now=now,
        about=about,
        outcome=outcome,
        on_behalf=on_behalf,
    )[0]


def record_events(
    *,
    tenant: Tenant,
    verb: str,
    actor: User | None,
    now: datetime,
    about: Iterable[tuple[models.Model | None, Mapping[str, object]]],
    outcome: Outcome = Outcome.DONE,
    on_behalf: bool = False,
) -> list[Event]:
    """As `record_event`, for many (target, detail) pairs in a handful of queries."""
    source = origin.get()
    events = [
        Event(
            tenant=tenant,
            at=now,
            actor=actor,
            actor_name=actor.email if actor else "system",
            on_behalf=on_behalf,
            verb=verb,
            target_type=target._meta.model_name or "" if target else "",
            target_id=str(getattr(target, "public_id", target.pk)) if target else "",
            target_name=str(target)[:200] if target else "",
            outcome=outcome,
            ip=source.ip,
            request_id=source.request_id,
            detail=dict(detail),
        )
        for target, detail in about
    ]
    with tenant_scope(tenant), transaction.atomic():
        # One writer at a time per tenant, or two events would name the same predecessor.
        tenant.lock()
        last = Event.objects.order_by("-sequence").values("sequence", "hash").first()
        sequence, previous = (last["sequence"], last["hash"]) if last else (0, "")
        for event in events:
            sequence += 1
            event.sequence, event.previous_hash = sequence, previous
            event.hash = previous = event.digest()
        Event.objects.bulk_create(events, batch_size=500)
    return events


def verify_chain(tenant: Tenant) -> int | None:
    """The sequence number of the first event that was changed or is missing; None if all hold."""
    expected, previous = 1, ""
    with tenant_scope(tenant):
        for event in Event.objects.order_by("sequence").iterator():
            whole = event.sequence == expected and event.previous_hash == previous
            if not whole or event.hash != event.digest():
                return expected
            expected, previous = expected + 1, event.hash
    return None
