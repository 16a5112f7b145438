"""eBay's Notification API. Fact sheet: docs/platforms/ebay.md, "Notifications"."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from datetime import datetime

import msgspec
from django.core.cache import cache

from platforms import reading
from platforms.adapter import Call, Webhooks
from platforms.adapters.ebay import signatures, tokens
from platforms.errors import Fault, PlatformError, platform_error
from platforms.news import News, Notice, Push, Reply
from platforms.spec import Account, Answer, AppKeys, Request

BASE = "/commerce/notification/v1"
VERIFICATION = "verification_token"
VERIFICATION_FORM = r"[A-Za-z0-9_-]{32,80}"
KEY_KEPT_S = 3600

DELETION = "MARKETPLACE_ACCOUNT_DELETION"
REVOCATION = "AUTHORIZATION_REVOCATION"
# Subscribed to once for the whole application, the others for each seller with the seller's token.
APP_TOPICS = (DELETION, REVOCATION)
SELLER_TOPICS = ("ORDER_CONFIRMATION", "ITEM_MARKED_SHIPPED")

EXISTS = "195012"  # "Subscription already exists"
NOT_OURS = ("195011", "195027")  # not authorized for the topic, no such topic
GONE = ("195013", "HTTP 404")


class _DeliveryConfig(msgspec.Struct):
    endpoint: str = ""
    verificationToken: str | None = None


class _Destination(msgspec.Struct):
    destinationId: str
    status: str = ""
    deliveryConfig: _DeliveryConfig | None = None


class _Destinations(msgspec.Struct):
    destinations: list[_Destination] | None = None


class _Subscription(msgspec.Struct):
    subscriptionId: str
    topicId: str = ""
    destinationId: str = ""
    status: str = ""


class _Subscriptions(msgspec.Struct):
    subscriptions: list[_Subscription] | None = None


class _Metadata(msgspec.Struct):
    topic: str


class _Data(msgspec.Struct):
    """Of all topics together; `seller` names are of order topics (shape unproved)."""

    username: str | None = None
    userId: str | None = None
    eiasToken: str | None = None
    revokeReason: str | None = None
    revocationDate: datetime | None = None
    orderId: str | None = None


class _News(msgspec.Struct):
    notificationId: str
    eventDate: datetime | None = None
    data: _Data | None = None


class _Envelope(msgspec.Struct):
    metadata: _Metadata
    notification: _News


class EbayWebhooks(Webhooks):
    """One address for the whole keyset. eBay wants it before it answers any production call."""

    per_app = True
    topics = (*APP_TOPICS, *SELLER_TOPICS)

    def offered(self, account: Account) -> bool:
        return bool(account.app and _verification_token(account.app))

    def challenge(self, push: Push, app: AppKeys | None) -> Reply | None:
        code = push.query.get("challenge_code", "")
        token = _verification_token(app) if app else ""
        if push.method != "GET" or not code or not token:
            return None
        said = hashlib.sha256(f"{code}{token}{push.address}".encode()).hexdigest()
        return Reply(body=json.dumps({"challengeResponse": said}).encode())

    def is_genuine(self, push: Push, account: Account, call: Call | None) -> bool:
        signature = signatures.read_header(push.headers.get("x-ebay-signature", ""))
        if signature is None:
            return False
        key = _public_key(signature.kid.lower(), account, call)
        return key is not None and signatures.fits(signature, push.body, key)

    def refused(self, push: Push) -> Reply:
        return Reply(status=412)  # what eBay's own kit answers

    def read(self, push: Push) -> tuple[Notice, ...]:
        told = reading.read(msgspec.Raw(push.body), _Envelope)
        news, topic, data = told.notification, told.metadata.topic, told.notification.data
        if not news.notificationId:
            raise ValueError("the notification has no id")
        return (_notice(topic, news, data or _Data()),)

    # --- subscriptions

    def register(self, call: Call, *, address: str, now: datetime) -> dict[str, str]:
        app = tokens.app_of(call.account)
        if not _verification_token(app):
            raise platform_error(Fault.INVALID_REQUEST, "the application has no verification token")
        ours = tokens.application_token(call)
        destination = _ensure_destination(call, ours, address, _verification_token(app))
        made = _ensure_subscriptions(call, ours, APP_TOPICS, destination)
        return made | _ensure_subscriptions(call, "", SELLER_TOPICS, destination)

    def unregister(self, call: Call, ids: Mapping[str, str]) -> None:
        """The application's own subscriptions stay: they serve everybody."""
        for topic, id_ in ids.items():
            if topic in APP_TOPICS or not re.fullmatch(r"[\w-]+", id_):
                continue
            try:
                _send(call, "", "DELETE", f"/subscription/{id_}")
            except PlatformError as exc:
                if not exc.detail.startswith(GONE):
                    raise


