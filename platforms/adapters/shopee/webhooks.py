"""What Shopee pushes. Fact sheet: docs/platforms/shopee.md, "Pushes"."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime

import msgspec

from platforms import reading
from platforms.adapter import Call, Webhooks
from platforms.adapters.shopee import calls
from platforms.news import News, Notice, Push, Reply
from platforms.signing import hmac_hex, same
from platforms.spec import Account, Request

NEWS = {
    1: News.OTHER,  # authorized: the callback tells us anyway
    2: News.REVOKED,
    3: News.ORDERS,
    4: News.ORDERS,  # a tracking number
    12: News.EXPIRES,
}


class _Data(msgspec.Struct):
    ordersn: str | None = None


class _Push(msgspec.Struct):
    code: int
    shop_id: int | None = None
    timestamp: int | None = None
    data: msgspec.Raw = msgspec.Raw(b"null")


class ShopeeWebhooks(Webhooks):
    """One address for the whole application; what is switched on is so for all its shops."""

    per_app = True
    topics = ("2", "3", "4", "12")

    def is_genuine(self, push: Push, account: Account, call: Call | None) -> bool:
        if account.app is None:
            return False
        message = f"{push.address}|".encode() + push.body
        wanted = hmac_hex(account.app.client_secret, message)
        return same(push.headers.get("authorization", ""), wanted)

    def read(self, push: Push) -> tuple[Notice, ...]:
        told = reading.read(msgspec.Raw(push.body), _Push)
        news = NEWS.get(told.code, News.OTHER)
        if news is not News.OTHER and told.shop_id is None:
            raise ValueError("the push names no shop")
        number = ""
        if news is News.ORDERS:
            number = reading.read(told.data, _Data).ordersn or ""
        shop_id = str(told.shop_id or "")
        return (
            Notice(
                news=news,
                # Pushes have no number of their own; sent again they are the same to the byte.
                key=hashlib.sha256(push.body).hexdigest(),
                topic=str(told.code),
                at=_moment(told.timestamp),
                shop_id=shop_id,
                account_id=shop_id,
                number=number,
            ),
        )

    def accepted(self, push: Push) -> Reply:
        return Reply(status=204)  # a body would count as a failure

    def register(self, call: Call, *, address: str, now: datetime) -> dict[str, str]:
        path = "/api/v2/push/set_app_push_config"
        app = calls.app_of(call.account)
        switched = [int(topic) for topic in self.topics]
        call(
            Request(
                method="POST",
                path=path,
                params=calls.signed(app, path, now=now),
                json={"callback_url": address, "set_push_config_on": switched},
                signed=False,
            )
        )
        return dict.fromkeys(self.topics, address)

    def unregister(self, call: Call, ids: Mapping[str, str]) -> None:
        """The application's own switches serve everybody."""


def _moment(seconds: int | None) -> datetime | None:
    if not seconds or not 0 < seconds < 4_000_000_000:
        return None
    return datetime.fromtimestamp(seconds, UTC)
