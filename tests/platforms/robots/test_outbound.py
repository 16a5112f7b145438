"""The way out over real sockets: only public hosts, the very address that was checked, bounded,
and nothing told about what was sent."""

from __future__ import annotations

import logging
import socket
import ssl
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest

from platforms import transport
from platforms.errors import PlatformError
from platforms.robots import KINDS, outbound
from platforms.robots.outbound import GuardedWire, Sent, send
from platforms.robots.spec import Outcome
from tests.platforms.robots.net import HOST, PUBLIC, Net, certified
from tests.platforms.robots.says import ADDRESSES, NOW, SECRETS, message
from tests.support.wire import Offline, Script

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
WEBHOOK = KINDS["webhook"]


@pytest.fixture(scope="module")
def contexts(tmp_path_factory) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    return certified(tmp_path_factory.mktemp("tls") / "server.pem")


@pytest.fixture
def net(contexts, settings) -> Iterator[Net]:
    settings.ROBOT_ENDPOINTS = {}
    net = Net(contexts)
    net.names = [[PUBLIC]]
    with transport.use_wire(net.wire):
        yield net
    if net.server:
        net.server.close()


def say(address: str = ADDRESSES["webhook"], **changed: object) -> Sent:
    return send(WEBHOOK, message(**changed), address, SECRETS["webhook"], NOW)


@contextmanager
def within(seconds: float) -> Iterator[None]:
    started = time.monotonic()
    yield
    assert time.monotonic() - started < seconds


# --- what arrives


def test_a_message_arrives_whole_at_the_named_host(net):
    server = net.serve(OK)

    sent = say()

    head, _, body = server.asked[0].partition(b"\r\n\r\n")
    assert (sent.ok, sent.advice, sent.values) == (True, "", ())
    assert head.startswith(b"POST /storelink?team=1 HTTP/1.1\r\nHost: hooks.example.com\r\n")
    assert b"webhook-signature: v1," in head
    assert b'"fault":"token_revoked"' in body
    assert b"cookie" not in head.lower()
    assert net.connected == [(PUBLIC, 443)]


def test_the_other_port_is_called_where_it_is_named(net):
    server = net.serve(OK)
    assert say("https://hooks.example.com:8443").ok
    assert server.asked[0].startswith(b"POST / HTTP/1.1\r\nHost: hooks.example.com:8443\r\n")
    assert net.connected == [(PUBLIC, 8443)]


def test_an_address_that_begins_with_its_query_gets_a_path(net):
    server = net.serve(OK)
    assert say("https://hooks.example.com?a=1").ok
    assert server.asked[0].startswith(b"POST /?a=1 HTTP/1.1\r\n")


def test_the_next_address_is_tried_where_the_first_is_dead(net):
    net.serve(OK)
    net.names, net.unreachable = [["2606:4700::1", PUBLIC]], {"2606:4700::1"}
    assert say().ok
    assert net.connected == [("2606:4700::1", 443), (PUBLIC, 443)]


def test_the_environment_sends_nothing_through_a_proxy(net, monkeypatch):
    net.serve(OK)
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert say().ok


# --- what is never called


@pytest.mark.parametrize(
    "inside",
    [
        ["127.0.0.1"], ["10.1.2.3"], ["169.254.169.254"], ["100.100.100.200"], ["::1"],
        ["fd00::1"], ["::ffff:10.0.0.1"], ["64:ff9b::a00:1"], ["2002:a00:1::1"], ["fe80::1%2"],
        ["0.1.2.3"], ["10.0.0.1", "::1"], [],
    ],
)  # fmt: skip
def test_a_name_that_means_something_inside_is_not_called(net, inside):
    net.serve(OK)
    net.names = [inside]

    sent = say()

    assert (sent.verdict.outcome, sent.verdict.reason) == (Outcome.REFUSED, "not_public")
    assert net.connected == []
    assert "public internet" in sent.advice


def test_of_a_mixed_answer_only_the_public_addresses_are_called(net):
    net.serve(OK)
    net.names = [["127.0.0.1", PUBLIC, "::1"]]
    assert say().ok
    assert net.connected == [(PUBLIC, 443)]


def test_a_name_that_means_something_else_a_moment_later_changes_nothing(net):
    net.serve(OK)
    net.names = [[PUBLIC], ["127.0.0.1"]]

    assert say().ok

    assert (net.looked_up, net.connected) == ([HOST], [(PUBLIC, 443)])
    assert say().verdict.reason == "not_public"
    assert net.connected == [(PUBLIC, 443)]


