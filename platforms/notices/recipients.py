"""Who is told of a notice: asked when it is written, and once more when it is sent.

By e-mail the company's owners and the operators of the store; of what is about no store, owners
and admins. Each of them chooses, and each chat robot has its occasions and stores.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from platforms.models import ChatRobot, Notice, NoticeChoice, Occasion, RobotStore, Wanted
from tenants.models import Binding, Duty, Membership, Role, Store

URGENT = {Occasion.BROKE, Occasion.HEALED}
WORKSPACE_ONLY = {Occasion.CHECK_SUGGESTED}


@dataclass(frozen=True, kw_only=True)
class Reader:
    """A member as far as notices go. `choices` are by store id, under None what holds for all
    stores without a choice of their own."""

    role: str
    operates: frozenset[int] = frozenset()
    choices: Mapping[int | None, str] = field(default_factory=dict)

    def is_told(self, occasion: str, store_ids: Collection[int]) -> bool:
        """Whether an e-mail about `occasion` at these stores (none: about the company) is due."""
        if not store_ids:
            return self.role in (Role.OWNER, Role.ADMIN) and self._wants(None, occasion)
        concerned = store_ids if self.role == Role.OWNER else self.operates.intersection(store_ids)
        return any(self._wants(store_id, occasion) for store_id in concerned)

    def _wants(self, store_id: int | None, occasion: str) -> bool:
        wanted = self.choices.get(store_id, self.choices.get(None, Wanted.ALL))
        return wanted == Wanted.ALL or (wanted == Wanted.URGENT and occasion in URGENT)


def stores_about(notice: Notice) -> list[Store]:
    """The stores a notice is about; none where it is about an application of the company."""
    if notice.occasion == Occasion.ENDS_SOON and notice.authorization is not None:
        opened = [store for store in notice.authorization.stores.all() if store.is_linked]
        if opened:
            return sorted(opened, key=lambda store: store.pk)
    return [notice.store] if notice.store is not None else []


def readers(members: Iterable[Membership]) -> dict[int, Reader]:
    """What these members are told, by membership id, in two queries."""
    rows = {member.pk: member for member in members}
    operates: dict[int, set[int]] = {}
    for member_id, store_id in (
        Binding.objects.current()
        .filter(membership__in=rows, duty=Duty.OPERATOR)
        .values_list("membership", "store")
    ):
        operates.setdefault(member_id, set()).add(store_id)
    choices: dict[int, dict[int | None, str]] = {}
    for choice in NoticeChoice.objects.filter(membership__in=rows):
        choices.setdefault(choice.membership_id, {})[choice.store_id] = choice.wanted
    return {
        pk: Reader(
            role=row.role,
            operates=frozenset(operates.get(pk, ())),
            choices=choices.get(pk, {}),
        )
        for pk, row in rows.items()
    }


def members_to_tell(occasion: str, stores: Iterable[Store]) -> list[Membership]:
    """Who gets an e-mail about `occasion` at these stores, as things stand now."""
    store_ids = {store.pk for store in stores}
    bound = Binding.objects.current().filter(store__in=store_ids, duty=Duty.OPERATOR)
    everybody = Membership.objects.current()
    found = everybody.filter(role__in=[Role.OWNER, Role.ADMIN]) | everybody.filter(
        pk__in=bound.values("membership")
    )
    members = list(found.order_by("pk"))
    known = readers(members)
    return [row for row in members if known[row.pk].is_told(occasion, store_ids)]


def robots_to_tell(occasion: str, stores: Iterable[Store]) -> list[ChatRobot]:
    """The active robots that tell of `occasion` at these stores, as things stand now."""
    store_ids = {store.pk for store in stores}
    robots = list(ChatRobot.objects.filter(active=True).order_by("pk"))
    chosen = stores_chosen(robots)
    return [row for row in robots if is_told(row, chosen.get(row.pk, ()), occasion, store_ids)]


def stores_chosen(robots: Iterable[ChatRobot]) -> dict[int, set[int]]:
    """The ids of the stores chosen for each of the robots that do not tell of all."""
    found: dict[int, set[int]] = {}
    choosy = [row.pk for row in robots if not row.all_stores]
    rows = RobotStore.objects.filter(robot__in=choosy)
    for robot_id, store_id in rows.values_list("robot", "store"):
        found.setdefault(robot_id, set()).add(store_id)
    return found


def is_told(
    robot: ChatRobot, chosen: Collection[int], occasion: str, store_ids: AbstractSet[int]
) -> bool:
    if not robot.active or occasion not in robot.occasions:
        return False
    # What is about the company concerns none of the chosen stores, and yet somebody must hear it.
    return robot.all_stores or not store_ids or not store_ids.isdisjoint(chosen)
