"""Our messages at robots that check them: the emulator computes signatures on its own."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from django.test import override_settings
from werkzeug.test import Client

from platforms import transport
from platforms.emulator import robots as played
from platforms.emulator.app import Emulator
from platforms.robots import KINDS
from platforms.robots.outbound import Sent, send
from platforms.robots.spec import Outcome
from tests.platforms.robots.says import NOW, message
from tests.support.wire import EMULATOR_URL, InProcess


class Group:
    """The emulator's robots, at a time of its own."""

    def __init__(self) -> None:
        self.now = NOW
        self.emulator = Emulator(clock=lambda: self.now.timestamp())
        self.client = Client(self.emulator)
        self.known = self.client.get("/robots/known").get_json()["robots"]

    def say(self, code: str, name: str, *, now: datetime | None = None, **changed: object) -> Sent:
        (robot,) = [r for r in self.known if (r["kind"], r["name"]) == (code, name)]
        secret = str(changed.pop("secret", robot["secret"]))
        if code == "webhook":
            secret = secret or "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
        return send(KINDS[code], message(**changed), robot["address"], secret, now or self.now)

    @property
    def received(self) -> list[dict[str, object]]:
        found: list[dict[str, object]] = self.client.get("/robots/received").get_json()["received"]
        return found


@pytest.fixture
def group() -> Iterator[Group]:
    group = Group()
    with (
        override_settings(
            ALLOW_ENDPOINT_OVERRIDES=True, ROBOT_ENDPOINTS=played.endpoints(EMULATOR_URL)
        ),
        transport.use_wire(InProcess(group.emulator)),
    ):
        yield group


def test_every_kind_is_played():
    assert set(played.endpoints("http://x")) == set(KINDS)


HEALTHY = [
    ("dingtalk", "signed", True),
    ("dingtalk", "keyword Storelink", False),
    ("feishu", "signed", True),
    ("feishu", "open to all", False),
    ("feishu", "keyword Storelink", False),
    ("lark", "signed", True),
    ("wecom", "healthy", False),
    ("slack", "healthy", False),
    ("webhook", "checks signatures", True),
    ("webhook", "checks nothing until a secret is set", False),
]


@pytest.mark.parametrize(("code", "name", "signed"), HEALTHY)
@pytest.mark.parametrize("url", ["https://storelink.example/stores/1/", ""])
def test_a_message_is_accepted_and_shown(group, code, name, signed, url):
    assert group.say(code, name, url=url, lines=("@all <!channel> <at id=all>",)).ok

    (received,) = group.received
    assert (received["kind"], received["robot"], received["signed"]) == (code, name, signed)
    assert received["rings"] == []
    if code != "webhook":
        assert "Tea House needs you" in received["title"]
        assert received["url"] == url
    assert "Tea House" in group.client.get("/robots/").get_data(as_text=True)


REFUSED = [
    ("dingtalk", "keyword Alarm", "refused", "keyword"),
    ("dingtalk", "one IP address only", "refused", "ip_not_allowed"),
    ("dingtalk", "system busy", "later", "down"),
    ("feishu", "keyword Alarm", "refused", "keyword"),
    ("feishu", "one IP address only", "refused", "ip_not_allowed"),
    ("feishu", "too busy at full hours", "later", "too_fast"),
    ("lark", "keyword Alarm", "refused", "keyword"),
    ("wecom", "system busy", "later", "down"),
    ("slack", "archived channel", "refused", "channel_closed"),
    ("slack", "forbidden by the workspace", "refused", "forbidden"),
    ("slack", "disturbed", "later", "down"),
    ("webhook", "gone for good", "refused", "gone"),
    ("webhook", "moved elsewhere", "refused", "redirected"),
    ("webhook", "down", "later", "down"),
]


@pytest.mark.parametrize(("code", "name", "outcome", "reason"), REFUSED)
def test_a_refusal_is_understood(group, code, name, outcome, reason):
    verdict = group.say(code, name).verdict
    assert (verdict.outcome, verdict.reason) == (outcome, reason)
    assert group.received == []


OTHER = {
    "dingtalk": "SEC" + "00" * 32,
    "feishu": "0" * 22,
    "lark": "0" * 22,
    "webhook": "whsec_" + "A" * 32,
}


@pytest.mark.parametrize("code", OTHER)
def test_another_secret_is_refused(group, code):
    name = "checks signatures" if code == "webhook" else "signed"
    verdict = group.say(code, name, secret=OTHER[code]).verdict
    reason = "rejected" if code == "webhook" else "signature"
    assert (verdict.reason, group.received) == (reason, [])


@pytest.mark.parametrize(
    ("code", "off", "reason"),
    [
        ("dingtalk", timedelta(minutes=61), "clock"),
        ("feishu", timedelta(minutes=61), "signature"),
        ("webhook", timedelta(minutes=6), "rejected"),
    ],
)
def test_a_clock_that_is_off_is_refused(group, code, off, reason):
    name = "checks signatures" if code == "webhook" else "signed"
    for moment in (group.now - off, group.now + off):
        assert group.say(code, name, now=moment).verdict.reason == reason
    assert group.say(code, name, now=group.now - off / 2).ok


