"""What marketplaces push to us, in our words. Plain values: no database, no network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


@dataclass(frozen=True, kw_only=True)
class Push:
    """A call of a marketplace to us, as received. `address` is the one it was registered
    with, character by character; header names in lower case."""

    method: str
    address: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)


class News(StrEnum):
    """What a push is about; everything else is acknowledged and left."""

    ORDERS = "orders"  # orders changed: the stream is due
    ORDER_GONE = "order_gone"  # deleted at the platform; no pull will tell
    REVOKED = "revoked"  # our permission was taken away
    EXPIRES = "expires"  # the permission ends soon
    ERASE_BUYER = "erase_buyer"  # a buyer's data must go
    ERASE_SHOP = "erase_shop"  # all buyer data of a shop must go
    BUYER_ASKS = "buyer_asks"  # a buyer wants to know what is stored
    OTHER = "other"


@dataclass(frozen=True, kw_only=True)
class Notice:
    """One piece of news in a push. `key` is the same when it is sent again."""

    news: News
    key: str
    topic: str = ""  # the platform's own name
    at: datetime | None = None  # when it happened, by the platform
    shop_id: str = ""  # Shop.external_id it is about, "" for all of the authorization
    account_id: str = ""
    number: str = ""  # OrderData.number, where it is about one order
    buyers: tuple[str, ...] = ()  # ids, names, e-mail addresses to erase; never logged
    reason: str = ""  # the platform's own word, safe to show


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What a marketplace is answered."""

    status: int = 200
    body: bytes = b""
    content_type: str = "application/json"
