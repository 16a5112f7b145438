"""What waits goes out once, in one message for each reader, or is tried again."""

from __future__ import annotations

import json
import smtplib
from datetime import timedelta

import pytest
from django.core import mail
from django.core.mail.backends.base import BaseEmailBackend
from django.db import transaction

from accounts.models import User
from platforms import tasks
from platforms.flows import send_notices
from platforms.flows.announce import GATHER
from platforms.models import Occasion, Sending, Wanted
from tenants.models import Binding, Membership, Store
from tests.platforms.notices.conftest import NOON

MINUTE = timedelta(minutes=1)
DUE = NOON + GATHER


class Broken(BaseEmailBackend):
    """A mail server that does what the test says."""

    at_open: Exception | None = None
    at_send: Exception | None = None
    seen: list[str] = []

    def open(self) -> bool:
        if Broken.at_open:
            raise Broken.at_open
        return True

    def send_messages(self, messages):
        Broken.seen += [each.extra_headers["Message-ID"] for each in messages]
        if Broken.at_send:
            raise Broken.at_send
        return len(messages)


@pytest.fixture
def server(settings):
    settings.EMAIL_BACKEND = f"{__name__}.Broken"
    Broken.at_open = Broken.at_send = None
    Broken.seen = []
    return Broken


def to(name):
    return [each for each in mail.outbox if each.to == [f"{name}@lotus.example"]]


def states(**filters):
    return sorted(Sending.objects.filter(**filters).values_list("state", flat=True))


def test_nothing_goes_out_before_the_minute_is_over(lotus):
    lotus.tell()
    lotus.send(DUE - timedelta(seconds=1))
    assert mail.outbox == []


def test_each_reader_gets_one_mail_and_no_second_one(lotus):
    lotus.tell()
    lotus.send(DUE)
    lotus.send(DUE + MINUTE)
    lotus.send(DUE + timedelta(days=1))
    assert sorted(each.to[0] for each in mail.outbox) == ["anna@lotus.example", "bo@lotus.example"]
    assert states() == ["sent", "sent"]


def test_the_pump_of_the_queue_sends_what_is_due(lotus):
    lotus.tell()
    assert tasks.pump_notices() == 2
    assert tasks.pump_notices() == 0
    assert len(mail.outbox) == 2


def test_a_break_and_its_healing_that_waited_together_are_one_mail(lotus):
    lotus.tell()
    lotus.tell(Occasion.HEALED, "healed:1", at=DUE + MINUTE)
    lotus.send(DUE + 3 * MINUTE)
    (letter,) = to("bo")
    assert "stopped working" in letter.body
    assert "works again" in letter.body


def test_many_at_once_are_one_mail_with_counts(lotus):
    for number in range(37):
        store = Store.objects.create(
            tenant=lotus.lotus, platform="ozon", account_name=f"shop_{number}", state="active"
        )
        lotus.tell(key=f"broke:o{number}", store=store, fault="token_revoked")
    lotus.tell(key="broke:tea", fault="bad_credentials")
    lotus.send(DUE)
    (letter,) = to("anna")
    assert letter.subject == (
        "[Storelink] 37 stores at Ozon stopped working: Permission ended; 1 more notice"
    )
    assert "and 27 more" in letter.body
    assert "Tea House (eBay, US) stopped working: Keys refused" in letter.body
    assert len(to("bo")) == 1
    assert "Ozon" not in to("bo")[0].body


def test_who_left_between_announcing_and_sending_gets_nothing(lotus):
    lotus.tell()
    Membership.objects.filter(user=lotus.bo).update(left_at=NOON)
    lotus.send(DUE)
    assert to("bo") == []
    assert states(membership=lotus.member(lotus.bo)) == ["dropped"]


@pytest.mark.parametrize("change", ["binding", "choice", "account", "store"])
def test_what_nobody_may_or_wants_to_hear_any_more_is_dropped(lotus, change):
    lotus.tell()
    if change == "binding":
        Binding.objects.update(ended_at=NOON)
    elif change == "choice":
        lotus.choose(lotus.bo, Wanted.NONE)
    elif change == "account":
        User.objects.filter(pk=lotus.bo.pk).update(is_active=False)
    else:
        Store.objects.filter(pk=lotus.tea.pk).update(state="unlinked")
    lotus.send(DUE)
    assert to("bo") == []
    assert states(membership=lotus.member(lotus.bo)) == ["dropped"]


