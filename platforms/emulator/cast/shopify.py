"""The shops of the emulated Shopify, and the apps that ask for them."""

from __future__ import annotations

from dataclasses import dataclass

from platforms.emulator.actors import Account, App, FixedToken

SCOPES = ("read_orders", "read_all_orders", "read_customers", "read_products")


@dataclass(frozen=True, kw_only=True)
class ShopifyAccount(Account):
    """One shop. `own_app` was made in its own organisation; `other_app` by somebody else."""

    key: str
    shop_id: int
    handle: str
    name: str
    country: str
    currency: str
    time_zone: str
    orders: int
    own_app: str
    other_app: str = ""
    token: str = ""  # of an app that was made in the admin before 2026
    frozen: bool = False
    platform: str = "shopify"
    sites: tuple[str, ...] = ()

    @property
    def domain(self) -> str:
        return f"{self.handle}.myshopify.com"

    @property
    def label(self) -> str:
        return f"{self.name} ({self.domain})"

    @property
    def account_id(self) -> str:
        return str(self.shop_id)

    def ways(self) -> dict[str, dict[str, str]]:
        known = {app.key: app for app in APPS}
        shop = {"shop_domain": self.domain}
        own = known[self.own_app]
        keys = {"client_id": own.client_id, "client_secret": own.client_secret}
        found = {"client_credentials": shop | keys, "authorization_code": shop}
        if self.other_app:
            other = known[self.other_app]
            keys = {"client_id": other.client_id, "client_secret": other.client_secret}
            found["custom_distribution"] = shop | keys
        if self.token:
            found["custom_app_token"] = shop | {"access_token": self.token}
        return found

    def number(self, serial: int) -> str:
        from platforms.emulator import shopify_payload

        return shopify_payload.number_of(self, serial)

    def fixed_tokens(self) -> tuple[FixedToken, ...]:
        if not self.token:
            return ()
        return (FixedToken(value=self.token, app=self.own_app, kind="access", scopes=SCOPES),)


def _app(key: str, serial: int, *, scopes: tuple[str, ...] = SCOPES, public: bool = False) -> App:
    return App(
        key=key,
        platform="shopify",
        client_id=f"e2e0{serial:028x}",
        client_secret=f"shpss_e2e0{serial:028x}",
        scopes=scopes,
        public=public,
    )


APPS: tuple[App, ...] = (
    _app("shopify", 1, public=True),
    _app("shopify-own-lantern", 2),
    _app("shopify-own-harbour", 3),
    _app("shopify-own-noorders", 4, scopes=("read_products",)),
    _app("shopify-own-frozen", 5),
    _app("shopify-agency", 6, public=True),
)

ACCOUNTS: tuple[Account, ...] = (
    ShopifyAccount(
        key="shopify-lantern",
        shop_id=66000001,
        handle="emu-lantern",
        name="Lantern Emulated Goods",
        country="US",
        currency="USD",
        time_zone="America/Toronto",
        orders=44,
        own_app="shopify-own-lantern",
        other_app="shopify-agency",
        token="shpat_e2e00000000000000000000000000001",
    ),
    ShopifyAccount(
        key="shopify-harbour",
        shop_id=66000002,
        handle="emu-harbour",
        name="Harbour Emulated Tools",
        country="DE",
        currency="EUR",
        time_zone="Europe/Berlin",
        orders=40,
        own_app="shopify-own-harbour",
    ),
    ShopifyAccount(
        # Its keys are of an app in another organisation: only the consent page works.
        key="shopify-agency-shop",
        shop_id=66000003,
        handle="emu-agency-shop",
        name="Agency Emulated Gifts",
        country="GB",
        currency="GBP",
        time_zone="Europe/London",
        orders=12,
        own_app="shopify-agency",
        other_app="shopify-agency",
    ),
    ShopifyAccount(
        key="shopify-no-orders",
        shop_id=66000004,
        handle="emu-no-orders",
        name="Scopeless Emulated Kids",
        country="US",
        currency="USD",
        time_zone="America/Chicago",
        orders=10,
        own_app="shopify-own-noorders",
    ),
    ShopifyAccount(
        key="shopify-frozen",
        shop_id=66000005,
        handle="emu-frozen",
        name="Frozen Emulated Garden",
        country="CA",
        currency="CAD",
        time_zone="America/Toronto",
        orders=10,
        own_app="shopify-own-frozen",
        frozen=True,
    ),
)
