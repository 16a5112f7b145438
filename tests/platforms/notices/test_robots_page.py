"""Chat robots as managers keep them; addresses and secrets go in and never out."""

from __future__ import annotations

from html import unescape

import pytest
from django.urls import reverse

from platforms import transport
from platforms.emulator.robots_known import KNOWN
from platforms.models import ChatRobot, RobotStore
from platforms.robots import KINDS
from tenants.models import Event
from tests.platforms.notices.conftest import HOOK
from tests.support.wire import Script, emulated

SECRET = "SEC" + "ab" * 32


def filled(**changes):
    return {
        "name": "Team", "address": HOOK, "language": "en", "occasions": ["broke", "healed"],
        "which": "all",
    } | changes  # fmt: skip


def add(lotus, kind="slack", **changes):
    answer = lotus.client(lotus.anna).post(reverse("robot_add", args=[kind]), filled(**changes))
    return answer, ChatRobot.objects.order_by("-pk").first()


def trial(lotus, robot, *answers):
    script = Script(*answers)
    with transport.use_wire(script):
        page = lotus.client(lotus.anna).post(
            reverse("robot_try", args=[robot.public_id]), follow=True
        )
    return script, unescape(page.content.decode())


def test_a_manager_adds_a_robot(lotus):
    answer, robot = add(lotus)
    assert answer.url == reverse("robots")
    assert (robot.name, robot.kind, robot.occasions) == ("Team", "slack", ["broke", "healed"])
    assert robot.created_by == lotus.anna
    assert Event.objects.filter(verb="robot.added").get().actor == lotus.anna


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_kind_of_robot_can_be_added_with_its_guide(lotus, kind):
    known = next(row for row in KNOWN[kind] if not row.fate)
    guide = lotus.client(lotus.anna).get(reverse("robot_add", args=[kind]))
    assert guide.content.count(b"<li>") >= len(KINDS[kind].where)
    given = {"address": known.address} | ({"secret": known.secret} if known.secret else {})
    answer, robot = add(lotus, kind, **given)
    assert answer.status_code == 302
    assert robot.kind == kind


def test_the_secret_of_a_webhook_is_made_by_us(lotus):
    page = lotus.client(lotus.anna).get(reverse("robot_add", args=["webhook"]))
    made = page.context["form"]["secret"].value()
    assert made.encode() in page.content
    answer, robot = add(lotus, "webhook", address="https://hooks.lotus.example/in", secret=made)
    assert answer.status_code == 302
    assert robot.sealed_secret is not None


def test_a_wrong_address_or_secret_is_explained(lotus):
    for kind, changes in (
        ("slack", {"address": "https://evil.example/x"}),
        ("slack", {"address": ""}),
        ("dingtalk", {"address": "https://oapi.dingtalk.com/robot/send?access_token=" + "a" * 64,
                      "secret": "not one"}),
        ("slack", {"occasions": []}),
        ("slack", {"which": "some"}),
    ):  # fmt: skip
        answer, robot = add(lotus, kind, **changes)
        assert answer.status_code == 200
        assert b"errorlist" in answer.content
        assert robot is None


def test_a_robot_of_some_stores_keeps_them(lotus):
    _answer, robot = add(lotus, which="some", stores=[lotus.silk.public_id])
    assert list(RobotStore.objects.values_list("store", flat=True)) == [lotus.silk.pk]
    answer, _robot = add(lotus, which="some", stores=[lotus.syrup.public_id])  # not of Lotus
    assert answer.status_code == 200
    form = lotus.client(lotus.anna).get(reverse("robot", args=[robot.public_id]))
    ticked = [row for row in form.content.decode().split("<input") if "checked" in row]
    assert any(str(lotus.silk.public_id) in row for row in ticked)


def test_address_and_secret_are_never_shown_again(lotus):
    address = "https://oapi.dingtalk.com/robot/send?access_token=" + "c0" * 32
    _answer, robot = add(lotus, "dingtalk", address=address, secret=SECRET)
    browser = lotus.client(lotus.anna)
    for path in (reverse("robots"), reverse("robot", args=[robot.public_id]), reverse("events")):
        shown = browser.get(path).content.decode()
        assert "c0c0c0" not in shown
        assert "abababab" not in shown
    assert "oapi.dingtalk.com …c0c0" in browser.get(reverse("robots")).content.decode()


