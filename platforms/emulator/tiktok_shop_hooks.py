"""TikTok Shop's webhooks: set for each shop, pushed signed. Facts: fact sheet tiktok-shop §7."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from typing import Any

from werkzeug.wrappers import Request, Response

from platforms.emulator.accounts import App
from platforms.emulator.book import Record
from platforms.emulator.cast.tiktok_shop import TiktokShopAccount
from platforms.emulator.state import Outgoing, State
from platforms.emulator.tiktok_shop_orders import CODE, json_body, refuse, success
from platforms.emulator.tiktok_shop_payload import facts_of, number_of, shop_of, status_of

EVENTS = {
    "ORDER_STATUS_CHANGE": 1,
    "RECIPIENT_ADDRESS_UPDATE": 3,
    "PACKAGE_UPDATE": 4,
    "PRODUCT_STATUS_CHANGE": 5,
    "SELLER_DEAUTHORIZATION": 6,
    "UPCOMING_AUTHORIZATION_EXPIRATION": 7,
    "CANCELLATION_STATUS_CHANGE": 11,
    "RETURN_STATUS_CHANGE": 12,
    "NEW_CONVERSATION": 13,
    "NEW_MESSAGE": 14,
}


class TiktokShopHooks:
    def __init__(self, state: State) -> None:
        self.state = state

    def handle(self, request: Request, app: App, shop: str) -> Response:
        hooks = self.state.keep(CODE).setdefault("hooks", {}).setdefault(shop, {})
        if request.method == "GET":
            listed = [{"event_type": t, "address": h["address"]} for t, h in hooks.items()]
            return success({"webhooks": listed, "total_count": len(listed)})
        body = json_body(request)
        topic = body.get("event_type")
        if topic not in EVENTS:
            refuse(36009004, "Invalid event_type")
        if request.method == "DELETE":
            hooks.pop(topic, None)
            return success({})
        address = str(body.get("address", ""))
        if not address.startswith(("http://", "https://")) or len(address) > 255:
            refuse(36009004, "Invalid address")
        hooks[topic] = {"address": address, "app": app.client_id}
        return success({})

    def _push(self, shop: str, topic: str, data: dict[str, Any]) -> bool:
        hook = self.state.kept.get(CODE, {}).get("hooks", {}).get(shop, {}).get(topic)
        app = self.state.app(CODE, hook["app"]) if hook else None
        if hook is None or app is None:
            return False
        body = json.dumps(
            {
                "type": EVENTS[topic],
                "tts_notification_id": str(secrets.randbelow(9 * 10**18) + 10**18),
                "shop_id": shop,
                "timestamp": int(self.state.now(CODE)),
                "data": data,
            },
            separators=(",", ":"),
        ).encode()
        key = app.client_secret.encode()
        sign = hmac.new(key, app.client_id.encode() + body, hashlib.sha256).hexdigest()
        headers = {"Content-Type": "application/json", "Authorization": sign}
        self.state.send(
            Outgoing(platform=CODE, topic=topic, url=hook["address"], body=body, headers=headers)
        )
        return True

    def _order_news(self, account: TiktokShopAccount, record: Record) -> dict[str, Any]:
        return {
            "order_id": number_of(account, record.serial),
            "order_status": status_of(record, facts_of(record, account, seed=self.state.seed)),
            "is_on_hold_order": False,
            "update_time": record.changed // 1000,
        }

    def orders_changed(self, seller: TiktokShopAccount, records: list[Record]) -> None:
        for record in records if seller.shops else ():
            shop = shop_of(seller, record.serial)[0]
            self._push(shop, "ORDER_STATUS_CHANGE", self._order_news(seller, record))

    def push(self, seller: TiktokShopAccount, topic: str) -> bool:
        if topic not in EVENTS:
            return False
        records = self.state.book(seller.key).records
        done = []
        for shop, _name, _region in seller.shops:
            data: dict[str, Any] = {"message": f"{topic} of shop_id {shop}"}
            if topic == "UPCOMING_AUTHORIZATION_EXPIRATION":
                data["expiration_time"] = str(int(self.state.now(CODE)) + 30 * 86_400)
            elif topic != "SELLER_DEAUTHORIZATION":
                sold = [r for r in records if shop_of(seller, r.serial)[0] == shop]
                data = self._order_news(seller, sold[-1]) if sold else data
            done.append(self._push(shop, topic, data))
        return any(done)
