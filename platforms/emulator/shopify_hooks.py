"""Shopify's webhooks: subscriptions by GraphQL, signed pushes. Facts: fact sheet shopify §7."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import uuid
from typing import Any

from platforms.emulator.accounts import APPS
from platforms.emulator.book import Record
from platforms.emulator.cast.shopify import ShopifyAccount
from platforms.emulator.shopify_payload import number_of
from platforms.emulator.state import Outgoing, State, Token
from platforms.emulator.wire import iso

TOPICS = {
    "ORDERS_CREATE": "orders/create",
    "ORDERS_UPDATED": "orders/updated",
    "ORDERS_DELETE": "orders/delete",
    "ORDERS_CANCELLED": "orders/cancelled",
    "APP_UNINSTALLED": "app/uninstalled",
    "SHOP_UPDATE": "shop/update",
}
# Not subscribed to: their address belongs to the app, here to the same as its other pushes.
PRIVACY = ("customers/data_request", "customers/redact", "shop/redact")


class ShopifyHooks:
    def __init__(self, state: State) -> None:
        self.state = state

    def _hooks(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.state.keep("shopify").setdefault("hooks", [])
        return found

    # --- GraphQL

    def listed(
        self,
        token: Token,
        account: ShopifyAccount,
        *,
        first: int | None = None,
        after: str | None = None,
    ) -> dict[str, Any]:
        mine = [
            {"id": hook["id"], "topic": hook["topic"], "uri": hook["uri"]}
            for hook in self._hooks()
            if (hook["account"], hook["client_id"]) == (account.key, token.client_id)
        ]
        return {"nodes": mine[:first], "pageInfo": {"hasNextPage": False, "endCursor": None}}

    def mutations(self, token: Token, account: ShopifyAccount) -> dict[str, Any]:
        def create(topic: str, webhookSubscription: dict[str, Any]) -> dict[str, Any]:
            return self._create(token, account, topic, str(webhookSubscription.get("uri", "")))

        return {"webhookSubscriptionCreate": create, "webhookSubscriptionDelete": self._delete}

    def _create(
        self, token: Token, account: ShopifyAccount, topic: str, uri: str
    ) -> dict[str, Any]:
        hook = {
            "account": account.key,
            "client_id": token.client_id,
            "topic": topic,
            "uri": uri,
        }
        complaint = ""
        if topic not in TOPICS:
            complaint = "Topic is invalid"
        elif not uri.startswith(("https://", f"{self.state.callback_base}/")):
            complaint = "Address is invalid"
        elif any(hook.items() <= old.items() for old in self._hooks()):
            complaint = "Address for this topic has already been taken"
        if complaint:
            errors = [{"field": ["webhookSubscription"], "message": complaint}]
            return {"webhookSubscription": None, "userErrors": errors}
        serial = self.state.keep("shopify").setdefault("last_hook", 1000) + 1
        self.state.keep("shopify")["last_hook"] = serial
        hook["id"] = f"gid://shopify/WebhookSubscription/{serial}"
        self._hooks().append(hook)
        made = {"id": hook["id"], "topic": topic, "uri": uri}
        return {"webhookSubscription": made, "userErrors": []}

    def _delete(self, id: str) -> dict[str, Any]:
        hooks = self._hooks()
        kept = [hook for hook in hooks if hook["id"] != id]
        if len(kept) == len(hooks):
            errors = [{"field": ["id"], "message": "Webhook subscription does not exist"}]
            return {"deletedWebhookSubscriptionId": None, "userErrors": errors}
        self.state.keep("shopify")["hooks"] = kept
        return {"deletedWebhookSubscriptionId": id, "userErrors": []}

    # --- pushes

    def orders_changed(self, account: ShopifyAccount, records: list[Record]) -> None:
        for record in records:
            body = {
                "id": int(number_of(account, record.serial)),
                "name": f"#{1000 + record.serial}",
                "updated_at": iso(record.changed, digits=0),
            }
            for topic in ("ORDERS_UPDATED",) if record.revision else TOPICS_OF_NEW:
                self._tell(account, topic, body)

    def access_ended(self, account: ShopifyAccount) -> None:
        self._tell(account, "APP_UNINSTALLED", _shop(account))
        self.state.keep("shopify")["hooks"] = [
            hook for hook in self._hooks() if hook["account"] != account.key
        ]

    def push(self, account: ShopifyAccount, topic: str) -> bool:
        name = topic.upper().replace("/", "_")
        if topic in PRIVACY:
            uris = {hook["uri"]: hook for hook in self._hooks() if hook["account"] == account.key}
            for hook in uris.values():
                self._send(account, hook, topic, self._private(account))
            return True
        if name not in TOPICS:
            return False
        records = self.state.book(account.key).records
        if name.startswith("ORDERS_"):
            number = int(number_of(account, records[-1].serial)) if records else 1
            self._tell(account, name, {"id": number})
        else:
            self._tell(account, name, _shop(account))
        return True

    def _private(self, account: ShopifyAccount) -> dict[str, Any]:
        records = self.state.book(account.key).records[-1:]
        orders = [int(number_of(account, record.serial)) for record in records]
        return {
            "shop_id": account.shop_id,
            "shop_domain": account.domain,
            "customer": {"id": 207119551, "email": "buyer@example.test", "phone": None},
            "orders_to_redact": orders,
            "orders_requested": orders,
        }

    def _tell(self, account: ShopifyAccount, topic: str, body: dict[str, Any]) -> None:
        for hook in self._hooks():
            if (hook["account"], hook["topic"]) == (account.key, topic):
                self._send(account, hook, TOPICS[topic], body)

    def _send(
        self, account: ShopifyAccount, hook: dict[str, Any], topic: str, body: dict[str, Any]
    ) -> None:
        app = self.state.app("shopify", hook["client_id"])
        secret = app.client_secret if app else APPS["shopify"].client_secret
        raw = json.dumps(body, separators=(",", ":")).encode()
        digest = hmac.new(secret.encode(), raw, hashlib.sha256).digest()
        now = iso(self.state.now_ms("shopify")).removesuffix("Z")
        self.state.send(
            Outgoing(
                platform="shopify",
                topic=topic,
                url=hook["uri"],
                body=raw,
                headers={
                    "Content-Type": "application/json",
                    "X-Shopify-Topic": topic,
                    "X-Shopify-Shop-Domain": account.domain,
                    "X-Shopify-API-Version": "2026-07",
                    "X-Shopify-Webhook-Id": str(uuid.uuid4()),
                    "X-Shopify-Event-Id": str(uuid.uuid4()),
                    "X-Shopify-Triggered-At": f"{now}000000Z",
                    "X-Shopify-Hmac-SHA256": base64.b64encode(digest).decode(),
                },
            )
        )


TOPICS_OF_NEW = ("ORDERS_CREATE", "ORDERS_UPDATED")


def _shop(account: ShopifyAccount) -> dict[str, Any]:
    return {"id": account.shop_id, "name": account.name, "myshopify_domain": account.domain}
