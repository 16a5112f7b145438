"""Wish's pushes. Fact sheet: docs/platforms/wish.md, "Pushes"."""

from __future__ import annotations

from datetime import datetime

import msgspec

from platforms import reading, signing
from platforms.adapter import Call, Webhooks
from platforms.news import News, Notice, Push
from platforms.spec import Account, Request

PATH = "/api/v3/webhook/subscriptions"
SCOPES = {"webhook:read", "webhook:write"}


class _Thing(msgspec.Struct):
    id: str = ""


class _Item(msgspec.Struct):
    data: _Thing
    timestamp: datetime | None = None


class _Subscription(msgspec.Struct):
    id: str | int = ""
    topic: str = ""
    endpoint: str = ""
    status: str | None = None


class _Subscriptions(msgspec.Struct):
    data: list[_Subscription]


class _Made(msgspec.Struct):
    data: _Subscription


class WishWebhooks(Webhooks):
    topics = ("ORDER_ALL",)

    def offered(self, account: Account) -> bool:
        """Applications for many sellers are subscribed in Wish's own dashboard, not by calls."""
        told = account.secrets.get("scopes")
        return account.mode == "private_app" and (told is None or set(told.split()) >= SCOPES)

    def is_genuine(self, push: Push, account: Account, call: Call | None) -> bool:
        if account.app is None or not account.app.client_secret:
            return False
        wanted = signing.hmac_base64(account.app.client_secret, push.body)
        return signing.same(push.headers.get("wish-hmac-sha256", ""), wanted)

    def read(self, push: Push) -> tuple[Notice, ...]:
        topic = push.headers.get("wish-topic", "")
        merchant = push.headers.get("wish-merchant-id", "")
        about_orders = topic.startswith("ORDER_")
        # Wish merges what happens within ten seconds into one list.
        return tuple(
            Notice(
                news=News.ORDERS if about_orders else News.OTHER,
                key=f"{topic}:{item.data.id}:{item.timestamp or ''}",
                topic=topic,
                at=reading.moment(item.timestamp) if item.timestamp else None,
                shop_id=merchant,
                account_id=merchant,
                number=item.data.id if about_orders else "",
            )
            for item in reading.read(msgspec.Raw(push.body), list[_Item])
        )

    def register(self, call: Call, *, address: str, now: datetime) -> dict[str, str]:
        answer = call(Request(method="GET", path=PATH, operation="api"))
        there = reading.decode(answer, _Subscriptions).data
        # Wish switches a subscription off when it could not deliver for a day.
        found = {
            each.topic: str(each.id)
            for each in there
            if each.endpoint == address and (each.status or "ACTIVE").upper() == "ACTIVE"
        }
        for topic in self.topics:
            if topic not in found:
                body = {"topic": topic, "endpoint": address}
                made = call(Request(method="POST", path=PATH, operation="api", json=body))
                found[topic] = str(reading.decode(made, _Made).data.id)
        return {topic: found[topic] for topic in self.topics}