def test_the_real_look_up_sees_through_names_of_this_machine():
    """The system's own resolver, without a network: /etc/hosts knows localhost."""
    wire = GuardedWire(connect=lambda *_a: pytest.fail("connected"))
    with pytest.raises(outbound.NotPublic):
        wire.send("POST", "https://localhost/x", {}, b"")


@pytest.mark.parametrize(
    "url",
    ["http://hooks.example.com/", "https://hooks.example.com:22/", "https://a@hooks.example.com/"],
)
def test_the_wire_itself_refuses_what_the_form_would_have_refused(net, url):
    with pytest.raises(outbound.NotPublic):
        net.wire.send("POST", url, {}, b"")
    assert net.looked_up == []


@pytest.mark.parametrize("code", KINDS)
def test_an_address_or_secret_that_cannot_be_is_never_called(net, code):
    kind = KINDS[code]
    wrong = send(kind, message(), "https://127.0.0.1/x", SECRETS[code], NOW)
    assert wrong.verdict.reason == "bad_address"
    wrong = send(kind, message(), ADDRESSES[code], "密钥", NOW)
    assert wrong.verdict.reason == "bad_secret"
    assert net.looked_up == []


def test_redirects_are_not_followed(net):
    server = net.serve(
        b"HTTP/1.1 307 x\r\nLocation: https://127.0.0.1/\r\nContent-Length: 0\r\n\r\n"
    )
    sent = say()
    assert (sent.verdict.outcome, sent.verdict.reason) == (Outcome.REFUSED, "redirected")
    assert (len(server.asked), net.looked_up) == (1, [HOST])


# --- TLS


def test_a_certificate_for_another_name_is_refused(net):
    server = net.serve(OK)
    sent = say("https://other.example.com/")
    assert (sent.verdict.outcome, sent.verdict.reason) == (Outcome.LATER, "tls_failed")
    assert server.asked == []


def test_a_certificate_nobody_vouches_for_is_refused(net, contexts):
    server = net.serve(OK)
    usual = GuardedWire(look_up=net.look_up, connect=net.connect)
    with transport.use_wire(usual):
        assert say().verdict.reason == "tls_failed"
    assert server.asked == []


def test_a_server_without_tls_is_refused(net):
    net.serve(OK, tls=False)
    assert say().verdict.reason == "tls_failed"


# --- what is too much, too slow or broken


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n",
    ],
)
def test_an_answer_that_is_too_large_is_not_read_on(net, head):
    net.serve(head + b"x" * (outbound.MAX_BODY_BYTES + 1))
    sent = say()
    assert (sent.verdict.outcome, sent.verdict.reason) == (Outcome.LATER, "bad_answer")


@pytest.mark.parametrize(
    "pieces",
    [
        (30.0,),
        (b"HTTP/1.1 200 OK\r\n", *[piece for _ in range(60) for piece in (b"x", 0.1)]),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n", *[b"x", 0.1] * 60),
        tuple([b"HTTP/1.1 100 Continue\r\n\r\n", 0.1] * 60),
    ],
    ids=["silence", "headers drip", "body drips", "for ever to be continued"],
)
def test_everything_together_has_one_deadline(net, monkeypatch, pieces):
    monkeypatch.setattr(outbound, "TOTAL_TIMEOUT_S", 0.6)
    net.serve(*pieces)
    with within(3):
        sent = say()
    assert (sent.verdict.outcome, sent.verdict.reason) == (Outcome.LATER, "down")


def test_a_server_that_never_shakes_hands_is_left(net, monkeypatch):
    monkeypatch.setattr(outbound, "TOTAL_TIMEOUT_S", 0.4)
    net.serve(30.0, tls=False)
    with within(3):
        assert say().verdict.reason == "down"


def test_a_name_server_that_never_answers_is_left(net, monkeypatch):
    monkeypatch.setattr(outbound, "TOTAL_TIMEOUT_S", 0.3)
    over = threading.Event()

    def slow(host: str, port: int) -> list[str]:
        over.wait(10)
        return [PUBLIC]

    with transport.use_wire(GuardedWire(look_up=slow)), within(3):
        sent = say()
    over.set()
    assert sent.verdict.reason == "down"


def test_a_host_that_does_not_exist_is_said_so(net):
    def nobody(host: str, port: int) -> list[str]:
        raise socket.gaierror(-2, "Name or service not known")

    with transport.use_wire(GuardedWire(look_up=nobody)):
        sent = say()
    assert (sent.verdict.outcome, sent.verdict.reason) == (Outcome.LATER, "unreachable")


