"""Platform code -> adapter; one line per marketplace."""

from __future__ import annotations

from platforms.adapter import Adapter
from platforms.adapters.aliexpress import AliExpress
from platforms.adapters.amazon import Amazon
from platforms.adapters.ebay import Ebay
from platforms.adapters.lazada import Lazada
from platforms.adapters.ozon import Ozon
from platforms.adapters.shopee import Shopee
from platforms.adapters.shopify import Shopify
from platforms.adapters.tiktok_shop import TiktokShop
from platforms.adapters.wish import Wish

# In the order in which the wizard shows them.
_ADAPTERS: tuple[Adapter, ...] = (
    Ebay(),
    Amazon(),
    AliExpress(),
    TiktokShop(),
    Shopify(),
    Ozon(),
    Shopee(),
    Lazada(),
    Wish(),
)

_BY_CODE = {adapter.code: adapter for adapter in _ADAPTERS}


def all_adapters() -> tuple[Adapter, ...]:
    return _ADAPTERS


def codes() -> tuple[str, ...]:
    return tuple(_BY_CODE)


def codes_that_count_down() -> tuple[str, ...]:
    """Whose refresh tokens end on their day, however often they are used."""
    return tuple(adapter.code for adapter in _ADAPTERS if not adapter.refresh_renews)


def get(code: str) -> Adapter:
    """Raises KeyError for a platform we do not have."""
    return _BY_CODE[code]
