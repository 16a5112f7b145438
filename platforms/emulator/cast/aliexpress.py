"""AliExpress's people: two shops, one of which has an application of its own, a buyer who takes
himself for a seller, and an application that was never granted the order API group."""

from __future__ import annotations

from dataclasses import dataclass

from platforms.emulator.actors import Account, App

SCOPES = ("orders",)


@dataclass(frozen=True, kw_only=True)
class AliExpressAccount(Account):
    key: str
    seller_id: str
    login_id: str
    shop_id: int
    shop_name: str
    orders: int
    buyer: bool = False  # a buyer account: consents, and may nothing
    own_app: str = ""  # key of the application that the seller registered
    warehouse: float = 0.15  # shipped by the platform
    platform: str = "aliexpress"
    sites: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        return f"{self.shop_name} ({self.login_id})"

    @property
    def account_id(self) -> str:
        return self.seller_id

    def ways(self) -> dict[str, dict[str, str]]:
        found: dict[str, dict[str, str]] = {"authorization_code": {}}
        for app in APPS:
            if app.key == self.own_app:
                found["own_app"] = {"app_key": app.client_id, "app_secret": app.client_secret}
        return found

    def number(self, serial: int) -> str:
        from platforms.emulator import aliexpress_payload

        return aliexpress_payload.number_of(self, serial)


APPS: tuple[App, ...] = (
    App(
        key="aliexpress",
        platform="aliexpress",
        client_id="509900",
        client_secret="EmuAeOurAppSecret0123456789abcde",
        scopes=SCOPES,
    ),
    App(
        key="aliexpress-own-harbor",
        platform="aliexpress",
        client_id="509901",
        client_secret="EmuAeHarborSecret0123456789abcde",
        scopes=SCOPES,
    ),
    App(
        key="aliexpress-own-bare",
        platform="aliexpress",
        client_id="509902",
        client_secret="EmuAeBareSecret00123456789abcdef",
        scopes=(),
    ),
)
ACCOUNTS: tuple[Account, ...] = (
    AliExpressAccount(
        key="aliexpress-harbor",
        seller_id="2639900001",
        login_id="cn1520009901emua",
        shop_id=911990001,
        shop_name="Harbor Lights Store",
        orders=40,
        own_app="aliexpress-own-harbor",
    ),
    AliExpressAccount(
        key="aliexpress-meadow",
        seller_id="2639900002",
        login_id="cn1520009902emub",
        shop_id=911990002,
        shop_name="Meadow Home Store",
        orders=24,
        own_app="aliexpress-own-bare",
    ),
    AliExpressAccount(
        key="aliexpress-buyer",
        seller_id="2639900003",
        login_id="us1520009903emuc",
        shop_id=0,
        shop_name="A buyer without a shop",
        orders=0,
        buyer=True,
    ),
)
