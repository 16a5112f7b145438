"""Every scheme against values that something else computed."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import pytest

from platforms.robots import KINDS
from platforms.robots.kinds import dingtalk, feishu, webhook
from tests.platforms.robots.says import ADDRESSES, NOW, SECRETS, message


def test_dingtalk_signs_time_and_secret_with_the_secret():
    # printf '1732252800123\n<secret>' | openssl dgst -sha256 -hmac <secret> -binary | base64
    signed = dingtalk.signature("SECf094e0d33f4b6e2a", 1732252800123)
    assert signed == "jxU7FuqbltFiY6NwBFU6BZaxg8GUl49HWeCsvFFjjNM="


def test_feishu_signs_nothing_with_time_and_secret():
    # The secret and the time of Feishu's own page; openssl with the key as hex.
    assert feishu.signature("demo", 1599360473) == "l1N0gAcBjdwBvGm1xMjOF0XSyaLRpR7tuO5dHfhAYc8="


def test_the_webhook_signs_as_standard_webhooks_own_vector():
    signed = webhook.signature(
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        1614265330,
        b'{"test": 2432232314}',
    )
    assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_dingtalks_signature_is_quoted_into_the_query():
    now = datetime.fromtimestamp(1732252800.123, UTC)
    post = KINDS["dingtalk"].build(message(), ADDRESSES["dingtalk"], SECRETS["dingtalk"], now)

    assert post.url.startswith(ADDRESSES["dingtalk"] + "&timestamp=1732252800123&sign=")
    (sign,) = parse_qs(urlsplit(post.url).query)["sign"]
    assert sign == dingtalk.signature(SECRETS["dingtalk"], 1732252800123)


@pytest.mark.parametrize("code", ["feishu", "lark"])
def test_feishus_signature_is_in_the_body_with_seconds_as_text(code):
    body = json.loads(KINDS[code].build(message(), ADDRESSES[code], SECRETS[code], NOW).body)
    assert body["timestamp"] == str(int(NOW.timestamp()))
    assert body["sign"] == feishu.signature(SECRETS[code], int(NOW.timestamp()))


@pytest.mark.parametrize("code", ["dingtalk", "feishu", "lark"])
def test_without_a_secret_nothing_is_signed(code):
    post = KINDS[code].build(message(), ADDRESSES[code], "", NOW)
    assert post.url == ADDRESSES[code]
    assert "sign" not in json.loads(post.body)


def test_the_webhook_signs_the_very_bytes_it_sends_and_repeats_its_id():
    kind, secret = KINDS["webhook"], SECRETS["webhook"]
    first = kind.build(message(key="notice:7"), ADDRESSES["webhook"], secret, NOW)
    again = kind.build(message(key="notice:7", title="x"), ADDRESSES["webhook"], secret, NOW)
    other = kind.build(message(key="notice:8"), ADDRESSES["webhook"], secret, NOW)

    identity = first.headers["webhook-id"]
    assert (again.headers["webhook-id"], other.headers["webhook-id"] != identity) == (
        identity,
        True,
    )
    assert first.headers["webhook-timestamp"] == "1795262400"
    wanted = webhook.signature(secret, identity, 1795262400, first.body)
    assert first.headers["webhook-signature"] == wanted


@pytest.mark.parametrize("key", ["a.b", "ключ\r\nx: y", "k" * 5000, ""])
def test_whatever_the_key_of_a_message_its_id_fits_a_header(key):
    assert webhook.message_id(key).removeprefix("msg_").isalnum()
    assert len(webhook.message_id(key)) == 36


def test_a_new_secret_is_accepted_and_never_the_same():
    made = {KINDS["webhook"].new_secret() for _ in range(20)}
    assert len(made) == 20
    assert {KINDS["webhook"].check_secret(secret) for secret in made} == {None}
