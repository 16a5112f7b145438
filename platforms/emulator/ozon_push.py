"""Ozon's push notifications: addresses and what is sent there. Fact sheet ozon §7."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit

from werkzeug.wrappers import Response

from platforms.emulator.book import DAY_MS, Record
from platforms.emulator.cast.ozon import OzonAccount
from platforms.emulator.ozon_orders import check_shape, refuse
from platforms.emulator.ozon_payload import cutoff_of, is_fbo, numbers_of
from platforms.emulator.state import Outgoing, State
from platforms.emulator.wire import iso, json_answer

TYPES = (
    "TYPE_NEW_MESSAGE", "TYPE_UPDATE_MESSAGE", "TYPE_MESSAGE_READ", "TYPE_CHAT_CLOSED",
    "TYPE_NEW_POSTING", "TYPE_POSTING_SHIPPED", "TYPE_POSTING_CANCELLED", "TYPE_STATE_CHANGED",
    "TYPE_DELIVERY_DATE_CHANGED", "TYPE_CUTOFF_DATE_CHANGED", "TYPE_CREATE_ITEM",
    "TYPE_UPDATE_ITEM", "TYPE_CREATE_OR_UPDATE_ITEM", "TYPE_STOCKS_CHANGED",
)  # fmt: skip
POSTING_TYPES = (
    "TYPE_NEW_POSTING", "TYPE_POSTING_CANCELLED", "TYPE_STATE_CHANGED",
    "TYPE_CUTOFF_DATE_CHANGED", "TYPE_DELIVERY_DATE_CHANGED",
)  # fmt: skip
# Pushes have names of their own for states.
STATES = {
    "pending": "posting_acceptance_in_progress",
    "new": "posting_created",
    "partial": "posting_transferring_to_delivery",
    "shipped": "posting_on_way_to_city",
    "delivered": "posting_received",
    "part_refunded": "posting_received",
    "refunded": "posting_received",
    "cancelled": "posting_canceled",
}
Address = dict[str, Any]


class OzonPush:
    def __init__(self, state: State) -> None:
        self.state = state

    def _addresses(self, account: str) -> list[Address]:
        found: list[Address] = self.state.keep("ozon").setdefault(account, [])
        return found

    # --- methods

    def handle(self, path: str, body: dict[str, Any], account: OzonAccount) -> Response:
        name = path.removeprefix("/v1/notification/")
        addresses = self._addresses(account.key)
        if name == "list":
            return json_answer({"urls": [self._shown(each) for each in addresses]})
        if name == "push-type/list":
            return json_answer({"types": [{"type": t, "description": t} for t in TYPES]})
        if name == "set":
            return self._set(body, addresses)
        shapes: dict[str, dict[str, type]] = {
            "update": {"id": int, "url": str, "types": list},
            "enable": {"id": int, "enabled": bool},
            "delete": {"id": int},
        }
        check_shape(body, shapes[name], "")
        found = next((each for each in addresses if each["id"] == body.get("id")), None)
        if found is None:
            refuse(404, 5, "notification url is not found")
        if name == "delete":
            addresses.remove(found)
        elif name == "enable":
            found["enable"] = body.get("enabled", False)
        else:
            found["types"] = self._types(body) if "types" in body else found["types"]
            found["url"] = self._url(body) if "url" in body else found["url"]
        return Response(status=200)

    def _set(self, body: dict[str, Any], addresses: list[Address]) -> Response:
        check_shape(body, {"url": str, "types": list}, "")
        url, types = self._url(body), self._types(body)
        if any(each["url"] == url for each in addresses):
            refuse(409, 6, "notification url already exists")
        kept = self.state.keep("ozon")
        kept["last_id"] = kept.get("last_id", 1000) + 1
        now = self.state.now_ms("ozon")
        addresses.append(
            {"id": kept["last_id"], "url": url, "types": types, "enable": True,
             "created_at": iso(now)}
        )  # fmt: skip
        self._send(url, {"message_type": "TYPE_PING", "time": iso(now, digits=0)})
        return Response(status=200)

    def _url(self, body: dict[str, Any]) -> str:
        parts = urlsplit(body.get("url", ""))
        # Ozon wants https; an emulator's product listens on http at home.
        if parts.scheme != "https" and parts.hostname not in ("127.0.0.1", "localhost"):
            refuse(400, 3, "invalid request: url must be https")
        return str(body["url"])

    def _types(self, body: dict[str, Any]) -> list[str]:
        types = body.get("types") or []
        if not types or not set(map(str, types)) <= set(TYPES):
            refuse(400, 3, "invalid request: types is empty or has an unknown one")
        return [str(each) for each in types]

    def _shown(self, address: Address) -> Address:
        types = [{"type": each, "description": each} for each in address["types"]]
        return {**address, "types": types}

    # --- pushes

    def orders_changed(self, account: OzonAccount, records: list[Record]) -> None:
        for record in records:
            if is_fbo(account, record.serial):
                continue  # what Ozon ships itself is not pushed
            if record.stage == "cancelled":
                topic = "TYPE_POSTING_CANCELLED"
            else:
                topic = "TYPE_STATE_CHANGED" if record.revision else "TYPE_NEW_POSTING"
            self._push(account, topic, record)

    def push(self, account: OzonAccount, topic: str) -> bool:
        if topic not in POSTING_TYPES:
            return False
        records = self.state.book(account.key).records
        mine = [record for record in records if not is_fbo(account, record.serial)]
        return bool(mine) and self._push(account, topic, mine[-1])

    def _push(self, account: OzonAccount, topic: str, record: Record) -> bool:
        heard = [
            each
            for each in self._addresses(account.key)
            if each["enable"] and topic in each["types"]
        ]
        for each in heard:
            self._send(each["url"], self._message(account, topic, record))
        return bool(heard)

    def _message(self, account: OzonAccount, topic: str, record: Record) -> dict[str, Any]:
        # seller_id is a number in some messages and a string in others.
        seller = account.client_id if topic == "TYPE_POSTING_CANCELLED" else int(account.client_id)
        message: dict[str, Any] = {
            "message_type": topic,
            "seller_id": seller,
            "posting_number": numbers_of(account, record.serial)[1],
            "warehouse_id": 23_463_726_191_000,
        }
        if topic == "TYPE_NEW_POSTING":
            message |= {"products": [], "in_process_at": iso(record.placed, digits=0)}
        elif topic in ("TYPE_STATE_CHANGED", "TYPE_POSTING_CANCELLED"):
            message |= {
                "new_state": STATES[record.stage],
                "changed_state_date": iso(record.changed),
            }
        else:
            shown = iso(cutoff_of(record))
            message |= {"new_date": shown, "old_date": iso(cutoff_of(record) - DAY_MS)}
        return message

    def _send(self, url: str, message: dict[str, Any]) -> None:
        self.state.send(
            Outgoing(
                platform="ozon",
                topic=message["message_type"],
                url=url,
                body=json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode(),
                headers={"Content-Type": "application/json"},
            )
        )