@pytest.mark.parametrize("code", ["dingtalk", "feishu", "lark", "wecom", "slack"])
def test_a_robot_that_nobody_made_is_gone(group, code):
    (address, *_rest) = [r["address"] for r in group.known if r["kind"] == code]
    other = address[:-4] + ("0" * 4 if address[-4:] != "0000" else "1111")
    verdict = send(KINDS[code], message(), other, "", group.now).verdict
    assert (verdict.outcome, verdict.reason) == (Outcome.REFUSED, "gone")


@pytest.mark.parametrize(
    ("code", "name", "most", "silence_s", "told_s"),
    [
        ("dingtalk", "keyword Storelink", 20, 600, 600),
        ("feishu", "open to all", 5, 1, 60),
        ("wecom", "healthy", 20, 60, 60),
        ("slack", "healthy", 5, 5, 5),
    ],
)
def test_a_robot_takes_only_so_many_messages(group, code, name, most, silence_s, told_s):
    assert all(group.say(code, name).ok for _ in range(most))

    verdict = group.say(code, name).verdict

    assert (verdict.outcome, verdict.reason) == (Outcome.LATER, "too_fast")
    assert verdict.retry_after == timedelta(seconds=told_s)
    group.now += timedelta(seconds=silence_s - 0.5)
    assert not group.say(code, name).ok
    group.now += timedelta(seconds=1)
    assert group.say(code, name).ok


def test_our_own_limits_are_not_above_the_robots(group):
    """Whoever keeps `Kind.limits` is never refused for being too fast."""
    for code, kind in KINDS.items():
        rules = played.RULES[code].limits
        for most, within_s, _silence in rules:
            assert any(limit.burst + limit.rate * within_s <= most for limit in kind.limits)


def test_a_webhooks_secret_can_be_told_to_the_receiver(group):
    open_to_all = "checks nothing until a secret is set"
    (hook,) = [r for r in group.known if r["name"] == open_to_all]
    group.client.post(
        "/robots/secret", data={"address": hook["address"], "secret": OTHER["webhook"]}
    )
    assert group.say("webhook", open_to_all).verdict.reason == "rejected"
    assert group.say("webhook", open_to_all, secret=OTHER["webhook"]).ok


def test_what_was_received_can_be_forgotten_and_survives_a_restart(group, tmp_path):
    path = tmp_path / "state.json"
    emulator = Emulator(state_path=path, clock=lambda: NOW.timestamp())
    with transport.use_wire(InProcess(emulator)):
        group.say("slack", "healthy")
    again = Client(Emulator(state_path=path))
    assert len(again.get("/robots/received").get_json()["received"]) == 1
    assert again.post("/robots/clear").status_code == 303
    assert again.get("/robots/received").get_json()["received"] == []


def test_the_page_escapes_what_it_shows(group):
    group.say("webhook", "checks signatures", data={"x": "<script>alert(1)</script>"})
    page = group.client.get("/robots/").get_data(as_text=True)
    assert "<script" not in page
    assert "&lt;script&gt;" in page


def test_a_robot_rings_where_a_message_has_mentions(group):
    """The oracle of the tests about hostile names sees what it looks for."""
    base = {r["kind"]: r for r in reversed(group.known)}
    bodies = {
        "slack": {"text": "<!channel> x"},
        "wecom": {"msgtype": "markdown", "markdown": {"content": "x <@all>"}},
        "dingtalk": {
            "msgtype": "markdown",
            "markdown": {"title": "Storelink", "text": "x"},
            "at": {"isAtAll": True},
        },
    }
    paths = {
        "slack": next(r["address"] for r in group.known if r["name"] == "healthy"
                      and r["kind"] == "slack"),
        "wecom": next(r["address"] for r in group.known if r["name"] == "healthy"
                      and r["kind"] == "wecom"),
        "dingtalk": next(r["address"] for r in group.known if r["name"] == "keyword Storelink"
                         and r["kind"] == "dingtalk"),
    }  # fmt: skip
    assert set(base) == set(KINDS)
    for code, body in bodies.items():
        path = "/" + paths[code].split("/", 3)[3]
        group.client.post(f"/robots/{code}{path}", json=body)
    assert [bool(r["rings"]) for r in group.received] == [True, True, True]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/robots/", 200), ("GET", "/robots/nothing", 404), ("GET", "/robots/clear", 404),
     ("GET", "/robots/slack/services/x", 404)],
)  # fmt: skip
def test_pages_are_where_they_are(group, method, path, status):
    assert group.client.open(path, method=method).status_code == status


def test_times_are_told_in_utc(group):
    group.say("slack", "healthy")
    assert group.received[0]["at"] == NOW.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
