"""The notices that a member may see in the workspace, and which of them are unread."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef, Q, QuerySet

from platforms.models import ChatRobot, Notice, NoticeRead, Occasion
from platforms.notices.about_orders import ABOUT_ORDERS
from tenants.middleware import Workspace
from tenants.models import Duty, Membership, Store

UNREAD_FOR = timedelta(days=30)  # what is older counts as read
COUNT_TO = 99
MARK_AT_ONCE = 5_000


def visible_notices(work: Workspace) -> QuerySet[Notice]:
    """Managers see all; others what is about stores they are bound to, and of what is about
    checks and counts only those who may open them."""
    # By tenant even where the scope is wider: support's pages have this bell too.
    notices: QuerySet[Notice] = Notice.objects.filter(tenant=work.tenant)
    if work.can_manage:
        return notices
    operated = work.store_ids(Duty.OPERATOR)
    bound = {pk for duty in Duty for pk in work.store_ids(duty)}
    opened = Store.objects.filter(pk__in=bound).exclude(authorization=None)
    return notices.filter(
        Q(store__in=bound)
        | Q(occasion=Occasion.ENDS_SOON, authorization__in=opened.values("authorization"))
    ).exclude((Q(occasion=Occasion.CHECK_SUGGESTED) | ABOUT_ORDERS) & ~Q(store__in=operated))


def unread(notices: QuerySet[Notice], member: Membership, *, now: datetime) -> QuerySet[Notice]:
    """Those of `notices` that came since the member joined, not long ago, and were not read."""
    since = max(member.joined_at, now - UNREAD_FOR)
    read = NoticeRead.objects.filter(notice=OuterRef("pk"), membership=member)
    return notices.filter(created_at__gte=since).exclude(Exists(read))


def unread_count(work: Workspace, *, now: datetime) -> int:
    """For the bell: suggestions do not ring it. Counted no further than one beyond COUNT_TO."""
    if work.membership is None:
        return 0
    found = unread(visible_notices(work), work.membership, now=now)
    found = found.exclude(occasion=Occasion.CHECK_SUGGESTED)
    return len(found.values_list("pk", flat=True)[: COUNT_TO + 1])


def mark_read(notices: Iterable[Notice], member: Membership, *, now: datetime) -> None:
    """Safe to repeat."""
    rows = [
        NoticeRead(tenant_id=member.tenant_id, notice=notice, membership=member, at=now)
        for notice in notices
    ]
    NoticeRead.objects.bulk_create(rows, ignore_conflicts=True, batch_size=500)


def robots_in_trouble(work: Workspace) -> list[ChatRobot]:
    """Robots that did not take the last message, for those who can do something about it."""
    if not work.can_manage:
        return []
    robots = ChatRobot.objects.filter(tenant=work.tenant).exclude(refused_at=None)
    return list(robots.order_by("name"))


def healed(notices: Iterable[Notice]) -> set[int]:
    """The ids of those among `notices` whose break is over."""
    troubles = {
        notice.pk: notice.key.split(":")[1]
        for notice in notices
        if notice.occasion == Occasion.BROKE and ":" in notice.key
    }
    keys = {f"healed:{trouble}" for trouble in troubles.values()}
    over = set(Notice.objects.filter(key__in=keys).values_list("key", flat=True)) if keys else set()
    return {pk for pk, trouble in troubles.items() if f"healed:{trouble}" in over}