def test_a_host_without_a_living_address_is_unreachable(net):
    net.unreachable = {PUBLIC}
    assert say().verdict.reason == "unreachable"


@pytest.mark.parametrize(
    "answer",
    [b"", b"garbage\r\n\r\n", b"HTTP/1.1 200 OK\r\nX: " + b"y" * 70_000, b"HTTP/9 x\r\n\r\n"],
)
def test_what_is_no_http_is_tried_again_later(net, answer):
    net.serve(answer)
    sent = say()
    assert sent.verdict.outcome == Outcome.LATER
    assert sent.verdict.reason in ("bad_answer", "unreachable")


# --- what the answer asks for


@pytest.mark.parametrize(
    ("status", "header", "wait_s"),
    [
        (429, "5", 5),
        (429, "100000000", 86_400),
        (429, "soon", 60),
        (503, "1", 60),
        (503, "120", 120),
        (503, "Sat, 21 Nov 2026 12:10:00 GMT", 600),
    ],
)
def test_retry_after_is_kept(settings, status, header, wait_s):
    settings.ROBOT_ENDPOINTS = {}
    with transport.use_wire(Script((status, b"", {"retry-after": header}))):
        sent = say()
    assert sent.verdict.retry_after == timedelta(seconds=wait_s)


def test_a_robot_that_wants_our_addresses_is_told_with_them(settings):
    settings.ROBOT_ENDPOINTS = {}
    settings.OUTGOING_ADDRESSES = ["203.0.113.10"]
    with transport.use_wire(Script((200, {"code": 19022, "msg": "Ip Not Allowed"}))):
        sent = send(KINDS["feishu"], message(), ADDRESSES["feishu"], "", NOW)
    assert sent.values == ("203.0.113.10",)


# --- one swap, one override


def test_swapping_the_network_closes_this_way_out_too(settings):
    settings.ROBOT_ENDPOINTS = {}
    with transport.use_wire(Offline()), pytest.raises(AssertionError):
        say()


@pytest.mark.parametrize(
    ("allowed", "wanted"),
    [(True, "http://emulator.test/robots/wecom/cgi-bin/webhook/send?key="), (False, "https://q")],
)
def test_other_addresses_are_taken_only_where_settings_allow_them(settings, allowed, wanted):
    settings.ALLOW_ENDPOINT_OVERRIDES = allowed
    settings.ROBOT_ENDPOINTS = {"wecom": "http://emulator.test/robots/wecom/"}
    wire = Script((200, {"errcode": 0}))
    with transport.use_wire(wire):
        assert send(KINDS["wecom"], message(), ADDRESSES["wecom"], "", NOW).ok
    assert wire.sent[0][1].startswith(wanted)


@pytest.mark.parametrize("code", KINDS)
def test_products_are_called_at_their_own_hosts_only(settings, code):
    settings.ROBOT_ENDPOINTS = {}
    wire = Script((200, b"ok"))
    with transport.use_wire(wire):
        send(KINDS[code], message(), ADDRESSES[code], SECRETS[code], NOW)
    host = wire.sent[0][1].split("/")[2]
    assert host in (KINDS[code].hosts or (HOST,))


# --- what may not leak


@pytest.mark.parametrize("code", KINDS)
@pytest.mark.parametrize("answer", [b"", OK, b"HTTP/1.1 403 x\r\nContent-Length: 0\r\n\r\n"])
def test_neither_logs_nor_results_tell_addresses_or_secrets(net, caplog, code, answer):
    caplog.set_level(logging.DEBUG)
    net.serve(answer)

    sent = send(KINDS[code], message(), ADDRESSES[code], SECRETS[code], NOW)

    told = caplog.text + "".join(str(vars(record)) for record in caplog.records)
    told += repr(sent) + str(sent) + sent.advice
    assert "robot.called" in told
    for secret in (SECRETS[code] or "x" * 99, ADDRESSES[code].partition(".com/")[2] or "x" * 99):
        assert secret not in told
    assert ADDRESSES[code] not in told
    assert "Tea House" not in told


@pytest.mark.parametrize("value", ["s3cret\r\ny: z", "s3cret密钥"])
def test_what_cannot_be_sent_is_refused_without_quoting_it(net, value):
    server = net.serve(OK)
    url, body = f"https://hooks.example.com/{value[:6]}", value[:6].encode()
    with pytest.raises(PlatformError, match="invalid_request") as caught:
        net.wire.send("POST", url, {"x": value}, body)
    assert "s3cret" not in "".join(traceback.format_exception(caught.value))
    assert server.asked in ([], [b""])
