"""What TikTok Shop calls us about. Fact sheet: docs/platforms/tiktok_shop.md, "Webhooks"."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime

import msgspec

from platforms import reading, signing
from platforms.adapter import Call, Webhooks
from platforms.adapters.tiktok_shop.orders import moment
from platforms.adapters.tiktok_shop.shops import ciphers_of
from platforms.errors import Fault, PlatformError
from platforms.news import News, Notice, Push
from platforms.spec import Account, Request

PATH = "/event/202309/webhooks"
# type in a push -> (its name at registration, what it means to us)
TYPES: dict[int, tuple[str, News]] = {
    1: ("ORDER_STATUS_CHANGE", News.ORDERS),
    3: ("RECIPIENT_ADDRESS_UPDATE", News.ORDERS),
    4: ("PACKAGE_UPDATE", News.ORDERS),
    6: ("SELLER_DEAUTHORIZATION", News.REVOKED),
    7: ("UPCOMING_AUTHORIZATION_EXPIRATION", News.EXPIRES),
    11: ("CANCELLATION_STATUS_CHANGE", News.ORDERS),
    12: ("RETURN_STATUS_CHANGE", News.ORDERS),
}


class _Data(msgspec.Struct):
    order_id: str | None = None


class _Push(msgspec.Struct):
    type: int
    shop_id: str = ""
    timestamp: int | None = None
    tts_notification_id: str | None = None
    data: msgspec.Raw = msgspec.Raw(b"{}")


class TiktokShopWebhooks(Webhooks):
    topics = tuple(topic for topic, _news in TYPES.values())

    def is_genuine(self, push: Push, account: Account, call: Call | None) -> bool:
        if account.app is None:
            return False
        text = account.app.client_id.encode() + push.body
        wanted = signing.hmac_hex(account.app.client_secret, text)
        return signing.same(push.headers.get("authorization", ""), wanted)

    def read(self, push: Push) -> tuple[Notice, ...]:
        said = reading.read(msgspec.Raw(push.body), _Push)
        topic, news = TYPES.get(said.type, (str(said.type), News.OTHER))
        data = reading.try_decode(bytes(said.data), _Data) or _Data()
        return (
            Notice(
                news=news,
                key=said.tts_notification_id or _key(said),
                topic=topic,
                at=moment(said.timestamp) if said.timestamp else None,
                shop_id=said.shop_id.strip(),
                number=(data.order_id or "").strip() if news is News.ORDERS else "",
                reason=topic if news in (News.REVOKED, News.EXPIRES) else "",
            ),
        )

    def register(self, call: Call, *, address: str, now: datetime) -> dict[str, str]:
        """Topic -> the shops it was set for: TikTok Shop knows no numbers of subscriptions."""
        done: dict[str, list[str]] = {}
        for shop, cipher in ciphers_of(call.account).items():
            for topic in self.topics:
                try:
                    call(_about(topic, cipher, "PUT", address=address))
                except PlatformError as exc:
                    if exc.fault is not Fault.INSUFFICIENT_SCOPE:
                        raise
                    continue  # e.g. returns without their permission; the polling goes on
                done.setdefault(topic, []).append(shop)
        return {topic: ",".join(shops) for topic, shops in done.items()}

    def unregister(self, call: Call, ids: Mapping[str, str]) -> None:
        ciphers = ciphers_of(call.account)
        for topic, shops in ids.items():
            for shop in shops.split(","):
                if shop in ciphers:
                    call(_about(topic, ciphers[shop], "DELETE"))


def _about(topic: str, cipher: str, method: str, **more: str) -> Request:
    return Request(
        method=method,
        path=PATH,
        operation="webhooks",
        params={"shop_cipher": cipher},
        json={"event_type": topic, **more},
    )


def _key(said: _Push) -> str:
    """Older pushes bring no number of their own."""
    digest = hashlib.sha256(bytes(said.data)).hexdigest()[:32]
    return f"{said.type}:{said.shop_id}:{said.timestamp or 0}:{digest}"
