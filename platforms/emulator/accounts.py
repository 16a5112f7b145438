"""Who lives in the emulator: developer applications and seller accounts with fixed ids.

Everything here is invented and opens nothing but this emulator. The values have the form the
platforms use, so that they pass the same checks as real ones.
"""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import dataclass

from platforms.emulator import cast
from platforms.emulator.actors import DAY, Account, App, FixedToken

__all__ = ["ACCOUNTS", "APPS", "DAY", "Account", "App", "FixedToken", "of_platform"]


@dataclass(frozen=True, kw_only=True)
class EbayAccount(Account):
    key: str
    user_id: str
    username: str
    account_type: str
    site: str  # registrationMarketplaceId
    sites: tuple[str, ...]  # where its items are listed
    orders: int
    status: str = "CONFIRMED"
    platform: str = "ebay"

    @property
    def label(self) -> str:
        return self.username

    @property
    def account_id(self) -> str:
        return self.user_id

    def ways(self) -> dict[str, dict[str, str]]:
        return {"authorization_code": {}}

    def number(self, serial: int) -> str:
        from platforms.emulator import ebay_payload

        return ebay_payload.number_of(self, serial)


@dataclass(frozen=True, kw_only=True)
class AmazonAccount(Account):
    """One seller in one region. `refresh_token` is the self-authorized one of `private_app`."""

    key: str
    seller_id: str
    region: str
    store_name: str
    sites: tuple[str, ...]  # marketplace ids it sells on
    orders: int
    idle_sites: tuple[str, ...] = ()  # listed, but isParticipating is false
    pseudo_sites: tuple[tuple[str, str], ...] = ()  # (id, name), as the live service lists them
    suspended_listings: tuple[str, ...] = ()
    private_app: str = ""
    refresh_token: str = ""
    amazon_fulfilled: float = 0.35
    platform: str = "amazon"

    @property
    def label(self) -> str:
        return f"{self.store_name} ({self.region.upper()}, {self.seller_id})"

    @property
    def account_id(self) -> str:
        return self.seller_id

    def ways(self) -> dict[str, dict[str, str]]:
        home = {"na": "US", "eu": "DE", "fe": "JP"}[self.region]
        found = {"website_authorization": {"site": home}}
        if self.private_app:
            app = APPS[self.private_app]
            found["self_authorization"] = {
                "region": self.region,
                "client_id": app.client_id,
                "client_secret": app.client_secret,
                "refresh_token": self.refresh_token,
                "seller_id": self.seller_id,
            }
        return found

    def number(self, serial: int) -> str:
        from platforms.emulator import amazon_payload

        return amazon_payload.number_of(self, serial)

    def fixed_tokens(self) -> tuple[FixedToken, ...]:
        if not self.refresh_token:
            return ()
        return (FixedToken(value=self.refresh_token, app=self.private_app),)


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
        own = APPS["ozon-own"]
        return {
            "api_key": {"client_id": self.client_id, "api_key": self.keys[0].key},
            "authorization_code": {},
            "own_app": {"client_id": own.client_id, "client_secret": own.client_secret},
        }

    def number(self, serial: int) -> str:
        from platforms.emulator import ozon_payload

        return ozon_payload.numbers_of(self, serial)[1]


# --- eBay -----------------------------------------------------------------------------

EBAY_SCOPE = "https://api.ebay.com/oauth/api_scope"
EBAY_SCOPES = (
    EBAY_SCOPE,
    f"{EBAY_SCOPE}/commerce.identity.readonly",
    f"{EBAY_SCOPE}/sell.fulfillment",
    f"{EBAY_SCOPE}/sell.fulfillment.readonly",
    f"{EBAY_SCOPE}/sell.finances",
    f"{EBAY_SCOPE}/sell.payment.dispute",
    f"{EBAY_SCOPE}/commerce.message",
    f"{EBAY_SCOPE}/commerce.notification.subscription",
)

# --- Amazon ---------------------------------------------------------------------------

