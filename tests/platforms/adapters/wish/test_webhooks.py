"""Wish's pushes: signed with the application's secret, a list each."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from platforms import registry
from platforms.adapter import Webhooks
from platforms.news import News, Push
from platforms.spec import Account
from tests.platforms.adapters.accounts import WISH as ACCOUNT
from tests.support.calls import NOON, ScriptedCall

WISH = registry.get("wish")
# The vector of the fact sheet (§7): computed, not received.
BODY = (
    b'[{"data":{"id":"62aa0d1f2c3b4d5e6f708192","state":"APPROVED"},'
    b'"timestamp":"2026-11-21T09:12:40.000Z"}]'
)
SIGNATURE = "tpqKft4xW0AxV+Z/v5mNCEDlppNQAVtnWqWnCZ6wgRc="
ADDRESS = "https://erp.example.com/push/wish/abc"


def hooks() -> Webhooks:
    assert WISH.webhooks is not None
    return WISH.webhooks


def push(body: bytes = BODY, signature: str = SIGNATURE, topic: str = "ORDER_ALL") -> Push:
    headers = {
        "wish-topic": topic,
        "wish-hmac-sha256": signature,
        "wish-merchant-id": "5f1a2b3c4d5e6f7081920a1b",
    }
    return Push(method="POST", address=ADDRESS, headers=headers, body=body)


def test_the_signature_of_the_fact_sheet_is_genuine():
    assert hooks().is_genuine(push(), ACCOUNT, None)


@pytest.mark.parametrize(
    "forged",
    [
        push(body=BODY + b" "),
        push(signature=""),
        push(signature=SIGNATURE.lower()),
        push(signature="é"),
    ],
)
def test_anything_else_is_not(forged):
    assert not hooks().is_genuine(forged, ACCOUNT, None)


def test_without_an_application_nothing_is_genuine():
    assert not hooks().is_genuine(push(), replace(ACCOUNT, app=None), None)


def test_a_push_names_shop_order_and_time():
    (notice,) = hooks().read(push())

    assert (notice.news, notice.number) == (News.ORDERS, "62aa0d1f2c3b4d5e6f708192")
    assert notice.shop_id == notice.account_id == "5f1a2b3c4d5e6f7081920a1b"
    assert notice.at is not None
    assert hooks().read(push())[0].key == notice.key


def test_news_within_ten_seconds_come_as_one_list():
    notices = hooks().read(push(body=b'[{"data":{"id":"a"}},{"data":{"id":"b"}}]'))

    assert [notice.number for notice in notices] == ["a", "b"]
    assert len({notice.key for notice in notices}) == 2


def test_other_topics_are_acknowledged_and_left():
    (notice,) = hooks().read(push(topic="TICKET_AWAITING_MERCHANT"))

    assert (notice.news, notice.number) == (News.OTHER, "")


@pytest.mark.parametrize("body", [b"", b"{}", b'[{"data": 7}]', b"[{}]", b"\xff"])
def test_what_is_no_list_of_news_is_refused(body):
    with pytest.raises((msgspec.ValidationError, ValueError)):
        hooks().read(push(body=body))


@pytest.mark.parametrize(
    ("mode", "scopes", "offered"),
    [
        ("private_app", None, True),
        ("private_app", "orders:read webhook:read webhook:write", True),
        ("private_app", "orders:read webhook:read", False),
        ("authorization_code", None, False),
    ],
)
def test_pushes_are_offered_to_private_applications_that_may_subscribe(mode, scopes, offered):
    secrets = {} if scopes is None else {"scopes": scopes}

    assert hooks().offered(Account(mode=mode, secrets=secrets)) is offered


def subscription(endpoint: str = ADDRESS, status: str = "ACTIVE") -> dict[str, str]:
    return {"id": "s1", "topic": "ORDER_ALL", "endpoint": endpoint, "status": status}


def test_a_subscription_is_made_once():
    made = ScriptedCall(
        WISH, ACCOUNT, (200, {"code": 0, "data": []}), (200, {"code": 0, "data": subscription()})
    )
    found = ScriptedCall(WISH, ACCOUNT, (200, {"code": 0, "data": [subscription()]}))

    assert hooks().register(made, address=ADDRESS, now=NOON) == {"ORDER_ALL": "s1"}
    assert hooks().register(found, address=ADDRESS, now=NOON) == {"ORDER_ALL": "s1"}
    assert made.sent[1].json == {"topic": "ORDER_ALL", "endpoint": ADDRESS}
    assert [request.method for request in found.sent] == ["GET"]


@pytest.mark.parametrize(
    "old", [subscription(endpoint="https://erp.example.com/old"), subscription(status="DISABLED")]
)
def test_one_for_another_address_or_switched_off_is_made_anew(old):
    call = ScriptedCall(
        WISH,
        ACCOUNT,
        (200, {"code": 0, "data": [old]}),
        (200, {"code": 0, "data": {**subscription(), "id": 9}}),
    )

    assert hooks().register(call, address=ADDRESS, now=NOON) == {"ORDER_ALL": "9"}
