"""Ozon's pushes. Fact sheet: docs/platforms/ozon.md, "Pushes".

Ozon signs nothing. What vouches for a push is the address, which nobody else can know, and
the cabinet it names; so a push is only ever a hint to read the list again.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import UTC, datetime

import msgspec

from platforms import reading
from platforms.adapter import Call, Webhooks
from platforms.errors import Fault, PlatformError, platform_error
from platforms.news import News, Notice, Push, Reply
from platforms.spec import Account, AppKeys, Request

PING = "TYPE_PING"


class _Message(msgspec.Struct):
    message_type: str
    seller_id: int | str | None = None  # a number in some messages, a string in others
    posting_number: str | None = None
    changed_state_date: datetime | None = None
    in_process_at: datetime | None = None


class _Type(msgspec.Struct):
    type: str | None = None


class _Address(msgspec.Struct):
    id: int
    url: str | None = None
    enable: bool = True
    types: list[_Type] | None = None


class _Addresses(msgspec.Struct):
    urls: list[_Address] | None = None


class OzonWebhooks(Webhooks):
    topics = (
        "TYPE_NEW_POSTING",
        "TYPE_POSTING_CANCELLED",
        "TYPE_STATE_CHANGED",
        "TYPE_CUTOFF_DATE_CHANGED",
        "TYPE_DELIVERY_DATE_CHANGED",
    )

    def offered(self, account: Account) -> bool:
        # A consent asks for the order scopes alone, and its token may not name the cabinet that
        # a push must be held against.
        return account.mode == "api_key"

    def challenge(self, push: Push, app: AppKeys | None) -> Reply | None:
        message = _read(push)
        if message is None or message.message_type != PING:
            return None
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return _reply(200, {"version": "1.0", "name": "Storelink", "time": now})

    def is_genuine(self, push: Push, account: Account, call: Call | None) -> bool:
        message = _read(push)
        ours = account.account_id or account.secrets.get("client_id", "")
        if message is None or message.seller_id is None or not ours:
            return False
        return hmac.compare_digest(str(message.seller_id).encode(), ours.encode())

    def read(self, push: Push) -> tuple[Notice, ...]:
        message = msgspec.json.decode(push.body, type=_Message)
        at = message.changed_state_date or message.in_process_at
        seller = str(message.seller_id or "")
        return (
            Notice(
                news=News.ORDERS if message.message_type in self.topics else News.OTHER,
                key=hashlib.sha256(push.body).hexdigest(),  # Ozon numbers nothing
                topic=(reading.text(message.message_type) or "")[:60],
                at=reading.moment(at) if at else None,
                shop_id=seller,
                account_id=seller,
                number=reading.number(message.posting_number) if message.posting_number else "",
            ),
        )

    def accepted(self, push: Push) -> Reply:
        return _reply(200, {"result": True})

    def refused(self, push: Push) -> Reply:
        error = {"code": "ERROR_UNKNOWN", "message": "not accepted", "details": None}
        return _reply(403, {"error": error})

    def register(self, call: Call, *, address: str, now: datetime) -> dict[str, str]:
        known = _find(call, address)
        if known is None:
            _ask(call, "set", {"url": address, "types": list(self.topics)})
            known = _find(call, address)
        else:
            self._mend(call, known)
        if known is None:
            raise platform_error(Fault.BAD_RESPONSE, "the address is not listed after it was set")
        return dict.fromkeys(self.topics, str(known.id))

    def _mend(self, call: Call, known: _Address) -> None:
        """Ozon switches an address off that answered badly for a day."""
        if not set(self.topics) <= {each.type for each in known.types or ()}:
            _ask(call, "update", {"id": known.id, "types": list(self.topics)})
        if not known.enable:
            _ask(call, "enable", {"id": known.id, "enabled": True})

    def unregister(self, call: Call, ids: Mapping[str, str]) -> None:
        for number in sorted(set(ids.values())):
            if not number.isdecimal():
                continue
            try:
                _ask(call, "delete", {"id": int(number)})
            except PlatformError as exc:
                if exc.fault is not Fault.INVALID_REQUEST:  # else it is gone already
                    raise


def _read(push: Push) -> _Message | None:
    return reading.try_decode(push.body, _Message)


def _find(call: Call, address: str) -> _Address | None:
    answer = call(Request(method="POST", path="/v1/notification/list"))
    urls = reading.decode(answer, _Addresses).urls or []
    return next((each for each in urls if each.url == address), None)


def _ask(call: Call, what: str, body: Mapping[str, object]) -> None:
    call(Request(method="POST", path=f"/v1/notification/{what}", json=body))


def _reply(status: int, body: Mapping[str, object]) -> Reply:
    return Reply(status=status, body=json.dumps(body, separators=(",", ":")).encode())
