"""Writing down what people should know, once, and for whom it is to be sent out.

The workspace shows a notice to everybody who may know its store. It also goes by e-mail to the
company's owners and the operators of the store, as each of them chose, and to chat robots.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from platforms.models import (
    App,
    Authorization,
    ChatRobot,
    Notice,
    NoticeChoice,
    Occasion,
    RobotStore,
    Sending,
    SendingState,
    Wanted,
)
from tenants.models import Binding, Duty, Membership, Role, Store

# What happens within this time after a notice may still join it in one message.
GATHER = timedelta(seconds=60)
URGENT = {Occasion.BROKE, Occasion.HEALED}
WORKSPACE_ONLY = {Occasion.CHECK_SUGGESTED}


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
    over. `data` holds facts for the texts (platforms/notice_texts.py), JSON, no secrets.
    """
    notice = Notice(
        tenant_id=tenant_id, occasion=occasion, key=key, store=store, authorization=authorization,
        app=app, fault=fault, data=dict(data or {}), created_at=now,
    )  # fmt: skip
    with transaction.atomic():
        # ON CONFLICT DO NOTHING: it waits for a rival's transaction and raises nothing. Whether
        # the row is ours is told by the id that we gave it.
        Notice.objects.bulk_create([notice], ignore_conflicts=True)
        written = Notice.objects.filter(key=key, public_id=notice.public_id).first()
        if written is None:
            return False
        if occasion not in WORKSPACE_ONLY:
            _address(written, now=now)
    return True


def stores_about(notice: Notice) -> list[Store]:
    """The stores a notice is about; none where it is about an application of the company."""
    if notice.occasion == Occasion.ENDS_SOON and notice.authorization is not None:
        opened = list(notice.authorization.stores.all())
        if opened:
            return sorted(opened, key=lambda store: store.pk)
    return [notice.store] if notice.store is not None else []


def members_to_tell(occasion: str, stores: Iterable[Store]) -> list[Membership]:
    """Who wants an e-mail about `occasion` at these stores, as things stand now."""
    pks = [store.pk for store in stores]
    current = Membership.objects.current()
    told = {member.pk: member for member in current.filter(role=Role.OWNER)}
    about: dict[int, set[int | None]] = {pk: set(pks) or {None} for pk in told}
    if pks:
        bindings = Binding.objects.current().filter(
            store__in=pks, duty=Duty.OPERATOR, membership__left_at=None
        )
        for binding in bindings.select_related("membership"):
            if binding.membership.role != Role.OWNER:
                told[binding.membership_id] = binding.membership
                about.setdefault(binding.membership_id, set()).add(binding.store_id)
    else:
        for member in current.filter(role=Role.ADMIN):
            told[member.pk] = member
            about[member.pk] = {None}
    choices = _choices(told)
    return [
        member
        for pk, member in sorted(told.items())
        if any(_wants(choices.get(pk, {}), store_id, occasion) for store_id in about[pk])
    ]


def robots_to_tell(occasion: str, stores: Iterable[Store]) -> list[ChatRobot]:
    """The active robots that are to tell of `occasion` at these stores, as things stand now."""
    robots = [r for r in ChatRobot.objects.filter(active=True) if occasion in r.occasions]
    pks = [store.pk for store in stores]
    choosy = [robot.pk for robot in robots if not robot.all_stores]
    chosen = set(
        RobotStore.objects.filter(robot__in=choosy, store__in=pks).values_list("robot", flat=True)
    )
    # What is about the whole company concerns no chosen store, and yet somebody must hear it.
    return [r for r in robots if r.all_stores or r.pk in chosen or not pks]


def _choices(members: Iterable[int]) -> dict[int, dict[int | None, str]]:
    found: dict[int, dict[int | None, str]] = {}
    for choice in NoticeChoice.objects.filter(membership__in=list(members)):
        found.setdefault(choice.membership_id, {})[choice.store_id] = choice.wanted
    return found


def _wants(choices: Mapping[int | None, str], store_id: int | None, occasion: str) -> bool:
    wanted = choices.get(store_id, choices.get(None, Wanted.ALL))
    return wanted == Wanted.ALL or (wanted == Wanted.URGENT and occasion in URGENT)


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
