"""Who lives at Wish in the emulator. Everything is invented and opens nothing else."""

from __future__ import annotations

from dataclasses import dataclass

from platforms.emulator.actors import Account, App

ORDER_SCOPES = ("orders:read", "tickets:read", "tickets:write")
MORE_SCOPES = ("merchant:read", "webhook:read", "webhook:write")
ALL_SCOPES = (*ORDER_SCOPES, *MORE_SCOPES)


def _private(key: str, digit: str, scopes: tuple[str, ...] = ALL_SCOPES) -> App:
    return App(
        key=key,
        platform="wish",
        client_id=f"e2e0{digit * 20}",
        client_secret=f"emulatorwishsecret{digit * 14}",
        scopes=scopes,
    )


APPS: tuple[App, ...] = (
    App(
        key="wish",
        platform="wish",
        client_id="e2e000000000000000000001",
        client_secret="emulatorwishsecret00000000000001",
        scopes=ALL_SCOPES,
    ),
    _private("wish-coral-app", "a"),
    _private("wish-pebble-app", "b", (*ORDER_SCOPES, "merchant:read")),
    _private("wish-no-orders-app", "c", ("tickets:read", "merchant:read")),
    _private("wish-stateless-app", "d"),
)
_SECRETS = {app.key: app for app in APPS}


@dataclass(frozen=True, kw_only=True)
class WishAccount(Account):
    """`private_app`: the application that the merchant made, whose consent only they can give."""

    key: str
    merchant_id: str
    name: str
    orders: int
    private_app: str
    currency: str = "USD"
    disabled: bool = False
    sites: tuple[str, ...] = ("US", "GB", "DE", "FR")  # where buyers live; Wish has no sites
    platform: str = "wish"

    @property
    def label(self) -> str:
        return f"{self.name} ({self.merchant_id})"

    @property
    def account_id(self) -> str:
        return self.merchant_id

    def ways(self) -> dict[str, dict[str, str]]:
        app = _SECRETS[self.private_app]
        own = {"client_id": app.client_id, "client_secret": app.client_secret}
        return {"private_app": own, "authorization_code": {}}

    def number(self, serial: int) -> str:
        from platforms.emulator import wish_payload

        return wish_payload.number_of(self, serial)


ACCOUNTS: tuple[WishAccount, ...] = (
    WishAccount(
        key="wish-coral",
        merchant_id="5e20c0a1aaaaaaaaaaaaaaa1",
        name="Coral Emulated Gadgets",
        orders=40,
        private_app="wish-coral-app",
    ),
    WishAccount(
        key="wish-pebble",
        merchant_id="5e20c0a1aaaaaaaaaaaaaaa2",
        name="Pebble Emulated Fashion",
        orders=36,
        currency="EUR",
        private_app="wish-pebble-app",
    ),
    WishAccount(
        key="wish-stateless",
        merchant_id="5e20c0a1aaaaaaaaaaaaaaa5",
        name="Dune Emulated Outdoor",
        orders=12,
        private_app="wish-stateless-app",
    ),
    WishAccount(
        key="wish-disabled",
        merchant_id="5e20c0a1aaaaaaaaaaaaaaa3",
        name="Shoal Emulated Toys",
        orders=10,
        disabled=True,
        private_app="wish-coral-app",
    ),
    WishAccount(
        key="wish-no-orders",
        merchant_id="5e20c0a1aaaaaaaaaaaaaaa4",
        name="Reef Emulated Home",
        orders=10,
        private_app="wish-no-orders-app",
    ),
)
