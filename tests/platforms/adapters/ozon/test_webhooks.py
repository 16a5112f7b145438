"""What Ozon pushes, and how it is asked to."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

import msgspec
import pytest

from platforms.adapters.ozon import Ozon
from platforms.errors import PlatformError
from platforms.news import News, Push
from tests.platforms.adapters.accounts import OZON, OZON_CONSENT
from tests.support.calls import NOON, ScriptedCall

ozon = Ozon()
hooks = ozon.webhooks
ADDRESS = "https://erp.example.com/hook/ozon/0123456789abcdef"
SHOP = replace(OZON, account_id="1234567")
CHANGED = {
    "message_type": "TYPE_STATE_CHANGED",
    "posting_number": "0145123456-0007-1",
    "new_state": "posting_on_way_to_city",
    "changed_state_date": "2026-11-20T12:07:46.765Z",
    "seller_id": 1234567,
}
DONE = (200, b"")


def push(body: object) -> Push:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Push(method="POST", address=ADDRESS, body=raw)


def listed(**changes) -> tuple[int, object]:
    types = [{"type": topic, "description": ""} for topic in hooks.topics]
    address = {"id": 71, "url": ADDRESS, "enable": True, "types": types, **changes}
    return 200, {"urls": [{"id": 7, "url": "https://other.example", "types": None}, address]}


def register(*script):
    call = ScriptedCall(ozon, OZON, *script)
    ids = hooks.register(call, address=ADDRESS, now=NOON)
    return ids, [(request.path.removeprefix("/v1/notification/"), request.json)
                 for request in call.sent]  # fmt: skip


def test_a_ping_is_answered_with_name_version_and_time():
    reply = hooks.challenge(
        push({"message_type": "TYPE_PING", "time": "2026-11-21T10:00:00Z"}), None
    )

    assert reply is not None
    said = json.loads(reply.body)
    assert (reply.status, reply.content_type) == (200, "application/json")
    assert set(said) == {"version", "name", "time"}
    assert datetime.fromisoformat(said["time"]).tzinfo == UTC


@pytest.mark.parametrize("body", [CHANGED, b"", b"<html>", b"[]", {}])
def test_everything_else_is_no_ping(body):
    assert hooks.challenge(push(body), None) is None


@pytest.mark.parametrize("seller", [1234567, "1234567"])
def test_a_push_about_our_cabinet_is_genuine(seller):
    assert hooks.is_genuine(push({**CHANGED, "seller_id": seller}), SHOP, None)
    assert hooks.is_genuine(push({**CHANGED, "seller_id": seller}), OZON, None)


@pytest.mark.parametrize("seller", [1234568, "", None, True, "1234567 ", ["1234567"]])
def test_a_push_about_another_cabinet_is_not(seller):
    assert not hooks.is_genuine(push({**CHANGED, "seller_id": seller}), SHOP, None)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", {"seller_id": 1234567}])
def test_nonsense_is_not_genuine(body):
    assert not hooks.is_genuine(push(body), SHOP, None)


def test_a_push_is_a_hint_to_read_the_posting():
    (notice,) = hooks.read(push(CHANGED))

    assert (notice.news, notice.topic) == (News.ORDERS, "TYPE_STATE_CHANGED")
    assert (notice.number, notice.shop_id) == ("0145123456-0007-1", "1234567")
    assert notice.at == datetime(2026, 11, 20, 12, 7, 46, 765_000, tzinfo=UTC)
    assert hooks.read(push(CHANGED))[0].key == notice.key
    assert hooks.read(push({**CHANGED, "new_state": "posting_received"}))[0].key != notice.key


def test_other_news_is_acknowledged_and_left():
    (notice,) = hooks.read(push({"message_type": "TYPE_NEW_MESSAGE", "seller_id": "1234567"}))

    assert (notice.news, notice.number) == (News.OTHER, "")


@pytest.mark.parametrize("body", [b"{", b"[]", {**CHANGED, "changed_state_date": "yesterday"}])
def test_a_push_that_cannot_be_read_says_so(body):
    with pytest.raises(msgspec.MsgspecError):
        hooks.read(push(body))


def test_answers_have_the_form_that_ozon_checks():
    assert json.loads(hooks.accepted(push(CHANGED)).body) == {"result": True}
    refused = hooks.refused(push(CHANGED))
    assert refused.status == 403
    assert json.loads(refused.body)["error"]["code"] == "ERROR_UNKNOWN"


def test_an_address_is_set_and_its_number_looked_up():
    ids, sent = register((200, {"urls": []}), DONE, listed())

    assert ids == dict.fromkeys(hooks.topics, "71")
    assert sent == [
        ("list", None),
        ("set", {"url": ADDRESS, "types": list(hooks.topics)}),
        ("list", None),
    ]


def test_registering_again_changes_nothing():
    ids, sent = register(listed())

    assert (ids["TYPE_NEW_POSTING"], sent) == ("71", [("list", None)])


def test_an_address_that_was_switched_off_or_hears_too_little_is_mended():
    _ids, sent = register(listed(enable=False, types=[]), DONE, DONE)

    assert sent[1:] == [
        ("update", {"id": 71, "types": list(hooks.topics)}),
        ("enable", {"id": 71, "enabled": True}),
    ]


def test_an_address_that_is_not_listed_afterwards_was_not_set():
    with pytest.raises(PlatformError):
        register((200, {"urls": None}), DONE, (200, {}))


def test_unlinking_deletes_the_address_once():
    call = ScriptedCall(ozon, OZON, DONE)

    hooks.unregister(call, dict.fromkeys(hooks.topics, "71"))

    assert [(r.path, r.json) for r in call.sent] == [("/v1/notification/delete", {"id": 71})]


def test_an_address_that_is_gone_already_is_no_fault():
    call = ScriptedCall(ozon, OZON, (404, {"code": 5, "message": "not found"}))

    hooks.unregister(call, {"TYPE_NEW_POSTING": "71", "x": "not a number"})


def test_pushes_come_with_keys_only():
    assert hooks.offered(OZON)
    assert not hooks.offered(OZON_CONSENT)
