"""The emulator's Notification API of eBay: as strict as the contract, pushes signed."""

from __future__ import annotations

import base64
import json

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from platforms.emulator.cast.ebay import EBAY_SCOPE, EBAY_SCOPES
from platforms.emulator.ebay_notices import PREFIX

ENDPOINT = "http://127.0.0.1:8000/webhooks/ebay/"
CONFIG = {"endpoint": ENDPOINT, "verificationToken": "v" * 32}
DESTINATION = {"name": "Storelink", "status": "ENABLED", "deliveryConfig": CONFIG}
PAYLOAD = {"format": "JSON", "schemaVersion": "1.0", "deliveryProtocol": "HTTPS"}


@pytest.fixture
def ours(acts):
    answer = acts.ebay_token(grant_type="client_credentials", scope=EBAY_SCOPE)
    return answer.json["access_token"]


@pytest.fixture
def sellers(acts):
    return acts.ebay_grant(scope=" ".join(EBAY_SCOPES))["access_token"]


def send(acts, method, path, token, body=None, **query):
    headers = {"Authorization": f"Bearer {token}"}
    return acts.client.open(
        PREFIX + path, method=method, headers=headers, json=body, query_string=query
    )


def problem(answer):
    return answer.status_code, answer.json["errors"][0]["errorId"]


def make_destination(acts, token):
    answer = send(acts, "POST", "/destination", token, DESTINATION)
    assert (answer.status_code, answer.data) == (201, b"")
    return answer.headers["Location"].rpartition("/")[2]


def subscription(topic, destination, **changes):
    body = {"topicId": topic, "destinationId": destination, "status": "ENABLED"}
    return {**body, "payload": PAYLOAD, **changes}


def subscribe(acts, token, topic, destination):
    answer = send(acts, "POST", "/subscription", token, subscription(topic, destination))
    assert answer.status_code == 201, answer.text
    return answer.headers["Location"].rpartition("/")[2]


def test_a_destination_is_made_once_asked_to_prove_itself_and_shown(acts, emulator, ours):
    made = make_destination(acts, ours)
    shown = send(acts, "GET", "/destination", ours, limit="100").json["destinations"]
    (challenge,) = emulator.state.outbox

    assert shown == [{"destinationId": made, **DESTINATION}]
    assert challenge.method == "GET"
    assert challenge.url.startswith(f"{ENDPOINT}?challenge_code=")
    assert problem(send(acts, "POST", "/destination", ours, DESTINATION)) == (409, 195021)
    assert send(acts, "PUT", f"/destination/{made}", ours, DESTINATION).status_code == 204
    assert problem(send(acts, "PUT", "/destination/x", ours, DESTINATION)) == (404, 195022)


@pytest.mark.parametrize(
    ("changes", "number"),
    [
        ({"name": ""}, 195016),
        ({"deliveryConfig": {**CONFIG, "endpoint": "http://erp.example.com/"}}, 195017),
        ({"status": "ON"}, 195018),
        ({"deliveryConfig": {**CONFIG, "verificationToken": "short"}}, 195019),
    ],
)
def test_a_destination_is_checked(acts, ours, changes, number):
    answer = send(acts, "POST", "/destination", ours, DESTINATION | changes)

    assert problem(answer) == (400, number)


def test_a_sellers_token_makes_no_destinations(acts, sellers):
    assert problem(send(acts, "GET", "/destination", sellers)) == (403, 1100)


def test_each_topic_takes_its_own_kind_of_token(acts, ours, sellers):
    destination = make_destination(acts, ours)
    subscribe(acts, ours, "AUTHORIZATION_REVOCATION", destination)
    subscribe(acts, sellers, "ORDER_CONFIRMATION", destination)

    for token, topic in ((ours, "ORDER_CONFIRMATION"), (sellers, "AUTHORIZATION_REVOCATION")):
        body = subscription(topic, destination)
        assert problem(send(acts, "POST", "/subscription", token, body)) == (403, 195011)
    again = subscription("ORDER_CONFIRMATION", destination)
    assert problem(send(acts, "POST", "/subscription", sellers, again)) == (409, 195012)