def test_an_empty_field_keeps_what_is_there(lotus):
    address = "https://oapi.dingtalk.com/robot/send?access_token=" + "c0" * 32
    _answer, robot = add(lotus, "dingtalk", address=address, secret=SECRET)
    before = bytes(robot.sealed_address), bytes(robot.sealed_secret)
    edit = reverse("robot", args=[robot.public_id])
    lotus.client(lotus.anna).post(edit, filled(name="Other", address="", secret=""))
    robot.refresh_from_db()
    assert robot.name == "Other"
    assert (bytes(robot.sealed_address), bytes(robot.sealed_secret)) == before
    lotus.client(lotus.anna).post(edit, filled(address="", secret="", forget_secret="on"))
    robot.refresh_from_db()
    assert robot.sealed_secret is None


def test_the_trial_says_that_it_arrived(lotus):
    robot = lotus.robot()
    script, page = trial(lotus, robot, (200, b"ok"))
    assert "Storelink can write here" in script.sent[0][3].decode()
    assert "Team took the trial message" in page
    assert lotus.fresh(robot).last_ok_at is not None
    assert Event.objects.filter(verb="robot.tested", outcome="done").count() == 1


def test_the_trial_says_in_plain_words_why_it_did_not_arrive(lotus):
    robot = lotus.robot()
    _script, page = trial(lotus, robot, (404, b"no_service"))
    assert KINDS["slack"].explain("gone") in page
    assert "Does not take messages" in page
    assert Event.objects.filter(verb="robot.tested", outcome="failed").count() == 1


def test_a_signed_trial_is_taken_by_the_emulators_robot(lotus, settings):
    known = KNOWN["dingtalk"][0]
    robot = lotus.robot(kind="dingtalk", address=known.address, secret=known.secret)
    with emulated():
        page = lotus.client(lotus.anna).post(
            reverse("robot_try", args=[robot.public_id]), follow=True
        )
    assert "took the trial message" in unescape(page.content.decode())


def test_a_refusing_robot_shows_in_the_notice_centre_of_managers(lotus):
    robot = lotus.robot()
    trial(lotus, robot, (404, b"no_service"))
    centre = reverse("notices")
    assert b"did not take our last message" in lotus.client(lotus.ada).get(centre).content
    assert b"did not take our last message" not in lotus.client(lotus.bo).get(centre).content
    bell = lotus.client(lotus.ada).get(reverse("notices_bell")).content
    assert b">!<" in bell


def test_a_robot_is_switched_off_and_on(lotus):
    robot = lotus.robot()
    switch = reverse("robot_switch", args=[robot.public_id])
    lotus.client(lotus.anna).post(switch, {"active": "0"})
    assert not lotus.fresh(robot).active
    assert b"Switched off" in lotus.client(lotus.anna).get(reverse("robots")).content
    lotus.client(lotus.anna).post(switch, {"active": "1"})
    assert lotus.fresh(robot).active
    verbs = Event.objects.filter(verb__startswith="robot.switched").values_list("verb", flat=True)
    assert sorted(verbs) == ["robot.switched_off", "robot.switched_on"]


def test_a_robot_is_removed_with_all_it_knew(lotus):
    robot = lotus.robot()
    lotus.tell()
    lotus.client(lotus.anna).post(reverse("robot_remove", args=[robot.public_id]))
    assert not ChatRobot.objects.exists()
    assert Event.objects.get(verb="robot.removed").target_name == "Team"


def test_there_is_an_end_to_robots(lotus, monkeypatch):
    for number in range(20):
        lotus.robot(f"robot {number}")
    answer, _robot = add(lotus)
    assert b"enough robots" in answer.content
    assert ChatRobot.objects.count() == 20


def test_members_and_strangers_do_not_handle_robots(lotus):
    robot = lotus.robot()
    for name in ("robot_try", "robot_switch", "robot_remove", "robot"):
        address = reverse(name, args=[robot.public_id])
        assert lotus.client(lotus.bo).post(address).status_code == 403
        assert lotus.client(lotus.dan).post(address).status_code == 404
    assert lotus.fresh(robot).active