# id -> (country, name, currency, language, domain, region); fact sheet amazon §1.0
MARKETPLACES: dict[str, tuple[str, str, str, str, str, str]] = {
    "ATVPDKIKX0DER": ("US", "Amazon.com", "USD", "en_US", "www.amazon.com", "na"),
    "A2EUQ1WTGCTBG2": ("CA", "Amazon.ca", "CAD", "en_CA", "www.amazon.ca", "na"),
    "A1AM78C64UM0Y8": ("MX", "Amazon.com.mx", "MXN", "es_MX", "www.amazon.com.mx", "na"),
    "A2Q3Y263D00KWC": ("BR", "Amazon.com.br", "BRL", "pt_BR", "www.amazon.com.br", "na"),
    "A1F83G8C2ARO7P": ("GB", "Amazon.co.uk", "GBP", "en_GB", "www.amazon.co.uk", "eu"),
    "A1PA6795UKMFR9": ("DE", "Amazon.de", "EUR", "de_DE", "www.amazon.de", "eu"),
    "A13V1IB3VIYZZH": ("FR", "Amazon.fr", "EUR", "fr_FR", "www.amazon.fr", "eu"),
    "APJ6JRA9NG5V4": ("IT", "Amazon.it", "EUR", "it_IT", "www.amazon.it", "eu"),
    "A1RKKUPIHCS9HS": ("ES", "Amazon.es", "EUR", "es_ES", "www.amazon.es", "eu"),
    "A1805IZSGTT6HS": ("NL", "Amazon.nl", "EUR", "nl_NL", "www.amazon.nl", "eu"),
    "AMEN7PMS3EDWL": ("BE", "Amazon.com.be", "EUR", "fr_BE", "www.amazon.com.be", "eu"),
    "A2NODRKZP88ZB9": ("SE", "Amazon.se", "SEK", "sv_SE", "www.amazon.se", "eu"),
    "A1C3SOZRARQ6R3": ("PL", "Amazon.pl", "PLN", "pl_PL", "www.amazon.pl", "eu"),
    "A28R8C7NBKEWEA": ("IE", "Amazon.ie", "EUR", "en_IE", "www.amazon.ie", "eu"),
    "A33AVAJ2PDY3EV": ("TR", "Amazon.com.tr", "TRY", "tr_TR", "www.amazon.com.tr", "eu"),
    "A2VIGQ35RCS4UG": ("AE", "Amazon.ae", "AED", "en_AE", "www.amazon.ae", "eu"),
    "A17E79C6D8DWNP": ("SA", "Amazon.sa", "SAR", "ar_SA", "www.amazon.sa", "eu"),
    "ARBP9OOSHTCHU": ("EG", "Amazon.eg", "EGP", "ar_EG", "www.amazon.eg", "eu"),
    "AE08WJ6YKNBMC": ("ZA", "Amazon.co.za", "ZAR", "en_ZA", "www.amazon.co.za", "eu"),
    "A21TJRUUN4KGV": ("IN", "Amazon.in", "INR", "en_IN", "www.amazon.in", "eu"),
    "A1VC38T7YXB528": ("JP", "Amazon.co.jp", "JPY", "ja_JP", "www.amazon.co.jp", "fe"),
    "A39IBJ37TRP1C6": ("AU", "Amazon.com.au", "AUD", "en_AU", "www.amazon.com.au", "fe"),
    "A19VAU5U5O7RUS": ("SG", "Amazon.sg", "SGD", "en_SG", "www.amazon.sg", "fe"),
}

ROLE_ORDERS = "Inventory and Order Tracking"
ROLE_SHIPPING = "Direct-to-Consumer Shipping"
ROLE_TAX = "Tax Invoicing"
ROLE_INSIGHTS = "Selling Partner Insights"
AMAZON_ROLES = (ROLE_ORDERS, ROLE_SHIPPING, ROLE_TAX, ROLE_INSIGHTS)

# --- Ozon -----------------------------------------------------------------------------

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

# --- the lists ------------------------------------------------------------------------

