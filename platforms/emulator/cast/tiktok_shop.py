"""TikTok Shop's applications and seller accounts. Invented; they open nothing but the emulator."""

from __future__ import annotations

from dataclasses import dataclass

from platforms.emulator.actors import Account, App

SCOPES = ("seller.authorization.info", "seller.order.info", "seller.customer_service")


@dataclass(frozen=True, kw_only=True)
class TiktokShopAccount(Account):
    """`shops`: number, name, region. `user_type`: 0 seller, 1 creator, 3 partner."""

    key: str
    open_id: str
    name: str
    portal: str  # us or row
    shops: tuple[tuple[str, str, str], ...]
    orders: int
    user_type: int = 0
    ids_only: bool = False  # its searches answer with the orders' numbers alone
    own_app: bool = False  # has an application of its own
    sites: tuple[str, ...] = ()
    platform: str = "tiktok_shop"

    @property
    def label(self) -> str:
        return f"{self.name} ({self.portal.upper()})"

    @property
    def account_id(self) -> str:
        return self.open_id

    def ways(self) -> dict[str, dict[str, str]]:
        ways = {"authorization_code": {"region": self.portal}}
        if self.own_app:
            ways["own_app"] = {
                "region": self.portal,
                "app_key": OWN.client_id,
                "app_secret": OWN.client_secret,
                **OWN.extras,
            }
        return ways

    def number(self, serial: int) -> str:
        from platforms.emulator import tiktok_shop_payload

        return tiktok_shop_payload.number_of(self, serial)


OWN = App(
    key="tiktok_shop-own",
    platform="tiktok_shop",
    region="row",
    client_id="6emu0own0a03",
    client_secret="e1" * 19 + "03",
    scopes=SCOPES,
    extra=(("service_id", "7000000000000000903"),),
)
APPS: tuple[App, ...] = (
    App(
        key="tiktok_shop-us",
        platform="tiktok_shop",
        region="us",
        client_id="6emu0usa0a01",
        client_secret="e1" * 19 + "01",
        scopes=SCOPES,
        extra=(("service_id", "7000000000000000901"),),
    ),
    App(
        key="tiktok_shop-row",
        platform="tiktok_shop",
        region="row",
        client_id="6emu0row0a02",
        client_secret="e1" * 19 + "02",
        scopes=SCOPES,
        extra=(("service_id", "7000000000000000902"),),
    ),
    OWN,
)
ACCOUNTS: tuple[Account, ...] = (
    TiktokShopAccount(
        key="tiktok_shop-lumen",
        open_id="7010000000000000101",
        name="Lumen Home",
        portal="us",
        shops=(("7490000000000000101", "Lumen Home US", "US"),),
        orders=40,
    ),
    TiktokShopAccount(
        key="tiktok_shop-jasmin",
        open_id="7010000000000000102",
        name="Jasmin Global",
        portal="row",
        shops=(
            ("7490000000000000201", "Jasmin UK", "GB"),
            ("7490000000000000202", "Jasmin Deutschland", "DE"),
        ),
        orders=60,
        own_app=True,
    ),
    TiktokShopAccount(
        key="tiktok_shop-basil",
        open_id="7010000000000000103",
        name="Basil & Co",
        portal="row",
        shops=(("7490000000000000301", "Basil France", "FR"),),
        orders=12,
        ids_only=True,
    ),
    TiktokShopAccount(
        key="tiktok_shop-closed",
        open_id="7010000000000000104",
        name="Closed Shutters (no active shop)",
        portal="row",
        shops=(),
        orders=0,
    ),
    TiktokShopAccount(
        key="tiktok_shop-creator",
        open_id="7010000000000000105",
        name="Dancing Creator (not a seller)",
        portal="us",
        shops=(("7490000000000000501", "Creator", "US"),),
        orders=0,
        user_type=1,
    ),
)
