"""What Shopify pushes. Fact sheet: docs/platforms/shopify.md, "Webhooks"."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import ClassVar

import msgspec

from platforms import reading
from platforms.adapter import Call, Webhooks
from platforms.adapters.shopify import queries
from platforms.adapters.shopify.graphql import ask
from platforms.errors import Fault, platform_error
from platforms.news import News, Notice, Push
from platforms.signing import hmac_base64, same
from platforms.spec import Account

NEWS = {
    "orders/delete": News.ORDER_GONE,
    "app/uninstalled": News.REVOKED,
    "customers/redact": News.ERASE_BUYER,
    "shop/redact": News.ERASE_SHOP,
    "customers/data_request": News.BUYER_ASKS,
}
# Their body is the shop itself, so `id` is the shop's.
OF_THE_SHOP = ("app/uninstalled", "shop/update")


class _Customer(msgspec.Struct):
    id: int | None = None
    email: str | None = None
    phone: str | None = None


class _Body(msgspec.Struct):
    id: int | None = None
    shop_id: int | None = None
    customer: _Customer | None = None
    orders_to_redact: list[int] | None = None
    orders_requested: list[int] | None = None


class _Hook(msgspec.Struct):
    id: str
    topic: str
    uri: str | None = None


class _PageInfo(msgspec.Struct):
    hasNextPage: bool = False
    endCursor: str | None = None


class _Hooks(msgspec.Struct):
    nodes: list[_Hook]
    pageInfo: _PageInfo


class _HookPage(msgspec.Struct):
    webhookSubscriptions: _Hooks


class _UserError(msgspec.Struct):
    message: str = ""


class _Id(msgspec.Struct):
    id: str


class _Creation(msgspec.Struct):
    webhookSubscription: _Id | None = None
    userErrors: list[_UserError] | None = None


class _Created(msgspec.Struct):
    webhookSubscriptionCreate: _Creation


class ShopifyWebhooks(Webhooks):
    # orders/updated also tells of payments, cancellations, edits, refunds and fulfilments.
    topics: ClassVar[tuple[str, ...]] = (
        "ORDERS_CREATE",
        "ORDERS_UPDATED",
        "ORDERS_DELETE",
        "APP_UNINSTALLED",
    )

    def offered(self, account: Account) -> bool:
        # They are signed with a secret that the seller was never asked for.
        return account.mode != "custom_app_token"

    def is_genuine(self, push: Push, account: Account, call: Call | None) -> bool:
        secret = account.app.client_secret if account.app else ""
        secret = secret or account.secrets.get("client_secret", "")
        given = push.headers.get("x-shopify-hmac-sha256", "")
        return bool(secret) and same(given, hmac_base64(secret, push.body))

    def read(self, push: Push) -> tuple[Notice, ...]:
        topic = push.headers.get("x-shopify-topic", "")
        key = push.headers.get("x-shopify-webhook-id", "")
        if not topic or not key:
            raise ValueError("a push without a topic or without an id")
        body = reading.read(msgspec.Raw(push.body), _Body)
        news = NEWS.get(topic, News.ORDERS if topic.startswith("orders/") else News.OTHER)
        shop = body.id if topic in OF_THE_SHOP else body.shop_id
        notice = Notice(
            news=news,
            key=key,
            topic=topic,
            at=_moment(push.headers.get("x-shopify-triggered-at", "")),
            shop_id=str(shop or ""),
            account_id=str(shop or ""),
            number=str(body.id or "") if topic.startswith("orders/") else "",
            buyers=_buyers(body.customer) if news is News.ERASE_BUYER else (),
        )
        orders = body.orders_to_redact if news is News.ERASE_BUYER else None
        each = tuple(
            replace(notice, key=f"{key}/{order}", number=str(order)) for order in orders or ()
        )
        return each or (notice,)

    def register(self, call: Call, *, address: str, now: datetime) -> dict[str, str]:
        ids = self._registered(call, address)
        for topic in self.topics:
            if topic not in ids:
                ids[topic] = self._create(call, topic, address)
        return ids

    def _registered(self, call: Call, address: str) -> dict[str, str]:
        """What is subscribed to already, so that repeating makes no second one."""
        ids: dict[str, str] = {}
        after: str | None = None
        for _page in range(20):
            hooks = ask(call, queries.HOOKS, {"after": after}, _HookPage).webhookSubscriptions
            mine = (hook for hook in hooks.nodes if hook.uri == address)
            ids |= {hook.topic: hook.id for hook in mine if hook.topic in self.topics}
            after = hooks.pageInfo.endCursor
            if not (hooks.pageInfo.hasNextPage and after):
                break
        return ids

    def _create(self, call: Call, topic: str, address: str) -> str:
        variables = {"topic": topic, "sub": {"uri": address}}
        made = ask(call, queries.HOOK_CREATE, variables, _Created).webhookSubscriptionCreate
        if made.webhookSubscription is None:
            told = ", ".join(each.message for each in made.userErrors or ())
            raise platform_error(Fault.INVALID_REQUEST, reading.short(f"{topic}: {told}"))
        return made.webhookSubscription.id

    def unregister(self, call: Call, ids: Mapping[str, str]) -> None:
        for each in ids.values():
            ask(call, queries.HOOK_DELETE, {"id": each}, dict[str, object])


def _buyers(customer: _Customer | None) -> tuple[str, ...]:
    if customer is None:
        return ()
    found = (str(customer.id or ""), customer.email, customer.phone)
    return tuple(each for each in found if each)


def _moment(value: str) -> datetime | None:
    try:
        return reading.moment(datetime.fromisoformat(value)) if value else None
    except ValueError:
        return None