APPS: dict[str, App] = {
    app.key: app
    for app in (
        App(
            key="ebay",
            platform="ebay",
            client_id="Emulator-Storelin-PRD-e2e0e2e0e2e0-e2e0e2e0",
            client_secret="PRD-e2e0e2e0e2e0-e2e0-4e2e-8e2e-e2e0",
            redirect="Emulator_Trade-Emulator-Storel-eemul8or",
            scopes=EBAY_SCOPES,
            extra=(("verification_token", "emulator-verification-e2e0e2e0-e2e0e2e0"),),
        ),
        App(
            key="ebay-other",
            platform="ebay",
            client_id="Emulator-OtherApp-PRD-e2e1e2e1e2e1-e2e1e2e1",
            client_secret="PRD-e2e1e2e1e2e1-e2e1-4e2e-8e2e-e2e1",
            redirect="Emulator_Trade-Emulator-OtherA-eemul9or",
            scopes=EBAY_SCOPES[:4],
        ),
        App(
            key="amazon",
            platform="amazon",
            client_id="amzn1.application-oa2-client.e2e0e2e0e2e0e2e0e2e0e2e0e2e0e2e0",
            client_secret="amzn1.oa2-cs.v1." + "e2e0" * 16,
            application_id="amzn1.sp.solution.e2e0e2e0-e2e0-4e2e-8e2e-e2e0e2e0e2e0",
        ),
        App(
            key="amazon-draft",
            platform="amazon",
            client_id="amzn1.application-oa2-client.e2e1e2e1e2e1e2e1e2e1e2e1e2e1e2e1",
            client_secret="amzn1.oa2-cs.v1." + "e2e1" * 16,
            application_id="amzn1.sp.solution.e2e1e2e1-e2e1-4e2e-8e2e-e2e1e2e1e2e1",
            draft=True,
        ),
        App(
            key="amazon-private-aurora",
            platform="amazon",
            client_id="amzn1.application-oa2-client.e2eae2eae2eae2eae2eae2eae2eae2ea",
            client_secret="amzn1.oa2-cs.v1." + "e2ea" * 16,
            public=False,
        ),
        App(
            key="amazon-private-pinecone",
            platform="amazon",
            client_id="amzn1.application-oa2-client.e2ebe2ebe2ebe2ebe2ebe2ebe2ebe2eb",
            client_secret="amzn1.oa2-cs.v1." + "e2eb" * 16,
            public=False,
        ),
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
}


def _ozon_key(last: int) -> str:
    return f"e2e0e2e0-e2e0-4e2e-8e2e-{last:012d}"


_EBAY: tuple[EbayAccount, ...] = (
    EbayAccount(
        key="ebay-lantern",
        user_id="eMuLanTern1",
        username="emu_lantern_home",
        account_type="BUSINESS",
        site="EBAY_GB",
        sites=("EBAY_GB", "EBAY_DE", "EBAY_US"),
        orders=64,
    ),
    EbayAccount(
        key="ebay-willow",
        user_id="eMuWiLLow02",
        username="emu-willow.outdoor",
        account_type="BUSINESS",
        site="EBAY_US",
        sites=("EBAY_US",),
        orders=48,
    ),
    EbayAccount(
        key="ebay-hold",
        user_id="eMuOnHoLd03",
        username="emu_hold_gadgets",
        account_type="INDIVIDUAL",
        site="EBAY_DE",
        sites=("EBAY_DE",),
        orders=12,
        status="ACCOUNTONHOLD",
    ),
)

_EBAY += (
    EbayAccount(
        key="ebay-magnolia",
        user_id="eMuMaGnoLia4",
        username="emu_magnolia_gifts",
        account_type="BUSINESS",
        site="EBAY_US",
        sites=("EBAY_US", "EBAY_GB"),
        orders=40,
    ),
    EbayAccount(
        key="ebay-harbour",
        user_id="eMuHaRbouR5",
        username="emu_harbour_tools",
        account_type="BUSINESS",
        site="EBAY_DE",
        sites=("EBAY_DE",),
        orders=40,
    ),
)

_PSEUDO = ("AZMDEXL2RVFNN", "SI UK Prod Marketplace")

_AMAZON = (
    AmazonAccount(
        key="amazon-aurora-eu",
        seller_id="A2EMULAURORAEU",
        region="eu",
        store_name="Aurora Emulated Living",
        sites=("A1PA6795UKMFR9", "A1F83G8C2ARO7P", "A13V1IB3VIYZZH", "APJ6JRA9NG5V4"),
        idle_sites=("A1C3SOZRARQ6R3",),
        pseudo_sites=(_PSEUDO,),
        private_app="amazon-private-aurora",
        refresh_token="Atzr|IwEBIEMULATOR-aurora-eu-0001",
        orders=72,
    ),
    AmazonAccount(
        key="amazon-aurora-na",
        seller_id="A2EMULAURORANA",
        region="na",
        store_name="Aurora Emulated Living",
        sites=("ATVPDKIKX0DER", "A2EUQ1WTGCTBG2"),
        idle_sites=("A1AM78C64UM0Y8",),
        private_app="amazon-private-aurora",
        refresh_token="Atzr|IwEBIEMULATOR-aurora-na-0001",
        orders=56,
    ),
    AmazonAccount(
        key="amazon-aurora-fe",
        seller_id="A2EMULAURORAFE",
        region="fe",
        store_name="Aurora Emulated Living",
        sites=("A1VC38T7YXB528",),
        private_app="amazon-private-aurora",
        refresh_token="Atzr|IwEBIEMULATOR-aurora-fe-0001",
        orders=30,
    ),
    AmazonAccount(
        key="amazon-pinecone-eu",
        seller_id="A3EMULPINECONE",
        region="eu",
        store_name="Pinecone Emulated Toys",
        sites=("A1PA6795UKMFR9",),
        suspended_listings=("A1PA6795UKMFR9",),
        private_app="amazon-private-pinecone",
        refresh_token="Atzr|IwEBIEMULATOR-pinecone-eu-0001",
        orders=18,
        amazon_fulfilled=0.0,
    ),
)

_OZON = (
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

_CAST = [
    importlib.import_module(f"{cast.__name__}.{found.name}")
    for found in pkgutil.iter_modules(cast.__path__)
]
_ALL: tuple[Account, ...] = (
    *_EBAY, *_AMAZON, *_OZON, *(account for module in _CAST for account in module.ACCOUNTS),
)  # fmt: skip

APPS |= {app.key: app for module in _CAST for app in module.APPS}
ACCOUNTS: dict[str, Account] = {a.key: a for a in _ALL}


def of_platform(platform: str) -> tuple[Account, ...]:
    return tuple(a for a in ACCOUNTS.values() if a.platform == platform)