def test_a_server_that_is_away_is_tried_again_with_longer_waits(lotus, server):
    lotus.tell()
    server.at_open = ConnectionRefusedError()
    due = []
    now = DUE
    for _ in range(9):
        lotus.send(now)
        now = Sending.objects.first().due_at
        due.append(now)
    waits = [round((b - a) / MINUTE) for a, b in zip([DUE, *due], due, strict=False)]
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    server.at_open = None
    lotus.send(now)
    assert states() == ["sent", "sent"]


def test_what_surely_did_not_arrive_joins_what_came_since(lotus, server):
    lotus.tell()
    server.at_open = ConnectionRefusedError()
    lotus.send(DUE)
    server.at_open = None
    lotus.tell(key="broke:2", at=DUE)
    lotus.send(DUE + 2 * MINUTE)
    assert len(server.seen) == 2
    assert Sending.objects.values("batch").distinct().count() == 2


def test_what_may_have_arrived_is_sent_again_as_the_same_message(lotus, server):
    lotus.choose(lotus.anna, Wanted.NONE)
    lotus.tell()
    server.at_send = TimeoutError()
    lotus.send(DUE)
    lotus.tell(key="broke:2", at=DUE)
    server.at_send = None
    lotus.send(DUE + 2 * MINUTE)
    assert len(server.seen) == 3
    assert len(set(server.seen)) == 2
    assert server.seen[0] in server.seen[1:]


def test_an_address_that_does_not_exist_is_given_up_at_once(lotus, server):
    lotus.tell()
    server.at_send = smtplib.SMTPRecipientsRefused({"x": (550, b"no such user")})
    lotus.send(DUE)
    assert states() == ["given_up", "given_up"]


def test_a_full_mailbox_is_tried_again(lotus, server):
    lotus.tell()
    server.at_send = smtplib.SMTPRecipientsRefused({"x": (452, b"mailbox full")})
    lotus.send(DUE)
    assert states() == ["waiting", "waiting"]


def test_after_two_days_it_is_given_up(lotus, server):
    lotus.tell()
    server.at_open = ConnectionRefusedError()
    now = DUE
    while Sending.objects.filter(state="waiting").exists():
        lotus.send(now)
        now = (Sending.objects.exclude(due_at=None).first() or Sending(due_at=now)).due_at
        assert now < NOON + timedelta(days=3)
    assert states() == ["given_up", "given_up"]
    assert now > NOON + timedelta(days=1, hours=22)


def test_we_were_down_for_days_and_still_tell(lotus):
    lotus.tell()
    lotus.send(NOON + timedelta(days=4))
    assert len(mail.outbox) == 2


def test_a_claimed_batch_is_not_claimed_twice_before_its_lease_ends(lotus):
    lotus.tell()
    assert len(send_notices.claim_due(limit=50, now=DUE)) == 2
    assert send_notices.claim_due(limit=50, now=DUE + MINUTE) == []
    again = send_notices.claim_due(limit=50, now=DUE + send_notices.LEASE)
    assert len(again) == 2


def test_a_late_worker_sends_nothing(lotus):
    lotus.tell()
    late = send_notices.claim_due(limit=50, now=DUE)
    lotus.send(DUE + send_notices.LEASE)
    assert len(mail.outbox) == 2
    for batch in late:
        assert not send_notices.send_batch(batch=batch, now=DUE)
    assert len(mail.outbox) == 2


def test_a_worker_that_waited_too_long_for_its_turn_leaves_it_to_another(lotus):
    lotus.tell()
    batches = send_notices.claim_due(limit=50, now=DUE)
    almost = DUE + send_notices.LEASE - MINUTE
    assert [send_notices.send_batch(batch=each, now=almost) for each in batches] == [False, False]
    assert mail.outbox == []


def test_a_rolled_back_break_tells_nobody(lotus):
    with transaction.atomic():
        lotus.tell()
        transaction.set_rollback(True)
    lotus.send(DUE)
    assert mail.outbox == []


# --- robots


def only_robots(lotus):
    for user in (lotus.anna, lotus.bo):
        lotus.choose(user, Wanted.NONE)


