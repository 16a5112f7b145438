"""Who lives at Amazon in the emulator. Everything is invented and opens nothing else."""

from __future__ import annotations

from dataclasses import dataclass

from platforms.emulator.actors import Account, App, FixedToken

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

APPS: tuple[App, ...] = (
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
)
_BY_KEY = {app.key: app for app in APPS}


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
            app = _BY_KEY[self.private_app]
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


_PSEUDO = ("AZMDEXL2RVFNN", "SI UK Prod Marketplace")

ACCOUNTS: tuple[AmazonAccount, ...] = (
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
