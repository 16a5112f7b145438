"""Shopee's sellers and applications in the emulator."""

from __future__ import annotations

from dataclasses import dataclass

from platforms.emulator.actors import Account, App
from platforms.emulator.book import scramble

REGIONS = ("global", "cn", "br")
# country -> currency, rate to the dollar
COUNTRIES: dict[str, tuple[str, str]] = {
    "SG": ("SGD", "1.35"),
    "MY": ("MYR", "4.4"),
    "TH": ("THB", "34"),
    "TW": ("TWD", "32"),
    "VN": ("VND", "25000"),
    "PH": ("PHP", "57"),
    "BR": ("BRL", "5.4"),
}


@dataclass(frozen=True, kw_only=True)
class ShopeeAccount(Account):
    """A shop, or with `main_id` a main account with several; each shop has tokens of its own."""

    key: str
    name: str
    region: str  # where it signs in
    shops: tuple[tuple[str, str], ...]  # shop id, country
    orders: int
    main_id: str = ""
    status: str = "NORMAL"
    permitted: bool = True  # its application may read orders
    own_app: str = ""  # key of an application of its own
    sites: tuple[str, ...] = ()
    platform: str = "shopee"

    @property
    def label(self) -> str:
        return f"{self.name} ({', '.join(country for _, country in self.shops)})"

    @property
    def account_id(self) -> str:
        return self.shops[0][0]

    def ways(self) -> dict[str, dict[str, str]]:
        place = {"region": self.region}
        found = {"authorization_code": dict(place)}
        for app in APPS:
            if app.key == self.own_app:
                typed = {"partner_id": app.client_id, "partner_key": app.client_secret}
                found["own_app"] = place | typed
        return found

    def number(self, serial: int) -> str:
        return f"261120EM{scramble(self.key, serial)}"


def shop_of(account: ShopeeAccount, serial: int) -> tuple[str, str]:
    """Shop id and country an order was placed in."""
    return account.shops[serial % len(account.shops)]


APPS: tuple[App, ...] = (
    App(
        key="shopee",
        platform="shopee",
        client_id="9901001",
        client_secret="shpk" + "e2e0" * 15,
    ),
    App(
        key="shopee-own-mango",
        platform="shopee",
        client_id="9901002",
        client_secret="shpk" + "e2e1" * 15,
    ),
)

ACCOUNTS: tuple[Account, ...] = (
    ShopeeAccount(
        key="shopee-mango",
        name="Mango Emulated Home",
        region="global",
        shops=(("990300001", "SG"),),
        orders=40,
        own_app="shopee-own-mango",
    ),
    ShopeeAccount(
        key="shopee-lychee",
        name="Lychee Emulated Trading",
        region="cn",
        shops=(("990300002", "MY"), ("990300003", "PH")),
        orders=48,
        main_id="990400001",
    ),
    ShopeeAccount(
        key="shopee-frozen",
        name="Papaya Emulated Toys",
        region="br",
        shops=(("990300004", "BR"),),
        orders=10,
        status="FROZEN",
    ),
)
