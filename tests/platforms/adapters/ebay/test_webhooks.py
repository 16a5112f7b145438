"""What eBay pushes: whether it is eBay's, what it says, and how it is asked for."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from datetime import UTC, datetime

import msgspec
import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from django.core.cache import cache

from platforms.adapters.ebay import Ebay
from platforms.adapters.ebay.webhooks import APP_TOPICS, SELLER_TOPICS
from platforms.errors import NeedsSupport, PlatformError
from platforms.news import News, Push
from tests.platforms.adapters.accounts import EBAY, EBAY_APP
from tests.support.calls import NOON, ScriptedCall

ebay = Ebay()
hooks = ebay.webhooks
TOKEN = "Verification_token-0123456789-0123456789"
APP = replace(EBAY_APP, extra={"verification_token": TOKEN})
ACCOUNT = replace(EBAY, app=APP)
ADDRESS = "https://erp.example.com/webhooks/ebay/"
KID = "0f1e2d3c-4b5a-4978-8796-a5b4c3d2e1f0"
MINTED = (200, {"access_token": "v^1.1#app", "expires_in": 7200})
SEED = ec.generate_private_key(ec.SECP256R1())
BODY = json.dumps(
    {
        "metadata": {"topic": "AUTHORIZATION_REVOCATION", "schemaVersion": "1.0"},
        "notification": {
            "notificationId": "n-1",
            "eventDate": "2026-11-20T20:43:59.462Z",
            "data": {
                "username": "jürgen",
                "userId": "hL7kQ2TestA",
                "revokeReason": "PASSWORD_CHANGE",
                "revocationDate": "2026-11-20T20:43:00.000Z",
            },
        },
    },
    ensure_ascii=False,
    separators=(",", ":"),
).encode()


@pytest.fixture(autouse=True)
def no_kept_keys():
    cache.clear()


def public_key(key=SEED, digest="SHA1"):
    pem = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    one_line = pem.decode().replace("\n", "")
    return (200, {"key": one_line, "algorithm": "ECDSA", "digest": digest})


def header(body=BODY, *, kid=KID, hash_=None, alg="ecdsa", key=SEED):
    signed = key.sign(body, ec.ECDSA(hash_ or hashes.SHA1()))  # noqa: S303 - as eBay does
    told = {"alg": alg, "kid": kid, "signature": base64.b64encode(signed).decode()}
    return base64.b64encode(json.dumps({**told, "digest": "SHA1"}).encode()).decode()


def push(body=BODY, signature="", **changes):
    given = {"method": "POST", "address": ADDRESS, "body": body}
    return Push(**(given | {"headers": {"x-ebay-signature": signature}} | changes))


def genuine(sent, *script):
    return hooks.is_genuine(sent, ACCOUNT, ScriptedCall(ebay, ACCOUNT, *script))


def envelope(topic, **data):
    return push(
        json.dumps(
            {"metadata": {"topic": topic}, "notification": {"notificationId": "n-7", "data": data}}
        ).encode()
    )


def test_the_address_is_proved_with_the_published_vector():
    app = replace(APP, extra={"verification_token": "71745723-d031-455c-bfa5-f90d11b4f20a"})
    asked = push(
        b"",
        method="GET",
        address="https://erp.example.com/webhooks/ebay/account-deletion",
        query={"challenge_code": "a8628072-3d33-45ee-9004-bee86830a22d"},
    )

    reply = hooks.challenge(asked, app)

    assert (reply.status, reply.content_type) == (200, "application/json")
    assert json.loads(reply.body) == {
        "challengeResponse": "b5ce500a404c77a7d8e83b8a110a30b6c600bc335878a141dc4871561a54f7ff"
    }


@pytest.mark.parametrize(
    ("method", "query", "app"),
    [
        ("POST", {"challenge_code": "x"}, APP),
        ("GET", {}, APP),
        ("GET", {"challenge_code": "x"}, None),
        ("GET", {"challenge_code": "x"}, EBAY_APP),
        ("GET", {"challenge_code": "x"}, replace(APP, extra={"verification_token": "short"})),
    ],
)
def test_nothing_else_proves_the_address(method, query, app):
    assert hooks.challenge(push(b"", method=method, query=query), app) is None


@pytest.mark.parametrize(("digest", "hash_"), [("SHA1", hashes.SHA1), ("SHA256", hashes.SHA256)])
def test_a_signature_is_checked_with_the_digest_that_the_key_names(digest, hash_):
    signed = push(signature=header(hash_=hash_()))

    assert genuine(signed, MINTED, public_key(digest=digest))


def test_a_signature_over_the_compact_body_fits_the_body_as_sent():
    spaced = json.dumps(json.loads(BODY), indent=1).encode()

    assert genuine(push(spaced, header(BODY)), MINTED, public_key())


@pytest.mark.parametrize(
    "body",
    [BODY.replace(b"PASSWORD", b"PASSWORT"), b"", b"{", b"[" * 100_000, b'"\\ud800"', b"\xff"],
)
def test_another_body_does_not_fit(body):
    assert not genuine(push(body, header()), MINTED, public_key())


def test_another_key_does_not_fit():
    other = ec.generate_private_key(ec.SECP256R1())
    wide = ec.generate_private_key(ec.SECP384R1())

    assert not genuine(push(signature=header()), MINTED, public_key(other))
    cache.clear()
    assert not genuine(push(signature=header(key=wide)), MINTED, public_key(wide))


@pytest.mark.parametrize(
    "signature",
    [
        "",
        "no base64!",
        base64.b64encode(b"{}").decode(),
        base64.b64encode(b"\xff\xfe").decode(),
        base64.b64encode(b"[" * 3000).decode(),
        "A" * 5000,
        header(kid="../../identity"),
        header(kid=f"{KID}/"),
        header(alg="none"),
    ],
)
def test_a_header_that_is_not_ebays_reaches_nobody(signature):
    assert not genuine(push(signature=signature))


def test_a_signature_in_another_encoding_is_refused():
    told = {"alg": "ecdsa", "kid": KID, "signature": "no base64!"}
    broken = base64.b64encode(json.dumps(told).encode()).decode()

    assert not genuine(push(signature=broken), MINTED, public_key())


def test_the_key_is_fetched_with_an_application_token_and_kept():
    call = ScriptedCall(ebay, ACCOUNT, MINTED, public_key())

    assert hooks.is_genuine(push(signature=header()), ACCOUNT, call)
    assert hooks.is_genuine(push(signature=header()), ACCOUNT, None)
    minted, fetched = call.sent
    assert minted.form == {
        "grant_type": "client_credentials",
        "scope": "https://api.ebay.com/oauth/api_scope",
    }
    assert fetched.path == f"/commerce/notification/v1/public_key/{KID}"
    assert fetched.headers["authorization"] == "Bearer v^1.1#app"


def test_without_a_way_to_the_key_nothing_is_genuine():
    assert not hooks.is_genuine(push(signature=header()), ACCOUNT, None)


def test_a_key_that_ebay_does_not_know_is_forged():
    unknown = (404, {"errors": [{"errorId": 195001, "message": "The key id is invalid."}]})

    assert not genuine(push(signature=header()), MINTED, unknown)


def test_a_disturbance_at_ebay_is_no_forgery():
    with pytest.raises(PlatformError):
        genuine(push(signature=header()), MINTED, (503, b""))


@pytest.mark.parametrize("key", ["", "no key", "-----BEGIN PUBLIC KEY-----AAAA-----END"])
def test_a_key_that_is_none_fits_nothing(key):
    assert not genuine(push(signature=header()), MINTED, (200, {"key": key}))


def test_what_is_not_genuine_is_answered_as_ebays_kit_does():
    assert (hooks.refused(push()).status, hooks.accepted(push()).status) == (412, 200)


def test_a_revocation_names_the_account_and_the_reason():
    (notice,) = hooks.read(push())

    assert (notice.news, notice.key, notice.topic) == (
        News.REVOKED,
        "n-1",
        "AUTHORIZATION_REVOCATION",
    )
    assert (notice.account_id, notice.reason) == ("hL7kQ2TestA", "PASSWORD_CHANGE")
    assert notice.at == datetime(2026, 11, 20, 20, 43, tzinfo=UTC)


def test_a_closed_account_is_to_be_erased_by_all_its_names():
    (notice,) = hooks.read(
        envelope(
            "MARKETPLACE_ACCOUNT_DELETION", username="jane", userId="ma8vp1jySJC", eiasToken="nY+="
        )
    )

    assert (notice.news, notice.buyers) == (News.ERASE_BUYER, ("jane", "ma8vp1jySJC", "nY+="))
    assert "jane" not in notice.reason + notice.account_id + notice.number


@pytest.mark.parametrize("topic", SELLER_TOPICS)
def test_news_of_orders_make_the_orders_due(topic):
    (notice,) = hooks.read(envelope(topic, userId="hL7kQ2TestA", orderId="11-00000-00001"))

    assert (notice.news, notice.topic) == (News.ORDERS, topic)
    assert (notice.account_id, notice.number) == ("hL7kQ2TestA", "11-00000-00001")


def test_everything_else_is_left():
    assert hooks.read(envelope("NEW_MESSAGE"))[0].news is News.OTHER


@pytest.mark.parametrize(
    "sent",
    [
        push(b""),
        push(b"[]"),
        push(b"[" * 100_000),
        push(b'{"metadata": {"topic": "X"}, "notification": {"notificationId": ""}}'),
        envelope("MARKETPLACE_ACCOUNT_DELETION", username=""),
        envelope("AUTHORIZATION_REVOCATION", username="jane"),
    ],
)
def test_a_push_that_says_nothing_is_an_error(sent):
    with pytest.raises((msgspec.ValidationError, ValueError)):
        hooks.read(sent)


# --- subscriptions


def made(name, id_):
    return (201, b"", {"location": f"https://api.ebay.com/commerce/notification/v1/{name}/{id_}"})


def register(*script, account=ACCOUNT):
    call = ScriptedCall(ebay, account, *script)
    return hooks.register(call, address=ADDRESS, now=NOON), call.sent


def test_what_is_missing_is_made_with_the_token_it_needs():
    ids, sent = register(
        MINTED,
        (200, {"destinations": [], "total": 0}),
        made("destination", "d-1"),
        (200, {"subscriptions": []}),
        made("subscription", "s-1"),
        made("subscription", "s-2"),
        (200, {}),
        made("subscription", "s-3"),
        made("subscription", "s-4"),
    )

    assert list(ids) == list(hooks.topics)
    assert list(ids.values()) == ["s-1", "s-2", "s-3", "s-4"]
    assert sent[2].json["deliveryConfig"] == {"endpoint": ADDRESS, "verificationToken": TOKEN}
    bearers = {
        r.json["topicId"]: r.headers["authorization"]
        for r in sent
        if r.method == "POST" and r.path.endswith("/subscription")
    }
    assert {bearers[topic] for topic in APP_TOPICS} == {"Bearer v^1.1#app"}
    assert {bearers[topic] for topic in SELLER_TOPICS} == {"Bearer v^1.1#i^1#access"}


def subscribed(topics, destination="d-1", status="ENABLED"):
    rows = [
        {"subscriptionId": f"s-{t}", "topicId": t, "destinationId": destination, "status": status}
        for t in topics
    ]
    return (200, {"subscriptions": rows})


def destinations(status="ENABLED"):
    config = {"endpoint": ADDRESS, "verificationToken": TOKEN}
    other = {"destinationId": "d-0", "deliveryConfig": {"endpoint": "https://else.example/"}}
    ours = {"destinationId": "d-1", "status": status, "deliveryConfig": config}
    return (200, {"destinations": [other, ours]})


def test_asking_again_makes_nothing_twice():
    ids, sent = register(MINTED, destinations(), subscribed(APP_TOPICS), subscribed(SELLER_TOPICS))

    assert ids == {topic: f"s-{topic}" for topic in hooks.topics}
    assert [r.method for r in sent[1:]] == ["GET"] * 3


def test_what_ebay_marked_down_or_sends_elsewhere_is_put_right():
    _ids, sent = register(
        MINTED,
        destinations("MARKED_DOWN"),
        (204, b""),
        subscribed(APP_TOPICS, destination="d-0"),
        (204, b""),
        (204, b""),
        subscribed(SELLER_TOPICS, status="DISABLED"),
        (204, b""),
        (204, b""),
    )

    assert [r.path.rpartition("/")[2] for r in sent if r.method == "PUT"] == [
        "d-1",
        *(f"s-{topic}" for topic in hooks.topics),
    ]


def test_a_subscription_that_another_process_made_meanwhile_is_found():
    exists = (409, {"errors": [{"errorId": 195012, "message": "Subscription already exists"}]})
    ids, _sent = register(
        MINTED,
        destinations(),
        subscribed(APP_TOPICS[:1]),
        exists,
        subscribed(APP_TOPICS),
        subscribed(SELLER_TOPICS),
    )

    assert ids["AUTHORIZATION_REVOCATION"] == "s-AUTHORIZATION_REVOCATION"


@pytest.mark.parametrize("number", [195011, 195027])
def test_a_topic_that_is_not_ours_to_have_stops_no_other(number):
    refused = (403, {"errors": [{"errorId": number, "message": "Not for this topic."}]})
    ids, _sent = register(
        MINTED,
        destinations(),
        subscribed(APP_TOPICS[1:]),
        refused,
        subscribed(SELLER_TOPICS),
    )

    assert list(ids) == [*APP_TOPICS[1:], *SELLER_TOPICS]


def test_an_application_without_verification_token_has_no_pushes():
    bare = replace(ACCOUNT, app=EBAY_APP)

    assert hooks.offered(ACCOUNT)
    assert not hooks.offered(bare)
    assert not hooks.offered(replace(ACCOUNT, app=None))
    with pytest.raises(NeedsSupport, match="verification token"):
        register(account=bare)


def test_unlinking_a_store_leaves_what_serves_everybody():
    gone = (404, {"errors": [{"errorId": 195013, "message": "does not exist"}]})
    call = ScriptedCall(ebay, ACCOUNT, (204, b""), gone)

    hooks.unregister(call, {topic: f"s-{topic}" for topic in hooks.topics} | {"x": "../y"})

    assert [(r.method, r.path.rpartition("/")[2]) for r in call.sent] == [
        ("DELETE", f"s-{topic}") for topic in SELLER_TOPICS
    ]
