"""Who lives at Ozon in the emulator. Everything is invented and opens nothing else."""

from __future__ import annotations

from dataclasses import dataclass

from platforms.emulator.actors import DAY, Account, App

_OZON_FBS = (
    "/v4/posting/fbs/list",
    "/v4/posting/fbs/unfulfilled/list",
    "/v3/posting/fbs/get",
)
_OZON_FBO = ("/v3/posting/fbo/list", "/v2/posting/fbo/get")
OZON_NOTIFICATIONS = tuple(
    f"/v1/notification/{each}"
    for each in ("set", "update", "delete", "enable", "list", "push-type/list")
)
OZON_ROLES: dict[str, tuple[str, ...]] = {
    # Which role opens the notification methods is not published.
    "Posting FBS": (*_OZON_FBS, *OZON_NOTIFICATIONS),
    "Posting FBO": _OZON_FBO,
    "Seller Info": ("/v1/seller/info",),
    "Product read only": ("/v3/product/list", "/v3/product/info/list"),
}
# What an application's scopes open; everybody's tokens may ask whose they are.
OZON_SCOPES: dict[str, tuple[str, ...]] = {
    "seller-api.posting-fbs": _OZON_FBS,
    "seller-api.posting-fbo": _OZON_FBO,
    "seller-api.notification": OZON_NOTIFICATIONS,
    "seller-api.product": ("/v3/product/list", "/v3/product/info/list"),
}
OZON_ORDER_ROLES = ("Posting FBS", "Posting FBO", "Seller Info")

APPS: tuple[App, ...] = (
    App(
        key="ozon",
        platform="ozon",
        client_id="e2e0e2e0-e2e0-4e2e-8e2e-00000000aa01",
        client_secret="emulator-ozon-e2e0e2e0e2e0e2e0e2e0e2e0",
        scopes=("seller-api.posting-fbs", "seller-api.posting-fbo"),
    ),
    App(
        key="ozon-own",
        platform="ozon",
        client_id="e2e0e2e0-e2e0-4e2e-8e2e-00000000aa02",
        client_secret="emulator-ozon-e2e1e2e1e2e1e2e1e2e1e2e1",
        scopes=("seller-api.posting-fbs", "seller-api.posting-fbo", "seller-api.notification"),
    ),
)


@dataclass(frozen=True, kw_only=True)
class OzonKey:
    """`expires_in` counts from the emulator's first start; None: an old key without an end."""

    key: str
    roles: tuple[str, ...]
    expires_in: int | None = 80 * DAY
    other_networks_only: bool = False


@dataclass(frozen=True, kw_only=True)
class OzonAccount(Account):
    key: str
    client_id: str
    name: str
    legal_name: str
    currency: str
    keys: tuple[OzonKey, ...]
    orders: int
    fbo: float = 0.3
    rfbs: float = 0.1
    premium: bool = False
    named_in_token: bool = True  # whether an access token carries the cabinet's number
    sites: tuple[str, ...] = ("ozon.ru",)
    platform: str = "ozon"

    @property
    def label(self) -> str:
        return f"{self.name} (Client-Id {self.client_id})"

    @property
    def account_id(self) -> str:
        return self.client_id

    def ways(self) -> dict[str, dict[str, str]]:
        own = next(app for app in APPS if app.key == "ozon-own")
        return {
            "api_key": {"client_id": self.client_id, "api_key": self.keys[0].key},
            "authorization_code": {},
            "own_app": {"client_id": own.client_id, "client_secret": own.client_secret},
        }

    def number(self, serial: int) -> str:
        from platforms.emulator import ozon_payload

        return ozon_payload.numbers_of(self, serial)[1]


def _ozon_key(last: int) -> str:
    return f"e2e0e2e0-e2e0-4e2e-8e2e-{last:012d}"


ACCOUNTS: tuple[OzonAccount, ...] = (
    OzonAccount(
        key="ozon-zarya",
        client_id="9900001",
        name="Zarya Emulated Lights",
        legal_name="Shenzhen Emulated Lighting Co., Ltd.",
        currency="CNY",
        keys=(
            OzonKey(key=_ozon_key(1), roles=OZON_ORDER_ROLES),
            OzonKey(key=_ozon_key(11), roles=("Posting FBS", "Seller Info")),
        ),
        orders=70,
    ),
    OzonAccount(
        key="ozon-expiring",
        client_id="9900002",
        name="Sopka Emulated Home",
        legal_name="Yiwu Emulated Trading Co., Ltd.",
        currency="RUB",
        keys=(OzonKey(key=_ozon_key(2), roles=OZON_ORDER_ROLES, expires_in=5 * DAY),),
        orders=36,
        premium=True,
    ),
    OzonAccount(
        key="ozon-bereza",
        client_id="9900006",
        name="Bereza Emulated Gifts",
        legal_name="Guangzhou Emulated Gifts Co., Ltd.",
        currency="CNY",
        keys=(OzonKey(key=_ozon_key(6), roles=OZON_ORDER_ROLES),),
        orders=40,
    ),
    OzonAccount(
        key="ozon-restricted",
        client_id="9900003",
        name="Taiga Emulated Sport",
        legal_name="Ningbo Emulated Sport Co., Ltd.",
        currency="CNY",
        keys=(OzonKey(key=_ozon_key(3), roles=OZON_ORDER_ROLES, other_networks_only=True),),
        orders=10,
    ),
    OzonAccount(
        key="ozon-no-postings",
        client_id="9900004",
        name="Rucheyok Emulated Kids",
        legal_name="Hangzhou Emulated Kids Co., Ltd.",
        currency="CNY",
        keys=(OzonKey(key=_ozon_key(4), roles=("Product read only", "Seller Info")),),
        orders=10,
    ),
    OzonAccount(
        key="ozon-expired",
        client_id="9900005",
        name="Polyana Emulated Garden",
        legal_name="Xiamen Emulated Garden Co., Ltd.",
        currency="CNY",
        keys=(
            OzonKey(key=_ozon_key(5), roles=OZON_ORDER_ROLES, expires_in=-2 * DAY),
            OzonKey(key=_ozon_key(55), roles=OZON_ORDER_ROLES),  # the renewed one
        ),
        orders=20,
        named_in_token=False,
    ),
)
