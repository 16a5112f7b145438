"""What Shopee pushes: whether it is Shopee's, and what it says."""

from __future__ import annotations

import hashlib
import hmac
import json

import msgspec
import pytest

from platforms.adapters.shopee import Shopee
from platforms.news import News, Push
from tests.platforms.adapters.shopee.test_calls import APP, FRESH, LINKED, MOMENT
from tests.support.calls import NOON, ScriptedCall

shopee = Shopee()
hooks = shopee.webhooks
ADDRESS = "https://erp.example.com/webhooks/shopee/"


def pushed(code=3, *, key=APP.client_secret, address=ADDRESS, **more):
    body = {"code": code, "shop_id": 7, "timestamp": 1767225600, "data": {"ordersn": "A"}} | more
    raw = json.dumps(body).encode()
    sign = hmac.new(key.encode(), f"{address}|".encode() + raw, hashlib.sha256).hexdigest()
    return Push(method="POST", address=ADDRESS, headers={"authorization": sign}, body=raw)


def test_only_shopee_can_have_signed_it():
    assert hooks.is_genuine(pushed(), FRESH, None)
    assert not hooks.is_genuine(pushed(key="another"), FRESH, None)
    assert not hooks.is_genuine(pushed(address="https://other.example/"), FRESH, None)
    assert not hooks.is_genuine(Push(method="POST", address=ADDRESS, body=b"{}"), FRESH, None)


@pytest.mark.parametrize(
    ("code", "news"),
    [
        (1, News.OTHER),
        (2, News.REVOKED),
        (3, News.ORDERS),
        (4, News.ORDERS),
        (10, News.OTHER),
        (12, News.EXPIRES),
    ],
)
def test_what_a_push_is_about(code, news):
    notice = hooks.read(pushed(code))[0]

    assert (notice.news, notice.topic, notice.shop_id) == (news, str(code), "7")
    assert notice.at == MOMENT
    assert notice.number == ("A" if news is News.ORDERS else "")


def test_a_push_sent_again_has_the_same_key():
    assert hooks.read(pushed())[0].key == hooks.read(pushed())[0].key
    assert hooks.read(pushed())[0].key != hooks.read(pushed(4))[0].key


@pytest.mark.parametrize("body", [b"", b"[]", b'{"code":3}', b'{"code":2}', b'{"code":"x"}'])
def test_what_is_no_push_is_said(body):
    with pytest.raises((ValueError, msgspec.ValidationError)):
        hooks.read(Push(method="POST", address=ADDRESS, body=body))


def test_the_answer_has_no_body():
    assert hooks.accepted(pushed()).body == b""


def test_the_address_is_entered_for_the_application():
    call = ScriptedCall(shopee, LINKED, (200, {"error": ""}))

    made = hooks.register(call, address=ADDRESS, now=NOON)

    assert set(made) == {"2", "3", "4", "12"}
    assert call.sent[0].json == {
        "callback_url": ADDRESS,
        "set_push_config_on": [2, 3, 4, 12],
    }
    assert "access_token" not in call.sent[0].params
