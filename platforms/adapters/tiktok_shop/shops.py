"""The shops of an authorization and their keys ("ciphers"), which nearly every call must name."""

from __future__ import annotations

import msgspec

from platforms import reading
from platforms.adapter import Call
from platforms.errors import Fault, platform_error
from platforms.spec import Account, AppKeys, Request

PREFIX = "cipher:"


class FoundShop(msgspec.Struct):
    id: str
    name: str | None = None
    region: str | None = None
    cipher: str | None = None

    @property
    def title(self) -> str:
        return reading.text(self.name) or self.id

    @property
    def site(self) -> str:
        return (self.region or "").strip().upper()


class _Shops(msgspec.Struct):
    shops: list[FoundShop] | None = None


class _ShopsAnswer(msgspec.Struct):
    data: _Shops | None = None


def read_shops(call: Call) -> list[FoundShop]:
    """The active shops; none where the account has no such."""
    answer = call(Request(method="GET", path="/authorization/202309/shops", operation="shops"))
    found = (reading.decode(answer, _ShopsAnswer).data or _Shops()).shops or []
    for shop in found:
        shop.id = shop.id.strip()
    if not all(shop.id for shop in found):
        raise platform_error(Fault.BAD_RESPONSE, "a shop has no number")
    return found


def load_ciphers(call: Call) -> dict[str, str]:
    return {PREFIX + shop.id: shop.cipher for shop in read_shops(call) if shop.cipher}


def cipher_of(account: Account) -> str:
    """Of the shop the account stands for, "" where none is known."""
    known = [name for name in account.secrets if name.startswith(PREFIX)]
    names = [PREFIX + account.shop_ids[0]] if account.shop_ids else known
    return account.secrets.get(names[0], "") if len(names) == 1 else ""


def ciphers_of(account: Account) -> dict[str, str]:
    """Shop id -> key, of the linked shops."""
    known = {
        name.removeprefix(PREFIX): value
        for name, value in account.secrets.items()
        if name.startswith(PREFIX)
    }
    return {shop: key for shop, key in known.items() if shop in (account.shop_ids or known)}


def app_of(account: Account) -> AppKeys:
    if account.app is None:
        raise platform_error(Fault.INVALID_REQUEST, "no application is set up for TikTok Shop")
    return account.app
