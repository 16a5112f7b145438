"""Sending out what was announced: one message for all that waits for one person or robot.

A claim writes a lease and the message's id (`batch`) before anything is sent. Who dies in
between leaves them: after the lease the same notices go out with the same id. So nothing is
lost, and at most the one message that was on its way is repeated, and can be told as such.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from django.db import connection, transaction
from django.db.models import F, Max, Min, Q, QuerySet
from django.utils import translation

from platforms.flows.manage_robot import say, switch_off_for_good
from platforms.models import ChatRobot, Sending, SendingState
from platforms.notices.letters import Item, letter_of, message_of
from platforms.notices.mail import mail_of
from platforms.notices.outgoing_mail import Carried, carry
from platforms.notices.recipients import is_told, readers, stores_about, stores_chosen
from platforms.robots.spec import Outcome
from platforms.robots.words import Reason
from tenants.models import Membership, Role, Store
from tenants.scope import all_tenants, tenant_scope

logger = logging.getLogger(__name__)

LEASE = timedelta(minutes=5)
TAKES = timedelta(minutes=2)  # no sending begins when less than this is left of its lease
FIRST_WAIT, LONGEST_WAIT = timedelta(minutes=1), timedelta(hours=1)
TRY_FOR = timedelta(days=2)
TRY_AT_LEAST = 10  # also where we were down ourselves for longer than that
AT_ONCE = 5_000  # notices in one message; more than that are several


@dataclass(frozen=True, kw_only=True)
class Batch:
    """One message to be sent: what waits under `id` for one member or robot."""

    id: UUID
    tenant_id: int
    leased_until: datetime


def claim_due(*, limit: int, now: datetime) -> list[Batch]:
    """Lease what is due for up to `limit` recipients, who waited longest first. Any number of
    workers may claim at once."""
    with all_tenants("claiming due sendings"), transaction.atomic():
        due = Sending.objects.filter(state=SendingState.WAITING, due_at__lte=now).filter(
            Q(leased_until=None) | Q(leased_until__lte=now)
        )
        waiting = list(
            due.values_list("membership", "robot")
            .annotate(since=Min("due_at"))
            .order_by("since")[:limit]
        )
        # The recipient is locked, not its rows: two workers would each take some of them, and
        # one person would get two messages.
        members = _locked(Membership.objects.filter(pk__in=[pk for pk, _robot, _at in waiting]))
        robots = _locked(ChatRobot.objects.filter(pk__in=[pk for _member, pk, _at in waiting]))
        rows = due.filter(Q(membership__in=members) | Q(robot__in=robots)).order_by("due_at", "pk")
        return [_lease(batch, now) for batch in _batches(rows)]


def send_batch(*, batch: Batch, now: datetime) -> bool:
    """Send one leased batch; True if it went out. What went wrong is on its rows.

    What its recipient may or wants to hear no more is dropped, as things stand now.
    """
    with tenant_scope(batch.tenant_id):
        if now > batch.leased_until - TAKES:
            return False
        rows = _rows(batch)
        if not rows:
            return False  # another worker has it by now
        wanted, items = _wanted(rows)
        dropped = {row.pk for row in rows} - {row.pk for row in wanted}
        Sending.objects.filter(pk__in=dropped, state=SendingState.WAITING).update(
            state=SendingState.DROPPED, due_at=None, leased_until=None, why="not_wanted"
        )
        if not wanted:
            return False
        result = _send(wanted, items, batch, now=now)
        _settle(batch, result, now=now)
        logger.info(
            "notices.sent" if result.sent else "notices.not_sent",
            extra={"batch": batch.id.hex, "notices": len(wanted), "why": result.why},
        )
        return result.sent


def _locked(rows: QuerySet[Membership] | QuerySet[ChatRobot]) -> list[int]:
    if connection.features.has_select_for_update_skip_locked:
        # NO KEY: whoever writes a new sending for them must not wait.
        rows = rows.select_for_update(skip_locked=True, no_key=True)
    return [row.pk for row in rows]


def _batches(rows: Iterable[Sending]) -> list[list[Sending]]:
    """A message that may have been sent already stays as it was; all else goes together."""
    found: dict[tuple[object, ...], list[Sending]] = {}
    for row in rows:
        found.setdefault((row.membership_id, row.robot_id, row.batch), []).append(row)
    return [
        group[start : start + AT_ONCE]
        for group in found.values()
        for start in range(0, len(group), AT_ONCE)
    ]


def _lease(rows: Sequence[Sending], now: datetime) -> Batch:
    batch = Batch(
        id=rows[0].batch or uuid4(), tenant_id=rows[0].tenant_id, leased_until=now + LEASE
    )
    Sending.objects.filter(pk__in=[row.pk for row in rows]).update(
        batch=batch.id, leased_until=batch.leased_until, tries=F("tries") + 1
    )
    return batch


def _rows(batch: Batch) -> list[Sending]:
    rows = Sending.objects.filter(
        batch=batch.id, state=SendingState.WAITING, leased_until=batch.leased_until
    )
    return list(
        rows.select_related(
            "membership__user", "membership__tenant", "robot__tenant", "notice__app",
            "notice__store", "notice__authorization",
        )
        .prefetch_related("notice__authorization__stores")
        .order_by("notice__created_at", "notice_id")
    )  # fmt: skip


def _wanted(rows: Sequence[Sending]) -> tuple[list[Sending], list[Item]]:
    """Those rows that are still to be sent, and of each the stores its recipient may know."""
    member, robot = rows[0].membership, rows[0].robot
    if member is not None and (member.left_at is not None or not member.user.is_active):
        return [], []
    reader = readers([member])[member.pk] if member is not None else None
    chosen = stores_chosen([robot]).get(robot.pk, set()) if robot is not None else set()
    wanted, items = [], []
    for row in rows:
        stores, occasion = stores_about(row.notice), row.notice.occasion
        ids = {store.pk for store in stores}
        if stores and not any(store.is_linked for store in stores):
            continue
        if reader is not None and reader.is_told(occasion, ids):
            manages = reader.role in (Role.OWNER, Role.ADMIN)
            known: Iterable[Store] = (s for s in stores if manages or s.pk in reader.operates)
        elif robot is not None and is_told(robot, chosen, occasion, ids):
            known = (s for s in stores if robot.all_stores or s.pk in chosen)
        else:
            continue
        wanted.append(row)
        items.append(Item(notice=row.notice, stores=tuple(known)))
    return wanted, items


def _send(
    rows: Sequence[Sending], items: Sequence[Item], batch: Batch, *, now: datetime
) -> Carried:
    member, robot = rows[0].membership, rows[0].robot
    if member is not None:
        with translation.override(member.user.language):
            letter = letter_of(
                items, tenant=member.tenant, zone=ZoneInfo(member.user.time_zone),
                can_manage=member.can_manage,
            )  # fmt: skip
            mail = mail_of(letter, member=member, batch=batch.id)
        return carry(mail)
    assert robot is not None
    with translation.override(robot.language):
        letter = letter_of(items, tenant=robot.tenant, zone=robot.tenant.zone, can_manage=True)
        message = message_of(letter, items, tenant=robot.tenant, key=batch.id.hex)
        verdict = say(robot=robot, message=message, now=now)
    if verdict.outcome == Outcome.OK:
        return Carried(sent=True)
    if verdict.outcome == Outcome.REFUSED:
        tries = max(row.tries for row in rows)
        since = min(row.notice.created_at for row in rows)
        if switch_off_for_good(robot=robot, tries=tries, since=since, now=now):
            return Carried(why=verdict.reason, for_good=True)
    return Carried(
        why=verdict.reason,
        wait=verdict.retry_after,
        surely_not=verdict.outcome == Outcome.REFUSED or verdict.reason == Reason.TOO_FAST,
    )


def _settle(batch: Batch, result: Carried, *, now: datetime) -> None:
    rows = Sending.objects.filter(batch=batch.id, state=SendingState.WAITING)
    if result.sent:
        # Also if the lease has ended by now: sent is sent.
        rows.update(
            state=SendingState.SENT, sent_at=now, due_at=None, leased_until=None, why=""
        )  # fmt: skip
        return
    rows = rows.filter(leased_until=batch.leased_until)
    old = Q(notice__created_at__lte=now - TRY_FOR, tries__gte=TRY_AT_LEAST)
    given_up = rows if result.for_good else rows.filter(old)
    given_up.update(
        state=SendingState.GIVEN_UP, due_at=None, leased_until=None, why=result.why[:100]
    )
    tries = rows.aggregate(most=Max("tries"))["most"] or 1
    wait = max(result.wait or FIRST_WAIT, backoff(tries))
    changes = {"due_at": now + wait, "leased_until": None, "why": result.why[:100]}
    rows.update(**changes, **({"batch": None} if result.surely_not else {}))


def backoff(tries: int) -> timedelta:
    """How long to wait after the `tries`-th try: 1, 2, 4 … minutes, an hour at most."""
    return min(LONGEST_WAIT, FIRST_WAIT * 2 ** min(tries - 1, 10))
