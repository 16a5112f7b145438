"""What Shopify pushes, and how it is asked to."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from platforms.adapters.shopify import Shopify
from platforms.errors import PlatformError
from platforms.news import News, Push
from platforms.signing import hmac_base64
from tests.platforms.adapters.shopify.payloads import FIXED, OURS, OWN_KEYS, SHOP
from tests.support.calls import NOON, ScriptedCall

shopify = Shopify()
hooks = shopify.webhooks
ADDRESS = "https://erp.example.com/push/abc/"


def push(topic: str, body: str, secret: str = "hush", **headers: str) -> Push:
    return Push(
        method="POST",
        address=ADDRESS,
        headers={
            "x-shopify-topic": topic,
            "x-shopify-shop-domain": SHOP,
            "x-shopify-webhook-id": "b54557e4",
            "x-shopify-triggered-at": "2026-11-21T09:00:00.000000000Z",
            "x-shopify-hmac-sha256": hmac_base64(secret, body),
            **headers,
        },
        body=body.encode(),
    )


def test_the_signature_is_the_one_of_the_fact_sheet():
    body = '{"id":1234567890,"name":"#1001"}'
    signature = "c8diCCQfwHoe/vz/+pJB/z5GJNpD60zTbekN2h8yfLs="
    genuine = push("orders/updated", body, **{"x-shopify-hmac-sha256": signature})

    assert hooks.is_genuine(genuine, OURS, None)
    assert not hooks.is_genuine(replace(genuine, body=b"{}"), OURS, None)


@pytest.mark.parametrize(
    ("account", "secret", "genuine"),
    [
        (OURS, "hush", True),
        (OURS, "", False),
        (OWN_KEYS, "shpss_b", True),
        (OWN_KEYS, "hush", False),
        (FIXED, "", False),
    ],
)
def test_pushes_are_signed_with_the_secret_of_the_app(account, secret, genuine):
    assert hooks.is_genuine(push("orders/updated", "{}", secret), account, None) is genuine


def test_a_push_without_a_signature_is_not_genuine():
    bare = push("orders/updated", "{}", **{"x-shopify-hmac-sha256": ""})

    assert not hooks.is_genuine(bare, OURS, None)
    assert hooks.refused(bare).status == 401


@pytest.mark.parametrize(
    ("topic", "body", "news", "number", "shop"),
    [
        ("orders/updated", '{"id": 6001}', News.ORDERS, "6001", ""),
        ("orders/create", '{"id": 6001}', News.ORDERS, "6001", ""),
        ("orders/delete", '{"id": 6001}', News.ORDER_GONE, "6001", ""),
        ("app/uninstalled", '{"id": 9001}', News.REVOKED, "", "9001"),
        ("shop/redact", '{"shop_id": 9001}', News.ERASE_SHOP, "", "9001"),
        ("customers/data_request", '{"shop_id": 9001}', News.BUYER_ASKS, "", "9001"),
        ("products/update", '{"id": 5}', News.OTHER, "", ""),
    ],
)
def test_every_topic_says_what_it_is_about(topic, body, news, number, shop):
    (notice,) = hooks.read(push(topic, body))

    assert (notice.news, notice.number, notice.shop_id) == (news, number, shop)
    assert (notice.key, notice.topic) == ("b54557e4", topic)
    assert notice.at == datetime(2026, 11, 21, 9, tzinfo=UTC)


def test_a_buyer_is_erased_order_by_order():
    body = (
        '{"shop_id": 9001, "customer": {"id": 5, "email": "jane@example.test", "phone": null},'
        ' "orders_to_redact": [6001, 6002]}'
    )

    notices = hooks.read(push("customers/redact", body))

    assert [(each.key, each.number) for each in notices] == [
        ("b54557e4/6001", "6001"),
        ("b54557e4/6002", "6002"),
    ]
    assert {each.buyers for each in notices} == {("5", "jane@example.test")}


def test_a_buyer_without_orders_is_erased_all_the_same():
    body = '{"shop_id": 9001, "customer": {"id": 5}, "orders_to_redact": []}'

    (notice,) = hooks.read(push("customers/redact", body))

    assert (notice.news, notice.buyers, notice.number) == (News.ERASE_BUYER, ("5",), "")


@pytest.mark.parametrize(
    ("topic", "body", "key"),
    [("", "{}", "k"), ("orders/updated", "{}", ""), ("orders/updated", "[", "k")],
)
def test_what_cannot_be_read_says_so(topic, body, key):
    with pytest.raises(ValueError):  # noqa: PT011 - msgspec's is one, too
        hooks.read(push(topic, body, **{"x-shopify-webhook-id": key}))


def test_a_fixed_token_gets_no_pushes():
    assert [hooks.offered(each) for each in (OURS, OWN_KEYS, FIXED)] == [True, True, False]


def subscribed(*topics: str, uri: str = ADDRESS) -> tuple[int, object]:
    nodes = [{"id": f"gid://{topic}", "topic": topic, "uri": uri} for topic in topics]
    info = {"hasNextPage": False, "endCursor": None}
    return 200, {"data": {"webhookSubscriptions": {"nodes": nodes, "pageInfo": info}}}


def created(number: int, *errors: str) -> tuple[int, object]:
    made = None if errors else {"id": f"gid://new/{number}"}
    told = [{"message": each} for each in errors]
    return 200, {
        "data": {"webhookSubscriptionCreate": {"webhookSubscription": made, "userErrors": told}}
    }


def test_registering_again_subscribes_only_to_what_is_missing():
    have = subscribed("ORDERS_CREATE", "ORDERS_UPDATED", "APP_UNINSTALLED", "SHOP_UPDATE")
    call = ScriptedCall(shopify, OURS, have, created(1))

    ids = hooks.register(call, address=ADDRESS, now=NOON)

    assert ids["ORDERS_DELETE"] == "gid://new/1"
    assert set(ids) == set(hooks.topics)
    assert call.sent[1].json["variables"] == {"topic": "ORDERS_DELETE", "sub": {"uri": ADDRESS}}


def test_subscriptions_of_another_address_are_not_ours():
    have = subscribed(*hooks.topics, uri="https://other.example/")
    call = ScriptedCall(shopify, OURS, have, *map(created, range(4)))

    assert len(hooks.register(call, address=ADDRESS, now=NOON)) == 4


def test_a_refused_subscription_is_told():
    call = ScriptedCall(shopify, OURS, subscribed(), created(1, "Address is invalid"))

    with pytest.raises(PlatformError) as caught:
        hooks.register(call, address=ADDRESS, now=NOON)

    assert "Address is invalid" in caught.value.detail


def test_unregistering_deletes_each():
    gone = (200, {"data": {"webhookSubscriptionDelete": {"userErrors": []}}})
    call = ScriptedCall(shopify, OURS, gone, gone)

    hooks.unregister(call, {"ORDERS_CREATE": "gid://1", "ORDERS_UPDATED": "gid://2"})

    assert [sent.json["variables"]["id"] for sent in call.sent] == ["gid://1", "gid://2"]