def _notice(topic: str, news: _News, data: _Data) -> Notice:
    at = reading.moment(news.eventDate) if news.eventDate else None
    user = reading.text(data.userId, limit=100) or ""
    if topic == DELETION:
        buyers = tuple(filter(None, (data.username, data.userId, data.eiasToken)))
        if not buyers:
            raise ValueError("the notification names nobody")
        return Notice(
            news=News.ERASE_BUYER, key=news.notificationId, topic=topic, at=at, buyers=buyers
        )
    if topic == REVOCATION:
        if not user:
            raise ValueError("the notification names no account")
        return Notice(
            news=News.REVOKED, key=news.notificationId, topic=topic, account_id=user,
            at=reading.moment(data.revocationDate) if data.revocationDate else at,
            reason=re.sub(r"\W", "", data.revokeReason or "")[:40],
        )  # fmt: skip
    if topic in SELLER_TOPICS:
        return Notice(
            news=News.ORDERS, key=news.notificationId, topic=topic, at=at, account_id=user,
            number=reading.text(data.orderId, limit=64) or "",
        )  # fmt: skip
    known = reading.text(topic, limit=80) or ""
    return Notice(news=News.OTHER, key=news.notificationId, topic=known, at=at)


def _verification_token(app: AppKeys) -> str:
    token = app.extra.get(VERIFICATION, "")
    return token if re.fullmatch(VERIFICATION_FORM, token) else ""


def _public_key(kid: str, account: Account, call: Call | None) -> signatures.PublicKey | None:
    """From eBay's own host and kept for an hour; what does not look like a key is not kept."""
    place = f"ebay/public_key/{account.environment}/{kid}"
    kept = cache.get(place)
    if kept is not None:
        return msgspec.json.decode(kept, type=signatures.PublicKey)
    if call is None:
        return None
    token = tokens.application_token(call)
    try:
        answer = _send(call, token, "GET", f"/public_key/{kid}")
    except PlatformError as exc:
        if exc.fault is Fault.INVALID_REQUEST:
            return None  # eBay knows no such key
        raise
    key = reading.decode(answer, signatures.PublicKey)
    cache.set(place, msgspec.json.encode(key), KEY_KEPT_S)
    return key


def _send(
    call: Call,
    token: str,
    method: str,
    path: str,
    *,
    json: object | None = None,
    params: Mapping[str, str] | None = None,
) -> Answer:
    """With an application token, or ("") with the seller's own."""
    return call(
        Request(
            method=method,
            path=BASE + path,
            operation="notification",
            params=params or {},
            headers={"authorization": f"Bearer {token}"} if token else {},
            json=json,
            signed=not token,
        )
    )


def _ensure_destination(call: Call, token: str, address: str, verification: str) -> str:
    answer = _send(call, token, "GET", "/destination", params={"limit": "100"})
    wanted = {
        "name": "Storelink",
        "status": "ENABLED",
        "deliveryConfig": {"endpoint": address, "verificationToken": verification},
    }
    for known in reading.decode(answer, _Destinations).destinations or ():
        config = known.deliveryConfig or _DeliveryConfig()
        if config.endpoint != address:
            continue
        # eBay marks an address down that did not answer for a day.
        if known.status != "ENABLED" or config.verificationToken not in (None, verification):
            _send(call, token, "PUT", f"/destination/{_id(known.destinationId)}", json=wanted)
        return known.destinationId
    made = _made(_send(call, token, "POST", "/destination", json=wanted))
    if not made:
        raise platform_error(Fault.BAD_RESPONSE, "the new destination has no id")
    return made


def _ensure_subscriptions(
    call: Call, token: str, topics: tuple[str, ...], destination: str
) -> dict[str, str]:
    found = _subscriptions(call, token)
    for topic in topics:
        known = found.get(topic)
        wanted = {
            "destinationId": destination,
            "status": "ENABLED",
            "payload": {"format": "JSON", "schemaVersion": "1.0", "deliveryProtocol": "HTTPS"},
        }
        if known is None:
            try:
                answer = _send(
                    call, token, "POST", "/subscription", json={"topicId": topic, **wanted}
                )
            except PlatformError as exc:
                if exc.detail.startswith(NOT_OURS):
                    continue  # the others are worth having without it
                if not exc.detail.startswith(EXISTS):  # made by another process meanwhile
                    raise
                found = _subscriptions(call, token) | found
            else:
                found[topic] = _Subscription(subscriptionId=_made(answer), topicId=topic)
        elif (known.destinationId, known.status) != (destination, "ENABLED"):
            _send(call, token, "PUT", f"/subscription/{_id(known.subscriptionId)}", json=wanted)
    return {topic: found[topic].subscriptionId for topic in topics if topic in found}


def _subscriptions(call: Call, token: str) -> dict[str, _Subscription]:
    answer = _send(call, token, "GET", "/subscription", params={"limit": "100"})
    known = reading.decode(answer, _Subscriptions).subscriptions or ()
    return {each.topicId: each for each in known}


def _made(answer: Answer) -> str:
    """The id at the end of the Location of what was just made."""
    found = re.search(r"/([\w-]+)/?$", answer.headers.get("location", ""))
    return found[1] if found else ""


def _id(value: str) -> str:
    """An id that becomes part of a path."""
    if not re.fullmatch(r"[\w-]+", value):
        raise platform_error(Fault.BAD_RESPONSE, "an id is none")
    return value