def test_the_scope_for_subscriptions_is_needed(acts):
    token = acts.ebay_grant()["access_token"]

    assert problem(send(acts, "GET", "/subscription", token)) == (403, 1100)


@pytest.mark.parametrize(
    ("changes", "number"),
    [
        ({"status": ""}, 195006),
        ({"destinationId": "x"}, 195007),
        ({"payload": {**PAYLOAD, "schemaVersion": "9"}}, 195008),
        ({"payload": {**PAYLOAD, "format": "XML"}}, 195009),
        ({"payload": {**PAYLOAD, "deliveryProtocol": "FTP"}}, 195010),
        ({"topicId": "NO_TOPIC"}, 195027),
    ],
)
def test_a_subscription_is_checked(acts, ours, sellers, changes, number):
    body = subscription("ORDER_CONFIRMATION", make_destination(acts, ours)) | changes

    assert problem(send(acts, "POST", "/subscription", sellers, body)) == (400, number)


def test_a_subscription_is_changed_and_ended_by_its_owner(acts, ours, sellers):
    destination = make_destination(acts, ours)
    made = subscribe(acts, sellers, "ORDER_CONFIRMATION", destination)
    off = subscription("", destination, status="DISABLED")

    assert send(acts, "PUT", f"/subscription/{made}", sellers, off).status_code == 204
    assert problem(send(acts, "DELETE", f"/subscription/{made}", ours)) == (404, 195013)
    assert send(acts, "DELETE", f"/subscription/{made}", sellers).status_code == 204
    assert send(acts, "GET", "/subscription", sellers).json["subscriptions"] == []
    assert problem(send(acts, "GET", "/subscription", sellers, limit="5")) == (400, 195004)


def test_orders_are_pushed_to_who_subscribed_and_signed(acts, emulator, ours, sellers):
    destination = make_destination(acts, ours)
    subscribe(acts, sellers, "ORDER_CONFIRMATION", destination)
    emulator.state.outbox.clear()
    acts.control("orders/add", account="ebay-lantern", n=1, stage="new")
    acts.control("orders/add", account="ebay-lantern", n=1, stage="pending")
    pushed = list(emulator.state.outbox)
    told = json.loads(base64.b64decode(pushed[0].headers["X-EBAY-SIGNATURE"]))
    key = emulator.platforms["ebay"].notices.key.public_key()
    der = base64.b64decode(told["signature"])

    assert {push.topic for push in pushed} == {"ORDER_CONFIRMATION"}
    key.verify(der, pushed[0].body, ec.ECDSA(hashes.SHA1()))  # noqa: S303 - as eBay does
    with pytest.raises(InvalidSignature):
        key.verify(der, pushed[0].body + b" ", ec.ECDSA(hashes.SHA1()))  # noqa: S303
    shown = send(acts, "GET", f"/public_key/{told['kid']}", ours)
    assert shown.json["key"].startswith("-----BEGIN PUBLIC KEY-----M")
    assert problem(send(acts, "GET", "/public_key/other", ours)) == (404, 195001)


def test_a_removed_permission_is_pushed_and_ends_the_sellers_subscriptions(
    acts, emulator, ours, sellers
):
    destination = make_destination(acts, ours)
    subscribe(acts, ours, "AUTHORIZATION_REVOCATION", destination)
    subscribe(acts, sellers, "ORDER_CONFIRMATION", destination)
    emulator.state.outbox.clear()
    acts.control("revoke", account="ebay-lantern")
    (push,) = emulator.state.outbox

    assert json.loads(push.body)["notification"]["data"]["revokeReason"] == "REVOKED_BY_USER"
    acts.control("orders/add", account="ebay-lantern", n=1, stage="new")
    assert len(emulator.state.outbox) == 1


def test_a_push_can_be_asked_for_where_somebody_listens(acts, emulator, ours):
    notices = emulator.platforms["ebay"]
    subscribe(acts, ours, "MARKETPLACE_ACCOUNT_DELETION", make_destination(acts, ours))

    assert notices.push("ebay-lantern", "MARKETPLACE_ACCOUNT_DELETION")
    assert not notices.push("ebay-lantern", "AUTHORIZATION_REVOCATION")
    assert not notices.push("ebay-lantern", "NO_TOPIC")