def test_a_robot_says_it_once(lotus):
    only_robots(lotus)
    robot = lotus.robot()
    lotus.tell(fault="token_revoked")
    (_method, url, _headers, body), *more = lotus.send(DUE, (200, b"ok")).sent
    assert (more, url.startswith("https://hooks.slack.com/")) == ([], True)
    assert "Tea House (eBay, US) stopped working" in body.decode()
    assert lotus.send(DUE + MINUTE).sent == []
    assert lotus.fresh(robot).last_ok_at == DUE
    assert mail.outbox == []


def test_a_robot_hears_only_of_its_stores(lotus):
    only_robots(lotus)
    lotus.robot(stores=[lotus.silk])
    lotus.tell()
    lotus.tell(key="broke:2", store="silk")
    (sent,) = lotus.send(DUE, (200, b"ok")).sent
    assert "silk" in sent[3].decode()
    assert "Tea House" not in sent[3].decode()


def test_many_at_once_are_one_message_of_a_robot(lotus):
    only_robots(lotus)
    lotus.robot()
    for number in range(30):
        lotus.tell(key=f"broke:{number}", fault="token_revoked")
    (sent,) = lotus.send(DUE, (200, b"ok")).sent
    assert "1 store at eBay stopped working" in sent[3].decode()


def test_a_robot_speaks_its_own_language(lotus):
    only_robots(lotus)
    lotus.robot(language="zh-hans")
    lotus.tell(fault="token_revoked", data={"since": NOON.isoformat()})
    (sent,) = lotus.send(DUE, (200, b"ok")).sent
    assert "2026年3月4日 20:00" in sent[3].decode()
    assert "Permission ended" not in sent[3].decode()


def test_programs_get_the_facts_of_each_notice(lotus):
    only_robots(lotus)
    lotus.robot(kind="webhook", address="https://erp.lotus.example/hook",
                secret="whsec_" + "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo=")  # fmt: skip
    lotus.tell(fault="token_revoked", data={"since": NOON.isoformat()})
    (sent,) = lotus.send(DUE, (200, b"")).sent
    notice = json.loads(sent[3])["data"]["notices"][0]
    assert notice["occasion"] == "broke"
    assert notice["fault"] == "token_revoked"
    assert notice["since"] == NOON.isoformat()
    assert notice["stores"][0]["id"] == str(lotus.tea.public_id)


def test_a_refusal_is_written_on_the_robot_and_tried_again(lotus):
    only_robots(lotus)
    robot = lotus.robot()
    lotus.tell()
    lotus.send(DUE, (404, b"no_service"))
    assert lotus.fresh(robot).refused_at == DUE
    assert lotus.fresh(robot).refused_why == "gone"
    assert states(robot=robot) == ["waiting"]
    lotus.send(DUE + MINUTE, (200, b"ok"))
    assert lotus.fresh(robot).refused_at is None
    assert states(robot=robot) == ["sent"]


def test_a_robot_that_refuses_for_a_day_is_switched_off(lotus):
    only_robots(lotus)
    robot = lotus.robot()
    lotus.tell()
    now, tries = DUE, 0
    while lotus.fresh(robot).active:
        lotus.send(now, (404, b"no_service"))
        now, tries = now + timedelta(hours=1), tries + 1
        assert tries < 40
    assert now - NOON >= timedelta(days=1)
    assert tries >= 20
    assert states(robot=robot) == ["dropped"]
    assert lotus.fresh(robot).refused_why == "gone"


def test_a_robot_that_is_asked_too_fast_waits_as_long_as_it_was_told(lotus):
    only_robots(lotus)
    robot = lotus.robot()
    lotus.tell()
    lotus.send(DUE, (429, b"", {"retry-after": "300"}))
    assert Sending.objects.get(robot=robot).due_at == DUE + timedelta(seconds=300)
    assert lotus.fresh(robot).refused_at is None


def test_a_robot_that_is_switched_off_meanwhile_says_nothing(lotus):
    only_robots(lotus)
    robot = lotus.robot()
    lotus.tell()
    type(robot).objects.update(active=False)
    assert lotus.send(DUE).sent == []
    assert states(robot=robot) == ["dropped"]


def test_address_and_secret_are_sealed_and_nowhere_in_clear(lotus, caplog):
    robot = lotus.robot()
    lotus.tell()
    with caplog.at_level("DEBUG"):
        lotus.send(DUE, (404, b"no_service"))
    row = lotus.fresh(robot)
    shown = [repr(row), str(row), bytes(row.sealed_address).decode("latin1"), row.address_hint]
    assert not [text for text in [*shown, caplog.text] if "markerOfThe" in text]
