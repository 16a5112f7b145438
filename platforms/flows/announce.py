"""Writing down what people should know, once, and for whom it is to be sent out.

The workspace shows a notice to everybody who may know its store. Who is told by e-mail and by
robot is decided in platforms/notices/recipients.py; platforms/flows/send_notices.py sends.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from platforms.models import (
    App,
    Authorization,
    ChatRobot,
    Notice,
    Occasion,
    Sending,
    SendingState,
)
from platforms.notices.recipients import (
    WORKSPACE_ONLY,
    members_to_tell,
    robots_to_tell,
    stores_about,
)
from tenants.models import Membership, Store

# What happens within this time after a notice may still join it in one message.
GATHER = timedelta(seconds=60)
KEPT = timedelta(days=180)
FORGET_AT_ONCE = 2_000


def announce(
    *,
    tenant_id: int,
    occasion: Occasion,
    key: str,
    now: datetime,
    store: Store | None = None,
    authorization: Authorization | None = None,
    app: App | None = None,
    fault: str = "",
    data: Mapping[str, object] | None = None,
) -> bool:
    """Write a notice and its sendings, in the caller's transaction and tenant scope; True if
    it was new. Safe to repeat, by any number of workers at once: `key` (at most 150 characters)
    counts once in a tenant.

    A notice of healing has the key of its break with "healed:" in the place of "broke:" (the
    break's may go on after another ":"): who was not told of the break is not told that it is
    over. `data` holds facts for the texts (platforms/notices/texts.py), JSON, no secrets.
    """
    notice = Notice(
        tenant_id=tenant_id, occasion=occasion, key=key, store=store, authorization=authorization,
        app=app, fault=fault, data=dict(data or {}), created_at=now,
    )  # fmt: skip
    with transaction.atomic():
        # ON CONFLICT DO NOTHING: it waits for a rival's transaction and raises nothing. Whether
        # the row is ours is told by the id that we gave it.
        Notice.objects.bulk_create([notice], ignore_conflicts=True)
        ours = Notice.objects.filter(key=key, public_id=notice.public_id)
        notice.pk = ours.values_list("pk", flat=True).first()
        if notice.pk is None:
            return False
        if occasion not in WORKSPACE_ONLY:
            _address(notice, now=now)
    return True


def expire_notices(*, now: datetime) -> int:
    """Forget old notices, with their sendings and who read them; how many rows. Must run in a
    scope of all tenants; each run forgets some."""
    old = Notice.objects.filter(created_at__lte=now - KEPT).values_list("pk", flat=True)
    return Notice.objects.filter(pk__in=list(old[:FORGET_AT_ONCE])).delete()[0]


def _address(notice: Notice, *, now: datetime) -> None:
    """One sending for everybody who is to be told."""
    stores = stores_about(notice)
    members = members_to_tell(notice.occasion, stores)
    robots = robots_to_tell(notice.occasion, stores)
    if notice.occasion == Occasion.HEALED:
        members, robots = _who_knew(notice, members, robots, now=now)
    recipients: list[tuple[Membership | None, ChatRobot | None]] = [
        *((member, None) for member in members),
        *((None, robot) for robot in robots),
    ]
    Sending.objects.bulk_create(
        Sending(
            tenant_id=notice.tenant_id, notice=notice, membership=member, robot=robot,
            due_at=now + GATHER,
        )
        for member, robot in recipients
    )  # fmt: skip


def _who_knew(
    notice: Notice, members: list[Membership], robots: list[ChatRobot], *, now: datetime
) -> tuple[list[Membership], list[ChatRobot]]:
    """Those who were told that it broke, or still will be. What broke and healed before anybody
    was told is not sent at all; the workspace shows both."""
    trouble = notice.key.partition(":")[2]
    broke = Notice.objects.filter(
        Q(key=f"broke:{trouble}") | Q(key__startswith=f"broke:{trouble}:"), occasion=Occasion.BROKE
    )
    if not trouble or not broke.exists():
        return members, robots
    told = Sending.objects.filter(notice__in=broke)
    told.filter(state=SendingState.WAITING, batch=None, due_at__gt=now).update(
        state=SendingState.DROPPED, due_at=None, why="healed"
    )
    knew = list(told.exclude(state=SendingState.DROPPED).values_list("membership", "robot"))
    member_pks, robot_pks = {pk for pk, _ in knew}, {pk for _, pk in knew}
    return (
        [member for member in members if member.pk in member_pks],
        # A robot that is only to tell of healing never heard of the break.
        [r for r in robots if r.pk in robot_pks or Occasion.BROKE not in r.occasions],
    )
