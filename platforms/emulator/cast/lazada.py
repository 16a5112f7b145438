"""Lazada's sellers and applications in the emulator."""

from __future__ import annotations

from dataclasses import dataclass

from platforms.emulator.actors import Account, App
from platforms.emulator.book import scramble

# country -> currency, rate to the dollar
COUNTRIES: dict[str, tuple[str, str]] = {
    "sg": ("SGD", "1.35"),
    "my": ("MYR", "4.4"),
    "th": ("THB", "34"),
    "vn": ("VND", "25000"),
    "ph": ("PHP", "57"),
    "id": ("IDR", "16000"),
}


@dataclass(frozen=True, kw_only=True)
class LazadaAccount(Account):
    """One sign-in; several countries make it a cross-border seller with one token for all."""

    key: str
    user_id: str
    name: str
    countries: tuple[tuple[str, str], ...]  # country, seller id
    orders: int
    status: str = "ACTIVE"
    subscribed: bool = True
    own_app: str = ""  # key of an application of its own
    sites: tuple[str, ...] = ()
    platform: str = "lazada"

    @property
    def sellers(self) -> dict[str, str]:
        return dict(self.countries)

    @property
    def label(self) -> str:
        return f"{self.name} ({', '.join(self.sellers).upper()})"

    @property
    def account_id(self) -> str:
        return self.user_id

    def ways(self) -> dict[str, dict[str, str]]:
        found: dict[str, dict[str, str]] = {"authorization_code": {}}
        for app in APPS:
            if app.key == self.own_app:
                found["own_app"] = {"app_key": app.client_id, "app_secret": app.client_secret}
        return found

    def number(self, serial: int) -> str:
        return f"7{scramble(self.key, serial)}"


def site_of(account: LazadaAccount, serial: int) -> str:
    """The country an order was placed in."""
    return account.countries[serial % len(account.countries)][0]


APPS: tuple[App, ...] = (
    App(
        key="lazada",
        platform="lazada",
        client_id="990100",
        client_secret="EMULATORe2e0e2e0e2e0e2e0e2e0e2e0",
    ),
    App(
        key="lazada-own-banyan",
        platform="lazada",
        client_id="990101",
        client_secret="EMULATORe2e1e2e1e2e1e2e1e2e1e2e1",
    ),
)

ACCOUNTS: tuple[Account, ...] = (
    LazadaAccount(
        key="lazada-orchid",
        user_id="990200000001",
        name="Orchid Emulated Home",
        countries=(("sg", "99020001"), ("my", "99020002")),
        orders=48,
    ),
    LazadaAccount(
        key="lazada-banyan",
        user_id="990200000003",
        name="Banyan Emulated Outdoor",
        countries=(("th", "99020003"),),
        orders=40,
        own_app="lazada-own-banyan",
    ),
    LazadaAccount(
        key="lazada-inactive",
        user_id="990200000004",
        name="Durian Emulated Toys",
        countries=(("ph", "99020004"),),
        orders=10,
        status="INACTIVE",
    ),
    LazadaAccount(
        key="lazada-unsubscribed",
        user_id="990200000005",
        name="Rattan Emulated Garden",
        countries=(("vn", "99020005"),),
        orders=10,
        subscribed=False,
    ),
)
