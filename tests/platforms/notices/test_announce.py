"""Who is to be told, once."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from platforms import tasks
from platforms.flows.announce import GATHER, announce
from platforms.models import ChatRobot, Notice, NoticeRead, Occasion, Sending, Wanted
from platforms.notices.board import mark_read
from tenants.models import Duty
from tenants.scope import tenant_scope
from tests.conftest import bind
from tests.platforms.notices.conftest import NOON, Lotus

SOON, LATER = timedelta(seconds=20), timedelta(minutes=20)


def told(**filters):
    """The e-mail addresses and robots' names that have a sending under way."""
    rows = Sending.objects.filter(**filters).exclude(state="dropped")
    return sorted(
        row.robot.name if row.robot else row.membership.user.email.split("@")[0]
        for row in rows.select_related("robot", "membership__user")
    )


def test_the_owner_and_the_stores_operators_are_told_after_a_minute(lotus):
    assert lotus.tell()
    assert told() == ["anna", "bo"]
    assert set(Sending.objects.values_list("due_at", flat=True)) == {NOON + GATHER}


def test_a_key_counts_once(lotus):
    assert lotus.tell()
    assert not lotus.tell(at=NOON + LATER)
    assert Notice.objects.get().created_at == NOON
    assert told() == ["anna", "bo"]


def test_the_same_key_of_another_company_is_another_notice(world):
    with tenant_scope(world.lotus):
        assert Lotus(world).tell()
    with tenant_scope(world.maple):
        assert announce(
            tenant_id=world.maple.pk, occasion=Occasion.BROKE, key="broke:1", now=NOON,
            store=world.syrup,
        )  # fmt: skip
        assert told() == ["dan"]


def test_who_left_or_lost_the_duty_is_not_told(lotus):
    bind(lotus.member(lotus.cai), lotus.tea, Duty.OPERATOR)
    lotus.member(lotus.bo).bindings.update(ended_at=NOON)
    type(lotus.member(lotus.cai)).objects.filter(user=lotus.cai).update(left_at=NOON)
    lotus.tell()
    assert told() == ["anna"]


def test_news_without_a_store_go_to_owners_and_admins(lotus):
    lotus.tell(Occasion.SECRET_ENDS, "secret:1", store=None)
    assert told() == ["ada", "anna"]


def test_a_suggestion_stays_in_the_workspace(lotus):
    lotus.robot("slack")
    assert lotus.tell(Occasion.CHECK_SUGGESTED, "check:1")
    assert told() == []


@pytest.mark.parametrize(
    ("wanted", "occasion", "hears"),
    [
        (Wanted.ALL, Occasion.ENDS_SOON, True),
        (Wanted.URGENT, Occasion.ENDS_SOON, False),
        (Wanted.URGENT, Occasion.BROKE, True),
        (Wanted.NONE, Occasion.BROKE, False),
    ],
)
def test_a_member_chooses_what_to_hear(lotus, wanted, occasion, hears):
    lotus.choose(lotus.bo, wanted)
    lotus.tell(occasion, "x:1")
    assert ("bo" in told()) is hears


def test_the_choice_for_a_store_counts_more_than_the_general_one(lotus):
    lotus.choose(lotus.anna, Wanted.NONE)
    lotus.choose(lotus.anna, Wanted.ALL, lotus.silk)
    lotus.tell(key="broke:1")
    lotus.tell(key="broke:2", store="silk")
    assert told(notice__key="broke:1") == ["bo"]
    assert told(notice__key="broke:2") == ["anna"]


def test_a_robot_tells_of_its_occasions_and_stores(lotus):
    lotus.robot("all")
    off = lotus.robot("off")
    ChatRobot.objects.filter(pk=off.pk).update(active=False)
    lotus.robot("ends", occasions=[Occasion.ENDS_SOON])
    lotus.robot("silk", stores=[lotus.silk])
    lotus.tell()
    lotus.tell(key="broke:2", store="silk")
    assert told(notice__key="broke:1", membership=None) == ["all"]
    assert told(notice__key="broke:2", membership=None) == ["all", "silk"]


def test_what_healed_before_anybody_was_told_is_sent_to_nobody(lotus):
    lotus.robot("chat")
    lotus.tell()
    assert lotus.tell(Occasion.HEALED, "healed:1", at=NOON + SOON)
    assert told() == []
    assert Notice.objects.count() == 2


def test_who_will_be_told_of_the_break_is_told_of_the_healing(lotus):
    lotus.robot("chat")
    lotus.tell()
    bind(lotus.member(lotus.cai), lotus.tea, Duty.OPERATOR)
    lotus.tell(Occasion.HEALED, "healed:1", at=NOON + LATER)
    assert told(notice__key="healed:1") == ["anna", "bo", "chat"]


def test_a_second_break_of_the_same_trouble_counts_too(lotus):
    lotus.tell()
    Sending.objects.update(state="sent", due_at=None)
    lotus.tell(key="broke:1:token_revoked", at=NOON + LATER)
    lotus.tell(Occasion.HEALED, "healed:1", at=NOON + LATER + SOON)
    assert told(notice__key="broke:1:token_revoked") == []
    assert told(notice__key="healed:1") == ["anna", "bo"]


def test_another_trouble_is_not_touched_by_a_healing(lotus):
    lotus.tell(key="broke:12")
    lotus.tell(key="broke:1")
    lotus.tell(Occasion.HEALED, "healed:1", at=NOON + SOON)
    assert told(notice__key="broke:12") == ["anna", "bo"]


def test_old_notices_are_forgotten_with_all_that_hangs_on_them(lotus):
    lotus.tell(at=timezone.now() - timedelta(days=181))
    lotus.tell(key="broke:2", at=timezone.now() - timedelta(days=179))
    mark_read(Notice.objects.all(), lotus.member(lotus.bo), now=timezone.now())
    tasks.pump_retention()
    assert Notice.objects.get().key == "broke:2"
    assert set(Sending.objects.values_list("notice__key", flat=True)) == {"broke:2"}
    assert NoticeRead.objects.count() == 1
