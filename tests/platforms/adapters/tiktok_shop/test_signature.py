"""TikTok Shop's signature, by the published vectors."""

from __future__ import annotations

import json

import pytest

from platforms.adapters.tiktok_shop import TiktokShop, signature
from platforms.news import Push
from platforms.spec import Account, AppKeys, Request
from tests.support.calls import NOON

KEY, SECRET = "68xu9ks5p4i8", "e59af819cc"
CIPHER = "ROW_xkMbgAAAeVAQra0eZWebFQq5aIK"
COMMON = {"app_key": KEY, "timestamp": "1696909648", "shop_cipher": CIPHER}
HOOKS = "/event/202309/webhooks"
HOOK = {"event_type": "PACKAGE_UPDATE", "address": "https://partner.tiktokshop.com"}
SEARCH = COMMON | {
    "timestamp": "1763700005", "page_size": "100", "sort_field": "update_time",
    "sort_order": "ASC", "access_token": "x", "sign": "y",
}  # fmt: skip
PUSHED = (
    b'{"type":1,"shop_id":"7494726673780148744","timestamp":1664095733,"data":{"order_id":'
    b'"576684019603311365","order_status":"AWAITING_SHIPMENT","update_time":1664095610}}'
)


@pytest.mark.parametrize(
    ("path", "params", "body", "wanted"),
    [
        (HOOKS, COMMON, None, "ed58e1b5e59865c22a7b828c1cab65007441f43cc91a6cb2f2cdc638e0995a37"),
        (HOOKS, COMMON, HOOK, "701dd6deb2389fe4c469b89bd37fc56f96a6da6afeb4d01c9077a65169752fa7"),
        (
            "/order/202309/orders/search",
            SEARCH,
            {"update_time_ge": 1763600000, "update_time_lt": 1763700000},
            "1815af6e76cb7e8ad4d9f31a37f9bf719e6388d2c4817e35315813766cdf12f6",
        ),
    ],
)
def test_the_signature_is_the_vendors(path, params, body, wanted):
    sent = Request(method="POST", path=path, json=body).body()

    assert signature(SECRET, path, params, sent) == wanted


def test_the_signature_covers_the_bytes_and_not_their_meaning():
    spaced = json.dumps(HOOK).encode()

    assert signature(SECRET, HOOKS, COMMON, spaced) == (
        "337728480a3bb0f7d826f91de7476a677d3efb5b09f04dc774b86ee0fa62c165"
    )


def test_a_clients_vector_without_a_body():
    assert signature("app_secret", "/test-api", {"foo": "bar"}) == (
        "d3cb7fe11ecae942802ceeca67e7cf10120cc12f1517d45fbc1c8cfe5413c80f"
    )


def test_values_that_are_empty_count_as_not_there():
    with_empty = COMMON | {"page_token": ""}

    assert signature(SECRET, HOOKS, with_empty) == signature(SECRET, HOOKS, COMMON)


def test_a_call_is_signed_over_what_is_sent():
    app = AppKeys(client_id=KEY, client_secret=SECRET)
    secrets = {"access_token": "t", "cipher:1": CIPHER, "cipher:2": "other"}
    account = Account(mode="own_app", secrets=secrets, app=app, shop_ids=("1",))
    tiktok = TiktokShop()

    signed = tiktok.sign(Request(method="GET", path=HOOKS), account, now=NOON)
    of_the_account = tiktok.sign(
        Request(method="GET", path="/authorization/202309/shops"), account, now=NOON
    )

    assert signed.params["shop_cipher"] == CIPHER
    assert signed.params["sign"] == signature(SECRET, HOOKS, signed.params)
    assert signed.headers["x-tts-access-token"] == "t"
    assert "shop_cipher" not in of_the_account.params


@pytest.mark.parametrize(
    ("given", "genuine"),
    [
        ("21109834de72ec53c9959716d8514ae388ce1f123e5ffdcafc46713fcdf62b27", True),
        ("21109834de72ec53c9959716d8514ae388ce1f123e5ffdcafc46713fcdf62b28", False),
        ("", False),
    ],
)
def test_only_a_push_with_the_right_signature_is_believed(given, genuine):
    app = AppKeys(client_id="fake_app_key", client_secret="fake_app_secret")
    account = Account(mode="authorization_code", app=app)
    push = Push(
        method="POST", address="https://here.example/x", headers={"authorization": given},
        body=PUSHED,
    )  # fmt: skip

    assert TiktokShop.webhooks.is_genuine(push, account, None) is genuine


def test_nobody_is_believed_without_an_application():
    push = Push(method="POST", address="https://here.example/x", body=PUSHED)

    assert not TiktokShop.webhooks.is_genuine(push, Account(mode="own_app"), None)
